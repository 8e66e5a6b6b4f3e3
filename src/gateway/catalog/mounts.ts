// The current view of every mount over the feeds, rebuilt when somebody looks after a change; and the bench where calls wait for servers
// that are still starting.

import type { Caller, UpstreamId } from '../../core/call/call.ts'
import type { ItemKind } from '../../core/call/item.ts'
import { has } from '../../core/call/item-kinds.ts'
import type { Signal } from '../../core/call/signal.ts'
import type { Pins } from '../../core/call/tool-pins.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { PinLayers, VersionRules } from './families.ts'
import type { Feed } from './ingest.ts'
import { layersOf, PinnedViews } from './pinned-views.ts'
import type { Selection } from './selection.ts'
import type { Snapshot } from './snapshot.ts'
import { View } from './view.ts'

/** A server whose items of some kind are not known, and why, for people. */
export interface Omitted {
  readonly server: UpstreamId
  readonly reason: string
}

export interface MountsParts {
  readonly versions: VersionRules
  /** Versions of tools that a caller is pinned to by who it is; absent: nobody is. */
  readonly pinsOf: ((caller: Caller) => Pins | undefined) | undefined
  /** Told of each new view: when it reads differently by the calendar alone. */
  readonly changesAt: (ms: number) => void
}

export class Mounts {
  /** All but the aggregate; requests ask for them. */
  names: readonly string[]
  feeds: ReadonlyMap<UpstreamId, Feed>
  private selections: ReadonlyMap<string, Selection>
  private readonly clock: Clock
  private readonly views = new Map<string, View>()
  private readonly stale = new Set<string>()
  /** Client sessions that see lists of their own, and what they see, by mount. */
  private readonly own = new Map<string, Map<string, View>>()
  private readonly bench = new Set<() => void>()
  private readonly pinned = new PinnedViews()
  private readonly parts: MountsParts

  constructor(feeds: ReadonlyMap<UpstreamId, Feed>, selections: readonly Selection[], clock: Clock, parts: MountsParts) {
    this.feeds = feeds
    this.clock = clock
    this.parts = parts
    this.selections = new Map(selections.map((selection) => [selection.mount, selection]))
    this.names = namesOf(selections)
  }

  /** Another configuration: what is shown is made anew at the next look, of the definitions that are known. */
  reconfigure(feeds: ReadonlyMap<UpstreamId, Feed>, selections: readonly Selection[]): void {
    this.feeds = feeds
    this.selections = new Map(selections.map((selection) => [selection.mount, selection]))
    this.names = namesOf(selections)
    for (const mount of [...this.views.keys()]) if (!this.selections.has(mount)) this.views.delete(mount)
    for (const mount of this.selections.keys()) this.stale.add(mount)
    for (const views of this.own.values()) views.clear()
    this.pinned.clear()
    this.moved()
  }

  selection(mount: string): Selection | undefined {
    return this.selections.get(mount)
  }

  /** As the caller sees it: its session, and what it is pinned to. */
  viewFor(selection: Selection, caller: Caller): View {
    const base = this.view(selection, caller.affinity)
    const own = this.parts.pinsOf === undefined ? undefined : this.parts.pinsOf(caller)
    if (own === undefined && caller.pins === undefined) return base
    return this.pinned.of(base, own, caller.pins)
  }

  /** The pins of the caller in the order in which they hold. */
  layersOf(view: View, caller: Caller): PinLayers {
    return layersOf(view, this.parts.pinsOf?.(caller), caller.pins)
  }

  /** `session`: of the caller, where it has one. */
  view(selection: Selection, session?: string): View {
    if (session !== undefined && this.own.size > 0) {
      const views = this.own.get(session)
      if (views !== undefined) return this.ownView(selection, session, views)
    }
    const { mount } = selection
    const current = this.views.get(mount)
    if (current !== undefined && !this.stale.has(mount)) return current
    const view = this.made(selection, undefined, current)
    this.views.set(mount, view)
    this.stale.delete(mount)
    return view
  }

