// What one mount shows at one moment: immutable maps from visible names to items, in configuration order and then in the order of the
// servers, and the bytes of its lists, assembled from the definitions as they came.
import { createHash } from 'node:crypto'
import type { UpstreamId } from '../../core/call/call.ts'
import type { Item, ItemKind } from '../../core/call/item.ts'
import { allKinds, has, kindsOf, type ListName } from '../../core/call/item-kinds.ts'
import { emptyObject } from '../../core/call/payload.ts'
import { unconfigured } from '../../core/call/tool-settings.ts'
import type { Definition } from './definition.ts'
import { type Families, familiesOf, type Group, type PinLayers, plainGroup, type Refusal, type VersionRules } from './families.ts'
import { type Collision, joined, type Published, publish } from './published.ts'
import type { Selection } from './selection.ts'
import { climbs, directoryOf, moved, placeSkills, prefixed, unprefixed } from './skills.ts'
import type { Snapshot } from './snapshot.ts'

/** What is asked for a URI, and the item by which the mount shows it. */
export interface Answering {
  readonly item: Item
  readonly listed: Item
}

let serials = 0

export class View {
  readonly selection: Selection
  /** Of this one alone. */
  readonly serial: number
  readonly families: Families
  readonly collisions: readonly Collision[]
  private readonly published: Readonly<Record<ItemKind, readonly Published[]>>
  private readonly byName: Readonly<Record<ItemKind, ReadonlyMap<string, Published>>>
  private readonly versions = new Map<ItemKind, string>()
  private readonly whole = new Map<ItemKind, Uint8Array>()
  private owners: ReadonlyMap<string, Published | undefined> | undefined
  private apps: ReadonlyMap<string, Published> | undefined
  private directories: ReadonlyMap<string, Published> | undefined
  /** Where several servers have skills, their names may begin the path of a URI. */
  private readonly skilled: ReadonlySet<UpstreamId>
  private readonly servers: ReadonlySet<UpstreamId>
  private readonly snapshots: ReadonlyMap<UpstreamId, Snapshot>
  private readonly rules: VersionRules
  private pinnable: ReadonlyMap<string, readonly Group[]> | undefined

  constructor(
    selection: Selection,
    snapshots: ReadonlyMap<UpstreamId, Snapshot>,
    previous: View | undefined,
    rules: VersionRules,
    layers: PinLayers = [selection.versions],
  ) {
    this.selection = selection
    serials += 1
    this.serial = serials
    this.snapshots = snapshots
    this.rules = rules
    this.families = familiesOf(selection, (server) => snapshots.get(server)?.lists.tool?.definitions ?? [], layers, rules)
    const collisions: Collision[] = []
    const shown = (server: UpstreamId, kind: ItemKind): readonly Definition[] =>
      (snapshots.get(server)?.lists[kind]?.definitions ?? []).filter((definition) => selection.shows(definition))
    const places = placeSkills(
      selection.servers.map((server) => ({ server, skills: shown(server, 'skill'), resources: shown(server, 'resource') })),
      (name, owner, loser) => void collisions.push({ kind: 'skill', name, owner, loser }),
    )
    this.published = byKind((kind) => {
      const families = kind === 'tool' ? this.families : undefined
      const definitions = families?.shown ?? selection.servers.flatMap((server) => shown(server, kind))
      return publish(kind, selection, definitions, places, families, previous?.byName[kind], collisions)
    })
    const skilled = selection.servers.filter((server) => has(snapshots.get(server)?.about.capabilities, 'skill'))
    this.servers = new Set(selection.servers)
    this.skilled = new Set(skilled.length > 1 ? skilled : [])
    this.byName = byKind((kind) => new Map(this.published[kind].map((one) => [one.item.visible, one])))
    this.collisions = collisions
  }

  /** The same mount for callers with these pins; what they do not touch is shared with it. */
  pinned(layers: PinLayers): View {
    return new View(this.selection, this.snapshots, this, this.rules, layers)
  }

  /** Why a tool's name is not served although its server lists it. */
  refusal(visible: string): Refusal | undefined {
    return this.families.refusals.get(visible)
  }

