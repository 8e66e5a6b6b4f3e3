// The durable store on SQLite: one operation after the other, each a transaction, each with an answer whatever the disk does. It opens with
// the first operation, and again after a failure; a damaged file is moved aside and a new one begun; a newer one is not touched.

import type { Clock } from '../../../core/ports/clock.ts'
import type { Cell, Domain, Durable, Reader, Row, Stored, StoreFault, Transaction } from '../../../core/ports/durable.ts'
import type { Report } from '../../../core/ports/report.ts'
import { StoreCondition, type StoreMode } from '../condition.ts'
import { isCurrent, migrate, schemaTable, versionsOf } from '../migrations.ts'
import { StoreError } from '../store-error.ts'
import { StatementTransaction } from '../transaction.ts'
import { Turns } from '../turns.ts'
import { within } from '../within.ts'
import { type Connection, inProcess, inThread } from './connection.ts'
import type { EngineRequest } from './engine.ts'
import { errorOf, reasonOf, sentence } from './faults.ts'
import { makePrivate, setAside } from './files.ts'

export interface DurableOptions {
  /** Its folder exists. Undefined keeps all in memory. */
  readonly file: string | undefined
  readonly domains: readonly Domain[]
  /** The version of this program, for whoever finds the store later. */
  readonly program: string
  readonly clock: Clock
  readonly report: Report
  readonly limits?: Partial<DurableLimits>
}

export interface DurableLimits {
  /** How long a writer waits for another gateway that writes, in ms. */
  readonly busyMs: number
  /** Longest time of one step of a transaction, and of what its caller does between two, in ms. */
  readonly stepMs: number
  /** After a failure nothing is tried for so long, in ms. */
  readonly pauseMs: number
  /** Operations that may wait. */
  readonly mostWaiting: number
}

const defaultLimits: DurableLimits = { busyMs: 2_000, stepMs: 10_000, pauseMs: 1_000, mostWaiting: 256 }

/** How often an opening looks again whether another gateway is done, in ms: SQLite itself does not wait where the kind of log changes. */
const lookMs = 25

export function createSqliteDurable(options: DurableOptions): Durable {
  return new SqliteDurable(options)
}

class SqliteDurable implements Durable {
  private readonly options: DurableOptions
  private readonly limits: DurableLimits
  private connection: Connection | undefined
  private readonly turns: Turns
  private readonly condition: StoreCondition
  private closed = false
  /** Tells the file that is open from one that another gateway put in its place. */
  private identity = 0
  /** Something that was read is damaged: the next opening looks at the whole file. */
  private suspect = false

  constructor(options: DurableOptions) {
    this.options = options
    this.limits = { ...defaultLimits, ...options.limits }
    const { clock, report, file } = options
    const { mostWaiting, pauseMs } = this.limits
    this.turns = new Turns(1, mostWaiting)
    this.condition = new StoreCondition({ clock, report, pauseMs, sentence: (fault) => sentence(fault, file ?? 'in memory') })
  }

  read<T>(work: (reader: Reader) => Promise<T>): Promise<Stored<T>> {
    return this.queued('read', () => this.transaction('read', work))
  }

  transact<T>(work: (transaction: Transaction) => Promise<T>): Promise<Stored<T>> {
    return this.queued('write', () => this.transaction('write', work))
  }

  /** Outside a transaction SQLite makes one of each statement. */
  run(sql: string, params: readonly Cell[] = []): Promise<Stored<number>> {
    return this.queued('write', () => this.statements().run(sql, params))
  }

  trouble(): StoreFault | undefined {
    return this.condition.trouble
  }

  async close(): Promise<void> {
    this.closed = true
    await this.turns.idle()
    // The last to close a file writes its log into it.
    if (this.connection !== undefined) await this.ask({ op: 'close' }).catch(() => undefined)
    this.disconnect()
  }

  private queued<T>(mode: StoreMode, work: () => Promise<T>): Promise<Stored<T>> {
    if (this.closed) return Promise.resolve({ ok: false, fault: { kind: 'closed', message: 'The store is closed' } })
    const turn = this.turns.take(() => this.perform(mode, work))
    if (turn !== undefined) return turn
    const fault: StoreFault = { kind: 'overloaded', message: `${this.turns.size} operations wait for the store already` }
    return Promise.resolve(this.condition.failed(fault))
  }

  private async perform<T>(mode: StoreMode, work: () => Promise<T>): Promise<Stored<T>> {
    const paused = this.condition.paused(mode, this.connection !== undefined)
    if (paused !== undefined) return this.condition.failed(paused)
    try {
      await this.opened()
      const value = await work()
      this.condition.succeeded(mode)
      return { ok: true, value }
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      if (error.fault.kind === 'corrupt') await this.reopened()
      return this.condition.failed(error.fault)
    }
  }

