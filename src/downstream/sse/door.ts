// HTTP+SSE of 2024-11-05, deprecated: GET opens the stream and the session, POST brings messages, all answers leave on the stream. The
// session ends with its stream.

import type { ServerResponse } from 'node:http'
import { type Principal, principalKey, samePrincipal } from '../../core/call/principal.ts'
import { fault } from '../../core/faults/catalogue.ts'
import type { Fault } from '../../core/faults/fault.ts'
import { guarded } from '../../core/ports/boundary.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { dataNameBytes, sseComment, sseEvent } from '../../core/protocol/sse.ts'
import type { Arrived, ArrivedPost, DoorContext } from '../door.ts'
import { spreadMs } from '../http/drain.ts'
import { forwardedHeaders } from '../http/forwarded-headers.ts'
import { Heartbeat, type HeartbeatTarget } from '../http/heartbeat.ts'
import { Refusals } from '../http/refusals.ts'
import { streamHeaders } from '../http/reply.ts'
import { pathBelow } from '../http/routes.ts'
import { runHeaders, toolVersions } from '../http/run-headers.ts'
import { cutIfStuck, isSlow } from '../http/slow-client.ts'
import { ClientQuestions } from '../legacy/client-questions.ts'
import { LegacyClientConnection } from '../legacy/connection.ts'
import type { LegacySession } from '../legacy/session.ts'
import { createModernWriter } from '../modern/answer.ts'
import { metaOf } from '../modern/envelope.ts'
import { rawIdOf } from '../modern/receive.ts'

export interface SseDoor {
  /** GET /sse and /sse/{mount}. */
  get(arrived: Arrived): Promise<void>
  /** POST /message?sessionId=… */
  post(arrived: ArrivedPost): Promise<void>
  /** Streams open now, for the gauge. */
  sessions(): number
}

/** The day on which 2025-03-26 replaced this transport, as RFC 9745 wants it. */
const deprecatedSince = '@1742947200'
/** Clients that were warned about, at most so many are remembered. */
const mostWarned = 1_000

export function createSseDoor(context: DoorContext): SseDoor {
  return new Door(context)
}

interface Stream extends HeartbeatTarget {
  readonly res: ServerResponse
  readonly principal: Principal
  readonly connection: LegacyClientConnection
}

class Door implements SseDoor {
  private readonly context: DoorContext
  private readonly refusals: Refusals
  private readonly clientQuestions: ClientQuestions
  private readonly heartbeat: Heartbeat
  /** Path of `publicUrl`. */
  private readonly below: string
  private readonly open = new Map<string, Stream>()
  private readonly warned = new Set<string>()

  constructor(context: DoorContext) {
    this.context = context
    this.refusals = new Refusals(context, createModernWriter(context.server))
    this.clientQuestions = new ClientQuestions(context.clock, context.random, context.ephemeral, context.report)
    this.below = pathBelow(context.settings.publicUrl)
    this.heartbeat = new Heartbeat(context.clock, context.settings.http.keepAliveMs)
    context.draining.addEventListener('abort', () => this.drain(), { once: true })
  }

  sessions(): number {
    return this.open.size
  }

  async get(arrived: Arrived): Promise<void> {
    const { context } = this
    const { res } = arrived
    if (!context.settings.sse.enabled) {
      const off = fault('unknown_mount', { mount: 'sse', served: ['', ...context.gateway.mounts()].map((mount) => `/mcp/${mount}`) })
      return this.refusals.refuse(arrived, off)
    }
    const reason = this.noRoom()
    if (reason !== undefined) return this.refusals.refuse(arrived, reason)
    const id = context.random.id()
    const stream = this.stream(arrived, id)
    this.open.set(id, stream)
    res.on(
      'close',
      guarded<void>(context.report, 'sse_door', () => this.close(id)),
    )
    res.writeHead(200, [...streamHeaders, ...this.deprecation()])
    res.write(sseEvent({ event: 'endpoint', data: Buffer.from(`${this.below}/message?sessionId=${id}`) }))
    this.heartbeat.add(stream)
    if (res.destroyed) this.close(id)
  }

