// A legacy session: a small modern client that lives in our door. It takes the messages of one client, whatever carries them, makes
// calls of them, and writes answers and questions to the channel that each request came with.

import { type Caller, type LogLevel, logLevels } from '../../core/call/call.ts'
import type { CallEvent, Interest, Sink } from '../../core/call/exchange.ts'
import { IntrusiveList } from '../../core/call/intrusive-list.ts'
import { emptyObject, payloadOf } from '../../core/call/payload.ts'
import type { Principal } from '../../core/call/principal.ts'
import type { Signal } from '../../core/call/signal.ts'
import type { StatedPins } from '../../core/call/tool-pins.ts'
import { fault } from '../../core/faults/catalogue.ts'
import type { Fault } from '../../core/faults/fault.ts'
import { targetOf, targetValue } from '../../core/protocol/carriers.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import {
  type IncomingError,
  type IncomingNotification,
  type IncomingRequest,
  type IncomingResult,
  notificationBytes,
  type RawId,
  requestBytes,
  resultBytes,
} from '../../core/protocol/jsonrpc.ts'
import { locate } from '../../core/protocol/locate.ts'
import { asBuffer } from '../../core/protocol/scan.ts'
import { dataNameBytes } from '../../core/protocol/sse.ts'
import { type DoorContext, tooLargeToTell } from '../door.ts'
import { oneLine } from '../modern/line.ts'
import { traceOf } from '../modern/trace.ts'
import { type Asked, legacyAnswer, legacyFault } from './answer.ts'
import { answerLeg } from './answer-leg.ts'
import type { Arrival } from './arrival.ts'
import { crosses, makeCall, pinsIn } from './call.ts'
import type { Handshake } from './capabilities.ts'
import type { Channel, CommonChannel } from './channel.ts'
import type { ClientQuestions, Reply } from './client-questions.ts'
import { eventBytes, progressOf } from './events.ts'
import type { InputRequestsParts, StopReason } from './input-requests.ts'
import { MultiRoundTrip } from './multi-round-trip.ts'
import { askOutside } from './outside.ts'
import { doOwn } from './own-requests.ts'
import type { SessionCredential } from './session-credential.ts'
import { Subscriptions } from './subscriptions.ts'

export interface SessionProfile {
  /** Unguessable; the affinity of its calls. */
  readonly id: string
  readonly transport: Caller['arrival']['transport']
  readonly mount: string
  readonly principal: Principal
  readonly handshake: Handshake
}

/** What changes in a session and is kept where other replicas find it. */
export interface SessionState {
  readonly level: LogLevel | undefined
  readonly uris: readonly string[]
}

export interface SessionParts {
  readonly context: DoorContext
  readonly clientQuestions: ClientQuestions
  readonly profile: SessionProfile
  readonly credential: SessionCredential
  readonly common: CommonChannel
  readonly state?: SessionState
  /** Called when the state has changed. */
  readonly keep?: (state: SessionState) => Promise<void>
}

/** Most requests of one session at once; more are refused. */
const mostInFlight = 1_024

/** Until a client says otherwise: what a server tells unasked, without its debugging (MCP 2025-11-25 §logging leaves it to us). */
const defaultLevel: LogLevel = 'info'

interface Running {
  readonly id: RawId
  readonly roundTrip: MultiRoundTrip
}

export class LegacySession {
  readonly profile: SessionProfile
  private readonly parts: SessionParts
  private readonly inFlight = new IntrusiveList<Running>()
  private readonly subscriptions: Subscriptions
  /** Nobody is there to answer questions or to hear changes. */
  private deaf = false
  private over = false
  /** Somebody hears what belongs to no request. */
  private heard = false
  private droppedLarge = false
  private readonly leave: (() => void) | undefined
  private level: LogLevel | undefined
  private readonly openedAt: number

  constructor(parts: SessionParts) {
    this.parts = parts
    this.openedAt = parts.context.clock.mono()
    parts.context.openSessions?.add(this, parts.context.clock.now())
    this.profile = parts.profile
    this.level = parts.state?.level
    this.subscriptions = new Subscriptions(
      {
        context: parts.context,
        credential: parts.credential,
        lists: parts.profile.handshake.lists,
        call: (interest) => this.listenCall(interest),
        notify: (event) => this.tell(parts.common, eventBytes(event), false),
      },
      parts.state?.uris,
    )
    this.leave = parts.context.outsiders?.register(parts.profile.id, {
      event: (event) => this.outside(event),
      ask: async (method, params) => (this.heard && !this.deaf ? askOutside(this.outsideParts(), method, params) : undefined),
    })
  }

