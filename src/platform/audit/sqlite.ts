// The audit in a file of SQLite: whatever happens to the disk, the file or the thread becomes a value, and what is lost of them is begun anew.
// A damaged file is moved aside whole; one that is gone is made again. The chain goes on either way, and shows what is missing of it.
import { auditKey } from '../../core/audit/audit-key.ts'
import { hashLines } from '../../core/audit/hash-lines.ts'
import { indexBatch } from '../../core/audit/index-batch.ts'
import { createRowIndex } from '../../core/audit/row-index.ts'
import { usageSumsOf } from '../../core/audit/usage-sums.ts'
import type { Appended, AuditBatch, AuditQuery, AuditStore, ChainHead, Checkpoint, IndexRow } from '../../core/ports/audit-store.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Row, Stored, StoreFault } from '../../core/ports/durable.ts'
import type { Report } from '../../core/ports/report.ts'
import { type Asked, type Connection, inThread, threadOf } from '../store/sqlite/connection.ts'
import { errorOf, reasonOf } from '../store/sqlite/faults.ts'
import { makePrivate, setAside } from '../store/sqlite/files.ts'
import { StoreError } from '../store/store-error.ts'
import { type AuditAnswer, type AuditRequest, createAuditEngine } from './engine.ts'
import { auditMigrations, auditSql } from './schema.ts'

export interface SqliteAuditOptions {
  /** Its folder exists. */
  readonly file: string
  readonly indexRow: IndexRow
  /** Each commit is on the disk when it is answered; else a power failure may take the last ones, and the end of the process none. */
  readonly isSafe: boolean
  readonly clock: Clock
  readonly report: Report
  /** How long one answer may take, in ms. */
  readonly stepMs?: number
  readonly busyMs?: number
}

/** Rows that are made findable in one step: more would hold up what waits to be written. */
const indexRows = 1_024
/** Rows wait for others to be made findable with them, or for so long, in ms. */
const indexMs = 500
/** Batches that are removed in one step. */
const dropBatches = 16

export function createSqliteAudit(options: SqliteAuditOptions): AuditStore {
  return new SqliteAudit(options)
}

/** For a command that looks into an audit: nothing is written, and no file is made. */
export function readSqliteAudit(file: string): Pick<AuditStore, 'read' | 'close'> {
  return new Reading(file)
}

type Engine = Asked<AuditRequest, AuditAnswer>

class SqliteAudit implements AuditStore {
  private readonly options: SqliteAuditOptions
  private readonly stepMs: number
  private readonly reading: Reading
  private engine: Engine | undefined
  private opening: Promise<Engine> | undefined
  private identity = 0
  /** The next opening looks at the whole file. */
  private suspect = false
  private closed = false
  private chain: string | undefined
  private rows = 0
  private indexing = false
  private indexTimer: { cancel(): void } | undefined
  private behind = true

  constructor(options: SqliteAuditOptions) {
    this.options = options
    this.stepMs = options.stepMs ?? 10_000
    this.reading = new Reading(options.file)
  }

  get unindexed(): number {
    return this.rows
  }

  async append(batch: AuditBatch): Promise<Stored<Appended>> {
    const { clock } = this.options
    const from = clock.mono()
    const done = await this.asked<{ hash: string }>({ op: 'append', ...batch }, [batch.lines.buffer as ArrayBuffer])
    if (!done.ok) return done
    this.chain = batch.chain
    this.rows += batch.count
    if (this.rows >= indexRows) this.index()
    else this.indexTimer ??= clock.timer(indexMs, () => this.index())
    return { ok: true, value: { hash: done.value.hash, ms: clock.mono() - from } }
  }

  heads(most: number): Promise<Stored<readonly ChainHead[]>> {
    return this.asked({ op: 'heads', most })
  }

  expiring(beforeMs: number): Promise<Stored<readonly ChainHead[]>> {
    return this.asked({ op: 'expiring', beforeMs })
  }

