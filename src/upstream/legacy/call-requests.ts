// What a call asks of a server with `initialize`: the level of its log messages, the request itself, the steps of the task that the server
// makes of it; and what the last answer means for the call.
import type { TargetedCall } from '../../core/call/call.ts'
import type { Exchange } from '../../core/call/exchange.ts'
import { complete, failed, type Outcome } from '../../core/call/outcome.ts'
import type { Payload } from '../../core/call/payload.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { evidence } from '../../core/faults/evidence.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { CredentialLease } from '../../core/ports/credentials.ts'
import { requestBytes } from '../../core/protocol/jsonrpc.ts'
import { code, isLegacyRevision } from '../../core/protocol/names.ts'
import type { Context } from '../context.ts'
import { begunFault, cutLooseFault } from '../messages/answers.ts'
import { legacyParams, traceHeaders } from '../messages/envelope.ts'
import type { Wire, WireAnswer } from '../wire/wire.ts'
import type { LegacyCall } from './legacy-call.ts'
import type { ServerMessages } from './server-messages.ts'
import { requiredCapabilities } from './server-requests.ts'
import type { ServerSession } from './server-session.ts'
import type { ServerState } from './server-state.ts'
import { asTask, followTask, needsTask } from './tasks.ts'
import { type Again, parkForUrl } from './url-required.ts'

/** What the requests of all calls on one connection share. */
export interface CallMedium {
  readonly context: Context
  readonly wire: Wire
  readonly session: ServerSession
  readonly serverState: ServerState
  readonly serverMessages: ServerMessages
  /** The server sends log messages from the level that it is asked for. */
  readonly hasLogging: boolean
  readonly again: Again
}

export class CallRequests {
  private readonly context: Context
  private readonly wire: Wire
  private readonly session: ServerSession
  private readonly serverState: ServerState
  private readonly serverMessages: ServerMessages
  private readonly hasLogging: boolean
  private readonly again: Again
  private answered = false

  constructor({ context, wire, session, serverState, serverMessages, hasLogging, again }: CallMedium) {
    this.context = context
    this.wire = wire
    this.session = session
    this.serverState = serverState
    this.serverMessages = serverMessages
    this.hasLogging = hasLogging
    this.again = again
  }

  /** Some call had a result. */
  get hasServed(): boolean {
    return this.answered
  }

  async run(legacyCall: LegacyCall, call: TargetedCall, lease: CredentialLease, exchange: Exchange): Promise<Outcome> {
    const { logLevel } = call.interest
    if (logLevel !== undefined && this.hasLogging) await this.serverState.lowerLevel(logLevel)
    // Given up while the level was set: nobody reads this.
    if (legacyCall.abort.aborted) return failed(cutLooseFault(legacyCall.asking, false))
    const asTasked = needsTask(call)
    const headers = this.session.headers(lease, call.caller.headers)
    if (this.wire.transport !== 'stdio') traceHeaders(headers, call, exchange)
    let answer = await this.step(legacyCall, call.method, headers, (id) => {
      exchange.note('sentAs', id)
      return legacyParams(call, call.interest.progress ? id : undefined, exchange, asTasked ? [asTask] : [])
    })
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
      if (this.session.doubt !== undefined) this.session.confirm()
      return complete(answer.answer.result, answer.answer.facts)
    }
    if (answer.kind === 'answer' && answer.answer.kind === 'error' && answer.answer.code === code.urlElicitationRequired) {
      const outcome = parkForUrl(this.context, call, answer.answer.error, exchange.credential, this.again)
      if (outcome !== undefined) return outcome
    }
    const found = await this.session.faultOf(answer, legacyCall.asking, lease, call.target)
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

  /** The call failed after the server asked for what its caller cannot do. Callers of revisions without that error get the server's own words. */
  private lackOf(legacyCall: LegacyCall, answer: WireAnswer): Fault | undefined {
    if (legacyCall.lacked.size === 0 || answer.kind !== 'answer' || isLegacyRevision(legacyCall.caller.arrival.revision)) return undefined
    if (answer.answer.kind === 'result' && !answer.answer.facts.isError) return undefined
    const needs = [...legacyCall.lacked].join(', ')
    const detail = { upstream: this.context.id, needs, requiredCapabilities: requiredCapabilities(legacyCall.lacked) }
    return fault('missing_capability', detail, { evidence: evidence.capability_missing })
  }
}
