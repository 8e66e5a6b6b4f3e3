// One request over Streamable HTTP: posts it and reads its answer, be it JSON, an event stream, or a status. A cut event stream of a
// legacy server is taken up again by GET with Last-Event-ID.
import type { IncomingHttpHeaders } from 'node:http'
import { afterReads } from '../../core/call/loop-batch.ts'
import type { Fault } from '../../core/faults/fault.ts'
import { reportBug } from '../../core/ports/boundary.ts'
import type { Random, Timer } from '../../core/ports/clock.ts'
import { ChunkBuffer } from '../../core/protocol/chunk-buffer.ts'
import { type Incoming, type IncomingError, type IncomingResult, readMessage } from '../../core/protocol/jsonrpc.ts'
import { header } from '../../core/protocol/names.ts'
import { MalformedJson } from '../../core/protocol/scan.ts'
import { type SseEvent, SseParser } from '../../core/protocol/sse.ts'
import type { WireAnomaly, WireAnswer, WireRequest } from '../wire/wire.ts'
import { messagesOf, readText, reopenMs } from './events.ts'
import { cut, noPlace, offProtocol, tooLarge, unreachable } from './failures.ts'
import { type Endpoint, headerList, Reception } from './reception.ts'
import { challenge, contentLength, isEncoded, mediaType, retryAfter } from './response-headers.ts'

const postHeaders = ['content-type', 'application/json', 'accept', 'application/json, text/event-stream'] as const
const getHeaders = ['accept', 'text/event-stream'] as const
/** Cap of a JSON error body, in bytes. */
const errorBytes = 262_144
/** Attempts in a row that may fail to take a stream up again. */
const resumeAttempts = 4
/** Streams in a row that a server may open and end without an event, which is how it lets us poll (MCP 2025-11-25 §transports). */
const quietPolls = 100
/**
 * How long a stream that was taken up again may be quiet before it is asked for anew, in ms, doubling: servers that replay what they have
 * but do not go on (server-everything) would never give the answer. Asking a sound server again costs nothing but the request.
 */
const quietMs = { first: 2_000, longest: 15_000 }

/** What requests need of their wire. */
export interface Requests extends Endpoint {
  readonly path: string
  readonly resume: boolean
  readonly random: Random
  anomaly(type: WireAnomaly, detail: string): void
  /** Headers of an `initialize` answer. */
  initialized(headers: IncomingHttpHeaders): void
  refused(): void
}

export class RequestAnswer extends Reception {
  private readonly wire: Requests
  private readonly request: WireRequest
  private readonly id: string
  private readonly resolve: (answer: WireAnswer) => void
  private readonly reject: (bug: unknown) => void
  private settled = false
  private status = 0
  private retryAfterMs: number | undefined
  private challenge: string | undefined
  private body: ChunkBuffer | undefined
  private expected = 0
  private limit = 0
  private events: SseParser | undefined
  private lastEventId = ''
  private retryMs: number | undefined
  /** What was wrong with messages of the stream, should no answer follow. */
  private wrong: string | undefined
  private resuming = false
  private attempts = 0
  private quiet = quietMs.first
  private pause: Timer | undefined

  constructor(wire: Requests, request: WireRequest, resolve: (answer: WireAnswer) => void, reject: (bug: unknown) => void) {
    super(wire)
    this.wire = wire
    this.request = request
    this.id = String(request.id)
    this.resolve = resolve
    this.reject = reject
  }

  start(): void {
    const { signal, headers, message } = this.request
    if (signal.aborted) {
      this.settle({ kind: 'aborted', sent: false })
      return
    }
    signal.addEventListener('abort', this)
    if (this.dispatch('POST', this.wire.path, headerList(postHeaders, headers), message)) return
    this.wire.refused()
    this.lost(noPlace(this.wire.upstream, this.wire.lease.limit))
  }

  /** The signal ended (EventListener, so that it costs no closure). */
  handleEvent(): void {
    this.closed()
    this.abort()
  }

  closed(): void {
    this.withdraw()
    this.settle({ kind: 'aborted', sent: this.sent || this.lastEventId !== '' })
  }

  protected crash(bug: unknown): void {
    if (this.settled) reportBug(this.wire.report, 'upstream_http', bug, { upstream: this.wire.upstream })
    else {
      this.settled = true
      this.release()
      this.reject(bug)
    }
  }

  protected begin(status: number, headers: IncomingHttpHeaders): void {
    this.status = status
    const type = mediaType(headers)
    if (this.resuming) this.beginResumed(status, type)
    else if (status >= 300) this.beginStatus(type, headers)
    else this.beginAnswer(status, type, headers)
  }