  /** What a pin of this name means, put into `found`. */
  groupsOf(name: string, found: Set<Group>): void {
    this.pinnable ??= pinnableOf(this.families, this.selection)
    for (const group of this.pinnable.get(name) ?? []) found.add(group)
  }

  items(kind: ItemKind): readonly Published[] {
    return this.published[kind]
  }

  find(kind: ItemKind, visible: string): Item | undefined {
    return this.byName[kind].get(visible)?.item
  }

  /** Items whose own name is this one, for somebody who left the prefix out. */
  bare(kind: ItemKind, name: string): readonly Item[] {
    return this.published[kind].filter((one) => one.own === name).map((one) => one.item)
  }

  /** Equal as long as the list of the kind reads the same, also after a restart. */
  version(kind: ItemKind): string {
    let version = this.versions.get(kind)
    if (version === undefined) {
      const digest = createHash('sha256')
      for (const one of this.published[kind]) digest.update(one.mark)
      version = digest.digest('base64url').slice(0, 16)
      this.versions.set(kind, version)
    }
    return version
  }

  /** Of all kinds that change with one list. */
  listVersion(list: ListName): string {
    return kindsOf(list)
      .map((kind) => this.version(kind))
      .join('.')
  }

  /** All entries of a kind, joined by commas; made once. */
  entries(kind: ItemKind): Uint8Array {
    let bytes = this.whole.get(kind)
    if (bytes === undefined) {
      bytes = joined(this.published[kind])
      this.whole.set(kind, bytes)
    }
    return bytes
  }

  /**
   * The item whose a URI surely is: a listed resource, a resource that a tool names as its user interface, a file or directory of a skill, or
   * what the server has whose name begins the path. A mount that shows a part of a server shows no more of it this way.
   */
  owned(uri: string): Answering | undefined {
    return this.known(uri) ?? this.ofLink(uri)
  }

  /** The item that probably answers for a URI: the first template that matches, or the only server whose resources have its scheme and authority. */
  likely(uri: string): Answering | undefined {
    const template = this.templated(uri)
    const found = template ?? this.neighbour(uri)
    return found === undefined ? undefined : { item: asResource(found, uri, uri, template?.item.name), listed: found.item }
  }

  /** The URI of a link that a server gave: its own, with the name of the server in the path only where that is surely another server's. */
  linkOf(server: UpstreamId, own: string): string {
    const owner = this.owned(own)
    if (owner === undefined || owner.item.upstream === server) return own
    const place = prefixed(server, own)
    const { item } = this.owned(place) ?? {}
    return item === undefined || (item.upstream === server && item.name === own) ? place : own
  }

  private known(uri: string): Answering | undefined {
    const exact = this.byName.resource.get(uri)
    if (exact !== undefined) return { item: exact.item, listed: exact.item }
    const app = this.app(uri)
    if (app !== undefined) return { item: { ...asResource(app, uri, uri), partOf: app.item }, listed: app.item }
    return this.ofSkill(uri) ?? this.ofNamed(uri, this.skilled)
  }

  private app(uri: string): Published | undefined {
    if (this.apps === undefined) {
      const apps = new Map<string, Published>()
      for (const one of this.published.tool) {
        if (one.definition.ui !== undefined && !apps.has(one.definition.ui)) apps.set(one.definition.ui, one)
      }
      this.apps = apps
    }
    const found = this.apps.get(uri)
    return found === undefined || this.excludes(found, uri) ? undefined : found
  }

  /** Whether a URI is in the directory of a skill that is shown, so that nobody else's resource may stand there. */
  inSkill(uri: string): boolean {
    return this.skillOf(uri) !== undefined
  }

  /** What is in the directory of a skill, listed or not. */
  private ofSkill(uri: string): Answering | undefined {
    const one = this.skillOf(uri)
    if (one === undefined) return undefined
    const own = moved(uri, one.item.visible, one.item.name)
    return this.excludes(one, own)
      ? undefined
      : { item: { ...asResource(one, own, uri, one.item.name), partOf: one.item }, listed: one.item }
  }

