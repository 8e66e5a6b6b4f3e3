// One server behind the gateway, whatever its revision and transport: its pool of connections, its state, and the one place where a call
// finds the connection that it belongs to.

import type { Caller, TargetedCall } from '../../core/call/call.ts'
import type { Deadline } from '../../core/call/deadline.ts'
import type { CallEvent, Exchange, Interest } from '../../core/call/exchange.ts'
import type { ItemKind } from '../../core/call/item.ts'
import { kinds, offers } from '../../core/call/item-kinds.ts'
import { failed, type Outcome } from '../../core/call/outcome.ts'
import type { Payload } from '../../core/call/payload.ts'
import { anonymous, principalKey } from '../../core/call/principal.ts'
import type { Signal } from '../../core/call/signal.ts'
import { fault } from '../../core/faults/catalogue.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { Clock, Timer } from '../../core/ports/clock.ts'
import { type CredentialLease, isLease, type Leased } from '../../core/ports/credentials.ts'
import {
  type Upstream,
  type UpstreamDescription,
  UpstreamFault,
  type UpstreamHealth,
  type UpstreamState,
  type Watch,
} from '../../core/ports/upstream.ts'
import { code } from '../../core/protocol/names.ts'
import type { Asked, Connection } from '../connection.ts'
import type { Context } from '../context.ts'
import { type Interactivity, interactivityOf } from '../legacy/attribution.ts'
import type { Again } from '../legacy/url-required.ts'
import { readItems } from '../messages/items.ts'
import type { Dial } from '../wire/dial.ts'
import { ignore, orAborted } from '../wire/requests.ts'
import { connect, type Detected } from './connect.ts'
import { Slot } from './slot.ts'
import { type ConnectionSource, Transmission } from './transmission.ts'

/** Connections of one upstream at once. */
const mostConnections = 256
/** A connection that nobody used for this long, in ms, is closed. */
const idleMs = 300_000
const sweepMs = 60_000

type Owner = Pick<Caller, 'principal' | 'affinity'>
const nobody: Owner = { principal: anonymous, affinity: undefined }

export class PooledUpstream implements Upstream, ConnectionSource {
  readonly id: string

  private readonly context: Context
  readonly clock: Clock
  private readonly dial: Dial
  private readonly interactivity: Interactivity
  private readonly slots = new Map<string, Slot>()
  private readonly listeners = new Set<() => void>()
  /** The connection for lists, watches and the description. */
  private readonly home: Slot
  private detected: Detected | undefined
  /** Resolves with the first verdict. */
  private readonly firstDetected: Promise<void>
  /** Id of the credential that the gateway itself came with last. */
  private homeCredential: string | undefined
  private settleDetected: () => void = () => {}
  private description: UpstreamDescription
  private state: UpstreamState = 'connecting'
  private sinceMs: number
  private inFlight = 0
  private queue = 0
  private draining = false
  private drained: (() => void) | undefined
  private sweeping: Timer | undefined

  constructor(context: Context, dial: Dial) {
    this.id = context.id
    this.context = context
    this.clock = context.clock
    this.dial = dial
    this.interactivity = interactivityOf(context.settings.interactive)
    this.sinceMs = context.clock.now()
    const transport = context.settings.command !== undefined ? 'stdio' : context.settings.transport === 'sse' ? 'sse' : 'streamable-http'
    this.description = { transport, revision: undefined, identity: undefined, capabilities: undefined, instructions: undefined }
    this.firstDetected = new Promise((resolve) => {
      this.settleDetected = resolve
    })
    this.home = this.slot(homeKey, () => this.discoveryLease())
    this.home.onChange = () => this.observe()
  }

  describe(): UpstreamDescription {
    return this.description
  }

  health(): UpstreamHealth {
    let connections = 0
    let restarts = 0
    for (const slot of this.slots.values()) {
      if (slot.connection !== undefined) connections += 1
      restarts += slot.restarts
    }
    const reason = this.state === 'ready' ? undefined : this.home.lastFault?.message
    return { state: this.state, reason, sinceMs: this.sinceMs, connections, restarts, inFlight: this.inFlight }
  }

  async ready(signal: Signal): Promise<Fault | undefined> {
    if (this.draining) return fault('draining')
    this.home.keep()
    const got = await orAborted(Promise.resolve(this.home.get()), signal, () => fault('cancelled', { reason: 'nobody waits' }))
    return 'close' in got ? undefined : got
  }

