// Where calls wait for their user (ADR 3): bounded in all and per principal, each with its own time limit, each place taken
// and given back exactly once.
import type { TargetedCall } from '../../core/call/call.ts'
import type { Exchange } from '../../core/call/exchange.ts'
import { type Credential, Expiry } from '../../core/call/expiry.ts'
import type { Outcome } from '../../core/call/outcome.ts'
import type { Clock, Random, Timer } from '../../core/ports/clock.ts'
import { QuestionBudget } from './call-questions.ts'

/** How long a call may wait for its user, in ms. */
export const parkLimitMs = 600_000
/** How many calls of one principal may wait. */
export const parkedPerPrincipal = 64

export interface Parked {
  /** Key of the principal whose call it is: nobody else gets it. */
  readonly principal: string
  /** Goes on with the answers in `call.continuation`. */
  resume(call: TargetedCall, exchange: Exchange): Promise<Outcome>
  /** The time limit, or the end of the credential that it was begun with, came first. */
  expire(why: 'unanswered' | 'expired'): void
}

export interface Claimed {
  readonly parked: Parked
  /** How long it waited, in ms. */
  readonly waitedMs: number
}

export interface ListEntry {
  readonly park: string
  /** Milliseconds since the epoch. */
  readonly expiresAtMs: number
}

interface Entry {
  readonly parked: Parked
  /** Monotonic ms. */
  readonly since: number
  readonly timer: Timer
  readonly expiry: Expiry | undefined
}

export class ParkingLot {
  private readonly clock: Clock
  private readonly random: Random
  private readonly most: number
  /** What the calls that wait, or are about to, hold of questions. */
  readonly questions = new QuestionBudget()
  private readonly entries = new Map<string, Entry>()
  private readonly perPrincipal = new Map<string, number>()

  constructor(clock: Clock, random: Random, most: number) {
    this.clock = clock
    this.random = random
    this.most = most
  }

  /** Calls that wait now. */
  get size(): number {
    return this.entries.size
  }

  /** Undefined where there is no room. A place's id is used once: whoever waits again gets another. */
  park(parked: Parked, credential: Credential): ListEntry | undefined {
    const held = this.perPrincipal.get(parked.principal) ?? 0
    if (this.entries.size >= this.most || held >= parkedPerPrincipal) return undefined
    const park = this.random.id()
    const over = (why: 'unanswered' | 'expired') => (): void => {
      this.forget(park)
      parked.expire(why)
    }
    const timer = this.clock.timer(parkLimitMs, over('unanswered'))
    this.entries.set(park, { parked, since: this.clock.mono(), timer, expiry: Expiry.of(this.clock, credential, over('expired')) })
    this.perPrincipal.set(parked.principal, held + 1)
    return { park, expiresAtMs: this.clock.now() + parkLimitMs }
  }

  /** Takes the call out; undefined where it is not there (ended, claimed before) or is another's. */
  claim(park: string, principal: string): Claimed | undefined {
    const entry = this.entries.get(park)
    if (entry === undefined || entry.parked.principal !== principal) return undefined
    this.forget(park)
    return { parked: entry.parked, waitedMs: this.clock.mono() - entry.since }
  }

  /** Gives the place back; false where it was no longer held. */
  forget(park: string): boolean {
    const entry = this.entries.get(park)
    if (entry === undefined) return false
    entry.timer.cancel()
    entry.expiry?.close()
    this.entries.delete(park)
    const { principal } = entry.parked
    const held = (this.perPrincipal.get(principal) ?? 1) - 1
    if (held <= 0) this.perPrincipal.delete(principal)
    else this.perPrincipal.set(principal, held)
    return true
  }
}
