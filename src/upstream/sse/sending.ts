// One request over HTTP+SSE: posted to the endpoint, answered on the stream by its id. It waits for both, in whichever order they come.
import type { IncomingHttpHeaders } from 'node:http'
import { fault } from '../../core/faults/catalogue.ts'
import { evidence } from '../../core/faults/evidence.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { IncomingError, IncomingResult } from '../../core/protocol/jsonrpc.ts'
import { offProtocol, tooLarge } from '../http/failures.ts'
import { PendingRequest, type RequestEndpoint } from '../http/pending-request.ts'

const postHeaders = ['content-type', 'application/json'] as const

/** What requests need of their wire. */
export interface Requests extends RequestEndpoint {
  /** Requests that wait, by id. */
  readonly waiting: Map<string, Sending>
  /** The request was given up here: a late answer to it is no anomaly. */
  forgotten(id: string): void
}

export class Sending extends PendingRequest<Requests> {
  start(): void {
    this.wire.waiting.set(this.id, this)
    this.post(postHeaders)
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

  protected begin(status: number, headers: IncomingHttpHeaders): void {
    this.status = status
    // The answer comes on the stream.
    if (status < 300) this.drain()
    else this.beginStatus(headers)
  }

  protected chunk(bytes: Buffer): void {
    this.append(bytes)
  }

  protected end(): void {
    this.readStatusBody()
  }

  protected release(): void {
    this.wire.waiting.delete(this.id)
  }
}
