// The connections of one upstream, each found by the key of those who may use it. A connection with a client session's state behind it
// lives as long as that session; others are closed when nobody used them for a while, and make room where the pool is full.
import { type AttemptPorts, Attempts } from '../../core/call/attempts.ts'
import type { TargetedCall } from '../../core/call/call.ts'
import { listNames } from '../../core/call/item-kinds.ts'
import { anonymous, type Principal, principalKey } from '../../core/call/principal.ts'
import { RetryBudget } from '../../core/call/retry-budget.ts'
import { Switch } from '../../core/call/signal.ts'
import type { Next } from '../../core/call/stage.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { evidence } from '../../core/faults/evidence.ts'
import type { Fault } from '../../core/faults/fault.ts'
import { inBackground } from '../../core/ports/boundary.ts'
import type { Clock, Timer } from '../../core/ports/clock.ts'
import { type CredentialLease, isLease, type Leased } from '../../core/ports/credentials.ts'
import type { EndpointHealth, Owner } from '../../core/ports/upstream.ts'
import type { Connection } from '../connection.ts'
import type { Context } from '../context.ts'
import { type Interactivity, interactivityOf } from '../legacy/attribution.ts'
import type { Belonging } from '../legacy/belonging.ts'
import { type Askable, askableOf, isAnything, needsFull } from '../legacy/declaration.ts'
import type { Greeted } from '../legacy/session-check.ts'
import { explained } from '../messages/lacking.ts'
import { ignore } from '../wire/requests.ts'
import { isAnswering } from './answering.ts'
import type { Builds } from './builds.ts'
import { type Connected, connect, look } from './connect.ts'
import { Detection } from './detection.ts'
import type { Endpoint, Endpoints } from './endpoints.ts'
import { fullPool, mostConnections } from './full.ts'
import { fullMark, homeKey, homeMark, keyOf, overflowKey, unjudged } from './keys.ts'
import { type Acquire, Slot, type Tenure } from './slot.ts'
import { Spread } from './spread.ts'
import { type ConnectionSource, type Sending, Transmission } from './transmission.ts'

/** A connection that nobody owns and nobody used for this long, in ms, is closed. */
const idleMs = 300_000
const sweepMs = 60_000

export class ConnectionPool implements ConnectionSource {
  readonly clock: Clock
  readonly detection: Detection
  /** The connection for lists, watches and the description. */
  readonly home: Slot

  /** A connection of a caller was made, or serves again. Set once. */
  onServed: () => void = () => this.home.wake()

  readonly words: Context['words']
  readonly builds: Builds
  private readonly context: Context
  private readonly endpoints: Endpoints
  private readonly interactivity: Interactivity
  private readonly slots = new Map<string, Slot>()
  /** Those who wait for the first verdict; `over`: their session has ended meanwhile. */
  private readonly learning = new Set<{ readonly affinity: string | undefined; over: boolean }>()
  private readonly spread: Spread
  readonly told: ConnectionSource['told']
  /** Out of the pool; each is closed when its last call has ended. */
  private readonly retiring = new Set<Connection>()
  /** Id of the credential that the gateway itself came with last. */
  private homeCredential: string | undefined
  /** For legs that come past the gateway's own retries. */
  private readonly attempts: AttemptPorts
  private readonly budget = new RetryBudget()
  /** Nobody wants a connection any more. */
  private readonly ended = new Switch()
  private queue = 0
  private sweeping: Timer | undefined

  constructor(context: Context, endpoints: Endpoints, builds: Builds) {
    this.builds = builds
    this.clock = context.clock
    this.words = context.words
    this.context = context
    this.endpoints = endpoints
    this.spread = new Spread(endpoints)
    this.spread.onSessionFailing = (connection) => this.moved(connection)
    this.told = endpoints.count > 1 ? this.spread : undefined
    const { clock, random, report } = context
    this.attempts = { clock, random, onRepeat: (found) => report.counters.add('retries', { upstream: context.id, evidence: found }) }
    this.interactivity = interactivityOf(context.settings.interactive)
    this.detection = new Detection(context)
    this.detection.onTurned = (era) => this.retireOthers(era)
    this.detection.onLook = () => this.look()
    this.home = this.slot(homeKey, () => this.discoveryLease(), { session: undefined, spare: false })
  }

