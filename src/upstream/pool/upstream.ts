// One server behind the gateway, whatever its revision and transport, as the port has it: calls, lists and watches go to the connection
// that they belong to, and its end waits for them.
import { sendAgain } from '../../core/call/again.ts'
import type { TargetedCall } from '../../core/call/call.ts'
import type { Deadline } from '../../core/call/deadline.ts'
import type { CallEvent, Exchange, Interest } from '../../core/call/exchange.ts'
import type { ItemKind } from '../../core/call/item.ts'
import { has } from '../../core/call/item-kinds.ts'
import { failed, type Outcome } from '../../core/call/outcome.ts'
import type { Payload } from '../../core/call/payload.ts'
import { type Principal, principalKey } from '../../core/call/principal.ts'
import { type Signal, Switch } from '../../core/call/signal.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { evidence, type Renewal } from '../../core/faults/evidence.ts'
import type { Fault } from '../../core/faults/fault.ts'
import { inBackground, reportBug } from '../../core/ports/boundary.ts'
import { isLease } from '../../core/ports/credentials.ts'
import type { Report } from '../../core/ports/report.ts'
import {
  type EndpointHealth,
  type Owner,
  type Upstream,
  type UpstreamDescription,
  UpstreamFault,
  type UpstreamHealth,
  type Watch,
} from '../../core/ports/upstream.ts'
import type { Asked, Connection } from '../connection.ts'
import type { Context } from '../context.ts'
import { isUnreachable } from '../http/failures.ts'
import { readItems } from '../messages/items.ts'
import { explained } from '../messages/lacking.ts'
import { heedWords } from '../messages/refusing-words.ts'
import { orAborted } from '../wire/requests.ts'
import { Builds } from './builds.ts'
import { ConnectionPool } from './connections.ts'
import { Endpoints, type Place } from './endpoints.ts'
import { Health } from './health.ts'
import { SessionEra } from './session-era.ts'
import { Transmission } from './transmission.ts'

export class PooledUpstream implements Upstream {
  readonly id: string

  private readonly context: Context
  private readonly pool: ConnectionPool
  /** Of a server that may be of both eras. */
  private readonly sessions: SessionEra | undefined
  private readonly own: Health
  private inFlight = 0
  private draining = false
  private drained: (() => void) | undefined

  constructor(context: Context, places: readonly Place[]) {
    this.id = context.id
    this.context = context
    const { follows } = context
    const builds = follows === undefined ? new Builds() : Builds.after(follows.build?.() ?? 0, follows.describe())
    this.pool = new ConnectionPool(context, new Endpoints(context, places), builds)
    this.own = new Health(context.clock, context.settings, this.pool.home)
    const mayHaveBoth = context.settings.era === 'auto' && context.settings.transport !== 'sse'
    this.sessions = mayHaveBoth ? new SessionEra(context, new Endpoints(context, places), this.pool) : undefined
    if (this.sessions !== undefined) this.sessions.onSettled = () => this.own.changed()
  }

  describe(): UpstreamDescription {
    const { description } = this.own
    return this.sessions === undefined ? description : this.sessions.describe(description)
  }

  health(): UpstreamHealth {
    const { state, reason, sinceMs } = this.own
    const { connections, restarts } = this.pool.counts()
    const more = this.sessions?.pool.counts()
    return {
      state,
      reason,
      sinceMs,
      connections: connections + (more?.connections ?? 0),
      restarts: restarts + (more?.restarts ?? 0),
      inFlight: this.inFlight,
      ...this.endpointHealth(),
    }
  }

  /** Those of the era that most is sent in, with what the other has at each. */
  private endpointHealth(): { readonly endpoints?: readonly EndpointHealth[] } {
    const endpoints = this.pool.endpointHealth()
    if (endpoints === undefined) return {}
    const more = this.sessions?.pool.endpointHealth()
    if (more === undefined) return { endpoints }
    return { endpoints: endpoints.map((one, i) => ({ ...one, inFlight: one.inFlight + (more[i]?.inFlight ?? 0) })) }
  }

