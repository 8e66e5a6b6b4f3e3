// Remembers single-use tokens until they would have expired anyway. Bounded; the oldest are forgotten first, and the exit that holds
// the parked call takes each answer once in any case.
import type { Clock } from '../../core/ports/clock.ts'

export class UsedTokens {
  private readonly clock: Clock
  private readonly most: number
  /** Token to the end of its life, in ms since the epoch; oldest use first. */
  private readonly used = new Map<string, number>()

  constructor(clock: Clock, most = 16_384) {
    this.clock = clock
    this.most = most
  }

  /** True for the first use of a token. */
  take(token: string, expiresAtMs: number): boolean {
    if (this.used.has(token)) return false
    this.prune()
    this.used.set(token, expiresAtMs)
    return true
  }

  get size(): number {
    return this.used.size
  }

  private prune(): void {
    for (const [token, expiresAtMs] of this.used) {
      if (expiresAtMs > this.clock.now() && this.used.size < this.most) return
      this.used.delete(token)
    }
  }
}