  send(call: TargetedCall, exchange: Exchange): Promise<Outcome> {
    if (this.draining) return Promise.resolve(failed(fault('draining')))
    this.inFlight += 1
    const landed = (): void => this.landed()
    if (call.continuation?.kind !== 'parked') return new Transmission(this, call, exchange, landed).send()
    return this.resume(call, exchange).finally(landed)
  }

  private landed(): void {
    this.inFlight -= 1
    if (this.inFlight === 0) this.drained?.()
  }

  async *items(kind: ItemKind, signal: Signal): AsyncGenerator<Payload> {
    const first = await this.reach(signal)
    if (!('close' in first)) throw new UpstreamFault(first)
    if (!offers(first.description.capabilities, kinds[kind].list)) return
    yield* readItems(this.context, kind, (method, params) => this.ask(method, params, signal))
  }

  watch(interest: Interest, on: (event: CallEvent) => void, owner?: Owner): Watch {
    this.home.keep()
    return owner === undefined ? this.home.watching.open(interest, on) : lateWatch(this.watchAs(owner, interest, on))
  }

  /** Whose connection it will be is known once the era is. Undefined where the owner has no credential: nothing is heard in its name. */
  private async watchAs(owner: Owner, interest: Interest, on: (event: CallEvent) => void): Promise<Watch | undefined> {
    await this.firstDetected
    const lease = await this.lease(owner)
    return isLease(lease) ? (this.slotFor(owner, lease) ?? this.home).watching.open(interest, on) : undefined
  }

  rootsChanged(affinity: string): void {
    for (const slot of this.slots.values()) slot.connection?.rootsChanged?.(affinity)
  }

  onChange(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
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
    this.sweeping?.cancel()
    await Promise.all([...this.slots.values()].map((slot) => slot.close()))
    this.enter('drained')
  }

  private async resume(call: TargetedCall, exchange: Exchange): Promise<Outcome> {
    const { continuation } = call
    if (continuation?.kind !== 'parked') throw new TypeError('no parked continuation')
    const parked =
      continuation.owner === this.context.replica
        ? this.context.parking.claim(continuation.park, principalKey(call.caller.principal))
        : undefined
    if (parked === undefined) return failed(fault('invalid_continuation', { reason: 'the call that it belongs to waits no longer' }))
    return parked.resume(call, exchange)
  }

