// HTTP+SSE of MCP 2024-11-05 towards one server: one event stream carries everything back, messages are posted to the address that its
// first event names. Answers find their request by id; the server's own requests and notifications name none and are stray.

import { IntrusiveList } from '../../core/call/intrusive-list.ts'
import type { Signal } from '../../core/call/signal.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { evidence } from '../../core/faults/evidence.ts'
import type { Fault } from '../../core/faults/fault.ts'
import { inBackground } from '../../core/ports/boundary.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { CredentialLease } from '../../core/ports/credentials.ts'
import type { Report } from '../../core/ports/report.ts'
import type { Incoming } from '../../core/protocol/jsonrpc.ts'
import { Delivery } from '../http/delivery.ts'
import { messagesOf, messagesOfLarge } from '../http/events.ts'
import { closedHere, noPlace, offProtocol } from '../http/failures.ts'
import type { PoolLease } from '../http/pools.ts'
import type { Reception } from '../http/reception.ts'
import type { HttpWireOptions } from '../http/wire.ts'
import { requestTarget } from '../wire/request-target.ts'
import { peerOf } from '../wire/sent-on.ts'
import { takeEach } from '../wire/take-each.ts'
import type { IncomingNotification, IncomingRequest, Wire, WireAnomaly, WireAnswer, WireRequest } from '../wire/wire.ts'
import { type Requests, Sending } from './sending.ts'
import { SseStream } from './stream.ts'

export interface SseWireOptions extends Omit<HttpWireOptions, 'resume' | 'random'> {
  /** Headers of the GET stream (credential and configured ones), lower case. */
  readonly headers: () => Readonly<Record<string, string>>
  /** Longest wait for the `endpoint` event, in ms. */
  readonly startTimeoutMs: number
  /** And once the stream is open, where shorter: nobody knows whether it is one of this transport. */
  readonly guessTimeoutMs?: number | undefined
  /** Ends the attempt to open. */
  readonly signal?: Signal | undefined
}

/** Resolves to a wire once the `endpoint` event has come, else to a fault. Tell them apart by `'transport' in opened`. */
export function openSseWire(options: SseWireOptions): Promise<SseWire | Fault> {
  return new Promise((resolve) => {
    const wire = new SseWire(options)
    const { clock, signal, startTimeoutMs, upstream } = options
    const settle = (opened: SseWire | Fault): void => {
      timer.cancel()
      signal?.removeEventListener('abort', onAbort)
      if (opened === wire) resolve(wire)
      else
        inBackground(
          options.report,
          'connection',
          wire.close().finally(() => resolve(opened)),
        )
    }
    const onAbort = (): void => settle(fault('cancelled', { reason: 'nobody waits' }, { evidence: evidence.ended_unsent }))
    const giveUp = (afterMs: number): void => {
      const reason = `no endpoint event within ${afterMs} ms`
      settle(wire.isStreaming ? offProtocol(upstream, reason) : fault('upstream_unavailable', { upstream, reason, phase: 'start' }))
    }
    const guessMs = Math.min(startTimeoutMs, options.guessTimeoutMs ?? startTimeoutMs)
    let timer = clock.timer(guessMs, () => {
      if (wire.isStreaming || guessMs === startTimeoutMs) giveUp(guessMs)
      else timer = clock.timer(startTimeoutMs - guessMs, () => giveUp(startTimeoutMs))
    })
    signal?.addEventListener('abort', onAbort)
    if (signal?.aborted === true) onAbort()
    else wire.open(options.headers(), settle)
  })
}

/** How many requests that are over are remembered of each kind, so that a further answer is told from one to somebody else. */
const remembered = 1_024

export class SseWire implements Wire, Requests {
  readonly transport = 'sse'
  onStray: (message: IncomingRequest | IncomingNotification) => void = () => {}
  onEnd: (fault: Fault) => void = () => {}
  onAnomaly: (type: WireAnomaly, detail: string) => void = () => {}
  onForeign: (id: string) => void = () => {}
  readonly peer: { readonly address: string; readonly port: number }
  readonly upstream: string
  readonly lease: PoolLease
  readonly userAgent: string
  readonly credential: CredentialLease | undefined
  readonly clock: Clock
  readonly connectTimeoutMs: number
  readonly report: Report
  readonly live = new IntrusiveList<Reception>()
  readonly waiting = new Map<string, Sending>()
  private readonly url: URL
  private readonly options: SseWireOptions
  private readonly stream: SseStream
  private readonly given = new Set<string>()
  private readonly answered = new Set<string>()
  private postPath: string | undefined
  private opened: ((result: SseWire | Fault) => void) | undefined
  private end: Fault | undefined
  private closing: Promise<void> | undefined

  /** Use `openSseWire`. */
  constructor(options: SseWireOptions) {
    this.options = options
    this.url = new URL(options.url)
    this.peer = peerOf(this.url)
    this.upstream = options.upstream
    this.lease = options.pools.take(this.url.origin, options.connectTimeoutMs)
    this.userAgent = options.userAgent
    this.credential = options.credential
    this.clock = options.clock
    this.connectTimeoutMs = options.connectTimeoutMs
    this.report = options.report
    this.stream = new SseStream(this, options.maxMessageBytes, {
      endpoint: (address) => this.endpoint(address),
      message: (data) => this.messages(messagesOf(data, this), data.length),
      large: (found) => this.messages(messagesOfLarge(found, this), found.bytes.length),
      ended: (reason) => this.ended(reason),
    })
  }

