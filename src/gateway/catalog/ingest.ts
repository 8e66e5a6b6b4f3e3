// The one place that feeds the catalog. A feed pulls the definitions of one upstream when it becomes ready, when anything tells of a change,
// when a caller names what is not known, and by the clock, since what a server announces may never come; judges them one by one; and swaps
// an immutable snapshot when something differs. The last known snapshot stays while the upstream is away.
import type { UpstreamId } from '../../core/call/call.ts'
import type { CallEvent, Interest } from '../../core/call/exchange.ts'
import type { ItemKind } from '../../core/call/item.ts'
import { allKinds, announcesKind, has, kinds, kindsOf, type ListName } from '../../core/call/item-kinds.ts'
import { Switch } from '../../core/call/signal.ts'
import type { Fault } from '../../core/faults/fault.ts'
import { inBackground } from '../../core/ports/boundary.ts'
import type { Random, Timer } from '../../core/ports/clock.ts'
import type { ServedState, Upstream, Watch } from '../../core/ports/upstream.ts'
import { sameQuarantined } from './definition.ts'
import { feedTimes } from './feed-times.ts'
import { Intake } from './intake.ts'
import { completedBy, decidedAnew, type JudgeParts, judgedList, type Origin } from './judge.ts'
import { OwnLists } from './own-lists.ts'
import { Promised } from './promised.ts'
import { type Reading, readList } from './reading.ts'
import { type About, type List, readSnapshot, type Snapshot, writeSnapshot } from './snapshot.ts'
import { UndeclaredLists } from './undeclared.ts'
import { Widening } from './widening.ts'

export interface FeedParts extends JudgeParts {
  readonly upstream: Upstream
  /** Bytes of all definitions of one kind. */
  readonly listBytes: number
  readonly random: Random
  /** Told after every swap; the kinds whose definitions differ, none where only what the server says of itself does. */
  readonly swapped: (feed: Feed, changed: readonly ItemKind[]) => void
  /** What one client session sees of this feed is something else now. */
  readonly ownChanged: (feed: Feed, session: string) => void
  /** Told whenever somebody who waits for this feed should look again. */
  readonly moved: () => void
}

type TimerName = 'change' | 'poll' | 'slowPoll' | 'retry'

export class Feed {
  readonly id: UpstreamId
  readonly widening: Widening
  readonly promised = new Promised()
  /** What single sessions see. */
  readonly own: OwnLists
  private readonly parts: FeedParts
  private readonly life = new Switch()
  private readonly timers = new Map<TimerName, Timer>()
  private readonly dirty = new Set<ItemKind>()
  private current: Snapshot | undefined
  /** Kinds whose list is under way, and why others failed; a list that hangs holds no other up. */
  private readonly pulling = new Set<ItemKind>()
  private readonly problems = new Map<ItemKind | 'connection', string>()
  /** Kinds of which what is served is not all, and why. */
  private readonly partial = new Map<ItemKind, NonNullable<Reading['incomplete']>>()
  /** The last lists that came to their end. */
  private readonly whole = new Map<ItemKind, List>()
  private readonly undeclared: UndeclaredLists
  /** Monotonic ms of the last pull for an unknown name. */
  private readonly soughtAt = new Map<ItemKind, number>()
  private refused: Fault | undefined
  /** The build of its server of which its tools were read. */
  private toolsOf = 0
  private failures = 0
  private connecting = false
  private tried = false
  private pulledAt = Number.NEGATIVE_INFINITY
  private wasReady = false
  private watch: Watch | undefined
  private release: (() => void) | undefined

  constructor(parts: FeedParts) {
    this.parts = parts
    this.id = parts.upstream.id
    this.widening = new Widening(parts.upstream)
    const { life } = this
    this.own = new OwnLists({
      ...parts,
      life,
      has: (kind) => has(this.current?.about.capabilities, kind),
      shared: (kind) => this.current?.lists[kind],
      changed: (session) => parts.ownChanged(this, session),
    })
    this.undeclared = new UndeclaredLists(parts.upstream, parts.clock, life)
  }

