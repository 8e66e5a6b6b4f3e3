// The front door over HTTP: listens, takes each request through the first checks (host, origin, identity, media type, body,
// JSON) and hands it to the door of its revision. Every refusal is recorded and answered; a bug of ours becomes a 500, never silence.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Socket } from 'node:net'
import { afterReads } from '../../core/call/loop-batch.ts'
import { fault } from '../../core/faults/catalogue.ts'
import type { Fault } from '../../core/faults/fault.ts'
import { guarded, reportBug } from '../../core/ports/boundary.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Identified } from '../../core/ports/gateway.ts'
import type { ListenAddress } from '../../core/ports/listen-address.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { header } from '../../core/protocol/names.ts'
import { withoutBom } from '../../core/protocol/utf8.ts'
import { answerLive, answerReady, type Readiness } from '../admin/health.ts'
import type { Arrived, ArrivedPost, DoorContext, LegacyHttpDoor, WebPages } from '../door.ts'
import { createModernWriter } from '../modern/answer.ts'
import { claimedRevision, metaOf } from '../modern/envelope.ts'
import { rawIdOf } from '../modern/receive.ts'
import { accepted } from './accept.ts'
import { mediaFault, parseBody, type Read, readBody } from './body.ts'
import { answerBroken } from './broken.ts'
import { classify } from './classify.ts'
import { allowOrigin, answerPreflight } from './cors.ts'
import { settleAndRefuse } from './drain.ts'
import { Guard } from './guard.ts'
import { listenOn } from './listener.ts'
import { ModernDoor } from './modern.ts'
import { OpenRequests } from './open-requests.ts'
import { PresentedByHttp } from './presented.ts'
import { limitReceiving, lookingMs } from './receive-limits.ts'
import { Refusals, type Turned } from './refusals.ts'
import { absoluteForm, allowedAt, pathBelow, type Route, route, withoutPrefix } from './routes.ts'
import { tlsOptions } from './tls.ts'

/** HTTP+SSE of 2024-11-05: the stream at `/sse` (also `/sse/{mount}`) and the posts to `/message`. */
export interface SseHttpDoor {
  get(arrived: Arrived): Promise<void>
  post(arrived: ArrivedPost): Promise<void>
}

export interface HttpDoorParts {
  readonly legacy: LegacyHttpDoor
  /** Absent: `/sse` is not served. */
  readonly sse?: SseHttpDoor | undefined
  readonly pages?: readonly WebPages[]
  ready(): Readiness
  /** Host that the configuration names to listen on; '' where it names a socket. */
  readonly listenHost: string
}

export interface HttpGauges {
  /** Requests without an answer yet, streams included. */
  readonly requests: number
  /** Modern calls that run. */
  readonly calls: number
  /** Open `subscriptions/listen` streams. */
  readonly streams: number
  /** Legacy sessions. */
  readonly sessions: number
}

export interface HttpDoor {
  /** Rejects where the address cannot be had (EADDRINUSE, EACCES, …). Port 0 takes a free one. */
  listen<A extends ListenAddress>(address: A): Promise<A>
  /** Stops listening, lets what runs end within `graceMs`, then ends it. Resolves when no connection is left. */
  drain(graceMs: number): Promise<void>
  /** Ends everything at once. */
  close(): Promise<void>
  gauges(): HttpGauges
}

export function createHttpDoor(context: DoorContext, parts: HttpDoorParts): HttpDoor {
  return new Door(context, parts)
}

/** A request before its mount and its principal are known. */
type Came = Omit<Arrived, 'mount' | 'transport' | 'principal'>

/** How long a proxy may go on using a kept connection after the last answer of a draining gateway, in ms. */
const idleGraceMs = { production: 5_000, dev: 100 }

/**
 * Connections that wait to be accepted, of which the kernel takes no more than its own limit (Linux: `net.core.somaxconn`, 4096). Over it
 * Linux drops what comes, and resets clients that it had let connect: a turn of a busy event loop must not suffice for that.
 */
const mostUnaccepted = 4_096

/** How long ended streams get to deliver their last message, in ms. */
const lastWordsMs = 500

class Door implements HttpDoor {
  private readonly context: DoorContext
  private readonly parts: HttpDoorParts
  private readonly server: Server
  /** Path of `publicUrl`, without a slash at the end: '' where it has none. */
  private readonly below: string
  private readonly guard: Guard
  private readonly refusals: Refusals
  private readonly modern: ModernDoor
  private readonly openRequests: OpenRequests