  /** Where messages are posted: path and query at the same origin. */
  get path(): string {
    return this.postPath ?? ''
  }

  moved(from: string, to: string): void {
    if (this.postPath === from) this.postPath = to
  }

  get isStreaming(): boolean {
    return this.stream.isOpen
  }

  open(headers: Readonly<Record<string, string>>, opened: (result: SseWire | Fault) => void): void {
    this.opened = opened
    if (this.stream.open(requestTarget(this.url), headers)) return
    opened(noPlace(this.upstream, this.lease.limit))
  }

  nextId(): number {
    return this.options.ids.next()
  }

  request(request: WireRequest): Promise<WireAnswer> {
    if (this.closing !== undefined) return Promise.resolve({ kind: 'aborted', sent: false })
    if (this.end !== undefined) return Promise.resolve({ kind: 'lost', fault: this.gone() })
    return new Promise((resolve, reject) => new Sending(this, request, resolve, reject).start())
  }

  post(message: Uint8Array, headers: Readonly<Record<string, string>>): Promise<Fault | undefined> {
    if (this.closing !== undefined) return Promise.resolve(closedHere(this.upstream))
    if (this.end !== undefined) return Promise.resolve(this.gone())
    return new Promise((resolve) => new Delivery(this, resolve).post(this.path, message, headers))
  }

  close(): Promise<void> {
    this.closing ??= this.shut()
    return this.closing
  }

  forgotten(id: string): void {
    remember(this.given, id)
  }

  private async shut(): Promise<void> {
    // A request may wait for its answer after its POST has ended, so `live` does not hold them all.
    for (const sending of [...this.waiting.values()]) sending.closed()
    for (const reception of this.live) {
      reception.closed()
      reception.abort()
    }
    await this.lease.release()
  }

  /** The address may be relative; one at another origin would get our credential and is refused (MCP 2024-11-05 §transports). */
  private endpoint(address: string): void {
    const url = URL.canParse(address, this.url.href) ? new URL(address, this.url) : undefined
    if (url?.origin !== this.url.origin) {
      this.options.report.counters.add('proto_anomaly', { upstream: this.upstream, type: 'endpoint' })
      const reason = url === undefined ? 'the endpoint event holds no address' : `the endpoint event names another origin (${url.origin})`
      this.stream.closed()
      this.stream.abort()
      this.ended(offProtocol(this.upstream, reason))
      return
    }
    if (this.postPath !== undefined) this.onAnomaly('endpoint', 'a second endpoint event')
    this.postPath ??= requestTarget(url)
    this.settleOpen(this)
  }

  anomaly(type: WireAnomaly, detail: string): void {
    this.onAnomaly(type, detail)
  }

  refused(): void {
    this.report.counters.add('calls_refused', { upstream: this.upstream })
  }

  private messages(found: readonly Incoming[] | string, bytes: number): void {
    if (typeof found === 'string') this.onAnomaly('malformed', found)
    else takeEach(this.report, 'upstream_stream', found, (message) => this.message(message, bytes))
  }

  private message(message: Incoming, bytes: number): void {
    if (message.kind === 'request' || message.kind === 'notification') {
      this.onStray(message)
      return
    }
    const id = message.id
    let sending = id === undefined ? undefined : this.waiting.get(id)
    const quoted = id === undefined || sending !== undefined ? null : /^"([1-9]\d{0,9})"$/.exec(id)
    if (quoted !== null) {
      sending = this.waiting.get(quoted[1] as string)
      if (sending !== undefined) this.onAnomaly('id_type', `an answer to id ${id} in place of ${quoted[1]}`)
    }
    if (message.kind === 'ambiguous') {
      this.onAnomaly('ambiguous', message.what)
      sending?.refused(message.what)
    } else if (sending !== undefined) {
      remember(this.answered, message.id as string)
      sending.answered(message, bytes)
    } else if (id === undefined) this.onAnomaly('orphan', 'an error without an id')
    else if (!this.given.delete(id)) this.unasked(id)
  }

  /** An answer that nobody here awaits is nobody's: its request was made elsewhere, or is answered already. */
  private unasked(id: string): void {
    const twice = this.answered.has(id)
    this.onAnomaly(twice ? 'duplicate' : 'orphan', `an answer to id ${id.slice(0, 80)}`)
    if (!twice) this.onForeign(id)
  }

  private ended(reason: Fault): void {
    if (this.end !== undefined || this.closing !== undefined) return
    this.end = reason
    if (this.settleOpen(reason)) return
    for (const sending of [...this.waiting.values()]) sending.cutOff(this.gone())
    this.onEnd(reason)
  }

  private settleOpen(result: SseWire | Fault): boolean {
    const opened = this.opened
    this.opened = undefined
    opened?.(result)
    return opened !== undefined
  }

  private gone(): Fault {
    const detail = { upstream: this.upstream, reason: 'the event stream has ended', phase: 'stream' }
    return fault('upstream_unavailable', detail, { evidence: evidence.connection_ended })
  }
}

function remember(ids: Set<string>, id: string): void {
  ids.add(id)
  if (ids.size <= remembered) return
  for (const oldest of ids) {
    ids.delete(oldest)
    return
  }
}
