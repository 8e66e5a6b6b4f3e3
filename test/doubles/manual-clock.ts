// A clock that tests turn by hand: no test sleeps.
import type { Clock, Timer } from '../../src/core/ports/clock.ts'

interface Due {
  readonly at: number
  readonly order: number
  readonly work: () => void
}

export class ManualClock implements Clock {
  private time: number
  private readonly start: number
  private order = 0
  private readonly due = new Set<Due>()

  constructor(startMs = 1_800_000_000_000) {
    this.start = startMs
    this.time = startMs
  }

  now(): number {
    return this.time
  }

  mono(): number {
    return this.time - this.start
  }

  timer(ms: number, work: () => void): Timer {
    const entry: Due = { at: this.time + ms, order: this.order++, work }
    this.due.add(entry)
    return { cancel: () => void this.due.delete(entry) }
  }

  /** Timers that wait. */
  get pending(): number {
    return this.due.size
  }

  /** Moves time on, running what falls due in its order; promises settle between two timers. */
  async advance(ms: number): Promise<void> {
    const until = this.time + ms
    await settle()
    for (;;) {
      const next = [...this.due].filter((d) => d.at <= until).sort((a, b) => a.at - b.at || a.order - b.order)[0]
      if (next === undefined) break
      this.due.delete(next)
      this.time = Math.max(this.time, next.at)
      next.work()
      await settle()
    }
    this.time = until
    await settle()
  }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await Promise.resolve()
}
