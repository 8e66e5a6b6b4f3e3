// The exit towards servers with `initialize`: one session (over HTTP), one child process, or one HTTP+SSE stream, behind the face of a
// small modern server. Its questions become `input_required`, its levels and subscriptions are state of this connection.

import type { TargetedCall } from '../../core/call/call.ts'
import type { CallEvent, Exchange, Interest } from '../../core/call/exchange.ts'
import { IntrusiveList } from '../../core/call/intrusive-list.ts'
import { complete, failed, type Outcome } from '../../core/call/outcome.ts'
import { type Payload, payloadOf } from '../../core/call/payload.ts'
import { principalKey } from '../../core/call/principal.ts'
import { type Signal, Switch } from '../../core/call/signal.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { type Evidence, evidence } from '../../core/faults/evidence.ts'
import type { Fault } from '../../core/faults/fault.ts'
import { inBackground } from '../../core/ports/boundary.ts'
import type { CredentialLease } from '../../core/ports/credentials.ts'
import type { UpstreamDescription } from '../../core/ports/upstream.ts'
import { notificationBytes, requestBytes } from '../../core/protocol/jsonrpc.ts'
import { code, isLegacyRevision } from '../../core/protocol/names.ts'
import type { Asked, Connection, Occupied } from '../connection.ts'
import { type Context, countAnomalies, hopHeaders } from '../context.ts'
import {
  type Asking,
  askingFor,
  begunFault,
  cutLooseFault,
  endedFault,
  errorFault,
  judged,
  lostFault,
  statusFault,
} from '../messages/answers.ts'
import { legacyParams } from '../messages/envelope.ts'
import { commonOf, offeredOf } from '../messages/events.ts'
import { cancel, request } from '../wire/requests.ts'
import type { HttpWire, IncomingError, Wire, WireAnswer } from '../wire/wire.ts'
import { Attribution, type Interactivity, type Refusal } from './attribution.ts'
import { type Handshake, sessionHeaders } from './handshake.ts'
import { LegacyCall, type LegacyCallOwner } from './legacy-call.ts'
import { ServerMessages } from './server-messages.ts'
import { requiredCapabilities, type ServerRequest } from './server-requests.ts'
import { ServerState } from './server-state.ts'
import { asTask, followTask, needsTask } from './tasks.ts'
import { type Again, parkForUrl } from './url-required.ts'

/** Longest wait for a server to answer the GET of its stream, in ms: some send no headers before their first event. */
const silentStreamMs = 1_000

/** Whose connection it is, and what the exit has learned of the server. */
export interface Belonging {
  /** False where `sharing: shared` lets several principals in. */
  readonly onePrincipal: boolean
  readonly lease: CredentialLease
  readonly interactivity: Interactivity
  /** Sends a call once more, from the start. */
  readonly again: Again
  /** Asks the server anew for its era, not too often; true where it is another now. */
  readonly turned: (era: Connection['era']) => Promise<boolean>
  /** Whether the server itself is there now: it takes an `initialize`. */
  readonly greets: () => Promise<boolean>
}

export class LegacyConnection implements Connection, LegacyCallOwner {
  readonly era = 'legacy'
  readonly description: UpstreamDescription
  readonly sessionful: boolean
  onEnd: (fault: Fault) => void = () => {}

  private readonly context: Context
  private readonly wire: Wire
  private readonly belonging: Belonging
  private readonly revision: string
  private readonly sessionId: string | undefined
  private readonly attribution: Attribution<LegacyCall>
  private readonly openCalls = new IntrusiveList<LegacyCall>()
  private readonly serverState: ServerState
  private readonly serverMessages: ServerMessages
  private readonly closing = new Switch()
  private ended = false
  /** What follows the last call of a connection that takes no more. */
  private emptied = (): void => inBackground(this.context.report, 'connection', this.wire.close())
  private suspected = false
  private answered = false

  constructor(context: Context, wire: Wire, hands: Extract<Handshake, { kind: 'ready' }>, belonging: Belonging) {
    this.context = context
    this.wire = wire
    this.belonging = belonging
    this.revision = hands.revision
    this.sessionId = hands.sessionId
    this.description = hands.description
    const oneStream = wire.transport !== 'streamable-http'
    this.sessionful = oneStream || hands.sessionId !== undefined
    const { interactive } = context.settings
    const medium = { onePrincipal: belonging.onePrincipal, oneStream }
    this.attribution = new Attribution(context.id, medium, interactive, belonging.interactivity)
    this.serverState = new ServerState((method, params) => this.ask(method, params, belonging.lease, this.closing))
    this.serverMessages = new ServerMessages(context, belonging.onePrincipal, this.attribution, this.openCalls, (message) =>
      this.reply(message),
    )
    wire.onStray = (message) => this.serverMessages.stray(message)
    wire.onEnd = (found) => this.lose(found)
    countAnomalies(context, wire)
  }