  get snapshot(): Snapshot | undefined {
    return this.current
  }

  /** As a client session sees it. */
  snapshotFor(session: string): Snapshot | undefined {
    const own = this.own.of(session)
    return own === undefined || this.current === undefined
      ? this.current
      : { ...this.current, lists: { ...this.current.lists, ...Object.fromEntries(own) } }
  }

  /** As `Upstream.build` counts them. */
  get build(): number {
    return this.toolsOf
  }

  /** Its server was replaced by another build, whose tools are not read yet. */
  get isOutdated(): boolean {
    return (this.parts.upstream.build?.() ?? 0) > this.toolsOf
  }

  get upstream(): Upstream {
    return this.parts.upstream
  }

  /** Why the last attempt did not bring everything; undefined while all is well. */
  get trouble(): string | undefined {
    const [problem] = this.problems.values()
    return problem ?? this.parts.upstream.health().reason
  }

  /** `degraded` where the server is there and a list of it is not. */
  get state(): ServedState {
    const { state } = this.parts.upstream.health()
    return state === 'ready' && this.problems.size + this.partial.size > 0 ? 'degraded' : state
  }

  /** Why it is not ready, for operators: of a degraded server each list that failed or has no end. */
  get reason(): string | undefined {
    if (this.state !== 'degraded') return this.parts.upstream.health().reason ?? this.trouble
    const endless = this.incomplete.filter(({ kind }) => !this.problems.has(kind)).map(({ kind, reason }) => [kind, reason] as const)
    return [...this.problems, ...endless]
      .map(([where, why]) => (where === 'connection' || why.startsWith(kinds[where].method) ? why : `${kinds[where].method}: ${why}`))
      .join('; ')
  }

  /** Lists of which a part is served, and why. */
  get incomplete(): readonly { readonly kind: ItemKind; readonly reason: string }[] {
    return [...this.partial].map(([kind, { reason }]) => ({ kind, reason }))
  }

  /** The fault of the last attempt to connect, where it failed: it knows whose matter it is. */
  get refusal(): Fault | undefined {
    return this.refused
  }

  /** True until it is known what this server has of the kind. */
  lacks(kind: ItemKind): boolean {
    return this.current?.lists[kind] === undefined
  }

  /** True while an attempt is under way that may bring what is lacking. */
  hopeful(kind: ItemKind): boolean {
    return this.connecting || this.pulling.has(kind) || (!this.tried && !this.life.aborted)
  }

  /** Takes what the store kept, unless the server was faster. */
  async restore(bytes: Uint8Array): Promise<void> {
    const kept = readSnapshot(bytes)
    if (kept === undefined) return
    const lists: Partial<Record<ItemKind, List>> = {}
    for (const kind of allKinds) {
      const raw = kept.lists[kind]
      if (raw === undefined) continue
      const intake = new Intake(kind, this.parts.listBytes)
      for (const definition of raw) intake.take(definition)
      lists[kind] = await judgedList(this.parts, this.origin(kind), intake, this.current?.lists[kind])
    }
    if (this.current !== undefined) return
    for (const kind of allKinds) if (lists[kind] !== undefined) this.whole.set(kind, lists[kind])
    this.parts.upstream.knownFrom?.(kept.about)
    this.current = { upstream: this.id, generation: 1, live: false, about: kept.about, lists }
    for (const list of Object.values(lists)) list.inForce?.()
  }

  /** The snapshot in the form of the store. */
  kept(): Uint8Array | undefined {
    return this.current === undefined ? undefined : writeSnapshot(this.current)
  }

  start(): void {
    this.release = this.parts.upstream.onChange(() => this.healthChanged())
    this.pull(allKinds)
  }

