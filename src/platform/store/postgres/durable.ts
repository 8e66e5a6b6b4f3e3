// The durable store on PostgreSQL: one transaction that writes at a time, of all gateways that share the database, beside a few that read.
// Each operation has an answer whatever the server does; a connection that failed is replaced by the next operation.
import type { Clock } from '../../../core/ports/clock.ts'
import type { Cell, Domain, Durable, Reader, Stored, StoreFault, Transaction } from '../../../core/ports/durable.ts'
import type { Report } from '../../../core/ports/report.ts'
import { StoreCondition, type StoreMode } from '../condition.ts'
import { isCurrent, migrate, schemaTable, versionsOf } from '../migrations.ts'
import { StoreError } from '../store-error.ts'
import { StatementTransaction } from '../transaction.ts'
import { Turns } from '../turns.ts'
import { within } from '../within.ts'
import { type PostgresAddress, shownAddress } from './address.ts'
import { isPassing, sentence } from './faults.ts'
import { type PoolLimits, PostgresPool, type Session } from './pool.ts'
import type { Step } from './request.ts'

export interface PostgresOptions {
  readonly address: PostgresAddress
  readonly domains: readonly Domain[]
  /** The version of this program, for whoever finds the store later. */
  readonly program: string
  readonly clock: Clock
  readonly report: Report
  /** Brings the tables forward. False: an operation on others than this version's is `unavailable`. */
  readonly migrates: boolean
  readonly limits?: Partial<PostgresLimits>
}

export interface PostgresLimits extends PoolLimits {
  /** After a failure nothing is tried for so long, in ms. */
  readonly pauseMs: number
  /** Operations of each kind, reading and writing, that may run or wait. */
  readonly mostWaiting: number
  /** The longest that bringing the tables forward may take, in ms. */
  readonly migrateMs: number
}

export const defaultPostgresLimits: PostgresLimits = {
  connections: 4,
  connectMs: 5_000,
  stepMs: 10_000,
  lockMs: 2_000,
  pauseMs: 1_000,
  mostWaiting: 256,
  migrateMs: 600_000,
}

const step = (sql: string): Step => ({ sql, rows: [[]] })

/**
 * Who writes has it, of one store: `transact` alone, single statements together. By the schema, so that two stores in one database do not
 * wait for each other. The number is ours among those who lock in this way.
 */
const alone = step('SELECT pg_advisory_xact_lock(1397311310, hashtext(current_schema()))')
const together = step('SELECT pg_advisory_xact_lock_shared(1397311310, hashtext(current_schema()))')

const writing = [step('BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE'), alone]
const reading = [step('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')]

/** How often a single statement is sent again where two that ran at once stood in each other's way. */
const mostAgain = 3

export function createPostgresDurable(options: PostgresOptions): Durable {
  return new PostgresDurable(options)
}

class PostgresDurable implements Durable {
  private readonly options: PostgresOptions
  private readonly limits: PostgresLimits
  private readonly pool: PostgresPool
  private readonly condition: StoreCondition
  /** One connection is the writer's, the others are for who reads: nobody waits for one. */
  private readonly writers: Turns
  private readonly readers: Turns
  private closed = false
  /** The tables are of the versions that this program knows. */
  private current = false
  private opening: Promise<void> | undefined

  constructor(options: PostgresOptions) {
    this.options = options
    this.limits = { ...defaultPostgresLimits, ...options.limits }
    const { address, clock, report } = options
    const { connections, mostWaiting, pauseMs } = this.limits
    this.pool = new PostgresPool({ address, clock, limits: this.limits })
    this.writers = new Turns(1, mostWaiting)
    this.readers = new Turns(connections - 1, mostWaiting)
    const where = shownAddress(address)
    this.condition = new StoreCondition({ clock, report, pauseMs, sentence: (fault) => sentence(fault, where) })
  }

  read<T>(work: (reader: Reader) => Promise<T>): Promise<Stored<T>> {
    return this.queued('read', (session) => this.transaction(session, reading, work))
  }

  transact<T>(work: (transaction: Transaction) => Promise<T>): Promise<Stored<T>> {
    return this.queued('write', (session) => this.transaction(session, writing, work))
  }