  /** Ends the handshake. A fault where the server did not take that. */
  async begin(): Promise<Fault | undefined> {
    const { wire } = this
    const refused = await wire.post(
      notificationBytes('notifications/initialized', undefined),
      this.headers(this.belonging.lease, undefined),
    )
    if (refused === undefined && wire.transport === 'streamable-http') await this.openStream(wire as HttpWire)
    return refused
  }

  rootsChanged(session: string): void {
    if (!this.serverMessages.sessions.has(session)) return
    inBackground(
      this.context.report,
      'connection',
      this.wire.post(notificationBytes('notifications/roots/list_changed', undefined), this.headers(this.belonging.lease, undefined)),
    )
  }

  get isOwned(): boolean {
    return this.serverMessages.sessions.size > 0
  }

  sessionEnded(session: string): void {
    this.serverMessages.servesNoMore(session)
  }

  get onEvent(): (event: CallEvent) => void {
    return this.serverMessages.onEvent
  }

  set onEvent(on: (event: CallEvent) => void) {
    this.serverMessages.onEvent = on
  }

  get hasServed(): boolean {
    return this.answered && this.sessionId !== undefined
  }

  get busy(): number {
    return this.openCalls.size
  }

  send(call: TargetedCall, exchange: Exchange, lease: CredentialLease, patient = false): Promise<Outcome | Occupied> {
    if (call.family === 'task') {
      return Promise.resolve(failed(fault('method_not_found', { method: call.method }, { evidence: evidence.not_offered })))
    }
    const principal = principalKey(call.caller.principal)
    // A session that ended with the call would never leave again.
    if (call.caller.affinity !== undefined && !exchange.signal.aborted) this.serverMessages.serves(call.caller.affinity)
    const legacyCall = new LegacyCall(this.context, this, call, principal)
    const startedAt = this.context.clock.mono()
    const go = (refused: Refusal): Promise<Outcome | Occupied> => {
      const instead = this.turnedAway(refused, legacyCall, exchange, startedAt)
      if (instead !== undefined) return Promise.resolve(instead)
      legacyCall.place = this.openCalls.enter(legacyCall)
      return legacyCall.fly(exchange, () => this.run(legacyCall, call, lease, exchange))
    }
    const refused = this.attribution.enter(legacyCall, exchange.signal, patient)
    return refused instanceof Promise ? refused.then(go) : go(refused)
  }

  private turnedAway(refused: Refusal, legacyCall: LegacyCall, exchange: Exchange, startedAt: number): Outcome | Occupied | undefined {
    if (refused === 'occupied') return { kind: refused }
    if (refused !== undefined) return failed(refused)
    if (!exchange.signal.aborted && !this.ended) return undefined
    this.attribution.leave(legacyCall)
    return failed(endedFault(legacyCall.asking, exchange, this.context.clock.mono() - startedAt, false))
  }

