// A legacy client on one two-way connection (stdio, HTTP+SSE): one session for as long as the connection lasts, everything on it.

import type { Delivery } from '../../core/call/exchange.ts'
import { emptyObject } from '../../core/call/payload.ts'
import type { Principal } from '../../core/call/principal.ts'
import { fault } from '../../core/faults/catalogue.ts'
import type { Fault } from '../../core/faults/fault.ts'
import { faultError } from '../../core/faults/wire-form.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { errorBytes, type IncomingRequest, type RawId, resultBytes, unreadId } from '../../core/protocol/jsonrpc.ts'
import type { LegacyRevision } from '../../core/protocol/names.ts'
import type { DoorContext } from '../door.ts'
import type { Message } from '../modern/envelope.ts'
import { traceOf } from '../modern/trace.ts'
import type { Arrival } from './arrival.ts'
import type { Channel } from './channel.ts'
import type { ClientQuestions } from './client-questions.ts'
import { handshake } from './handshake.ts'
import type { StopReason } from './input-requests.ts'
import { type ClientMessage, joinBatch, mostInBatch, readClientMessage, splitBatch } from './message.ts'
import { LegacySession } from './session.ts'
import { SessionCredential } from './session-credential.ts'

export interface ConnectionParts {
  readonly context: DoorContext
  readonly clientQuestions: ClientQuestions
  readonly transport: 'sse' | 'stdio'
  /** Unguessable where others could guess; the affinity of the session's calls. */
  readonly id: string
  readonly mount: string
  readonly principal: Principal
  /** As `Channel.largest`; absent where there is no limit. */
  readonly largest?: number
  /** Writes one message. False where the client is gone. */
  readonly write: (message: Uint8Array, droppable: boolean) => boolean
  readonly opened?: (session: LegacySession) => void
  /** Its credential has ended, and with it what ran. */
  readonly expired?: () => void
}

export class LegacyClientConnection {
  private readonly parts: ConnectionParts
  private readonly channel: Channel
  private readonly credential: SessionCredential
  private live: LegacySession | undefined
  private opening: Promise<void> | undefined

  constructor(parts: ConnectionParts) {
    this.parts = parts
    this.credential = new SessionCredential({
      clock: parts.context.clock,
      principal: parts.principal,
      expired: () => {
        this.live?.expire()
        parts.expired?.()
      },
      renewed: () => this.live?.renewed(),
      rightsChanged: () => this.live?.rightsChanged(),
    })
    this.channel = {
      streams: true,
      largest: parts.largest ?? Number.POSITIVE_INFINITY,
      send: (message, droppable) => void parts.write(message, droppable),
      answer: (message) => (parts.write(message, false) ? 'delivered' : 'client_gone'),
      silence: () => {},
      // The connection carries the answers of others too.
      cut: () => {},
    }
  }

  /** What was agreed on; undefined before `initialize`. */
  get revision(): LegacyRevision | undefined {
    return this.live?.profile.handshake.revision
  }

  get session(): LegacySession | undefined {
    return this.live
  }

  /** Takes one message or batch. Resolves when all of it is answered; the order of arrival is kept up to the first wait. */
  async receive(bytes: Uint8Array, parsed: unknown, arrival: Arrival): Promise<void> {
    this.credential.shown(arrival.principal)
    if (Array.isArray(parsed)) return this.batch(bytes, parsed, arrival)
    const message = readClientMessage(bytes, parsed)
    if (message.kind === 'unreadable') {
      return this.refuse(undefined, undefined, fault('invalid_request', { reason: message.reason }), arrival)
    }
    return this.take(message, bytes, arrival, this.channel)
  }

  end(reason: StopReason): void {
    this.credential.close()
    this.live?.end(reason)
  }

  /** The client will say nothing more: what runs may end, nothing can be asked. */
  deafen(): void {
    this.live?.deafen()
  }

