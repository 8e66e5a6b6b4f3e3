// The exit towards servers of MCP 2026-07-28: stateless, an envelope on every request, no questions but in results. It works over stdio
// and over Streamable HTTP; on stdio, where streams have no owner, it sorts the notifications itself.

import type { TargetedCall } from '../../core/call/call.ts'
import { type CallEvent, type Exchange, type Interest, tell } from '../../core/call/exchange.ts'
import type { HeaderParam } from '../../core/call/item.ts'
import { complete, failed, type Outcome } from '../../core/call/outcome.ts'
import type { Payload } from '../../core/call/payload.ts'
import type { SentOn } from '../../core/call/record.ts'
import type { Signal } from '../../core/call/signal.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { evidence, withoutRenewal } from '../../core/faults/evidence.ts'
import type { Fault } from '../../core/faults/fault.ts'
import { inBackground } from '../../core/ports/boundary.ts'
import type { CredentialLease } from '../../core/ports/credentials.ts'
import type { UpstreamDescription } from '../../core/ports/upstream.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { requestBytes } from '../../core/protocol/jsonrpc.ts'
import { code, modernRevision } from '../../core/protocol/names.ts'
import { countMembers, countParsed } from '../../core/protocol/scan.ts'
import type { Asked, Connection } from '../connection.ts'
import { type Context, countAnomalies, hopHeaders } from '../context.ts'
import {
  type Asking,
  askingFor,
  askingOf,
  cutLooseFault,
  endedFault,
  errorFault,
  heldTo,
  judged,
  lostFault,
  retryAfterOf,
  statusFault,
} from '../messages/answers.ts'
import { callHeaders, Envelope, standardHeaders, traceHeaders } from '../messages/envelope.ts'
import { dataOf } from '../messages/errors.ts'
import { audible, commonOf, logEvent, offeredOf, requestNamedIn, watchEvent } from '../messages/events.ts'
import { cancel, orAborted, request } from '../wire/requests.ts'
import { sentOn } from '../wire/sent-on.ts'
import type { IncomingError, IncomingNotification, IncomingRequest, IncomingResult, Wire, WireAnswer } from '../wire/wire.ts'
import { freshHeaderParams } from './header-params.ts'
import { Listening } from './listening.ts'
import { type Discovered, probe } from './probe.ts'

const noHeaders: Readonly<Record<string, string>> = {}

interface OpenCall {
  readonly call: TargetedCall
  readonly exchange: Exchange
}

export class ModernConnection implements Connection {
  readonly era = 'modern'
  readonly sessionful = false
  readonly isOwned = false
  readonly description: UpstreamDescription
  readonly sentOn: SentOn
  onEvent: (event: CallEvent) => void = () => {}
  build = 0
  onEnd: (fault: Fault) => void = () => {}

  private readonly context: Context
  private readonly wire: Wire
  private readonly lease: CredentialLease
  private readonly turned: () => Promise<boolean>
  private readonly envelope: Envelope
  /** Calls in flight by their request id, where messages have to find theirs: on stdio. */
  private readonly openCalls = new Map<number, OpenCall>()
  private inFlight = 0
  private readonly listening: Listening
  private checkingLife = false
  /** What follows the last call of a connection that takes no more. */
  private emptied: (() => void) | undefined

  /** `turned` asks the server anew for its era, not too often; true where it is no longer this one. */
  constructor(context: Context, wire: Wire, discovered: Discovered, lease: CredentialLease, turned: () => Promise<boolean>) {
    this.context = context
    this.wire = wire
    this.lease = lease
    this.turned = turned
    this.envelope = new Envelope(context.identity)
    const { capabilities, identity, instructions } = discovered
    this.description = { transport: wire.transport, revision: modernRevision, identity, capabilities, instructions }
    this.sentOn = sentOn(wire, modernRevision)
    this.listening = new Listening(context, wire, this.envelope, () => this.headers('subscriptions/listen', undefined, this.lease))
    this.listening.onEvent = (event) => this.onEvent(event)
    wire.onStray = (message) => this.hearStray(message)
    wire.onEnd = (found) => {
      this.listening.stop()
      this.onEnd(found)
    }
    countAnomalies(context, wire)
  }

  get busy(): number {
    return this.inFlight
  }

  send(call: TargetedCall, exchange: Exchange, lease: CredentialLease): Promise<Outcome> {
    if (exchange.renew === 'headers') return this.sendWithFreshHeaders(call, exchange, lease)
    return this.post(call, exchange, lease, undefined)
  }

