// The session that `initialize` began at a server: what its messages carry, the requests of the gateway itself in it, its GET stream, and
// what tells that the server has lost it. Over stdio and HTTP+SSE the connection is the session, and it has no id.
import type { Payload } from '../../core/call/payload.ts'
import { type Signal, Switch } from '../../core/call/signal.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { type Evidence, evidence } from '../../core/faults/evidence.ts'
import type { Fault } from '../../core/faults/fault.ts'
import { inBackground } from '../../core/ports/boundary.ts'
import type { CredentialLease } from '../../core/ports/credentials.ts'
import type { UpstreamDescription } from '../../core/ports/upstream.ts'
import { notificationBytes } from '../../core/protocol/jsonrpc.ts'
import { code } from '../../core/protocol/names.ts'
import type { Asked } from '../connection.ts'
import { type Context, hopHeaders } from '../context.ts'
import {
  type Asking,
  askingFor,
  cutLooseFault,
  deliveryFault,
  heldTo,
  judged,
  lostFault,
  refusesRevision,
  retryAfterOf,
  sessionErrorFault,
  statusFault,
} from '../messages/answers.ts'
import { errorIn } from '../messages/errors.ts'
import { cancel, request } from '../wire/requests.ts'
import type { HttpWire, IncomingError, IncomingNotification, IncomingRequest, Wire, WireAnswer } from '../wire/wire.ts'
import type { Belonging } from './belonging.ts'
import { type Handshake, sessionHeaders, unbegunFault } from './handshake.ts'
import {
  doubtIn,
  evidenceOfLoss,
  type Found,
  isChallenge,
  SessionCheck,
  type SessionOf,
  speaksOfInitialize,
  speaksOfSession,
} from './session-check.ts'

/** Longest wait for a server to answer the GET of its stream, in ms: some send no headers before their first event. */
const silentStreamMs = 1_000

/** Who hears of the session. */
export interface SessionOwner {
  /** What the server sent in answering a request of the gateway itself. */
  stray(message: IncomingRequest | IncomingNotification): void
  /** The server no longer knows the session, as `found` says. */
  sessionLost(found: Fault): void
  /** Whether the server knows the session became doubtful, or is so no more: see `doubt`. */
  sessionDoubted(): void
  /** A request of the gateway itself was not answered in time. */
  suspect(isLate: boolean): void
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
  private readonly check: SessionCheck
  private readonly openedAt: number

  constructor(context: Context, wire: Wire, hands: Extract<Handshake, { kind: 'ready' }>, belonging: Belonging, owner: SessionOwner) {
    this.context = context
    this.openedAt = context.clock.mono()
    this.wire = wire
    this.belonging = belonging
    this.owner = owner
    this.revision = hands.revision
    this.id = hands.sessionId
    const listing = listingOf(hands.description.capabilities)
    this.check = new SessionCheck(context, {
      ask: (listed) => this.bare(listed ? listing : 'ping', this.closing),
      greets: wire.transport === 'stdio' ? undefined : belonging.greets,
      isNamed: this.isNamed,
      gone: (why) => owner.sessionLost(why),
      doubted: () => owner.sessionDoubted(),
    })
  }

  /** Why nobody can tell now whether the server knows the session. */
  get doubt(): Fault | undefined {
    return this.check.doubt
  }

  /** The connection ends. `found`: why, where that is not as it should be. */
  stop(found?: Fault): void {
    if (!this.closing.aborted) {
      const { clock, report } = this.context
      const about = { transport: this.wire.transport, revision: this.revision, ...(found === undefined ? {} : { error: found.kind }) }
      report.counters.session?.('client', about, clock.mono() - this.openedAt)
    }
    this.closing.abort('closed')
    this.check.close()
  }

  /** A call was answered. */
  confirm(): void {
    this.check.confirm()
  }

  /** A request in it was waited for in vain. A server that is busy in one session serves others meanwhile, so one check does not end it. */
  silent(): void {
    if (!this.isNamed || this.closing.aborted) return
    const why = fault('upstream_unavailable', { upstream: this.context.id, reason: 'nothing is answered in its session' })
    inBackground(this.context.report, 'connection', this.check.find(why, false, 'weak'))
  }

  /** Where there is a doubt, it is looked into now. */
  look(): void {
    const { doubt } = this
    if (doubt !== undefined) inBackground(this.context.report, 'connection', this.check.find(doubt, false))
  }

  /** Whether the server answers anything in it. */
  serves(): Promise<boolean> {
    return this.check.serves()
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

  /** A new object each time. */
  headers(lease: CredentialLease, received: Readonly<Record<string, string>> | undefined): Record<string, string> {
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
      this.owner.suspect(true)
      const detail = { afterMs: timeoutMs, layer: `time limit of ${method}` }
      return { kind: 'fault', fault: judged('upstream_timeout', asking, evidence.deadline, detail) }
    }
    if (answer.kind === 'answer' && answer.answer.kind === 'result') return { kind: 'result', result: answer.answer.result }
    return { kind: 'fault', fault: await this.faultOf(answer, asking, lease) }
  }

  /** The answer to a request in this session that is no call's. */
  bare(method: string, signal?: Signal): Promise<WireAnswer | { readonly kind: 'timeout' }> {
    return request(this.wire, this.context, {
      method,
      params: undefined,
      headers: this.headers(this.belonging.lease, undefined),
      signal,
      timeoutMs: this.context.timeouts.probe,
      maxBytes: this.context.limits.resultBytes,
      onMessage: (message) => this.owner.stray(message),
    })
  }

