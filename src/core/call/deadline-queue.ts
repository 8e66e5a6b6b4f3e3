// One timer for all that run out of time: a call's limit costs an entry in a list, and the timer stands at the earliest.
import type { Clock, Timer } from '../ports/clock.ts'
import { IntrusiveList, type ListEntry } from './intrusive-list.ts'

export interface QueuedDeadline {
  /** Monotonic ms. When it moves out while it is queued, nobody has to be told; when it moves in, `sooner`. */
  readonly dueAt: number
  due(): void
}

/** More ms than a timer of Node.js can wait: it would ring at once. It rings early then, and is set again. */
const longestTimerMs = 2_147_483_647

const byClock = new WeakMap<Clock, DeadlineQueue>()

export class DeadlineQueue {
  private readonly clock: Clock
  private readonly set = new IntrusiveList<QueuedDeadline>()
  private timer: Timer | undefined
  private armedFor = Number.POSITIVE_INFINITY

  private constructor(clock: Clock) {
    this.clock = clock
  }

  static of(clock: Clock): DeadlineQueue {
    let deadlineQueue = byClock.get(clock)
    if (deadlineQueue === undefined) {
      deadlineQueue = new DeadlineQueue(clock)
      byClock.set(clock, deadlineQueue)
    }
    return deadlineQueue
  }

  /** It is told once, unless it leaves before. */
  enter(queued: QueuedDeadline): ListEntry<QueuedDeadline> {
    this.sooner(queued)
    return this.set.enter(queued)
  }

  leave(place: ListEntry<QueuedDeadline>): void {
    this.set.leave(place)
    if (this.set.size === 0) this.disarm()
  }

  /** All that wait, as they are now. */
  waiting(): readonly QueuedDeadline[] {
    return [...this.set]
  }

  sooner({ dueAt }: QueuedDeadline): void {
    if (dueAt < this.armedFor) this.arm(dueAt)
  }

  private arm(at: number): void {
    this.disarm()
    this.armedFor = at
    this.timer = this.clock.timer(Math.min(longestTimerMs, Math.max(0, at - this.clock.mono())), () => this.look())
  }

  private disarm(): void {
    this.timer?.cancel()
    this.timer = undefined
    this.armedFor = Number.POSITIVE_INFINITY
  }

  private look(): void {
    this.disarm()
    const now = this.clock.mono()
    const due: QueuedDeadline[] = []
    let next = Number.POSITIVE_INFINITY
    for (const queued of this.set) {
      if (queued.dueAt <= now) due.push(queued)
      else next = Math.min(next, queued.dueAt)
    }
    if (next < Number.POSITIVE_INFINITY) this.arm(next)
    due.sort((a, b) => a.dueAt - b.dueAt)
    let told = 0
    try {
      for (; told < due.length; told += 1) due[told]?.due()
    } finally {
      // One that fails takes no other with it.
      if (told < due.length) this.arm(now)
    }
  }
}
