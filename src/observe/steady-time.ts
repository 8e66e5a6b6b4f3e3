// Time for what is measured over minutes to days: it goes on with the monotonic clock, so that a wall clock that is set makes nothing due and
// nothing undone. It begins at the wall clock's time, so that what was kept before a restart goes on.
import type { Clock } from '../core/ports/clock.ts'

export class SteadyTime {
  private readonly clock: Clock
  /** Steady less monotonic milliseconds. */
  private readonly offset: number

  constructor(clock: Clock) {
    this.clock = clock
    this.offset = clock.now() - clock.mono()
  }

  /** Milliseconds since the epoch as they would be had nobody set the clock since the start. */
  now(): number {
    return Math.round(this.clock.mono() + this.offset)
  }

  /** A steady time as the wall clock says it now: for people, and for what is kept. */
  wall(steadyMs: number): number {
    return steadyMs + this.clock.now() - this.now()
  }

  /** The other way; a time of the future is now. */
  steady(wallMs: number): number {
    return Math.min(wallMs - this.clock.now() + this.now(), this.now())
  }
}
