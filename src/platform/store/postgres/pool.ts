// A few connections to one database, each with limits on what it may wait for. What fails is a `StoreError`; a connection that failed is
// never used again, and the next operation makes another.
import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import type { Pool, PoolClient, PoolConfig } from 'pg'
import type { Clock } from '../../../core/ports/clock.ts'
import { StoreError } from '../store-error.ts'
import { within } from '../within.ts'
import type { PostgresAddress } from './address.ts'
import { errorOf, leavesConnection } from './faults.ts'
import { type Answer, Request, type Step } from './request.ts'

export interface PoolLimits {
  readonly connections: number
  /** Until a connection can be used, in ms. */
  readonly connectMs: number
  /** Longest time of one request, and of what its caller does between two within a transaction, in ms. */
  readonly stepMs: number
  /** How long a statement waits for a lock, in ms. */
  readonly lockMs: number
}

export interface PoolOptions {
  readonly address: PostgresAddress
  readonly limits: PoolLimits
  readonly clock: Clock
}

/** After so long, in s, a connection is made anew, so that what a name leads to may change. */
const lifetimeS = 1_800

/** Unused ones are closed after so long, in ms. */
const idleMs = 30_000

export class PostgresPool {
  private readonly options: PoolOptions
  private pool: Promise<Pool> | undefined

  constructor(options: PoolOptions) {
    this.options = options
  }

  /** `work` has the connection for itself until it ends. Rejects with what `work` throws, or a `StoreError`. */
  async use<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const client = await this.client()
    const session = new Session(client, this.options)
    try {
      return await work(session)
    } finally {
      session.over()
      client.release(session.isLost)
    }
  }

  /** Ends what is unused at once; what is used ends with its use. */
  async close(): Promise<void> {
    const { pool } = this
    this.pool = undefined
    const ended = pool?.then((opened) => opened.end()) ?? Promise.resolve()
    await within(this.options.clock, this.options.limits.stepMs, ended, 'late').catch(() => undefined)
  }

  private async client(): Promise<PoolClient> {
    const { clock, limits } = this.options
    this.pool ??= this.opened()
    const { pool } = this
    try {
      const connecting = (await pool).connect()
      return await within(clock, limits.connectMs, connecting, 'it accepts connections and does not answer').catch((error: unknown) => {
        connecting.then(
          (late) => late.release(true),
          () => undefined,
        )
        throw error
      })
    } catch (error) {
      // The next attempt reads the certificates again.
      if (this.pool === pool && (await pool.catch(() => undefined))?.totalCount !== 0) throw errorOf(error)
      if (this.pool === pool) this.pool = undefined
      throw errorOf(error)
    }
  }

  private async opened(): Promise<Pool> {
    const { address, limits, clock } = this.options
    const ssl = tlsOptions(address)
    const { GuardedClient, Pool: LibraryPool } = await import('./client.ts')
    const pool = new LibraryPool({
      host: address.host,
      port: address.port,
      database: address.database,
      user: address.user,
      // By a function, so that an empty one stays empty, whatever the environment has.
      password: () => address.password,
      ssl,
      application_name: 'signalbox',
      keepAlive: true,
      max: limits.connections,
      connectionTimeoutMillis: limits.connectMs,
      idleTimeoutMillis: idleMs,
      maxLifetimeSeconds: lifetimeS,
      allowExitOnIdle: true,
      Client: GuardedClient as unknown as NonNullable<PoolConfig['Client']>,
      onConnect: (client) => prepare(client as PoolClient, clock, limits),
    })
    // Of a connection that nobody uses: the next to be used is another.
    pool.on('error', () => undefined)
    return pool
  }
}

/** One connection while somebody has it. Requests are sent one after the other. */
export class Session {
  private readonly client: Pick<PoolClient, 'query'>
  private readonly options: Pick<PoolOptions, 'clock' | 'limits'>
  private tail: Promise<unknown> = Promise.resolve()
  private lost = false
  private ended = false

  constructor(client: Pick<PoolClient, 'query'>, options: Pick<PoolOptions, 'clock' | 'limits'>) {
    this.client = client
    this.options = options
  }

  /** Whether it must not be used again. */
  get isLost(): boolean {
    return this.lost
  }

  /** Outside a transaction all steps are kept, or none. Rejects with a `StoreError`. */
  ask(steps: readonly Step[], limitMs: number = this.options.limits.stepMs): Promise<Answer> {
    const answer = this.tail.then(() => this.send(steps, limitMs))
    this.tail = answer.catch(() => undefined)
    return answer
  }

  /** Whatever it still does, nobody waits for it. */
  lose(): void {
    this.lost = true
  }

  over(): void {
    this.ended = true
  }

  private async send(steps: readonly Step[], limitMs: number): Promise<Answer> {
    if (this.lost || this.ended) throw new StoreError('unavailable', 'the connection was lost')
    try {
      const request = new Request(steps)
      this.client.query(request as unknown as { submit(connection: object): void })
      return await within(this.options.clock, limitMs, request.done, 'it did not answer in time')
    } catch (error) {
      if (!leavesConnection(error)) this.lose()
      throw errorOf(error)
    }
  }
}

/** What holds for every statement of a connection, and whether it is a database that can keep what is kept. */
async function prepare(client: PoolClient, clock: Clock, limits: PoolLimits): Promise<void> {
  const settings: readonly (readonly [string, string])[] = [
    ['statement_timeout', String(limits.stepMs)],
    ['lock_timeout', String(limits.lockMs)],
    ['idle_in_transaction_session_timeout', String(limits.stepMs)],
    ['default_transaction_isolation', 'read committed'],
    ['bytea_output', 'hex'],
    ['standard_conforming_strings', 'on'],
  ]
  const set = settings.map(() => 'set_config(?, ?, false)').join(', ')
  const sql = `SELECT current_setting('server_encoding') AS encoding, current_schema() AS place, ${set}`
  const session = new Session(client, { clock, limits })
  const [row] = (await session.ask([{ sql, rows: [settings.flat()] }], limits.connectMs)).rows
  if (row?.encoding !== 'UTF8') {
    throw new StoreError('unavailable', `the encoding of the database is ${row?.encoding}: create one with ENCODING 'UTF8'`)
  }
  if (row.place === null) throw new StoreError('unavailable', 'the search_path of the user leads to no schema: create one')
}

function tlsOptions({ sslMode, sslRootCert }: PostgresAddress): false | ConnectionOptions {
  if (sslMode === 'disable') return false
  const ca = sslRootCert === undefined ? undefined : certificates(sslRootCert)
  if (sslMode === 'verify-full') return { ...(ca === undefined ? {} : { ca }) }
  // With certificates to check against, `require` means `verify-ca`, as PostgreSQL's own programs have it.
  if (sslMode === 'require' && ca === undefined) return { rejectUnauthorized: false }
  return { ...(ca === undefined ? {} : { ca }), checkServerIdentity: () => undefined }
}

function certificates(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new StoreError('unavailable', `${file} of sslrootcert cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}
