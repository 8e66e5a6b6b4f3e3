// The door of the legacy revisions over Streamable HTTP (2025-03-26 to 2025-11-25): sessions, their streams, resumption, batches.
// A client that disconnects has not cancelled: its call goes on, and the result waits in the stream's ring.
import type { ServerResponse } from 'node:http'
import type { Principal } from '../../core/call/call.ts'
import { fault } from '../../core/faults/catalogue.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { Timer } from '../../core/ports/clock.ts'
import type { IncomingRequest } from '../../core/protocol/jsonrpc.ts'
import { header, isLegacyRevision, legacyRevisions } from '../../core/protocol/names.ts'
import type { Arrived, ArrivedPost, DoorContext, LegacyHttpDoor } from '../door.ts'
import { Pulse } from '../http/pulse.ts'
import { type Named, Refusals, writeJson } from '../http/refusals.ts'
import { streamHeaders } from '../http/reply.ts'
import { createModernWriter } from '../modern/answer.ts'
import { rawIdOf } from '../modern/receive.ts'
import type { Handshake } from './capabilities.ts'
import { handshake } from './handshake.ts'
import { forwardedHeaders } from './headers.ts'
import { type Hint, Mailbox } from './mailbox.ts'
import { isObject, mostInBatch, readClientMessage, splitBatch } from './message.ts'
import { PostReply } from './post-reply.ts'
import { type Arrival, type CommonChannel, LegacySession, type SessionState } from './session.ts'
import { keyOf, SessionStore } from './session-store.ts'
import { EventStream, readEventId, reconnectMs } from './stream.ts'

/** After this long without an answer a POST becomes a stream, in ms. */
const lateMs = 1_000
/** Streams that are over, kept for clients that come back: how many, how many bytes together. */
const mostOver = 4_096
const overBytes = 67_108_864

export function createLegacyHttpDoor(context: DoorContext): LegacyHttpDoor {
  return new LegacyDoor(context)
}

interface HttpSession {
  /** `Mcp-Session-Id`. */
  readonly token: string
  readonly session: LegacySession
  readonly common: EventStream
  readonly streams: Map<string, EventStream>
  /** Monotonic ms of the last request. */
  seenAt: number
  /** Monotonic ms of the last time the record was kept alive. */
  keptAt: number
}

class LegacyDoor implements LegacyHttpDoor {
  private readonly context: DoorContext
  private readonly refusals: Refusals
  private readonly mailbox: Mailbox
  private readonly store: SessionStore
  private readonly alive: Pulse
  private readonly late: Pulse
  private readonly open = new Map<string, HttpSession>()
  private readonly reviving = new Map<string, Promise<HttpSession | undefined>>()
  private readonly over = new Map<EventStream, HttpSession>()
  private overSize = 0
  private nextStream = 1
  private sweeping: Timer | undefined

  constructor(context: DoorContext) {
    this.context = context
    const { clock, random, ephemeral, report, settings } = context
    this.refusals = new Refusals(context.gateway, createModernWriter(context.server))
    this.mailbox = new Mailbox(clock, random, ephemeral, report)
    this.mailbox.onHint = (hint) => this.hinted(hint)
    this.store = new SessionStore(context.sealer, ephemeral, settings.sessions.idleMs)
    this.alive = new Pulse(clock, settings.http.keepAliveMs)
    this.late = new Pulse(clock, Math.min(lateMs, settings.http.keepAliveMs))
    context.draining.addEventListener('abort', () => this.drain(), { once: true })
  }

  sessions(): number {
    return this.open.size
  }

