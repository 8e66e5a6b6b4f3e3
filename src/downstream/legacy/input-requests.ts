// The questions of one round: what a modern client would read from `inputRequests`, a legacy one is asked by real requests. Only what the
// client declared is asked; what it refuses is translated; the end of one takes the others back (SEP-2322).

import type { ClientCapabilities } from '../../core/call/call.ts'
import { lacking, refusalFor } from '../../core/call/client-refusal.ts'
import type { EndReason } from '../../core/call/exchange.ts'
import type { Payload } from '../../core/call/payload.ts'
import { type Signal, Switch } from '../../core/call/signal.ts'
import { fault, type Kind } from '../../core/faults/catalogue.ts'
import { endedBy } from '../../core/faults/ended.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { Random } from '../../core/ports/clock.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { locate } from '../../core/protocol/locate.ts'
import { code, type LegacyRevision, refusalKey } from '../../core/protocol/names.ts'
import { asBuffer } from '../../core/protocol/scan.ts'
import type { Reply } from './client-questions.ts'

export interface InputRequestsParts {
  readonly random: Random
  readonly revision: LegacyRevision
  readonly capabilities: ClientCapabilities
  /** Sends a request to the client; undefined where none can reach it. */
  readonly ask: ((method: string, params: Uint8Array | undefined, timeoutMs: number, signal: Signal) => Promise<Reply>) | undefined
}

export interface Round {
  /** What asks, for people. */
  readonly item: string
  /** An object with `inputRequests`. */
  readonly requests: Payload
  /** Whether a legacy server waits behind them, which can be answered with an error. */
  readonly parked: boolean
  readonly timeoutMs: number
}

export type Collected =
  /** `inputResponses` as JSON text, undefined where nothing was asked. */
  { readonly kind: 'answers'; readonly responses: string | undefined } | Stopped

export interface Stopped {
  readonly kind: 'stopped'
  readonly fault: Fault
}

/** Why a request is ended from outside. Each leg of it has its own deadline. */
export type StopReason = Exclude<EndReason, 'deadline'>

/** Whoever asks may have begun what it asks for. */
export function stoppedBy(reason: StopReason, item: string): Stopped {
  return { kind: 'stopped', fault: endedBy(reason, item, 'unknown') }
}

/** The call was begun and ends here: its server has worked on it. */
export function stopped(kind: Kind, detail: Readonly<Record<string, unknown>>): Stopped {
  return { kind: 'stopped', fault: fault(kind, detail, { sideEffect: 'unknown', retryable: false }) }
}

interface InputRequest {
  readonly key: string
  readonly method: string
  readonly params: Uint8Array | undefined
}

const noStream = 'questions: it accepts no event stream'

export class InputRequests {
  private readonly parts: InputRequestsParts
  /** Keys that the client refused: a server that cannot take no for an answer asks the same again. */
  private readonly refused = new Set<string>()
  private asking: Switch | undefined
  private reason: StopReason | undefined

  constructor(parts: InputRequestsParts) {
    this.parts = parts
  }

  /** Takes back what is asked, and lets nothing more be asked. */
  stop(reason: StopReason): void {
    this.reason ??= reason
    this.asking?.abort(reason)
  }

  /** Asks everything at once, except the keys in `answered`. */
  async collect(round: Round, answered?: ReadonlySet<string>): Promise<Collected> {
    const questions = inputRequestsOf(round.requests)?.filter(({ key }) => answered?.has(key) !== true)
    if (questions === undefined)
      return stopped('upstream_protocol_error', { upstream: round.item, reason: 'an input request has no method' })
    if (this.reason !== undefined) return stoppedBy(this.reason, round.item)
    if (questions.length === 0) return { kind: 'answers', responses: undefined }
    const again = questions.find(({ key }) => this.refused.has(key))
    if (again !== undefined) return stopped('input_refused', { item: round.item, needs: `an answer to ${again.method}` })
    const lacking = round.parked ? undefined : questions.map((question) => this.lacking(question)).find((lack) => lack !== undefined)
    if (lacking !== undefined) return stopped('input_refused', { item: round.item, needs: lacking })
    const asking = new Switch()
    this.asking = asking
    const answers = await Promise.all(questions.map((question) => this.answer(question, round, asking)))
    this.asking = undefined
    const stops = answers.filter((answer) => typeof answer !== 'string')
    // The questions that were taken back because of it are not the reason.
    const [stop] = stops.sort((a, b) => Number(a.fault.kind === 'cancelled') - Number(b.fault.kind === 'cancelled'))
    if (stop !== undefined) return stop
    return { kind: 'answers', responses: `{${questions.map(({ key }, i) => `${JSON.stringify(key)}:${String(answers[i])}`).join(',')}}` }
  }