  constructor(context: DoorContext, parts: HttpDoorParts) {
    this.context = context
    this.parts = parts
    const { http, profile } = context.settings
    const { report } = context
    this.openRequests = new OpenRequests(report)
    const writer = createModernWriter(context.server)
    const { publicUrl } = context.settings
    const front = publicUrl === undefined ? undefined : new URL(publicUrl)
    this.below = pathBelow(publicUrl)
    const hosts = front === undefined ? http.hosts : [...http.hosts, front.hostname, front.host]
    const origins = front === undefined ? http.origins : [...http.origins, front.origin]
    this.guard = new Guard({ profile, hosts, origins }, parts.listenHost)
    this.refusals = new Refusals(context, writer)
    this.modern = new ModernDoor(context, writer, this.refusals)
    const { tls } = context.settings
    const options = {
      // Kept-alive connections outlast the usual proxy's idle time.
      keepAliveTimeout: 75_000,
      connectionsCheckingInterval: lookingMs,
      maxHeaderSize: 16_384,
      noDelay: true,
      requireHostHeader: false,
    }
    const take = (req: IncomingMessage, res: ServerResponse): void => this.take(req, res)
    this.server = tls === undefined ? createServer(options, take) : createTlsServer({ ...options, ...tlsOptions(tls) }, take)
    // Nobody may hold a connection by sending slowly.
    limitReceiving(this.server, context.clock, 15_000, 60_000)
    this.server.on('connection', (socket) =>
      socket.on(
        'close',
        guarded<unknown>(report, 'http_door', () => this.openRequests.hungUp(socket)),
      ),
    )
    this.server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
      try {
        this.broken(error, socket)
      } catch (bug) {
        reportBug(report, 'http_door', bug)
        socket.destroy()
      }
    })
    context.draining.addEventListener('abort', () => this.beginDrain(), { once: true })
  }

  listen<A extends ListenAddress>(address: A): Promise<A> {
    const failed = (error: Error): void => this.context.report.log('error', 'The listener failed', { error: String(error) })
    return listenOn(this.server, { address, backlog: mostUnaccepted, failed })
  }

  async drain(graceMs: number): Promise<void> {
    const { clock, settings } = this.context
    this.beginDrain()
    await settleAndRefuse(this.server)
    this.modern.endListens(graceMs)
    await this.untilIdle(graceMs)
    if (this.openRequests.size > 0) {
      this.modern.endAll()
      await this.untilIdle(lastWordsMs)
    }
    await this.untilClosed(clock, Math.min(graceMs, idleGraceMs[settings.profile]))
    await this.close()
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.server.listening) this.server.close()
      this.server.closeAllConnections()
      this.server.getConnections((_error, count) => {
        if (count === 0) resolve()
        else this.server.once('close', () => resolve())
      })
    })
  }

  gauges(): HttpGauges {
    return {
      requests: this.openRequests.size,
      calls: this.modern.calls,
      streams: this.modern.streams,
      sessions: this.parts.legacy.sessions(),
    }
  }

  private take(req: IncomingMessage, res: ServerResponse): void {
    const openRequest = this.openRequests.begin(req, res)
    if (this.context.draining.aborted) res.shouldKeepAlive = false
    const { clock, random } = this.context
    const at = clock.mono()
    const atMs = clock.now()
    const turned = { req, res, openRequest, id: random.callId(atMs), atMs, times: { at, identifiedAt: at } }
    this.attempt(turned, () => this.arrive(turned))
  }

  /** What a step leaves running is nobody's to wait for; a bug in it is answered and told. */
  private attempt(turned: Came & Partial<Turned>, step: () => Promise<void> | void): void {
    try {
      step()?.catch((error: unknown) => this.bug(turned, error))
    } catch (error) {
      this.bug(turned, error)
    }
  }

  private arrive(turned: Came): Promise<void> | void {
    const { req } = turned
    const target = req.url ?? '/'
    const absolute = target.startsWith('/') ? undefined : absoluteForm(target)
    const path = absolute?.path ?? target
    req.url = this.below === '' ? path : withoutPrefix(path, this.below)
    return this.walk(turned, route(req.url), absolute?.host)
  }

  /** `host`: of a target in absolute-form. The header has to be good as well, since others may read that one. */
  private walk(turned: Came, to: Route, host?: string): Promise<void> | void {
    const { req, res, openRequest, id, atMs, times } = turned
    const { mount } = to
    if (to.to === 'livez') return probe(req, res, () => answerLive(res))
    const transport = to.to === 'sse' || to.to === 'message' ? 'sse' : 'http'
    const at = { req, res, openRequest, id, atMs, times, mount, transport } as const
    const named = host === undefined ? undefined : this.guard.host(req, host)
    const wrongHost = named ?? this.guard.host(req)
    const pages = to.to === 'nothing' && wrongHost === undefined ? this.pagesAt(req) : undefined
    if (pages !== undefined) return pages.serve(req, res)
    const refused = wrongHost ?? this.letIn(req, res)
    if (refused !== undefined) return this.refusals.refuse(at, refused)
    if (to.to === 'readyz') return probe(req, res, () => answerReady(res, this.parts.ready()))
    if (to.to === 'nothing' || (to.to !== 'mcp' && this.parts.sse === undefined)) return notFound(res)
    if (req.method === 'OPTIONS') return answerPreflight(req, res, allowedAt(to), this.context.forwarded)
    const who = this.context.gateway.identify(new PresentedByHttp(req, transport, mount))
    return who instanceof Promise ? who.then((known) => this.identified(at, known, to)) : this.identified(at, who, to)
  }

  private pagesAt(req: IncomingMessage): WebPages | undefined {
    const path = req.url?.split('?', 1)[0] ?? '/'
    return this.parts.pages?.find(({ paths }) => paths.some((own) => path === own || path.startsWith(`${own}/`)))
  }

  private identified(at: Omit<Arrived, 'principal'>, who: Identified, to: Route): Promise<void> | void {
    if (who.dpopNonce !== undefined) at.res.setHeader('DPoP-Nonce', who.dpopNonce)
    if ('fault' in who) return this.refusals.refuse(at, who.fault)
    const { req, res, openRequest, id, atMs, times, mount, transport } = at
    times.identifiedAt = this.context.clock.mono()
    const arrived: Arrived = { req, res, openRequest, id, atMs, times, mount, transport, principal: who.principal }
    if (mount !== '' && !this.context.gateway.mounts().includes(mount)) {
      const served = this.context.gateway.mounts().map((name) => `/mcp/${name}`)
      return this.refusals.refuse(arrived, fault('unknown_mount', { mount, served: ['/mcp', ...served].join(', ') }))
    }
    return to.to === 'mcp' ? this.mcp(arrived, to) : this.sse(arrived, to)
  }

  private mcp(arrived: Arrived, to: Route): Promise<void> | void {
    switch (arrived.req.method) {
      case 'POST':
        return this.post(arrived)
      case 'GET':
        return this.attempt(arrived, () => this.parts.legacy.get(arrived))
      case 'DELETE':
        return this.attempt(arrived, () => this.parts.legacy.delete(arrived))
      default:
        return this.wrongVerb(arrived, to)
    }
  }

  private sse(arrived: Arrived, to: Route): Promise<void> | void {
    const { sse } = this.parts
    const { method } = arrived.req
    if (sse === undefined) return notFound(arrived.res)
    if (to.to === 'sse' && method === 'GET') return this.attempt(arrived, () => sse.get(arrived))
    if (to.to !== 'message' || method !== 'POST') return this.wrongVerb(arrived, to)
    this.read(arrived, (post) => sse.post(post))
  }

  private post(arrived: Arrived): void {
    const accept = accepted(arrived.req.headers.accept)
    if (accept.json || accept.sse) this.read(arrived, (post) => this.dispatch(post))
    else this.refusals.refuse(arrived, fault('not_acceptable', { needs: 'application/json and text/event-stream' }))
  }

  private dispatch(post: ArrivedPost): Promise<void> | void {
    const { headers } = post.req
    const classified = classify(post.message, text(headers[header.protocolVersion]), text(headers[header.method]))
    switch (classified.to) {
      case 'modern':
        return this.modern.post(post)
      case 'legacy':
        return this.parts.legacy.post(post)
      case 'pong':
        return this.modern.pong(post)
      case 'accepted':
        post.res.writeHead(202, ['Content-Length', '0'])
        post.res.end()
        return
      case 'refused':
        return this.refuseMessage(post, post.message, post.body, classified.fault)
    }
  }

  /** Reads and parses the body. `next` is not called where the request was refused or the client went away. */
  private read(arrived: Arrived, next: (post: ArrivedPost) => Promise<void> | void): void {
    const unread = mediaFault(arrived.req)
    if (unread !== undefined) {
      this.refusals.refuse(arrived, unread)
      return
    }
    const go = (read: Read): Promise<void> | void => {
      const post = this.parse(arrived, read)
      return post === undefined ? undefined : next(post)
    }
    readBody(arrived.req, this.context.settings.http.bodyBytes, (read) => afterReads(() => this.attempt(arrived, () => go(read))))
  }

  private parse(arrived: Arrived, read: Read): ArrivedPost | undefined {
    const { req, res, openRequest, id, atMs, times, mount, transport, principal } = arrived
    if ('fault' in read) {
      this.refusals.refuse(arrived, read.fault)
      return undefined
    }
    const body = withoutBom(read.body)
    const { message, fault: wrong } = parseBody(body)
    if (wrong === undefined) return { req, res, openRequest, id, atMs, times, mount, transport, principal, body, message }
    this.refuseMessage(arrived, message, body, wrong)
    return undefined
  }

  private refuseMessage(arrived: Arrived, message: unknown, body: Buffer, wrong: Fault): void {
    const method = isObject(message) && typeof message.method === 'string' ? message.method : undefined
    this.refusals.refuse(arrived, wrong, { id: rawIdOf(message, body), method, revision: claimedRevision(message), meta: metaOf(message) })
  }

  private wrongVerb(arrived: Arrived, to: Route): void {
    this.refusals.refuse(arrived, fault('method_not_allowed', { verb: arrived.req.method ?? 'none', allow: allowedAt(to) }))
  }

  /** Browsers say where their page comes from; other clients send no Origin. */
  private letIn(req: IncomingMessage, res: ServerResponse): Fault | undefined {
    const { origin } = req.headers
    if (origin === undefined) return undefined
    const refused = this.guard.origin(origin)
    if (refused === undefined) allowOrigin(res, origin)
    return refused
  }

  private broken(error: NodeJS.ErrnoException, socket: Socket): void {
    let answering = false
    for (const { res } of this.openRequests) if (res.socket === socket && res.headersSent) answering = true
    const refusal = answerBroken(error, socket, answering)
    if (refusal === undefined) return
    const { clock, random } = this.context
    const at = clock.mono()
    const times = { at, identifiedAt: at }
    const atMs = clock.now()
    this.refusals.note({ id: random.callId(atMs), atMs, times, mount: '', transport: 'http' }, refusal)
  }

  private bug(turned: Came & Partial<Turned>, error: unknown): void {
    const { res } = turned
    // Not the request's: a call of that id may have been begun, or a refusal recorded, and either has its record.
    const { clock, random } = this.context
    const id = random.callId(clock.now())
    reportBug(this.context.report, 'http_door', error, { correlationId: id, request: turned.id })
    if (res.headersSent) res.destroy()
    else
      this.refusals.refuse(
        { ...turned, id, mount: turned.mount ?? '', transport: turned.transport ?? 'http' },
        fault('internal', { correlationId: id }),
      )
  }

  /** Answers from now on ask the client to come back on another connection. */
  private beginDrain(): void {
    for (const { res } of this.openRequests) if (!res.headersSent) res.shouldKeepAlive = false
  }

  private untilIdle(atMostMs: number): Promise<void> {
    if (this.openRequests.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = this.context.clock.timer(atMostMs, () => this.openRequests.onIdle?.())
      this.openRequests.onIdle = () => {
        this.openRequests.onIdle = undefined
        timer.cancel()
        resolve()
      }
    })
  }

  private untilClosed(clock: Clock, atMostMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = clock.timer(atMostMs, resolve)
      const done = (): void => {
        timer.cancel()
        resolve()
      }
      this.server.getConnections((_error, count) => {
        if (count === 0) done()
        else this.server.once('close', done)
      })
    })
  }
}

/** Addresses that are only read. */
function probe({ method }: IncomingMessage, res: ServerResponse, answer: () => void): void {
  if (method === 'GET' || method === 'HEAD') answer()
  else {
    const status = method === 'OPTIONS' ? 204 : 405
    res.writeHead(status, ['Allow', allowedAt(route('/livez')), ...(status === 204 ? [] : ['Content-Length', '0'])]).end()
  }
}

function text(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function notFound(res: ServerResponse): void {
  const body = Buffer.from('{"error":"Nothing is served here. MCP is at /mcp."}')
  res.writeHead(404, ['Content-Type', 'application/json', 'Content-Length', String(body.length)])
  res.end(body)
}