  async drop(checkpoint: Checkpoint): Promise<Stored<number>> {
    let dropped = 0
    for (;;) {
      const done = await this.asked<number>({ op: 'drop', checkpoint, most: dropBatches })
      if (!done.ok) return done
      if (done.value === 0) return { ok: true, value: dropped }
      dropped += done.value
    }
  }

  read(queries: readonly AuditQuery[]): Promise<Stored<readonly (readonly Row[])[]>> {
    return this.reading.read(queries)
  }

  async close(): Promise<void> {
    this.indexTimer?.cancel()
    while (this.rows > 0 && this.engine !== undefined) if ((await this.indexed(this.chain)) === 0) break
    this.closed = true
    await this.reading.close()
    const engine = await (this.opening ?? Promise.resolve(this.engine)).catch(() => undefined)
    if (engine !== undefined) await this.within(engine.ask({ op: 'close' })).catch(() => undefined)
    this.disconnect()
  }

  /** Makes rows findable, a step after the other; what is written meanwhile goes between two steps. */
  private index(): void {
    this.indexTimer?.cancel()
    this.indexTimer = undefined
    if (this.indexing || this.closed) return
    this.indexing = true
    this.indexAll().finally(() => {
      this.indexing = false
      // What came meanwhile, or what could not be done.
      if (this.rows > 0 && !this.closed) this.indexTimer ??= this.options.clock.timer(indexMs, () => this.index())
    })
  }

  private async indexAll(): Promise<void> {
    // Of chains whose gateway was ended before it could.
    while (this.behind) if ((await this.indexed(undefined)) === 0) this.behind = false
    do {
      if ((await this.indexed(this.chain)) === 0) return
    } while (this.rows >= indexRows)
  }

  /** The number of rows; 0 also where it could not be done, which is told as of anything that is written. */
  private async indexed(chain: string | undefined): Promise<number> {
    const done = await this.asked<number>({ op: 'index', chain, most: indexRows })
    if (!done.ok) return 0
    if (chain !== undefined) this.rows = done.value === 0 ? 0 : Math.max(0, this.rows - done.value)
    return done.value
  }

  private async asked<T>(request: AuditRequest, handedOver?: readonly ArrayBuffer[]): Promise<Stored<T>> {
    if (this.closed) return { ok: false, fault: { kind: 'closed', message: 'The audit is closed' } }
    try {
      const answer = await this.ask(await this.opened(), request, handedOver)
      return { ok: true, value: answer as T }
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      return { ok: false, fault: error.fault }
    }
  }

  private opened(): Promise<Engine> {
    if (this.engine !== undefined) return Promise.resolve(this.engine)
    this.opening ??= this.open().finally(() => {
      this.opening = undefined
    })
    return this.opening
  }

  private async open(): Promise<Engine> {
    for (let again = 0; ; again += 1) {
      try {
        return await this.openOnce()
      } catch (error) {
        this.disconnect()
        if (!(error instanceof StoreError)) throw new StoreError('unavailable', reasonOf(error))
        if (error.fault.kind !== 'corrupt' || again > 0) throw error
        this.replace(error.fault)
      }
    }
  }

  private async openOnce(): Promise<Engine> {
    const { file, busyMs = 2_000, isSafe } = this.options
    this.identity = onDisk(() => makePrivate(file))
    const engine = threadOf<AuditRequest, AuditAnswer>(engineText(this.options.indexRow), 'signalbox-audit')
    this.engine = engine
    await this.ask(engine, { op: 'open', file, identity: this.identity, busyMs, isSafe, check: this.suspect })
    this.suspect = false
    this.behind = true
    return engine
  }

  private async ask(engine: Engine, request: AuditRequest, handedOver?: readonly ArrayBuffer[]): Promise<unknown> {
    const answer = await this.within(engine.ask(request, handedOver)).catch((error: unknown) => {
      // Whatever it still does, nobody waits for it.
      if (this.engine === engine) this.disconnect()
      throw error instanceof StoreError ? error : new StoreError('unavailable', reasonOf(error))
    })
    if ('value' in answer) return answer.value
    const { code, message } = answer.error
    if (code === 'removed') {
      this.options.report.log('error', 'The file of the audit was removed or replaced; what it held is lost, and a new one is begun', {
        file: this.options.file,
      })
      this.forget()
      throw new StoreError('unavailable', message)
    }
    if (message.startsWith('newer')) throw new StoreError('newer', message)
    const error = errorOf({ code, message })
    if (!(error instanceof StoreError)) throw new StoreError('unavailable', error.message)
    if (error.fault.kind === 'corrupt' && request.op !== 'open') {
      this.suspect = true
      this.forget()
    }
    throw error
  }