  counts(): { readonly connections: number; readonly restarts: number } {
    let connections = this.retiring.size
    let restarts = 0
    for (const slot of this.slots.values()) {
      if (slot.connection !== undefined) connections += 1
      restarts += slot.restarts
    }
    return { connections, restarts }
  }

  lease({ principal }: Owner): Leased | Promise<Leased> {
    return this.context.credentials.forCaller(principal)
  }

  /** Its connection is the home: callers whose credential is the same share it. */
  async discoveryLease(): Promise<Leased> {
    const lease = await this.context.credentials.forDiscovery()
    if (isLease(lease)) this.homeCredential = lease.id
    return lease
  }

  /** At once where it is open, which is the usual case. */
  connectionFor(owner: Owner, lease: CredentialLease, overflow = 0, sending?: Sending): Connection | Promise<Connection | Fault> {
    // Before the era is known nobody can tell to which connection a caller belongs.
    if (this.detection.current === undefined) return this.learn(owner, lease, overflow, sending)
    if (this.isBalanced) return this.balanced(owner, lease, sending)
    const slot = this.slotFor(owner, lease, overflow)
    return slot?.get() ?? fullPool(this.context.id)
  }

  private async learn(owner: Owner, lease: CredentialLease, overflow: number, sending?: Sending): Promise<Connection | Fault> {
    this.home.keep()
    const waiting = { affinity: owner.affinity, over: false }
    this.learning.add(waiting)
    const got = await this.home.get()
    this.learning.delete(waiting)
    // What would be made for a session that is over would be nobody's, and nobody would end it.
    if (waiting.over) return fault('cancelled', { reason: 'its session is over' }, { evidence: evidence.ended_unsent })
    return this.detection.current === undefined || !('close' in got) ? got : this.connectionFor(owner, lease, overflow, sending)
  }

  /** Without sessions every endpoint serves every call. */
  private get isBalanced(): boolean {
    return this.endpoints.count > 1 && this.detection.current?.sessionful === false
  }

  /** At the endpoint that has least to do; at another where no connection to it can be had. What asks for a task goes to where it is. */
  private balanced(owner: Owner, lease: CredentialLease, sending: Sending | undefined): Connection | Promise<Connection | Fault> {
    const only = this.spread.onlyFor(sending)
    if (only !== undefined) return this.at(only, owner, lease)
    const got = this.at(this.spread.nextFor(sending), owner, lease)
    return got instanceof Promise ? this.orNext(got, owner, lease, sending) : got
  }

  private async orNext(
    first: Promise<Connection | Fault>,
    owner: Owner,
    lease: CredentialLease,
    sending?: Sending,
  ): Promise<Connection | Fault> {
    let got = await first
    for (let others = this.endpoints.count - 1; others > 0 && !('close' in got); others -= 1) {
      got = await this.at(this.spread.nextFor(sending), owner, lease)
    }
    return got
  }

  /** Of a server that has several. */
  endpointHealth(): readonly EndpointHealth[] | undefined {
    return this.told === undefined ? undefined : this.endpoints.health()
  }

  private at(endpoint: Endpoint, owner: Owner, lease: CredentialLease): Connection | Promise<Connection | Fault> {
    const credential = this.credentialOf(lease)
    const key = keyOf(anonymous, undefined, credential, endpoint.id)
    const found = this.slots.get(key)
    if (found !== undefined) return found.get()
    const acquire: Acquire = () => (credential === homeMark ? this.discoveryLease() : this.lease(owner))
    return this.added(key, acquire, { session: undefined, spare: false }, endpoint)?.get() ?? fullPool(this.context.id)
  }

  /** Undefined where the pool is full of connections that are needed. */
  slotFor(owner: Owner, lease: CredentialLease, overflow = 0): Slot | undefined {
    const key = this.keyFor(owner, lease, overflow)
    const found = this.slots.get(key)
    if (found === undefined) return this.addedFor(owner, key, overflow)
    const { connection } = found
    if (connection?.declaresLess !== true || !this.isAskedMore(owner)) return found
    // The server was told less than this caller can be asked. What no call has used is made anew, what has state behind it stays.
    if (connection.isUnused === true) this.retire(found, connection)
    else return this.slots.get(key + fullMark) ?? this.addedFor(owner, key + fullMark, overflow)
    return found
  }

