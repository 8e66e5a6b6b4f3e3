// What was used of limits where there is one gateway (docs/adr/0034-limits-by-sub-windows.md). Bounded: of too many keys those go first of
// which nothing counts any more, then those that nobody asked for longest, and these are counted.
import { LRUCache } from 'lru-cache'
import type { TenantKey } from '../../core/call/tenant-key.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Allowance, LimitStore, Usage } from '../../core/ports/limit-store.ts'
import type { Report } from '../../core/ports/report.ts'
import { UsageWindow } from './usage-window.ts'

/** How often a full store looks at all its keys for ended ones, in ms: each look costs as much as there are keys. */
const sweepMs = 1_000

const unused: Usage = { used: 0, resetsInMs: 0 }

export function createMemoryLimitStore(clock: Clock, report: Report, mostKeys = 100_000): MemoryLimitStore {
  return new MemoryLimitStore(clock, report, mostKeys)
}

/** Answers at once, always. */
export class MemoryLimitStore implements LimitStore {
  private readonly clock: Clock
  private readonly report: Report
  private readonly windows: LRUCache<TenantKey, UsageWindow>
  private sweptAt = Number.NEGATIVE_INFINITY

  constructor(clock: Clock, report: Report, mostKeys: number) {
    this.clock = clock
    this.report = report
    this.windows = new LRUCache({ max: mostKeys })
  }

  waitMs({ key, most, periodMs }: Allowance, amount: number): number {
    const window = this.windows.get(key) ?? empty
    return window.waitMs(most, periodMs, amount, this.clock.mono())
  }

  add({ key, most, periodMs }: Allowance, amount: number): void {
    if (!Number.isFinite(amount)) return
    let window = this.windows.get(key)
    if (window === undefined) {
      if (amount <= 0) return
      window = new UsageWindow()
      this.makeRoom()
      this.windows.set(key, window)
    }
    window.add(most, periodMs, amount, this.clock.mono())
  }

  usage({ key, periodMs }: Allowance): Usage {
    const window = this.windows.get(key)
    if (window === undefined) return unused
    const now = this.clock.mono()
    return { used: window.used(periodMs, now), resetsInMs: window.resetsInMs(periodMs, now) }
  }

  clear({ key }: Allowance): void {
    this.windows.delete(key)
  }

  private makeRoom(): void {
    if (this.windows.size < this.windows.max) return
    const now = this.clock.mono()
    if (now - this.sweptAt >= sweepMs) {
      this.sweptAt = now
      for (const [key, window] of this.windows.entries()) if (window.ended(now)) this.windows.delete(key)
    }
    if (this.windows.size >= this.windows.max) this.report.counters.add('store_evicted', { what: 'limit' })
  }
}

/** Of a key that is not known: nothing is ever added to it. */
const empty = new UsageWindow()
