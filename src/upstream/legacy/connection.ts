// The exit towards servers with `initialize`: one session (over HTTP), one child process, or one HTTP+SSE stream, behind the face of a
// small modern server. Its questions become `input_required`, its levels and subscriptions are state of this connection.

import type { TargetedCall } from '../../core/call/call.ts'
import type { Accepted, CallEvent, Exchange, Interest } from '../../core/call/exchange.ts'
import { IntrusiveList } from '../../core/call/intrusive-list.ts'
import { failed, type Outcome } from '../../core/call/outcome.ts'
import { type Payload, payloadOf } from '../../core/call/payload.ts'
import { principalKey } from '../../core/call/principal.ts'
import type { SentOn } from '../../core/call/record.ts'
import type { Signal } from '../../core/call/signal.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { evidence } from '../../core/faults/evidence.ts'
import type { Fault } from '../../core/faults/fault.ts'
import { inBackground } from '../../core/ports/boundary.ts'
import type { CredentialLease } from '../../core/ports/credentials.ts'
import type { UpstreamDescription } from '../../core/ports/upstream.ts'
import { notificationBytes } from '../../core/protocol/jsonrpc.ts'
import type { Asked, Connection, Occupied } from '../connection.ts'
import { type Context, countAnomalies } from '../context.ts'
import { endedFault } from '../messages/answers.ts'
import { commonOf, offeredOf } from '../messages/events.ts'
import { sentOn } from '../wire/sent-on.ts'
import type { IncomingNotification, IncomingRequest, Wire } from '../wire/wire.ts'
import { Attribution, type Refusal } from './attribution.ts'
import type { Belonging } from './belonging.ts'
import { overhear } from './broadcast.ts'
import { CallRequests } from './call-requests.ts'
import { knowsFull } from './declaration.ts'
import type { Handshake } from './handshake.ts'
import { LegacyCall, type LegacyCallOwner } from './legacy-call.ts'
import { ServerMessages } from './server-messages.ts'
import type { ServerRequest } from './server-requests.ts'
import { ServerSession, type SessionOwner } from './server-session.ts'
import { ServerState } from './server-state.ts'

export class LegacyConnection implements Connection, LegacyCallOwner, SessionOwner {
  readonly era = 'legacy'
  readonly description: UpstreamDescription
  readonly sentOn: SentOn
  readonly sessionful: boolean
  readonly declaresLess: boolean
  build = 0
  onEnd: (fault: Fault) => void = () => {}
  onDoubt: () => void = () => {}

  private readonly context: Context
  private readonly wire: Wire
  private readonly session: ServerSession
  private readonly attribution: Attribution<LegacyCall>
  private readonly openCalls = new IntrusiveList<LegacyCall>()
  private readonly serverState: ServerState
  private readonly serverMessages: ServerMessages
  private readonly requests: CallRequests
  private ended = false
  private used = false
  /** What follows the last call of a connection that takes no more. */
  private emptied = (): void => inBackground(this.context.report, 'connection', this.wire.close())
  private suspected = false
  private toldInVain = false

  constructor(context: Context, wire: Wire, hands: Extract<Handshake, { kind: 'ready' }>, belonging: Belonging) {
    this.context = context
    this.wire = wire
    this.session = new ServerSession(context, wire, hands, belonging, this)
    this.description = hands.description
    this.sentOn = sentOn(wire, hands.revision)
    this.declaresLess = hands.declaration.form !== 'full' && knowsFull(hands.revision)
    const oneStream = wire.transport !== 'streamable-http'
    this.sessionful = oneStream || hands.sessionId !== undefined
    const { interactive } = context.settings
    const medium = { onePrincipal: belonging.onePrincipal, oneStream }
    this.attribution = new Attribution(context.id, medium, interactive, belonging.interactivity)
    this.serverState = new ServerState((method, params) => this.session.ask(method, params))
    this.serverMessages = new ServerMessages(context, belonging.onePrincipal, this.attribution, this.openCalls, (message) =>
      this.reply(message),
    )
    this.requests = new CallRequests({
      context,
      wire,
      session: this.session,
      serverState: this.serverState,
      serverMessages: this.serverMessages,
      hasLogging: hands.description.capabilities?.logging !== undefined,
      again: belonging.again,
    })
    wire.onStray = (message) => this.serverMessages.stray(message)
    wire.onEnd = (found) => this.lose(found)
    wire.onForeign = (id) => overhear(context, belonging.interactivity.broadcast, id)
    countAnomalies(context, wire)
    for (const message of hands.early) this.serverMessages.stray(message)
  }

  /** Ends the handshake. A fault where the server did not take that. */
  begin(): Promise<Fault | undefined> {
    return this.session.begin()
  }