  /** A request of the gateway itself, on the home connection; once more after a lost session. */
  private async ask(method: string, params: Payload | undefined, signal: Signal): Promise<Asked> {
    let asked: Asked | undefined
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const lease = await this.discoveryLease()
      if (!isLease(lease)) return { kind: 'fault', fault: lease }
      const connection = await this.reach(signal)
      if (!('close' in connection)) return { kind: 'fault', fault: connection }
      asked = await connection.ask(method, params, lease, signal)
      if (asked.kind !== 'gone') return asked
      this.forget(connection, asked.fault)
    }
    return asked as Asked
  }

  private reach(signal: Signal): Promise<Connection | Fault> {
    this.home.keep()
    return orAborted(Promise.resolve(this.home.get()), signal, () => fault('cancelled', { upstream: this.id, reason: 'nobody waits' }))
  }

  lease({ principal }: Owner): Leased | Promise<Leased> {
    return this.context.credentials.forCaller(principal)
  }

  /** Its connection is the home: callers whose credential is the same share it. */
  private async discoveryLease(): Promise<Leased> {
    const lease = await this.context.credentials.forDiscovery()
    if (isLease(lease)) this.homeCredential = lease.id
    return lease
  }

  /** At once where it is open, which is the usual case. */
  connectionFor(owner: Owner, lease: CredentialLease, overflow = 0): Connection | Promise<Connection | Fault> {
    // Before the era is known nobody can tell to which connection a caller belongs.
    if (this.detected === undefined) return this.learn(owner, lease, overflow)
    const slot = this.slotFor(owner, lease, overflow)
    if (slot !== undefined) return slot.get()
    const detail = { upstream: this.id, limit: mostConnections, retryAfterMs: 1_000 }
    return Promise.resolve(fault('overloaded', detail, { retryAfterMs: 1_000 }))
  }

  private async learn(owner: Owner, lease: CredentialLease, overflow: number): Promise<Connection | Fault> {
    this.home.keep()
    const got = await this.home.get()
    return this.detected === undefined || !('close' in got) ? got : this.connectionFor(owner, lease, overflow)
  }

  /** Undefined where the pool is full of connections in use. */
  private slotFor(owner: Owner, lease: CredentialLease, overflow = 0): Slot | undefined {
    const key = overflowKey(this.keyOf(owner, lease), overflow)
    const found = this.slots.get(key)
    if (found !== undefined) return found
    if (this.slots.size >= mostConnections && !this.evict()) return undefined
    const slot = this.slot(key, () => this.lease(owner))
    this.sweeping ??= this.context.clock.timer(sweepMs, () => this.sweep())
    return slot
  }

  /** Endpoint, affinity and credential make a connection: a child or a session is made with a credential. */
  private keyOf(owner: Owner, lease: CredentialLease): string {
    const { detected } = this
    if (detected === undefined || detected.era === 'modern' || !detected.sessionful) {
      return lease.id === this.homeCredential ? homeKey : privateKey(nobody, this.mark(lease), true)
    }
    if (detected.transport === 'stdio')
      return privateKey(this.context.settings.sharing === 'shared' ? nobody : owner, this.mark(lease), true)
    return privateKey(owner, this.mark(lease), false)
  }

  private mark({ id }: CredentialLease): string {
    return id === this.homeCredential ? homeMark : id
  }

  private slot(key: string, acquire: () => Leased | Promise<Leased>): Slot {
    const shared = this.context.settings.sharing === 'shared'
    const slot = new Slot(this.context, async () => {
      const lease = await acquire()
      if (!isLease(lease)) return { fault: lease }
      const onePrincipal = !shared && this.detected?.sessionful !== false
      const again: Again = (call, exchange) => new Transmission(this, call, exchange, ignore).send()
      const connected = await connect(
        this.context,
        this.dial,
        { onePrincipal, lease, interactivity: this.interactivity, again },
        this.detected,
      )
      if ('connection' in connected) {
        this.detected = connected.detected
        this.settleDetected()
      }
      return connected
    })
    this.slots.set(key, slot)
    return slot
  }

  nextQueue(queues: number): number {
    this.queue = (this.queue + 1) % queues
    return this.queue
  }

  /** The verdict on the era holds until a connection says otherwise. A legacy one that only lost its session says nothing of it. */
  forget(connection: Connection, found: Fault): void {
    if (connection.era === 'legacy' && found.detail.code !== code.unsupportedProtocolVersion) return
    this.detected = undefined
    for (const { connection: stale } of [...this.slots.values()]) {
      if (stale?.era !== connection.era) continue
      stale.onEnd(found)
      void stale.close()
    }
  }

  private evict(): boolean {
    let oldest: readonly [string, Slot] | undefined
    for (const entry of this.slots) {
      const [, slot] = entry
      if (slot === this.home || slot.isNeeded || (oldest !== undefined && oldest[1].usedAt <= slot.usedAt)) continue
      oldest = entry
    }
    if (oldest === undefined) return false
    this.drop(oldest[0], oldest[1])
    return true
  }

  private sweep(): void {
    const before = this.context.clock.mono() - idleMs
    for (const [key, slot] of this.slots) {
      if (slot !== this.home && !slot.isNeeded && slot.usedAt <= before) this.drop(key, slot)
    }
    this.sweeping = this.slots.size > 1 ? this.context.clock.timer(sweepMs, () => this.sweep()) : undefined
  }

  private drop(key: string, slot: Slot): void {
    this.slots.delete(key)
    void slot.close()
  }

  /** The home connection's life is the state of the upstream. */
  private observe(): void {
    const { home } = this
    if (this.draining) return
    if (home.connection !== undefined) {
      this.description = home.connection.description
      this.enter('ready')
    } else if (home.isOpening) {
      // An upstream that failed stays so until an attempt succeeds.
      if (this.state !== 'unavailable') this.enter(home.wasOpen ? 'reconnecting' : 'connecting')
    } else if (home.lastFault !== undefined) this.enter(this.state === 'ready' ? 'reconnecting' : 'unavailable')
  }

  private enter(state: UpstreamState): void {
    if (state === this.state && state !== 'ready') return
    if (state !== this.state) this.sinceMs = this.context.clock.now()
    this.state = state
    for (const listener of this.listeners) listener()
  }
}

/** A watch that is still to come. */
function lateWatch(opened: Promise<Watch | undefined>): Watch {
  return {
    update: async (interest) => (await opened)?.update(interest) ?? {},
    close: () => void opened.then((watch) => watch?.close()),
  }
}

function privateKey({ principal, affinity }: Owner, credential: string, wholePrincipal: boolean): string {
  return `${principalKey(principal)}\u0000${wholePrincipal ? '' : (affinity ?? '')}\u0000${credential}`
}

/** Stands for the credential of the gateway itself; no id holds it. */
const homeMark = '\u0000'
const homeKey = privateKey(nobody, homeMark, true)

function overflowKey(key: string, overflow: number): string {
  return overflow === 0 ? key : `${key}\u0000${overflow}`
}