  /** Requests that run now. */
  get busy(): number {
    return this.inFlight.size
  }

  get state(): SessionState {
    return { level: this.level, uris: this.subscriptions.uris }
  }

  get ended(): boolean {
    return this.over
  }

  /** Somebody can hear what belongs to no request, or nobody any more. */
  listen(on: boolean): void {
    this.heard = on
    if (!this.deaf) this.subscriptions.listen(on)
  }

  /** Answers one request on its channel. Never rejects for a peer's failure. */
  async request(message: IncomingRequest, arrival: Arrival, channel: Channel): Promise<void> {
    const params = message.params?.json()
    const asked: Asked = {
      id: message.id,
      method: message.method,
      revision: this.profile.handshake.revision,
      correlationId: arrival.correlationId,
      meta: isObject(params) && isObject(params._meta) ? params._meta : undefined,
    }
    if (params !== undefined && !isObject(params)) {
      return this.refuse(asked, fault('invalid_params', { reason: 'params must be an object' }), arrival, channel)
    }
    if (crosses(message.method)) return this.cross(asked, message, arrival, channel)
    const uri = targetIn(message.method, params)
    switch (message.method) {
      case 'ping':
        this.parts.context.report.counters.add('pings', { transport: this.profile.transport })
        channel.answer(resultBytes(asked.id, emptyObject.bytes))
        return
      case 'logging/setLevel':
        return this.own(asked, message, uri, arrival, channel, () => this.setLevel(params?.level))
      case 'resources/subscribe':
        return this.own(asked, message, uri, arrival, channel, () => this.subscribe(uri))
      case 'resources/unsubscribe':
        return this.own(asked, message, uri, arrival, channel, () => this.unsubscribe(uri))
      case 'initialize':
        return this.refuse(asked, fault('invalid_request', { reason: 'this session is initialized already' }), arrival, channel)
      default:
        return this.refuse(asked, fault('method_not_found', { method: message.method }), arrival, channel)
    }
  }

  /** Takes a notification; unknown ones are ignored. Returns the request that it cancels where that is not in flight here. */
  notification(message: IncomingNotification): RawId | undefined {
    if (message.method === 'notifications/roots/list_changed') this.parts.context.outsiders?.rootsChanged?.(this.profile.id)
    if (message.method !== 'notifications/cancelled' || message.params === undefined) return undefined
    const found = locate(message.params.bytes, ['requestId'])
    if (found === undefined) return undefined
    const request = asBuffer(found).toString('utf8')
    return this.cancel(request) ? undefined : request
  }

  /** An answer to one of our questions. */
  response(message: IncomingResult | IncomingError, bytes: Uint8Array): void {
    this.parts.clientQuestions.deliver(this.profile.id, message, bytes)
  }

  /** Ends a request without an answer. False where it is not in flight here. */
  cancel(request: RawId): boolean {
    const roundTrip = this.running(request)
    roundTrip?.end('cancelled')
    return roundTrip !== undefined
  }

  /** Takes over what another replica changed. */
  restore(state: SessionState): void {
    this.level = state.level
    this.subscriptions.replace(state.uris)
  }

  /** Ends everything of the session: questions are taken back, calls end with `reason`. */
  end(reason: StopReason): void {
    if (this.over) return
    this.over = true
    this.parts.credential.close()
    this.parts.context.openSessions?.delete(this)
    for (const { roundTrip } of this.inFlight) roundTrip.end(reason)
    this.deafen()
    const { clock, report, outsiders } = this.parts.context
    const { id, transport, handshake } = this.profile
    const about = { transport, revision: handshake.revision, ...(reason === 'failed' ? { error: 'internal' } : {}) }
    report.counters.session?.('server', about, clock.mono() - this.openedAt)
    outsiders?.sessionEnded?.(id)
  }

  /** Its credential has ended: what runs and listens ends with it, and the session waits. */
  expire(): void {
    for (const { roundTrip } of this.inFlight) roundTrip.end('expired')
    this.subscriptions.suspend(true)
  }

  renewed(): void {
    this.subscriptions.suspend(false)
  }

  /** A request showed other rights of its principal than the one before: changes are heard by those. */
  rightsChanged(): void {
    this.subscriptions.rightsChanged()
  }

  /** Nobody can answer questions or hear changes any more; calls go on. */
  deafen(): void {
    if (this.deaf) return
    this.deaf = true
    this.leave?.()
    this.subscriptions.close()
    this.parts.clientQuestions.endSession(this.profile.id)
  }