  private async transaction<T>(mode: StoreMode, work: (transaction: Transaction) => Promise<T>): Promise<T> {
    await this.ask({ op: 'exec', sql: mode === 'write' ? 'BEGIN IMMEDIATE' : 'BEGIN' })
    const transaction = this.statements()
    try {
      const value = await this.within(work(transaction), 'A transaction took too long; it was taken back')
      transaction.end()
      await this.ask({ op: 'exec', sql: 'COMMIT' })
      return value
    } catch (error) {
      transaction.abandon()
      // SQLite has rolled back by itself after some errors, and says so with another.
      await this.ask({ op: 'exec', sql: 'ROLLBACK' }).catch(() => undefined)
      throw error
    }
  }

  private async opened(): Promise<void> {
    if (this.connection !== undefined) return
    const giveUpAt = this.options.clock.mono() + this.limits.busyMs
    for (;;) {
      try {
        return await this.open()
      } catch (error) {
        this.disconnect()
        if (!(error instanceof StoreError)) throw new StoreError('unavailable', reasonOf(error))
        if (error.fault.kind === 'corrupt') this.replace(error.fault)
        else if (error.fault.kind !== 'locked' || this.options.clock.mono() >= giveUpAt) throw error
        else await new Promise<void>((resolve) => this.options.clock.timer(lookMs, resolve))
      }
    }
  }

  private async open(): Promise<void> {
    const { file, domains, program } = this.options
    if (file !== undefined) this.identity = onDisk(() => makePrivate(file))
    this.connection = file === undefined ? inProcess() : inThread()
    await this.ask({ op: 'open', file: file ?? ':memory:', busyMs: this.limits.busyMs })
    if (this.suspect) await this.checked()
    const current = await this.transaction('read', async (reader) => {
      const [found] = await reader.all('SELECT name FROM sqlite_schema WHERE name = ?', [schemaTable])
      return found !== undefined && isCurrent(domains, await versionsOf(reader))
    })
    if (!current) await this.transaction('write', (transaction) => migrate(transaction, domains, program))
  }

  /** Throws where the file is damaged. */
  private async checked(): Promise<void> {
    const rows = await this.transaction('read', (reader) => reader.all('PRAGMA quick_check(1)'))
    const said = Object.values(rows[0] ?? {})[0]
    if (said !== 'ok') throw new StoreError('corrupt', String(said))
    this.suspect = false
  }

  /** Moves the damaged file away. */
  private replace(fault: StoreFault): void {
    const { file, clock, report } = this.options
    this.suspect = false
    if (file === undefined) throw new StoreError('unavailable', fault.message)
    const name = onDisk(() => setAside(file, this.identity, new Date(clock.now())))
    if (name === undefined) return
    report.log('error', 'The store was damaged. It was moved aside and a new one begun; what it held is in the old file only', {
      file,
      movedTo: name,
      reason: fault.message,
    })
  }

  /** After damage was met: begins anew at once, so that the next operation finds a store. */
  private async reopened(): Promise<void> {
    this.suspect = true
    this.disconnect()
    await this.opened().catch((error: unknown) => {
      if (!(error instanceof StoreError)) throw error
      this.condition.failed(error.fault)
    })
  }

  private async ask(request: EngineRequest): Promise<unknown> {
    const { connection } = this
    if (connection === undefined) throw new StoreError('unavailable', 'The store is not open')
    const late = 'The store did not answer in time'
    const answer = await this.within(connection.ask(request).catch(lost), late).catch((error: unknown) => {
      // Whatever it still does, nobody waits for it.
      if (this.connection === connection) this.disconnect()
      throw error
    })
    if ('value' in answer) return answer.value
    throw errorOf(answer.error)
  }

  private within<T>(work: Promise<T>, late: string): Promise<T> {
    return within(this.options.clock, this.limits.stepMs, work, late)
  }

  private statements(): StatementTransaction {
    return new StatementTransaction({
      all: async (sql, params) => (await this.ask({ op: 'all', sql, params })) as readonly Row[],
      each: async (sql, rows) => (await this.ask({ op: 'each', sql, rows })) as number,
    })
  }

  private disconnect(): void {
    this.connection?.end()
    this.connection = undefined
  }
}

function lost(error: unknown): never {
  throw new StoreError('unavailable', reasonOf(error))
}

function onDisk<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw new StoreError((error as NodeJS.ErrnoException).code === 'ENOSPC' ? 'full' : 'unavailable', reasonOf(error))
  }
}
