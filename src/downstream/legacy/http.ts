// The door of the legacy revisions over Streamable HTTP (2025-03-26 to 2025-11-25): POST, GET and DELETE of sessions, batches, resumption.
// A client that disconnects has not cancelled: its call goes on, and the result waits in the stream's ring.

import type { ServerResponse } from 'node:http'
import { fault } from '../../core/faults/catalogue.ts'
import type { Fault } from '../../core/faults/fault.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import type { IncomingNotification, IncomingRequest } from '../../core/protocol/jsonrpc.ts'
import { header, isLegacyRevision, legacyRevisions } from '../../core/protocol/names.ts'
import { dataNameBytes, sseRetry } from '../../core/protocol/sse.ts'
import type { Arrived, ArrivedPost, DoorContext, LegacyHttpDoor } from '../door.ts'
import { type Accepted, accepted } from '../http/accept.ts'
import { spreadMs } from '../http/drain.ts'
import { forwardedHeaders } from '../http/forwarded-headers.ts'
import { Heartbeat } from '../http/heartbeat.ts'
import { type Named, Refusals, writeJson } from '../http/refusals.ts'
import { streamHeaders } from '../http/reply.ts'
import { runHeaders, toolVersions } from '../http/run-headers.ts'
import { createModernWriter } from '../modern/answer.ts'
import { claimedRevision, metaOf } from '../modern/envelope.ts'
import { rawIdOf } from '../modern/receive.ts'
import type { Arrival } from './arrival.ts'
import { handshake } from './handshake.ts'
import { mostInBatch, readClientMessage, splitBatch } from './message.ts'
import { PostReply } from './post-reply.ts'
import { type HttpSession, SessionTable } from './session-table.ts'
import { readEventId, reconnectMs } from './stream.ts'

/** After this long without an answer a POST becomes a stream, in ms. */
const lateMs = 1_000
/** Shortest wait before a client comes back from a drain, in ms; the longest is `reconnectMs`. */
const soonestMs = 300

export function createLegacyHttpDoor(context: DoorContext): LegacyHttpDoor {
  return new LegacyDoor(context)
}

class LegacyDoor implements LegacyHttpDoor {
  private readonly context: DoorContext
  private readonly refusals: Refusals
  private readonly table: SessionTable
  private readonly late: Heartbeat

  constructor(context: DoorContext) {
    this.context = context
    this.refusals = new Refusals(context, createModernWriter(context.server))
    this.table = new SessionTable(context)
    this.late = new Heartbeat(context.clock, Math.min(lateMs, context.settings.http.keepAliveMs))
    context.draining.addEventListener('abort', () => this.drain(), { once: true })
  }

  sessions(): number {
    return this.table.size
  }

  async post(arrived: ArrivedPost): Promise<void> {
    const accept = accepted(arrived.req.headers.accept)
    if (!accept.json && !accept.sse) {
      return this.refuse(arrived, fault('not_acceptable', { needs: 'application/json and text/event-stream' }), namedIn(arrived))
    }
    const wrong = revisionFault(arrived)
    if (wrong !== undefined) return this.refuse(arrived, wrong, namedIn(arrived))
    if (Array.isArray(arrived.message)) return this.postBatch(arrived, accept)
    const message = readClientMessage(arrived.body, arrived.message)
    if (message.kind === 'unreadable') {
      return this.refuse(arrived, fault('invalid_request', { reason: message.reason }), namedIn(arrived))
    }
    if (message.kind === 'request' && message.method === 'initialize') return this.initialize(arrived, message)
    const finding = this.find(arrived, () => namedIn(arrived))
    const found = finding instanceof Promise ? await finding : finding
    if (found === undefined) return
    if (message.kind === 'request') {
      const reply = this.reply(found, arrived.res, accept, 1, false)
      try {
        await found.session.request(message, this.arrival(arrived), reply)
      } catch (bug) {
        reply.leave()
        throw bug
      }
      return
    }
    accept202(arrived.res)
    if (message.kind === 'notification') this.notified(found, message)
    else found.session.response(message, arrived.body)
  }

