// One call at a legacy server, over all its legs: it runs until the server answers, and while the server waits for its client, the call
// waits in the parking lot. A legacy call ends exactly once, and its outcome is handed over exactly once or recorded as unclaimed.

import type { Caller, RoutedCall, TargetedCall } from '../../core/call/call.ts'
import { callFields } from '../../core/call/call-fields.ts'
import { lacking, refusalFor } from '../../core/call/client-refusal.ts'
import { type CallEvent, type Exchange, tell } from '../../core/call/exchange.ts'
import type { ListEntry } from '../../core/call/intrusive-list.ts'
import { failed, type Outcome } from '../../core/call/outcome.ts'
import type { Payload } from '../../core/call/payload.ts'
import { Switch } from '../../core/call/signal.ts'
import type { Timer } from '../../core/ports/clock.ts'
import { code } from '../../core/protocol/names.ts'
import type { Context } from '../context.ts'
import { type Asking, askingOf, endedFault } from '../messages/answers.ts'
import { audible } from '../messages/events.ts'
import type { Candidate } from './attribution.ts'
import { CallQuestions } from './call-questions.ts'
import type { Parked } from './parked.ts'
import { canBeAsked, fits, inputRequired, readResponses, refusalIn, type ServerRequest } from './server-requests.ts'

/** Questions that come within this time, in ms, are asked together. */
const gatherMs = 10

/** What a legacy call needs of the connection that it is on. */
export interface LegacyCallOwner {
  /** Sends the result of a server's request. */
  answer(question: ServerRequest, result: Payload): void
  refuse(question: ServerRequest, code: number, message: string, data?: unknown): void
  /** The server asked for a capability that the caller lacks. */
  askedInVain(lack: string): void
  /** A question that was thought to be a call's, and the call ended without it. */
  left(question: ServerRequest): void
  /** Tells the server that nobody waits for the call any longer. */
  cancel(legacyCall: LegacyCall, reason: string): void
  /** The call waits for its user from now on. */
  parked(): void
  /** The call ended while it waited for the server, by its deadline (`isLate`) or by its caller: is the server alive? */
  suspect(isLate: boolean): void
  /** The server is done with the call, or the call with the server. Once. */
  callEnded(legacyCall: LegacyCall): void
}

const suspendable = new Set(['tools/call', 'prompts/get', 'resources/read'])

/** What most calls have, made once. */
const nothing: ReadonlySet<string> = new Set()

interface Leg {
  readonly call: TargetedCall
  readonly exchange: Exchange
}

export class LegacyCall implements Candidate, Parked {
  readonly call: TargetedCall
  readonly asking: Asking
  readonly principal: string
  readonly suspendable: boolean
  readonly answers: boolean
  /** Ids of its requests on the wire now. */
  readonly steps: number[] = []
  /** Ends its requests on the wire. */
  readonly abort = new Switch()
  /** Id of the task that the server made of it. */
  task: string | undefined
  /** Capabilities that the server asked for and the caller has not. */
  lacked: ReadonlySet<string> = nothing
  /** It waits for its user. */
  parked = false
  /** Where the connection and its attribution have it. */
  place: ListEntry<LegacyCall> | undefined
  seat: Candidate['seat']

  private readonly context: Context
  private readonly owner: LegacyCallOwner
  private readonly startedAt: number
  /** Most calls are asked nothing. */
  private questions: CallQuestions | undefined
  private ripe = false
  private gathering: Timer | undefined
  private leg: Leg | undefined
  private settled: Outcome | undefined
  private over = false
  /** Something of ours was thrown: it is thrown on, to where bugs are caught. */
  private bug: { readonly bug: unknown } | undefined
  private arrive: (sent: Outcome | Promise<never>) => void = () => {}

  constructor(context: Context, owner: LegacyCallOwner, call: TargetedCall, principal: string) {
    this.context = context
    this.owner = owner
    this.call = call
    this.principal = principal
    this.asking = askingOf(call)
    this.suspendable = suspendable.has(call.method)
    this.answers = canBeAsked(call.caller.capabilities)
    this.startedAt = context.clock.mono()
  }

  get caller(): Caller {
    return this.call.caller
  }

  /** Questions that wait for an answer. */
  private get open(): number {
    return this.questions?.size ?? 0
  }