  async ask(method: string, params: Payload | undefined, lease: CredentialLease, signal: Signal): Promise<Asked> {
    const asking = askingFor(this.context.id, method)
    const timeoutMs = this.context.timeouts.call
    const answer = await request(this.wire, this.context, {
      method,
      params: this.envelope.own(params),
      headers: this.headers(method, undefined, lease),
      signal,
      timeoutMs,
      maxBytes: this.context.limits.resultBytes,
    })
    switch (answer.kind) {
      case 'answer':
        if (answer.answer.kind === 'result') return { kind: 'result', result: answer.answer.result }
        return { kind: 'fault', fault: await this.refusal(asking, answer, answer.answer, signal) }
      case 'status':
        return { kind: 'fault', fault: await this.statusRefusal(asking, answer, lease, signal) }
      case 'lost':
        return { kind: 'fault', fault: lostFault(asking, answer) }
      case 'timeout': {
        const detail = { afterMs: timeoutMs, layer: `time limit of ${method}` }
        return { kind: 'fault', fault: judged('upstream_timeout', asking, evidence.deadline, detail) }
      }
      case 'aborted':
        return { kind: 'fault', fault: cutLooseFault(asking, answer.sent) }
    }
  }

  hear(interest: Interest): Promise<Interest> {
    return this.listening.replace(commonOf(interest, offeredOf(interest, this.description.capabilities ?? {})))
  }

  retire(): Promise<void> {
    this.listening.stop()
    return new Promise((resolve) => {
      this.emptied = () => resolve(this.wire.close())
      if (this.inFlight === 0) this.emptied()
    })
  }

  async close(): Promise<void> {
    this.listening.stop()
    await this.wire.close()
  }

  private post(
    call: TargetedCall,
    exchange: Exchange,
    lease: CredentialLease,
    fresh: readonly HeaderParam[] | undefined,
  ): Promise<Outcome> {
    const { wire } = this
    const startedAt = this.context.clock.mono()
    const id = wire.nextId()
    exchange.note('sentAs', id)
    const params = this.envelope.of(call, call.interest.progress ? id : undefined, exchange)
    const headers = wire.transport === 'stdio' ? noHeaders : this.callHeaders(call, exchange, lease, fresh)
    const openCall: OpenCall = { call, exchange }
    this.inFlight += 1
    if (wire.transport === 'stdio') this.openCalls.set(id, openCall)
    const answering = wire.request({
      id,
      method: call.method,
      message: requestBytes(id, call.method, params.bytes),
      headers,
      signal: exchange.signal,
      onMessage: (message) => this.hearCall(openCall, message),
      onAlive: () => exchange.deadline.touch(),
      maxBytes: this.context.limits.resultBytes,
    })
    const over = (): void => {
      this.inFlight -= 1
      if (wire.transport === 'stdio') this.openCalls.delete(id)
      if (this.emptied !== undefined && this.inFlight === 0) this.emptied()
    }
    return answering.then(
      (answer) => {
        if (answer.kind === 'aborted' && wire.transport === 'stdio') {
          inBackground(this.context.report, 'connection', cancel(wire, id, noHeaders))
        }
        const outcome = this.outcomeOf(call, exchange, lease, answer, startedAt)
        over()
        return outcome
      },
      (bug: unknown) => {
        over()
        throw bug
      },
    )
  }

  private resultOutcome(call: TargetedCall, answer: IncomingResult): Outcome {
    const { result, facts } = answer
    switch (facts.resultType) {
      case undefined:
      case 'complete':
        return complete(result, facts)
      case 'input_required': {
        const body = result.json() as { requestState?: unknown; inputRequests?: unknown }
        // The client reads the questions, and the keys of its answers come back by them.
        if (countMembers(result.bytes) !== countParsed(body)) return this.ambiguous('a member of its questions stands twice')
        const inner = typeof body.requestState === 'string' ? body.requestState : undefined
        if (inner === undefined && !isObject(body.inputRequests)) return this.broken('it asks for input and names none')
        const requests = inner === undefined ? result : result.edit([{ path: ['requestState'], value: undefined }])
        return { kind: 'input_required', requests, continuation: { kind: 'relayed', inner } }
      }
      case 'task': {
        // Only the answer that creates a task is one; `tasks/get` answers are results that describe it.
        const body = result.json() as { taskId?: unknown; task?: { taskId?: unknown } }
        const handle = body.taskId ?? body.task?.taskId
        if (call.family === 'task') return complete(result, facts)
        return typeof handle === 'string' ? { kind: 'task', result, handle } : this.broken('it made a task without an id')
      }
      default:
        return this.broken(`the result is of the unknown type ${JSON.stringify(facts.resultType)}`)
    }
  }