  stop(): void {
    this.life.abort('drain')
    for (const timer of this.timers.values()) timer.cancel()
    this.timers.clear()
    this.release?.()
    this.watch?.close()
    this.watch = undefined
    this.parts.moved()
  }

  /** Asks the server again now, whatever it announces; for a list that turned out to be stale. */
  refresh(): void {
    this.pull(allKinds)
  }

  /** Asks for the tools of another build, unless that is under way. */
  catchUp(): void {
    const isPlanned = this.timers.has('change') || this.timers.has('retry')
    if (this.isOutdated && !isPlanned && !this.listing(['tool'])) this.pull(allKinds)
  }

  /** What is shown of its tools is decided anew, as they were listed last. */
  decideAnew(): void {
    const list = this.current?.lists.tool
    if (list === undefined) return
    // What is under way may have been decided before.
    if (this.pulling.has('tool')) return void this.dirty.add('tool')
    const decided = decidedAnew(this.parts, this.origin('tool'), list).then((next) => {
      // A list that came meanwhile was decided later.
      if (this.current?.lists.tool === list) this.swap('tool', next)
    })
    inBackground(this.parts.report, 'catalog', decided)
  }

  private origin(kind: ItemKind): Origin {
    return { upstream: this.id, kind, session: false }
  }

  /** Lists the kinds once more, for a caller who named what is not known: not for every such name. True while there is something to wait for. */
  seek(wanted: readonly ItemKind[]): boolean {
    if (this.parts.upstream.health().state !== 'ready') return false
    const now = this.parts.clock.mono()
    const due = wanted.filter(
      (kind) => this.mayHave(kind) && now - (this.soughtAt.get(kind) ?? Number.NEGATIVE_INFINITY) >= feedTimes.unknown,
    )
    for (const kind of due) this.soughtAt.set(kind, now)
    this.undeclared.seek(due)
    if (due.length > 0) this.pull(due)
    return this.listing(wanted)
  }

  /** True while one of the kinds is being listed. */
  listing(some: readonly ItemKind[]): boolean {
    return !this.life.aborted && (this.connecting || some.some((kind) => this.pulling.has(kind)))
  }

  private mayHave(kind: ItemKind): boolean {
    const capabilities = this.current?.about.capabilities
    const isListed = capabilities === undefined || has(capabilities, kind) || this.undeclared.mayHave(kind)
    return isListed && this.partial.get(kind)?.again !== false
  }

  private healthChanged(): void {
    const ready = this.parts.upstream.health().state === 'ready'
    // What comes back may be another server.
    if (!ready) this.undeclared.forget()
    const became = ready && !this.wasReady
    this.wasReady = ready
    if (this.widening.begins()) this.pull(allKinds)
    this.parts.moved()
    // The attempt that connects goes on to pull by itself.
    if (became && !this.connecting) this.pull(allKinds)
    else if (ready) this.catchUp()
  }

  private changed(list: ListName): void {
    for (const kind of kindsOf(list)) this.dirty.add(kind)
    this.undeclared.seek(kindsOf(list))
    const sinceMs = this.parts.clock.mono() - this.pulledAt
    const isEndless = kindsOf(list).some((kind) => this.partial.get(kind)?.again === false)
    const spacing = isEndless ? feedTimes.endless : feedTimes.spacing
    this.later('change', Math.max(feedTimes.debounce, spacing - sinceMs), () => this.pull([]))
  }

  /** Runs `work` once after `ms`; a timer of that name that waits already stands. */
  private later(name: TimerName, ms: number, work: () => void): void {
    if (this.timers.has(name) || this.life.aborted) return
    this.timers.set(
      name,
      this.parts.clock.timer(ms, () => {
        this.timers.delete(name)
        work()
      }),
    )
  }

  private cancel(name: TimerName): void {
    this.timers.get(name)?.cancel()
    this.timers.delete(name)
  }

