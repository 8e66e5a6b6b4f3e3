// One heartbeat for all open answers, so that a request costs no timer of its own. It looks twice a period and beats whoever was
// quiet since the last look.
import { IntrusiveList, type ListEntry } from '../../core/call/intrusive-list.ts'
import type { Clock, Timer } from '../../core/ports/clock.ts'

export interface HeartbeatTarget {
  /** Nothing was written for about a period. */
  beat(nowMs: number): void
  /** The heartbeat's own mark. */
  heartbeatEntry?: HeartbeatEntry | undefined
}

interface HeartbeatEntry {
  readonly place: ListEntry<HeartbeatTarget>
  /** It was quiet at the last look. */
  quiet: boolean
}

/** A target belongs to one heartbeat at a time. */
export class Heartbeat {
  private readonly clock: Clock
  private readonly lookMs: number
  private readonly targets = new IntrusiveList<HeartbeatTarget>()
  private timer: Timer | undefined

  /** `periodMs`: the pause between two beats of one that stays quiet. */
  constructor(clock: Clock, periodMs: number) {
    this.clock = clock
    this.lookMs = periodMs / 2
  }

  get size(): number {
    return this.targets.size
  }

  add(one: HeartbeatTarget): void {
    if (one.heartbeatEntry === undefined) one.heartbeatEntry = { place: this.targets.enter(one), quiet: false }
    else one.heartbeatEntry.quiet = false
    this.timer ??= this.clock.timer(this.lookMs, () => this.look())
  }

  /** It just wrote something. */
  wrote(one: HeartbeatTarget): void {
    if (one.heartbeatEntry !== undefined) one.heartbeatEntry.quiet = false
  }

  remove(one: HeartbeatTarget): void {
    if (one.heartbeatEntry === undefined) return
    this.targets.leave(one.heartbeatEntry.place)
    one.heartbeatEntry = undefined
  }

  private look(): void {
    this.timer = undefined
    const now = this.clock.mono()
    for (const one of this.targets) {
      const { heartbeatEntry } = one
      if (heartbeatEntry === undefined) continue
      const wasQuiet = heartbeatEntry.quiet
      heartbeatEntry.quiet = !wasQuiet
      if (wasQuiet) one.beat(now)
    }
    if (this.targets.size > 0) this.timer ??= this.clock.timer(this.lookMs, () => this.look())
  }
}
