// Limits in memory by the generic cell rate algorithm: a bucket is the one instant at which it will be full again.
import type { TenantKey } from '../../../core/call/tenant-key.ts'
import type { Clock } from '../../../core/ports/clock.ts'
import type { Bucket, Taken } from '../../../core/ports/ephemeral.ts'
import { ExpiringMap, type MapBounds } from './expiring-map.ts'

/** Sums of fractions miss their mark by less than this, in ms. */
const tolerance = 1e-5

export class Buckets {
  private readonly clock: Clock
  /** When each bucket is full again, by the monotonic clock. A full one is forgotten. */
  private readonly fullAt: ExpiringMap<number>

  constructor(clock: Clock, bounds: MapBounds, evicted: () => void) {
    this.clock = clock
    this.fullAt = new ExpiringMap(clock, bounds, evicted)
  }

  take(buckets: readonly Bucket[]): Taken {
    const now = this.clock.mono()
    const next = new Map<TenantKey, number>()
    let bucket = -1
    let waitMs = 0
    for (const [index, { key, intervalMs, burst, cost }] of buckets.entries()) {
      const at = Math.max(next.get(key) ?? this.fullAt.get(key) ?? now, now) + intervalMs * cost
      next.set(key, at)
      const over = cost > burst ? Number.POSITIVE_INFINITY : at - now - intervalMs * burst
      if (over <= tolerance || over <= waitMs) continue
      bucket = index
      waitMs = over
    }
    if (bucket >= 0) return { ok: false, bucket, waitMs }
    for (const [key, at] of next) if (at > now) this.fullAt.set(key, at, at - now)
    return { ok: true }
  }
}
