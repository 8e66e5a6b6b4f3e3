// The door of MCP 2026-07-28 over HTTP: one POST, one call, one answer. A client that goes away cancels its call.

import '../../core/call/facts.ts'
import { endReason, type OpenExchange, openExchange } from '../../core/call/exchange.ts'
import { IntrusiveList, type ListEntry } from '../../core/call/intrusive-list.ts'
import { internal, type Outcome } from '../../core/call/outcome.ts'
import { emptyObject } from '../../core/call/payload.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { type RawId, resultBytes } from '../../core/protocol/jsonrpc.ts'
import type { ArrivedPost, DoorContext } from '../door.ts'
import type { Answer, ModernWriter } from '../modern/answer.ts'
import type { Message } from '../modern/envelope.ts'
import { type Asked, type Received, rawIdOf, receive } from '../modern/receive.ts'
import { accepted } from './accept.ts'
import { spreadMs } from './drain.ts'
import { forwardedHeaders } from './forwarded-headers.ts'
import { Heartbeat } from './heartbeat.ts'
import { type Refusals, writeJson } from './refusals.ts'
import { Reply } from './reply.ts'
import { RequestHeaders } from './request-headers.ts'
import { runHeaders, toolVersions } from './run-headers.ts'

/** Listen streams at once; one more is refused. */
const mostListens = 10_000

export class ModernDoor {
  private readonly context: DoorContext
  private readonly writer: ModernWriter
  private readonly refusals: Refusals
  private readonly heartbeat: Heartbeat
  private readonly open = new IntrusiveList<OpenExchange>()
  private readonly listens = new Set<OpenExchange>()

  constructor(context: DoorContext, writer: ModernWriter, refusals: Refusals) {
    this.context = context
    this.writer = writer
    this.refusals = refusals
    this.heartbeat = new Heartbeat(context.clock, context.settings.http.keepAliveMs)
  }

  get calls(): number {
    return this.open.size
  }

  get streams(): number {
    return this.listens.size
  }

  /** A request with a modern claim or header. */
  post(arrived: ArrivedPost): Promise<void> | undefined {
    const received = this.received(arrived)
    if (received.kind === 'call') return this.call(arrived, received)
    this.refusals.refuse(arrived, received.fault, received)
    return undefined
  }

  /** A ping without an envelope. */
  pong({ res, message, body }: ArrivedPost): void {
    this.context.report.counters.add('pings', { transport: 'http' })
    // `classify` has seen the id.
    writeJson(res, 200, resultBytes(rawIdOf(message, body) as RawId, emptyObject.bytes))
  }

  /** Ends the listen streams in order, spread so that their clients do not all come back at once. */
  endListens(graceMs: number): void {
    const spread = spreadMs(this.listens.size, graceMs)
    for (const exchange of this.listens) {
      this.context.clock.timer(this.context.random.fraction() * spread, () => exchange.end('drain'))
    }
  }

  /** Ends what still runs. */
  endAll(): void {
    for (const exchange of this.open) exchange.end('drain')
  }

  private received(arrived: ArrivedPost): Received {
    const { context } = this
    const { headers } = arrived.req
    const hop = {
      transport: 'http',
      mount: arrived.mount,
      principal: arrived.principal,
      id: arrived.id,
      affinity: undefined,
      headers: forwardedHeaders(headers, context.forwarded),
      runHeaders: runHeaders(headers),
      toolVersions: toolVersions(headers),
      userAgent: headers['user-agent'],
      traceHeaders: headers,
    } as const
    const received = receive(arrived.message as Message, arrived.body, hop, context, new RequestHeaders(headers))
    if (received.kind === 'refused' || received.call.family !== 'listen') return received
    const reason = accepted(headers.accept).sse
      ? this.noListen()
      : { revision: undefined, fault: fault('not_acceptable', { needs: 'text/event-stream' }) }
    return reason === undefined ? received : { kind: 'refused', id: received.asked.id, method: received.asked.method, ...reason }
  }

  private noListen(): Pick<Extract<Received, { kind: 'refused' }>, 'revision' | 'fault'> | undefined {
    if (this.context.draining.aborted) return { revision: undefined, fault: fault('draining') }
    if (this.listens.size < mostListens) return undefined
    const detail = { upstream: 'a listen stream', limit: mostListens, retryAfterMs: 5_000 }
    return { revision: undefined, fault: fault('overloaded', detail, { retryAfterMs: 5_000 }) }
  }

  private async call(arrived: ArrivedPost, { asked, call }: Extract<Received, { kind: 'call' }>): Promise<void> {
    const { context } = this
    const { req, res, openRequest } = arrived
    const reply = new Reply(res, asked, this.writer, this.heartbeat, context.report, accepted(req.headers.accept), context.eventBytes)
    const exchange = openExchange(context.clock, context.limits, reply, arrived.principal)
    exchange.note('arrived', arrived.times)
    exchange.note('requestId', asked.id)
    const place = this.enter(exchange, call.family === 'listen')
    this.heartbeat.add(reply)
    openRequest.whenOver(() => {
      this.heartbeat.remove(reply)
      if (reply.ended) this.leave(exchange, place, openRequest.delivered)
      else exchange.end('client_gone')
    })
    const outcome = await context.gateway.handle(call, exchange)
    if (openRequest.over) {
      this.leave(exchange, place, false)
      return
    }
    if (context.draining.aborted) res.shouldKeepAlive = false
    try {
      reply.end(this.answer(asked, outcome, exchange))
    } catch (bug) {
      // The client may have had a part of it: nothing more can be said.
      exchange.fail(bug)
      if (!reply.ended) this.leave(exchange, place, false)
      res.destroy()
    }
  }

  private answer(asked: Asked, outcome: Outcome, exchange: OpenExchange): Answer {
    try {
      return this.written(asked, outcome, exchange)
    } catch (bug) {
      exchange.fail(bug)
      return this.writer.answer(asked, internal(asked.correlationId), true)
    }
  }

  private written(asked: Asked, outcome: Outcome, exchange: OpenExchange): Answer {
    if (asked.method === 'subscriptions/listen' && endReason(exchange.signal) === 'drain') {
      return { status: 200, bytes: this.writer.listenEnd(asked), fault: undefined }
    }
    // Not resolved: the cautious form, since a tool with an output schema may not say it otherwise.
    const declaresOutput = outcome.kind !== 'fault' || (exchange.fact('item')?.declaresOutput ?? true)
    return this.writer.answer(asked, outcome, declaresOutput)
  }

  private enter(exchange: OpenExchange, listens: boolean): ListEntry<OpenExchange> {
    if (listens) {
      this.listens.add(exchange)
      // A listener waits for as long as it likes: no deadline runs.
      exchange.deadline.pause()
    }
    return this.open.enter(exchange)
  }

  private leave(exchange: OpenExchange, place: ListEntry<OpenExchange>, delivered: boolean): void {
    this.open.leave(place)
    this.listens.delete(exchange)
    exchange.close(delivered ? 'delivered' : 'client_gone')
  }
}
