// Finds the item that a call names, as its caller may see it on its mount; waits for servers that are still starting; and says what may
// have been meant where there is none.
import type { Call, UpstreamId } from '../../core/call/call.ts'
import { type Exchange, endReason } from '../../core/call/exchange.ts'
import type { Item, ItemKind } from '../../core/call/item.ts'
import { has, kinds, offers, readsDirectories } from '../../core/call/item-kinds.ts'
import { versionOf } from '../../core/call/tool-version.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { endedBy } from '../../core/faults/ended.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { Access } from '../../core/ports/access.ts'
import { nearest } from '../../core/text/nearest.ts'
import { type Group, missingFault, pinnedIn, type Refusal } from './families.ts'
import type { GivenLinks } from './given-links.ts'
import type { Feed } from './ingest.ts'
import { type Mounts, type Omitted, reasonOf } from './mounts.ts'
import type { Owned, Selection } from './selection.ts'
import { unlisted, type View } from './view.ts'

/** `ask`: servers that may know a URI of which nothing else tells whose it is, in the order in which they are asked. */
export type Looked = { readonly item: Item } | { readonly fault: Fault; readonly ask: readonly Item[] }

/** What a request may name; a directory is a resource that is read by `resources/directory/read`. */
export type Wanted = Exclude<ItemKind, 'template'> | 'directory'

/** The lists that tell whose a name or URI is. */
const tellingKinds: Readonly<Record<Wanted, readonly ItemKind[]>> = {
  tool: ['tool'],
  prompt: ['prompt'],
  resource: ['resource', 'template', 'skill'],
  skill: ['resource', 'template', 'skill'],
  directory: ['resource', 'template', 'skill'],
}

/** How long a call waits for lists that may have what it names, in ms. */
const longestSeekMs = 5_000

export class Lookup {
  private readonly mounts: Mounts
  private readonly links: GivenLinks
  readonly access: Access | undefined

  constructor(mounts: Mounts, links: GivenLinks, access: Access | undefined) {
    this.mounts = mounts
    this.links = links
    this.access = access
  }

  /** The mount of a call, or the fault that says what is served instead. */
  mount(call: Call): Selection | Fault {
    return this.mounts.selection(call.mount) ?? fault('unknown_mount', { mount: call.mount, served: this.mounts.names.join(', ') })
  }

  /** At once, from what is known; undefined where the mount shows no such item. Whether the caller may use it is asked of `sees`. */
  find(call: Call, selection: Selection, kind: Wanted, name: string): Item | undefined {
    if (kind === 'resource') return this.resource(call, selection, name)
    if (kind === 'skill' || kind === 'directory') return this.skill(call, selection, kind, name)
    return this.mounts.viewFor(selection, call.caller).find(kind, name)
  }

  /** As `find`, but waits for a server that could own the name and is still starting, as long as the call's signal allows. */
  async look(call: Call, exchange: Exchange, selection: Selection, kind: Wanted, name: string): Promise<Looked> {
    const found = this.find(call, selection, kind, name)
    if (found !== undefined) return { item: found }
    const refused = kind === 'tool' ? this.refused(call, selection, name) : undefined
    if (refused !== undefined) return refused
    const candidates = this.candidates(selection, kind, name)
    if (candidates.length === 0) return this.seek(call, exchange, selection, kind, name)
    await this.mounts.wait(
      () =>
        this.find(call, selection, kind, name) !== undefined ||
        !this.candidates(selection, kind, name).some((feed) => this.hopeful(feed, kind)),
      undefined,
      exchange.signal,
    )
    const late = this.find(call, selection, kind, name)
    if (late !== undefined) return { item: late }
    const reason = endReason(exchange.signal)
    if (reason !== undefined && reason !== 'deadline') return { fault: endedBy(reason, name), ask: none }
    const [missing, ...others] = this.candidates(selection, kind, name)
    // Whose a URI is cannot be told from the URI: only where one server alone can own the name, its absence is the answer.
    if (missing !== undefined && others.length === 0 && (kind === 'tool' || kind === 'prompt' || selection.servers.length === 1)) {
      return { fault: unavailable(missing), ask: none }
    }
    return this.unfound(call, selection, kind, name)
  }