  private replace(fault: StoreFault): void {
    const { file, clock, report } = this.options
    this.suspect = false
    const name = onDisk(() => setAside(file, this.identity, new Date(clock.now())))
    if (name === undefined) return
    report.log(
      'error',
      'The file of the audit was damaged. It was moved aside and a new one begun; the rows in it are in the old file only',
      {
        file,
        movedTo: name,
        reason: fault.message,
      },
    )
  }

  private within<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = this.options.clock.timer(this.stepMs, () => reject(new StoreError('unavailable', 'The audit did not answer in time')))
      work.then(resolve, reject).finally(() => timer.cancel())
    })
  }

  private disconnect(): void {
    this.engine?.end()
    this.engine = undefined
  }

  /** The file is no more what it was, for who reads it too. */
  private forget(): void {
    this.disconnect()
    this.reading.close()
  }
}

/** A connection of its own, so that who reads holds nobody up who writes. */
class Reading implements Pick<AuditStore, 'read' | 'close'> {
  private readonly file: string
  private connection: Promise<Connection> | undefined

  constructor(file: string) {
    this.file = file
  }

  async read(queries: readonly AuditQuery[]): Promise<Stored<readonly (readonly Row[])[]>> {
    try {
      this.connection ??= this.open()
      const connection = await this.connection
      // Asked for together, so that no other reading comes between.
      const answers = await Promise.all([
        connection.ask({ op: 'exec', sql: 'BEGIN' }),
        ...queries.map(([sql, params]) => connection.ask({ op: 'all', sql, params })),
        connection.ask({ op: 'exec', sql: 'COMMIT' }),
      ])
      for (const answer of answers) if ('error' in answer) throw errorOf(answer.error)
      return { ok: true, value: answers.slice(1, -1).map((answer) => ('value' in answer ? (answer.value as readonly Row[]) : [])) }
    } catch (error) {
      // The file may be another one by the next time.
      await this.close()
      return { ok: false, fault: error instanceof StoreError ? error.fault : { kind: 'unavailable', message: reasonOf(error) } }
    }
  }

  async close(): Promise<void> {
    const connection = await this.connection?.catch(() => undefined)
    this.connection = undefined
    if (connection === undefined) return
    // Its thread would let go of the file a moment after who waits for this goes on.
    await connection.ask({ op: 'close' }).catch(() => undefined)
    connection.end()
  }

  private async open(): Promise<Connection> {
    const connection = inThread()
    const answer = await connection.ask({ op: 'open', file: this.file, busyMs: 2_000 })
    if ('value' in answer) return connection
    connection.end()
    throw errorOf(answer.error)
  }
}

function engineText(indexRow: IndexRow): string {
  return `(${createAuditEngine.toString()})({
    sqlite,
    hash: require('node:crypto').hash,
    statSync: require('node:fs').statSync,
    hashLines: (${hashLines.toString()}),
    indexBatch: (${indexBatch.toString()}),
    rowIndex: (${createRowIndex.toString()})(${indexRow.toString()}, ${auditKey.toString()}),
    keyOf: (${auditKey.toString()}),
    usageSumsOf: (${usageSumsOf.toString()}),
    migrations: ${JSON.stringify(auditMigrations(' WITHOUT ROWID').map(({ statements }) => statements))},
    sql: ${JSON.stringify(auditSql)},
  })`
}

function onDisk<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw new StoreError((error as NodeJS.ErrnoException).code === 'ENOSPC' ? 'full' : 'unavailable', reasonOf(error))
  }
}
