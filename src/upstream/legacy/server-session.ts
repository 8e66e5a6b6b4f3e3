// The session that `initialize` began at a server: what its messages carry, the requests of the gateway itself in it, its GET stream, and
// what tells that the server has lost it. Over stdio and HTTP+SSE the connection is the session, and it has no id.
import type { Payload } from '../../core/call/payload.ts'
import { type Signal, Switch } from '../../core/call/signal.ts'
import { type Evidence, evidence } from '../../core/faults/evidence.ts'
import type { Fault } from '../../core/faults/fault.ts'
import { inBackground } from '../../core/ports/boundary.ts'
import type { CredentialLease } from '../../core/ports/credentials.ts'
import { notificationBytes } from '../../core/protocol/jsonrpc.ts'
import { code } from '../../core/protocol/names.ts'
import type { Asked } from '../connection.ts'
import { type Context, hopHeaders } from '../context.ts'
import { type Asking, askingFor, cutLooseFault, errorFault, judged, lostFault, statusFault } from '../messages/answers.ts'
import { cancel, request } from '../wire/requests.ts'
import type { HttpWire, IncomingError, IncomingNotification, IncomingRequest, Wire, WireAnswer } from '../wire/wire.ts'
import type { Belonging } from './belonging.ts'
import { type Handshake, sessionHeaders, unbegunFault } from './handshake.ts'

/** Longest wait for a server to answer the GET of its stream, in ms: some send no headers before their first event. */
const silentStreamMs = 1_000

/** Who hears of the session. */
export interface SessionOwner {
  /** What the server sent in answering a request of the gateway itself. */
  stray(message: IncomingRequest | IncomingNotification): void
  /** The server no longer knows the session, as `found` says. */
  sessionLost(found: Fault): void
}

export class ServerSession {
  /** Ends what waits for the server on behalf of nobody. */
  readonly closing = new Switch()
  private readonly context: Context
  private readonly wire: Wire
  private readonly belonging: Belonging
  private readonly owner: SessionOwner
  private readonly revision: string
  private readonly id: string | undefined

  constructor(context: Context, wire: Wire, hands: Extract<Handshake, { kind: 'ready' }>, belonging: Belonging, owner: SessionOwner) {
    this.context = context
    this.wire = wire
    this.belonging = belonging
    this.owner = owner
    this.revision = hands.revision
    this.id = hands.sessionId
  }

  /** Streamable HTTP, where the server gave one. */
  get hasId(): boolean {
    return this.id !== undefined
  }

  /** Ends the handshake. A fault where the server did not take that. */
  async begin(): Promise<Fault | undefined> {
    const refused = await this.post(notificationBytes('notifications/initialized', undefined))
    if (refused !== undefined) return unbegunFault(refused)
    if (this.wire.transport === 'streamable-http') await this.openStream(this.wire as HttpWire)
    return undefined
  }

  /** DELETE of a session with an id. */
  end(): Promise<void> {
    return (this.wire as HttpWire).deleteSession(this.headers(this.belonging.lease, undefined))
  }

  headers(lease: CredentialLease, received: Readonly<Record<string, string>> | undefined): Readonly<Record<string, string>> {
    if (this.wire.transport === 'stdio') return {}
    return sessionHeaders(hopHeaders(this.context, lease, received), this.revision, this.id)
  }

  /** A notification of ours, or an answer to a request of the server. A fault where it could not be handed over. */
  post(message: Uint8Array): Promise<Fault | undefined> {
    return this.wire.post(message, this.headers(this.belonging.lease, undefined))
  }

  /** Tells the server that nobody waits for this request any longer. */
  cancel(id: number, reason: string): Promise<void> {
    return cancel(this.wire, id, this.headers(this.belonging.lease, undefined), reason)
  }

  /** A request of the gateway itself. */
  async ask(method: string, params: Payload | undefined, lease = this.belonging.lease, signal: Signal = this.closing): Promise<Asked> {
    const timeoutMs = this.context.timeouts.call
    const answer = await request(this.wire, this.context, {
      method,
      params,
      headers: this.headers(lease, undefined),
      signal,
      timeoutMs,
      maxBytes: this.context.limits.resultBytes,
      onMessage: (message) => this.owner.stray(message),
    })
    const asking = askingFor(this.context.id, method)
    if (answer.kind === 'timeout') {
      const detail = { afterMs: timeoutMs, layer: `time limit of ${method}` }
      return { kind: 'fault', fault: judged('upstream_timeout', asking, evidence.deadline, detail) }
    }
    if (answer.kind === 'answer' && answer.answer.kind === 'result') return { kind: 'result', result: answer.answer.result }
    if (this.isMute404(answer) && (await this.isForeign())) return { kind: 'fault', fault: statusFault(asking, answer, lease) }
    return { kind: 'fault', fault: this.faultOf(answer, asking, lease) }
  }