  async post(arrived: ArrivedPost): Promise<void> {
    const { message, body, res, principal } = arrived
    const stream = this.open.get(sessionIn(arrived.req.url ?? ''))
    if (stream === undefined || !samePrincipal(stream.principal, principal)) {
      const method = isObject(message) && typeof message.method === 'string' ? message.method : undefined
      return this.refusals.refuse(arrived, fault('session_unknown'), { id: rawIdOf(message, body), method, meta: metaOf(message) })
    }
    if (this.context.draining.aborted) res.shouldKeepAlive = false
    res.writeHead(202).end()
    await stream.connection.receive(body, message, {
      correlationId: arrived.id,
      principal,
      atMs: arrived.atMs,
      headers: forwardedHeaders(arrived.req.headers, this.context.forwarded),
      runHeaders: runHeaders(arrived.req.headers),
      toolVersions: toolVersions(arrived.req.headers),
      userAgent: arrived.req.headers['user-agent'],
      traceHeaders: arrived.req.headers,
      times: arrived.times,
    })
  }

  private noRoom(): Fault | undefined {
    const { draining, settings } = this.context
    if (draining.aborted) return fault('draining')
    if (this.open.size < settings.sessions.most) return undefined
    const detail = { upstream: 'a session', limit: settings.sessions.most, retryAfterMs: 5_000 }
    return fault('overloaded', detail, { retryAfterMs: 5_000 })
  }

  private stream(arrived: Arrived, id: string): Stream {
    const { res, principal, mount } = arrived
    const connection = new LegacyClientConnection({
      context: this.context,
      clientQuestions: this.clientQuestions,
      transport: 'sse',
      id,
      mount,
      principal,
      largest: this.context.eventBytes - dataNameBytes,
      write: (message, droppable) => this.write(stream, message, droppable),
      opened: (session) => this.warn(session),
      expired: () => this.leave(stream),
    })
    const stream: Stream = {
      res,
      principal,
      connection,
      beat: () => {
        if (res.writableLength === 0) res.write(comment)
      },
    }
    return stream
  }

  private write(stream: Stream, message: Uint8Array, droppable: boolean): boolean {
    const { res } = stream
    if (res.destroyed || res.writableEnded) return false
    if (droppable && isSlow(res)) {
      this.context.report.counters.add('events_dropped', { where: 'sse' })
      return true
    }
    res.write(sseEvent({ event: 'message', data: message }))
    this.heartbeat.wrote(stream)
    cutIfStuck(res, message.length, this.context.report)
    return true
  }

  private close(id: string): void {
    const stream = this.open.get(id)
    if (stream === undefined) return
    this.open.delete(id)
    this.heartbeat.remove(stream)
    stream.connection.end('client_gone')
  }

  /** Streams end one by one, each when nothing of it runs any more; what still runs when the grace is over is ended. */
  private drain(): void {
    const { clock, random, settings } = this.context
    const spread = spreadMs(this.open.size, settings.drain.graceMs)
    for (const stream of this.open.values()) {
      clock.timer(random.fraction() * spread, () => this.leave(stream))
    }
    clock.timer(settings.drain.graceMs, () => {
      for (const stream of this.open.values()) stream.connection.end('drain')
    })
  }

  private leave(stream: Stream): void {
    if (stream.res.destroyed || stream.res.writableEnded) return
    const busy = (stream.connection.session?.busy ?? 0) > 0
    if (busy) this.context.clock.timer(this.context.settings.drain.graceMs / 20, () => this.leave(stream))
    else stream.res.end()
  }

  private deprecation(): readonly string[] {
    const { sunset } = this.context.settings.sse
    return ['Deprecation', deprecatedSince, ...(sunset === undefined ? [] : ['Sunset', new Date(`${sunset}T00:00:00Z`).toUTCString()])]
  }

  /** Once for each client and principal, so that somebody moves it. */
  private warn(session: LegacySession): void {
    const { principal, handshake } = session.profile
    const client = `${handshake.client?.name ?? 'unknown'} ${handshake.client?.version ?? ''}`.trim()
    const key = `${principalKey(principal)} ${client}`
    if (this.warned.has(key) || this.warned.size >= mostWarned) return
    this.warned.add(key)
    const { owner, sunset } = this.context.settings.sse
    this.context.report.log('warn', 'A client uses the deprecated HTTP+SSE transport; it should use /mcp', {
      client,
      subject: principal.sub,
      owner: owner ?? 'nobody: set sse.owner',
      sunset: sunset ?? 'not set: set sse.sunset',
    })
  }
}

/** The value of `sessionId` in the query. Ours need no decoding. */
function sessionIn(url: string): string {
  const query = url.slice(url.indexOf('?') + 1)
  return (
    query
      .split('&')
      .find((pair) => pair.startsWith('sessionId='))
      ?.slice('sessionId='.length) ?? ''
  )
}

const comment = sseComment()