  private outside(event: CallEvent): void {
    if (!this.heard || this.deaf) {
      this.dropped('outside')
      return
    }
    if (event.kind === 'log' && logLevels.indexOf(event.level) < logLevels.indexOf(this.level ?? defaultLevel)) return
    this.tell(this.parts.common, eventBytes(event), true)
  }

  private outsideParts(): InputRequestsParts {
    const { context, common, profile } = this.parts
    return {
      random: context.random,
      revision: profile.handshake.revision,
      capabilities: profile.handshake.capabilities,
      ask: (method, params, timeoutMs, signal) => this.ask(common, method, params, timeoutMs, signal),
    }
  }

  private async cross(asked: Asked, message: IncomingRequest, arrival: Arrival, channel: Channel): Promise<void> {
    if (this.running(asked.id) !== undefined) {
      return this.refuse(asked, fault('invalid_request', { reason: `the id ${asked.id} is in use` }), arrival, channel)
    }
    if (this.inFlight.size >= mostInFlight) {
      const full = fault('overloaded', { upstream: 'this session', limit: mostInFlight, retryAfterMs: 1_000 }, { retryAfterMs: 1_000 })
      return this.refuse(asked, full, arrival, channel)
    }
    const { context } = this.parts
    const pins = pinsIn(message, arrival.toolVersions)
    if (pins !== undefined && 'reason' in pins)
      return this.refuse(asked, fault('invalid_params', { reason: pins.reason }), arrival, channel)
    const { call, progressToken } = makeCall(
      {
        id: arrival.correlationId,
        method: asked.method as Parameters<typeof makeCall>[0]['method'],
        mount: this.profile.mount,
        params: message.params,
        caller: this.caller(arrival.principal, arrival, pins),
        logLevel: this.level ?? defaultLevel,
        runHeaders: arrival.runHeaders,
        traceHeaders: arrival.traceHeaders,
      },
      context,
    )
    const { id, method, revision, correlationId } = asked
    const named: Asked = { id, method, revision, correlationId, run: call.run.id, turn: call.run.turn }
    const roundTrip = new MultiRoundTrip({
      context,
      credential: this.parts.credential,
      sink: this.sink(asked, channel, progressToken),
      revision: asked.revision,
      capabilities: this.profile.handshake.capabilities,
      ask: channel.streams ? (method, params, timeoutMs, signal) => this.ask(channel, method, params, timeoutMs, signal) : undefined,
      requestId: asked.id,
      arrived: arrival.times,
    })
    const place = this.inFlight.enter({ id: asked.id, roundTrip })
    try {
      const { outcome, exchange } = await roundTrip.run(call).catch((bug: unknown) => roundTrip.crashed(bug, call.id))
      this.inFlight.leave(place)
      if (roundTrip.ended === 'cancelled') {
        channel.silence()
        exchange?.close('client_gone')
        return
      }
      if (exchange !== undefined) answerLeg(named, outcome, exchange, channel)
      else if (outcome.kind === 'fault') this.endBetweenLegs(named, outcome.fault, arrival, channel)
      else channel.answer(legacyAnswer(named, outcome, true))
    } finally {
      this.inFlight.leave(place)
    }
  }

  /** The leg before has its record under the id of the request, so this end has one of its own. */
  private endBetweenLegs(asked: Asked, reason: Fault, arrival: Arrival, channel: Channel): void {
    const { clock, random } = this.parts.context
    const correlationId = random.callId(clock.now())
    this.refuse({ ...asked, correlationId }, reason, { ...arrival, correlationId }, channel)
  }

  private running(id: RawId): MultiRoundTrip | undefined {
    return this.inFlight.find((one) => one.id === id)?.roundTrip
  }

  private caller(principal: Principal, came: Pick<Arrival, 'headers' | 'userAgent'> | undefined, pins: StatedPins | undefined): Caller {
    const { handshake, transport, id } = this.profile
    return {
      principal,
      client: handshake.client,
      capabilities: handshake.capabilities,
      affinity: id,
      arrival: { transport, revision: handshake.revision, userAgent: came?.userAgent },
      headers: came?.headers,
      pins,
    }
  }

