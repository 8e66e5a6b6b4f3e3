// One timer for all that run out of time: a call's limit costs an entry in a list, and the timer stands at the earliest.
import type { Clock, Timer } from '../ports/clock.ts'
import { type Place, Roster } from './roster.ts'

export interface Alarm {
  /** Monotonic ms. When it moves out while the alarm is set, nobody has to be told; when it moves in, `sooner`. */
  readonly dueAt: number
  ring(): void
}

const byClock = new WeakMap<Clock, Alarms>()

export class Alarms {
  private readonly clock: Clock
  private readonly set = new Roster<Alarm>()
  private timer: Timer | undefined
  private armedFor = Number.POSITIVE_INFINITY

  private constructor(clock: Clock) {
    this.clock = clock
  }

  static of(clock: Clock): Alarms {
    let alarms = byClock.get(clock)
    if (alarms === undefined) {
      alarms = new Alarms(clock)
      byClock.set(clock, alarms)
    }
    return alarms
  }

  /** It rings once, unless it leaves before. */
  enter(alarm: Alarm): Place<Alarm> {
    this.sooner(alarm)
    return this.set.enter(alarm)
  }

  leave(place: Place<Alarm>): void {
    this.set.leave(place)
    if (this.set.size === 0) this.disarm()
  }

  sooner({ dueAt }: Alarm): void {
    if (dueAt < this.armedFor) this.arm(dueAt)
  }

  private arm(at: number): void {
    this.disarm()
    this.armedFor = at
    this.timer = this.clock.timer(Math.max(0, at - this.clock.mono()), () => this.look())
  }

  private disarm(): void {
    this.timer?.cancel()
    this.timer = undefined
    this.armedFor = Number.POSITIVE_INFINITY
  }

  private look(): void {
    this.disarm()
    const now = this.clock.mono()
    const due: Alarm[] = []
    let next = Number.POSITIVE_INFINITY
    for (const alarm of this.set) {
      if (alarm.dueAt <= now) due.push(alarm)
      else next = Math.min(next, alarm.dueAt)
    }
    if (next < Number.POSITIVE_INFINITY) this.arm(next)
    due.sort((a, b) => a.dueAt - b.dueAt)
    let rung = 0
    try {
      for (; rung < due.length; rung += 1) due[rung]?.ring()
    } finally {
      // One that fails takes no other with it.
      if (rung < due.length) this.arm(now)
    }
  }
}