  /** A tool that its server lists and that is not served to the caller: what is over, or another version than the pinned one. */
  private refused(call: Call, selection: Selection, name: string): Looked | undefined {
    const view = this.mounts.viewFor(selection, call.caller)
    const fault = this.faultOf(call, view, view.refusal(name))
    if (fault !== undefined) return { fault, ask: none }
    // It is there, and nobody has to be asked for it.
    return view.families.hidden.has(name) ? this.unfound(call, selection, 'tool', name) : undefined
  }

  private faultOf(call: Call, view: View, refusal: Refusal | undefined): Fault | undefined {
    if (refusal === undefined) return undefined
    if ('fault' in refusal) return this.seesTool(call, refusal.upstream, refusal.name) ? refusal.fault : undefined
    const { missing } = refusal
    const seen = missing.members.filter(({ name }) => this.seesTool(call, missing.upstream, name)).map(({ number }) => number)
    const pinned = pinnedIn(this.mounts.layersOf(view, call.caller), missing)
    const held = pinned === undefined ? undefined : this.heldVersion(call, missing, pinned)
    if (held !== undefined) return held
    if (seen.length === 0 && !this.seesTool(call, missing.upstream, missing.family)) return undefined
    return missingFault(missing, pinned, seen)
  }

  /** The version that is pinned is there, and nobody has admitted it. */
  private heldVersion(call: Call, { upstream, family, visible }: Group, pinned: number): Fault | undefined {
    for (const { name, held, reason } of this.mounts.feeds.get(upstream)?.snapshot?.lists.tool?.quarantined ?? []) {
      const version = held === true && name !== undefined ? versionOf(name) : undefined
      if (name === undefined || version?.family !== family || version.number !== pinned) continue
      if (this.seesTool(call, upstream, name)) return fault('tool_held', { tool: visible, upstream, name, reason })
    }
    return undefined
  }

  private seesTool(call: Pick<Call, 'caller'>, upstream: UpstreamId, name: string): boolean {
    return this.sees(call, { ...unlisted(upstream, name, name), kind: 'tool' })
  }

  /** Families of which the caller pins a version that does not exist: its list has none of them. */
  unpinnable(call: Call, selection: Selection): readonly Omitted[] {
    const view = this.mounts.viewFor(selection, call.caller)
    const found = new Map<string, Omitted>()
    for (const refusal of view.families.refusals.values()) {
      if (!('missing' in refusal)) continue
      const fault = this.faultOf(call, view, refusal)
      if (fault !== undefined) found.set(refusal.missing.visible, { server: refusal.missing.upstream, reason: fault.message })
    }
    return [...found.values()]
  }

  /** All that may own the name are known, and none has it: their lists may be stale. */
  private async seek(call: Call, exchange: Exchange, selection: Selection, kind: Wanted, name: string): Promise<Looked> {
    const telling = tellingKinds[kind]
    const asked = this.mounts.feedsOf(selection).filter((feed) => this.mayOwn(selection, feed, kind, name) && feed.seek(telling))
    await this.mounts.wait(
      () => this.find(call, selection, kind, name) !== undefined || !asked.some((feed) => feed.listing(telling)),
      longestSeekMs,
      exchange.signal,
    )
    const item = this.find(call, selection, kind, name)
    if (item !== undefined) return { item }
    const reason = endReason(exchange.signal)
    if (reason !== undefined && reason !== 'deadline') return { fault: endedBy(reason, name), ask: none }
    return this.unfound(call, selection, kind, name)
  }

  private unfound(call: Call, selection: Selection, kind: Wanted, name: string): Looked {
    const unknown = this.unknown(call, selection, kind, name)
    const ask = kind !== 'resource' || unknown.detail.setAside !== undefined ? none : this.guesses(call, selection, name)
    return { fault: unknown, ask }
  }

  /** By the name that its server has for it; undefined where the mount shows it to nobody. */
  toolOf(call: Call, selection: Selection, upstream: UpstreamId, own: string): Item | undefined {
    for (const { item } of this.mounts.viewFor(selection, call.caller).items('tool'))
      if (item.name === own && item.upstream === upstream) return item
    return undefined
  }

