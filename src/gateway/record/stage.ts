// The outermost stage: every call leaves exactly one record, also one that was refused, lost its client or hit a bug of ours. The
// record is sealed when both are known, how the call ended and how its answer was delivered.
import '../../core/call/facts.ts'
import type { Call, CallId, RoutedCall, TargetedCall } from '../../core/call/call.ts'
import type { CallEvent, Delivery, Exchange, Sink } from '../../core/call/exchange.ts'
import { type Complete, failed, internal, type Outcome } from '../../core/call/outcome.ts'
import type { CallRecord, Recorder } from '../../core/call/record.ts'
import type { Pass } from '../../core/call/stage.ts'
import { fault } from '../../core/faults/catalogue.ts'
import type { Clock } from '../../core/ports/clock.ts'

export function record(recorder: Recorder, clock: Clock): Pass<Call> {
  return {
    name: 'record',
    run: (call, exchange, next) => {
      const row = new Row(call, exchange, recorder, clock)
      exchange.onClose((delivery) => row.closed(delivery))
      exchange.onFail(row)
      return new Promise((resolve) => row.await(next(call, exchange.with({ sink: row })), resolve))
    },
  }
}

/** One record under way; it stands in the sink's place to count the events. */
class Row implements Sink {
  private readonly call: Call
  private readonly exchange: Exchange
  private readonly recorder: Recorder
  private readonly clock: Clock
  private readonly sink: Sink
  private readonly atMs: number
  private readonly startedAt: number
  private events = 0
  private outcome: Outcome | undefined
  private delivery: Delivery | undefined
  private resolve: (outcome: Outcome) => void = () => undefined
  private written = false

  constructor(call: Call, exchange: Exchange, recorder: Recorder, clock: Clock) {
    this.call = call
    this.exchange = exchange
    this.recorder = recorder
    this.clock = clock
    this.sink = exchange.sink
    this.atMs = clock.now()
    this.startedAt = clock.mono()
  }

  emit(event: CallEvent): void {
    this.events += 1
    this.sink.emit(event)
  }

  fits(result: Complete): boolean {
    return this.sink.fits?.(result) !== false
  }

  /** Settles with what the stages below come to, or with the first bug that was met, whichever is first. */
  await(below: Promise<Outcome>, resolve: (outcome: Outcome) => void): void {
    this.resolve = resolve
    below.then(
      (outcome) => {
        if (this.outcome === undefined) this.settle(outcome)
      },
      (bug: unknown) => this.failed(bug),
    )
  }

  /** A bug of ours is told once, under the correlation id, and the call is a fault, also where its answer was there and could not be written. */
  failed(bug: unknown): void {
    this.recorder.bug(this.call.id, bug)
    this.settle(internal(this.call.id))
  }

  private settle(outcome: Outcome): void {
    this.outcome = outcome
    this.resolve(outcome)
    this.write()
  }

  closed(delivery: Delivery): void {
    this.delivery = delivery
    this.write()
  }

  private write(): void {
    if (this.outcome === undefined || this.delivery === undefined || this.written) return
    this.written = true
    this.recorder.record(this.finish(this.outcome, this.delivery))
  }

  private finish(outcome: Outcome, delivery: Delivery): CallRecord {
    const { call, exchange } = this
    const route = exchange.fact('route')
    return {
      id: call.id,
      atMs: this.atMs,
      durationMs: this.clock.mono() - this.startedAt,
      method: call.method,
      family: call.family,
      mount: call.mount,
      target: call.target,
      upstream: route?.upstream,
      item: route?.item,
      version: exchange.fact('item')?.version?.number,
      caller: call.caller,
      trace: call.trace,
      run: exchange.fact('run') ?? call.run,
      outcome: outcome.kind === 'complete' && outcome.facts.isError ? 'tool_error' : outcome.kind,
      fault: outcome.kind === 'fault' ? faultOf(outcome) : undefined,
      found: outcome.kind === 'complete' ? outcome.facts.found : undefined,
      suspect: outcome.kind === 'complete' ? outcome.facts.suspect : undefined,
      delivery,
      attempts: exchange.fact('attempts') ?? 0,
      coerced: exchange.fact('coerced')?.places,
      masked: exchange.fact('masked'),
      events: this.events,
      bytesIn: exchange.fact('bytesIn') ?? call.params.size,
      bytesOut: sizeOf(outcome),
    }
  }
}

interface Unclaimed {
  readonly id: CallId
  readonly call: TargetedCall
  readonly outcome: Outcome | undefined
  readonly durationMs: number
}

/** The row of a call that nobody came back for, under an id of its own: that of the call tells that it asked, this one how it ended. */
export function unclaimedRecord({ id, call, outcome, durationMs }: Unclaimed, nowMs: number): CallRecord {
  const item = 'item' in call ? (call as RoutedCall).item.name : undefined
  const ended = outcome ?? failed(fault('unclaimed', { item: item ?? call.method }, { sideEffect: 'unknown' }))
  return {
    id,
    atMs: nowMs - durationMs,
    durationMs,
    method: call.method,
    family: call.family,
    mount: call.mount,
    target: call.target,
    upstream: call.upstream,
    item,
    version: 'item' in call ? (call as RoutedCall).item.version?.number : undefined,
    caller: call.caller,
    trace: call.trace,
    run: call.run,
    outcome: ended.kind === 'complete' && ended.facts.isError ? 'tool_error' : ended.kind,
    fault: ended.kind === 'fault' ? faultOf(ended) : undefined,
    delivery: 'unclaimed',
    attempts: 1,
    coerced: undefined,
    masked: undefined,
    events: 0,
    bytesIn: call.params.size,
    bytesOut: sizeOf(ended),
  }
}

function faultOf({ fault: { kind, category, sideEffect, message, recorded } }: Extract<Outcome, { kind: 'fault' }>): CallRecord['fault'] {
  return { kind, category, sideEffect, message: recorded ?? message }
}

/** Bytes of the result; 0 for a fault, whose form on the wire is the door's. */
function sizeOf(outcome: Outcome): number {
  switch (outcome.kind) {
    case 'complete':
      return outcome.result.size
    case 'input_required':
      return outcome.requests.size
    case 'task':
      return outcome.result.size
    case 'fault':
      return 0
  }
}