  build(): number {
    return this.pool.builds.latest
  }

  knownFrom(said: Pick<UpstreamDescription, 'identity' | 'capabilities'>): void {
    this.pool.builds.knownFrom(said)
  }

  onChange(listener: () => void): () => void {
    return this.own.onChange(listener)
  }

  async ready(signal: Signal): Promise<Fault | undefined> {
    if (this.draining) return fault('draining')
    const { home } = this.pool
    home.keep()
    const got = await orAborted(Promise.resolve(home.get()), signal, () => fault('cancelled', { reason: 'nobody waits' }))
    return 'close' in got ? undefined : got
  }

  send(call: TargetedCall, exchange: Exchange): Promise<Outcome> {
    if (this.draining) return Promise.resolve(failed(fault('draining', {}, { evidence: evidence.ended_unsent })))
    this.inFlight += 1
    const landed = (): void => this.landed()
    if (call.continuation?.kind !== 'parked') {
      const source = this.sessions === undefined ? this.pool : this.sessions.sourceFor(call)
      return new Transmission(source, call, exchange, landed).send()
    }
    return this.resume(call, exchange).finally(landed)
  }

  private landed(): void {
    this.inFlight -= 1
    if (this.inFlight === 0) this.drained?.()
  }

  async *items(kind: ItemKind, signal: Signal): AsyncGenerator<Payload> {
    const main = readItems(this.context, kind, (method, params) => this.ask(this.pool, method, params, signal))
    const { sessions } = this
    if (sessions?.isThere !== true) yield* main
    else yield* sessions.lists.both(kind, main, () => this.itemsIn(sessions.pool, kind, signal))
  }

  private async *itemsIn(pool: ConnectionPool, kind: ItemKind, signal: Signal): AsyncGenerator<Payload> {
    const first = await this.reach(pool, signal)
    if (!('close' in first)) throw new UpstreamFault(first)
    if (!has(first.description.capabilities, kind)) return
    yield* readItems(this.context, kind, (method, params) => this.ask(pool, method, params, signal))
  }

  async *sessionItems(kind: ItemKind, signal: Signal, session: string): AsyncGenerator<Payload> {
    // Where the eras list different things, what a session lists is no whole list.
    const own = this.sessions?.lists.differ === true ? undefined : (this.pool.openOf(session) ?? this.sessions?.pool.openOf(session))
    const lease = await own?.acquire()
    if (own === undefined || lease === undefined) throw new UpstreamFault(fault('cancelled', { reason: 'the session has no connection' }))
    if (!isLease(lease)) throw new UpstreamFault(lease)
    yield* readItems(this.context, kind, (method, params) => own.connection.ask(method, params, lease, signal))
  }

  watch(interest: Interest, on: (event: CallEvent) => void, owner?: Owner): Watch {
    const { home } = this.pool
    home.keep()
    if (owner === undefined) {
      const watch = home.watching.open(interest, on)
      return this.sessions === undefined ? watch : this.sessions.watchBoth(watch, interest, on)
    }
    const wanted = new Switch()
    return lateWatch(this.watchAs(owner, interest, on, wanted), wanted, this.context.report)
  }

  /** Whose connection it will be is known once the era is. Undefined where the owner has no credential: nothing is heard in its name. */
  private async watchAs(owner: Owner, interest: Interest, on: (event: CallEvent) => void, wanted: Signal): Promise<Watch | undefined> {
    await this.pool.detection.first
    const lease = await this.pool.lease(owner)
    if (!isLease(lease)) return undefined
    const pool = this.sessions === undefined ? this.pool : await this.sessions.poolFor(owner)
    // A session for a watch that nobody wants any more would outlive its client's.
    if (wanted.aborted) return undefined
    return (pool.slotFor(owner, lease) ?? pool.home).watching.open(interest, on)
  }