  /** Of nested skills the inner one. */
  private skillOf(uri: string): Published | undefined {
    if (this.published.skill.length === 0 || climbs(uri)) return undefined
    this.directories ??= new Map(this.published.skill.map((one) => [directoryOf(one.item.visible), one]))
    let end = uri.length
    for (let level = 0; end > 0 && level < deepest; level += 1, end = uri.lastIndexOf('/', end - 1)) {
      const one = this.directories.get(uri.slice(0, end))
      if (one !== undefined) return one
    }
    return undefined
  }

  /** A link as `linkOf` writes it. */
  private ofLink(uri: string): Answering | undefined {
    const found = unprefixed(uri, this.servers)
    const owner = found === undefined ? undefined : this.known(found.own)
    return owner === undefined || owner.item.upstream === found?.server ? undefined : this.ofNamed(uri, this.servers)
  }

  private ofNamed(uri: string, servers: ReadonlySet<UpstreamId>): Answering | undefined {
    const found = unprefixed(uri, servers)
    if (found === undefined) return undefined
    const owned = { upstream: found.server, name: found.own }
    if (!this.selection.shows(owned) || this.selection.excludes(owned)) return undefined
    const item = unlisted(found.server, found.own, uri)
    return { item, listed: item }
  }

  private templated(uri: string): Published | undefined {
    return this.published.template.find((one) => one.definition.template?.matches(uri) && !this.excludes(one, uri))
  }

  private excludes(one: Published, uri: string): boolean {
    return this.selection.excludes({ upstream: one.item.upstream, name: uri })
  }

  private neighbour(uri: string): Published | undefined {
    if (this.owners === undefined) {
      const owners = new Map<string, Published | undefined>()
      for (const one of [...this.published.resource, ...this.published.template]) {
        const origin = originOf(one.definition.template?.prefix ?? one.item.name)
        if (origin === undefined) continue
        const owner = owners.get(origin)
        if (!owners.has(origin)) owners.set(origin, one)
        else if (owner?.item.upstream !== one.item.upstream) owners.set(origin, undefined)
      }
      this.owners = owners
    }
    const origin = originOf(uri)
    const found = origin === undefined ? undefined : this.owners.get(origin)
    if (found === undefined || this.excludes(found, uri)) return undefined
    return this.selection.shows({ upstream: found.item.upstream, name: uri }) ? found : undefined
  }
}

function pinnableOf({ groups, plain }: Families, selection: Selection): ReadonlyMap<string, readonly Group[]> {
  const found = new Map<string, Group[]>()
  for (const group of [...groups, ...plain.map((definition) => plainGroup(definition, selection))]) {
    const names = new Set([`${group.upstream}/${group.family}`, group.visible])
    // A tool without versions is only meant by what surely names it.
    if (group.numbers.length > 0) names.add(group.family)
    for (const name of names) found.set(name, [...(found.get(name) ?? []), group])
  }
  return found
}

function byKind<T>(make: (kind: ItemKind) => T): Record<ItemKind, T> {
  return Object.fromEntries(allKinds.map((kind) => [kind, make(kind)])) as Record<ItemKind, T>
}

/** Most directories between a URI and the skill that it is in. */
const deepest = 128

/** The exit writes `item.name` into `params.uri`, so what answers for a URI is a resource of exactly the server's own URI. */
function asResource({ definition }: Published, own: string, visible: string, within?: string): Item {
  return {
    ...unlisted(definition.upstream, own, visible, within),
    definition: definition.sent,
    generation: definition.version,
  }
}

/** A resource that no list has. */
export function unlisted(upstream: UpstreamId, own: string, visible: string, within = ''): Item {
  return {
    kind: 'resource',
    upstream,
    name: own,
    visible,
    definition: emptyObject,
    traits: { readOnly: true, destructive: false, idempotent: true },
    settings: unconfigured,
    headers: [],
    validate: undefined,
    declaresOutput: false,
    generation: 0,
    within,
  }
}

/** Scheme and authority as they are spelled, `file://` and `note:` alike; undefined for what is no absolute URI. */
function originOf(uri: string): string | undefined {
  const found = /^[A-Za-z][A-Za-z0-9+.-]{0,63}:(?:\/\/[^/?#{]{0,512})?/.exec(uri)
  return found?.[0]
}
