// The legacy HTTP sessions of this replica: found by their id, taken over from other replicas and from a gateway that is no more, ended when
// idle or when room is needed;
// with each its streams, also those that are over and wait a while for a client that lost their end.

import { type Principal, samePrincipal } from '../../core/call/principal.ts'
import { inBackground } from '../../core/ports/boundary.ts'
import type { Timer } from '../../core/ports/clock.ts'
import type { DoorContext } from '../door.ts'
import { Heartbeat } from '../http/heartbeat.ts'
import type { Handshake } from './capabilities.ts'
import { ClientQuestions, type Hint } from './client-questions.ts'
import { KeptSessions } from './kept-sessions.ts'
import { RingBudget } from './ring-budget.ts'
import { LegacySession, type SessionProfile, type SessionState } from './session.ts'
import { SessionCredential } from './session-credential.ts'
import { keyOf, type SealedSession, type SessionRecord, SessionStore } from './session-store.ts'
import { type EventId, EventStream, reconnectMs } from './stream.ts'

/** Id of the stream that belongs to no request, where the session began; elsewhere its events are counted anew, and it has a longer one. */
const commonStream = '0'
/** Streams that are over and kept. */
const mostOver = 4_096

export interface HttpSession {
  /** `Mcp-Session-Id`. */
  readonly token: string
  /** Seconds since the epoch. */
  readonly issuedAt: number
  readonly session: LegacySession
  readonly credential: SessionCredential
  readonly common: EventStream
  /** Streams of its POSTs by id. */
  readonly streams: Map<string, EventStream>
  /** Monotonic ms of the last request. */
  seenAt: number
  /** Monotonic ms of the last time the record was kept alive. */
  keptAt: number
}

interface Added {
  readonly token: string
  readonly issuedAt: number
  readonly profile: SessionProfile
  readonly state: SessionState
}

export class SessionTable {
  readonly clientQuestions: ClientQuestions
  private readonly context: DoorContext
  private readonly store: SessionStore
  private readonly alive: Heartbeat
  private readonly open = new Map<string, HttpSession>()
  private readonly reviving = new Map<string, Promise<HttpSession | undefined>>()
  private readonly over = new Map<EventStream, HttpSession>()
  private readonly rings = new RingBudget()
  private nextStream = 1
  private sweeping: Timer | undefined

  constructor(context: DoorContext) {
    this.context = context
    const { clock, random, ephemeral, report, settings } = context
    this.clientQuestions = new ClientQuestions(clock, random, ephemeral, report)
    this.clientQuestions.onHint = (hint) => this.hinted(hint)
    const { idleMs } = settings.sessions
    this.store = new SessionStore({ clock, sealer: context.sealer, ephemeral, kept: keptSessions(context), idleMs })
    this.alive = new Heartbeat(clock, settings.http.keepAliveMs)
  }

  get size(): number {
    return this.open.size
  }

  all(): Iterable<HttpSession> {
    return this.open.values()
  }

  /** Opens a session; the one that was idle longest makes room. Resolves when its record is kept. */
  async mint(id: string, mount: string, principal: Principal, handshake: Handshake): Promise<HttpSession> {
    const issuedAt = Math.floor(this.context.clock.now() / 1_000)
    const { token, record } = this.store.mint({ id, mount, principal, handshake, issuedAt })
    await this.store.keep(principal, id, record, record.capabilities === undefined ? undefined : issuedAt)
    this.makeRoom()
    return this.add({ token, issuedAt, profile: { id, transport: 'http', mount, principal, handshake }, state: record }, commonStream)
  }

  /** The living session of this id, if it is this principal's and this mount's. Counts as a sign of life. At once where it is open here. */
  find(token: string, principal: Principal, mount: string): HttpSession | undefined | Promise<HttpSession | undefined> {
    const open = this.open.get(token)
    if (open !== undefined) return this.admit(open, principal, mount)
    return this.revive(token, principal).then((revived) => revived && this.admit(revived, principal, mount))
  }

