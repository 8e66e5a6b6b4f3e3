// The catalog: what is behind the gateway, under which names, on which mount. Fed by `ingest.ts` alone; everything else reads immutable
// snapshots.

import type { Call, UpstreamId } from '../../core/call/call.ts'
import type { Item, ItemKind } from '../../core/call/item.ts'
import { kinds, type ListName, offers } from '../../core/call/item-kinds.ts'
import type { Principal } from '../../core/call/principal.ts'
import type { Sealer } from '../../core/call/seal.ts'
import type { Signal } from '../../core/call/signal.ts'
import type { Access } from '../../core/ports/access.ts'
import { inBackground } from '../../core/ports/boundary.ts'
import type { Clock, Random } from '../../core/ports/clock.ts'
import type { Contracts } from '../../core/ports/contracts.ts'
import type { Deprecations } from '../../core/ports/deprecations.ts'
import type { Report } from '../../core/ports/report.ts'
import type { ServedState, Upstream } from '../../core/ports/upstream.ts'
import { Calendar } from './calendar.ts'
import type { Judging } from './definition.ts'
import { capabilitiesOf } from './discover.ts'
import { GivenLinks } from './given-links.ts'
import { Feed } from './ingest.ts'
import { Lookup } from './lookup.ts'
import { Mounts } from './mounts.ts'
import { Pages } from './pages.ts'
import { aggregate, type Selection, single, toolset } from './selection.ts'
import type { ToolsetSettings } from './settings.ts'
import type { CatalogStore } from './snapshot.ts'
import { type CatalogStages, catalogStages } from './stage.ts'
import { statusOf, type UpstreamStatus } from './status.ts'
import { type TaskRef, taskIds } from './task-ids.ts'

export type { ListName } from '../../core/call/item-kinds.ts'
export type { Compile, Quarantined } from './definition.ts'
export type { Collision } from './published.ts'
export type { CatalogStore } from './snapshot.ts'
export type { CatalogStages } from './stage.ts'
export type { UpstreamStatus } from './status.ts'
export type { TaskRef } from './task-ids.ts'

/** What may be another thing after a reload. */
export interface CatalogServers {
  /** In configuration order, which decides who owns a URI that two servers offer. */
  readonly upstreams: ReadonlyMap<UpstreamId, Upstream>
  /** The server whose tools and prompts have no prefix on the aggregate. */
  readonly bare: UpstreamId | undefined
  readonly toolsets: Readonly<Record<string, ToolsetSettings>>
}

export interface CatalogOptions extends Judging, CatalogServers {
  /** Bytes of the definitions of one kind that are taken from one server. */
  readonly listBytes: number
  readonly sealer: Sealer
  readonly clock: Clock
  readonly random: Random
  readonly report: Report
  /** Keeps last known catalogues; `configHash` changes when the configuration of a server does. */
  readonly store?: { readonly keeper: CatalogStore; readonly configHash: (upstream: UpstreamId) => string }
  /** Default: everybody sees everything. */
  readonly access?: Access | undefined
  /** Default: every tool is shown as its server lists it. */
  readonly contracts?: Contracts | undefined
  /** The end of tools. */
  readonly deprecations: Deprecations
}

/** The definitions of one server changed; `lists` is empty where only what it says of itself did, or what one session sees. */
export interface CatalogChange {
  readonly upstream: UpstreamId
  readonly lists: ReadonlySet<ListName>
}

export interface Catalog {
  readonly stages: CatalogStages
  /** Reads the store, then connects to all servers in parallel. Resolves when the last known catalogue is in place; waits for no server. */
  start(): Promise<void>
  stop(): void
  /** Told only when definitions differ by their hash. */
  onChange(listener: (change: CatalogChange) => void): () => void
  status(): readonly UpstreamStatus[]
  /** The state alone, which costs nothing to ask for. */
  state(upstream: UpstreamId): ServedState | undefined
  /** Servers and toolsets, without the aggregate. */
  mounts(): readonly string[]
  /**
   * Another configuration is in force: servers that are gone are shown no more, those that came are read, and whoever listens is told. The
   * others keep what is known of them; of `replaced` it is read anew.
   */
  reconfigure(change: CatalogServers & { readonly replaced: readonly UpstreamId[] }): void
  /** Asks a server again now, for a list that turned out to be stale. */
  refresh(upstream: UpstreamId): void
  /** The item that a mount shows under a name or URI, whoever asks. */
  find(mount: string, kind: ItemKind, visible: string): Item | undefined
  /** Names of the tools that a server lists, as it names them; none while that is not known, undefined where there is no such server. */
  tools(upstream: UpstreamId): readonly string[] | undefined
  /** A client session is over: what it alone saw is forgotten. */
  sessionEnded(session: string): void
  /** What listening needs: whose a URI or task is, what a mount offers, and whether a list still reads the same. */
  readonly watching: Watching
}