  /**
   * What an answer that is no result says of the request. Where it raises a doubt whether the server knows the session, that is found out
   * first; the owner hears of a loss.
   */
  async faultOf(answer: WireAnswer, asking: Asking, lease: CredentialLease, target?: string): Promise<Fault> {
    const certain = this.lossIn(answer)
    if (certain !== undefined) {
      const said = this.judge(answer, asking, lease, target, certain)
      this.owner.sessionLost(said)
      return said
    }
    const strength = doubtIn(answer, this.kind)
    if (strength === undefined) return this.judge(answer, asking, lease, target, undefined)
    // Nobody is to be told of a refused credential before it is known what was refused.
    const why = this.judge(answer, asking, undefined, target, undefined)
    const error = errorIn(answer)
    const wasUnderWay = this.check.isUnderWay
    const finding = this.check.find(why, error !== undefined && speaksOfInitialize(error), strength)
    if (isChallenge(answer) && !wasUnderWay) {
      // With another credential it is asked again at once; that fails for it no more, or meets the end of the check.
      const said = this.judge(answer, asking, lease, target, undefined)
      const found = await this.inTime(finding, said.evidence?.again === 'never' ? this.context.timeouts.probe : 0)
      return found !== 'gone' ? said : this.judge(answer, asking, undefined, target, evidenceOfLoss(answer))
    }
    const found = await (strength === 'weak' ? this.inTime(finding, this.context.timeouts.probe) : finding)
    return this.judge(answer, asking, lease, target, found === 'gone' ? evidenceOfLoss(answer) : undefined)
  }

  /** What is most likely the answer that was meant is not held back for long. */
  private inTime(finding: Promise<Found>, mostMs: number): Promise<Found | undefined> {
    return new Promise((resolve, reject) => {
      const timer = this.context.clock.timer(mostMs, () => resolve(undefined))
      const over = (): void => timer.cancel()
      finding.then(resolve, reject).then(over, over)
    })
  }

  private errorFault(
    asking: Asking,
    answer: Extract<WireAnswer, { kind: 'answer' }>,
    target: string | undefined,
    loss: Evidence | undefined,
  ): Fault {
    const error = answer.answer as IncomingError
    return heldTo(sessionErrorFault(asking, error, target, loss, retryAfterOf(answer, error, this.context.clock)), answer)
  }

  private judge(
    answer: WireAnswer,
    asking: Asking,
    lease: CredentialLease | undefined,
    target: string | undefined,
    loss: Evidence | undefined,
  ): Fault {
    switch (answer.kind) {
      case 'answer':
        return this.errorFault(asking, answer, target, loss)
      case 'status':
        return statusFault(asking, answer, lease, loss)
      case 'lost':
        return lostFault(asking, loss === undefined ? answer : { ...answer, fault: { ...answer.fault, evidence: loss } })
      case 'aborted':
        // Nobody but `close` and the call itself ends a request, and of the call's own end nobody reads this.
        return cutLooseFault(asking, answer.sent)
    }
  }

  private get kind(): SessionOf {
    if (this.wire.transport === 'stdio') return 'process'
    return this.isNamed ? 'named' : 'nothing'
  }

  /** What it is known by at the server, over HTTP. */
  private get isNamed(): boolean {
    return this.id !== undefined || this.wire.transport === 'sse'
  }

  /**
   * Answers that leave no doubt: the server no longer knows the session (it says 404, or speaks of it where it has read no id of ours), or
   * no longer speaks this era.
   */
  private lossIn(answer: WireAnswer): Evidence | undefined {
    if (this.wire.transport !== 'streamable-http' || (answer.kind !== 'answer' && answer.kind !== 'status')) return undefined
    const error = errorIn(answer)
    if (error !== undefined && refusesRevision(error)) return evidence.revision_changed
    if (this.id === undefined || error === undefined || error.code === code.methodNotFound) return undefined
    const isSaid = speaksOfSession(error.message)
    if (answer.status === 404 && (isSaid || answer.kind === 'status')) return evidence.session_unknown
    return answer.status === 400 && answer.kind === 'status' && isSaid ? evidence.session_refused : undefined
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

  /** Where the stream cannot be had again, or ends, the server may have forgotten the session. */
  private async keepStream(wire: HttpWire, answered: () => void): Promise<void> {
    let wasOpen = false
    const how = await wire.listen(
      () => this.headers(this.belonging.lease, undefined),
      this.closing,
      (status) => {
        answered()
        if (status === 200) wasOpen = true
        else if (wasOpen && status !== undefined) inBackground(this.context.report, 'connection', this.suspect(status))
      },
    )
    if (how === 'ended' && !this.closing.aborted) await this.ask('ping', undefined)
  }

  /** `status`: 0 where the attempt had none. */
  private suspect(status: number): Promise<unknown> {
    const { id: upstream } = this.context
    const why =
      status === 0
        ? fault('upstream_unavailable', { upstream, reason: 'its event stream ended and was not opened again' })
        : deliveryFault(upstream, status, undefined)
    return this.check.find(why, false)
  }
}

/** A request that a server of these capabilities refuses before `initialize`. */
function listingOf(capabilities: UpstreamDescription['capabilities']): string {
  for (const kind of ['tools', 'prompts', 'resources']) if (capabilities?.[kind] !== undefined) return `${kind}/list`
  return 'ping'
}
