// Fenced leases within one process.
import type { TenantKey } from '../../../core/call/tenant-key.ts'
import type { Clock } from '../../../core/ports/clock.ts'
import type { FencedLease } from '../../../core/ports/ephemeral.ts'
import { ExpiringMap, type MapBounds } from './expiring-map.ts'

export class Leases {
  private readonly clock: Clock
  private readonly refused: () => void
  /** The fence of whoever holds the key now. */
  private readonly held: ExpiringMap<number>
  private lastFence = 0

  /** `refused` is told of a lease that could not be given for want of room: a held one is never pushed out. */
  constructor(clock: Clock, bounds: MapBounds, refused: () => void) {
    this.clock = clock
    this.refused = refused
    this.held = new ExpiringMap(clock, bounds, () => undefined)
  }

  lease(key: TenantKey, ttlMs: number): FencedLease | undefined {
    if (this.held.get(key) !== undefined) return undefined
    if (this.held.full) {
      this.refused()
      return undefined
    }
    const fence = this.nextFence()
    this.held.set(key, fence, ttlMs)
    return {
      fence,
      renew: async (forMs) => {
        if (this.held.get(key) !== fence) return false
        this.held.set(key, fence, forMs)
        return true
      },
      release: async () => {
        if (this.held.get(key) === fence) this.held.delete(key)
      },
    }
  }

  /** From the time of day, so that what has seen the fences of an earlier process does not refuse those of this one. */
  private nextFence(): number {
    this.lastFence = Math.max(this.lastFence + 1, Math.floor(this.clock.now()))
    return this.lastFence
  }
}
