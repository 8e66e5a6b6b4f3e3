// Tells when a date has come at which lists read differently: the nearest one alone is waited for, since each new view names its own.

import type { Clock, Timer } from '../../core/ports/clock.ts'
import { dayMs } from '../../core/text/duration.ts'

/** A clock may be set: it is looked at again after this, in ms. A timer of the runtime cannot be much longer. */
const longestMs = dayMs

export class Calendar {
  private readonly clock: Clock
  private readonly come: () => void
  private atMs = Number.POSITIVE_INFINITY
  private timer: Timer | undefined
  private stopped = false

  constructor(clock: Clock, come: () => void) {
    this.clock = clock
    this.come = come
  }

  add(ms: number): void {
    if (this.stopped || ms >= this.atMs) return
    this.atMs = ms
    this.wait()
  }

  stop(): void {
    this.stopped = true
    this.timer?.cancel()
  }

  private wait(): void {
    this.timer?.cancel()
    this.timer = this.clock.timer(Math.min(longestMs, Math.max(0, this.atMs - this.clock.now())), () => {
      if (this.clock.now() < this.atMs) return this.wait()
      this.atMs = Number.POSITIVE_INFINITY
      this.timer = undefined
      this.come()
    })
  }
}
