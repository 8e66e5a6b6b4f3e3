// What a server lists to one client session alone. Some change the lists of the session that asked for it and of no other: a bridge that has
// a process for each, tools that are switched on. A session that was told of a change on its own connection, and of which the gateway's was
// not told, is listed there too; where it reads something else than all others do, that is what this session sees (ADR 25).
import type { UpstreamId } from '../../core/call/call.ts'
import type { Within } from '../../core/call/exchange.ts'
import type { ItemKind } from '../../core/call/item.ts'
import { kinds, kindsOf, type ListName } from '../../core/call/item-kinds.ts'
import type { Signal } from '../../core/call/signal.ts'
import { inBackground } from '../../core/ports/boundary.ts'
import type { Upstream } from '../../core/ports/upstream.ts'
import { feedTimes } from './feed-times.ts'
import { type JudgeParts, judgedList } from './judge.ts'
import { readList } from './reading.ts'
import type { List } from './snapshot.ts'

/** Sessions of one server that have lists of their own. */
export const mostSessions = 256
/** Sessions that are listed at once. */
const mostAtOnce = 4

export interface OwnListsParts extends JudgeParts {
  readonly upstream: Upstream
  readonly listBytes: number
  /** Whether the server has items of the kind at all. */
  readonly has: (kind: ItemKind) => boolean
  /** What all others see. */
  readonly shared: (kind: ItemKind) => List | undefined
  /** What a session sees of this server is something else now. */
  readonly changed: (session: string) => void
  readonly life: Signal
}

export class OwnLists {
  private readonly parts: OwnListsParts
  private readonly id: UpstreamId
  private readonly sessions = new Map<string, Map<ItemKind, List>>()
  private readonly due = new Map<string, Set<ItemKind>>()
  private readonly reading = new Set<string>()
  /** Monotonic ms at which all were told of a change last. */
  private readonly toldAllAt = new Map<ListName, number>()
  private waits = false

  constructor(parts: OwnListsParts) {
    this.parts = parts
    this.id = parts.upstream.id
  }

  of(session: string): ReadonlyMap<ItemKind, List> | undefined {
    return this.sessions.get(session)
  }

  /** A change was told: to all, or to one session. */
  told(list: ListName, within: Within | undefined): void {
    if (this.parts.upstream.sessionItems === undefined) return
    if (within === undefined) {
      this.toldAllAt.set(list, this.parts.clock.mono())
      this.again(kindsOf(list))
    } else if (!within.isNew) this.ask(within.session, kindsOf(list))
    // Of a new connection nothing is known, which matters to those alone whose old one had something of its own.
    else if (this.sessions.has(within.session)) this.ask(within.session, kindsOf(list))
  }

  /** What all others see of these kinds is something else now. */
  sharedChanged(some: readonly ItemKind[]): void {
    for (const [session, own] of this.sessions) {
      for (const kind of some) if (own.get(kind)?.version === this.parts.shared(kind)?.version) this.set(session, kind, undefined)
    }
    this.again(some)
  }

  sessionEnded(session: string): void {
    this.due.delete(session)
    this.sessions.delete(session)
  }

  /** Lists those again that have lists of their own of these kinds. */
  private again(some: readonly ItemKind[]): void {
    for (const [session, own] of this.sessions) {
      const known = some.filter((kind) => own.has(kind))
      if (known.length > 0) this.ask(session, known)
    }
  }

  private ask(session: string, some: readonly ItemKind[]): void {
    const wanted = this.due.get(session) ?? new Set<ItemKind>()
    this.due.set(session, wanted)
    for (const kind of some) wanted.add(kind)
    if (this.waits || this.parts.life.aborted) return
    this.waits = true
    this.parts.clock.timer(feedTimes.debounce, () => {
      this.waits = false
      this.readNext()
    })
  }

  private readNext(): void {
    for (const [session, wanted] of this.due) {
      if (this.reading.size >= mostAtOnce || this.parts.life.aborted) return
      if (this.reading.has(session)) continue
      this.due.delete(session)
      const some = [...wanted].filter((kind) => this.isItsOwn(session, kind))
      if (some.length === 0) continue
      this.reading.add(session)
      const read = this.readAll(session, some).finally(() => {
        this.reading.delete(session)
        this.readNext()
      })
      inBackground(this.parts.report, 'catalog', read)
    }
  }

  /** What all are told is read once for all, but where a session has had something of its own. */
  private isItsOwn(session: string, kind: ItemKind): boolean {
    const toldAll = this.toldAllAt.get(kinds[kind].list) ?? Number.NEGATIVE_INFINITY
    return this.sessions.get(session)?.has(kind) === true || this.parts.clock.mono() - toldAll > 2 * feedTimes.debounce
  }

  private async readAll(session: string, some: readonly ItemKind[]): Promise<void> {
    for (const kind of some) if (this.parts.has(kind)) await this.read(session, kind)
  }

  private async read(session: string, kind: ItemKind): Promise<void> {
    const { parts } = this
    const items: Upstream['items'] = (one, signal) =>
      parts.upstream.sessionItems?.(one, signal, session) ?? parts.upstream.items(one, signal)
    const { intake, incomplete } = await readList({ ...parts, upstream: { items } }, kind, parts.life)
    // What did not come whole may lack what all others see.
    if (parts.life.aborted || incomplete !== undefined) return
    const list = await judgedList(
      parts,
      { upstream: this.id, kind, session: true },
      intake,
      this.sessions.get(session)?.get(kind) ?? parts.shared(kind),
    )
    this.set(session, kind, list.version === parts.shared(kind)?.version ? undefined : list)
  }

  private set(session: string, kind: ItemKind, list: List | undefined): void {
    const own = this.sessions.get(session) ?? new Map<ItemKind, List>()
    if (own.get(kind)?.version === list?.version) return
    if (list === undefined) own.delete(kind)
    else {
      own.set(kind, list)
      list.inForce?.()
    }
    if (own.size === 0) this.sessions.delete(session)
    else this.sessions.set(session, own)
    this.makeRoom()
    this.parts.changed(session)
  }

  /** The one that has had its own for longest sees what all see. */
  private makeRoom(): void {
    if (this.sessions.size <= mostSessions) return
    const [oldest] = this.sessions.keys()
    if (oldest === undefined) return
    this.sessions.delete(oldest)
    this.parts.report.counters.add('own_lists_dropped', { upstream: this.id })
    this.parts.changed(oldest)
  }
}
