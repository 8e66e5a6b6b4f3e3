// One request of a legacy client, through all its legs. A modern client would answer `input_required` itself; for a legacy one this
// asks the questions as real requests, collects the answers and calls again (protocol.md §4, SEP-2322).
import type { Call, ClientCapabilities } from '../../core/call/call.ts'
import { type EndReason, type OpenExchange, openExchange, type Sink } from '../../core/call/exchange.ts'
import { failed, type OpenContinuation, type Outcome } from '../../core/call/outcome.ts'
import type { Edit } from '../../core/call/payload.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { locate } from '../../core/protocol/locate.ts'
import { code, type LegacyRevision, vendorPrefix } from '../../core/protocol/names.ts'
import { asBuffer } from '../../core/protocol/scan.ts'
import type { DoorContext } from '../door.ts'
import type { Reply } from './mailbox.ts'
import { isObject } from './message.ts'

/** Most rounds of questions in one request. */
export const mostRounds = 10
/** Longest wait for one answer, in ms: people are slow. */
export const answerMs = 600_000
/** Pause before a leg that asks nothing and only brings its state back, in ms. */
const pacingMs = 250

/**
 * Marks an answer that is none: the client refused the question with this JSON-RPC error. Only a parked leg gets it, whose exit
 * answers its server with the error; the fields beside it are a refusal that any reader understands.
 */
export const refusalKey = `${vendorPrefix}error`

export interface DialogueParts {
  readonly context: DoorContext
  readonly sink: Sink
  readonly revision: LegacyRevision
  readonly capabilities: ClientCapabilities
  /** Sends a request to the client; undefined where none can reach it. */
  readonly ask: ((method: string, params: Uint8Array | undefined, timeoutMs: number, signal: AbortSignal) => Promise<Reply>) | undefined
}

/** How the request ended. `exchange` is open where the last leg ended it, and undefined where the dialogue did, between two legs. */
export interface DialogueEnd {
  readonly call: Call
  readonly outcome: Outcome
  readonly exchange: OpenExchange | undefined
}

interface Asking {
  readonly key: string
  readonly method: string
  readonly params: Uint8Array | undefined
}

export class Dialogue {
  private readonly parts: DialogueParts
  private exchange: OpenExchange | undefined
  private asking: AbortController | undefined
  private reason: EndReason | undefined

  constructor(parts: DialogueParts) {
    this.parts = parts
  }

  /** Why it was ended from outside; undefined while it was not. */
  get ended(): EndReason | undefined {
    return this.reason
  }

  end(reason: EndReason): void {
    this.reason ??= reason
    this.exchange?.end(reason)
    this.asking?.abort(reason)
  }

  async run(first: Call): Promise<DialogueEnd> {
    let call = first
    for (let round = 0; ; round += 1) {
      const exchange = this.open()
      const outcome = await this.parts.context.gateway.handle(call, exchange)
      this.exchange = undefined
      if (outcome.kind !== 'input_required') return { call, outcome, exchange }
      exchange.close('delivered')
      const answers = round < mostRounds ? await this.collect(call, outcome) : tooLong(call)
      if (answers.kind === 'fault') {
        await this.abandon(first, outcome)
        return { call, outcome: failed(answers.fault), exchange: undefined }
      }
      call = { ...first, id: this.parts.context.random.id(), params: first.params.edit(legEdits(answers.responses, outcome.sealed)) }
    }
  }

  private open(): OpenExchange {
    const { clock, limits } = this.parts.context
    const exchange = openExchange(clock, limits, this.parts.sink)
    this.exchange = exchange
    if (this.reason !== undefined) exchange.end(this.reason)
    return exchange
  }