export interface Watching {
  /**
   * Where somebody wants one of these URIs and its server may still be starting: resolves when all are found, no server that could have
   * one is starting any more, or after a moment. Undefined where nothing has to be waited for.
   */
  starting(call: Call, uris: readonly string[], signal: Signal): Promise<void> | undefined
  /** The upstream and its own URI of a resource that the caller of a listen sees and that tells of updates. */
  subscribable(call: Call, uri: string): { readonly upstream: UpstreamId; readonly uri: string } | undefined
  /** The upstream and its own id of a task that the caller may follow. */
  task(visible: string, principal: Principal): TaskRef | undefined
  /** Whether the mount has such a list. */
  offers(mount: string, list: ListName): boolean
  /** Equal as long as the list of the mount reads the same to the caller. */
  version(call: Pick<Call, 'mount' | 'caller'>, list: ListName): string
}

export function createCatalog(options: CatalogOptions): Catalog {
  return new Live(options)
}

class Live implements Catalog {
  readonly stages: CatalogStages
  readonly watching: Watching
  private readonly options: CatalogOptions
  private readonly mountsOf: Mounts
  private readonly listeners = new Set<(change: CatalogChange) => void>()
  private readonly saving = new Set<UpstreamId>()
  private readonly release: (() => void) | undefined
  private readonly releasePlans: () => void
  private readonly calendar: Calendar
  private started = false
  private stopped = false

  constructor(options: CatalogOptions) {
    this.options = options
    const feeds = new Map([...options.upstreams].map(([id, upstream]) => [id, this.feed(upstream)]))
    const { tools, deprecations, clock } = options
    this.calendar = new Calendar(clock, () => this.dated([...this.mountsOf.feeds.keys()]))
    const mounts = new Mounts(feeds, selectionsOf(options), clock, {
      versions: {
        settingsOf: (upstream, tool) => tools.settingsOf(upstream, tool),
        planOf: (upstream, tool) => deprecations.planOf(upstream, tool),
        now: () => clock.now(),
      },
      pinsOf: options.access?.pins,
      changesAt: (ms) => this.calendar.add(ms),
    })
    this.releasePlans = deprecations.onChange((upstream) => this.dated([upstream]))
    const links = new GivenLinks()
    const lookup = new Lookup(mounts, links, options.access)
    const pages = new Pages(options.sealer, lookup)
    const tasks = taskIds(options.sealer)
    this.mountsOf = mounts
    this.stages = catalogStages({ mounts, lookup, links, pages, tasks, clock: options.clock, contracts: options.contracts })
    this.release = options.contracts?.onChange((upstream) => this.mountsOf.feeds.get(upstream)?.decideAnew())
    this.watching = watching(mounts, lookup, pages, (visible, principal) => tasks.open(visible, principal))
  }

  private feed(upstream: Upstream): Feed {
    const { compile, tools, contracts, listBytes, clock, random, report } = this.options
    return new Feed({
      upstream,
      compile,
      tools,
      contracts,
      listBytes,
      clock,
      random,
      report,
      swapped: (feed, changed) => this.swapped(feed, changed),
      ownChanged: (from, session) => this.ownChanged(from, session),
      moved: () => this.mountsOf.moved(),
    })
  }

  async start(): Promise<void> {
    await Promise.all([...this.mountsOf.feeds.values()].map((feed) => this.restore(feed)))
    if (this.stopped) return
    this.started = true
    for (const feed of this.mountsOf.feeds.values()) feed.start()
  }

  reconfigure(change: CatalogServers & { readonly replaced: readonly UpstreamId[] }): void {
    if (this.stopped) return
    const before = this.mountsOf.feeds
    const feeds = new Map([...change.upstreams].map(([id, upstream]) => [id, this.feedOf(before.get(id), upstream)]))
    const gone = [...before.values()].filter((feed) => feeds.get(feed.id) !== feed)
    this.mountsOf.reconfigure(feeds, selectionsOf(change))
    for (const feed of gone) feed.stop()
    for (const feed of feeds.values()) if (before.get(feed.id) !== feed) this.startLater(feed)
    for (const id of change.replaced) {
      const feed = feeds.get(id)
      feed?.refresh()
      if (feed !== undefined) this.save(feed)
    }
    // Whoever listens finds out by what its lists read.
    const ids = new Set([...gone.map(({ id }) => id), ...feeds.keys()])
    for (const upstream of ids) for (const listener of this.listeners) listener({ upstream, lists: noLists })
  }

  private feedOf(known: Feed | undefined, upstream: Upstream): Feed {
    return known?.upstream === upstream ? known : this.feed(upstream)
  }

  /** What is known of it from before comes first, as at the start of the gateway. */
  private startLater(feed: Feed): void {
    const started = this.restore(feed).then(() => {
      if (!this.stopped && this.started && this.mountsOf.feeds.get(feed.id) === feed) feed.start()
    })
    inBackground(this.options.report, 'catalog', started)
  }

  stop(): void {
    this.stopped = true
    this.release?.()
    this.releasePlans()
    this.calendar.stop()
    for (const feed of this.mountsOf.feeds.values()) feed.stop()
  }

