// One heartbeat for all open answers, so that a request costs no timer of its own. It looks twice a period and beats whoever was
// quiet since the last look.
import { type Place, Roster } from '../../core/call/roster.ts'
import type { Clock, Timer } from '../../core/ports/clock.ts'

export interface Beaten {
  /** Nothing was written for about a period. */
  beat(nowMs: number): void
  /** The pulse's own mark: whom it beats it finds here. */
  pulsing?: Pulsing | undefined
}

interface Pulsing {
  readonly place: Place<Beaten>
  /** It was quiet at the last look. */
  quiet: boolean
}

/** Somebody is in one pulse at a time. */
export class Pulse {
  private readonly clock: Clock
  private readonly lookMs: number
  private readonly beaten = new Roster<Beaten>()
  private timer: Timer | undefined

  /** `periodMs`: the pause between two beats of one that stays quiet. */
  constructor(clock: Clock, periodMs: number) {
    this.clock = clock
    this.lookMs = periodMs / 2
  }

  get size(): number {
    return this.beaten.size
  }

  add(one: Beaten): void {
    if (one.pulsing === undefined) one.pulsing = { place: this.beaten.enter(one), quiet: false }
    else one.pulsing.quiet = false
    this.timer ??= this.clock.timer(this.lookMs, () => this.look())
  }

  /** It just wrote something. */
  stir(one: Beaten): void {
    if (one.pulsing !== undefined) one.pulsing.quiet = false
  }

  remove(one: Beaten): void {
    if (one.pulsing === undefined) return
    this.beaten.leave(one.pulsing.place)
    one.pulsing = undefined
  }

  private look(): void {
    this.timer = undefined
    const now = this.clock.mono()
    for (const one of this.beaten) {
      const { pulsing } = one
      if (pulsing === undefined) continue
      const wasQuiet = pulsing.quiet
      pulsing.quiet = !wasQuiet
      if (wasQuiet) one.beat(now)
    }
    if (this.beaten.size > 0) this.timer ??= this.clock.timer(this.lookMs, () => this.look())
  }
}