  private addedFor(owner: Owner, key: string, overflow: number): Slot | undefined {
    const { current } = this.detection
    const own = current?.sessionful === true && current.transport !== 'stdio' && !this.isShared
    const session = own ? owner.affinity : undefined
    return this.added(key, () => this.lease(owner), { session, spare: overflow > 0 }, undefined, this.askableFor(owner))
  }

  /**
   * What the server is told of the client that a connection is for; undefined where it is told all. A stateless caller who can be asked
   * nothing shares the connection with those who can: what the server asks in vain is then told to him as the capability that he lacks.
   * One process serves clients of all kinds, unless the configuration says that its server asks them.
   */
  private askableFor({ affinity, capabilities }: Owner): Askable | undefined {
    if (capabilities === undefined || this.isShared || this.detection.current?.sessionful !== true) return undefined
    if (this.context.settings.command !== undefined && this.context.settings.interactive !== 'yes') return undefined
    const askable = askableOf(capabilities)
    return isAnything(askable) || (askable === 0 && affinity === undefined) ? undefined : askable
  }

  /** The next connection would declare the full form, and that makes a difference for this caller. */
  private isAskedMore({ capabilities }: Owner): boolean {
    const { current } = this.detection
    return current?.declaration?.form === 'full' && current.sessionful && capabilities !== undefined && needsFull(capabilities)
  }

  private added(key: string, acquire: Acquire, tenure: Tenure, endpoint: Endpoint | undefined, askable?: Askable): Slot | undefined {
    if (this.slots.size >= mostConnections && !this.evict()) return undefined
    const slot = this.slot(key, acquire, tenure, endpoint, askable)
    this.sweeping ??= this.clock.timer(sweepMs, () => this.sweep())
    return slot
  }

  /** Who shares a connection: everybody where there are no sessions or `sharing` says so; else a child serves a whole principal, a session one of a client. */
  private keyFor(owner: Owner, lease: CredentialLease, overflow: number): string {
    const { principal, affinity } = owner
    const { current } = this.detection
    const credential = this.credentialOf(lease)
    if (current === undefined || !current.sessionful) return credential === homeMark ? homeKey : keyOf(anonymous, undefined, credential)
    const isChild = current.transport === 'stdio'
    // Whoever finds the one connection occupied waits for it, but for one process.
    if (this.isShared)
      return isChild ? overflowKey(keyOf(anonymous, undefined, credential), overflow) : keyOf(anonymous, undefined, credential)
    // What a client can be asked never changes while its session lives.
    if (!isChild && affinity !== undefined) return overflowKey(keyOf(principal, affinity, credential), overflow)
    const askable = this.askableFor(owner)
    const key = keyOf(principal, undefined, credential)
    return overflowKey(askable === undefined ? key : `${key}\u0000asks ${askable}`, overflow)
  }

  private get isShared(): boolean {
    return this.context.settings.sharing === 'shared'
  }

  private credentialOf({ id }: CredentialLease): string {
    return id === this.homeCredential ? homeMark : id
  }

  /** `endpoint`: undefined where it is chosen anew with each connection. */
  private slot(key: string, acquire: Acquire, tenure: Tenure, endpoint?: Endpoint, askable?: Askable): Slot {
    const slot: Slot = new Slot(
      this.context,
      async () => {
        const connected = await this.connect(acquire, endpoint, askable)
        if (slot === this.home && slot.wasOpen && 'connection' in connected) this.detection.reconnected()
        return connected
      },
      acquire,
      tenure,
    )
    this.slots.set(key, slot)
    // Only the home's watches are those of the catalogue.
    if (key === homeKey) return slot
    this.tellHome(slot.watching, tenure.session)
    // What serves a caller serves the gateway: its state shall not lag behind calls that work.
    slot.onChange = () => {
      if (slot.connection !== undefined && slot.connection.doubt === undefined) this.onServed()
    }
    return slot
  }

  private tellHome(watching: Slot['watching'], session: string | undefined): void {
    const { watching: home } = this.home
    if (session === undefined) {
      watching.onChanged = (event) => home.tell(event)
      return
    }
    watching.onChanged = (event) => home.tell({ ...event, within: { session, isNew: false } })
    watching.onNew = () => {
      for (const list of listNames) home.tell({ kind: 'changed', list, within: { session, isNew: true } })
    }
  }

