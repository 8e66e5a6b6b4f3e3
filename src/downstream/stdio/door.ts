// The door of desktop clients: JSON-RPC by lines over stdin and stdout, of either era. Nothing but messages is ever written to the output.

import type { Readable, Writable } from 'node:stream'
import '../../core/call/facts.ts'
import { type CallEvent, endReason, type OpenExchange, openExchange } from '../../core/call/exchange.ts'
import { internal, type Outcome } from '../../core/call/outcome.ts'
import { anonymous, type Principal } from '../../core/call/principal.ts'
import { fault } from '../../core/faults/catalogue.ts'
import type { Fault } from '../../core/faults/fault.ts'
import { faultError } from '../../core/faults/wire-form.ts'
import { guarded, inBackground, reportBug } from '../../core/ports/boundary.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { errorBytes, type RawId, unreadId } from '../../core/protocol/jsonrpc.ts'
import { Lines } from '../../core/protocol/lines.ts'
import { asBuffer } from '../../core/protocol/scan.ts'
import { withoutBom } from '../../core/protocol/utf8.ts'
import type { DoorContext } from '../door.ts'
import { parseBody } from '../http/body.ts'
import { hasId } from '../http/classify.ts'
import { isSlow } from '../http/slow-client.ts'
import type { Arrival } from '../legacy/arrival.ts'
import { ClientQuestions } from '../legacy/client-questions.ts'
import { LegacyClientConnection } from '../legacy/connection.ts'
import { createModernWriter, type ModernWriter } from '../modern/answer.ts'
import { claimedRevision, hasClaim, hasValidModernClaim, type Message, metaOf } from '../modern/envelope.ts'
import { type Asked, cancelledId, rawIdOf, receive } from '../modern/receive.ts'
import { traceOf } from '../modern/trace.ts'

export interface StdioStreams {
  readonly input: Readable
  readonly output: Writable
  /** '' for everything that is served. */
  readonly mount: string
}

/** A pipe shows nothing but that it is there: who started us is the caller. */
const presented = {
  transport: 'stdio',
  verb: undefined,
  path: undefined,
  headers: new Map<string, readonly string[]>(),
  certificate: undefined,
  stepsUp: false,
  remoteAddress: undefined,
} as const

/**
 * Serves one client until its input ends or the gateway drains; what runs then may finish for `drain.graceMs`. Resolves when all is
 * written. A message that belongs to neither era is answered with an error, never with silence.
 */
export async function serveStdio(context: DoorContext, streams: StdioStreams): Promise<void> {
  const identified = await context.gateway.identify({ ...presented, mount: streams.mount })
  const door =
    'fault' in identified
      ? new Connection(context, streams, anonymous, identified.fault)
      : new Connection(context, streams, identified.principal, undefined)
  await door.serve()
}

class Connection {
  private readonly context: DoorContext
  private readonly streams: StdioStreams
  private readonly principal: Principal
  /** Who may not enter hears why, to every request. */
  private readonly barred: Fault | undefined
  private readonly writer: ModernWriter
  private readonly legacy: LegacyClientConnection
  /** Modern requests in flight. A legacy session keeps its own. */
  private readonly modern = new Map<RawId, OpenExchange>()
  private readonly listens = new Set<OpenExchange>()
  private readonly running = new Set<Promise<void>>()
  private initialized = false

  constructor(context: DoorContext, streams: StdioStreams, principal: Principal, barred: Fault | undefined) {
    this.context = context
    this.streams = streams
    this.principal = principal
    this.barred = barred
    this.writer = createModernWriter(context.server)
    this.legacy = new LegacyClientConnection({
      context,
      clientQuestions: new ClientQuestions(context.clock, context.random, context.ephemeral, context.report),
      transport: 'stdio',
      id: context.random.id(),
      mount: streams.mount,
      principal,
      write: (message, droppable) => this.write(message, droppable),
    })
  }

  async serve(): Promise<void> {
    await this.read()
    this.legacy.deafen()
    for (const exchange of this.listens) exchange.end('drain')
    await this.settle()
    this.legacy.end('client_gone')
    for (const exchange of this.modern.values()) exchange.end('client_gone')
    await Promise.all(this.running)
    await this.flush()
  }