  onChange(listener: (change: CatalogChange) => void): () => void {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  mounts(): readonly string[] {
    return this.mountsOf.names
  }

  refresh(upstream: UpstreamId): void {
    this.mountsOf.feeds.get(upstream)?.refresh()
  }

  find(mount: string, kind: ItemKind, visible: string): Item | undefined {
    const selection = this.mountsOf.selection(mount)
    return selection === undefined ? undefined : this.mountsOf.view(selection).find(kind, visible)
  }

  tools(upstream: UpstreamId): readonly string[] | undefined {
    const feed = this.mountsOf.feeds.get(upstream)
    return feed === undefined ? undefined : (feed.snapshot?.lists.tool?.definitions ?? []).map(({ name }) => name)
  }

  sessionEnded(session: string): void {
    for (const feed of this.mountsOf.feeds.values()) feed.own.sessionEnded(session)
    this.mountsOf.ownChanged(session)
  }

  status(): readonly UpstreamStatus[] {
    const selection = this.mountsOf.selection('')
    const collisions = selection === undefined ? [] : this.mountsOf.view(selection).collisions
    return [...this.mountsOf.feeds.values()].map((feed) => statusOf(feed, collisions, this.options.tools))
  }

  state(upstream: UpstreamId): ServedState | undefined {
    return this.mountsOf.feeds.get(upstream)?.state
  }

  private swapped(feed: Feed, changed: readonly ItemKind[]): void {
    this.mountsOf.outdate(feed.id)
    this.save(feed)
    const lists = new Set(changed.map((kind) => kinds[kind].list))
    for (const listener of this.listeners) listener({ upstream: feed.id, lists })
  }

  /** What is shown of these servers is another thing by the calendar or by a plan, though their definitions are the same. */
  private dated(servers: readonly UpstreamId[]): void {
    for (const upstream of servers) this.mountsOf.outdate(upstream)
    for (const upstream of servers) for (const listener of this.listeners) listener({ upstream, lists: toolLists })
  }

  private ownChanged(feed: Feed, session: string): void {
    this.mountsOf.ownChanged(session)
    this.mountsOf.moved()
    for (const listener of this.listeners) listener({ upstream: feed.id, lists: noLists })
  }

  private async restore(feed: Feed): Promise<void> {
    const { store, report } = this.options
    if (store === undefined) return
    try {
      const bytes = await store.keeper.load(store.configHash(feed.id))
      if (bytes === undefined) return
      await feed.restore(bytes)
      this.mountsOf.outdate(feed.id)
      this.mountsOf.moved()
    } catch (error) {
      report.log('warn', 'The last known catalogue could not be read', { upstream: feed.id, error: String(error) })
    }
  }

  /** Several swaps in a row cost one write, of the last. */
  private save(feed: Feed): void {
    const { store, clock, report } = this.options
    if (store === undefined || this.saving.has(feed.id)) return
    this.saving.add(feed.id)
    clock.timer(saveDelayMs, () => {
      this.saving.delete(feed.id)
      if (this.mountsOf.feeds.get(feed.id) !== feed) return
      const bytes = feed.kept()
      if (bytes === undefined) return
      store.keeper.save(store.configHash(feed.id), bytes).catch((error: unknown) => {
        report.log('warn', 'The last known catalogue could not be written', { upstream: feed.id, error: String(error) })
      })
    })
  }
}

function selectionsOf({ upstreams, bare, toolsets }: CatalogServers): readonly Selection[] {
  const servers = [...upstreams.keys()]
  return [
    aggregate(servers, bare),
    ...servers.map(single),
    ...Object.entries(toolsets).map(([name, settings]) => toolset(name, settings, servers)),
  ]
}

const saveDelayMs = 250
/** How long a subscription waits for servers that are starting, in ms: what it lacks then it is told. */
const startingMs = 5_000
const noLists: ReadonlySet<ListName> = new Set()
const toolLists: ReadonlySet<ListName> = new Set(['tools'])

function watching(mounts: Mounts, lookup: Lookup, pages: Pages, task: Watching['task']): Watching {
  return {
    task,
    starting: (call, uris, signal) => {
      const selection = mounts.selection(call.mount)
      if (selection === undefined || uris.length === 0) return undefined
      const settled = (): boolean =>
        uris.every((uri) => lookup.find(call, selection, 'resource', uri) !== undefined) ||
        !(['resource', 'template'] as const).some((kind) => mounts.lacking(selection, kind).some((feed) => feed.hopeful(kind)))
      return settled() ? undefined : mounts.wait(settled, startingMs, signal)
    },
    subscribable: (call, uri) => {
      const selection = mounts.selection(call.mount)
      const item = selection === undefined ? undefined : lookup.find(call, selection, 'resource', uri)
      return item === undefined || !lookup.sees(call, item) ? undefined : { upstream: item.upstream, uri: item.name }
    },
    offers: (mount, list) => {
      const selection = mounts.selection(mount)
      return selection !== undefined && offers(capabilitiesOf(selection, mounts.feedsOf(selection)), list)
    },
    version: (call, list) => {
      const selection = mounts.selection(call.mount)
      return selection === undefined ? '' : pages.version(call, mounts.viewFor(selection, call.caller), list)
    },
  }
}