  private async take(message: ClientMessage, bytes: Uint8Array, arrival: Arrival, channel: Channel): Promise<void> {
    if (message.kind === 'request' && message.method === 'initialize' && this.live === undefined && this.opening === undefined) {
      this.opening = this.initialize(message, arrival)
      return this.opening
    }
    if (this.opening !== undefined) await this.opening
    const session = this.live
    switch (message.kind) {
      case 'request':
        if (session !== undefined) return session.request(message, arrival, channel)
        if (message.method === 'ping') {
          this.parts.context.report.counters.add('pings', { transport: this.parts.transport })
          channel.answer(resultBytes(message.id, emptyObject.bytes))
          return
        }
        return this.refuse(
          message.id,
          message.method,
          fault('invalid_request', { reason: 'begin with initialize' }),
          arrival,
          channel,
          metaIn(message),
        )
      case 'notification':
        if (message.method === 'notifications/initialized') session?.listen(true)
        session?.notification(message)
        return
      default:
        session?.response(message, bytes)
    }
  }

  private async initialize(message: IncomingRequest, arrival: Arrival): Promise<void> {
    const { context, clientQuestions, id, transport, mount, write } = this.parts
    const { principal } = arrival
    const { handshake: agreed, answer, exchange } = await handshake(context, { session: id, transport, mount, principal }, message, arrival)
    this.opening = undefined
    if (agreed !== undefined) {
      this.live = new LegacySession({
        context,
        clientQuestions,
        credential: this.credential,
        profile: { id, transport, mount, principal, handshake: agreed },
        common: { send: (change, droppable) => void write(change, droppable) },
      })
      context.report.counters.add('sessions_opened', { transport })
      this.parts.opened?.(this.live)
    }
    exchange.close(this.channel.answer(answer))
  }

  /** Batches exist in 2025-03-26 alone; their answers leave together. */
  private async batch(bytes: Uint8Array, parsed: readonly unknown[], arrival: Arrival): Promise<void> {
    if (this.opening !== undefined) await this.opening
    const problem =
      this.revision !== '2025-03-26'
        ? 'only revision 2025-03-26 has batches'
        : parsed.length === 0
          ? 'the batch is empty'
          : parsed.length > mostInBatch
            ? `a batch holds at most ${mostInBatch} messages`
            : undefined
    if (problem !== undefined) return this.refuse(undefined, undefined, fault('invalid_request', { reason: problem }), arrival)
    const answers = new BatchChannel(this.channel)
    await Promise.all(
      splitBatch(bytes).map((part, i) => {
        const message = readClientMessage(part, parsed[i])
        const own = i === 0 ? arrival : { ...arrival, correlationId: this.parts.context.random.callId(arrival.atMs) }
        if (message.kind !== 'unreadable') return this.take(message, part, own, answers)
        return this.refuse(undefined, undefined, fault('invalid_request', { reason: message.reason }), own, answers)
      }),
    )
    answers.flush()
  }

  private refuse(
    id: RawId | undefined,
    method: string | undefined,
    reason: Fault,
    arrival: Arrival,
    channel = this.channel,
    meta?: Message,
  ): void {
    const { context, mount, transport } = this.parts
    const revision = this.revision
    channel.answer(errorBytes(id ?? unreadId(revision), faultError(reason, arrival)))
    context.gateway.refuse({
      id: arrival.correlationId,
      method,
      mount,
      transport,
      revision,
      principal: arrival.principal,
      fault: reason,
      startedAtMs: arrival.atMs,
      trace: traceOf(meta, arrival.traceHeaders, context),
      requestId: id,
      arrived: arrival.times,
    })
  }
}

function metaIn({ params }: IncomingRequest): Message | undefined {
  const said = params?.json()
  return isObject(said) && isObject(said._meta) ? said._meta : undefined
}

/** Holds the answers of a batch until all are there; what comes before an answer goes out at once. */
class BatchChannel implements Channel {
  readonly streams = true
  private readonly channel: Channel
  private readonly answers: Uint8Array[] = []
  /** Of the batch so far, brackets and commas included. */
  private held = 2

  constructor(channel: Channel) {
    this.channel = channel
  }

  get largest(): number {
    return this.channel.largest - this.held
  }

  send(message: Uint8Array, droppable: boolean): void {
    this.channel.send(message, droppable)
  }

  answer(message: Uint8Array): Delivery {
    this.answers.push(message)
    this.held += message.length + 1
    return 'delivered'
  }

  silence(): void {}

  cut(): void {}

  flush(): void {
    if (this.answers.length > 0) this.channel.answer(joinBatch(this.answers))
  }
}
