// A map whose entries have an end and whose size has a bound: what the parts of the ephemeral store in memory are kept in.
import type { Clock } from '../../../core/ports/clock.ts'

export interface MapBounds {
  readonly most: number
  /** Bytes of all entries together. */
  readonly mostBytes: number
}

interface Entry<T> {
  value: T
  bytes: number
  endsAt: number
}

/** How often a full map looks at all its entries for ended ones, in ms: each look costs as much as there are entries. */
const sweepMs = 1_000

export class ExpiringMap<T> {
  private readonly clock: Clock
  private readonly bounds: MapBounds
  private readonly evicted: () => void
  /** The entry that was written longest ago comes first. */
  private readonly entries = new Map<string, Entry<T>>()
  private bytes = 0
  private sweptAt = Number.NEGATIVE_INFINITY

  /** `evicted` is told of each entry that had to go before its end. */
  constructor(clock: Clock, bounds: MapBounds, evicted: () => void) {
    this.clock = clock
    this.bounds = bounds
    this.evicted = evicted
  }

  get size(): number {
    return this.entries.size
  }

  get(key: string): T | undefined {
    const entry = this.entries.get(key)
    if (entry === undefined) return undefined
    if (entry.endsAt > this.clock.mono()) return entry.value
    this.delete(key)
    return undefined
  }

  /** Whether one more would push out another; ended entries make room first. */
  get full(): boolean {
    if (this.entries.size >= this.bounds.most) this.sweep()
    return this.entries.size >= this.bounds.most
  }

  /** Past a bound the entry that was written longest ago goes, never this one. */
  set(key: string, value: T, ttlMs: number, bytes = 0): void {
    this.delete(key)
    this.entries.set(key, { value, bytes, endsAt: this.clock.mono() + ttlMs })
    this.bytes += bytes
    if (this.within()) return
    this.sweep()
    for (const oldest of this.entries.keys()) {
      if (this.within() || oldest === key) return
      this.delete(oldest)
      this.evicted()
    }
  }

  delete(key: string): void {
    const entry = this.entries.get(key)
    if (entry === undefined) return
    this.entries.delete(key)
    this.bytes -= entry.bytes
  }

  private within(): boolean {
    return this.entries.size <= this.bounds.most && this.bytes <= this.bounds.mostBytes
  }

  private sweep(): void {
    const now = this.clock.mono()
    if (now - this.sweptAt < sweepMs) return
    this.sweptAt = now
    for (const [key, entry] of this.entries) if (entry.endsAt <= now) this.delete(key)
  }
}