  /** The answer as JSON text, or the end of the round, which takes its other questions back. */
  private async answer(question: InputRequest, round: Round, asking: Switch): Promise<string | Stopped> {
    const { ask } = this.parts
    const lack = this.lacking(question)
    const reply: Reply =
      lack === undefined && ask !== undefined
        ? await ask(question.method, this.legacyParams(question), round.timeoutMs, asking)
        : { kind: 'error', ...this.refusal(question, lack), data: undefined }
    const answer = this.translate(question, reply, round)
    if (typeof answer !== 'string') asking.abort('cancelled')
    return answer
  }

  private translate(question: InputRequest, reply: Reply, { item, parked }: Round): string | Stopped {
    switch (reply.kind) {
      case 'result':
        return asBuffer(reply.result.bytes).toString('utf8')
      case 'ended':
        return stoppedBy(this.reason ?? 'cancelled', item)
      case 'timeout':
        return stopped('unclaimed', { item })
      case 'refused':
        return stopped('input_refused', { item, needs: 'fewer questions at a time' })
      case 'error': {
        const error = { code: reply.code, message: reply.message, ...(reply.data === undefined ? {} : { data: reply.data }) }
        if (parked) {
          this.refused.add(question.key)
          return JSON.stringify({ [refusalKey]: error })
        }
        // A modern server knows results only, and an error is none: `cancel` is a word of the user.
        return stopped('input_refused', { item, needs: `${question.method} (${reply.message})` })
      }
    }
  }

  /** What the client did not declare and the question needs. */
  private lacking({ method, params }: InputRequest): string | undefined {
    if (this.parts.ask === undefined) return noStream
    const fields: unknown = params === undefined ? undefined : JSON.parse(asBuffer(params).toString('utf8'))
    const lack = lacking(this.parts.capabilities, method, fields)
    if (lack !== undefined || method !== 'elicitation/create') return lack
    return isObject(fields) && fields.mode === 'url' && this.parts.revision < '2025-11-25' ? 'elicitation.url' : undefined
  }

  private refusal({ method }: InputRequest, lack = noStream): { readonly code: number; readonly message: string } {
    if (lack === noStream) return { code: code.methodNotFound, message: `Client does not support ${noStream}` }
    return refusalFor(this.parts.capabilities, method, lack)
  }

  /** URL mode of 2025-11-25 wants an `elicitationId`, which the modern shape has not. */
  private legacyParams({ method, params }: InputRequest): Uint8Array | undefined {
    if (params === undefined || method !== 'elicitation/create' || locate(params, ['elicitationId']) !== undefined) return params
    const mode = locate(params, ['mode'])
    if (mode === undefined || asBuffer(mode).toString('latin1') !== '"url"') return params
    return Buffer.from(
      asBuffer(params)
        .toString('utf8')
        .replace('{', `{"elicitationId":${JSON.stringify(this.parts.random.id())},`),
    )
  }
}

function inputRequestsOf(requests: Payload): InputRequest[] | undefined {
  const whole = requests.json()
  const asked = isObject(whole) ? whole.inputRequests : undefined
  if (asked === undefined) return []
  if (!isObject(asked)) return undefined
  const found: InputRequest[] = []
  for (const [key, request] of Object.entries(asked)) {
    if (!isObject(request) || typeof request.method !== 'string') return undefined
    found.push({ key, method: request.method, params: locate(requests.bytes, ['inputRequests', key, 'params']) })
  }
  return found
}