  private admit(found: HttpSession, principal: Principal, mount: string): HttpSession | undefined | Promise<undefined> {
    if (found.session.ended) return undefined
    const { profile } = found.session
    if (!samePrincipal(profile.principal, principal) || profile.mount !== mount) return undefined
    found.credential.shown(principal)
    if (this.expired(found)) return this.close(found).then(() => undefined)
    this.touch(found)
    return found
  }

  /** Ends a session here; its id is unknown from now on, everywhere. */
  async close(found: HttpSession): Promise<void> {
    this.end(found)
    const { principal, id } = found.session.profile
    await this.store.remove(principal, id, found.issuedAt)
  }

  /** Where a stream goes on after an event; undefined where there is nothing to go on with. */
  resumed(found: HttpSession, { stream: id, seq }: EventId): { readonly stream: EventStream; readonly after: number } | undefined {
    const { common } = found
    // It went on elsewhere: what was sent here came later than all that was sent there.
    if (id !== common.id && (id === commonStream || id.startsWith(`${commonStream}.`))) return { stream: common, after: 0 }
    const stream = id === common.id ? common : found.streams.get(id)
    return stream?.hasAfter(seq) === true ? { stream, after: seq } : undefined
  }

  /** A stream for the answer to one POST. */
  answerStream(found: HttpSession): EventStream {
    const stream = this.stream(found.session.profile.handshake, `${this.clientQuestions.replica}.${this.nextStream++}`)
    found.streams.set(stream.id, stream)
    return stream
  }

  /** A POST is answered; its stream stays for a client that has lost the end, and the oldest of such make room. */
  answered(found: HttpSession, stream: EventStream | undefined): void {
    found.seenAt = this.context.clock.mono()
    if (stream === undefined || found.session.ended) return
    this.over.set(stream, found)
    for (const [oldest, owner] of this.over) {
      if (oldest === stream || this.over.size <= mostOver) break
      this.forget(oldest, owner)
    }
  }

  private forget(stream: EventStream, owner: HttpSession): void {
    owner.streams.delete(stream.id)
    this.over.delete(stream)
    stream.discard()
  }

  private stream({ revision }: Handshake, id: string): EventStream {
    return new EventStream({ id, primes: revision >= '2025-11-25', heartbeat: this.alive, report: this.context.report, budget: this.rings })
  }

  /** A session that another replica opened: its id says what it is, its record that it lives. */
  private revive(token: string, principal: Principal): Promise<HttpSession | undefined> {
    const owner = keyOf(principal)
    const key = `${token} ${owner}`
    const running = this.reviving.get(key)
    if (running !== undefined) return running
    const work = this.restored(token, principal, owner).finally(() => this.reviving.delete(key))
    this.reviving.set(key, work)
    return work
  }

  private async restored(token: string, principal: Principal, owner: string): Promise<HttpSession | undefined> {
    const sealed = this.store.open(token)
    if (sealed === undefined || sealed.owner !== owner) return undefined
    const { id, mount, handshake, issuedAt } = sealed
    const record = (await this.store.find(principal, id)) ?? (await this.revived(principal, sealed))
    if (record === undefined) return undefined
    const agreed = { ...handshake, capabilities: record.capabilities ?? handshake.capabilities }
    this.makeRoom()
    const profile = { id, transport: 'http', mount, principal, handshake: agreed } as const
    return this.add({ token, issuedAt, profile, state: record }, `${commonStream}.${this.clientQuestions.replica}`)
  }

  private async revived(principal: Principal, sealed: SealedSession): Promise<SessionRecord | undefined> {
    const record = await this.store.revive(principal, sealed)
    if (record === undefined) return undefined
    this.context.report.counters.add('sessions_revived', {})
    this.context.report.log('debug', 'A session goes on after a restart', { client: sealed.handshake.client?.name })
    return record
  }

