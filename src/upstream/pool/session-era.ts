// A server of both eras is spoken to in the era of its caller, since some ask their clients only in sessions. This is its other side: a
// second pool of the same endpoints, of the era with `initialize`, which is opened when the first session client needs it. Where it cannot
// be had, session clients are served in MCP 2026-07-28, as others are.

import type { TargetedCall } from '../../core/call/call.ts'
import type { CallEvent, Interest } from '../../core/call/exchange.ts'
import { announces, listNames, offers } from '../../core/call/item-kinds.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { evidence } from '../../core/faults/evidence.ts'
import type { Fault } from '../../core/faults/fault.ts'
import { inBackground } from '../../core/ports/boundary.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { CredentialLease, Leased } from '../../core/ports/credentials.ts'
import type { Owner, UpstreamDescription, Watch } from '../../core/ports/upstream.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { dayMs } from '../../core/text/duration.ts'
import type { Connection } from '../connection.ts'
import type { Context } from '../context.ts'
import { isUnreachable } from '../http/failures.ts'
import { ConnectionPool } from './connections.ts'
import type { Endpoints } from './endpoints.ts'
import { EraLists } from './era-lists.ts'
import { toldBoth } from './spread.ts'
import type { ConnectionSource, Sending } from './transmission.ts'

/** How long a failure to open it is remembered, in ms; it doubles with each in a row. */
const firstPauseMs = 60_000
const longestPauseMs = dayMs

/** A watch that is opened in this era too. */
interface LateWatch {
  interest: Interest
  readonly on: (event: CallEvent) => void
  watch: Watch | undefined
}

type State =
  | 'untried'
  | 'open'
  /** Without sessions nothing is asked in it that is not asked in the other era: only what it alone has is called in it. */
  | 'stateless'
  /** The last attempt failed. */
  | 'closed'

export class SessionEra implements ConnectionSource {
  readonly clock: Clock
  readonly pool: ConnectionPool
  /** What each era lists. */
  readonly lists: EraLists
  /** It was opened for the first time, or cannot be. Set once. */
  onSettled: () => void = () => {}

  readonly words: Context['words']
  readonly told: ConnectionSource['told']
  private readonly context: Context
  private readonly modern: ConnectionPool
  private state: State = 'untried'
  private failures = 0
  /** Monotonic ms before which it is not tried again. */
  private notBefore = 0
  private opening: Promise<Fault | undefined> | undefined
  /** What it said of itself when it was first opened. */
  private added: UpstreamDescription | undefined
  private readonly watches = new Set<LateWatch>()
  /** Calls that wait until it is open; `over`: their session has ended meanwhile. */
  private readonly waiting = new Set<{ readonly affinity: string | undefined; over: boolean }>()

  constructor(context: Context, endpoints: Endpoints, modern: ConnectionPool) {
    const { settings } = context
    this.context = context
    this.clock = context.clock
    this.words = context.words
    this.modern = modern
    const transport = settings.command === undefined ? 'streamable-http' : settings.transport
    this.pool = new ConnectionPool(
      { ...context, settings: { ...settings, era: 'legacy', transport } },
      endpoints,
      modern.builds.inOtherEra(),
    )
    this.told = this.pool.told === undefined || modern.told === undefined ? undefined : toldBoth(this.pool.told, modern.told)
    this.lists = new EraLists(context)
    const served = (): void => {
      this.pool.home.wake()
      modern.home.wake()
    }
    this.pool.onServed = served
    modern.onServed = served
  }

  /** It was opened once, so the server has it. */
  get isThere(): boolean {
    return this.added !== undefined
  }

  /** Whose connections a call takes: those of its caller's era, or of the only era that has the item. */
  sourceFor(call: TargetedCall): ConnectionSource {
    const { caller, continuation, family } = call
    if (this.lists.differ && family === 'invoke') {
      const only = this.lists.eraOf(call)
      if (only !== undefined) return only === 'modern' ? this.modern : this.pool
    }
    // Tasks and a state to come back with are of the modern era.
    return caller.affinity === undefined || family === 'task' || continuation !== undefined ? this.modern : this
  }

  /** A session client is here: it is opened where it was never tried, once the server is known to be of the other era too. */
  want(): void {
    if (this.state !== 'untried' || this.modern.detection.current?.era !== 'modern') return
    inBackground(this.context.report, 'connection', this.open())
  }

  /** The first attempt is under way. */
  get isPending(): boolean {
    return this.opening !== undefined && this.state === 'untried'
  }

  /** What is said of the server, with what the session era adds to it. */
  describe(description: UpstreamDescription): UpstreamDescription {
    const added = this.pool.home.connection?.description ?? this.added
    if (added === undefined) return description
    const capabilities = joined(description.capabilities, added.capabilities)
    return { ...description, capabilities, sessionRevision: added.revision, differences: this.lists.differences }
  }

  /** The watch of the gateway itself hears both eras, once there are two. */
  watchBoth(main: Watch, interest: Interest, on: (event: CallEvent) => void): Watch {
    const both = { interest, on, watch: undefined }
    this.watches.add(both)
    if (this.isThere) this.hearBoth()
    return this.bothWatch(main, both)
  }

