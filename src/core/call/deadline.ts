// The deadline of one call. Progress pushes it out, up to a hard maximum; a parked call pauses it. One timer per call.
import type { Clock, Timer } from '../ports/clock.ts'

export interface DeadlineLimits {
  /** Longest silence, in ms; progress starts it anew. */
  readonly idleMs: number
  /** Longest total, in ms, whatever the progress; time parked does not count. */
  readonly totalMs: number
}

export class Deadline {
  private readonly clock: Clock
  private readonly expire: () => void
  private readonly startedAt: number
  private limits: DeadlineLimits
  private dueAt: number
  private pausedAt: number | undefined
  private pausedMs = 0
  private timer: Timer | undefined
  private done = false

  constructor(clock: Clock, limits: DeadlineLimits, expire: () => void) {
    this.clock = clock
    this.limits = limits
    this.expire = expire
    this.startedAt = clock.mono()
    this.dueAt = 0
    this.push(this.startedAt)
  }

  /** Milliseconds left, never negative. */
  remainingMs(): number {
    return Math.max(0, this.dueAt - (this.pausedAt ?? this.clock.mono()))
  }

  get idleMs(): number {
    return this.limits.idleMs
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
    this.timer?.cancel()
    this.timer = undefined
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
    this.timer?.cancel()
    this.timer = undefined
  }

  private push(from: number): void {
    this.dueAt = Math.min(from + this.limits.idleMs, this.startedAt + this.pausedMs + this.limits.totalMs)
    // The running timer is left alone when the deadline moves out: it checks when it fires, so progress costs no timer.
    if (this.timer === undefined || this.dueAt < this.armedFor) this.arm()
  }

  private armedFor = 0

  private arm(): void {
    if (this.done || this.pausedAt !== undefined) return
    this.timer?.cancel()
    this.armedFor = this.dueAt
    this.timer = this.clock.timer(Math.max(0, this.dueAt - this.clock.mono()), () => this.check())
  }

  private check(): void {
    this.timer = undefined
    if (this.done || this.pausedAt !== undefined) return
    if (this.clock.mono() < this.dueAt) this.arm()
    else {
      this.done = true
      this.expire()
    }
  }
}