  /** What the server lists to the sessions of a principal may be something else now. */
  rescoped(principal: Principal): void {
    const whose = `${principalKey(principal)}\u0000`
    for (const [key, { session, connection }] of this.slots) {
      if (session === undefined || connection === undefined || !key.startsWith(whose)) continue
      for (const list of listNames) this.home.watching.tell({ kind: 'changed', list, within: { session, isNew: false } })
    }
  }

  /** The connection that a client session has to itself, where it is open. */
  openOf(session: string): { readonly connection: Connection; readonly acquire: Acquire } | undefined {
    for (const slot of this.slots.values()) {
      if (slot.session === session && slot.connection !== undefined) return { connection: slot.connection, acquire: slot.acquire }
    }
    return undefined
  }

  private async connect(acquire: Acquire, only: Endpoint | undefined, askable: Askable | undefined): Promise<Connected> {
    const lease = await acquire()
    if (!isLease(lease)) return { fault: lease }
    if (only !== undefined) return this.connectAt(only, lease, askable)
    let connected = await this.connectAt(this.endpoints.next(), lease, askable)
    for (let others = this.endpoints.count - 1; others > 0 && 'fault' in connected; others -= 1) {
      connected = await this.connectAt(this.endpoints.next(), lease, askable)
    }
    const better = 'fault' in connected ? await explained(connected.fault, lease) : undefined
    return better === undefined ? connected : { ...connected, fault: better }
  }

  private async look(): Promise<'modern' | 'legacy' | 'unknown'> {
    const lease = await this.discoveryLease()
    return isLease(lease) ? look(this.context, this.endpoints.next().dial, lease, this.ended) : 'unknown'
  }

  private async connectAt(endpoint: Endpoint, lease: CredentialLease, askable: Askable | undefined): Promise<Connected> {
    const connected = await connect(
      this.context,
      endpoint.dial,
      this.belonging(lease, endpoint, askable),
      this.detection.believed,
      this.ended,
    )
    if (this.ended.aborted) return connected
    if ('fault' in connected) {
      this.endpoints.failed(endpoint, connected.fault)
      this.detection.failed()
    } else {
      this.endpoints.reached(endpoint)
      this.spread.made(connected.connection, endpoint)
      this.detection.learned(connected.detected)
      this.count(connected.connection)
    }
    return connected
  }

  /** Its list is read on the home connection, which belongs to the same build, therefore, where there is but one place where it can be. */
  private count(connection: Connection): void {
    const { home } = this
    connection.build = this.builds.of(connection.description)
    const older = home.connection
    if (older === undefined || this.endpoints.count > 1 || (older.build ?? 0) >= connection.build) return
    this.retire(home, older)
  }

  private belonging(lease: CredentialLease, endpoint: Endpoint, askable?: Askable): Belonging {
    return {
      onePrincipal: !this.isShared && this.detection.current?.sessionful !== false,
      lease,
      askable,
      interactivity: this.interactivity,
      again: (call, exchange) => {
        const send: Next<TargetedCall> = (one, attempt) => new Transmission(this, one, attempt, ignore).send()
        return new Attempts(this.attempts, this.budget, call, exchange, send).run()
      },
      turned: (era) =>
        this.detection.reconsider(era, () => connect(this.context, endpoint.dial, this.belonging(lease, endpoint), undefined, this.ended)),
      greets: () => this.greets(endpoint, lease),
    }
  }

  /** Whether a connection can be had now, and serves. Asked once for all who want to know it at the same time, and not again at once where it failed. */
  private greets(endpoint: Endpoint, lease: CredentialLease): Promise<Greeted> {
    if (endpoint.greeting === undefined && this.context.clock.mono() < endpoint.greetAgainAt) return Promise.resolve('refuses')
    endpoint.greeting ??= this.greet(endpoint, lease).finally(() => {
      endpoint.greeting = undefined
    })
    return endpoint.greeting
  }

  private async greet(endpoint: Endpoint, lease: CredentialLease): Promise<Greeted> {
    const belonging = this.belonging(unjudged(lease), endpoint)
    const connected = await connect(this.context, endpoint.dial, belonging, this.detection.believed, this.ended)
    const isTaken = 'connection' in connected
    this.endpoints.greeted(endpoint, isTaken)
    if (!isTaken) return 'refuses'
    const { connection } = connected
    const serves = (await connection.serves?.()) ?? true
    inBackground(this.context.report, 'connection', connection.close())
    return serves ? 'answers' : 'takes'
  }