  async get(arrived: Arrived): Promise<void> {
    const { req, res } = arrived
    if (!accepted(req.headers.accept).sse) return this.refuse(arrived, fault('not_acceptable', { needs: 'text/event-stream' }))
    const wrong = revisionFault(arrived)
    if (wrong !== undefined) return this.refuse(arrived, wrong)
    const found = await this.find(arrived)
    if (found === undefined || res.destroyed) return
    const last = req.headers[header.lastEventId]
    const id = typeof last === 'string' ? readEventId(last) : undefined
    const resumed = id === undefined ? { stream: found.common, after: undefined } : this.table.resumed(found, id)
    // 405 is the specification's word for "there is no such stream here", which clients take without a second try.
    if (resumed === undefined) {
      const over = { verb: 'GET', reason: 'the stream is over', allow: 'POST, DELETE, OPTIONS' }
      return this.refuse(arrived, fault('method_not_allowed', over), agreed(found))
    }
    const { stream } = resumed
    if (this.context.draining.aborted) return this.turnAway(res)
    // A client that asks again has lost the stream it had, though nothing may have told us: the new one takes its place.
    stream.attach(res, resumed.after)
    if (stream === found.common) found.session.listen(true)
  }

  async delete(arrived: Arrived): Promise<void> {
    const wrong = revisionFault(arrived)
    if (wrong !== undefined) return this.refuse(arrived, wrong)
    const found = await this.find(arrived)
    if (found === undefined) return
    await this.table.close(found)
    this.table.clientQuestions.hint({ kind: 'ended', session: found.session.profile.id })
    arrived.res.writeHead(204).end()
  }

  private async initialize(arrived: ArrivedPost, message: IncomingRequest): Promise<void> {
    const { context } = this
    const { mount, principal, res } = arrived
    if (context.draining.aborted) return this.refuse(arrived, fault('draining'), namedIn(arrived))
    const opening = { session: context.random.id(), transport: 'http', mount, principal } as const
    const opened = await handshake(context, opening, message, this.arrival(arrived))
    if (opened.handshake !== undefined) {
      const { token } = await this.table.mint(opening.session, mount, principal, opened.handshake)
      context.report.counters.add('sessions_opened', { transport: 'http' })
      res.setHeader('Mcp-Session-Id', token)
    }
    this.leaving(res)
    const gone = res.destroyed
    if (!gone) writeJson(res, opened.challenged?.entry.status ?? 200, opened.answer, opened.challenged)
    opened.exchange.close(gone ? 'client_gone' : 'delivered')
  }

  private async postBatch(arrived: ArrivedPost, accept: Accepted): Promise<void> {
    const found = await this.find(arrived)
    if (found === undefined) return
    const batch = arrived.message as readonly unknown[]
    if (found.session.profile.handshake.revision !== '2025-03-26') {
      return this.refuse(arrived, fault('invalid_request', { reason: 'only revision 2025-03-26 has batches' }), agreed(found))
    }
    if (batch.length > mostInBatch) {
      return this.refuse(arrived, fault('invalid_request', { reason: `a batch holds at most ${mostInBatch} messages` }), agreed(found))
    }
    const parts = splitBatch(arrived.body).map((bytes, i) => ({ bytes, message: readClientMessage(bytes, batch[i]) }))
    const broken = parts.find(({ message }) => message.kind === 'unreadable')?.message
    if (broken?.kind === 'unreadable') return this.refuse(arrived, fault('invalid_request', { reason: broken.reason }), agreed(found))
    const requests = parts.flatMap(({ message }) => (message.kind === 'request' ? [message] : []))
    const reply = requests.length === 0 ? accept202(arrived.res) : this.reply(found, arrived.res, accept, requests.length, true)
    for (const { bytes, message } of parts) {
      if (message.kind === 'notification') this.notified(found, message)
      else if (message.kind === 'result' || message.kind === 'error') found.session.response(message, bytes)
    }
    if (reply === undefined) return
    // Each is a call of its own, with its own record.
    const arrival = this.arrival(arrived)
    const own = (i: number): Arrival => (i === 0 ? arrival : { ...arrival, correlationId: this.context.random.callId(arrival.atMs) })
    try {
      await Promise.all(requests.map((request, i) => found.session.request(request, own(i), reply)))
    } catch (bug) {
      reply.leave()
      throw bug
    }
  }