  private beginAnswer(status: number, type: string, headers: IncomingHttpHeaders): void {
    if (this.request.method === 'initialize') this.wire.initialized(headers)
    if (isEncoded(headers)) this.refuse('the answer is compressed')
    else if (type === 'application/json') this.beginJson(headers, this.request.maxBytes)
    else if (type === 'text/event-stream') this.events = new SseParser(this.request.maxBytes)
    else if (status === 202 || status === 204) this.refuse(`HTTP ${status} without an answer`)
    else this.refuse(`content type ${type === '' ? 'missing' : type.slice(0, 80)}`)
  }

  private beginJson(headers: IncomingHttpHeaders, limit: number): void {
    this.expected = contentLength(headers)
    this.limit = limit
    if (this.expected > limit) this.refuseLarge()
    else this.body = new ChunkBuffer()
  }

  private beginStatus(type: string, headers: IncomingHttpHeaders): void {
    this.retryAfterMs = retryAfter(headers, this.wire.clock)
    this.challenge = challenge(headers)
    if (this.status >= 400 && type === 'application/json' && !isEncoded(headers) && contentLength(headers) <= errorBytes) {
      this.beginJson(headers, errorBytes)
    } else {
      this.settleStatus(undefined)
      this.drain()
    }
  }

  private beginResumed(status: number, type: string): void {
    if (status === 200 && type === 'text/event-stream') {
      this.events = new SseParser(this.request.maxBytes)
      this.watchQuiet()
      return
    }
    this.abort()
    // 4xx will not change; a proxy's 5xx may, and 409 says that the server has not yet seen the old stream end.
    if (status >= 500 || status === 409) this.resumeOrLose(undefined, resumeAttempts)
    else this.lost(this.cutFault(undefined))
  }

  protected chunk(bytes: Buffer): void {
    if (this.events !== undefined) {
      this.readEvents(this.events, bytes)
      return
    }
    const body = this.body
    if (body === undefined) return
    if (body.length + bytes.length > this.limit) this.refuseLarge()
    else body.append(bytes, this.expected)
  }

  private readEvents(events: SseParser, bytes: Buffer): void {
    const comments = events.commentCount
    if (!events.push(bytes, (event) => this.event(event)) && !this.settled) this.refuseLarge()
    if (events.commentCount > comments && !this.settled) this.request.onAlive?.()
  }

  protected end(): void {
    if (this.settled) return
    if (this.events !== undefined) {
      this.streamEnded(undefined)
      return
    }
    const bytes = this.body?.take() ?? Buffer.alloc(0)
    if (this.status >= 300) this.readStatusBody(bytes)
    else this.readAnswer(bytes)
  }

  protected fail(error: Error): void {
    if (this.settled) return
    if (this.events !== undefined) this.streamEnded(error)
    else if (this.resuming) this.resumeOrLose(error, resumeAttempts)
    else if (!this.sent) this.lost(unreachable(this.wire.upstream, error, this.wire.connectTimeoutMs))
    else if (this.status >= 300) this.settleStatus(undefined)
    else this.lost(this.cutFault(error))
  }

  private readAnswer(bytes: Uint8Array): void {
    const message = bytes.length === 0 ? 'empty body' : readText(bytes, this.wire, tryRead)
    if (typeof message === 'string') {
      this.refuse(message)
    } else if (message.kind === 'request' || message.kind === 'notification') {
      this.refuse(`a ${message.kind} in place of an answer`)
    } else if (message.kind === 'ambiguous') {
      this.refuse(message.what, 'ambiguous')
    } else if (message.id !== undefined && message.id !== this.id) {
      this.refuse('the answer is to another request', 'orphan', `answer to id ${message.id.slice(0, 80)} came for id ${this.id}`)
    } else {
      this.settle({ kind: 'answer', answer: message, status: this.status })
    }
  }

  private readStatusBody(bytes: Uint8Array): void {
    const message = readText(bytes, this.wire, tryRead)
    if (typeof message !== 'string' && message.kind === 'ambiguous') this.wire.anomaly('ambiguous', message.what)
    if (typeof message === 'string' || message.kind !== 'error') this.settleStatus(undefined)
    // 401 is about the credential, whatever its body says.
    else if (message.id === this.id && this.status !== 401) this.settle({ kind: 'answer', answer: message, status: this.status })
    else this.settleStatus(message.id === undefined || message.id === this.id ? message : undefined)
  }

