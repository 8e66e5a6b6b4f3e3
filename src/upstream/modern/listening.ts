// The `subscriptions/listen` of a modern server, kept open: replaced with overlap when the interest changes, opened anew after a loss.
// Between a loss and the next acknowledgement changes may be missed, so the lists are then reported as changed.
//
// Over stdio a server may keep what it was asked for by connection and not by request: then the end of one stream ends them all, without a
// word (go-sdk does). There an older stream stays open beside the newer one; when there are several, all are ended, and one is opened after
// the last has answered.

import type { CallEvent, Interest } from '../../core/call/exchange.ts'
import { payloadOf } from '../../core/call/payload.ts'
import { inBackground } from '../../core/ports/boundary.ts'
import type { Timer } from '../../core/ports/clock.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { requestBytes } from '../../core/protocol/jsonrpc.ts'
import { code, metaKey } from '../../core/protocol/names.ts'
import type { Context } from '../context.ts'
import type { Envelope } from '../messages/envelope.ts'
import { changesOf, commonOf, isEmpty, isWithin, readInterest, watchEvent } from '../messages/events.ts'
import { backoffMs } from '../pool/backoff.ts'
import { cancel } from '../wire/requests.ts'
import type { IncomingNotification, Wire, WireAnswer } from '../wire/wire.ts'

/** A stream that lived this long, in ms, was a good one: its end starts the backoff anew. */
const steadyMs = 5_000
/** Streams that are open at once over stdio. */
const mostStreams = 4
/** How long a server may take to answer a stream that was cancelled, in ms; it need not answer at all. */
const endingMs = 1_000

const acknowledgement = 'notifications/subscriptions/acknowledged'

interface Stream {
  readonly id: number
  readonly interest: Interest
  readonly controller: AbortController
  accepted: Interest | undefined
  /** Ended by us. */
  over: boolean
  /** Settles `replace`; set while the acknowledgement is awaited. */
  settle: ((accepted: Interest) => void) | undefined
}

export class Listening {
  onEvent: (event: CallEvent) => void = () => {}

  private readonly context: Context
  private readonly wire: Wire
  private readonly envelope: Envelope
  private readonly headers: () => Readonly<Record<string, string>>
  private readonly streams = new Map<number, Stream>()
  private current: Stream | undefined
  private wanted: Interest = {}
  private retry: Timer | undefined
  private failures = 0
  private acknowledgedAt = 0
  private missed = false
  private stopped = false
  /** Streams over stdio that were cancelled and are not answered yet, and what waits for them. */
  private readonly ending = new Set<Stream>()
  private afterwards: ((accepted: Interest) => void) | undefined
  /** Resources whose updates may be missed while no stream is open. */
  private uncovered: readonly string[] = []

  constructor(context: Context, wire: Wire, envelope: Envelope, headers: () => Readonly<Record<string, string>>) {
    this.context = context
    this.wire = wire
    this.envelope = envelope
    this.headers = headers
  }

  /** Resolves to what the server acknowledged; to nothing where it did not within the time of a call. The old stream ends after the new one began. */
  replace(interest: Interest): Promise<Interest> {
    this.wanted = interest
    this.retry?.cancel()
    this.retry = undefined
    if (this.stopped || isEmpty(interest)) {
      for (const stream of this.streams.values()) this.end(stream)
      this.current = undefined
      return Promise.resolve({})
    }
    const { current } = this
    // It is asked for no more than it was: what is not wanted any more is not passed on.
    if (this.wire.transport === 'stdio' && current?.accepted !== undefined && isWithin(interest, current.interest)) {
      return Promise.resolve(commonOf(interest, current.accepted))
    }
    return new Promise((resolve) => {
      const timer = this.context.clock.timer(this.context.timeouts.call, () => resolve({}))
      const settle = (accepted: Interest): void => {
        timer.cancel()
        resolve(accepted)
      }
      if (this.wire.transport === 'stdio' && (this.streams.size >= mostStreams || this.ending.size > 0)) this.reopen(settle)
      else this.open(settle)
    })
  }

  stop(): void {
    this.stopped = true
    inBackground(this.context.report, 'connection', this.replace({}))
  }

  /** Takes a notification that names one of the streams; false where it names none. */
  hear(message: IncomingNotification): boolean {
    const params = message.params?.json()
    const meta = isObject(params) && isObject(params._meta) ? params._meta : undefined
    const id = meta?.[metaKey.subscriptionId]
    const stream = id === undefined ? this.unnamed(message) : this.streams.get(Number(id))
    if (stream === undefined) return false
    this.take(stream, message)
    return true
  }