  private pull(wanted: readonly ItemKind[]): void {
    for (const kind of wanted) this.dirty.add(kind)
    if (this.connecting || this.life.aborted) return
    this.cancel('retry')
    this.connecting = true
    this.connect().catch((error: unknown) => this.fail('connection', this.bug(error)))
  }

  private async connect(): Promise<void> {
    try {
      const fault = await this.parts.upstream.ready(this.life)
      if (this.life.aborted) return
      this.refused = fault
      if (fault !== undefined) {
        this.widening.failed()
        this.promised.failed()
        this.fail('connection', String(fault.detail.reason ?? fault.message))
        return
      }
      this.problems.delete('connection')
      this.wasReady = true
      // Before the first list is asked for, so that no change falls between.
      this.watch ??= this.parts.upstream.watch(everyList, (event) => this.heard(event))
      await this.undeclared.search()
      if (this.life.aborted) return
      const about = this.undeclared.about()
      this.describe(about)
      this.pulledAt = this.parts.clock.mono()
      for (const kind of this.dirty) if (!this.pulling.has(kind)) inBackground(this.parts.report, 'catalog', this.take(kind, about))
    } finally {
      this.connecting = false
      this.tried = true
      this.parts.moved()
    }
  }

  /** One kind, once; a change that is announced meanwhile leaves it dirty. */
  private async take(kind: ItemKind, about: About): Promise<void> {
    this.dirty.delete(kind)
    this.pulling.add(kind)
    this.promised.begins(kind)
    const wide = this.widening.isWide
    const problem = await this.pullKind(kind, about)
    this.pulling.delete(kind)
    this.promised.ends(kind)
    if (wide) this.widening.settled(kind)
    if (this.life.aborted) return
    if (problem === undefined) this.done(kind, about)
    else {
      this.dirty.add(kind)
      this.fail(kind, problem)
    }
    this.parts.moved()
  }

  private done(kind: ItemKind, about: About): void {
    this.problems.delete(kind)
    if (this.problems.size === 0) this.failures = 0
    if (this.dirty.has(kind)) {
      const pause = this.partial.get(kind)?.again === false ? feedTimes.endless : feedTimes.debounce
      this.later('change', pause, () => this.pull([]))
    }
    this.planPoll(about)
  }

  private fail(where: ItemKind | 'connection', reason: string): void {
    if (this.problems.get(where) !== reason) {
      this.parts.report.log('warn', 'The items of a server could not be listed', { upstream: this.id, what: where, reason })
    }
    this.problems.set(where, reason)
    // Several lists that fail together are one failure.
    if (this.timers.has('retry')) return
    const pause = Math.min(feedTimes.retryMost, feedTimes.retry * 2 ** Math.min(this.failures, 10))
    this.failures += 1
    this.later('retry', pause * (0.5 + this.parts.random.fraction() / 2), () => this.pull([]))
  }

  private bug(error: unknown): string {
    const stack = error instanceof Error ? error.stack : String(error)
    this.parts.report.log('error', 'A bug in the gateway kept a list from being read', { upstream: this.id, stack })
    return 'an internal error, see the log'
  }

  private planPoll(about: About): void {
    const offered = allKinds.filter((kind) => has(about.capabilities, kind))
    const unannounced = offered.filter((kind) => !announcesKind(about.capabilities, kind))
    this.planned('poll', feedTimes.poll, [...unannounced, ...this.undeclared.usual])
    this.planned('slowPoll', feedTimes.slowPoll, offered)
  }

  private planned(name: TimerName, ms: number, some: readonly ItemKind[]): void {
    if (some.length === 0) this.cancel(name)
    else this.later(name, ms * (0.9 + this.parts.random.fraction() / 5), () => this.poll(some))
  }

  private poll(some: readonly ItemKind[]): void {
    this.undeclared.seek(some)
    this.pull(some)
  }

