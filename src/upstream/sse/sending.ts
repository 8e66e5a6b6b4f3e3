// One request over HTTP+SSE: posted to the endpoint, answered on the stream by its id. It waits for both, in whichever order they come.
import type { IncomingHttpHeaders } from 'node:http'
import { fault } from '../../core/faults/catalogue.ts'
import { evidence } from '../../core/faults/evidence.ts'
import type { Fault } from '../../core/faults/fault.ts'
import { reportBug } from '../../core/ports/boundary.ts'
import { ChunkBuffer } from '../../core/protocol/chunk-buffer.ts'
import { type IncomingError, type IncomingResult, readMessage } from '../../core/protocol/jsonrpc.ts'
import { MalformedJson } from '../../core/protocol/scan.ts'
import { replacedUtf8 } from '../../core/protocol/utf8.ts'
import { cut, noPlace, offProtocol, tooLarge, unreachable } from '../http/failures.ts'
import { type Endpoint, headerList, Reception } from '../http/reception.ts'
import { challenge, isEncoded, mediaType, retryAfter } from '../http/response-headers.ts'
import type { WireAnswer, WireRequest } from '../wire/wire.ts'

const postHeaders = ['content-type', 'application/json'] as const
/** Cap of a JSON error body, in bytes. */
const errorBytes = 262_144

export interface Pending extends Endpoint {
  readonly path: string
  /** Requests that wait, by id. */
  readonly waiting: Map<string, Sending>
  /** The request was given up here: a late answer to it is no anomaly. */
  forgotten(id: string): void
}

export class Sending extends Reception {
  private readonly wire: Pending
  private readonly request: WireRequest
  private readonly id: string
  private readonly resolve: (answer: WireAnswer) => void
  private readonly reject: (bug: unknown) => void
  private settled = false
  private status = 0
  private retryAfterMs: number | undefined
  private challenge: string | undefined
  private body: ChunkBuffer | undefined

  constructor(wire: Pending, request: WireRequest, resolve: (answer: WireAnswer) => void, reject: (bug: unknown) => void) {
    super(wire)
    this.wire = wire
    this.request = request
    this.id = String(request.id)
    this.resolve = resolve
    this.reject = reject
  }

  start(): void {
    const { signal, headers, message } = this.request
    signal.addEventListener('abort', this)
    if (signal.aborted) {
      this.settle({ kind: 'aborted', sent: false })
      return
    }
    this.wire.waiting.set(this.id, this)
    if (this.dispatch('POST', this.wire.path, headerList(postHeaders, headers), message)) return
    this.lost(noPlace(this.wire.upstream, this.wire.lease.limit))
  }

  handleEvent(): void {
    this.closed()
    this.abort()
  }

  closed(): void {
    this.wire.forgotten(this.id)
    this.settle({ kind: 'aborted', sent: this.sent })
  }

  answered(answer: IncomingResult | IncomingError, bytes: number): void {
    if (bytes > this.request.maxBytes) this.lost(tooLarge(this.wire.upstream, this.request.method, this.request.maxBytes))
    else this.settle({ kind: 'answer', answer, status: 200 })
  }

  /** The answer came and cannot be read. */
  refused(why: string): void {
    this.lost(offProtocol(this.wire.upstream, why))
  }

  /** The stream on which the answer would have come has ended. */
  cutOff(reason: Fault): void {
    const detail = { ...reason.detail, upstream: this.wire.upstream, item: this.request.method }
    this.lost(this.sent ? fault('outcome_unknown', detail, { evidence: evidence.connection_lost }) : reason)
    this.abort()
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
    if (status < 300) {
      this.drain()
      return
    }
    this.status = status
    this.retryAfterMs = retryAfter(headers, this.wire.clock)
    this.challenge = challenge(headers)
    if (status >= 400 && mediaType(headers) === 'application/json' && !isEncoded(headers)) {
      this.body = new ChunkBuffer()
      return
    }
    this.settleStatus(undefined)
    this.drain()
  }

  protected chunk(bytes: Buffer): void {
    if (this.body === undefined) return
    if (this.body.length + bytes.length > errorBytes) {
      this.settleStatus(undefined)
      this.abort()
    } else this.body.append(bytes)
  }

  protected end(): void {
    const message = this.body === undefined ? undefined : readError(this.body.take())
    if (message?.id === this.id) this.settle({ kind: 'answer', answer: message, status: this.status })
    else this.settleStatus(message?.id === undefined ? message : undefined)
  }

  protected fail(error: Error): void {
    const { upstream, connectTimeoutMs } = this.wire
    if (!this.sent) this.lost(unreachable(upstream, error, connectTimeoutMs))
    else if (this.status > 0) this.settleStatus(undefined)
    else this.lost(cut(upstream, this.request.method, error))
  }

  private settleStatus(body: IncomingError | undefined): void {
    this.settle({ kind: 'status', status: this.status, retryAfterMs: this.retryAfterMs, challenge: this.challenge, body })
  }

  private lost(reason: Fault): void {
    this.settle({ kind: 'lost', fault: reason })
  }

  private release(): void {
    this.wire.waiting.delete(this.id)
    this.request.signal.removeEventListener('abort', this)
  }

  private settle(answer: WireAnswer): void {
    if (this.settled) return
    this.settled = true
    this.release()
    this.resolve(answer)
  }
}

function readError(bytes: Uint8Array): IncomingError | undefined {
  try {
    const message = readMessage(replacedUtf8(bytes) ?? bytes)
    return message.kind === 'error' ? message : undefined
  } catch (error) {
    if (error instanceof MalformedJson) return undefined
    throw error
  }
}