  private sink(asked: Asked, channel: Channel, progressToken: string | undefined): Sink {
    // Of all legs together: a later leg starts its own count, and a client is owed one that grows.
    let told = Number.NEGATIVE_INFINITY
    return {
      fits: (result) => channel.largest === Number.POSITIVE_INFINITY || legacyAnswer(asked, result, true).length <= channel.largest,
      emit: (event) => {
        if (!channel.streams) return
        if (event.kind === 'progress') {
          const value = progressOf(event.params)
          if (progressToken === undefined || value <= told) return this.dropped('progress')
          told = value
          this.tell(channel, eventBytes(event, progressToken), true)
        } else if (event.kind === 'log') {
          if (logLevels.indexOf(event.level) >= logLevels.indexOf(this.level ?? defaultLevel)) this.tell(channel, eventBytes(event), true)
        } else if (event.kind === 'extension') this.tell(channel, eventBytes(event), true)
      },
    }
  }

  /** Clients may end their session at an event that is too large for them, which what is told on the way is not worth. */
  private tell(channel: CommonChannel, message: Uint8Array, droppable: boolean): void {
    const { context } = this.parts
    if (this.profile.transport === 'stdio' || message.length + dataNameBytes <= context.eventBytes) {
      channel.send(message, droppable)
      return
    }
    this.dropped('size')
    if (this.droppedLarge) return
    this.droppedLarge = true
    const { handshake, mount } = this.profile
    context.report.log('warn', tooLargeToTell, { bytes: message.length, limit: context.eventBytes, mount, client: handshake.client?.name })
  }

  private dropped(where: string): void {
    this.parts.context.report.counters.add('events_dropped', { where })
  }

  private ask(channel: CommonChannel, method: string, params: Uint8Array | undefined, timeoutMs: number, signal: Signal): Promise<Reply> {
    if (this.deaf) return Promise.resolve({ kind: 'ended' })
    return this.parts.clientQuestions.ask({
      session: this.profile.id,
      timeoutMs,
      signal,
      send: (id) => channel.send(oneLine(requestBytes(id, method, params)), false),
      withdraw: (id, reason) => {
        if (this.deaf) return
        channel.send(notificationBytes('notifications/cancelled', Buffer.from(`{"requestId":${id},"reason":"${reason}"}`)), false)
      },
    })
  }

  /** A request that is about the session alone. */
  private own(
    asked: Asked,
    message: IncomingRequest,
    target: string | undefined,
    arrival: Arrival,
    channel: Channel,
    run: () => Promise<Fault | undefined>,
  ): Promise<void> {
    const caller = this.caller(arrival.principal, arrival, undefined)
    return doOwn(
      { context: this.parts.context, mount: this.profile.mount, caller, asked, params: message.params, target, arrival },
      channel,
      run,
    )
  }

  private async setLevel(level: unknown): Promise<Fault | undefined> {
    if (!(logLevels as readonly unknown[]).includes(level))
      return fault('invalid_params', { reason: `level must be one of ${logLevels.join(', ')}` })
    this.level = level as LogLevel
    await this.keep()
    return undefined
  }

  private async subscribe(uri: string | undefined): Promise<Fault | undefined> {
    if (uri === undefined) return fault('invalid_params', { reason: 'uri must be a string' })
    const failed = await this.subscriptions.subscribe(uri)
    if (failed === undefined) await this.keep()
    return failed
  }

  private async unsubscribe(uri: string | undefined): Promise<Fault | undefined> {
    if (uri === undefined) return fault('invalid_params', { reason: 'uri must be a string' })
    this.subscriptions.unsubscribe(uri)
    await this.keep()
    return undefined
  }

  private async keep(): Promise<void> {
    await this.parts.keep?.(this.state)
  }

  private listenCall(interest: Interest): ReturnType<typeof makeCall>['call'] {
    const { context } = this.parts
    return makeCall(
      {
        id: context.random.callId(context.clock.now()),
        method: 'subscriptions/listen',
        mount: this.profile.mount,
        params: payloadOf({ notifications: interest }),
        caller: this.caller(this.parts.credential.principal, undefined, undefined),
        logLevel: undefined,
        runHeaders: undefined,
        traceHeaders: undefined,
      },
      context,
    ).call
  }

  private refuse(asked: Asked, reason: Fault, arrival: Arrival, channel: Channel): void {
    channel.answer(legacyFault(asked, reason, true), reason)
    this.parts.context.gateway.refuse({
      id: arrival.correlationId,
      method: asked.method,
      mount: this.profile.mount,
      transport: this.profile.transport,
      revision: asked.revision,
      principal: arrival.principal,
      fault: reason,
      startedAtMs: arrival.atMs,
      trace: traceOf(asked.meta, arrival.traceHeaders, this.parts.context),
      requestId: asked.id,
      arrived: arrival.times,
    })
  }
}

function targetIn(method: string, params: unknown): string | undefined {
  const place = targetOf(method, params)
  return place === undefined ? undefined : targetValue(place, params)
}