  rootsChanged(session: string): void {
    if (!this.serverMessages.sessions.has(session)) return
    inBackground(this.context.report, 'connection', this.session.post(notificationBytes('notifications/roots/list_changed', undefined)))
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

  get isUnused(): boolean {
    return !this.used
  }

  get hasServed(): boolean {
    return this.requests.hasServed && this.session.hasId
  }

  get busy(): number {
    return this.openCalls.size
  }

  send(call: TargetedCall, exchange: Exchange, lease: CredentialLease, patient = false): Promise<Outcome | Occupied> {
    if (call.family === 'task') {
      return Promise.resolve(failed(fault('method_not_found', { method: call.method }, { evidence: evidence.not_offered })))
    }
    this.used = true
    const principal = principalKey(call.caller.principal)
    // A session that ended with the call would never leave again.
    if (call.caller.affinity !== undefined && !exchange.signal.aborted) this.serverMessages.serves(call.caller.affinity)
    const legacyCall = new LegacyCall(this.context, this, call, principal)
    const startedAt = this.context.clock.mono()
    const go = (refused: Refusal): Promise<Outcome | Occupied> => {
      const instead = this.turnedAway(refused, legacyCall, exchange, startedAt)
      if (instead !== undefined) return Promise.resolve(instead)
      legacyCall.place = this.openCalls.enter(legacyCall)
      return legacyCall.fly(exchange, () => this.requests.run(legacyCall, call, lease, exchange))
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

  ask(method: string, params: Payload | undefined, lease: CredentialLease, signal: Signal): Promise<Asked> {
    return this.session.ask(method, params, lease, signal)
  }

  async hear(interest: Interest): Promise<Accepted> {
    const { resourceSubscriptions: wanted = [], ...lists } = commonOf(interest, offeredOf(interest, this.description.capabilities ?? {}))
    const { taken, refusals } = await this.serverState.subscribe(wanted)
    // Tasks of this era are followed inside; nobody can listen to them.
    const { taskIds: _, ...accepted } = lists
    return { ...accepted, ...(taken.length === 0 ? {} : { resourceSubscriptions: taken }), ...(refusals.size === 0 ? {} : { refusals }) }
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
    this.attribution.close()
    this.session.stop()
    if (this.session.hasId) await this.session.end()
    await this.wire.close()
  }

  // What the session tells us.

  stray(message: IncomingRequest | IncomingNotification): void {
    this.serverMessages.stray(message)
  }

  sessionLost(found: Fault): void {
    this.lose(fault('upstream_unavailable', { upstream: this.context.id, reason: `it no longer knew the session (${found.message})` }))
  }

  sessionDoubted(): void {
    if (!this.ended) this.onDoubt()
  }

  get doubt(): Fault | undefined {
    return this.session.doubt
  }

  look(): void {
    this.session.look()
  }

  serves(): Promise<boolean> {
    return this.session.serves()
  }

  // What a legacy call needs of us.

  answer(question: ServerRequest, result: Payload): void {
    this.serverMessages.answer(question, result)
  }

  refuse(question: ServerRequest, errorCode: number, message: string, data?: unknown): void {
    this.serverMessages.refuse(question, errorCode, message, data)
  }

  askedInVain(lack: string): void {
    const { id: upstream, settings, report } = this.context
    if (this.toldInVain || settings.command === undefined || settings.sharing === 'shared' || settings.interactive === 'yes') return
    this.toldInVain = true
    const setting = `servers.${upstream}.interactive: yes`
    report.log('info', 'A server asked what its caller cannot be asked: its process serves clients of all kinds, unless set otherwise', {
      upstream,
      lack,
      setting,
    })
  }

  left(question: ServerRequest): void {
    this.serverMessages.left(question)
  }

  cancel(legacyCall: LegacyCall, reason: string): void {
    for (const id of legacyCall.steps) inBackground(this.context.report, 'connection', this.session.cancel(id, reason))
    if (legacyCall.task !== undefined) {
      inBackground(this.context.report, 'connection', this.session.ask('tasks/cancel', payloadOf({ taskId: legacyCall.task })))
    }
  }

  parked(): void {
    this.attribution.parked()
  }

  suspect(isLate: boolean): void {
    if (this.ended) return
    if (this.wire.transport !== 'stdio') this.session.silent()
    if (this.wire.transport !== 'stdio' || this.suspected || !isLate) return
    this.suspected = true
    inBackground(this.context.report, 'connection', this.checkLife())
  }

  callEnded(legacyCall: LegacyCall): void {
    if (legacyCall.place !== undefined) this.openCalls.leave(legacyCall.place)
    legacyCall.place = undefined
    this.attribution.leave(legacyCall)
    if (this.ended && this.openCalls.size === 0) this.emptied()
  }

  /** A child that does not even answer a ping hangs: it is ended, and a fresh one takes its place. */
  private async checkLife(): Promise<void> {
    const answer = await this.session.bare('ping', this.session.closing)
    this.suspected = false
    if (answer.kind !== 'timeout' || this.ended) return
    this.lose(fault('upstream_unavailable', { upstream: this.context.id, reason: 'the process hung and was ended' }))
    await this.wire.close()
  }

  /** No new call comes after this; those in flight end by themselves. */
  private lose(found: Fault): void {
    if (this.ended) return
    this.ended = true
    this.attribution.close()
    this.session.stop(found)
    if (this.openCalls.size === 0) this.emptied()
    this.onEnd(found)
  }

  private async reply(message: Uint8Array): Promise<void> {
    const undelivered = await this.session.post(message)
    if (undelivered === undefined || this.ended) return
    this.context.report.log('warn', 'An answer to a request of an upstream could not be delivered', {
      upstream: this.context.id,
      reason: undelivered.message,
    })
  }
}
