// What a mount shows: the aggregate, one server, or a toolset; and under which names. Pure data over the settings.
import type { UpstreamId } from '../../core/call/call.ts'
import { kinds } from '../../core/call/item-kinds.ts'
import { readSelector, type Selector, selects } from '../../core/call/selector.ts'
import { type Pins, pinsOf } from '../../core/call/tool-pins.ts'
import type { Definition } from './definition.ts'
import { bareName, givenName, visibleName } from './names.ts'
import type { ToolsetSettings } from './settings.ts'
import { climbs } from './skills.ts'

/** A server and its own name of an item, which need not be listed. */
export type Owned = Pick<Definition, 'upstream' | 'name'>
/** What its visible name depends on. */
export type Named = Pick<Definition, 'kind' | 'upstream' | 'name'>

/** How one mount sees the servers. */
export interface Selection {
  readonly mount: string
  /** The one server that the mount is, undefined for the aggregate and toolsets. */
  readonly server: UpstreamId | undefined
  /** The servers that it may show, in configuration order. */
  readonly servers: readonly UpstreamId[]
  /** Versions of tools that it shows alone. */
  readonly versions: Pins | undefined
  shows(item: Owned): boolean
  /** What is not shown although something that is shown leads to it, a template or a tool with a user interface. */
  excludes(item: Owned): boolean
  /** Whether a link that an item of the server gave may be followed, though it leads to what is not shown. */
  leads(item: Owned): boolean
  /** The name it would have; `exact` where nothing had to be changed, so that it has the first claim. */
  name(item: Named): { readonly wanted: string; readonly exact: boolean }
  /** Another description, where configuration gives one. */
  describe(item: Named): string | undefined
  /** Whether an unknown visible name could be one of this server's. */
  couldOwn(server: UpstreamId, visible: string): boolean
}

export function aggregate(servers: readonly UpstreamId[], bare: UpstreamId | undefined): Selection {
  return {
    mount: '',
    server: undefined,
    servers,
    versions: undefined,
    shows: () => true,
    excludes: () => false,
    leads: () => true,
    name: (definition) => natural(definition, bare),
    describe: () => undefined,
    couldOwn: (server, visible) => server === bare || visible.startsWith(`${server}__`),
  }
}

export function single(server: UpstreamId): Selection {
  return {
    mount: server,
    server,
    servers: [server],
    versions: undefined,
    shows: () => true,
    excludes: () => false,
    leads: () => true,
    name: ({ name }) => ({ wanted: name, exact: true }),
    describe: () => undefined,
    couldOwn: () => true,
  }
}

export function toolset(mount: string, settings: ToolsetSettings, servers: readonly UpstreamId[]): Selection {
  const include = settings.include.map(readSelector)
  const exclude = settings.exclude.map(readSelector)
  const rename = new Map(Object.entries(settings.rename))
  const describe = new Map(Object.entries(settings.describe))
  const shows = (item: Owned): boolean => include.some((one) => matches(one, item)) && !exclude.some((one) => matches(one, item))
  const excludes = (item: Owned): boolean => climbs(item.name) || exclude.some((one) => matches(one, item))
  const key = ({ upstream, name }: Named): string => `${upstream}/${name}`
  return {
    mount,
    server: undefined,
    servers: servers.filter((server) => include.some((one) => one.server === server)),
    versions: pinsOf(settings.versions),
    shows,
    excludes,
    // What says which URIs of a server it shows has said it of its links, too.
    leads: (item) => shows(item) || (!excludes(item) && !include.some((one) => one.server === item.upstream && namesUris(one))),
    name: (definition) => {
      const given = rename.get(key(definition))
      if (given === undefined || kinds[definition.kind].key !== 'name') return natural(definition, undefined)
      return { wanted: givenName(definition.upstream, definition.name, given), exact: false }
    },
    describe: (definition) => describe.get(key(definition)),
    couldOwn: (server, visible) =>
      visible.startsWith(`${server}__`) || [...rename].some(([from, to]) => to === visible && from.startsWith(`${server}/`)),
  }
}

/** Tools and prompts get their server's prefix; URIs are never changed. */
function natural({ kind, upstream, name }: Named, bare: UpstreamId | undefined): { wanted: string; exact: boolean } {
  if (kinds[kind].key !== 'name') return { wanted: name, exact: true }
  const wanted = upstream === bare ? bareName(upstream, name) : visibleName(upstream, name)
  return { wanted, exact: wanted === name || wanted === `${upstream}__${name}` }
}

function namesUris({ name }: Selector): boolean {
  return name?.includes(':') === true
}

function matches(selector: Selector, { upstream, name }: Owned): boolean {
  return selects(selector, upstream, name)
}
