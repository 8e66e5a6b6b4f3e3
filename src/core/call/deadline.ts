// The deadline of one call. Progress pushes it out, up to a hard maximum; a parked call pauses it.
import type { Clock } from '../ports/clock.ts'
import { DeadlineQueue, type QueuedDeadline } from './deadline-queue.ts'
import type { ListEntry } from './intrusive-list.ts'

export interface DeadlineLimits {
  /** Longest silence, in ms; progress starts it anew. */
  readonly idleMs: number
  /** Longest total, in ms, whatever the progress; time parked does not count. */
  readonly totalMs: number
}

export class Deadline implements QueuedDeadline {
  /** Monotonic ms. */
  dueAt = 0
  private readonly clock: Clock
  private readonly expire: () => void
  private readonly startedAt: number
  private limits: DeadlineLimits
  /** Longest total that the caller waits, in ms. */
  private capMs = Number.POSITIVE_INFINITY
  private pausedAt: number | undefined
  private pausedMs = 0
  private readonly deadlineQueue: DeadlineQueue
  /** Absent while it cannot expire: paused, or over. */
  private place: ListEntry<QueuedDeadline> | undefined
  private done = false

  constructor(clock: Clock, limits: DeadlineLimits, expire: () => void) {
    this.clock = clock
    this.limits = limits
    this.expire = expire
    this.deadlineQueue = DeadlineQueue.of(clock)
    this.startedAt = clock.mono()
    this.push(this.startedAt)
  }

  /** Milliseconds left, never negative. */
  remainingMs(): number {
    return Math.max(0, this.dueAt - (this.pausedAt ?? this.clock.mono()))
  }

  get idleMs(): number {
    return this.limits.idleMs
  }

  /** Milliseconds left of the total, whatever is heard meanwhile. */
  remainingTotalMs(): number {
    return Math.max(0, this.lastMs() - (this.pausedAt ?? this.clock.mono()))
  }

  /** It is the caller who waits no longer. */
  get isOfCaller(): boolean {
    return this.capMs < this.limits.totalMs && this.dueAt === this.lastMs()
  }

  /** The caller waits so long and no longer, counted from the start of the call. */
  cap(ms: number): void {
    if (ms >= this.capMs) return
    this.capMs = ms
    this.push(this.clock.mono())
  }

  /** Replaces the limits once the upstream's own are known. The total still counts from the start of the call. */
  limit(limits: DeadlineLimits): void {
    if (limits.idleMs === this.limits.idleMs && limits.totalMs === this.limits.totalMs) return
    this.limits = limits
    this.push(this.clock.mono())
  }

  /** Something was heard from the upstream. */
  touch(): void {
    if (this.pausedAt === undefined) this.push(this.clock.mono())
  }

  pause(): void {
    if (this.pausedAt !== undefined) return
    this.pausedAt = this.clock.mono()
    this.leave()
  }

  resume(): void {
    if (this.pausedAt === undefined) return
    this.pausedMs += this.clock.mono() - this.pausedAt
    this.pausedAt = undefined
    this.push(this.clock.mono())
  }

  /** Ends the deadline: it can no longer expire. */
  close(): void {
    this.done = true
    this.leave()
  }

  due(): void {
    // Something that rang before may have moved it.
    if (this.clock.mono() < this.dueAt) {
      this.deadlineQueue.sooner(this)
      return
    }
    this.close()
    this.expire()
  }

  private push(from: number): void {
    this.dueAt = Math.min(from + this.limits.idleMs, this.lastMs())
    if (this.done || this.pausedAt !== undefined) return
    if (this.place === undefined) this.place = this.deadlineQueue.enter(this)
    else this.deadlineQueue.sooner(this)
  }

  private lastMs(): number {
    return this.startedAt + this.pausedMs + Math.min(this.capMs, this.limits.totalMs)
  }

  private leave(): void {
    if (this.place !== undefined) this.deadlineQueue.leave(this.place)
    this.place = undefined
  }
}