  async ask(method: string, params: Payload | undefined, lease: CredentialLease, signal: Signal): Promise<Asked> {
    const timeoutMs = this.context.timeouts.call
    const answer = await request(this.wire, this.context, {
      method,
      params,
      headers: this.headers(lease, undefined),
      signal,
      timeoutMs,
      maxBytes: this.context.limits.resultBytes,
      onMessage: (message) => this.serverMessages.stray(message),
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

  async hear(interest: Interest): Promise<Interest> {
    const { resourceSubscriptions: wanted = [], ...lists } = commonOf(interest, offeredOf(interest, this.description.capabilities ?? {}))
    const taken = await this.serverState.subscribe(wanted)
    // Tasks of this era are followed inside; nobody can listen to them.
    const { taskIds: _, ...accepted } = lists
    return taken.length === 0 ? accepted : { ...accepted, resourceSubscriptions: taken }
  }

  retire(): Promise<void> {
    this.ended = true
    return new Promise((resolve) => {
      this.emptied = () => resolve(this.close())
      if (this.openCalls.size === 0) this.emptied()
    })
  }

  async close(): Promise<void> {
    this.ended = true
    this.closing.abort('closed')
    if (this.sessionId !== undefined) await (this.wire as HttpWire).deleteSession(this.headers(this.belonging.lease, undefined))
    await this.wire.close()
  }

  // What a legacy call needs of us.

  answer(question: ServerRequest, result: Payload): void {
    this.serverMessages.answer(question, result)
  }

  refuse(question: ServerRequest, errorCode: number, message: string): void {
    this.serverMessages.refuse(question, errorCode, message)
  }

  left(question: ServerRequest): void {
    this.serverMessages.left(question)
  }

  cancel(legacyCall: LegacyCall, reason: string): void {
    const headers = this.headers(this.belonging.lease, undefined)
    for (const id of legacyCall.steps) inBackground(this.context.report, 'connection', cancel(this.wire, id, headers, reason))
    if (legacyCall.task !== undefined) {
      inBackground(
        this.context.report,
        'connection',
        this.ask('tasks/cancel', payloadOf({ taskId: legacyCall.task }), this.belonging.lease, this.closing),
      )
    }
  }

  parked(): void {
    this.attribution.parked()
  }

  suspect(): void {
    if (this.wire.transport !== 'stdio' || this.suspected || this.ended) return
    this.suspected = true
    inBackground(this.context.report, 'connection', this.checkLife())
  }

  callEnded(legacyCall: LegacyCall): void {
    if (legacyCall.place !== undefined) this.openCalls.leave(legacyCall.place)
    legacyCall.place = undefined
    this.attribution.leave(legacyCall)
    if (this.ended && this.openCalls.size === 0) this.emptied()
  }

  private async run(legacyCall: LegacyCall, call: TargetedCall, lease: CredentialLease, exchange: Exchange): Promise<Outcome> {
    const { logLevel } = call.interest
    if (logLevel !== undefined && this.description.capabilities?.logging !== undefined) await this.serverState.lowerLevel(logLevel)
    // Given up while the level was set: nobody reads this.
    if (legacyCall.abort.aborted) return failed(cutLooseFault(legacyCall.asking, false))
    const asTasked = needsTask(call)
    const headers = this.headers(lease, call.caller.headers)
    let answer = await this.step(legacyCall, call.method, headers, (id) =>
      legacyParams(call, call.interest.progress ? id : undefined, exchange.attemptNumber, asTasked ? [asTask] : []),
    )
    if (asTasked) {
      answer = await followTask(answer, {
        clock: this.context.clock,
        signal: legacyCall.abort,
        step: (method, params) => this.step(legacyCall, method, headers, () => params),
        named: (taskId) => {
          legacyCall.task = taskId
        },
        alive: () => legacyCall.touch(),
      })
    }
    const lacked = this.lackOf(legacyCall, answer)
    if (lacked !== undefined) return failed(lacked)
    if (answer.kind === 'answer' && answer.answer.kind === 'result') {
      this.answered = true
      return complete(answer.answer.result, answer.answer.facts)
    }
    if (this.isMute404(answer) && (await this.isForeign())) return failed(statusFault(legacyCall.asking, answer, lease))
    if (answer.kind === 'answer' && answer.answer.kind === 'error' && answer.answer.code === code.urlElicitationRequired) {
      const outcome = parkForUrl(this.context, call, answer.answer.error, exchange.credential, this.belonging.again)
      if (outcome !== undefined) return outcome
    }
    const found = this.faultOf(answer, legacyCall.asking, lease, call.target)
    return failed(legacyCall.wasBegun ? begunFault(legacyCall.asking, found) : found)
  }

  private step(
    legacyCall: LegacyCall,
    method: string,
    headers: Readonly<Record<string, string>>,
    params: (id: number) => Payload,
  ): Promise<WireAnswer> {
    const id = this.wire.nextId()
    const message = requestBytes(id, method, params(id).bytes)
    legacyCall.steps.push(id)
    const answering = this.wire.request({
      id,
      method,
      message,
      headers,
      signal: legacyCall.abort,
      onMessage: (incoming) => this.serverMessages.ofCall(legacyCall, incoming),
      onAlive: () => legacyCall.touch(),
      maxBytes: this.context.limits.resultBytes,
    })
    const over = (): void => void legacyCall.steps.splice(legacyCall.steps.indexOf(id), 1)
    return answering.then(
      (answer) => {
        over()
        return answer
      },
      (bug: unknown) => {
        over()
        throw bug
      },
    )
  }

  private faultOf(answer: WireAnswer, asking: Asking, lease: CredentialLease, target?: string): Fault {
    switch (answer.kind) {
      case 'answer':
      case 'status': {
        const found = this.renewable(answer)
        const said =
          answer.kind === 'status'
            ? statusFault(asking, answer, lease, found)
            : errorFault(asking, answer.answer as IncomingError, target, found)
        if (found !== undefined) this.loseSession(said)
        return said
      }
      case 'lost':
        return lostFault(asking, answer)
      case 'aborted':
        // Nobody but `close` and the call itself ends a request, and of the call's own end nobody reads this.
        return cutLooseFault(asking, answer.sent)
    }
  }

  /** The call failed after the server asked for what its caller cannot do. Callers of revisions without that error get the server's own words. */
  private lackOf(legacyCall: LegacyCall, answer: WireAnswer): Fault | undefined {
    if (legacyCall.lacked.size === 0 || answer.kind !== 'answer' || isLegacyRevision(legacyCall.caller.arrival.revision)) return undefined
    if (answer.answer.kind === 'result' && !answer.answer.facts.isError) return undefined
    const needs = [...legacyCall.lacked].join(', ')
    const detail = { upstream: this.context.id, needs, requiredCapabilities: requiredCapabilities(legacyCall.lacked) }
    return fault('missing_capability', detail, { evidence: evidence.capability_missing })
  }

  /** A child that does not even answer a ping hangs: it is ended, and a fresh one takes its place. */
  private async checkLife(): Promise<void> {
    const answer = await request(this.wire, this.context, {
      method: 'ping',
      params: undefined,
      headers: {},
      signal: this.closing,
      timeoutMs: this.context.timeouts.probe,
      maxBytes: this.context.limits.resultBytes,
    })
    this.suspected = false
    if (answer.kind !== 'timeout' || this.ended) return
    this.lose(fault('upstream_unavailable', { upstream: this.context.id, reason: 'the process hung and was ended' }))
    await this.wire.close()
  }

  /**
   * The server no longer knows the session: it says 404, or 400 with words about it (server-everything does). Or it no longer speaks
   * this era.
   */
  private renewable(answer: Extract<WireAnswer, { kind: 'answer' | 'status' }>): Evidence | undefined {
    if (this.wire.transport !== 'streamable-http') return undefined
    const error = answer.kind === 'status' ? answer.body : answer.answer.kind === 'error' ? answer.answer : undefined
    if (error?.code === code.unsupportedProtocolVersion) return evidence.revision_changed
    if (this.sessionId === undefined) return undefined
    if (answer.status === 404) return error?.code === code.methodNotFound ? undefined : evidence.session_unknown
    const refused = answer.status === 400 && error !== undefined && /session|initiali[sz]/i.test(error.message)
    return refused ? evidence.session_refused : undefined
  }

  private isMute404(answer: WireAnswer | { readonly kind: 'timeout' }): answer is Extract<WireAnswer, { kind: 'status' }> {
    return answer.kind === 'status' && answer.status === 404 && answer.body === undefined && this.sessionId !== undefined
  }

  /**
   * A 404 without a word of JSON-RPC may be a proxy's, which knows nothing of sessions. Only where the server takes an `initialize` and yet
   * does not know this session, what it keeps for it is given up.
   */
  private async isForeign(): Promise<boolean> {
    if (!(await this.belonging.greets())) return true
    const answer = await request(this.wire, this.context, {
      method: 'ping',
      params: undefined,
      headers: this.headers(this.belonging.lease, undefined),
      timeoutMs: this.context.timeouts.probe,
      maxBytes: this.context.limits.resultBytes,
    })
    return answer.kind !== 'status' || answer.status !== 404
  }

  private loseSession(found: Fault): void {
    this.lose(fault('upstream_unavailable', { upstream: this.context.id, reason: `it no longer knew the session (${found.message})` }))
  }

  /** No new call comes after this; those in flight end by themselves. */
  private lose(found: Fault): void {
    if (this.ended) return
    this.ended = true
    this.closing.abort('closed')
    if (this.openCalls.size === 0) this.emptied()
    this.onEnd(found)
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
    if (how === 'ended' && !this.ended) await this.ask('ping', undefined, this.belonging.lease, this.closing)
  }

  private async reply(message: Uint8Array): Promise<void> {
    const undelivered = await this.wire.post(message, this.headers(this.belonging.lease, undefined))
    if (undelivered === undefined || this.ended) return
    this.context.report.log('warn', 'An answer to a request of an upstream could not be delivered', {
      upstream: this.context.id,
      reason: undelivered.message,
    })
  }

  private headers(lease: CredentialLease, received: Readonly<Record<string, string>> | undefined): Readonly<Record<string, string>> {
    if (this.wire.transport === 'stdio') return {}
    return sessionHeaders(hopHeaders(this.context, lease, received), this.revision, this.sessionId)
  }
}