  private event(event: SseEvent): void {
    this.attempts = 0
    if (this.resuming && !this.settled) {
      this.quiet = quietMs.first
      this.watchQuiet()
    }
    if (event.event !== 'message' || event.data.length === 0) return
    const found = messagesOf(event.data, this.wire)
    if (typeof found === 'string') {
      this.wire.anomaly('malformed', found)
      this.wrong = found
      return
    }
    for (const message of found) this.message(message)
  }

  private message(message: Incoming): void {
    if (message.kind === 'request' || message.kind === 'notification') {
      if (!this.settled) this.request.onMessage(message)
    } else if (message.id !== undefined && message.id !== this.id) {
      // Some servers replay the events of all streams.
      if (this.resuming) return
      this.wire.anomaly('orphan', `answer to id ${message.id.slice(0, 80)} on the stream of id ${this.id}`)
      this.wrong ??= 'the answer is to another request'
    } else if (message.kind === 'ambiguous') {
      this.wire.anomaly('ambiguous', message.what)
      if (message.of === 'notification' || this.settled) return
      this.lost(offProtocol(this.wire.upstream, message.what))
      this.expectEnd()
    } else if (this.settled) {
      this.wire.anomaly('duplicate', `a second answer to id ${this.id}`)
    } else {
      this.answered(message)
    }
  }

  private answered(message: IncomingResult | IncomingError): void {
    this.settle({ kind: 'answer', answer: message, status: this.status })
    this.expectEnd()
  }

  private streamEnded(error: Error | undefined): void {
    this.pause?.cancel()
    this.remember()
    if (this.wrong !== undefined) this.lost(offProtocol(this.wire.upstream, this.wrong))
    else this.resumeOrLose(error, quietPolls)
  }

  private remember(): void {
    this.lastEventId = this.events?.lastEventId ?? this.lastEventId
    this.retryMs = this.events?.retryMs ?? this.retryMs
  }

  private watchQuiet(): void {
    this.pause?.cancel()
    this.pause = this.wire.clock.timer(this.quiet, () => {
      this.quiet = Math.min(quietMs.longest, this.quiet * 2)
      this.remember()
      this.abort()
      this.takeUp()
    })
  }

  private resumeOrLose(error: Error | undefined, attempts: number): void {
    if (!this.wire.resume || this.lastEventId === '' || this.attempts >= attempts) {
      this.lost(this.cutFault(error))
      return
    }
    const delay = reopenMs(this.wire.random, this.attempts, this.retryMs)
    this.attempts += 1
    this.enroll()
    this.pause = this.wire.clock.timer(delay, () => this.takeUp())
  }

  private takeUp(): void {
    if (this.settled) return
    this.resuming = true
    this.events = undefined
    const headers = headerList(getHeaders, this.request.headers)
    headers.push(header.lastEventId, this.lastEventId)
    if (!this.dispatch('GET', this.wire.path, headers, undefined)) this.lost(this.cutFault(undefined))
  }

  private cutFault(error: Error | undefined): Fault {
    return cut(this.wire.upstream, this.request.method, error)
  }

  private refuse(reason: string, anomaly: WireAnomaly = 'malformed', detail = reason): void {
    this.wire.anomaly(anomaly, detail)
    this.lost(offProtocol(this.wire.upstream, reason))
    this.drain()
  }

  private refuseLarge(): void {
    this.wire.anomaly('oversize', `${this.request.method} was answered with more than ${this.request.maxBytes} bytes`)
    if (this.status >= 300) this.settleStatus(undefined)
    else this.lost(tooLarge(this.wire.upstream, this.request.method, this.request.maxBytes))
    this.abort()
  }

  private settleStatus(body: IncomingError | undefined): void {
    this.settle({ kind: 'status', status: this.status, retryAfterMs: this.retryAfterMs, challenge: this.challenge, body })
  }

  private lost(reason: Fault): void {
    this.settle({ kind: 'lost', fault: reason })
  }

  private release(): void {
    this.pause?.cancel()
    this.request.signal.removeEventListener('abort', this)
  }

  private settle(answer: WireAnswer): void {
    if (this.settled) return
    this.settled = true
    this.release()
    if (answer.kind === 'answer') afterReads(() => this.resolve(answer))
    else this.resolve(answer)
  }
}

/** The message, or what is wrong with it. */
function tryRead(bytes: Uint8Array): Incoming | string {
  try {
    return readMessage(bytes)
  } catch (error) {
    if (error instanceof MalformedJson) return error.message
    throw error
  }
}