  /** The answer to a `ping` in this session, which is no call's. */
  ping(signal?: Signal): Promise<WireAnswer | { readonly kind: 'timeout' }> {
    return request(this.wire, this.context, {
      method: 'ping',
      params: undefined,
      headers: this.headers(this.belonging.lease, undefined),
      signal,
      timeoutMs: this.context.timeouts.probe,
      maxBytes: this.context.limits.resultBytes,
    })
  }

  /** What an answer that is no result says of the request; where it says that the session is lost, the owner hears of it. */
  faultOf(answer: WireAnswer, asking: Asking, lease: CredentialLease, target?: string): Fault {
    switch (answer.kind) {
      case 'answer':
      case 'status': {
        const found = this.lossIn(answer)
        const said =
          answer.kind === 'status'
            ? statusFault(asking, answer, lease, found)
            : errorFault(asking, answer.answer as IncomingError, target, found)
        if (found !== undefined) this.owner.sessionLost(said)
        return said
      }
      case 'lost':
        return lostFault(asking, answer)
      case 'aborted':
        // Nobody but `close` and the call itself ends a request, and of the call's own end nobody reads this.
        return cutLooseFault(asking, answer.sent)
    }
  }

  /** A 404 that says nothing of the session: see `isForeign`. */
  isMute404(answer: WireAnswer | { readonly kind: 'timeout' }): answer is Extract<WireAnswer, { kind: 'status' }> {
    return answer.kind === 'status' && answer.status === 404 && answer.body === undefined && this.id !== undefined
  }

  /**
   * A 404 without a word of JSON-RPC may be a proxy's, which knows nothing of sessions. Only where the server takes an `initialize` and yet
   * does not know this session, what it keeps for it is given up.
   */
  async isForeign(): Promise<boolean> {
    if (!(await this.belonging.greets())) return true
    const answer = await this.ping()
    return answer.kind !== 'status' || answer.status !== 404
  }

  /**
   * The server no longer knows the session: it says 404, or 400 with words about it (server-everything does). Or it no longer speaks
   * this era.
   */
  private lossIn(answer: Extract<WireAnswer, { kind: 'answer' | 'status' }>): Evidence | undefined {
    if (this.wire.transport !== 'streamable-http') return undefined
    const error = answer.kind === 'status' ? answer.body : answer.answer.kind === 'error' ? answer.answer : undefined
    if (error?.code === code.unsupportedProtocolVersion) return evidence.revision_changed
    if (this.id === undefined) return undefined
    if (answer.status === 404) return error?.code === code.methodNotFound ? undefined : evidence.session_unknown
    const refused = answer.status === 400 && error !== undefined && /session|initiali[sz]/i.test(error.message)
    return refused ? evidence.session_refused : undefined
  }

  /**
   * The GET stream. Servers drop what they say on it while it is not open, a question of the first call too, so no call is sent before
   * the server has answered the GET.
   */
  private openStream(wire: HttpWire): Promise<void> {
    const { interactivity: learned } = this.belonging
    return new Promise((resolve) => {
      let waited = false
      const settle = (silent: boolean): void => {
        if (waited) return
        waited = true
        timer.cancel()
        learned.silentStream = silent
        resolve()
      }
      const timer = this.context.clock.timer(silentStreamMs, () => settle(true))
      if (learned.silentStream) resolve()
      inBackground(
        this.context.report,
        'connection',
        this.keepStream(wire, () => settle(false)),
      )
    })
  }

  /** The end of the stream may mean that the server forgot the session: ask. */
  private async keepStream(wire: HttpWire, answered: () => void): Promise<void> {
    const how = await wire.listen(() => this.headers(this.belonging.lease, undefined), this.closing, answered)
    if (how === 'ended' && !this.closing.aborted) await this.ask('ping', undefined)
  }
}
