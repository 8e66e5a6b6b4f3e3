// The place of one connection in the pool: it opens it once however many want it, waits out the backoff after failures, and brings it
// back by itself where it is kept.
import { fault } from '../../core/faults/catalogue.ts'
import { evidence } from '../../core/faults/evidence.ts'
import type { Fault } from '../../core/faults/fault.ts'
import { reportBug } from '../../core/ports/boundary.ts'
import type { Timer } from '../../core/ports/clock.ts'
import type { Leased } from '../../core/ports/credentials.ts'
import type { Connection } from '../connection.ts'
import type { Context } from '../context.ts'
import { backoffMs } from './backoff.ts'
import type { Connected } from './connect.ts'
import { Watching } from './watching.ts'

/** A connection that lived this long, in ms, was a good one: the first attempt after its loss is made at once. */
const steadyMs = 5_000
/** Timers may fire a little early by the clock, in ms: who waited out a backoff is not turned away once more. */
const earlyMs = 1

/** Who keeps the place, beside those who use it now. */
export interface Tenure {
  /** The one client session that can use it; it is closed when that ends. */
  readonly session: string | undefined
  /** It was made because another was occupied: what a session keeps behind a connection is behind that one. */
  readonly spare: boolean
}

export type Acquire = () => Leased | Promise<Leased>

export class Slot {
  readonly watching: Watching
  readonly session: string | undefined
  connection: Connection | undefined
  /** Why there is none. */
  lastFault: Fault | undefined
  /** Monotonic ms of the last use. */
  usedAt: number
  /** Connections made after the first. */
  restarts = 0
  /** Something changed: a connection came or went, an attempt began or failed. */
  onChange: () => void = () => {}

  /** The credential of those whose connection it is. */
  readonly acquire: Acquire

  private readonly context: Context
  private readonly make: () => Promise<Connected>
  private readonly spare: boolean
  private opening: Promise<Connection | Fault> | undefined
  private failures = 0
  private notBefore = 0
  private openedAt = 0
  private made = 0
  private kept = false
  private retry: Timer | undefined
  private closed = false

  constructor(context: Context, make: () => Promise<Connected>, acquire: Acquire, { session, spare }: Tenure) {
    this.context = context
    this.make = make
    this.acquire = acquire
    this.session = session
    this.spare = spare
    this.usedAt = context.clock.mono()
    this.watching = new Watching(context.report)
    this.watching.onFirst = () => {
      if (this.connection === undefined) void this.get()
    }
  }

  get isOpening(): boolean {
    return this.opening !== undefined
  }

  get wasOpen(): boolean {
    return this.made > 0
  }

  /** Not to be closed for lack of use. */
  get isNeeded(): boolean {
    if (this.opening !== undefined || this.watching.size > 0) return true
    const { connection } = this
    return connection !== undefined && (connection.busy > 0 || (connection.isOwned && !this.spare))
  }

  /** Opens it now and again after every loss. */
  keep(): void {
    if (this.kept) return
    this.kept = true
    if (this.connection === undefined) void this.get()
  }

  /** The connection, or the fault of the attempt; within the backoff the fault of the last one, at once. */
  get(): Connection | Promise<Connection | Fault> {
    const now = this.context.clock.mono()
    this.usedAt = now
    if (this.connection !== undefined) return this.connection
    if (this.opening !== undefined) return this.opening
    if (this.closed) return Promise.resolve(fault('draining'))
    // Where there was no credential nothing was asked of the server: there is nothing to spare it.
    const spares = this.lastFault !== undefined && this.lastFault.evidence?.name !== evidence.no_credential.name
    if (now + earlyMs < this.notBefore && spares) {
      return Promise.resolve(meanwhile(this.lastFault as Fault, Math.ceil(this.notBefore - now)))
    }
    this.opening = this.open()
    this.onChange()
    return this.opening
  }

  /** The server serves elsewhere: what waits to be tried again is tried now. A credential that was refused may be refused still. */
  wake(): void {
    if (this.connection !== undefined) this.connection.look?.()
    else if (this.retry !== undefined && this.opening === undefined && this.lastFault?.evidence?.renew !== 'credential') {
      this.notBefore = 0
      void this.get()
    }
  }

