// One request of a legacy client, through all its legs. A modern client would answer `input_required` itself and poll a task; for a legacy
// one this asks, collects, calls again, and polls.

import '../../core/call/facts.ts'
import type { Call } from '../../core/call/call.ts'
import { type OpenExchange, openExchange, type Sink } from '../../core/call/exchange.ts'
import type { Credential } from '../../core/call/expiry.ts'
import { failed, internal, type OpenContinuation, type Outcome } from '../../core/call/outcome.ts'
import type { Edit } from '../../core/call/payload.ts'
import { reportBug } from '../../core/ports/boundary.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { tasksExtension } from '../../core/protocol/names.ts'
import type { DoorContext } from '../door.ts'
import { traceBelow } from '../modern/trace.ts'
import { type Collected, InputRequests, type InputRequestsParts, type StopReason, stopped, stoppedBy } from './input-requests.ts'
import { type TaskState, taskCall, taskOf, taskState } from './task.ts'

/** Most rounds of questions in one request. */
const mostRounds = 10
/** Longest wait for one answer, in ms: people are slow. */
const answerMs = 600_000
/** Pause before a leg that asks nothing and only brings its state back, in ms. */
const pacingMs = 250

export interface MultiRoundTripParts extends Omit<InputRequestsParts, 'random'> {
  readonly context: DoorContext
  readonly credential: Credential
  readonly sink: Sink
  /** JSON-RPC id of the request, as JSON text. */
  readonly requestId: string
  /** When the request came and when it was known whose it is, in monotonic ms. */
  readonly arrived: { readonly at: number; readonly identifiedAt: number }
}

/** How the request ended. `exchange` is open where the last leg ended it, and undefined where it ended between two legs. */
export interface MultiRoundTripEnd {
  readonly outcome: Outcome
  readonly exchange: OpenExchange | undefined
}

type Asks = Extract<Outcome, { kind: 'input_required' }>

export class MultiRoundTrip {
  private readonly parts: MultiRoundTripParts
  /** Made with the first question: most requests ask none. */
  private questions: InputRequests | undefined
  private stopping: (() => void) | undefined
  private exchange: OpenExchange | undefined
  private reason: StopReason | undefined
  private legs = 0

  constructor(parts: MultiRoundTripParts) {
    this.parts = parts
  }

  /** Why it was ended from outside; undefined while it was not. */
  get ended(): StopReason | undefined {
    return this.reason
  }

  end(reason: StopReason): void {
    this.reason ??= reason
    this.exchange?.end(reason)
    this.questions?.stop(reason)
    this.stopping?.()
  }

  /** A bug of ours ended it: the leg that is under way ends as a fault. */
  crashed(bug: unknown, id: string): MultiRoundTripEnd {
    const { exchange } = this
    if (exchange === undefined) reportBug(this.parts.context.report, 'session', bug, { id })
    else exchange.fail(bug)
    return { outcome: internal(id), exchange }
  }

  async run(asked: Call): Promise<MultiRoundTripEnd> {
    let first = asked
    let call = asked
    for (let round = 0; ; ) {
      const { outcome, exchange } = await this.leg(call)
      if (needsTasks(outcome) && !declaresTasks(first)) {
        // Nothing was executed: the server only takes callers that can wait for a task, and for this one we can.
        exchange.close('delivered')
        first = { ...first, caller: { ...first.caller, capabilities: withTasks(first) } }
        call = this.later(call, { caller: first.caller })
      } else if (outcome.kind === 'task') {
        exchange.close('delivered')
        return this.follow(first, outcome)
      } else if (outcome.kind === 'input_required') {
        exchange.close('delivered')
        const answers = round < mostRounds ? await this.collect(first, outcome) : tooLong(first)
        if (answers.kind === 'stopped') {
          await this.abandon(first, outcome)
          return { outcome: failed(answers.fault), exchange: undefined }
        }
        round += 1
        call = this.later(first, { params: first.params.edit(legEdits(answers.responses, outcome.sealed)) })
      } else return { outcome, exchange }
    }
  }

  private leg(call: Call): Promise<{ outcome: Outcome; exchange: OpenExchange }> {
    const { clock, limits, gateway } = this.parts.context
    const exchange = openExchange(clock, limits, this.parts.sink, this.parts.credential)
    exchange.note('requestId', this.parts.requestId)
    // A leg after the first waited for an answer of the client's or of a task: that is no time of the door's.
    if (this.legs === 0) exchange.note('arrived', this.parts.arrived)
    this.legs += 1
    this.exchange = exchange
    if (this.reason !== undefined) exchange.end(this.reason)
    return gateway.handle(call, exchange).then((outcome) => {
      this.exchange = undefined
      return { outcome, exchange }
    })
  }

  private async collect(call: Call, outcome: Asks): Promise<Collected> {
    const timeoutMs = timeoutOf(outcome.continuation, this.parts.context.clock.now())
    const parked = outcome.continuation.kind === 'parked'
    const answers = await this.asking().collect({ item: itemOf(call), requests: outcome.requests, parked, timeoutMs })
    if (answers.kind === 'stopped' || answers.responses !== undefined) return answers
    await this.pause(pacingMs)
    return this.reason === undefined ? answers : stoppedBy(this.reason, itemOf(call))
  }