  /** A template by its own text, as a completion names it. */
  template(call: Call, selection: Selection, uriTemplate: string): Item | undefined {
    return this.mounts.viewFor(selection, call.caller).find('template', uriTemplate)
  }

  sees(call: Pick<Call, 'caller'>, item: Item): boolean {
    return (
      this.access === undefined ||
      this.access.sees(call.caller, item) ||
      (item.partOf !== undefined && this.access.sees(call.caller, item.partOf))
    )
  }

  /** Servers whose items are not known; only those that the caller can have anything of. */
  omitted(call: Pick<Call, 'caller'>, selection: Selection, kind: ItemKind): readonly Omitted[] {
    const all = this.mounts.omitted(selection, kind)
    return this.access === undefined ? all : all.filter(({ server }) => this.access?.reaches(call.caller, server))
  }

  private resource(call: Call, selection: Selection, uri: string): Item | undefined {
    const view = this.mounts.viewFor(selection, call.caller)
    const owned = view.owned(uri)
    if (owned !== undefined) return owned.item
    const given = selection.server === undefined && !view.inSkill(uri) ? this.given(call, selection, uri) : undefined
    if (given !== undefined) return given
    const found = view.likely(uri)
    if (found !== undefined) return found.item
    if (selection.server === undefined || !this.hasResources(selection.server)) return undefined
    // On the mount of one server there is nobody else whose it could be: the server itself says whether it knows the URI.
    return unlisted(selection.server, uri, uri)
  }

  /** What a result gave to the caller as a link, where the mount lets it lead there. */
  private given(call: Call, selection: Selection, uri: string): Item | undefined {
    const given = this.links.find(call, uri)
    if (given === undefined || !selection.servers.includes(given.upstream)) return undefined
    if (!selection.leads({ upstream: given.upstream, name: given.own })) return undefined
    return unlisted(given.upstream, given.own, uri)
  }

  /** Nothing tells whose the URI is, as after a restart: each server that is there says whether it knows it. */
  private guesses(call: Call, selection: Selection, uri: string): readonly Item[] {
    if (this.mounts.viewFor(selection, call.caller).inSkill(uri)) return none
    const shows = (owned: Owned): boolean => selection.shows(owned) && !selection.excludes(owned)
    return selection.servers
      .filter((server) => this.hasResources(server) && shows({ upstream: server, name: uri }) && this.isThere(server))
      .map((server) => unlisted(server, uri, uri))
      .filter((item) => this.sees(call, item))
      .slice(0, mostAsked)
  }

  private hasResources(server: UpstreamId): boolean {
    return offers(this.mounts.feeds.get(server)?.snapshot?.about.capabilities, 'resources')
  }

  private isThere(server: UpstreamId): boolean {
    const state = this.mounts.feeds.get(server)?.state
    return state === 'ready' || state === 'degraded'
  }

  /** A skill by the URI of its SKILL.md, or a directory: its server must say that it answers for such. */
  private skill(call: Call, selection: Selection, kind: 'skill' | 'directory', uri: string): Item | undefined {
    const serves = (server: UpstreamId): boolean => {
      const capabilities = this.mounts.feeds.get(server)?.snapshot?.about.capabilities
      return kind === 'skill' ? has(capabilities, 'skill') : readsDirectories(capabilities)
    }
    const listed = kind === 'skill' ? this.mounts.viewFor(selection, call.caller).find('skill', uri) : undefined
    if (listed !== undefined) return listed
    const found = this.resource(call, selection, uri)
    if (found !== undefined && serves(found.upstream)) return kind === 'skill' ? { ...found, kind } : found
    // A list may leave skills out: where one server alone has any, it says whether it knows the URI.
    const [only, second] = selection.servers.filter(serves)
    if (only === undefined || second !== undefined || !selection.shows({ upstream: only, name: uri })) return undefined
    return unlisted(only, uri, uri)
  }

  /** Servers that may own the name but whose items are not known. */
  private candidates(selection: Selection, kind: Wanted, name: string): readonly Feed[] {
    const lacking = new Set(tellingKinds[kind].flatMap((one) => this.mounts.lacking(selection, one)))
    return [...lacking].filter((feed) => this.mayOwn(selection, feed, kind, name))
  }

