// The real clock, which can be put forward: what is due by then runs at once, and real timers go on. For gateways that talk to real servers while
// days go by.
import type { Clock, Timer } from '../../src/core/ports/clock.ts'
import { systemClock } from '../../src/platform/clock/system-clock.ts'

interface Due {
  readonly at: number
  readonly work: () => void
  readonly real: Timer
}

export class ForwardClock implements Clock {
  private ahead = 0
  private readonly due = new Set<Due>()

  now(): number {
    return Math.round(systemClock.now() + this.ahead)
  }

  mono(): number {
    return systemClock.mono() + this.ahead
  }

  timer(ms: number, work: () => void): Timer {
    const real = systemClock.timer(ms, () => {
      this.due.delete(entry)
      work()
    })
    const entry: Due = { at: this.mono() + ms, work, real }
    this.due.add(entry)
    return {
      cancel: () => {
        this.due.delete(entry)
        real.cancel()
      },
    }
  }

  /** Puts it forward, and runs what falls due on the way in its order. */
  async forward(ms: number): Promise<void> {
    const until = this.mono() + ms
    for (;;) {
      const [next] = [...this.due].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)
      if (next === undefined) break
      this.due.delete(next)
      next.real.cancel()
      this.ahead += Math.max(0, next.at - this.mono())
      next.work()
      await turns()
    }
    this.ahead += Math.max(0, until - this.mono())
    await turns()
  }
}

/** What was begun talks to a server of this process meanwhile: its time is not up before it was asked. */
async function turns(): Promise<void> {
  for (let n = 0; n < 40; n += 1) await new Promise(setImmediate)
}
