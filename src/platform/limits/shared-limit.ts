// One limit that gateways share, as this gateway knows it: the units it has leased, what it counted since, and what the store said last.
// Knows no connection; src/platform/limits/redis.ts asks with what stands here and tells it the answers.
import type { Allowance } from '../../core/ports/limit-store.ts'
import { type LeaseReply, type LeaseRequest, subWindows } from './lease-script.ts'
import { UsageWindow } from './usage-window.ts'

/** The largest lease beyond what is asked for: this part of the limit, so that gateways do not take it from each other unused. */
const largestLease = 1 / 64
/** A refusal is asked for again after so long, though its wait is not over: elsewhere some of it may have been given back. */
const refusalMs = 1_000
/** After a question without an answer this one is not asked again for so long, in ms: a call waits for one deadline at most. */
const unansweredMs = 100

export class SharedLimit {
  readonly key: string
  readonly most: number
  readonly periodMs: number
  /** Of this gateway alone: by it the limit is held while the store is away. */
  readonly own = new UsageWindow()
  pending: Promise<void> | undefined
  /** Cleared: another stands in its place. */
  over = false
  unansweredUntil = 0
  private asksAtLeast = Number.POSITIVE_INFINITY
  private asksInAll = 0
  private left = 0
  /** Units of this lease that were used, which may still be given back to it. */
  private taken = 0
  private leaseEnds = 0
  private leasedAt = 0
  private batch = 0
  /** Units of leases that ended, and of answers that came too late. */
  private back = 0
  private backAt = 0
  /** Counted here, unknown to the store; below 0 where less was used than it knows of. */
  private uncounted = 0
  private wipe: boolean
  private refusedAmount = Number.POSITIVE_INFINITY
  private refusedUntil = 0
  private askAgainAt = 0
  private known = 0
  private knownResets = 0
  private knownEnds = 0

  constructor(key: string, { most, periodMs }: Allowance, wipe: boolean) {
    this.key = key
    this.most = most
    this.periodMs = periodMs
    this.wipe = wipe
  }

  /** Milliseconds to wait, by what is known here; undefined where the store has to be asked. */
  waitMs(amount: number, now: number): number | undefined {
    if (this.left >= amount && now < this.leaseEnds && !this.isOver) return 0
    if (amount >= this.refusedAmount && now < this.askAgainAt) return this.refusedUntil - now
    return undefined
  }

  /** What the next question has to bring. */
  want(amount: number): void {
    this.asksAtLeast = Math.min(this.asksAtLeast, amount)
    this.asksInAll += amount
  }

  add(amount: number, now: number): void {
    if (amount < 0) this.giveBack(-amount, now)
    if (!(amount > 0)) return
    this.own.add(this.most, this.periodMs, amount, now)
    const covered = now < this.leaseEnds ? Math.min(this.left, amount) : 0
    this.left -= covered
    this.taken += covered
    this.uncounted += amount - covered
  }

  used(now: number): number {
    return Math.max(now >= this.knownEnds ? this.uncounted : this.known - this.left - this.back + this.uncounted, 0)
  }

  resetsInMs(now: number): number {
    if (this.used(now) === 0) return 0
    if (now >= this.knownEnds) return this.own.resetsInMs(this.periodMs, now)
    return (now < this.knownResets ? this.knownResets : this.knownEnds) - now
  }

  /** Whether there is something to tell the store now. */
  isDue(now: number): boolean {
    return this.wipe || this.uncounted !== 0 || this.back > 0 || (this.left > 0 && now >= this.leaseEnds)
  }

  /** Whether there may be something to tell it later. */
  get isOpen(): boolean {
    return this.wipe || this.uncounted !== 0 || this.back > 0 || this.left > 0
  }

  /** The next question. What it tells is no longer kept here: whoever sends it says what became of it. */
  request(now: number): LeaseRequest {
    const need = this.asksAtLeast === Number.POSITIVE_INFINITY ? 0 : this.asksAtLeast
    const usedUp = this.left < need && now < this.leaseEnds
    const whole = Number.isInteger(this.most) && Number.isInteger(this.asksInAll)
    const largest = whole ? Math.floor(this.most * largestLease) : this.most * largestLease
    if (need > 0)
      this.batch = usedUp
        ? Math.min(Math.max(this.batch, this.asksInAll) * 2, largest)
        : whole
          ? Math.floor(this.batch / 2)
          : this.batch / 2
    if (this.left > 0) this.keepBack(this.left, this.leasedAt)
    const request = {
      periodMs: this.periodMs,
      most: this.most,
      need,
      want: Math.max(this.asksInAll, this.batch),
      back: this.back > this.most * 1e-12 ? this.back : 0,
      backAt: this.backAt,
      // What was used longer ago than a period counts no more.
      counted: Math.min(this.uncounted, this.own.used(this.periodMs, now)),
      wipe: this.wipe,
    }
    this.left = 0
    this.taken = 0
    this.leaseEnds = 0
    this.back = 0
    this.uncounted = 0
    this.wipe = false
    this.asksAtLeast = Number.POSITIVE_INFINITY
    this.asksInAll = 0
    return request
  }

  answered(request: LeaseRequest, reply: LeaseReply, sentAt: number, now: number): void {
    this.left = reply.granted
    this.leasedAt = reply.at
    this.leaseEnds = sentAt + subWindows.lifeMs(this.periodMs)
    this.known = reply.used
    this.knownResets = now + reply.resetsInMs
    this.knownEnds = now + reply.endsInMs
    if (request.need === 0) return
    const refused = reply.granted === 0
    this.refusedAmount = refused ? request.need : Number.POSITIVE_INFINITY
    this.refusedUntil = refused ? now + reply.waitMs : 0
    this.askAgainAt = refused ? now + Math.min(reply.waitMs, refusalMs) : 0
  }

  /** Nobody knows whether it was heard. What was used is told again, rather twice than never; what was given back is not. */
  unanswered(request: LeaseRequest, now: number): void {
    this.uncounted += Math.max(request.counted, 0)
    this.wipe ||= request.wipe
    this.unansweredUntil = now + unansweredMs
  }

  /** It was heard after all: what was told need not be told again, and what was handed out is too old to be used. */
  answeredLate(request: LeaseRequest, reply: LeaseReply): void {
    this.uncounted -= Math.max(request.counted, 0)
    if (reply.granted > 0) this.keepBack(reply.granted, reply.at)
  }

  /** Of units of several sub-windows the latest are kept: what is not given back counts until it is over. */
  private keepBack(amount: number, at: number): void {
    this.back = at === this.backAt ? this.back + amount : amount
    this.backAt = at
  }

  private giveBack(most: number, now: number): void {
    const amount = Math.min(most, this.own.used(this.periodMs, now))
    this.own.add(this.most, this.periodMs, -amount, now)
    const unknown = Math.min(Math.max(this.uncounted, 0), amount)
    this.uncounted -= unknown
    const toLease = now < this.leaseEnds && !this.isOver ? Math.min(this.taken, amount - unknown) : 0
    this.left += toLease
    this.taken -= toLease
    this.uncounted -= amount - unknown - toLease
    this.refusedAmount = Number.POSITIVE_INFINITY
  }

  /** More is used than the limit allows, also where units of the lease are left. */
  private get isOver(): boolean {
    return this.known + this.uncounted > this.most * (1 + 1e-12)
  }
}
