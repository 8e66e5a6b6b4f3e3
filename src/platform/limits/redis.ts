// What was used of limits, shared by all gateways of one Redis. Units are leased ahead, so that nearly every question is answered at once;
// while Redis is away each gateway holds its share by itself, or grants nothing (docs/adr/0034-limits-by-sub-windows.md).
import { LRUCache } from 'lru-cache'
import type { TenantKey } from '../../core/call/tenant-key.ts'
import type { Clock, Timer } from '../../core/ports/clock.ts'
import type { Allowance, LimitStore } from '../../core/ports/limit-store.ts'
import type { Report } from '../../core/ports/report.ts'
import { argumentsOf, replyOf } from './lease-script.ts'
import { RedisConnection } from './redis-connection.ts'
import { SharedLimit } from './shared-limit.ts'

export interface RedisLimitsOptions {
  readonly url: string
  /** While Redis is away: each gateway grants at most its share of a limit, or none grants anything. */
  readonly onLoss: 'local' | 'closed'
  /** How many share a limit. */
  readonly gateways: number
  readonly deadlineMs?: number
  readonly probeMs?: number
  readonly mostKeys?: number
}

/** What was counted beyond a lease, and what is left of one that ended, is told to Redis within so many ms. */
const tellMs = 50
/** So many limits at a time: after a loss all have something to tell. */
const mostTold = 500

export class RedisLimitStore implements LimitStore {
  private readonly clock: Clock
  private readonly report: Report
  private readonly options: RedisLimitsOptions
  private readonly connection: RedisConnection
  private readonly limits: LRUCache<TenantKey, SharedLimit>
  /** Limits that have something to tell, now or when their lease ends. */
  private readonly open = new Set<SharedLimit>()
  private telling: Timer | undefined
  private closed = false

  constructor(clock: Clock, report: Report, options: RedisLimitsOptions) {
    this.clock = clock
    this.report = report
    this.options = options
    this.limits = new LRUCache({ max: options.mostKeys ?? 100_000, dispose: (limit) => void this.open.delete(limit) })
    const { url, deadlineMs = 25, probeMs = 750 } = options
    this.connection = new RedisConnection(clock, report, { url, deadlineMs, probeMs }, () => this.tellLater())
  }

  /** Comes back when Redis is there or was not found at the first attempt: limits are then held as after a loss. Never rejects. */
  start(): Promise<void> {
    return this.connection.start()
  }

  waitMs(allowance: Allowance, amount: number, now: number): number | Promise<void> {
    if (amount <= 0) return 0
    if (!(amount <= allowance.most * (1 + 1e-12))) return Number.POSITIVE_INFINITY
    const limit = this.limitOf(allowance)
    const known = limit.waitMs(amount, now)
    if (known !== undefined) return known
    if (this.connection.away || now < limit.unansweredUntil) return this.waitAlone(limit, amount, now)
    limit.want(amount)
    limit.pending ??= this.ask(limit)
    return limit.pending
  }

  add(allowance: Allowance, amount: number, now: number): void {
    if (!Number.isFinite(amount)) return
    const limit = this.limitOf(allowance)
    limit.add(amount, now)
    if (limit.isOpen) this.tellSoon(limit)
  }

  used(allowance: Allowance, now: number): number {
    const limit = this.limitOf(allowance)
    return this.connection.away ? limit.own.used(allowance.periodMs, now) : limit.used(now)
  }

  resetsInMs(allowance: Allowance, now: number): number {
    const limit = this.limitOf(allowance)
    return this.connection.away ? limit.own.resetsInMs(allowance.periodMs, now) : limit.resetsInMs(now)
  }

  clear(allowance: Allowance): void {
    const old = this.limits.peek(allowance.key)
    if (old !== undefined) old.over = true
    const limit = this.make(allowance, true)
    this.tellSoon(limit)
    if (!this.connection.away) limit.pending = this.ask(limit)
  }

  /** Gives back what is left of leases. */
  async close(): Promise<void> {
    this.closed = true
    this.telling?.cancel()
    if (!this.connection.away) await Promise.all([...this.open].slice(0, mostTold).map((limit) => limit.pending ?? this.ask(limit)))
    await this.connection.close()
  }

  private limitOf(allowance: Allowance): SharedLimit {
    const limit = this.limits.get(allowance.key)
    if (limit !== undefined && limit.most === allowance.most && limit.periodMs === allowance.periodMs) return limit
    return this.make(allowance, false)
  }

  /** The hash is that of one period: its sub-windows have one length. */
  private make(allowance: Allowance, wipe: boolean): SharedLimit {
    if (this.limits.size >= this.limits.max && !this.limits.has(allowance.key)) this.report.counters.add('store_evicted', { what: 'limit' })
    const limit = new SharedLimit(`sb:{l:${allowance.key}:${allowance.periodMs}}`, allowance, wipe)
    this.limits.set(allowance.key, limit)
    return limit
  }

  /** Without Redis. A share that is too small for the amount waits until Redis may be there again. */
  private waitAlone({ own, periodMs, most }: SharedLimit, amount: number, now: number): number {
    const { onLoss, gateways } = this.options
    const wait = onLoss === 'closed' ? Number.POSITIVE_INFINITY : own.waitMs(most / gateways, periodMs, amount, now)
    return wait === Number.POSITIVE_INFINITY ? this.connection.retryInMs : wait
  }

  private async ask(limit: SharedLimit): Promise<void> {
    // All who ask in this turn are one question.
    await undefined
    const sentAt = this.clock.mono()
    if (limit.over) return
    const request = limit.request(sentAt)
    const late = (value: unknown): void => {
      const reply = replyOf(value)
      if (reply === undefined) return
      limit.answeredLate(request, reply)
      if (limit.isOpen) this.tellSoon(limit)
    }
    const reply = replyOf(await this.connection.lease(limit.key, argumentsOf(request), late))
    const now = this.clock.mono()
    limit.pending = undefined
    if (reply === undefined) limit.unanswered(request, now)
    else limit.answered(request, reply, sentAt, now)
    if (limit.isOpen) this.tellSoon(limit)
  }

  private tellSoon(limit: SharedLimit): void {
    if (limit.over) return
    this.open.add(limit)
    if (this.telling === undefined) this.tellLater()
  }

  private tellLater(): void {
    if (this.closed || this.open.size === 0) return
    this.telling?.cancel()
    this.telling = this.clock.timer(tellMs, () => this.tell())
  }

  private tell(): void {
    this.telling = undefined
    // Told when it is back.
    if (this.connection.away) return
    const now = this.clock.mono()
    let told = 0
    for (const limit of this.open) {
      if (told >= mostTold) break
      if (limit.over || !limit.isOpen) this.open.delete(limit)
      else if (limit.pending === undefined && limit.isDue(now) && now >= limit.unansweredUntil) {
        limit.pending = this.ask(limit)
        told += 1
      }
    }
    this.tellLater()
  }
}