  run(sql: string, params: readonly Cell[] = []): Promise<Stored<number>> {
    return this.queued('write', async (session) => {
      for (let again = 0; ; again += 1) {
        try {
          return await statementsOf(session, () => [together]).run(sql, params)
        } catch (error) {
          if (!isPassing(error) || again === mostAgain) throw error
        }
      }
    })
  }

  trouble(): StoreFault | undefined {
    return this.condition.trouble
  }

  async close(): Promise<void> {
    this.closed = true
    await Promise.all([this.writers.idle(), this.readers.idle()])
    await this.pool.close()
  }

  private queued<T>(mode: StoreMode, work: (session: Session) => Promise<T>): Promise<Stored<T>> {
    if (this.closed) return Promise.resolve({ ok: false, fault: { kind: 'closed', message: 'The store is closed' } })
    const turns = mode === 'read' ? this.readers : this.writers
    const turn = turns.take(() => this.perform(mode, work))
    if (turn !== undefined) return turn
    return Promise.resolve(this.condition.failed({ kind: 'overloaded', message: `${turns.size} operations wait for the store already` }))
  }

  private async perform<T>(mode: StoreMode, work: (session: Session) => Promise<T>): Promise<Stored<T>> {
    const paused = this.condition.paused(mode, this.current)
    if (paused !== undefined) return this.condition.failed(paused)
    try {
      await this.opened()
      const value = await this.pool.use(work)
      this.condition.succeeded(mode)
      return { ok: true, value }
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      // It may come back as another: restored from a backup, or brought forward by a newer program.
      if (error.fault.kind === 'unavailable') this.current = false
      return this.condition.failed(error.fault)
    }
  }

  private async opened(): Promise<void> {
    if (this.current) return
    this.opening ??= this.open().finally(() => {
      this.opening = undefined
    })
    await this.opening
  }

  private async open(): Promise<void> {
    const { domains, program, migrates } = this.options
    const { migrateMs } = this.limits
    const isDone = await this.pool.use((session) =>
      this.transaction(session, reading, async (reader) => {
        const [found] = await reader.all('SELECT to_regclass(?) AS name', [schemaTable])
        return found?.name !== null && isCurrent(domains, await versionsOf(reader))
      }),
    )
    if (!isDone) {
      if (!migrates) throw new StoreError('unavailable', 'its tables are not yet those of this version: the start of a gateway makes them')
      const begin = [...writing, step(`SET LOCAL statement_timeout = ${migrateMs}`)]
      await this.pool.use((session) => this.transaction(session, begin, (transaction) => migrate(transaction, domains, program), migrateMs))
    }
    this.current = true
  }

  private async transaction<T>(
    session: Session,
    begin: readonly Step[],
    work: (transaction: Transaction) => Promise<T>,
    limitMs: number = this.limits.stepMs,
  ): Promise<T> {
    let begun = false
    const transaction = statementsOf(
      session,
      () => {
        if (begun) return []
        // With the first statement: a round trip less.
        begun = true
        return begin
      },
      limitMs,
    )
    try {
      const value = await within(this.options.clock, limitMs, work(transaction), 'a transaction took too long and was taken back').catch(
        (error: unknown) => {
          if (error instanceof StoreError && error.fault.kind === 'unavailable') session.lose()
          throw error
        },
      )
      transaction.end()
      if (begun) await commit(session)
      return value
    } catch (error) {
      transaction.abandon()
      // A connection that was lost took its transaction along.
      if (begun && !session.isLost) await session.ask([step('ROLLBACK')]).catch(() => undefined)
      throw error
    }
  }
}

async function commit(session: Session): Promise<void> {
  const { did } = await session.ask([step('COMMIT')]).catch((error: unknown) => {
    if (session.isLost) throw new StoreError('unavailable', 'the connection was lost before it said whether it has kept the last change')
    throw error
  })
  if (did !== 'COMMIT') throw new StoreError('unavailable', 'it did not keep the last change')
}

/** `before` is sent ahead of a statement, in the same round trip. */
function statementsOf(session: Session, before: () => readonly Step[], limitMs?: number): StatementTransaction {
  return new StatementTransaction({
    all: async (sql, params) => (await session.ask([...before(), { sql, rows: [params] }], limitMs)).rows,
    each: async (sql, rows) => (await session.ask([...before(), { sql, rows }], limitMs)).changed,
  })
}