  /** Asked of the server itself: of processes on the connections that there are, elsewhere on one that is made for it. */
  async answers(): Promise<boolean> {
    this.endpoints.forgive()
    for (const slot of this.slots.values()) slot.forgive()
    const lease = await this.discoveryLease()
    if (!isLease(lease)) return false
    if (this.context.settings.command !== undefined) return this.processesAnswer(lease)
    for (let others = this.endpoints.count; others > 0; others -= 1) {
      if ((await this.greet(this.endpoints.next(), lease)) !== 'refuses') return true
    }
    return false
  }

  /** The end of a process may be on its way to us still: those that have ended are found out, though the home alone counts. */
  private async processesAnswer(lease: CredentialLease): Promise<boolean> {
    const home = await this.home.get()
    if (!('close' in home)) return false
    const open = [...this.slots.values()].flatMap(({ connection }) => connection ?? [])
    const answers = await Promise.all(open.map((connection) => isAnswering(this.context, connection, lease)))
    return answers[open.indexOf(home)] === true
  }

  async restart(): Promise<void> {
    await Promise.all([...this.slots.values()].map((slot) => slot.restart()))
  }

  nextQueue(queues: number): number {
    this.queue = (this.queue + 1) % queues
    return this.queue
  }

  /** The server no longer speaks the revision of this connection. One of the modern era has asked already which it speaks now. */
  forget(connection: Connection): void {
    if (connection.era === 'legacy') this.detection.doubt()
  }

  /**
   * No request reaches its endpoint. Where there are others, it is left out for a while, and what it alone could serve is connected anew
   * to one of them. A session of a server is given up only by its own failure: what it keeps is worth a try.
   */
  unreachable(connection: Connection, found: Fault): void {
    const endpoint = this.spread.of(connection)
    if (endpoint === undefined || this.endpoints.count === 1) return
    this.endpoints.failed(endpoint, found)
    for (const slot of this.slots.values()) {
      const other = slot.connection
      if (other === undefined || this.spread.of(other) !== endpoint) continue
      if (other === connection || !other.sessionful) this.retire(slot, other)
    }
  }

  /** Its session begins anew at another endpoint, with the next that is wanted of it; what runs on it ends there. */
  private moved(connection: Connection): void {
    for (const slot of this.slots.values()) {
      if (slot.connection !== connection) continue
      this.context.report.log('warn', 'A session of an upstream fails with its endpoint; it begins anew at another', {
        upstream: this.context.id,
      })
      this.retire(slot, connection)
    }
  }

  /** The client session is over: what only it could use is closed. */
  sessionEnded(affinity: string): void {
    for (const waiting of this.learning) if (waiting.affinity === affinity) waiting.over = true
    for (const [key, slot] of this.slots) {
      if (slot.session === affinity) this.drop(key, slot)
      else slot.connection?.sessionEnded?.(affinity)
    }
    for (const connection of this.retiring) connection.sessionEnded?.(affinity)
  }

  rootsChanged(affinity: string): void {
    for (const slot of this.slots.values()) slot.connection?.rootsChanged?.(affinity)
  }

  /** Ends all connections, and what runs on them. */
  async close(): Promise<void> {
    this.sweeping?.cancel()
    this.detection.close()
    this.ended.abort('closed')
    await Promise.all([...this.slots.values(), ...this.retiring].map((one) => one.close()))
  }

  /** Connections of another era take no call any more, and finish those that they have. */
  private retireOthers(era: Connection['era']): void {
    for (const slot of this.slots.values()) {
      const { connection } = slot
      if (connection !== undefined && connection.era !== era) this.retire(slot, connection)
    }
  }

  private retire(slot: Slot, connection: Connection): void {
    this.retiring.add(connection)
    slot.release()
    const retired = connection.retire().finally(() => this.retiring.delete(connection))
    inBackground(this.context.report, 'connection', retired)
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
    const before = this.clock.mono() - idleMs
    for (const [key, slot] of this.slots) {
      if (slot !== this.home && !slot.isNeeded && slot.usedAt <= before) this.drop(key, slot)
    }
    this.sweeping = this.slots.size > 1 ? this.clock.timer(sweepMs, () => this.sweep()) : undefined
  }

  private drop(key: string, slot: Slot): void {
    this.slots.delete(key)
    inBackground(this.context.report, 'connection', slot.close())
  }
}
