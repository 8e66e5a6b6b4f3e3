// One request that waits for its answer, whichever stream that comes on: its life from the POST to the one answer that settles it, the end
// of its signal, and what a status means that is no success.
import type { IncomingHttpHeaders } from 'node:http'
import type { Fault } from '../../core/faults/fault.ts'
import { reportBug } from '../../core/ports/boundary.ts'
import { lackedScopes } from '../../core/protocol/bearer-challenge.ts'
import { ChunkBuffer } from '../../core/protocol/chunk-buffer.ts'
import type { Incoming, IncomingError, RawId } from '../../core/protocol/jsonrpc.ts'
import type { WireAnomaly, WireAnswer, WireRequest } from '../wire/wire.ts'
import { encodingProblem } from './content-encoding.ts'
import { messageOf } from './events.ts'
import { cut, noPlace, tooLarge, unreachable } from './failures.ts'
import { type Endpoint, headerList, Reception } from './reception.ts'
import { challenge, challengeIn, contentLength, mediaType, retryAfter } from './response-headers.ts'

/** Cap of a JSON error body, in bytes. */
const errorBytes = 262_144
/** What is kept of a body that is no error of JSON-RPC, in bytes. */
const wordBytes = 4_096

/** What requests need of their wire. */
export interface RequestEndpoint extends Endpoint {
  readonly path: string
  anomaly(type: WireAnomaly, detail: string): void
  /** The origin had no place left for a request. */
  refused(): void
}

export abstract class PendingRequest<Of extends RequestEndpoint> extends Reception {
  protected readonly wire: Of
  protected readonly request: WireRequest
  protected readonly id: string
  protected settled = false
  /** Of the answer; 0 before it. */
  protected status = 0
  protected readonly resolve: (answer: WireAnswer) => void
  private readonly reject: (bug: unknown) => void
  private retryAfterMs: number | undefined
  private challenge: string | undefined
  private location: string | undefined
  private body: ChunkBuffer | undefined
  private expected = 0
  private limit = 0

  constructor(wire: Of, request: WireRequest, resolve: (answer: WireAnswer) => void, reject: (bug: unknown) => void) {
    super(wire)
    this.wire = wire
    this.request = request
    this.id = String(request.id)
    this.resolve = resolve
    this.reject = reject
  }

  /** The request is settled: give back what is held for it. */
  protected abstract release(): void

  /** Sends the request, where anybody still waits for it. */
  protected post(own: readonly string[]): void {
    const { signal, headers, message } = this.request
    if (signal.aborted) {
      this.settle({ kind: 'aborted', sent: false })
      return
    }
    signal.addEventListener('abort', this)
    if (this.dispatch('POST', this.wire.path, headerList(own, headers, this.wire.userAgent), message)) return
    this.wire.refused()
    this.lost(noPlace(this.wire.upstream, this.wire.lease.limit))
  }

  /** The signal ended (EventListener, so that it costs no closure). */
  handleEvent(): void {
    this.closed()
    this.abort()
  }

  protected crash(bug: unknown): void {
    if (this.settled) reportBug(this.wire.report, 'upstream_http', bug, { upstream: this.wire.upstream })
    else {
      this.leave()
      this.reject(bug)
    }
  }

  /** The status is no success; its body may be the answer, or say more. */
  protected beginStatus(headers: IncomingHttpHeaders): void {
    this.retryAfterMs = retryAfter(this.status, headers, this.wire.clock)
    this.challenge = challenge(headers)
    this.location = this.redirectedTo(this.status, headers)
    const isRead = (mediaType(headers) === 'application/json' || this.explains) && encodingProblem(headers) === undefined
    if (isRead && this.status >= 400 && this.beginBody(headers, errorBytes)) return
    this.settleStatus(undefined)
    this.drain()
  }

  /** Why a server refuses `initialize` may stand in a body of any type: which revisions it takes instead. */
  private get explains(): boolean {
    const { status } = this
    return this.request.method === 'initialize' && status !== 401 && status !== 403 && status !== 404 && status !== 405
  }

  /** Keeps what comes from now on; false where that is told to be larger than `limit` bytes. */
  protected beginBody(headers: IncomingHttpHeaders, limit: number): boolean {
    this.expected = contentLength(headers)
    this.limit = limit
    if (this.expected > limit) return false
    this.body = new ChunkBuffer(limit)
    return true
  }