  private add({ token, issuedAt, profile, state }: Added, commonId: string): HttpSession {
    const { id, principal, handshake: agreed } = profile
    const common = this.stream(agreed, commonId)
    const credential = new SessionCredential({
      clock: this.context.clock,
      principal,
      expired: () => {
        session.expire()
        common.detach(reconnectMs)
      },
      renewed: () => session.renewed(),
      rightsChanged: () => session.rightsChanged(),
    })
    const session = new LegacySession({
      credential,
      context: this.context,
      clientQuestions: this.clientQuestions,
      profile,
      common,
      state,
      keep: async (changed) => {
        await this.store.keep(principal, id, this.store.record(agreed, changed), issuedAt)
        this.clientQuestions.hint({ kind: 'changed', session: id })
      },
    })
    const now = this.context.clock.mono()
    const added: HttpSession = { token, issuedAt, session, credential, common, streams: new Map(), seenAt: now, keptAt: now }
    this.open.set(token, added)
    this.sweep()
    return added
  }

  private touch(found: HttpSession): void {
    const now = this.context.clock.mono()
    found.seenAt = now
    if (now - found.keptAt < this.context.settings.sessions.idleMs / 4) return
    found.keptAt = now
    const { state, profile } = found.session
    this.store.keep(profile.principal, profile.id, this.store.record(profile.handshake, state)).catch((error: unknown) => {
      this.context.report.log('warn', 'the record of a session could not be kept', { reason: String(error) })
    })
  }

  /** A session with a running call or an open stream is not idle. */
  private expired(found: HttpSession): boolean {
    if (found.session.busy > 0 || found.common.attached) return false
    return this.context.clock.mono() - found.seenAt > this.context.settings.sessions.idleMs
  }

  private makeRoom(): void {
    if (this.open.size < this.context.settings.sessions.most) return
    let victim: HttpSession | undefined
    for (const one of this.open.values()) if (victim === undefined || rank(one) < rank(victim)) victim = one
    if (victim === undefined) return
    this.context.report.log('info', 'a session made room for a new one', { client: victim.session.profile.handshake.client?.name })
    this.closeQuietly(victim)
  }

  private closeQuietly(found: HttpSession): void {
    this.close(found).catch((error: unknown) => {
      this.context.report.log('warn', 'the record of a session could not be removed', { reason: String(error) })
    })
  }

  private end(found: HttpSession): void {
    this.open.delete(found.token)
    found.session.end('client_gone')
    found.common.finish()
    found.common.discard()
    for (const stream of [...found.streams.values()]) {
      stream.finish()
      this.forget(stream, found)
    }
  }

  private sweep(): void {
    const { clock, settings } = this.context
    this.sweeping ??= clock.timer(Math.max(1_000, Math.min(60_000, settings.sessions.idleMs / 10)), () => {
      this.sweeping = undefined
      for (const one of [...this.open.values()]) {
        if (this.expired(one)) this.closeQuietly(one)
        // A stream that a client holds keeps the record alive too.
        else if (one.common.attached) this.touch(one)
      }
      if (this.open.size > 0) this.sweep()
    })
  }

  private hinted(hint: Hint): void {
    for (const one of this.open.values()) {
      if (one.session.profile.id !== hint.session) continue
      if (hint.kind === 'cancel') one.session.cancel(hint.request)
      else if (hint.kind === 'ended') this.end(one)
      else inBackground(this.context.report, 'session', this.reread(one.session))
      return
    }
  }

  private async reread(session: LegacySession): Promise<void> {
    const record = await this.store.find(session.profile.principal, session.profile.id).catch(() => undefined)
    if (record !== undefined) session.restore(record)
  }
}

function keptSessions({ durable, clock, report }: DoorContext): KeptSessions | undefined {
  return durable === undefined ? undefined : new KeptSessions(durable, clock, report)
}

/** The lowest goes first: idle before busy, then by the last request. */
function rank(one: HttpSession): number {
  return one.seenAt + (one.common.attached || one.session.busy > 0 ? Number.MAX_SAFE_INTEGER / 2 : 0)
}
