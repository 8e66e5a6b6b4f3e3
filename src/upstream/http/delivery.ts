// A POST or DELETE whose answer is only its status: notifications, responses to a server's requests, the end of a session.
import type { IncomingHttpHeaders } from 'node:http'
import { fault } from '../../core/faults/catalogue.ts'
import { evidence } from '../../core/faults/evidence.ts'
import type { Fault } from '../../core/faults/fault.ts'
import { reportBug } from '../../core/ports/boundary.ts'
import type { Timer } from '../../core/ports/clock.ts'
import { deliveryFault } from '../messages/answers.ts'
import { encodingProblem } from './content-encoding.ts'
import { closedHere, cut, noPlace, unreachable } from './failures.ts'
import { type Endpoint, headerList, Reception } from './reception.ts'
import { retryAfter } from './response-headers.ts'

const postHeaders = ['content-type', 'application/json', 'accept', 'application/json, text/event-stream'] as const
/** How long a peer may take to accept, in ms. */
const acceptMs = 15_000
/** What is read of a refusal, in bytes. */
const saidBytes = 4_096
/** And to end a session, which is courtesy only. */
const endMs = 2_000

export class Delivery extends Reception {
  private readonly resolve: (fault: Fault | undefined) => void
  private settled = false
  private timer: Timer | undefined
  /** What a refusal is that says more in its body, and what it says. */
  private refused: ((said: string) => Fault) | undefined
  private said = ''

  constructor(endpoint: Endpoint, resolve: (fault: Fault | undefined) => void) {
    super(endpoint)
    this.resolve = resolve
  }

  post(path: string, message: Uint8Array, headers: Readonly<Record<string, string>>): void {
    this.send('POST', path, headerList(postHeaders, headers, this.endpoint.userAgent), message, acceptMs)
  }

  delete(path: string, headers: Readonly<Record<string, string>>): void {
    this.send('DELETE', path, headerList([], headers, this.endpoint.userAgent), undefined, endMs)
  }

  private send(method: 'POST' | 'DELETE', path: string, headers: string[], body: Uint8Array | undefined, limitMs: number): void {
    const { upstream, clock, lease } = this.endpoint
    this.timer = clock.timer(limitMs, () => {
      this.settle(fault('upstream_timeout', { upstream, afterMs: limitMs, layer: 'delivery' }, { evidence: evidence.deadline }))
      this.abort()
    })
    if (this.dispatch(method, path, headers, body)) return
    this.settle(noPlace(upstream, lease.limit))
  }

  closed(): void {
    this.settle(closedHere(this.endpoint.upstream))
  }

  protected crash(bug: unknown): void {
    reportBug(this.endpoint.report, 'upstream_http', bug, { upstream: this.endpoint.upstream })
    this.settle(closedHere(this.endpoint.upstream))
  }

  protected begin(status: number, headers: IncomingHttpHeaders): void {
    const { upstream, clock } = this.endpoint
    const refused = (said?: string): Fault =>
      deliveryFault(upstream, status, retryAfter(status, headers, clock), this.redirectedTo(status, headers), said)
    // A server that does not take our revision says here which it takes.
    if (status === 400 && encodingProblem(headers) === undefined) {
      this.refused = refused
      return
    }
    this.settle(status < 300 ? undefined : refused())
    this.drain()
  }

  protected chunk(bytes: Buffer): void {
    if (this.said.length < saidBytes) this.said += bytes.toString('latin1').slice(0, saidBytes)
    else this.end()
  }

  protected end(): void {
    if (this.refused === undefined || this.settled) return
    this.settle(this.refused(this.said))
    this.drain()
  }

  protected fail(error: Error): void {
    const { upstream, connectTimeoutMs } = this.endpoint
    if (this.refused !== undefined) this.settle(this.refused(this.said))
    else this.settle(this.sent ? cut(upstream, 'the message', error) : unreachable(upstream, error, connectTimeoutMs))
  }

  private settle(reason: Fault | undefined): void {
    if (this.settled) return
    this.settled = true
    this.timer?.cancel()
    this.resolve(reason)
  }
}