  protected append(bytes: Buffer): void {
    const { body } = this
    if (body === undefined) return
    if (body.length + bytes.length > this.limit) this.refuseLarge()
    else body.append(bytes, this.expected)
  }

  protected takeBody(): Uint8Array {
    return this.body?.take() ?? Buffer.alloc(0)
  }

  /** Our ids are numbers, so that the text of one can mean no other request. */
  protected isOwn(id: RawId): boolean {
    if (id === this.id) return true
    if (id !== `"${this.id}"`) return false
    this.wire.anomaly('id_type', `answer to id ${id} in place of ${this.id}`)
    return true
  }

  /** Nothing else is asked before `initialize` is answered, so an error is about that, whatever id it has. */
  protected isRefusal(message: Incoming): boolean {
    if (message.kind !== 'error' || this.request.method !== 'initialize') return false
    this.wire.anomaly('orphan', `an error with id ${String(message.id).slice(0, 80)} for initialize, which has id ${this.id}`)
    return true
  }

  protected readStatusBody(): void {
    const bytes = this.takeBody()
    if (this.status === 403) this.challenge ??= challengeIn(bytes)
    const message = messageOf(bytes, this.wire)
    if (typeof message !== 'string' && message.kind === 'ambiguous') this.wire.anomaly('ambiguous', message.what)
    if (typeof message === 'string' || message.kind !== 'error') this.settleStatus(undefined, this.wordsOf(bytes))
    else if (message.id !== undefined && this.isOwn(message.id) && !this.isOfCredential)
      this.settle({ kind: 'answer', answer: message, status: this.status, retryAfterMs: this.retryAfterMs })
    else if (isAnothers(message.id) && message.id !== this.id) this.settleStatus(undefined, this.wordsOf(bytes))
    else this.settleStatus(message)
  }

  /** What is about the credential, whatever the body says. */
  private get isOfCredential(): boolean {
    return this.status === 401 || (this.status === 403 && lackedScopes(this.challenge) !== undefined)
  }

  /** The exchange of the POST ended before its body did, and nothing else can bring the answer. */
  protected fail(error: Error): void {
    if (!this.sent) this.lost(unreachable(this.wire.upstream, error, this.wire.connectTimeoutMs))
    else if (this.status >= 300) this.settleStatus(undefined)
    else this.lost(this.cutFault(error))
  }

  protected cutFault(error: Error | undefined): Fault {
    return cut(this.wire.upstream, this.request.method, error)
  }

  protected refuseLarge(): void {
    const isStatus = this.status >= 300
    const limit = isStatus ? errorBytes : this.request.maxBytes
    this.wire.anomaly('oversize', `${this.request.method} was answered with more than ${limit} bytes`)
    if (isStatus) this.settleStatus(undefined)
    else this.lost(tooLarge(this.wire.upstream, this.request.method, limit))
    this.abort()
  }

  private wordsOf(bytes: Uint8Array): string | undefined {
    return this.explains ? Buffer.from(bytes.subarray(0, wordBytes)).toString() : undefined
  }

  private settleStatus(body: IncomingError | undefined, words?: string): void {
    const { status, retryAfterMs, challenge, location } = this
    const proxy = this.wire.lease.forwarder?.label
    this.settle({ kind: 'status', status, retryAfterMs, challenge, location, proxy, body, words })
  }

  protected lost(reason: Fault): void {
    this.settle({ kind: 'lost', fault: reason })
  }

  protected settle(answer: WireAnswer): void {
    if (this.settled) return
    this.leave()
    this.deliver(answer)
  }

  /** At once: on a stream that many requests share, an answer must not be overtaken by what came after it (ADR 12). */
  protected deliver(answer: WireAnswer): void {
    this.resolve(answer)
  }

  private leave(): void {
    this.settled = true
    this.request.signal.removeEventListener('abort', this)
    this.release()
  }
}

/** Our ids are numbers: an error under a text, or none, is about no other request of ours, but servers give it where they read none. */
function isAnothers(id: string | undefined): boolean {
  return id !== undefined && !id.startsWith('"')
}
