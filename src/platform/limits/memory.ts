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

class Kept {
  readonly window = new UsageWindow()
  /** When it became the latest of all. */
  touchedAt: number
  /** It is no longer what is kept of its key. */
  gone = false

  constructor(touchedAt: number) {
    this.touchedAt = touchedAt
  }
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

  waitMs(allowance: Allowance, amount: number, now: number): number {
    const { most, periodMs } = allowance
    return (this.find(allowance, now)?.window ?? empty).waitMs(most, periodMs, amount, now)
  }

  add(allowance: Allowance, amount: number, now: number): void {
    if (!Number.isFinite(amount)) return
    const { key, most, periodMs } = allowance
    let kept = this.find(allowance, now)
    if (kept === undefined) {
      if (amount <= 0) return
      kept = new Kept(this.clock.mono())
      this.makeRoom()
      this.keys.set(key, kept)
    }
    kept.window.add(most, periodMs, amount, now)
  }

  used(allowance: Allowance, now: number): number {
    return this.find(allowance, now)?.window.used(allowance.periodMs, now) ?? 0
  }

  resetsInMs(allowance: Allowance, now: number): number {
    return this.find(allowance, now)?.window.resetsInMs(allowance.periodMs, now) ?? 0
  }

  clear({ key }: Allowance): void {
    this.remove(key)
  }

  private find(allowance: Allowance, now: number): Kept | undefined {
    let kept = allowance.slot
    if (!(kept instanceof Kept) || kept.gone) {
      kept = this.keys.get(allowance.key)
      if (!(kept instanceof Kept)) return undefined
      allowance.slot = kept
    }
    if (now - kept.touchedAt >= touchedMs) {
      kept.touchedAt = now
      this.keys.delete(allowance.key)
      this.keys.set(allowance.key, kept)
    }
    return kept
  }

  private remove(key: TenantKey): void {
    const kept = this.keys.get(key)
    if (kept === undefined) return
    kept.gone = true
    this.keys.delete(key)
  }

  private makeRoom(): void {
    if (this.keys.size < this.mostKeys) return
    const now = this.clock.mono()
    if (now - this.sweptAt >= sweepMs) {
      this.sweptAt = now
      for (const [key, { window }] of this.keys) if (window.ended(now)) this.remove(key)
    }
    if (this.keys.size < this.mostKeys) return
    for (const oldest of this.keys.keys()) {
      this.remove(oldest)
      break
    }
    this.report.counters.add('store_evicted', { what: 'limit' })
  }
}

/** Of a key that is not known: nothing is ever added to it. */
const empty = new UsageWindow()