  /** A parked call is told at once that nobody will answer: a leg that has ended before it began. */
  private async abandon(first: Call, outcome: Extract<Outcome, { kind: 'input_required' }>): Promise<void> {
    if (outcome.continuation.kind !== 'parked') return
    const { clock, limits, gateway, random } = this.parts.context
    const exchange = openExchange(clock, limits, this.parts.sink)
    exchange.end(this.reason ?? 'cancelled')
    await gateway.handle({ ...first, id: random.id(), params: first.params.edit(legEdits('{}', outcome.sealed)) }, exchange)
    exchange.close('client_gone')
  }

  private async collect(call: Call, outcome: Extract<Outcome, { kind: 'input_required' }>): Promise<Collected> {
    const { context } = this.parts
    const asked = questionsOf(outcome.requests.bytes, outcome.requests.json())
    if (asked === undefined) return stopped('upstream_protocol_error', { upstream: itemOf(call), reason: 'an input request has no method' })
    const asking = new AbortController()
    this.asking = asking
    if (this.reason !== undefined) asking.abort(this.reason)
    try {
      if (asked.length === 0) {
        await pause(context, asking.signal)
        return this.reason === undefined ? { kind: 'answers', responses: undefined } : stopped('cancelled', { reason: this.reason })
      }
      const parked = outcome.continuation.kind === 'parked'
      const impossible = parked ? undefined : asked.map((question) => this.lacking(question)).find((lacking) => lacking !== undefined)
      if (impossible !== undefined) return stopped('input_refused', { item: itemOf(call), needs: impossible })
      const timeoutMs = timeoutOf(outcome.continuation, context.clock.now())
      const answers = await Promise.all(asked.map((question) => this.answer(call, question, parked, timeoutMs, asking)))
      const stops = answers.filter((answer) => typeof answer !== 'string')
      // The questions that were taken back because of it are not the reason.
      const [stop] = stops.sort((a, b) => Number(a.fault.kind === 'cancelled') - Number(b.fault.kind === 'cancelled'))
      if (stop !== undefined) return stop
      return { kind: 'answers', responses: `{${asked.map(({ key }, i) => `${JSON.stringify(key)}:${String(answers[i])}`).join(',')}}` }
    } finally {
      this.asking = undefined
    }
  }

  /** The answer as JSON text, or the end of the dialogue, which takes the other questions of the round back. */
  private async answer(
    call: Call,
    question: Asking,
    parked: boolean,
    timeoutMs: number,
    asking: AbortController,
  ): Promise<string | CollectedFault> {
    const lacking = this.lacking(question)
    const reply: Reply =
      lacking === undefined && this.parts.ask !== undefined
        ? await this.parts.ask(question.method, this.legacyParams(question), timeoutMs, asking.signal)
        : {
            kind: 'error',
            code: code.methodNotFound,
            message: `The client does not support ${lacking ?? question.method}.`,
            data: undefined,
          }
    const answer = this.translate(call, question, reply, parked)
    if (typeof answer !== 'string') asking.abort('cancelled')
    return answer
  }

  private translate(call: Call, question: Asking, reply: Reply, parked: boolean): string | CollectedFault {
    switch (reply.kind) {
      case 'result':
        return asBuffer(reply.result.bytes).toString('utf8')
      case 'ended':
        return stopped('cancelled', { reason: this.reason ?? 'cancelled' })
      case 'timeout':
        return stopped('unclaimed', { item: itemOf(call) })
      case 'refused':
        return stopped('input_refused', { item: itemOf(call), needs: 'fewer questions at a time' })
      case 'error': {
        const error = { code: reply.code, message: reply.message, ...(reply.data === undefined ? {} : { data: reply.data }) }
        if (parked) return JSON.stringify({ ...refusalOf(question.method), [refusalKey]: error })
        // A modern server knows results only. Elicitation has one for "the client did not"; the other two have none.
        if (question.method === 'elicitation/create' && reply.code !== code.methodNotFound) return JSON.stringify({ action: 'cancel' })
        return stopped('input_refused', { item: itemOf(call), needs: `${question.method} (${reply.message})` })
      }
    }
  }