  private mayOwn(selection: Selection, feed: Feed, kind: Wanted, name: string): boolean {
    return (kind !== 'tool' && kind !== 'prompt') || selection.couldOwn(feed.id, name)
  }

  private hopeful(feed: Feed, kind: Wanted): boolean {
    return tellingKinds[kind].some((one) => feed.hopeful(one))
  }

  private unknown(call: Call, selection: Selection, kind: Wanted, name: string): Fault {
    const away = this.omitted(call, selection, kind === 'directory' ? 'skill' : kind)
    const what = kind === 'directory' ? kind : kinds[kind].word
    const aside = kind === 'directory' ? undefined : this.setAside(call, selection, kind, name)
    if (aside !== undefined) return aside
    if (kind !== 'tool' && kind !== 'prompt')
      return fault('unknown_tool', { what, name, uri: name, hint: this.notLed(call, selection, name) ?? awayHint(away) })
    const view = this.mounts.viewFor(selection, call.caller)
    const visible = (items: readonly Item[]): readonly Item[] => items.filter((item) => this.sees(call, item))
    const bare = visible(view.bare(kind, name)).map((item) => item.visible)
    if (bare.length > 1) return fault('tool_ambiguous', { name, candidates: bare.slice(0, mostCandidates) })
    const near =
      bare.length === 1
        ? bare
        : nearest(
            name,
            visible(view.items(kind).map((one) => one.item)).map((item) => item.visible),
          )
    return fault('unknown_tool', { what, name, ...(near.length === 0 ? {} : { candidates: near }), hint: hintOf(near, away) })
  }

  /** What would let a link lead to a URI that the mount does not show. */
  private notLed(call: Call, selection: Selection, uri: string): string | undefined {
    const given = this.links.find(call, uri)
    if (given === undefined || selection.leads({ upstream: given.upstream, name: given.own })) return undefined
    const { mount } = selection
    return `The toolset ${mount} does not show it: toolsets.${mount}.include would need ${given.upstream}/${given.own}, and exclude must not have it.`
  }

  /** Why an item that a server lists is not served. */
  private setAside(call: Call, selection: Selection, kind: ItemKind, visible: string): Fault | undefined {
    for (const { id, snapshot } of this.mounts.feedsOf(selection)) {
      for (const { name, path, reason, held } of snapshot?.lists[kind]?.quarantined ?? []) {
        if (name === undefined || !selection.shows({ upstream: id, name })) continue
        const isMeant = name === visible || selection.name({ kind, upstream: id, name }).wanted === visible
        if (!isMeant || !this.sees(call, { ...unlisted(id, name, visible), kind })) continue
        if (held === true) return fault('tool_held', { tool: visible, upstream: id, name, reason })
        const why = `${path === '' ? 'it' : path} ${reason}`
        const hint = `The server ${id} lists it, but its definition cannot be served: ${why}.`
        return fault('unknown_tool', { what: kinds[kind].word, name: visible, setAside: { path, reason }, hint })
      }
    }
    return undefined
  }
}

const none: readonly Item[] = []

/** Servers that are asked for one URI. */
const mostAsked = 8

/** Candidates that are named for an ambiguous name. */
const mostCandidates = 20

/** Why an item of the server cannot be had: what its start failed of, else that it is away. */
export function unavailable(feed: Feed): Fault {
  if (feed.refusal !== undefined && feed.refusal.kind !== 'cancelled') return feed.refusal
  return fault('upstream_unavailable', { upstream: feed.id, reason: reasonOf(feed) })
}

function hintOf(near: readonly string[], away: readonly Omitted[]): string {
  const meant = near.length === 0 ? '' : `Did you mean ${near.join(' or ')}?`
  return [meant, awayHint(away)].filter((part) => part !== '').join(' ')
}

function awayHint(away: readonly Omitted[]): string {
  if (away.length === 0) return 'List again to see what is served.'
  return `Not listed, because away: ${away.map(({ server, reason }) => `${server} (${reason})`).join(', ')}.`
}
