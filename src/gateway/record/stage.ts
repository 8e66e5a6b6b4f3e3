// The outermost stage: every call leaves exactly one record, also one that was refused, lost its client or hit a bug of ours. Its row of the
// audit is kept before its answer leaves; its record is sealed when both are known, how the call ended and how its answer was delivered.
import '../../core/call/facts.ts'
import type { Call } from '../../core/call/call.ts'
import type { CallEvent, Delivery, Exchange, Sink } from '../../core/call/exchange.ts'
import { type Complete, failed, internal, type Outcome } from '../../core/call/outcome.ts'
import type { Recorder, SettledCall, StreamRecord } from '../../core/call/record.ts'
import type { Pass } from '../../core/call/stage.ts'
import { fault } from '../../core/faults/catalogue.ts'
import type { CallAudit } from '../../core/ports/call-audit.ts'
import type { Clock } from '../../core/ports/clock.ts'
import { closedCall, settledCall } from './settled.ts'

export { audited } from './audited.ts'
export { recordedFault, unclaimedRecord } from './settled.ts'

export interface RecordParts {
  readonly recorder: Recorder
  readonly clock: Clock
  /** Absent: there is no audit. */
  readonly audit?: CallAudit | undefined
}

export function record(parts: RecordParts): Pass<Call> {
  return {
    name: 'record',
    run: (call, exchange, next) => {
      const row = new Row(call, exchange, parts)
      exchange.onClose((delivery) => row.closed(delivery))
      exchange.onFail(row)
      return new Promise((resolve) => row.await(next(call, exchange.with({ sink: row })), resolve))
    },
  }
}

/** One record under way; it stands in the sink's place to see the events. */
class Row implements Sink {
  private readonly call: Call
  private readonly exchange: Exchange
  private readonly parts: RecordParts
  private readonly sink: Sink
  private readonly atMs: number
  private readonly startedAt: number
  private events = 0
  private eventBytes = 0
  private firstAt = 0
  private lastAt = 0
  private longestGapMs = 0
  private settled: SettledCall | undefined
  private delivery: Delivery | undefined
  private resolve: (outcome: Outcome) => void = () => undefined
  private answered = false
  private written = false

  constructor(call: Call, exchange: Exchange, parts: RecordParts) {
    this.call = call
    this.exchange = exchange
    this.parts = parts
    this.sink = exchange.sink
    this.atMs = parts.clock.now()
    this.startedAt = parts.clock.mono()
  }

  emit(event: CallEvent): void {
    const now = this.parts.clock.mono()
    if (this.events === 0) this.firstAt = now
    else this.longestGapMs = Math.max(this.longestGapMs, now - this.lastAt)
    this.lastAt = now
    this.events += 1
    if ('params' in event) this.eventBytes += event.params.size
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
        if (this.settled === undefined) this.settle(outcome)
      },
      (bug: unknown) => this.failed(bug),
    )
  }

  /** A bug of ours is told once, under the correlation id, and the call is a fault, also where its answer was there and could not be written. */
  failed(bug: unknown): void {
    this.parts.recorder.bug(this.call, bug)
    const ended = internal(this.call.id)
    if (this.settled === undefined) this.settle(ended)
    else this.settled = this.settledAs(ended)
  }

  private settle(outcome: Outcome): void {
    this.settled = this.settledAs(outcome)
    const safe = this.parts.audit?.settled(this.settled)
    if (safe === undefined) this.answer(outcome)
    else safe.then((kept) => this.answer(kept ? outcome : this.unkept(outcome, this.settled as SettledCall)))
  }

  private answer(outcome: Outcome): void {
    this.answered = true
    this.resolve(outcome)
    this.write()
  }

  /** What was done and cannot be shown to have been done is not told of as if nothing were wrong. */
  private unkept(outcome: Outcome, { readOnly }: SettledCall): Outcome {
    const sideEffect = outcome.kind === 'fault' ? outcome.fault.sideEffect : readOnly ? 'none' : 'applied'
    const unkept = failed(fault('store_unavailable', { what: 'the audit' }, { sideEffect }))
    this.settled = this.settledAs(unkept)
    return unkept
  }

  private settledAs(outcome: Outcome): SettledCall {
    const { atMs, startedAt } = this
    const times = { atMs, startedAt, settledAt: this.parts.clock.mono(), stream: this.streamed() }
    return settledCall(this.call, this.exchange, outcome, times)
  }

  private streamed(): StreamRecord | undefined {
    if (this.events === 0) return undefined
    const { events, eventBytes: bytes, firstAt, lastAt, startedAt, longestGapMs } = this
    return { events, bytes, firstMs: firstAt - startedAt, lastMs: lastAt - startedAt, longestGapMs }
  }

  closed(delivery: Delivery): void {
    this.delivery = delivery
    this.write()
  }

  private write(): void {
    const { settled, delivery, parts } = this
    if (settled === undefined || delivery === undefined || !this.answered || this.written) return
    this.written = true
    const record = closedCall(settled, parts.clock.mono() - this.startedAt, delivery)
    parts.audit?.closed(record)
    parts.recorder.record(record)
  }
}