  private heard(event: CallEvent): void {
    if (event.kind !== 'changed') return
    if (event.toCallers) this.promised.told(event.list)
    if (event.within?.isNew !== true) this.changed(event.list)
    this.own.told(event.list, event.within)
  }

  /** One kind; the reason where another attempt should follow. */
  private async pullKind(kind: ItemKind, about: About): Promise<string | undefined> {
    const build = this.parts.upstream.build?.() ?? 0
    try {
      if (!has(about.capabilities, kind)) {
        this.partial.delete(kind)
        this.swap(kind, emptyList)
        return void this.readOf(kind, build)
      }
      const { intake, incomplete } = await readList(this.parts, kind, this.life)
      if (this.life.aborted) return undefined
      if (incomplete?.again === true && intake.taken.length === 0) return incomplete.reason
      const list = await judgedList(this.parts, this.origin(kind), intake, this.current?.lists[kind])
      this.note(kind, incomplete)
      if (incomplete === undefined) this.whole.set(kind, list)
      this.swap(kind, incomplete?.again === true ? completedBy(list, this.whole.get(kind) ?? this.current?.lists[kind]) : list)
      this.readOf(kind, build)
      return incomplete?.again === true ? incomplete.reason : undefined
    } catch (error) {
      return this.bug(error)
    }
  }

  /** What was read while the server was replaced may be of either build. */
  private readOf(kind: ItemKind, build: number): void {
    if (kind !== 'tool') return
    this.toolsOf = build
    if (this.isOutdated) this.dirty.add(kind)
  }

  /** Told once, however often the list is read until it comes whole. */
  private note(kind: ItemKind, incomplete: Reading['incomplete']): void {
    const wasPartial = this.partial.has(kind)
    if (incomplete === undefined) {
      this.partial.delete(kind)
      return
    }
    this.partial.set(kind, incomplete)
    if (wasPartial) return
    this.parts.report.counters.add('incomplete_lists', { upstream: this.id, kind })
    // One that failed is told of as a failure.
    if (incomplete.again) return
    this.parts.report.log('warn', 'A list of a server has no end that could be reached; what was read of it is served', {
      upstream: this.id,
      kind,
      reason: incomplete.reason,
    })
  }

  private describe(about: About): void {
    const { identity, capabilities, instructions } = about
    const known = this.current?.about
    const next = { identity, capabilities, instructions }
    if (known !== undefined && JSON.stringify(known) === JSON.stringify(next)) return
    this.replace({ about: next }, [])
  }

  private swap(kind: ItemKind, list: List): void {
    if (this.life.aborted) return
    const before = this.current?.lists[kind]
    const same = before !== undefined && before.version === list.version
    // The same definitions with other quarantined neighbours are no change to a client, but the status must show them.
    if (same && this.current?.live === true && sameQuarantined(before.quarantined, list.quarantined) && sameListed(before, list)) return
    this.replace({ lists: { [kind]: same ? { ...list, definitions: before.definitions } : list } }, same ? [] : [kind])
    list.inForce?.()
  }

  private replace(change: { about?: About; lists?: Partial<Record<ItemKind, List>> }, changed: readonly ItemKind[]): void {
    const old = this.current
    this.current = {
      upstream: this.id,
      generation: (old?.generation ?? 0) + 1,
      live: true,
      about: change.about ?? old?.about ?? nothingKnown,
      lists: { ...old?.lists, ...change.lists },
    }
    this.parts.swapped(this, changed)
    if (changed.length > 0) this.own.sharedChanged(changed)
    this.parts.moved()
  }
}

/** What the server says is something else, though what is shown of it is not. */
function sameListed(before: List, list: List): boolean {
  const known = before.listed
  return known === undefined || (known.length === list.listed?.length && known.every((one, index) => one === list.listed?.[index]))
}

const nothingKnown: About = { identity: undefined, capabilities: undefined, instructions: undefined }
const everyList: Interest = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true }
const emptyList: List = { definitions: [], quarantined: [], version: '' }
