// A circuit breaker for one upstream or one of its tools: after some failures in a row it answers in its place, until one trial call succeeds.
import type { Outcome } from '../../core/call/outcome.ts'
import type { Clock } from '../../core/ports/clock.ts'

export type CircuitState = 'closed' | 'open' | 'half-open'

export interface BreakerLimits {
  /** Failures in a row that open it. */
  readonly failures: number
  /** How long it stays open before a trial, in ms. */
  readonly openMs: number
}

export type BreakerSample = 'success' | 'failure' | 'neutral'

export type Admission =
  /** The call may go. `settle` must be called exactly once with how it ended. */
  { readonly admitted: true; readonly trial: boolean } | { readonly admitted: false; readonly retryAfterMs: number }

const closedAdmission: Admission = { admitted: true, trial: false }

export class Breaker {
  limits: BreakerLimits
  private readonly clock: Clock
  private readonly onChange: (state: CircuitState) => void
  private row = 0
  private openedAt: number | undefined
  private trying = false

  constructor(clock: Clock, limits: BreakerLimits, onChange: (state: CircuitState) => void = () => undefined) {
    this.clock = clock
    this.limits = limits
    this.onChange = onChange
  }

  /** Failures in a row. */
  get failures(): number {
    return this.row
  }

  get state(): CircuitState {
    if (this.openedAt === undefined) return 'closed'
    return this.trying || this.remainingMs() === 0 ? 'half-open' : 'open'
  }

  admit(): Admission {
    if (this.openedAt === undefined) return closedAdmission
    // While the trial runs nobody knows how long it takes; a second of patience is an honest guess.
    if (this.trying) return { admitted: false, retryAfterMs: 1_000 }
    const retryAfterMs = this.remainingMs()
    if (retryAfterMs > 0) return { admitted: false, retryAfterMs }
    this.trying = true
    this.onChange('half-open')
    return { admitted: true, trial: true }
  }

  /** `opens`: whether a failure may open it; a trial that fails always does. */
  settle(trial: boolean, sample: BreakerSample, opens = true): void {
    // Of a trial from before a reset nothing more is to be learned than of any other call.
    const isTrial = trial && this.trying
    if (isTrial) this.trying = false
    // Answers of calls that were sent before it opened say nothing about now.
    else if (this.openedAt !== undefined) return
    if (sample === 'success') this.close()
    else if (sample === 'failure') this.fail(isTrial, opens)
  }

  /** So many of the failures in a row still count, while it is closed. */
  reduce(failures: number): void {
    if (this.openedAt === undefined) this.row = Math.min(this.row, failures)
  }

  reset(): void {
    this.trying = false
    this.close()
  }

  private close(): void {
    this.row = 0
    if (this.openedAt === undefined) return
    this.openedAt = undefined
    this.onChange('closed')
  }

  private fail(trial: boolean, opens: boolean): void {
    this.row += 1
    if (!trial && (!opens || this.row < this.limits.failures)) return
    this.openedAt = this.clock.mono()
    this.onChange('open')
  }

  private remainingMs(): number {
    return this.openedAt === undefined ? 0 : Math.max(0, Math.ceil(this.openedAt + this.limits.openMs - this.clock.mono()))
  }
}

/** What an outcome says of the health of its upstream. An answer is a success whatever it says: a tool that reports an error works. */
export function sampleOf(outcome: Outcome | undefined): BreakerSample {
  // A bug of ours says nothing of it.
  if (outcome === undefined) return 'neutral'
  // A fault without evidence is ours: it ends a call without a word about its upstream.
  return outcome.kind === 'fault' ? (outcome.fault.evidence?.health ?? 'neutral') : 'success'
}
