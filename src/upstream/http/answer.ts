// One request over Streamable HTTP: posts it and reads its answer, be it JSON, an event stream, or a status. A cut event stream of a
// legacy server is taken up again by GET with Last-Event-ID.
import type { IncomingHttpHeaders } from 'node:http'
import { afterReads } from '../../core/call/loop-batch.ts'
import type { Random, Timer } from '../../core/ports/clock.ts'
import type { Incoming, IncomingError, IncomingResult } from '../../core/protocol/jsonrpc.ts'
import { isLarge } from '../../core/protocol/large.ts'
import { header } from '../../core/protocol/names.ts'
import { type SseEvent, SseParser } from '../../core/protocol/sse.ts'
import type { WireAnomaly, WireAnswer } from '../wire/wire.ts'
import { encodingProblem } from './content-encoding.ts'
import { messageOf, messagesOf, messagesOfLarge, reopenMs } from './events.ts'
import { offProtocol, unreadable } from './failures.ts'
import { PendingRequest, type RequestEndpoint } from './pending-request.ts'
import { headerList } from './reception.ts'
import { mediaType } from './response-headers.ts'

const postHeaders = ['content-type', 'application/json', 'accept', 'application/json, text/event-stream'] as const
const getHeaders = ['accept', 'text/event-stream'] as const
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
export interface Requests extends RequestEndpoint {
  readonly resume: boolean
  readonly random: Random
  /** Headers of an `initialize` answer. */
  initialized(headers: IncomingHttpHeaders): void
}

export class RequestAnswer extends PendingRequest<Requests> {
  private events: SseParser | undefined
  private lastEventId = ''
  private retryMs: number | undefined
  /** What was wrong with messages of the stream, should no answer follow. */
  private wrong: string | undefined
  private resuming = false
  private attempts = 0
  private quiet = quietMs.first
  private pause: Timer | undefined

  start(): void {
    this.post(postHeaders)
  }

  closed(): void {
    this.withdraw()
    this.settle({ kind: 'aborted', sent: this.sent || this.lastEventId !== '' })
  }

  protected begin(status: number, headers: IncomingHttpHeaders): void {
    this.status = status
    const type = mediaType(headers)
    if (this.resuming) this.beginResumed(status, type)
    else if (status >= 300) this.beginStatus(headers)
    else this.beginAnswer(status, type, headers)
  }

  private beginAnswer(status: number, type: string, headers: IncomingHttpHeaders): void {
    if (this.request.method === 'initialize') this.wire.initialized(headers)
    const problem = encodingProblem(headers)
    if (problem !== undefined) this.refuse(unreadable(problem))
    else if (type === 'application/json') {
      if (!this.beginBody(headers, this.request.maxBytes)) this.refuseLarge()
    } else if (type === 'text/event-stream') this.events = new SseParser(this.request.maxBytes)
    else if (status === 202 || status === 204) this.refuse(`HTTP ${status} without an answer`)
    else this.refuse(`content type ${type === '' ? 'missing' : type.slice(0, 80)}`)
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
    if (this.events === undefined) this.append(bytes)
    else this.readEvents(this.events, bytes)
  }

  private readEvents(events: SseParser, bytes: Buffer): void {
    const comments = events.commentCount
    if (!events.push(bytes, (event) => this.event(event)) && !this.settled) this.refuseLarge()
    if (events.commentCount > comments && !this.settled) this.request.onAlive?.()
  }

  protected end(): void {
    if (this.settled) return
    if (this.events !== undefined) this.streamEnded(undefined)
    else if (this.status >= 300) this.readStatusBody()
    else this.readBody(this.takeBody())
  }

  protected override fail(error: Error): void {
    if (this.settled) return
    if (this.events !== undefined) this.streamEnded(error)
    else if (this.resuming) this.resumeOrLose(error, resumeAttempts)
    else super.fail(error)
  }

  private readBody(bytes: Uint8Array): void {
    if (!isLarge(bytes)) {
      this.readAnswer(bytes.length === 0 ? 'empty body' : messageOf(bytes, this.wire))
      return
    }
    this.checked(bytes, (found) => {
      const messages = messagesOfLarge(found, this.wire)
      if (typeof messages === 'string') this.readAnswer(messages)
      else this.readAnswer(messages.length === 1 ? (messages[0] as Incoming) : 'a batch in place of an answer')
    })
  }

  private readAnswer(message: Incoming | string): void {
    if (this.settled) return
    if (typeof message === 'string') {
      this.refuse(message)
    } else if (message.kind === 'request' || message.kind === 'notification') {
      this.refuse(`a ${message.kind} in place of an answer`)
    } else if (message.kind === 'ambiguous') {
      this.refuse(message.what, 'ambiguous')
    } else if (message.id !== undefined && !this.isOwn(message.id) && !this.isRefusal(message)) {
      this.refuse('the answer is to another request', 'orphan', `answer to id ${message.id.slice(0, 80)} came for id ${this.id}`)
    } else {
      this.settle({ kind: 'answer', answer: message, status: this.status })
    }
  }

  private event(event: SseEvent): void {
    if (this.waits(() => this.event(event))) return
    this.attempts = 0
    if (this.resuming && !this.settled) {
      this.quiet = quietMs.first
      this.watchQuiet()
    }
    if (event.event !== 'message' || event.data.length === 0) return
    if (isLarge(event.data)) this.checked(event.data, (found) => this.messages(messagesOfLarge(found, this.wire)))
    else this.messages(messagesOf(event.data, this.wire))
  }

  private messages(found: readonly Incoming[] | string): void {
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
    } else if (message.id !== undefined && !this.isOwn(message.id) && !this.isRefusal(message)) {
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
    const headers = headerList(getHeaders, this.request.headers, this.wire.userAgent)
    headers.push(header.lastEventId, this.lastEventId)
    if (!this.dispatch('GET', this.wire.path, headers, undefined)) this.lost(this.cutFault(undefined))
  }

  private refuse(reason: string, anomaly: WireAnomaly = 'malformed', detail = reason): void {
    this.wire.anomaly(anomaly, detail)
    this.lost(offProtocol(this.wire.upstream, reason))
    this.drain()
  }

  protected override deliver(answer: WireAnswer): void {
    if (answer.kind === 'answer') afterReads(() => this.resolve(answer))
    else this.resolve(answer)
  }

  protected release(): void {
    this.pause?.cancel()
  }
}