  /** What the client did not declare and the question needs. */
  private lacking(question: Asking): string | undefined {
    if (this.parts.ask === undefined) return 'questions: it accepts no event stream'
    const { sampling, elicitation, roots } = this.parts.capabilities
    const params: unknown = question.params === undefined ? {} : JSON.parse(asBuffer(question.params).toString('utf8'))
    const fields = isObject(params) ? params : {}
    switch (question.method) {
      case 'elicitation/create': {
        if (elicitation === undefined) return 'elicitation'
        if (fields.mode === 'url') {
          return elicitation.url === undefined || this.parts.revision < '2025-11-25' ? 'elicitation in URL mode' : undefined
        }
        return elicitation.form === undefined && elicitation.url !== undefined ? 'elicitation in form mode' : undefined
      }
      case 'sampling/createMessage':
        if (sampling === undefined) return 'sampling'
        return fields.tools !== undefined && sampling.tools === undefined ? 'sampling with tools' : undefined
      case 'roots/list':
        return roots === undefined ? 'roots' : undefined
      default:
        return question.method
    }
  }

  /** URL mode of 2025-11-25 wants an `elicitationId`, which the modern shape has not. */
  private legacyParams(question: Asking): Uint8Array | undefined {
    const { params } = question
    if (params === undefined || question.method !== 'elicitation/create') return params
    if (locate(params, ['elicitationId']) !== undefined) return params
    const mode = locate(params, ['mode'])
    if (mode === undefined || asBuffer(mode).toString('latin1') !== '"url"') return params
    const id = `"elicitationId":${JSON.stringify(this.parts.context.random.id())},`
    const text = asBuffer(params).toString('utf8')
    return Buffer.from(text.replace('{', `{${id}`))
  }
}

type Collected = { readonly kind: 'answers'; readonly responses: string | undefined } | CollectedFault

interface CollectedFault {
  readonly kind: 'fault'
  readonly fault: ReturnType<typeof fault>
}

function stopped(kind: Parameters<typeof fault>[0], detail: Readonly<Record<string, unknown>>): CollectedFault {
  return { kind: 'fault', fault: fault(kind, detail) }
}

function tooLong(call: Call): CollectedFault {
  return stopped('input_refused', { item: itemOf(call), needs: `more than ${mostRounds} rounds of questions` })
}

/** The answers replace those of the last round; the state goes back as it came, and absent stays absent. */
function legEdits(responses: string | undefined, sealed: string | undefined): Edit[] {
  const edits: Edit[] = []
  if (responses !== undefined) edits.push({ path: ['inputResponses'], value: responses })
  if (sealed !== undefined) edits.push({ path: ['requestState'], value: JSON.stringify(sealed) })
  return edits
}

function questionsOf(bytes: Uint8Array, parsed: unknown): Asking[] | undefined {
  const requests = isObject(parsed) ? parsed.inputRequests : undefined
  if (requests === undefined) return []
  if (!isObject(requests)) return undefined
  const found: Asking[] = []
  for (const [key, request] of Object.entries(requests)) {
    if (!isObject(request) || typeof request.method !== 'string') return undefined
    found.push({ key, method: request.method, params: locate(bytes, ['inputRequests', key, 'params']) })
  }
  return found
}

function refusalOf(method: string): Record<string, unknown> {
  if (method === 'elicitation/create') return { action: 'cancel' }
  return method === 'roots/list' ? { roots: [] } : {}
}

/** A parked call gives up by itself: an answer after that would go nowhere. */
function timeoutOf(continuation: OpenContinuation, nowMs: number): number {
  return continuation.kind === 'parked' ? Math.max(0, Math.min(answerMs, continuation.expiresAtMs - nowMs)) : answerMs
}

function itemOf(call: Call): string {
  return call.target ?? call.method
}

function pause(context: DoorContext, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const timer = context.clock.timer(pacingMs, resolve)
    signal.addEventListener(
      'abort',
      () => {
        timer.cancel()
        resolve()
      },
      { once: true },
    )
  })
}