  /** The server has worked on it, since it asked or made a task of it. */
  get wasBegun(): boolean {
    return this.questions !== undefined || this.lacked.size > 0 || this.task !== undefined
  }

  /** Whether it waits for its user: then nobody hears its events. */
  get waits(): boolean {
    return this.leg === undefined
  }

  /** The first leg. `run` drives the call at the server and resolves exactly once. */
  fly(exchange: Exchange, run: () => Promise<Outcome>): Promise<Outcome> {
    run().then(
      (sent) => this.settle(sent),
      (bug: unknown) => {
        this.bug = { bug }
        this.giveUp('the gateway failed')
        this.wrote()
      },
    )
    return this.travel({ call: this.call, exchange })
  }

  /** A further leg: gives the server the client's responses and goes on waiting; asks again for what is missing. */
  async resume(call: TargetedCall, exchange: Exchange): Promise<Outcome> {
    const answers = call.continuation?.kind === 'parked' ? readResponses(call.continuation.answers) : new Map<string, Payload>()
    for (const [key, question] of this.questions?.entries() ?? []) {
      const response = answers.get(key)
      if (response === undefined) continue
      const refusal = refusalIn(response)
      if (refusal === undefined && !fits(question, response)) continue
      this.questions?.remove(key)
      if (refusal === undefined) this.owner.answer(question, response)
      else this.owner.refuse(question, refusal.code, refusal.message, refusal.data)
    }
    this.ripe = this.open > 0
    return this.travel({ call, exchange })
  }

  expire(why: 'unanswered' | 'expired'): void {
    const { settled } = this
    if (settled === undefined) {
      this.giveUp(why === 'expired' ? "its caller's credential expired" : 'its user never answered')
      this.unclaimed('given up')
    } else {
      this.over = true
      this.unclaimed(settled.kind)
    }
  }

  /** A question of the server that is this call's. */
  ask(question: ServerRequest): void {
    if (!this.suspendable) {
      this.owner.refuse(question, code.methodNotFound, `Client does not support questions during ${this.call.method}`)
      return
    }
    const lack = lacking(this.caller.capabilities, question.method, question.params?.json())
    if (lack !== undefined) {
      this.doWithout(question, lack)
      return
    }
    if (this.over || this.settled !== undefined) {
      this.owner.left(question)
      return
    }
    this.questions ??= new CallQuestions(this.context.parking.questions)
    if (!this.questions.add(question)) {
      this.context.report.counters.add('questions_refused', { upstream: this.context.id })
      this.owner.refuse(question, code.internal, 'Too many questions wait for an answer')
      return
    }
    if (this.leg === undefined || this.ripe) return
    this.gathering ??= this.context.clock.timer(gatherMs, () => {
      this.gathering = undefined
      this.ripe = this.open > 0
      this.wrote()
    })
  }

  /** Where the connection serves clients of all kinds, the server could not know that this one cannot be asked. */
  private doWithout(question: ServerRequest, lack: string): void {
    this.lacked = new Set([...this.lacked, lack])
    const refusal = refusalFor(this.caller.capabilities, question.method, lack)
    this.owner.refuse(question, refusal.code, refusal.message)
    this.owner.askedInVain(lack)
  }

  /** The server takes a question back. True where it was this call's. */
  retract(id: string): boolean {
    const key = this.questions?.keyOf(id)
    if (key !== undefined) this.questions?.remove(key)
    return key !== undefined
  }

  /** Progress and log messages that are this call's, for the leg that listens now. */
  emit(event: CallEvent): void {
    const { leg } = this
    if (leg === undefined) {
      this.context.report.counters.add('events_dropped', { where: 'parked' })
      return
    }
    if (event.kind === 'log' && !audible(event.level, leg.call.interest.logLevel)) return
    if (event.kind === 'progress' && !leg.call.interest.progress) return
    tell(leg.exchange, event)
  }

  /** A sign of life that is no event. */
  touch(): void {
    this.leg?.exchange.deadline.touch()
  }

  private settle(sent: Outcome): void {
    if (this.settled !== undefined) return
    this.settled = sent
    this.gathering?.cancel()
    this.leaveUnasked()
    this.refuseAll('The call has ended')
    if (!this.over) this.owner.callEnded(this)
    this.wrote()
  }

  /** Waits for what ends this leg. */
  private travel(leg: Leg): Promise<Outcome> {
    this.leg = leg
    this.parked = false
    leg.exchange.deadline.resume()
    leg.exchange.signal.addEventListener('abort', this)
    return new Promise((resolve) => {
      this.arrive = resolve
      this.wrote()
    })
  }