  private outcomeOf(
    call: TargetedCall,
    exchange: Exchange,
    lease: CredentialLease,
    answer: WireAnswer,
    startedAt: number,
  ): Outcome | Promise<Outcome> {
    if (answer.kind === 'answer' && answer.answer.kind === 'result') return this.resultOutcome(call, answer.answer)
    const asking = askingOf(call)
    switch (answer.kind) {
      case 'answer':
        return this.refusal(asking, answer, answer.answer as IncomingError, exchange.signal, call.target).then(failed)
      case 'status':
        return this.statusRefusal(asking, answer, lease, exchange.signal).then(failed)
      case 'lost':
        return failed(lostFault(asking, answer))
      case 'aborted':
        if (exchange.signal.reason === 'deadline' && this.wire.transport === 'stdio') {
          inBackground(this.context.report, 'connection', this.checkLife())
        }
        return failed(endedFault(asking, exchange, this.context.clock.mono() - startedAt, answer.sent))
    }
  }

  private async statusRefusal(
    asking: Asking,
    answer: Extract<WireAnswer, { kind: 'status' }>,
    lease: CredentialLease,
    signal: Signal,
  ): Promise<Fault> {
    return statusFault(asking, answer, lease, (await this.isStale(answer, signal)) ? evidence.revision_changed : undefined)
  }

  /** A JSON-RPC error for this request. */
  private async refusal(
    asking: Asking,
    answer: Extract<WireAnswer, { kind: 'answer' }>,
    error: IncomingError,
    signal: Signal,
    target?: string,
  ): Promise<Fault> {
    const { upstream } = asking
    if (error.code === code.missingClientCapability) return this.missingCapability(asking, error)
    if (error.code === code.headerMismatch) {
      const reason = `it refused the headers of the request: ${error.message}`
      const renewable = asking.method === 'tools/call' && this.wire.transport !== 'stdio'
      const found = renewable ? evidence.header_mismatch : withoutRenewal(evidence.header_mismatch)
      return fault('upstream_protocol_error', { upstream, reason }, { evidence: found })
    }
    if (await this.isStale(answer, signal)) return errorFault(asking, error, target, evidence.revision_changed)
    if (error.code !== code.unsupportedProtocolVersion) {
      return heldTo(errorFault(asking, error, target, undefined, retryAfterOf(answer, error, this.context.clock)), answer)
    }
    const reason = `it refused revision ${modernRevision}`
    return fault('upstream_protocol_error', { upstream, reason }, { evidence: evidence.unsupported_revision })
  }

  private missingCapability(asking: Asking, error: IncomingError): Fault {
    const data = dataOf(error)
    const required = isObject(data) && isObject(data.requiredCapabilities) ? data.requiredCapabilities : {}
    const needs = Object.keys(required).join(', ') || error.message
    return judged('missing_capability', asking, evidence.capability_missing, { needs, requiredCapabilities: required })
  }

  /** The tool's annotations may have changed since its definition was read: reads it anew. */
  private async sendWithFreshHeaders(call: TargetedCall, exchange: Exchange, lease: CredentialLease): Promise<Outcome> {
    const name = 'item' in call ? (call as { item: { name: string } }).item.name : call.target
    const list = (params: Payload | undefined) => this.ask('tools/list', params, lease, exchange.signal)
    const fresh = name === undefined ? undefined : await freshHeaderParams(name, list)
    if (fresh !== undefined) return this.post(call, exchange, lease, fresh)
    const reason = 'it refused the headers of the request, and the definition of the tool has no others'
    const detail = { upstream: this.context.id, reason }
    return failed(fault('upstream_protocol_error', detail, { evidence: withoutRenewal(evidence.header_mismatch) }))
  }

  /** Whether the server behind the address no longer speaks this era: the answer raises the doubt, and only the server itself settles it. */
  private isStale(answer: Extract<WireAnswer, { kind: 'answer' | 'status' }>, signal: Signal): Promise<boolean> | boolean {
    if (this.wire.transport === 'stdio' || !raisesDoubt(answer)) return false
    return orAborted(this.turned(), signal, () => false)
  }

