// Streamable HTTP towards one endpoint, of either era: requests by POST, the GET stream and DELETE of legacy sessions. It knows no
// revision; it goes where redirects within its origin lead; a quiet stream is never cut.

import type { IncomingHttpHeaders } from 'node:http'
import { IntrusiveList } from '../../core/call/intrusive-list.ts'
import type { Signal } from '../../core/call/signal.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { Clock, Random } from '../../core/ports/clock.ts'
import type { CredentialLease } from '../../core/ports/credentials.ts'
import type { Report } from '../../core/ports/report.ts'
import type { RequestIds } from '../wire/ids.ts'
import { requestTarget } from '../wire/request-target.ts'
import { ignore } from '../wire/requests.ts'
import { peerOf } from '../wire/sent-on.ts'
import type { HttpWire, IncomingNotification, IncomingRequest, WireAnomaly, WireAnswer, WireRequest } from '../wire/wire.ts'
import { RequestAnswer, type Requests } from './answer.ts'
import { Delivery } from './delivery.ts'
import { closedHere } from './failures.ts'
import { type Listening, ListenStream } from './listen.ts'
import type { HttpPools, PoolLease } from './pools.ts'
import type { Reception } from './reception.ts'
import { sessionId } from './response-headers.ts'

export interface HttpWireOptions {
  /** Name of the upstream, for faults. */
  readonly upstream: string
  /** http or https. */
  readonly url: string
  /** Legacy revisions: a cut answer stream is taken up again by GET with Last-Event-ID. */
  readonly resume: boolean
  /** With what its connection is made; absent: with nothing that proves requests. */
  readonly credential?: CredentialLease | undefined
  readonly connectTimeoutMs: number
  /** `User-Agent`, where the configuration names no other. */
  readonly userAgent: string
  /** Cap of one message of the GET stream, in bytes (answers have their own cap in each request). */
  readonly maxMessageBytes: number
  readonly ids: RequestIds
  readonly clock: Clock
  readonly random: Random
  readonly report: Report
  readonly pools: HttpPools
}

/** Opens no connection yet; the first request does. */
export function openHttpWire(options: HttpWireOptions): StreamableHttpWire {
  return new StreamableHttpWire(options)
}

export class StreamableHttpWire implements HttpWire, Requests, Listening {
  readonly transport = 'streamable-http'
  onStray: (message: IncomingRequest | IncomingNotification) => void = () => {}
  onEnd: (fault: Fault) => void = () => {}
  onAnomaly: (type: WireAnomaly, detail: string) => void = () => {}
  sessionId: string | undefined
  readonly peer: { readonly address: string; readonly port: number }
  readonly upstream: string
  readonly lease: PoolLease
  readonly userAgent: string
  readonly credential: CredentialLease | undefined
  readonly resume: boolean
  readonly clock: Clock
  readonly random: Random
  readonly connectTimeoutMs: number
  readonly maxMessageBytes: number
  readonly live = new IntrusiveList<Reception>()
  readonly report: Report
  private readonly ids: RequestIds
  private target: string
  private closing: Promise<void> | undefined

  constructor(options: HttpWireOptions) {
    const url = new URL(options.url)
    this.peer = peerOf(url)
    this.upstream = options.upstream
    this.lease = options.pools.take(url.origin, options.connectTimeoutMs)
    this.userAgent = options.userAgent
    this.credential = options.credential
    this.target = requestTarget(url)
    this.resume = options.resume
    this.clock = options.clock
    this.random = options.random
    this.connectTimeoutMs = options.connectTimeoutMs
    this.maxMessageBytes = options.maxMessageBytes
    this.report = options.report
    this.ids = options.ids
  }

  /** Where requests go: path and query at its origin. */
  get path(): string {
    return this.target
  }

  moved(from: string, to: string): void {
    if (this.target === from) this.target = to
  }

  nextId(): number {
    return this.ids.next()
  }

  request(request: WireRequest): Promise<WireAnswer> {
    if (this.closing !== undefined) return Promise.resolve({ kind: 'aborted', sent: false })
    return new Promise((resolve, reject) => new RequestAnswer(this, request, resolve, reject).start())
  }

  post(message: Uint8Array, headers: Readonly<Record<string, string>>): Promise<Fault | undefined> {
    if (this.closing !== undefined) return Promise.resolve(closedHere(this.upstream))
    return new Promise((resolve) => new Delivery(this, resolve).post(this.path, message, headers))
  }

  listen(
    headers: () => Readonly<Record<string, string>>,
    signal: Signal,
    answered: (status?: number) => void = ignore,
  ): Promise<'unsupported' | 'ended'> {
    if (this.closing === undefined) return new Promise((resolve) => new ListenStream(this, headers, signal, answered, resolve).start())
    answered()
    return Promise.resolve('ended')
  }

  async deleteSession(headers: Readonly<Record<string, string>>): Promise<void> {
    if (this.closing !== undefined) return
    await new Promise<Fault | undefined>((resolve) => new Delivery(this, resolve).delete(this.path, headers))
  }

  close(): Promise<void> {
    this.closing ??= this.end()
    return this.closing
  }

  private async end(): Promise<void> {
    for (const reception of this.live) {
      reception.closed()
      reception.abort()
    }
    await this.lease.release()
  }

  anomaly(type: WireAnomaly, detail: string): void {
    this.onAnomaly(type, detail)
  }

  stray(message: IncomingRequest | IncomingNotification): void {
    this.onStray(message)
  }

  initialized(headers: IncomingHttpHeaders): void {
    this.sessionId = sessionId(headers)
  }

  refused(): void {
    this.report.counters.add('calls_refused', { upstream: this.upstream })
  }
}
