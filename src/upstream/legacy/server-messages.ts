// What a server with `initialize` says of its own accord: its questions, log messages, progress and notices, each brought to the call, the
// session or the watch that it is for.

import type { CallEvent } from '../../core/call/exchange.ts'
import type { IntrusiveList } from '../../core/call/intrusive-list.ts'
import { emptyObject, type Payload } from '../../core/call/payload.ts'
import { inBackground } from '../../core/ports/boundary.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { errorBytes, resultBytes } from '../../core/protocol/jsonrpc.ts'
import { code } from '../../core/protocol/names.ts'
import type { Context } from '../context.ts'
import { logEvent, requestNamedIn, watchEvent } from '../messages/events.ts'
import type { IncomingNotification, IncomingRequest } from '../wire/wire.ts'
import type { Attribution } from './attribution.ts'
import type { LegacyCall } from './legacy-call.ts'
import { isServerRequest, refusalIn, type ServerRequest } from './server-requests.ts'

export class ServerMessages {
  /** Change notifications and resource updates. */
  onEvent: (event: CallEvent) => void = () => {}
  private readonly context: Context
  private readonly onePrincipal: boolean
  private readonly attribution: Attribution<LegacyCall>
  private readonly openCalls: IntrusiveList<LegacyCall>
  private readonly reply: (message: Uint8Array) => void
  /** Clients' sessions that used the connection and are open; as many as there are of the one principal. */
  private readonly users = new Set<string>()

  /** `reply` sends an answer to a request of the server. */
  constructor(
    context: Context,
    onePrincipal: boolean,
    attribution: Attribution<LegacyCall>,
    openCalls: IntrusiveList<LegacyCall>,
    reply: (message: Uint8Array) => void,
  ) {
    this.context = context
    this.onePrincipal = onePrincipal
    this.attribution = attribution
    this.openCalls = openCalls
    this.reply = reply
  }

  get sessions(): ReadonlySet<string> {
    return this.users
  }

  serves(session: string): void {
    this.users.add(session)
  }

  /** The session is over: what comes from now on is for those that are left. */
  servesNoMore(session: string): void {
    this.users.delete(session)
  }

  answer(question: ServerRequest, result: Payload): void {
    this.reply(resultBytes(question.id, result.bytes))
  }

  refuse(question: ServerRequest, errorCode: number, message: string, data?: unknown): void {
    this.reply(errorBytes(question.id, { code: errorCode, message, ...(data === undefined ? {} : { data }) }))
  }

  /** A question that was thought to be a call's, and the call ended without it. */
  left(question: ServerRequest): void {
    if (this.oneSession) inBackground(this.context.report, 'connection', this.askOutside(question))
    else this.refuse(question, code.internal, 'The call has ended')
  }

  /** Messages on the stream of a call's own request. */
  ofCall(legacyCall: LegacyCall, message: IncomingRequest | IncomingNotification): void {
    if (message.kind === 'request') {
      if (this.refusesAmbiguous(message)) return
      if (isServerRequest(message.method)) legacyCall.ask({ id: message.id, method: message.method, params: message.params })
      else this.answerOwn(message)
      return
    }
    if (message.method === 'notifications/progress') this.progress(message)
    else if (message.method === 'notifications/message') {
      const event = logEvent(message)
      if (event !== undefined) legacyCall.emit(event)
    } else this.notice(message)
  }

  /** Messages that came with no request of ours. */
  stray(message: IncomingRequest | IncomingNotification): void {
    if (message.kind === 'request') {
      if (this.refusesAmbiguous(message)) return
      if (isServerRequest(message.method)) this.attribute({ id: message.id, method: message.method, params: message.params })
      else this.answerOwn(message)
      return
    }
    if (message.method === 'notifications/progress') this.progress(message)
    else if (message.method === 'notifications/message') this.strayLog(message)
    else this.notice(message)
  }

