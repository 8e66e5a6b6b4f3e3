// The audit in the durable store, where that is a database that gateways of several machines share: each writes a chain of its own. A row is safe when its
// transaction is; what is made of rows comes later, as in a file.
import { hash } from 'node:crypto'
import { auditKey } from '../../core/audit/audit-key.ts'
import { hashLines } from '../../core/audit/hash-lines.ts'
import { indexBatch, type UsageRow } from '../../core/audit/index-batch.ts'
import { createRowIndex, type RowIndex } from '../../core/audit/row-index.ts'
import { type UsageSums, usageSumsOf } from '../../core/audit/usage-sums.ts'
import type { Appended, AuditBatch, AuditQuery, AuditStore, ChainHead, Checkpoint, IndexRow } from '../../core/ports/audit-store.ts'
import type { Clock, Timer } from '../../core/ports/clock.ts'
import type { Cell, Domain, Durable, Row, Stored, Transaction } from '../../core/ports/durable.ts'
import { auditMigrations, auditSql } from './schema.ts'

export const auditChainsDomain: Domain = {
  name: 'audit_chains',
  migrations: auditMigrations(''),
}

export interface DurableAuditOptions {
  readonly durable: Durable
  readonly indexRow: IndexRow
  readonly clock: Clock
}

/** Rows that are made findable in one transaction, which holds up all others that write. */
const indexRows = 512
const indexMs = 500
const dropBatches = 16

/** The durable store is closed by whoever opened it. */
export function createDurableAudit(options: DurableAuditOptions): AuditStore {
  return new DurableAudit(options)
}

export function readDurableAudit(durable: Durable): Pick<AuditStore, 'read'> {
  return { read: (queries) => readAll(durable, queries) }
}

class DurableAudit implements AuditStore {
  private readonly options: DurableAuditOptions
  private readonly rowIndex: RowIndex
  private rows = 0
  private chain: string | undefined
  private behind = true
  private indexing: Promise<void> | undefined
  private timer: Timer | undefined
  private closed = false

  constructor(options: DurableAuditOptions) {
    this.options = options
    this.rowIndex = createRowIndex(options.indexRow, auditKey)
  }

  get unindexed(): number {
    return this.rows
  }

  async append(batch: AuditBatch): Promise<Stored<Appended>> {
    const { durable, clock } = this.options
    const { chain, first, count, atMs, atMinMs, lines, prev } = batch
    const from = clock.mono()
    if (this.chain !== chain) {
      const begun = await durable.run(auditSql.begun, [chain])
      if (!begun.ok) return begun
    }
    const hashes = hashLines(hash, Buffer.from(prev, 'hex'), lines, count)
    const kept = await durable.run(auditSql.append, [chain, first, count, atMs, atMinMs, lines, prev, hashes])
    if (!kept.ok && !(kept.fault.kind === 'conflict' && (await this.isThere(batch, hashes)))) return kept
    this.chain = chain
    this.rows += count
    if (this.rows >= indexRows) this.index()
    else this.timer ??= clock.timer(indexMs, () => this.index())
    return { ok: true, value: { hash: lastOf(hashes), ms: clock.mono() - from } }
  }

  heads(most: number): Promise<Stored<readonly ChainHead[]>> {
    return this.headsOf(auditSql.heads, most)
  }

  expiring(beforeMs: number): Promise<Stored<readonly ChainHead[]>> {
    return this.headsOf(auditSql.expiring, beforeMs)
  }

  async drop(checkpoint: Checkpoint): Promise<Stored<number>> {
    let dropped = 0
    for (;;) {
      const done = await this.options.durable.transact((transaction) => this.dropSome(transaction, checkpoint))
      if (!done.ok) return done
      if (done.value === 0) return { ok: true, value: dropped }
      dropped += done.value
    }
  }

  read(queries: readonly AuditQuery[]): Promise<Stored<readonly (readonly Row[])[]>> {
    return readAll(this.options.durable, queries)
  }

  async close(): Promise<void> {
    this.timer?.cancel()
    this.closed = true
    await this.indexing
    while (this.rows > 0) if ((await this.indexed(this.chain)) === 0) break
  }

  private async headsOf(sql: string, param: number): Promise<Stored<readonly ChainHead[]>> {
    const read = await this.read([[sql, [param]]])
    if (!read.ok) return read
    const heads = (read.value[0] ?? []).map((row) => ({
      chain: String(row.chain),
      seq: Number(row.first) + Number(row.row_count) - 1,
      hash: lastOf(bytesOf(row.hashes)),
    }))
    return { ok: true, value: heads }
  }

  /** A chain has one writer, so what is there is the same batch, kept before its answer was lost. */
  private async isThere({ chain, first, count, prev }: AuditBatch, hashes: Uint8Array): Promise<boolean> {
    const read = await this.read([[auditSql.there, [chain, first]]])
    const [row] = read.ok ? (read.value[0] ?? []) : []
    return row !== undefined && Number(row.row_count) === count && row.prev === prev && lastOf(bytesOf(row.hashes)) === lastOf(hashes)
  }