  /** Some servers leave out which stream they mean. */
  private unnamed(message: IncomingNotification): Stream | undefined {
    if (message.method !== acknowledgement) return watchEvent(message) === undefined ? undefined : this.current
    let waiting: Stream | undefined
    for (const stream of this.streams.values()) if (stream.accepted === undefined) waiting ??= stream
    return waiting
  }

  /** Ends every stream, and opens one when each has been answered. */
  private reopen(settle: (accepted: Interest) => void): void {
    this.missed = true
    this.uncovered = this.current?.accepted?.resourceSubscriptions ?? this.uncovered
    this.current = undefined
    for (const stream of this.streams.values()) this.end(stream)
    this.afterwards?.({})
    this.afterwards = settle
    this.reopened()
  }

  private reopened(): void {
    const settle = this.afterwards
    if (settle === undefined || this.ending.size > 0) return
    this.afterwards = undefined
    if (this.stopped || isEmpty(this.wanted)) settle({})
    else this.open(settle)
  }

  private open(settle: ((accepted: Interest) => void) | undefined): void {
    const id = this.wire.nextId()
    const stream: Stream = { id, interest: this.wanted, controller: new AbortController(), accepted: undefined, over: false, settle }
    this.streams.set(id, stream)
    const params = this.envelope.own(payloadOf({ notifications: this.wanted }))
    const ended = this.wire
      .request({
        id,
        method: 'subscriptions/listen',
        message: requestBytes(id, 'subscriptions/listen', params.bytes),
        headers: this.headers(),
        signal: stream.controller.signal,
        onMessage: (message) => {
          if (message.kind === 'notification') this.take(stream, message)
        },
        maxBytes: this.context.limits.resultBytes,
      })
      .then((answer) => this.ended(stream, answer))
    inBackground(this.context.report, 'upstream_stream', ended)
  }

  private take(stream: Stream, message: IncomingNotification): void {
    if (message.method === acknowledgement) {
      const params = message.params?.json()
      this.acknowledged(stream, readInterest(isObject(params) ? params.notifications : undefined))
      return
    }
    // During an overlap both streams carry the same events: only the newest acknowledged one is heard.
    if (stream !== this.current) return
    const event = watchEvent(message)
    if (event !== undefined) this.onEvent(event)
  }

  private acknowledged(stream: Stream, accepted: Interest): void {
    if (stream.accepted !== undefined) return
    stream.accepted = accepted
    this.acknowledgedAt = this.context.clock.mono()
    if (this.wire.transport !== 'stdio') for (const other of this.streams.values()) if (other.id < stream.id) this.end(other)
    if (this.current === undefined || this.current.id < stream.id) this.current = stream
    stream.settle?.(accepted)
    stream.settle = undefined
    if (!this.missed) return
    this.missed = false
    for (const event of changesOf(accepted)) this.onEvent(event)
    for (const uri of this.uncovered) {
      if (accepted.resourceSubscriptions?.includes(uri)) this.onEvent({ kind: 'updated', uri, params: payloadOf({ uri }) })
    }
    this.uncovered = []
  }

  private ended(stream: Stream, answer: WireAnswer): void {
    this.streams.delete(stream.id)
    stream.settle?.({})
    stream.settle = undefined
    this.ending.delete(stream)
    this.reopened()
    if (stream.over) return
    const wasCurrent = this.current === stream
    if (wasCurrent) this.current = undefined
    const isLoss = wasCurrent || this.streams.size === 0 || this.wire.transport === 'stdio'
    if (this.stopped || !isLoss) return
    // A server that advertises no changes may refuse to be listened to; asking again would not help.
    if (answer.kind === 'answer' && answer.answer.kind === 'error' && answer.answer.code === code.methodNotFound) return
    this.missed = true
    const lived = wasCurrent && this.context.clock.mono() - this.acknowledgedAt >= steadyMs
    this.failures = lived ? 1 : this.failures + 1
    const waitMs = this.failures === 1 ? 0 : backoffMs(this.failures - 2, this.context.random)
    this.retry?.cancel()
    this.retry = this.context.clock.timer(waitMs, () => {
      if (!this.stopped && !isEmpty(this.wanted)) this.open(undefined)
    })
  }

  private end(stream: Stream): void {
    this.streams.delete(stream.id)
    stream.settle?.({})
    stream.settle = undefined
    if (stream.over) return
    stream.over = true
    const { clock, report } = this.context
    if (this.wire.transport !== 'stdio' || this.stopped) stream.controller.abort()
    else {
      this.ending.add(stream)
      clock.timer(endingMs, () => stream.controller.abort())
    }
    if (this.wire.transport === 'stdio') inBackground(report, 'connection', cancel(this.wire, stream.id, {}))
  }
}