  rootsChanged(affinity: string): void {
    this.pool.rootsChanged(affinity)
    this.sessions?.pool.rootsChanged(affinity)
  }

  rescoped(principal: Principal): void {
    this.pool.rescoped(principal)
    this.sessions?.pool.rescoped(principal)
  }

  sessionEnded(affinity: string): void {
    this.pool.sessionEnded(affinity)
    this.sessions?.sessionEnded(affinity)
  }

  wantSessions(): void {
    if (!this.draining) this.sessions?.want()
  }

  sessionsPending(): boolean {
    return !this.draining && this.sessions?.isPending === true
  }

  answers(): Promise<boolean> {
    return this.draining ? Promise.resolve(false) : this.pool.answers()
  }

  async restart(): Promise<void> {
    if (!this.draining) await Promise.all([this.pool.restart(), this.sessions?.pool.restart()])
  }

  async drain(deadline: Deadline): Promise<void> {
    this.draining = true
    if (this.inFlight > 0) {
      await new Promise<void>((resolve) => {
        const timer = this.context.clock.timer(deadline.remainingMs(), resolve)
        this.drained = () => {
          timer.cancel()
          resolve()
        }
      })
    }
    await Promise.all([this.pool.close(), this.sessions?.pool.close()])
    this.own.drained()
  }

  private async resume(call: TargetedCall, exchange: Exchange): Promise<Outcome> {
    const { continuation } = call
    if (continuation?.kind !== 'parked') throw new TypeError('no parked continuation')
    const claimed =
      continuation.owner === this.context.replica
        ? this.context.parking.claim(continuation.park, principalKey(call.caller.principal))
        : undefined
    if (claimed === undefined) return failed(fault('invalid_continuation', { reason: 'the call that it belongs to waits no longer' }))
    exchange.note('parkedMs', claimed.waitedMs)
    // The credential that it began with may have been renewed since: the next call finds out about the one of now.
    return heedWords(this.context.words, await claimed.parked.resume(call, exchange), call, undefined)
  }

  /** A request of the gateway itself, on the home connection; once more, at once, where what it failed for was renewed. */
  private async ask(pool: ConnectionPool, method: string, params: Payload | undefined, signal: Signal): Promise<Asked> {
    const renewed: Renewal[] = []
    for (let attempts = 1; ; attempts += 1) {
      const lease = await pool.discoveryLease()
      if (!isLease(lease)) return { kind: 'fault', fault: lease }
      const connection = await this.reach(pool, signal)
      if (!('close' in connection)) return { kind: 'fault', fault: connection }
      const asked = await connection.ask(method, params, lease, signal)
      if (asked.kind === 'result') return asked
      if (isUnreachable(asked.fault)) pool.unreachable(connection, asked.fault)
      if (asked.fault.evidence?.renew === 'revision') pool.forget(connection)
      const tried = { repeatable: true, attempts, renewed, heard: false, remainingMs: this.context.timeouts.call }
      const again = sendAgain(asked.fault, tried, this.context.random)
      // What needs a pause is left to those who want the answer.
      if (again?.renew === undefined || again.afterMs > 0)
        return { kind: 'fault', fault: (await explained(asked.fault, lease)) ?? asked.fault }
      renewed.push(again.renew)
    }
  }

  private reach({ home }: ConnectionPool, signal: Signal): Promise<Connection | Fault> {
    home.keep()
    return orAborted(Promise.resolve(home.get()), signal, () => fault('cancelled', { upstream: this.id, reason: 'nobody waits' }))
  }
}

/** A watch that is still to come. */
function lateWatch(opened: Promise<Watch | undefined>, wanted: Switch, report: Report): Watch {
  const watch = opened.catch((bug: unknown) => {
    reportBug(report, 'upstream_events', bug)
    return undefined
  })
  return {
    update: async (interest) => (await watch)?.update(interest) ?? {},
    close: () => {
      wanted.abort('closed')
      inBackground(
        report,
        'upstream_events',
        watch.then((late) => late?.close()),
      )
    },
  }
}