  /** The client could read another question than we did. */
  private refusesAmbiguous({ id, ambiguous }: IncomingRequest): boolean {
    if (ambiguous === undefined) return false
    this.context.report.counters.add('proto_anomaly', { upstream: this.context.id, type: 'ambiguous' })
    this.reply(errorBytes(id, { code: code.invalidRequest, message: `Invalid request: ${ambiguous}` }))
    return true
  }

  private attribute(question: ServerRequest): void {
    const owner = this.attribution.ownerOfRequest()
    if (owner.kind === 'elsewhere') return
    if (owner.kind === 'call') {
      owner.call.ask(question)
      return
    }
    if (owner.kind === 'outside' && this.oneSession) {
      inBackground(this.context.report, 'connection', this.askOutside(question))
      return
    }
    this.context.report.counters.add('stray_requests', { upstream: this.context.id, method: question.method })
    const why = owner.kind === 'ambiguous' ? 'it cannot be told which call asks' : 'no call is in flight'
    this.refuse(question, code.methodNotFound, `Not answered: ${why}`)
  }

  /** Whatever comes outside any call can only be for this one. */
  private get oneSession(): boolean {
    return this.context.outside !== undefined && this.onePrincipal && this.users.size === 1 && !this.attribution.isBroadcast
  }

  private async askOutside(question: ServerRequest): Promise<void> {
    const [session] = this.users
    const result =
      session === undefined ? undefined : await this.context.outside?.ask(session, question.method, question.params).catch(() => undefined)
    const refusal = result === undefined ? undefined : refusalIn(result)
    if (result !== undefined && refusal === undefined) return this.answer(question, result)
    this.context.report.counters.add('stray_requests', { upstream: this.context.id, method: question.method })
    if (refusal === undefined) this.refuse(question, code.methodNotFound, 'Not answered: the client cannot be reached')
    else this.refuse(question, refusal.code, refusal.message, refusal.data)
  }

  private strayLog(message: IncomingNotification): void {
    const event = logEvent(message)
    if (event === undefined) return
    const named = requestNamedIn(message)
    const legacyCall = named !== undefined && this.context.ids.issued(`${named}`) ? this.callOf(named) : this.attribution.ownerOfLog()
    if (legacyCall !== undefined) legacyCall.emit(event)
    else if (this.context.outside !== undefined && this.onePrincipal && this.users.size > 0 && !this.attribution.isBroadcast) {
      for (const session of this.users) this.context.outside.event(session, event)
    } else this.context.report.counters.add('events_dropped', { where: 'upstream' })
  }

  private progress(message: IncomingNotification): void {
    const params = message.params?.json()
    const token = isObject(params) ? params.progressToken : undefined
    const legacyCall = typeof token === 'number' ? this.callOf(token) : undefined
    if (legacyCall !== undefined && message.params !== undefined) legacyCall.emit({ kind: 'progress', params: message.params })
    else this.context.report.counters.add('events_dropped', { where: 'upstream' })
  }

  /** The call in flight whose request has this id. */
  private callOf(id: number): LegacyCall | undefined {
    return this.openCalls.find(({ steps }) => steps.includes(id))
  }

  /** Notifications that are no call's. */
  private notice(message: IncomingNotification): void {
    if (message.method === 'notifications/cancelled') {
      const params = message.params?.json()
      const id = isObject(params) ? JSON.stringify(params.requestId) : ''
      for (const legacyCall of this.openCalls) if (legacyCall.retract(id)) return
      return
    }
    const event = watchEvent(message)
    if (event !== undefined) this.onEvent(event)
  }

  /** Requests that no client has to see. */
  private answerOwn(message: IncomingRequest): void {
    if (message.method === 'ping') {
      this.reply(resultBytes(message.id, emptyObject.bytes))
      return
    }
    this.context.report.counters.add('stray_requests', { upstream: this.context.id, method: 'other' })
    this.reply(errorBytes(message.id, { code: code.methodNotFound, message: `Method not found: ${message.method}` }))
  }
}