  private notified(found: HttpSession, message: IncomingNotification): void {
    const elsewhere = found.session.notification(message)
    if (elsewhere !== undefined) this.table.clientQuestions.hint({ kind: 'cancel', session: found.session.profile.id, request: elsewhere })
  }

  private reply(found: HttpSession, res: ServerResponse, accept: Accepted, expected: number, batch: boolean): PostReply {
    this.leaving(res)
    return new PostReply({
      res,
      json: accept.json && !accept.streamFirst,
      sse: accept.sse,
      largestEvent: this.context.eventBytes - dataNameBytes,
      expected,
      batch,
      late: this.late,
      stream: () => this.table.answerStream(found),
      done: (stream) => this.table.answered(found, stream),
    })
  }

  /** The session of a request, or undefined where the request was refused. */
  private find(arrived: Arrived, named?: () => Named): HttpSession | undefined | Promise<HttpSession | undefined> {
    const token = arrived.req.headers[header.sessionId]
    if (typeof token !== 'string') {
      this.refuse(arrived, fault('invalid_request', { reason: 'Mcp-Session-Id is missing; begin with initialize' }), named?.())
      return undefined
    }
    const known = (found: HttpSession | undefined): HttpSession | undefined => {
      if (found === undefined) this.refuse(arrived, fault('session_unknown'), named?.())
      return found
    }
    const found = this.table.find(token, arrived.principal, arrived.mount)
    return found instanceof Promise ? found.then(known) : known(found)
  }

  /** Streams end one by one with a time to come back; what still runs when the grace is over is ended. */
  private drain(): void {
    const { clock, random, settings } = this.context
    const streams = [...this.table.all()].filter((one) => one.common.attached).length
    const spread = spreadMs(streams, settings.drain.graceMs)
    for (const one of this.table.all()) {
      clock.timer(random.fraction() * spread, () => one.common.detach(this.spreadRetry()))
    }
    clock.timer(settings.drain.graceMs, () => {
      for (const one of this.table.all()) one.session.end('drain')
    })
  }

  private turnAway(res: ServerResponse): void {
    this.leaving(res)
    res.writeHead(200, streamHeaders as string[])
    res.end(sseRetry(this.spreadRetry()))
  }

  private spreadRetry(): number {
    return Math.round(soonestMs + this.context.random.fraction() * (reconnectMs - soonestMs))
  }

  private leaving(res: ServerResponse): void {
    if (this.context.draining.aborted) res.shouldKeepAlive = false
  }

  private arrival(arrived: Arrived): Arrival {
    const headers = forwardedHeaders(arrived.req.headers, this.context.forwarded)
    return {
      correlationId: arrived.id,
      principal: arrived.principal,
      atMs: arrived.atMs,
      headers,
      runHeaders: runHeaders(arrived.req.headers),
      toolVersions: toolVersions(arrived.req.headers),
      userAgent: arrived.req.headers['user-agent'],
      traceHeaders: arrived.req.headers,
      times: arrived.times,
    }
  }

  private refuse(arrived: Arrived, reason: Fault, named: Named = {}): void {
    this.leaving(arrived.res)
    this.refusals.refuse(arrived, reason, named)
  }
}

/** `MCP-Protocol-Version`, where it is sent, names a revision that is served here; absent is 2025-03-26 or what was agreed. */
function revisionFault(arrived: Arrived): Fault | undefined {
  const revision = arrived.req.headers[header.protocolVersion]
  if (revision === undefined || (typeof revision === 'string' && isLegacyRevision(revision))) return undefined
  return fault('unsupported_revision', { requested: String(revision), supported: legacyRevisions })
}

function namedIn(arrived: ArrivedPost): Named {
  const { message } = arrived
  if (!isObject(message) || typeof message.method !== 'string') return {}
  return { id: rawIdOf(message, arrived.body), method: message.method, revision: claimedRevision(message), meta: metaOf(message) }
}

/** Clients of 2025-03-26 send no header that says their revision. */
function agreed(found: HttpSession): Named {
  return { revision: found.session.profile.handshake.revision }
}

function accept202(res: ServerResponse): undefined {
  res.writeHead(202).end()
  return undefined
}