  private ownView(selection: Selection, session: string, views: Map<string, View>): View {
    const known = views.get(selection.mount)
    if (known !== undefined) return known
    const shared = this.view(selection)
    const differs = this.feedsOf(selection).some((feed) => feed.own.of(session) !== undefined)
    const view = differs ? this.made(selection, session, shared) : shared
    views.set(selection.mount, view)
    return view
  }

  private made(selection: Selection, session: string | undefined, previous: View | undefined): View {
    const view = new View(selection, this.snapshots(selection, session), previous, this.parts.versions)
    const { changesAtMs } = view.families
    if (changesAtMs !== undefined) this.parts.changesAt(changesAtMs)
    return view
  }

  private snapshots(selection: Selection, session: string | undefined): ReadonlyMap<UpstreamId, Snapshot> {
    const snapshots = new Map<UpstreamId, Snapshot>()
    for (const server of selection.servers) {
      const feed = this.feeds.get(server)
      const snapshot = session === undefined ? feed?.snapshot : feed?.snapshotFor(session)
      if (snapshot !== undefined) snapshots.set(server, snapshot)
    }
    return snapshots
  }

  /** What a session sees is something else now; its views are made anew at the next look. */
  ownChanged(session: string): void {
    const has = [...this.feeds.values()].some((feed) => feed.own.of(session) !== undefined)
    if (has) this.own.set(session, new Map())
    else this.own.delete(session)
  }

  /** A feed swapped its snapshot: views that show it are made anew at the next look. */
  outdate(server: UpstreamId): void {
    for (const selection of this.selections.values()) if (selection.servers.includes(server)) this.stale.add(selection.mount)
    for (const views of this.own.values()) views.clear()
    this.pinned.clear()
  }

  feedsOf(selection: Selection): readonly Feed[] {
    return selection.servers.flatMap((server) => this.feeds.get(server) ?? [])
  }

  /** The servers of a mount of which it is not known what they have of a kind. */
  lacking(selection: Selection, kind: ItemKind): readonly Feed[] {
    return this.feedsOf(selection).filter((feed) => lacks(feed, kind))
  }

  /** Whether it is known of every server of a mount that it has none of a kind. */
  without(selection: Selection, kind: ItemKind): boolean {
    return this.feedsOf(selection).every(
      ({ snapshot }) => snapshot?.about.capabilities !== undefined && !has(snapshot.about.capabilities, kind),
    )
  }

  omitted(selection: Selection, kind: ItemKind): readonly Omitted[] {
    return this.lacking(selection, kind).map((feed) => ({ server: feed.id, reason: reasonOf(feed) }))
  }

  /** Wakes everybody who waits, to look again. */
  moved(): void {
    const waiting = [...this.bench]
    this.bench.clear()
    for (const wake of waiting) wake()
  }

  /** Resolves when `done` holds, `ms` have passed, or the signal ends, whichever is first. Bounded by the calls in flight. */
  async wait(done: () => boolean, ms: number | undefined, signal: Signal): Promise<void> {
    if (done() || signal.aborted || (ms !== undefined && ms <= 0)) return
    let over = false
    let wake = (): void => undefined
    const end = (): void => {
      over = true
      wake()
    }
    const timer = ms === undefined ? undefined : this.clock.timer(ms, end)
    signal.addEventListener('abort', end, { once: true })
    try {
      while (!over && !done()) {
        await new Promise<void>((resolve) => {
          wake = resolve
          this.bench.add(resolve)
        })
        this.bench.delete(wake)
      }
    } finally {
      timer?.cancel()
      signal.removeEventListener('abort', end)
    }
  }
}

function namesOf(selections: readonly Selection[]): readonly string[] {
  return selections.map(({ mount }) => mount).filter((name) => name !== '')
}

function lacks(feed: Feed, kind: ItemKind): boolean {
  if (!feed.lacks(kind)) return false
  const about = feed.snapshot?.about
  return about?.capabilities === undefined || has(about.capabilities, kind)
}

/** Why a server's items are missing, for people. */
export function reasonOf(feed: Feed): string {
  return feed.trouble ?? 'is still starting'
}
