// The one event stream of an HTTP+SSE connection: its first event names where to post, the others are messages.
import type { IncomingHttpHeaders } from 'node:http'
import type { Fault } from '../../core/faults/fault.ts'
import { reportBug } from '../../core/ports/boundary.ts'
import { type Checked, isLarge } from '../../core/protocol/large.ts'
import { type SseEvent, SseParser } from '../../core/protocol/sse.ts'
import { encodingProblem } from '../http/content-encoding.ts'
import { cut, offProtocol, unreachable, unreadable } from '../http/failures.ts'
import { type Endpoint, headerList, Reception } from '../http/reception.ts'
import { mediaType, retryAfter } from '../http/response-headers.ts'
import { deliveryFault } from '../messages/answers.ts'

const getHeaders = ['accept', 'text/event-stream'] as const

export interface StreamEvents {
  /** Data of an `endpoint` event. */
  endpoint(address: string): void
  message(data: Uint8Array): void
  /** Of a message whose bytes were checked. */
  large(found: Checked): void
  /** Exactly once, and not after `abort`. */
  ended(fault: Fault): void
}

export class SseStream extends Reception {
  private readonly on: StreamEvents
  private readonly maxMessageBytes: number
  private events: SseParser | undefined
  private finished = false

  constructor(endpoint: Endpoint, maxMessageBytes: number, on: StreamEvents) {
    super(endpoint)
    this.maxMessageBytes = maxMessageBytes
    this.on = on
  }

  /** True once the server has answered with an event stream. */
  get isOpen(): boolean {
    return this.events !== undefined
  }

  /** False where the origin has no place left. */
  open(path: string, headers: Readonly<Record<string, string>>): boolean {
    return this.dispatch('GET', path, headerList(getHeaders, headers, this.endpoint.userAgent), undefined)
  }

  closed(): void {
    this.finished = true
  }

  protected crash(bug: unknown): void {
    reportBug(this.endpoint.report, 'upstream_stream', bug, { upstream: this.endpoint.upstream })
    this.finish(cut(this.endpoint.upstream, 'the connection', undefined))
  }

  protected begin(status: number, headers: IncomingHttpHeaders): void {
    const problem = encodingProblem(headers)
    if (status === 200 && mediaType(headers) === 'text/event-stream' && problem === undefined) {
      this.events = new SseParser(this.maxMessageBytes)
      return
    }
    this.finish(
      status === 200
        ? offProtocol(this.endpoint.upstream, problem === undefined ? 'GET gave no event stream' : unreadable(problem))
        : deliveryFault(
            this.endpoint.upstream,
            status,
            retryAfter(status, headers, this.endpoint.clock),
            this.redirectedTo(status, headers),
          ),
    )
    this.drain()
  }

  protected chunk(bytes: Buffer): void {
    if (this.finished || this.events?.push(bytes, (event) => this.event(event)) !== false || this.finished) return
    this.finish(offProtocol(this.endpoint.upstream, `an event was larger than ${this.maxMessageBytes} bytes`))
    this.abort()
  }

  protected end(): void {
    this.finish(cut(this.endpoint.upstream, 'the connection', undefined))
  }

  protected fail(error: Error): void {
    const { upstream, connectTimeoutMs } = this.endpoint
    this.finish(this.sent ? cut(upstream, 'the connection', error) : unreachable(upstream, error, connectTimeoutMs))
  }

  private event(event: SseEvent): void {
    if (this.waits(() => this.event(event)) || this.finished) return
    if (event.event === 'endpoint') this.on.endpoint(Buffer.from(event.data).toString('utf8'))
    else if (event.event !== 'message' || event.data.length === 0) return
    else if (isLarge(event.data)) this.checked(event.data, (found) => this.on.large(found))
    else this.on.message(event.data)
  }

  private finish(fault: Fault): void {
    if (this.finished) return
    this.finished = true
    this.on.ended(fault)
  }
}
