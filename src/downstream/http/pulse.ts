// One heartbeat for all open answers, so that a request costs no timer of its own. It looks twice a period and beats whoever was
// quiet since the last look.
import type { Clock, Timer } from '../../core/ports/clock.ts'

export interface Beaten {
  /** Nothing was written for about a period. */
  beat(nowMs: number): void
}

export class Pulse {
  private readonly clock: Clock
  private readonly lookMs: number
  /** True: was quiet at the last look. */
  private readonly quiet = new Map<Beaten, boolean>()
  private timer: Timer | undefined

  /** `periodMs`: the pause between two beats of one that stays quiet. */
  constructor(clock: Clock, periodMs: number) {
    this.clock = clock
    this.lookMs = periodMs / 2
  }

  get size(): number {
    return this.quiet.size
  }

  add(one: Beaten): void {
    this.quiet.set(one, false)
    this.timer ??= this.clock.timer(this.lookMs, () => this.look())
  }

  /** It just wrote something. */
  stir(one: Beaten): void {
    if (this.quiet.has(one)) this.quiet.set(one, false)
  }

  remove(one: Beaten): void {
    this.quiet.delete(one)
  }

  private look(): void {
    this.timer = undefined
    const now = this.clock.mono()
    for (const [one, wasQuiet] of this.quiet) {
      this.quiet.set(one, !wasQuiet)
      if (wasQuiet) one.beat(now)
    }
    if (this.quiet.size > 0) this.timer ??= this.clock.timer(this.lookMs, () => this.look())
  }
}
