// The GET stream of a legacy session: what the server says outside any request. Opened again for as long as it is wanted.

import type { IncomingHttpHeaders } from 'node:http'
import type { Signal } from '../../core/call/signal.ts'
import { reportBug } from '../../core/ports/boundary.ts'
import type { Random, Timer } from '../../core/ports/clock.ts'
import type { Incoming, IncomingNotification, IncomingRequest } from '../../core/protocol/jsonrpc.ts'
import { isLarge } from '../../core/protocol/large.ts'
import { header } from '../../core/protocol/names.ts'
import { type SseEvent, SseParser } from '../../core/protocol/sse.ts'
import { takeEach } from '../wire/take-each.ts'
import type { WireAnomaly } from '../wire/wire.ts'
import { encodingProblem } from './content-encoding.ts'
import { messagesOf, messagesOfLarge, reopenMs } from './events.ts'
import { type Endpoint, headerList, Reception } from './reception.ts'
import { mediaType } from './response-headers.ts'

const getHeaders = ['accept', 'text/event-stream'] as const
/** Statuses that may pass where other 4xx will not. */
const passing = new Set([401, 403, 408, 409, 425, 429])

/** What the GET stream needs of its wire. */
export interface Listening extends Endpoint {
  readonly path: string
  readonly random: Random
  readonly maxMessageBytes: number
  anomaly(type: WireAnomaly, detail: string): void
  stray(message: IncomingRequest | IncomingNotification): void
}

export class ListenStream extends Reception {
  private readonly wire: Listening
  private readonly headers: () => Readonly<Record<string, string>>
  private readonly signal: Signal
  private readonly answered: (status?: number) => void
  private readonly resolve: (end: 'unsupported' | 'ended') => void
  private settled = false
  private events: SseParser | undefined
  private lastEventId = ''
  private session: string | undefined
  private retryMs: number | undefined
  private failed = 0
  private pause: Timer | undefined

  constructor(
    wire: Listening,
    headers: () => Readonly<Record<string, string>>,
    signal: Signal,
    answered: (status?: number) => void,
    resolve: (end: 'unsupported' | 'ended') => void,
  ) {
    super(wire)
    this.wire = wire
    this.headers = headers
    this.signal = signal
    this.answered = answered
    this.resolve = resolve
  }

  start(): void {
    this.signal.addEventListener('abort', this)
    if (this.signal.aborted) this.settle('ended')
    else this.open()
  }

  handleEvent(): void {
    this.closed()
    this.abort()
  }

  closed(): void {
    this.pause?.cancel()
    this.withdraw()
    this.settle('ended')
  }

  private open(): void {
    if (this.settled) return
    const given = this.headers()
    // An event id belongs to the session that gave it.
    if (given[header.sessionId] !== this.session) this.lastEventId = ''
    this.session = given[header.sessionId]
    const list = headerList(getHeaders, given, this.wire.userAgent)
    if (this.lastEventId !== '') list.push(header.lastEventId, this.lastEventId)
    this.events = undefined
    if (!this.dispatch('GET', this.wire.path, list, undefined)) this.later()
  }

  protected crash(bug: unknown): void {
    reportBug(this.wire.report, 'upstream_stream', bug, { upstream: this.wire.upstream })
    this.later()
  }

  protected begin(status: number, headers: IncomingHttpHeaders): void {
    if (status === 200 && mediaType(headers) === 'text/event-stream' && encodingProblem(headers) === undefined) {
      this.events = new SseParser(this.wire.maxMessageBytes)
      this.answered(status)
      return
    }
    this.abort()
    if (this.isUnsupported(status)) this.settle('unsupported')
    else this.later(status)
  }

  /** Without a session no 4xx will change; with one it may be a lost session, which the next request finds out. */
  private isUnsupported(status: number): boolean {
    if (status < 400) {
      this.wire.anomaly('malformed', `GET answered with HTTP ${status} and no event stream`)
      return true
    }
    if (status === 405 || status === 501) return true
    return status < 500 && this.session === undefined && !passing.has(status)
  }

  protected chunk(bytes: Buffer): void {
    if (this.events === undefined || this.events.push(bytes, (event) => this.event(event))) return
    this.wire.anomaly('oversize', `an event of the GET stream was larger than ${this.wire.maxMessageBytes} bytes`)
    // Resuming would bring the same event again.
    this.lastEventId = ''
    this.events = undefined
    this.abort()
    this.later()
  }

  protected end(): void {
    this.later()
  }

  protected fail(): void {
    this.later(0)
  }

  private event(event: SseEvent): void {
    if (this.waits(() => this.event(event))) return
    this.failed = 0
    if (event.event !== 'message' || event.data.length === 0) return
    if (isLarge(event.data)) this.checked(event.data, (found) => this.messages(messagesOfLarge(found, this.wire)))
    else this.messages(messagesOf(event.data, this.wire))
  }

  private messages(found: readonly Incoming[] | string): void {
    if (typeof found === 'string') {
      this.wire.anomaly('malformed', found)
      return
    }
    takeEach(this.wire.report, 'upstream_stream', found, (message) => this.message(message))
  }

  private message(message: Incoming): void {
    if (this.settled) return
    if (message.kind === 'request' || message.kind === 'notification') this.wire.stray(message)
    else if (message.kind === 'ambiguous') this.wire.anomaly('ambiguous', message.what)
    else this.wire.anomaly('orphan', 'an answer came on the GET stream')
  }

  private later(status?: number): void {
    if (this.settled) return
    if (this.events !== undefined) {
      this.lastEventId = this.events.lastEventId ?? this.lastEventId
      this.retryMs = this.events.retryMs ?? this.retryMs
    }
    const delay = reopenMs(this.wire.random, this.failed, this.retryMs)
    this.failed += 1
    this.answered(status)
    this.enroll()
    this.pause = this.wire.clock.timer(delay, () => this.open())
  }

  private settle(end: 'unsupported' | 'ended'): void {
    if (this.settled) return
    this.settled = true
    this.signal.removeEventListener('abort', this)
    this.answered()
    this.resolve(end)
  }
}