  /** A parked call is told at once that nobody will answer: a leg that has ended before it began. */
  private async abandon(first: Call, outcome: Asks): Promise<void> {
    if (outcome.continuation.kind !== 'parked') return
    this.reason ??= 'client_gone'
    const { exchange } = await this.leg(this.later(first, { params: first.params.edit(legEdits('{}', outcome.sealed)) }))
    exchange.close('client_gone')
  }

  /** Polls a task to its end and answers its questions on the way. One that takes longer than a call may is cancelled. */
  private async follow(first: Call, created: Extract<Outcome, { kind: 'task' }>): Promise<MultiRoundTripEnd> {
    const { clock, limits } = this.parts.context
    const mostMs = Math.min(limits.totalMs, first.deadlineMs ?? limits.totalMs)
    const dueAt = clock.mono() + mostMs
    const answered = new Set<string>()
    let state: TaskState = taskState(created.result, itemOf(first))
    const task = taskOf(created.result)
    for (;;) {
      if (state.kind === 'ended') return { outcome: state.outcome, exchange: undefined }
      if (state.kind === 'asks') {
        const round = { item: itemOf(first), requests: state.requests, parked: false, timeoutMs: answerMs }
        const answers = await this.asking().collect(round, answered)
        if (answers.kind === 'stopped') return this.dropTask(first, task, failed(answers.fault))
        if (answers.responses !== undefined) {
          for (const key of Object.keys(JSON.parse(answers.responses) as object)) answered.add(key)
          const update = `{"taskId":${JSON.stringify(task)},"inputResponses":${answers.responses}}`
          const { outcome, exchange } = await this.leg(taskCall(this.later(first, {}), 'tasks/update', task, update))
          if (outcome.kind !== 'complete') return { outcome, exchange }
          exchange.close('delivered')
        }
      }
      await this.pause(state.pollMs)
      if (this.reason !== undefined) return this.dropTask(first, task, failed(stoppedBy(this.reason, itemOf(first)).fault))
      if (clock.mono() > dueAt) return this.dropTask(first, task, failed(tooSlow(first, mostMs).fault))
      const { outcome, exchange } = await this.leg(taskCall(this.later(first, {}), 'tasks/get', task))
      if (outcome.kind !== 'complete') return { outcome, exchange }
      state = taskState(outcome.result, itemOf(first))
      if (state.kind === 'ended') return { outcome: state.outcome, exchange }
      exchange.close('delivered')
    }
  }

  private async dropTask(first: Call, task: string, outcome: Outcome): Promise<MultiRoundTripEnd> {
    const { clock, limits, gateway } = this.parts.context
    const exchange = openExchange(clock, limits, this.parts.sink, this.parts.credential)
    await gateway.handle(taskCall(this.later(first, {}), 'tasks/cancel', task), exchange)
    exchange.close('delivered')
    return { outcome, exchange: undefined }
  }

  private asking(): InputRequests {
    this.questions ??= new InputRequests({ ...this.parts, random: this.parts.context.random })
    if (this.reason !== undefined) this.questions.stop(this.reason)
    return this.questions
  }

  private newId(): string {
    const { clock, random } = this.parts.context
    return random.callId(clock.now())
  }

  /** A further leg: a call of its own, with a span below that of the first. */
  private later(call: Call, change: Partial<Pick<Call, 'params' | 'caller'>>): Call {
    return { ...call, ...change, id: this.newId(), trace: traceBelow(call.trace, this.parts.context.random) }
  }

  /** Ends early when the request does. */
  private pause(ms: number): Promise<void> {
    if (this.reason !== undefined) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel()
        this.stopping = undefined
        resolve()
      }
      const timer = this.parts.context.clock.timer(ms, done)
      this.stopping = done
    })
  }
}

/** The answers replace those of the last round; the state goes back as it came, and absent stays absent. */
function legEdits(responses: string | undefined, sealed: string | undefined): Edit[] {
  const edits: Edit[] = []
  if (responses !== undefined) edits.push({ path: ['inputResponses'], value: responses })
  if (sealed !== undefined) edits.push({ path: ['requestState'], value: JSON.stringify(sealed) })
  return edits
}

/** A parked call gives up by itself: an answer after that would go nowhere. */
function timeoutOf(continuation: OpenContinuation, nowMs: number): number {
  return continuation.kind === 'parked' ? Math.max(0, Math.min(answerMs, continuation.expiresAtMs - nowMs)) : answerMs
}

function needsTasks(outcome: Outcome): boolean {
  if (outcome.kind !== 'fault' || outcome.fault.kind !== 'missing_capability') return false
  const needed = outcome.fault.detail.requiredCapabilities
  return isObject(needed) && isObject(needed.extensions) && tasksExtension in needed.extensions
}

function declaresTasks({ caller }: Call): boolean {
  return caller.capabilities.extensions?.[tasksExtension] !== undefined
}

function withTasks({ caller }: Call): Call['caller']['capabilities'] {
  return { ...caller.capabilities, extensions: { ...caller.capabilities.extensions, [tasksExtension]: {} } }
}

function tooLong(call: Call): Collected {
  return stopped('input_refused', { item: itemOf(call), needs: `more than ${mostRounds} rounds of questions` })
}

function tooSlow(call: Call, afterMs: number): ReturnType<typeof stopped> {
  return stopped('upstream_timeout', { upstream: itemOf(call), afterMs, layer: 'task' })
}

function itemOf(call: Call): string {
  return call.target ?? call.method
}