  /** A child that does not answer the cheapest request hangs: it is ended, and a fresh one takes its place. */
  private async checkLife(): Promise<void> {
    if (this.checkingLife) return
    this.checkingLife = true
    const probed = await probe(this.wire, this.context, this.lease, this.context.timeouts.probe).finally(() => {
      this.checkingLife = false
    })
    if (probed.kind !== 'legacy' || !probed.silent) return
    this.onEnd(fault('upstream_unavailable', { upstream: this.context.id, reason: 'the process hung and was ended' }))
    await this.close()
  }

  private hearCall(openCall: OpenCall, message: IncomingRequest | IncomingNotification): void {
    if (message.kind === 'request') {
      this.dropRequest()
      return
    }
    const { call, exchange } = openCall
    if (message.method === 'notifications/progress') {
      if (call.interest.progress && message.params !== undefined) tell(exchange, { kind: 'progress', params: message.params })
      return
    }
    if (message.method === 'notifications/message') {
      const event = logEvent(message)
      if (event !== undefined && audible(event.level, call.interest.logLevel)) tell(exchange, event)
      return
    }
    this.notice(message, [openCall])
  }

  /**
   * That a list changed is true whichever stream it comes on. Servers that cannot be listened to (FastMCP 4) tell it to the calls that they
   * answer just then, and no other way. What else is no call's was not asked for.
   */
  private notice(message: IncomingNotification, callers: Iterable<OpenCall>): void {
    const event = watchEvent(message)
    if (event?.kind !== 'changed') {
      this.context.report.counters.add('events_dropped', { where: 'upstream' })
      return
    }
    this.onEvent({ ...event, toCallers: true })
    for (const { exchange } of callers) tell(exchange, event)
  }

  /** On stdio everything comes this way; over HTTP nothing should. */
  private hearStray(message: IncomingRequest | IncomingNotification): void {
    if (message.kind === 'request') {
      this.dropRequest()
      return
    }
    if (this.listening.hear(message)) return
    const openCall = this.ownerOf(message)
    if (openCall === undefined) this.notice(message, this.openCalls.values())
    else this.hearCall(openCall, message)
  }

  private ownerOf(message: IncomingNotification): OpenCall | undefined {
    if (message.method === 'notifications/progress') {
      const params = message.params?.json()
      return isObject(params) && typeof params.progressToken === 'number' ? this.openCalls.get(params.progressToken) : undefined
    }
    if (message.method !== 'notifications/message') return undefined
    const named = requestNamedIn(message)
    if (named !== undefined) return this.openCalls.get(named)
    // One that names no request is somebody's only where there is nobody else.
    if (this.openCalls.size !== 1) return undefined
    for (const openCall of this.openCalls.values()) return openCall
    return undefined
  }

  /** Requests of servers are forbidden in this revision on every transport; they are not even answered. */
  private dropRequest(): void {
    this.context.report.counters.add('proto_anomaly', { upstream: this.context.id, type: 'stray_request' })
  }

  private callHeaders(call: TargetedCall, exchange: Exchange, lease: CredentialLease, fresh: readonly HeaderParam[] | undefined) {
    const headers = hopHeaders(this.context, lease, call.caller.headers)
    return callHeaders(traceHeaders(headers, call, exchange), call, fresh)
  }

  private headers(method: string, name: string | undefined, lease: CredentialLease): Readonly<Record<string, string>> {
    return this.wire.transport === 'stdio' ? noHeaders : standardHeaders(hopHeaders(this.context, lease), method, name)
  }

  private ambiguous(reason: string): Extract<Outcome, { kind: 'fault' }> {
    this.context.report.counters.add('proto_anomaly', { upstream: this.context.id, type: 'ambiguous' })
    return this.broken(reason)
  }

  private broken(reason: string): Extract<Outcome, { kind: 'fault' }> {
    const found = fault('upstream_protocol_error', { upstream: this.context.id, reason }, { evidence: evidence.answer_invalid })
    return failed(found) as Extract<Outcome, { kind: 'fault' }>
  }
}

/** Statuses and codes that a server of a revision with `initialize` gives to a request without a session. */
function raisesDoubt(answer: Extract<WireAnswer, { kind: 'answer' | 'status' }>): boolean {
  if (answer.kind === 'status') return answer.status === 400 || answer.status === 404 || answer.status === 405
  if (answer.answer.kind !== 'error') return false
  const own = answer.answer.code
  if (own === code.methodNotFound || own === code.unsupportedProtocolVersion) return true
  return answer.status === 400 && own !== code.invalidParams && own !== code.headerMismatch && own !== code.missingClientCapability
}