  private read(): Promise<void> {
    const { input, output } = this.streams
    const { draining, settings } = this.context
    const lines = new Lines(settings.http.bodyBytes)
    return new Promise((resolve) => {
      const take = guarded<Uint8Array | undefined>(this.context.report, 'stdio_door', (line) => this.line(line))
      const onData = guarded<Uint8Array | string>(this.context.report, 'stdio_door', (chunk) =>
        lines.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk, take),
      )
      const stop = (): void => {
        input.off('data', onData)
        draining.removeEventListener('abort', stop)
        resolve()
      }
      input.on('data', onData)
      input.once('end', () => {
        lines.finish(take)
        stop()
      })
      input.once('error', stop)
      input.once('close', stop)
      // A client that is gone shows as a broken pipe; it is no failure of ours.
      output.once('error', stop)
      output.once('close', stop)
      if (draining.aborted) stop()
      else draining.addEventListener('abort', stop, { once: true })
    })
  }

  private line(sent: Uint8Array | undefined): void {
    const { clock, random } = this.context
    const at = clock.mono()
    const atMs = clock.now()
    const arrival: Arrival = {
      correlationId: random.callId(atMs),
      principal: this.principal,
      atMs,
      headers: undefined,
      runHeaders: undefined,
      toolVersions: undefined,
      traceHeaders: undefined,
      times: { at, identifiedAt: at },
    }
    if (sent === undefined) {
      this.refuse(undefined, undefined, fault('body_too_large', { limit: this.context.settings.http.bodyBytes }), arrival)
      return
    }
    const line = withoutBom(sent)
    const { message, fault: wrong } = parseBody(asBuffer(line))
    if (wrong !== undefined) {
      const method = isObject(message) && typeof message.method === 'string' ? message.method : undefined
      this.refuse(rawIdOf(message, line), method, wrong, arrival, claimedRevision(message), metaOf(message))
      return
    }
    const work = this.take(line, message, arrival).catch((error: unknown) => this.broken(line, message, arrival, error))
    this.running.add(work)
    inBackground(
      this.context.report,
      'stdio_door',
      work.finally(() => this.running.delete(work)),
    )
  }

  /**
   * The era is the connection's from `initialize` on, and until then each message's own: a client that falls back first sends an
   * enveloped `server/discover`, so one envelope proves nothing.
   */
  private async take(bytes: Uint8Array, message: unknown, arrival: Arrival): Promise<void> {
    const barred = this.barred ?? this.lapsed(arrival.atMs)
    if (Array.isArray(message) && barred === undefined) return this.legacy.receive(bytes, message, arrival)
    if (!isObject(message)) return this.refuse(undefined, undefined, fault('invalid_request', { reason: 'no JSON-RPC message' }), arrival)
    const method = typeof message.method === 'string' ? message.method : undefined
    const id = rawIdOf(message, bytes)
    if (method !== undefined && hasId(message)) {
      if (barred !== undefined) return this.refuse(id, method, barred, arrival, claimedRevision(message), metaOf(message))
      if (this.isModern(message, method)) return this.request(message, bytes, arrival)
      if (method === 'initialize') this.initialized = true
    } else if (method === 'notifications/cancelled' && this.cancelled(message, bytes)) return
    return this.legacy.receive(bytes, message, arrival)
  }

  /** A pipe cannot show another credential. */
  private lapsed(nowMs: number): Fault | undefined {
    const { expiresAt } = this.principal
    if (expiresAt === undefined || nowMs < expiresAt) return undefined
    return fault('unauthenticated', { reason: 'that of this connection has expired; start the gateway anew' })
  }

  private isModern(message: Message, method: string): boolean {
    if (method === 'initialize') return hasValidModernClaim(message)
    return hasClaim(message) || (method === 'server/discover' && !this.initialized)
  }

  private async request(message: Message, bytes: Uint8Array, arrival: Arrival): Promise<void> {
    const { context } = this
    const received = receive(
      message,
      bytes,
      {
        transport: 'stdio',
        mount: this.streams.mount,
        principal: this.principal,
        id: arrival.correlationId,
        affinity: undefined,
        headers: undefined,
        runHeaders: undefined,
        toolVersions: undefined,
        traceHeaders: undefined,
      },
      context,
    )
    if (received.kind === 'refused')
      return this.refuse(received.id, received.method, received.fault, arrival, received.revision, received.meta)
    const { asked, call } = received
    if (this.modern.has(asked.id)) {
      const taken = fault('invalid_request', { reason: `the id ${asked.id} is in use` })
      return this.refuse(asked.id, asked.method, taken, arrival, call.caller.arrival.revision, metaOf(message))
    }
    const emit = (event: CallEvent): void => {
      const written = this.writer.event(asked, event)
      if (written !== undefined) this.write(written, event.kind === 'progress' || event.kind === 'log')
    }
    const exchange = openExchange(context.clock, context.limits, { emit }, this.principal)
    exchange.note('arrived', arrival.times)
    exchange.note('requestId', asked.id)
    this.modern.set(asked.id, exchange)
    if (call.family === 'listen') {
      this.listens.add(exchange)
      exchange.deadline.pause()
    }
    const outcome = await context.gateway.handle(call, exchange)
    this.modern.delete(asked.id)
    this.listens.delete(exchange)
    const reason = endReason(exchange.signal)
    if (reason === 'cancelled' || reason === 'client_gone') return exchange.close('client_gone')
    const ended = call.family === 'listen' && reason === 'drain'
    const answer = ended ? this.writer.listenEnd(asked) : this.answer(asked, outcome, exchange)
    try {
      exchange.close(this.write(answer, false) ? 'delivered' : 'client_gone')
    } catch (bug) {
      // The client may have had a part of it: nothing more can be said.
      exchange.fail(bug)
      exchange.close('failed')
    }
  }

  private answer(asked: Asked, outcome: Outcome, exchange: OpenExchange): Buffer {
    try {
      return this.writer.answer(asked, outcome, true).bytes
    } catch (bug) {
      exchange.fail(bug)
      return this.writer.answer(asked, internal(asked.correlationId), true).bytes
    }
  }

  private cancelled(message: Message, bytes: Uint8Array): boolean {
    const id = cancelledId(message, bytes)
    const exchange = id === undefined ? undefined : this.modern.get(id)
    exchange?.end('cancelled')
    return exchange !== undefined
  }

  private refuse(
    id: RawId | undefined,
    method: string | undefined,
    reason: Fault,
    arrival: Arrival,
    revision?: string,
    meta?: Message,
  ): void {
    const spoken = revision ?? this.legacy.revision
    this.write(errorBytes(id ?? unreadId(spoken), faultError(reason, arrival)), false)
    this.context.gateway.refuse({
      id: arrival.correlationId,
      method,
      mount: this.streams.mount,
      transport: 'stdio',
      revision: spoken,
      principal: this.barred === undefined ? this.principal : undefined,
      fault: reason,
      startedAtMs: arrival.atMs,
      trace: traceOf(meta, arrival.traceHeaders, this.context),
      requestId: id,
      arrived: arrival.times,
    })
  }

  /** A throw is our own bug; the client still gets its answer. */
  private broken(bytes: Uint8Array, message: unknown, arrival: Arrival, error: unknown): void {
    // Not the message's: a call of that id may have been begun, and has its record.
    const { clock, random } = this.context
    const correlationId = random.callId(clock.now())
    reportBug(this.context.report, 'stdio_door', error, { correlationId, request: arrival.correlationId })
    const id = rawIdOf(message, bytes)
    if (id === undefined) return
    const method = isObject(message) && typeof message.method === 'string' ? message.method : undefined
    this.refuse(id, method, fault('internal', { correlationId }), { ...arrival, correlationId }, claimedRevision(message), metaOf(message))
  }

  private write(message: Uint8Array, droppable: boolean): boolean {
    const { output } = this.streams
    if (output.destroyed || output.writableEnded) return false
    if (droppable && isSlow(output)) {
      this.context.report.counters.add('events_dropped', { where: 'stdio' })
      return true
    }
    const frame = Buffer.allocUnsafe(message.length + 1)
    frame.set(message)
    frame[message.length] = 0x0a
    output.write(frame)
    return true
  }

  /** Until nothing runs, or the grace is over. */
  private settle(): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.context.clock.timer(this.context.settings.drain.graceMs, resolve)
      const done = (): void => {
        timer.cancel()
        resolve()
      }
      Promise.all(this.running).then(done, done)
    })
  }

  private flush(): Promise<void> {
    const { output } = this.streams
    if (output.destroyed || output.writableLength === 0) return Promise.resolve()
    return new Promise((resolve) => {
      output.once('error', () => resolve())
      output.write('', () => resolve())
    })
  }
}