  async post(arrived: ArrivedPost): Promise<void> {
    const accept = accepted(arrived.req.headers.accept)
    const named = namedIn(arrived)
    if (!accept.json && !accept.sse) {
      return this.refuse(arrived, fault('not_acceptable', { needs: 'application/json and text/event-stream' }), named)
    }
    const wrong = revisionFault(arrived)
    if (wrong !== undefined) return this.refuse(arrived, wrong, named)
    if (Array.isArray(arrived.message)) return this.postBatch(arrived, accept)
    const message = readClientMessage(arrived.body, arrived.message)
    if (message.kind === 'unreadable') return this.refuse(arrived, fault('invalid_request', { reason: message.reason }), named)
    if (message.kind === 'request' && message.method === 'initialize') return this.initialize(arrived, message)
    const found = await this.find(arrived, named)
    if (found === undefined) return
    if (message.kind === 'request') {
      const reply = this.reply(found, arrived.res, accept, 1, false)
      return found.session.request(message, this.arrival(arrived), reply)
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
    const found = await this.find(arrived, {})
    if (found === undefined || res.destroyed) return
    const resumed = typeof req.headers[header.lastEventId] === 'string' ? readEventId(String(req.headers[header.lastEventId])) : undefined
    const stream = resumed === undefined || resumed.stream === found.common.id ? found.common : found.streams.get(resumed.stream)
    // The specification's word for "there is no stream here", which clients take without a second try.
    if (stream === undefined || (resumed !== undefined && !stream.hasAfter(resumed.seq))) {
      return this.refuse(arrived, fault('method_not_allowed', { verb: 'GET', reason: 'the stream is over' }))
    }
    if (resumed === undefined && stream.attached) {
      return this.conflict(arrived)
    }
    if (this.context.draining.aborted) return this.turnAway(res)
    stream.attach(res, resumed?.seq)
    if (stream === found.common) found.session.listen(true)
  }

  async delete(arrived: Arrived): Promise<void> {
    const wrong = revisionFault(arrived)
    if (wrong !== undefined) return this.refuse(arrived, wrong)
    const found = await this.find(arrived, {})
    if (found === undefined) return
    await this.close(found)
    this.mailbox.hint({ kind: 'ended', session: found.session.profile.id })
    arrived.res.writeHead(204).end()
  }

  private async initialize(arrived: ArrivedPost, message: IncomingRequest): Promise<void> {
    const { context } = this
    const named = { id: message.id, method: message.method }
    if (context.draining.aborted) return this.refuse(arrived, fault('draining'), named)
    const { mount, principal } = arrived
    const opening = { session: context.random.id(), transport: 'http', mount, principal } as const
    const opened = await handshake(context, opening, message, this.arrival(arrived))
    if (opened.handshake !== undefined) {
      const { token, record } = this.store.mint({ id: opening.session, mount, principal, handshake: opened.handshake })
      await this.store.keep(opening.session, record)
      this.makeRoom()
      this.add(token, opening.session, arrived.mount, arrived.principal, opened.handshake, { level: undefined, uris: [] })
      context.report.counters.add('sessions_opened', { transport: 'http' })
      arrived.res.setHeader('Mcp-Session-Id', token)
    }
    this.leaving(arrived.res)
    const gone = arrived.res.destroyed
    if (!gone) writeJson(arrived.res, 200, opened.answer)
    opened.exchange.close(gone ? 'client_gone' : 'delivered')
  }

  private async postBatch(arrived: ArrivedPost, accept: Accepted): Promise<void> {
    const found = await this.find(arrived, {})
    if (found === undefined) return
    const batch = arrived.message as readonly unknown[]
    if (found.session.profile.handshake.revision !== '2025-03-26') {
      return this.refuse(arrived, fault('invalid_request', { reason: 'only revision 2025-03-26 has batches' }))
    }
    if (batch.length > mostInBatch) {
      return this.refuse(arrived, fault('invalid_request', { reason: `a batch holds at most ${mostInBatch} messages` }))
    }
    const parts = splitBatch(arrived.body).map((bytes, i) => ({ bytes, message: readClientMessage(bytes, batch[i]) }))
    const broken = parts.find(({ message }) => message.kind === 'unreadable')?.message
    if (broken?.kind === 'unreadable') return this.refuse(arrived, fault('invalid_request', { reason: broken.reason }))
    const requests = parts.flatMap(({ message }) => (message.kind === 'request' ? [message] : []))
    if (requests.length === 0) accept202(arrived.res)
    const reply = requests.length === 0 ? undefined : this.reply(found, arrived.res, accept, requests.length, true)
    for (const { bytes, message } of parts) {
      if (message.kind === 'notification') this.notified(found, message)
      else if (message.kind === 'result' || message.kind === 'error') found.session.response(message, bytes)
    }
    if (reply === undefined) return
    // Each is a call of its own, with its own record.
    await Promise.all(
      requests.map((request, i) => {
        const arrival = this.arrival(arrived)
        return found.session.request(request, i === 0 ? arrival : { ...arrival, correlationId: this.context.random.id() }, reply)
      }),
    )
  }

  private notified(found: HttpSession, message: Parameters<LegacySession['notification']>[0]): void {
    const elsewhere = found.session.notification(message)
    if (elsewhere !== undefined) this.mailbox.hint({ kind: 'cancel', session: found.session.profile.id, request: elsewhere })
  }

  private reply(found: HttpSession, res: ServerResponse, accept: Accepted, expected: number, batch: boolean): PostReply {
    this.leaving(res)
    return new PostReply({
      res,
      json: accept.json,
      sse: accept.sse,
      expected,
      batch,
      late: this.late,
      stream: () => {
        const stream = this.stream(found.session.profile.handshake, `${this.mailbox.replica}.${this.nextStream++}`)
        found.streams.set(stream.id, stream)
        return stream
      },
      done: (stream) => {
        found.seenAt = this.context.clock.mono()
        if (stream !== undefined) this.keepOver(stream, found)
      },
    })
  }

  private stream(agreed: Handshake, id: string): EventStream {
    return new EventStream({ id, primes: agreed.revision >= '2025-11-25', pulse: this.alive, report: this.context.report })
  }

  /** A stream that is over stays for a client that has lost its end; the oldest make room. */
  private keepOver(stream: EventStream, owner: HttpSession): void {
    if (owner.session.ended) return
    this.over.set(stream, owner)
    this.overSize += stream.bytes
    for (const [oldest, session] of this.over) {
      if (oldest === stream || (this.over.size <= mostOver && this.overSize <= overBytes)) break
      this.forget(oldest, session)
    }
  }

  private forget(stream: EventStream, owner: HttpSession): void {
    owner.streams.delete(stream.id)
    if (this.over.delete(stream)) this.overSize -= stream.bytes
  }

  /** The session of a request, or undefined where the request was refused. */
  private async find(arrived: Arrived, named: Named): Promise<HttpSession | undefined> {
    const token = arrived.req.headers[header.sessionId]
    if (typeof token !== 'string') {
      this.refuse(arrived, fault('invalid_request', { reason: 'Mcp-Session-Id is missing; begin with initialize' }), named)
      return undefined
    }
    const found = this.open.get(token) ?? (await this.revive(token, arrived))
    const { principal, mount } = found?.session.profile ?? {}
    const own = principal?.sub === arrived.principal.sub && principal.iss === arrived.principal.iss && mount === arrived.mount
    if (found === undefined || found.session.ended || !own || this.expired(found)) {
      if (found !== undefined && own && this.expired(found)) await this.close(found)
      this.refuse(arrived, fault('session_unknown'), named)
      return undefined
    }
    this.touch(found)
    return found
  }

  /** A session that another replica opened, or this one before it restarted: its id says what it is, its record that it lives. */
  private revive(token: string, arrived: Arrived): Promise<HttpSession | undefined> {
    const key = `${token} ${keyOf(arrived.principal)}`
    const running = this.reviving.get(key)
    if (running !== undefined) return running
    const work = this.restored(token, arrived).finally(() => this.reviving.delete(key))
    this.reviving.set(key, work)
    return work
  }

  private async restored(token: string, arrived: Arrived): Promise<HttpSession | undefined> {
    const sealed = this.store.open(token)
    if (sealed === undefined || sealed.owner !== keyOf(arrived.principal)) return undefined
    const record = await this.store.find(sealed.id)
    if (record === undefined) return undefined
    const agreed = { ...sealed.handshake, capabilities: record.capabilities ?? sealed.handshake.capabilities }
    this.makeRoom()
    return this.open.get(token) ?? this.add(token, sealed.id, sealed.mount, arrived.principal, agreed, record)
  }

  private add(token: string, id: string, mount: string, principal: Principal, agreed: Handshake, state: SessionState): HttpSession {
    const common = this.stream(agreed, '0')
    const session = new LegacySession({
      context: this.context,
      mailbox: this.mailbox,
      profile: { id, transport: 'http', mount, principal, handshake: agreed },
      common: common satisfies CommonChannel,
      state,
      keep: async (changed) => {
        await this.store.keep(id, this.store.record(agreed, changed))
        this.mailbox.hint({ kind: 'changed', session: id })
      },
    })
    const now = this.context.clock.mono()
    const added: HttpSession = { token, session, common, streams: new Map(), seenAt: now, keptAt: now }
    this.open.set(token, added)
    this.sweep()
    return added
  }

  private touch(found: HttpSession): void {
    const now = this.context.clock.mono()
    found.seenAt = now
    if (now - found.keptAt < this.context.settings.sessions.idleMs / 4) return
    found.keptAt = now
    void this.store.keep(found.session.profile.id, this.store.record(found.session.profile.handshake, found.session.state))
  }

  private expired(found: HttpSession): boolean {
    if (found.session.busy > 0 || found.common.attached) return false
    return this.context.clock.mono() - found.seenAt > this.context.settings.sessions.idleMs
  }

  /** The session that was idle longest goes; one with an open stream or a running call only if there is no other. */
  private makeRoom(): void {
    if (this.open.size < this.context.settings.sessions.most) return
    let victim: HttpSession | undefined
    for (const one of this.open.values()) if (victim === undefined || rank(one) < rank(victim)) victim = one
    if (victim === undefined) return
    this.context.report.log('info', 'a session made room for a new one', { client: victim.session.profile.handshake.client?.name })
    void this.close(victim)
  }

  private async close(found: HttpSession): Promise<void> {
    this.end(found)
    await this.store.remove(found.session.profile.id)
  }

  private end(found: HttpSession): void {
    this.open.delete(found.token)
    found.session.end('client_gone')
    found.common.finish()
    for (const stream of [...found.streams.values()]) {
      stream.finish()
      this.forget(stream, found)
    }
  }

  private sweep(): void {
    const { clock, settings } = this.context
    this.sweeping ??= clock.timer(Math.max(1_000, Math.min(60_000, settings.sessions.idleMs / 10)), () => {
      this.sweeping = undefined
      for (const one of [...this.open.values()]) if (this.expired(one)) void this.close(one)
      // A stream that a client holds keeps its record alive too.
      for (const one of this.open.values()) if (one.common.attached) this.touch(one)
      if (this.open.size > 0) this.sweep()
    })
  }

  private hinted(hint: Hint): void {
    for (const one of this.open.values()) {
      if (one.session.profile.id !== hint.session) continue
      if (hint.kind === 'cancel') one.session.cancel(hint.request)
      else if (hint.kind === 'ended') this.end(one)
      else {
        void this.store.find(hint.session).then((record) => {
          if (record !== undefined) one.session.restore(record)
        })
      }
      return
    }
  }

  private drain(): void {
    const { clock, random, settings } = this.context
    for (const one of this.open.values()) {
      clock.timer((random.fraction() * settings.drain.graceMs) / 2, () => one.common.detach(this.spreadRetry()))
    }
    clock.timer(settings.drain.graceMs, () => {
      for (const one of this.open.values()) one.session.end('drain')
    })
  }

  private turnAway(res: ServerResponse): void {
    this.leaving(res)
    res.writeHead(200, streamHeaders as string[])
    res.end(`retry: ${this.spreadRetry()}\n\n`)
  }

  private spreadRetry(): number {
    return Math.round(300 + this.context.random.fraction() * (reconnectMs - 300))
  }

  private leaving(res: ServerResponse): void {
    if (this.context.draining.aborted) res.shouldKeepAlive = false
  }

  private conflict(arrived: Arrived): void {
    const reason = fault('invalid_request', { reason: 'this session has its stream open already' })
    this.refusals.note(arrived, reason)
    const body = { jsonrpc: '2.0', id: null, error: { code: reason.entry.code, message: reason.message } }
    writeJson(arrived.res, 409, Buffer.from(JSON.stringify(body)))
  }

  private arrival(arrived: Arrived): Arrival {
    return {
      correlationId: arrived.id,
      atMs: arrived.atMs,
      headers: forwardedHeaders(arrived.req.headers, this.context.forwarded),
    }
  }

  private refuse(arrived: Arrived, reason: Fault, named: Named = {}): void {
    this.leaving(arrived.res)
    this.refusals.refuse(arrived, reason, named)
  }
}

interface Accepted {
  readonly json: boolean
  readonly sse: boolean
}

/** Lenient: no header, or a wildcard, is everything. */
function accepted(accept: string | undefined): Accepted {
  if (accept === undefined || accept.includes('*/*')) return { json: true, sse: true }
  return { json: accept.includes('application/json') || accept.includes('application/*'), sse: accept.includes('text/event-stream') }
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
  return { id: rawIdOf(message, arrived.body), method: message.method }
}

function accept202(res: ServerResponse): void {
  res.writeHead(202).end()
}

function rank(one: HttpSession): number {
  return one.seenAt + (one.common.attached || one.session.busy > 0 ? 1e15 : 0)
}