  /** The leg's signal ended (EventListener, so that it costs no closure). */
  handleEvent(): void {
    this.wrote()
  }

  /** Something changed that may end the leg. */
  private wrote(): void {
    const { leg } = this
    if (leg === undefined) return
    const sent = this.reached(leg.exchange)
    if (sent === undefined) return
    leg.exchange.signal.removeEventListener('abort', this)
    this.leg = undefined
    this.arrive(sent)
  }

  /** How the leg ends; undefined while it does not. What is thrown goes on to where bugs are caught. */
  private reached(exchange: Exchange): Outcome | Promise<never> | undefined {
    try {
      if (this.bug !== undefined) throw this.bug.bug
      if (this.settled !== undefined) {
        this.over = true
        return this.settled
      }
      if (exchange.signal.aborted) return this.end(exchange)
      return this.ripe ? this.park(exchange) : undefined
    } catch (error) {
      return Promise.reject(error)
    }
  }

  private end(exchange: Exchange): Outcome {
    this.giveUp(String(exchange.signal.reason))
    const elapsedMs = this.context.clock.mono() - this.startedAt
    const isLate = exchange.signal.reason === 'deadline'
    // Many clients wait less long than the gateway does.
    if (isLate || elapsedMs >= this.context.timeouts.probe) this.owner.suspect(isLate)
    return failed(endedFault(this.asking, exchange, elapsedMs, true))
  }

  private park(exchange: Exchange): Outcome | undefined {
    this.ripe = false
    const { questions } = this
    if (questions === undefined || questions.size === 0) return undefined
    const place = this.context.parking.park(this, exchange.credential)
    if (place === undefined) {
      this.refuseAll('Too many calls wait for their users')
      return undefined
    }
    exchange.deadline.pause()
    this.guard(exchange, place.park)
    this.parked = true
    this.owner.parked()
    return {
      kind: 'input_required',
      requests: inputRequired(questions.entries()),
      continuation: { kind: 'parked', park: place.park, owner: this.context.replica, expiresAtMs: place.expiresAtMs },
    }
  }

  /** Until the door has closed this leg's exchange the caller can still cancel; a question that was not delivered is never answered. */
  private guard(exchange: Exchange, park: string): void {
    const forget = (reason: string): void => {
      if (this.context.parking.forget(park)) this.giveUp(reason)
    }
    const onAbort = (): void => forget(String(exchange.signal.reason))
    exchange.signal.addEventListener('abort', onAbort, { once: true })
    exchange.onClose((delivery) => {
      exchange.signal.removeEventListener('abort', onAbort)
      if (delivery !== 'delivered') forget(delivery)
    })
  }

  /** Ends the call at the server; what it still answers is nobody's. */
  private giveUp(reason: string): void {
    if (this.over) return
    this.over = true
    this.gathering?.cancel()
    this.refuseAll('The call was cancelled')
    if (this.settled !== undefined) return
    this.owner.cancel(this, reason)
    this.abort.abort('cancelled')
    this.owner.callEnded(this)
  }

  /** The call did not wait for what it was never asked, so it was not its question. */
  private leaveUnasked(): void {
    if (this.ripe || this.leg === undefined || this.open === 0) return
    for (const question of this.questions?.takeAll() ?? []) this.owner.left(question)
  }

  private refuseAll(message: string): void {
    this.ripe = false
    if (this.open === 0) return
    for (const question of this.questions?.takeAll() ?? []) this.owner.refuse(question, code.internal, message)
  }

  private unclaimed(outcome: string): void {
    const { report, id: upstream } = this.context
    report.counters.add('unclaimed', { upstream })
    const { settled } = this
    const record = this.context.random.callId(this.context.clock.now())
    this.context.unclaimed?.({
      id: record,
      call: this.call,
      outcome: settled,
      durationMs: this.context.clock.mono() - this.startedAt,
    })
    report.log('warn', 'A parked call ended and nobody came back for its answer', {
      upstream,
      ...callFields(this.call),
      record,
      method: this.call.method,
      item: 'item' in this.call ? (this.call as RoutedCall).item.name : this.call.target,
      issuer: this.caller.principal.iss,
      subject: this.caller.principal.sub,
      outcome,
    })
  }
}