  private index(): void {
    this.timer?.cancel()
    this.timer = undefined
    if (this.indexing !== undefined || this.closed) return
    this.indexing = this.indexAll().finally(() => {
      this.indexing = undefined
      if (this.rows > 0 && !this.closed) this.timer ??= this.options.clock.timer(indexMs, () => this.index())
    })
  }

  private async indexAll(): Promise<void> {
    while (this.behind && !this.closed) if ((await this.indexed(undefined)) === 0) this.behind = false
    do {
      if ((await this.indexed(this.chain)) === 0) return
    } while (this.rows >= indexRows && !this.closed)
  }

  private async indexed(chain: string | undefined): Promise<number> {
    const done = await this.options.durable.transact((transaction) => this.indexSome(transaction, chain))
    if (!done.ok) return 0
    if (chain !== undefined) this.rows = done.value === 0 ? 0 : Math.max(0, this.rows - done.value)
    return done.value
  }

  private async indexSome(transaction: Transaction, of: string | undefined): Promise<number> {
    const chains = of === undefined ? (await transaction.all(auditSql.behind)).map(({ chain }) => String(chain)) : [of]
    for (const chain of chains) {
      const [mark] = await transaction.all(auditSql.mark, [chain])
      const begun = Number(mark?.next ?? 0)
      let next = begun
      const usage = new Map<string, UsageRow>()
      const entries: Cell[][] = []
      for (const batch of await transaction.all(auditSql.toIndex, [chain, begun, indexRows, chain, begun])) {
        for (const key of this.keysOf(batch, usage, 1)) entries.push([key, num(batch.at_ms), chain, num(batch.first), num(batch.at_min_ms)])
        next = num(batch.first) + num(batch.row_count)
      }
      if (next === begun) continue
      await transaction.runEach(
        auditSql.addKey,
        entries.sort((a, b) => num(a[0]) - num(b[0])),
      )
      await keep(transaction, usage)
      await transaction.run(auditSql.setMark, [chain, next])
      return next - begun
    }
    return 0
  }

  private async dropSome(transaction: Transaction, { chain, seq, hash: of, atMs, key, signature }: Checkpoint): Promise<number> {
    const [mark] = await transaction.all(auditSql.mark, [chain])
    const indexedTo = Number(mark?.next ?? 0)
    const usage = new Map<string, UsageRow>()
    const keys: Cell[][] = []
    const batches: Cell[][] = []
    let rows = 0
    for (const batch of await transaction.all(auditSql.from, [chain, 0, dropBatches])) {
      const first = num(batch.first)
      if (first > seq) break
      rows += num(batch.row_count)
      batches.push([chain, first])
      if (first < indexedTo) for (const k of this.keysOf(batch, usage, -1)) keys.push([k, num(batch.at_ms), chain, first])
    }
    if (rows === 0) return 0
    await transaction.runEach(auditSql.removeBatch, batches)
    await transaction.runEach(auditSql.removeKey, keys)
    const sums = await keep(transaction, usage)
    await transaction.runEach(auditSql.emptyRunUsage, each(sums.runUsage))
    await transaction.runEach(auditSql.emptyRun, each(sums.runs))
    await transaction.run(auditSql.setCheckpoint, [chain, seq, of, atMs, key, signature])
    if (indexedTo <= seq) await transaction.run(auditSql.setMark, [chain, seq + 1])
    return rows
  }

  private keysOf(batch: Row, usage: Map<string, UsageRow>, sign: 1 | -1): ReadonlySet<number> {
    return indexBatch(this.rowIndex, Buffer.from(bytesOf(batch.lines)).toString(), usage, sign)
  }
}

async function readAll(durable: Durable, queries: readonly AuditQuery[]): Promise<Stored<readonly (readonly Row[])[]>> {
  return durable.read(async (reader) => {
    const found: (readonly Row[])[] = []
    for (const [sql, params] of queries) found.push(await reader.all(sql, params))
    return found
  })
}

/** Always in the same order, so that two who write never wait for each other in a circle. */
async function keep(transaction: Transaction, usage: ReadonlyMap<string, UsageRow>): Promise<UsageSums> {
  const sums = usageSumsOf(auditKey, usage)
  await transaction.runEach(auditSql.addRunUsage, sums.runUsage)
  await transaction.runEach(auditSql.addRun, sums.runs)
  return sums
}

/** What their keys begin with. */
function each(rows: readonly UsageRow[]): Cell[][] {
  return [...new Set(rows.map(([first = '']) => first))].map((first) => [first])
}

function num(cell: Cell | undefined): number {
  return Number(cell ?? 0)
}

function bytesOf(cell: Cell | undefined): Uint8Array {
  return cell instanceof Uint8Array ? cell : Buffer.alloc(0)
}

function lastOf(hashes: Uint8Array): string {
  return Buffer.from(hashes.subarray(hashes.length - 32)).toString('hex')
}
