// What was used of limits where there is one gateway (docs/adr/0034-limits-by-sub-windows.md). Bounded: of too many keys those go first of
// which nothing counts any more, then those that nobody asked for longest, and these are counted.
import type { TenantKey } from '../../core/call/tenant-key.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Allowance, LimitStore } from '../../core/ports/limit-store.ts'
import type { Report } from '../../core/ports/report.ts'
import { UsageWindow } from './usage-window.ts'

/** How often a full store looks at all its keys for ended ones, in ms: each look costs as much as there are keys. */
const sweepMs = 1_000
/** Which of two keys was asked for longer ago is known by so many ms: a call asks for the same ones again and again. */
const touchedMs = 1_000

interface Kept {
  readonly window: UsageWindow
  /** When it became the latest of all. */
  touchedAt: number
}

export function createMemoryLimitStore(clock: Clock, report: Report, mostKeys = 100_000): MemoryLimitStore {
  return new MemoryLimitStore(clock, report, mostKeys)
}

/** Answers at once, always. */
export class MemoryLimitStore implements LimitStore {
  private readonly clock: Clock
  private readonly report: Report
  private readonly mostKeys: number
  /** Those that were asked for longest ago first. */
  private readonly keys = new Map<TenantKey, Kept>()
  private sweptAt = Number.NEGATIVE_INFINITY

  constructor(clock: Clock, report: Report, mostKeys: number) {
    this.clock = clock
    this.report = report
    this.mostKeys = mostKeys
  }

  waitMs({ key, most, periodMs }: Allowance, amount: number, now: number): number {
    return (this.windowOf(key, now) ?? empty).waitMs(most, periodMs, amount, now)
  }

  add({ key, most, periodMs }: Allowance, amount: number, now: number): void {
    if (!Number.isFinite(amount)) return
    let window = this.windowOf(key, now)
    if (window === undefined) {
      if (amount <= 0) return
      window = new UsageWindow()
      this.makeRoom()
      this.keys.set(key, { window, touchedAt: this.clock.mono() })
    }
    window.add(most, periodMs, amount, now)
  }

  used({ key, periodMs }: Allowance, now: number): number {
    return this.keys.get(key)?.window.used(periodMs, now) ?? 0
  }

  resetsInMs({ key, periodMs }: Allowance, now: number): number {
    return this.keys.get(key)?.window.resetsInMs(periodMs, now) ?? 0
  }

  clear({ key }: Allowance): void {
    this.keys.delete(key)
  }

  private windowOf(key: TenantKey, now: number): UsageWindow | undefined {
    const kept = this.keys.get(key)
    if (kept === undefined) return undefined
    if (now - kept.touchedAt >= touchedMs) {
      kept.touchedAt = now
      this.keys.delete(key)
      this.keys.set(key, kept)
    }
    return kept.window
  }

  private makeRoom(): void {
    if (this.keys.size < this.mostKeys) return
    const now = this.clock.mono()
    if (now - this.sweptAt >= sweepMs) {
      this.sweptAt = now
      for (const [key, { window }] of this.keys) if (window.ended(now)) this.keys.delete(key)
    }
    if (this.keys.size < this.mostKeys) return
    for (const oldest of this.keys.keys()) {
      this.keys.delete(oldest)
      break
    }
    this.report.counters.add('store_evicted', { what: 'limit' })
  }
}

/** Of a key that is not known: nothing is ever added to it. */
const empty = new UsageWindow()
