// The attempts of one call, until there is an outcome: they share the deadline and one sink in which progress only grows, each is counted,
// and `sendAgain` alone says whether another follows.
import './facts.ts'
import type { Renewal } from '../faults/evidence.ts'
import { afterUnknown, type Fault } from '../faults/fault.ts'
import type { Clock, Random } from '../ports/clock.ts'
import { hasFurtherAttempts, isRepeatable, sendAgain } from './again.ts'
import type { TargetedCall } from './call.ts'
import type { Attempt, CallEvent, Exchange, Sink } from './exchange.ts'
import { failed, type Outcome } from './outcome.ts'
import type { AttemptFault, AttemptRecord } from './record.ts'
import type { RetryBudget } from './retry-budget.ts'
import type { Signal } from './signal.ts'
import type { Next } from './stage.ts'

export interface AttemptPorts {
  readonly clock: Clock
  readonly random: Random
  /** An attempt after the first begins, for this evidence. */
  readonly onRepeat: (evidence: string) => void
}

const nothing: readonly Renewal[] = []

export class Attempts<C extends TargetedCall> {
  private readonly ports: AttemptPorts
  private readonly budget: RetryBudget
  private readonly call: C
  private readonly exchange: Exchange
  private readonly next: Next<C>
  private readonly sink: MonotonicSink
  private attempt: Attempt | undefined
  private made = 0
  private events = 0
  private startedAt = 0
  private readonly records: AttemptRecord[] = []
  private renewed = nothing
  /** An attempt may have been executed. */
  private unknown = false

  constructor(ports: AttemptPorts, budget: RetryBudget, call: C, exchange: Exchange, next: Next<C>) {
    this.ports = ports
    this.budget = budget
    this.call = call
    this.exchange = exchange
    this.next = next
    this.sink = new MonotonicSink(exchange.sink)
  }

  run(renew?: Renewal): Promise<Outcome> {
    this.made += 1
    const attempt = this.exchange.attempt(this.made, this.sink, renew)
    this.attempt = attempt
    this.startedAt = this.ports.clock.mono()
    return this.next(this.call, attempt).then(this.onOutcome, this.onBug)
  }

  private readonly onOutcome = (outcome: Outcome): Outcome | Promise<Outcome> => {
    this.over(outcome)
    this.exchange.note('attempts', this.made)
    return outcome.kind === 'fault' ? this.failed(outcome) : outcome
  }

  private readonly onBug = (error: unknown): never => {
    this.over(undefined)
    throw error
  }

  private over(outcome: Outcome | undefined): void {
    const { attempt, exchange } = this
    if (attempt === undefined) return
    this.attempt = undefined
    attempt.close()
    this.events += attempt.events
    if (outcome === undefined) return
    this.records.push({
      number: this.made,
      requestId: exchange.fact('sentAs'),
      from: this.startedAt,
      to: this.ports.clock.mono(),
      sentOn: exchange.fact('sentOn'),
      fault: outcome.kind === 'fault' ? attemptFault(outcome.fault) : undefined,
      isError: outcome.kind === 'complete' && outcome.facts.isError,
      events: attempt.events,
    })
    exchange.note('attempted', this.records)
    exchange.note('sentOn', undefined)
    exchange.note('sentAs', undefined)
  }

  private async failed(outcome: Extract<Outcome, { kind: 'fault' }>): Promise<Outcome> {
    const { fault } = outcome
    const repeatable = isRepeatable(this.call)
    const final = (): Outcome => (this.unknown && fault.sideEffect === 'none' ? failed(afterUnknown(fault, repeatable)) : outcome)
    const again = this.mayRepeat() ? sendAgain(fault, this.tried(repeatable), this.ports.random) : undefined
    this.unknown ||= fault.sideEffect !== 'none' || this.events > 0
    if (again === undefined || (again.budgeted && !this.budget.spend())) return final()
    if (again.afterMs > 0) {
      this.exchange.phases.enter('pause', this.made)
      if (!(await pause(this.ports.clock, again.afterMs, this.exchange.signal))) return final()
    }
    if (again.renew !== undefined && !again.budgeted) this.renewed = [...this.renewed, again.renew]
    this.ports.onRepeat(fault.evidence?.name ?? '')
    this.sink.repeat()
    return this.run(again.renew)
  }

  private mayRepeat(): boolean {
    return hasFurtherAttempts(this.call) && !this.exchange.signal.aborted
  }

  private tried(repeatable: boolean) {
    const remainingMs = this.exchange.deadline.remainingMs()
    return { repeatable, attempts: this.made, renewed: this.renewed, heard: this.events > 0, remainingMs }
  }
}

function attemptFault({ kind, evidence, detail: { code, status } }: Fault): AttemptFault {
  return {
    kind,
    evidence: evidence?.name,
    answered: typeof code === 'number' ? code : undefined,
    status: typeof status === 'number' ? status : undefined,
  }
}

/** A repeat starts at nought again; its caller must not see that. */
class MonotonicSink implements Sink {
  private readonly sink: Sink
  private last: CallEvent | undefined
  private repeating = false

  constructor(sink: Sink) {
    this.sink = sink
  }

  /** From now on progress is compared with what was shown. */
  repeat(): void {
    this.repeating = true
  }

  emit(event: CallEvent): void {
    if (event.kind === 'progress') {
      if (this.repeating && this.last !== undefined && progressOf(event) <= progressOf(this.last)) return
      this.last = event
    }
    this.sink.emit(event)
  }
}

function progressOf(event: CallEvent): number {
  const params = event.kind === 'progress' ? (event.params.json() as { readonly progress?: unknown } | null) : null
  return typeof params?.progress === 'number' ? params.progress : Number.NEGATIVE_INFINITY
}

/** False where the call ended meanwhile. */
function pause(clock: Clock, ms: number, signal: Signal): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = clock.timer(ms, () => {
      signal.removeEventListener('abort', end)
      resolve(true)
    })
    const end = (): void => {
      timer.cancel()
      resolve(false)
    }
    signal.addEventListener('abort', end, { once: true })
  })
}