  private bothWatch(main: Watch, both: LateWatch): Watch {
    return {
      update: (interest) => {
        both.interest = interest
        if (both.watch !== undefined) inBackground(this.context.report, 'upstream_events', both.watch.update(interest))
        return main.update(interest)
      },
      close: () => {
        this.watches.delete(both)
        both.watch?.close()
        main.close()
      },
    }
  }

  private hearBoth(): void {
    for (const both of this.watches) {
      both.watch ??= this.pool.home.watching.open(both.interest, (event) => {
        if (event.kind === 'changed') this.lists.sessionChanged(event.list)
        both.on(event)
      })
    }
  }

  /** The pool that the connection of this owner is in. */
  async poolFor({ affinity }: Owner): Promise<ConnectionPool> {
    if (affinity === undefined) return this.modern
    return (await this.isOpen()) ? this.pool : this.modern
  }

  lease(owner: Owner): Leased | Promise<Leased> {
    return this.modern.lease(owner)
  }

  /** For callers with sessions. */
  connectionFor(owner: Owner, lease: CredentialLease, overflow: number, sending?: Sending): Connection | Promise<Connection | Fault> {
    if (this.state === 'open') {
      const got = this.pool.connectionFor(owner, lease, overflow, sending)
      return got instanceof Promise ? got.then((made) => this.orModern(made, owner, lease, overflow, sending)) : got
    }
    const { current } = this.modern.detection
    if (this.state === 'stateless' || current?.era === 'legacy' || (this.state === 'closed' && this.clock.mono() < this.notBefore))
      return this.modern.connectionFor(owner, lease, overflow, sending)
    return this.onceOpen(owner, lease, overflow, sending)
  }

  private async onceOpen(owner: Owner, lease: CredentialLease, overflow: number, sending?: Sending): Promise<Connection | Fault> {
    const waiting = { affinity: owner.affinity, over: false }
    this.waiting.add(waiting)
    const open = await this.isOpen()
    this.waiting.delete(waiting)
    // What would be made for a session that is over would be nobody's, and nobody would end it.
    if (waiting.over) return fault('cancelled', { reason: 'its session is over' }, { evidence: evidence.ended_unsent })
    return open ? this.connectionFor(owner, lease, overflow, sending) : this.modern.connectionFor(owner, lease, overflow, sending)
  }

  sessionEnded(affinity: string): void {
    for (const waiting of this.waiting) if (waiting.affinity === affinity) waiting.over = true
    this.pool.sessionEnded(affinity)
  }

  forget(connection: Connection): void {
    const { pool, modern } = this
    if (modern.detection.current?.era === 'modern') pool.forget(connection)
    else modern.forget(connection)
  }

  unreachable(connection: Connection, found: Fault): void {
    this.pool.unreachable(connection, found)
    this.modern.unreachable(connection, found)
  }

  nextQueue(queues: number): number {
    return this.pool.nextQueue(queues)
  }

  private async isOpen(): Promise<boolean> {
    if (this.state === 'untried' || (this.state === 'closed' && this.clock.mono() >= this.notBefore)) await this.open()
    return this.state === 'open'
  }

  /** Once for all who want it. Nothing is settled by a server that cannot be reached at all, or that is of one era. */
  private open(): Promise<Fault | undefined> {
    this.opening ??= this.attempt().finally(() => {
      this.opening = undefined
      this.onSettled()
    })
    return this.opening
  }

  private async attempt(): Promise<Fault | undefined> {
    const { home, detection } = this.modern
    home.keep()
    const known = await home.get()
    if (!('close' in known)) return known
    if (detection.current?.era !== 'modern') return undefined
    const got = await this.pool.home.get()
    if (!('close' in got)) {
      if (!isUnreachable(got)) this.failed(got)
      return got
    }
    this.failures = 0
    this.state = got.sessionful ? 'open' : 'stateless'
    this.added = got.description
    this.hearBoth()
    return undefined
  }

  /** A server that is away is away in both eras. */
  private orModern(
    got: Connection | Fault,
    owner: Owner,
    lease: CredentialLease,
    overflow: number,
    sending: Sending | undefined,
  ): Connection | Fault | Promise<Connection | Fault> {
    if ('close' in got || isUnreachable(got) || got.kind === 'overloaded') return got
    this.failed(got)
    return this.modern.connectionFor(owner, lease, overflow, sending)
  }

  private failed(found: Fault): void {
    this.state = 'closed'
    this.notBefore = this.clock.mono() + Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(this.failures, 20))
    this.failures += 1
    if (this.failures > 1) return
    const { id: upstream, report } = this.context
    // Most servers that do not take it are of one era.
    report.log(this.isThere ? 'warn' : 'info', 'Session clients of an upstream are served in MCP 2026-07-28: it takes no initialize', {
      upstream,
      reason: found.message,
    })
  }
}

type Capabilities = UpstreamDescription['capabilities']

/** What one era or the other has; that a list announces its changes, only where each era that has it does. */
function joined(modern: Capabilities, session: Capabilities): Capabilities {
  const all: Record<string, unknown> = { ...session, ...modern }
  for (const list of listNames) {
    const [one, other] = [modern?.[list], session?.[list]]
    if (!offers(modern, list) || !offers(session, list)) {
      if (offers(session, list)) all[list] = other
      continue
    }
    const listChanged = announces(modern, list) && announces(session, list)
    all[list] = { ...(isObject(other) ? other : {}), ...(isObject(one) ? one : {}), ...(listChanged ? {} : { listChanged }) }
  }
  return all
}