  /** Nothing that failed before counts any more, and nothing is waited out. */
  forgive(): void {
    this.failures = 0
    this.notBefore = 0
    if (this.connection !== undefined) this.connection.look?.()
    else if (this.retry !== undefined && this.opening === undefined) void this.get()
  }

  /** Ends the connection; another is made afterwards, never beside it: a process may have something to itself. */
  async restart(): Promise<void> {
    const { connection } = this
    if (connection === undefined) return this.forgive()
    await connection.close()
    if (this.connection === connection) this.release()
  }

  /** Lets go of the connection, which somebody else ends; another is made where one is wanted. */
  release(): void {
    this.connection = undefined
    this.watching.detach()
    this.later(0)
  }

  /** Ends the connection and does not come back. */
  async close(): Promise<void> {
    this.closed = true
    this.retry?.cancel()
    this.watching.detach()
    this.watching.tried()
    const { connection, opening } = this
    this.connection = undefined
    if (connection !== undefined) await connection.close()
    const late = await opening
    if (late !== undefined && 'close' in late && late !== connection) await late.close()
  }

  /** Never rejects: a bug on the way is told, and the next attempt is as free as after any failure. */
  private async open(): Promise<Connection | Fault> {
    try {
      return await this.attempt()
    } catch (bug) {
      reportBug(this.context.report, 'connection', bug, { upstream: this.context.id })
      this.opening = undefined
      const found = fault('upstream_unavailable', { upstream: this.context.id, reason: 'an internal error of the gateway, see its log' })
      if (this.connection === undefined) this.failed(found)
      return found
    }
  }

  private async attempt(): Promise<Connection | Fault> {
    this.retry?.cancel()
    this.retry = undefined
    const connected = await this.make()
    this.opening = undefined
    if ('fault' in connected) {
      this.failed(connected.fault)
      return connected.fault
    }
    const { connection } = connected
    if (this.closed) return connection
    this.connection = connection
    this.lastFault = undefined
    this.openedAt = this.context.clock.mono()
    this.usedAt = this.openedAt
    this.made += 1
    if (this.made > 1) {
      this.restarts += 1
      if (connection.description.transport === 'stdio') this.context.report.counters.add('child_restarts', { upstream: this.context.id })
    }
    connection.onEnd = (found) => this.lost(connection, found)
    connection.onDoubt = () => this.onChange()
    this.watching.attach(connection, this.made > 1)
    this.onChange()
    return connection
  }

  private lost(connection: Connection, found: Fault): void {
    if (this.connection !== connection) return
    this.connection = undefined
    this.watching.detach()
    const lived = this.context.clock.mono() - this.openedAt
    this.failures = lived >= steadyMs || connection.hasServed === true ? 0 : this.failures + 1
    this.lastFault = found
    this.context.report.log('warn', 'The connection to an upstream was lost', { upstream: this.context.id, reason: found.message })
    this.later(this.failures <= 1 ? 0 : backoffMs(this.failures - 2, this.context.random))
  }

  private failed(found: Fault): void {
    this.failures += 1
    this.lastFault = found
    this.watching.tried()
    // With another credential the first attempt may be made at once.
    const renewed = this.failures === 1 && found.evidence?.renew === 'credential'
    this.later(renewed ? 0 : backoffMs(this.failures - 1, this.context.random))
  }

  private later(waitMs: number): void {
    this.notBefore = this.context.clock.mono() + waitMs
    if (!this.closed && (this.kept || this.watching.size > 0)) {
      this.retry?.cancel()
      this.retry = this.context.clock.timer(waitMs, () => {
        this.notBefore = 0
        if (this.connection === undefined && !this.closed) void this.get()
      })
    }
    this.onChange()
  }
}

/** What the loss of a connection is to those who come until there may be another: nothing of theirs was sent, at once they would meet the same, and to wait may help. */
function meanwhile(lost: Fault, retryAfterMs: number): Fault {
  const { again } = lost.evidence ?? { again: 'once' }
  return { ...lost, retryAfterMs, evidence: again === 'once' ? evidence.no_connection : lost.evidence }
}
