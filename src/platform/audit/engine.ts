// The audit's SQLite, behind requests and answers, in a thread of its own: a disk may hold it for long. It hashes what it is given, keeps a
// batch by one statement, and later, many batches at a time, what their rows are found by.
import type { auditKey } from '../../core/audit/audit-key.ts'
import type { hashLines } from '../../core/audit/hash-lines.ts'
import type { indexBatch, UsageRow } from '../../core/audit/index-batch.ts'
import type { RowIndex } from '../../core/audit/row-index.ts'
import type { UsageSums, usageSumsOf } from '../../core/audit/usage-sums.ts'
import type { AuditBatch, Checkpoint } from '../../core/ports/audit-store.ts'
import type { AuditSql } from './schema.ts'

export type AuditRequest =
  /** `isSafe`: each commit is on the disk when it is answered. */
  | {
      readonly op: 'open'
      readonly file: string
      readonly identity: number
      readonly busyMs: number
      readonly isSafe: boolean
      readonly check: boolean
    }
  | ({ readonly op: 'append' } & AuditBatch)
  /** Of one chain, or of those that have been left behind. */
  | { readonly op: 'index'; readonly chain: string | undefined; readonly most: number }
  | { readonly op: 'heads'; readonly most: number }
  | { readonly op: 'expiring'; readonly beforeMs: number }
  | { readonly op: 'drop'; readonly checkpoint: Checkpoint; readonly most: number }
  | { readonly op: 'close' }

export type AuditAnswer =
  | { readonly value: unknown }
  /** `code` is SQLite's primary result code; `removed`: the file is no longer where it was. */
  | { readonly error: { readonly code: number | 'removed' | undefined; readonly message: string } }

export interface EngineParts {
  readonly sqlite: typeof import('@photostructure/sqlite')
  readonly hash: typeof import('node:crypto').hash
  readonly statSync: typeof import('node:fs').statSync
  readonly hashLines: typeof hashLines
  readonly indexBatch: typeof indexBatch
  readonly rowIndex: RowIndex
  readonly keyOf: typeof auditKey
  readonly usageSumsOf: typeof usageSumsOf
  /** Version n is the state after the first n. */
  readonly migrations: readonly (readonly string[])[]
  readonly sql: AuditSql
}

/** Stands by itself, with no name from outside its body, since the thread is given its text. */
export function createAuditEngine(parts: EngineParts): (request: AuditRequest) => AuditAnswer {
  const { sqlite, sql } = parts
  type Database = InstanceType<typeof sqlite.DatabaseSync>
  type Statement = ReturnType<Database['prepare']>
  type Kept = {
    readonly first: number
    readonly row_count: number
    readonly at_ms: number
    readonly at_min_ms: number
    readonly lines: Uint8Array
  }
  const version = parts.migrations.length
  const statements = new Map<string, Statement>()
  let database: Database | undefined
  let file = ''
  let identity = 0
  /** The chain that has a mark. */
  let begun = ''

  const opened = (): Database => {
    if (database === undefined) throw new Error('No store is open')
    return database
  }

  const statement = (text: string): Statement => {
    let known = statements.get(text)
    if (known === undefined) {
      known = opened().prepare(text)
      statements.set(text, known)
    }
    return known
  }

  const within = <T>(work: () => T): T => {
    opened().exec('BEGIN IMMEDIATE')
    try {
      const value = work()
      opened().exec('COMMIT')
      return value
    } catch (error) {
      try {
        opened().exec('ROLLBACK')
      } catch {
        // SQLite has rolled back by itself.
      }
      throw error
    }
  }

  const close = (): void => {
    statements.clear()
    if (database === undefined) return
    try {
      database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    } finally {
      database.close()
      database = undefined
    }
  }

  const open = (request: Extract<AuditRequest, { op: 'open' }>): void => {
    statements.clear()
    database = undefined
    begun = ''
    const fresh = new sqlite.DatabaseSync(request.file, { timeout: request.busyMs })
    try {
      fresh.exec('PRAGMA journal_mode = WAL')
      fresh.exec(`PRAGMA synchronous = ${request.isSafe ? 'FULL' : 'NORMAL'}`)
      fresh.exec('PRAGMA wal_autocheckpoint = 4000')
      fresh.exec('PRAGMA cache_size = -32000')
      database = fresh
      if (request.check) {
        const said = Object.values(fresh.prepare('PRAGMA quick_check(1)').get() as Record<string, unknown>)[0]
        if (said !== 'ok') throw Object.assign(new Error(String(said)), { errcode: 11 })
      }
      within(() => {
        const known = Number((fresh.prepare('PRAGMA user_version').get() as { user_version: number }).user_version)
        if (known > version) throw new Error(`newer: its tables are of version ${known}, this one knows ${version}`)
        if (known === version) return
        for (const statements of parts.migrations.slice(known)) for (const one of statements) fresh.exec(one)
        fresh.exec(`PRAGMA user_version = ${version}`)
      })
      file = request.file
      identity = request.identity
    } catch (error) {
      database = undefined
      statements.clear()
      fresh.close()
      throw error
    }
  }

  const bytesOf = (hex: string): Uint8Array => Buffer.from(hex, 'hex')
  const lastOf = (hashes: Uint8Array): string => Buffer.from(hashes.subarray(hashes.length - 32)).toString('hex')

  const append = (batch: AuditBatch): { hash: string } => {
    const { chain, first, count, atMs, atMinMs, lines, prev } = batch
    // SQLite goes on writing to a file that nobody can find any more.
    if (parts.statSync(file, { throwIfNoEntry: false })?.ino !== identity) {
      throw Object.assign(new Error('The file was removed or replaced'), { errcode: 'removed' })
    }
    const hashes = parts.hashLines(parts.hash, bytesOf(prev), lines, count)
    try {
      if (chain !== begun) {
        statement(sql.begun).run(chain)
        begun = chain
      }
      statement(sql.append).run(chain, first, count, atMs, atMinMs, lines, prev, hashes)
    } catch (error) {
      // A chain has one writer, so what is there is the same batch, kept before its answer was lost.
      if (((error as { errcode?: number }).errcode ?? 0) % 256 !== 19) throw error
      const there = statement(sql.there).get(chain, first) as { row_count: number; prev: string; hashes: Uint8Array } | undefined
      if (there?.row_count !== count || there.prev !== prev || lastOf(there.hashes) !== lastOf(hashes)) throw error
    }
    return { hash: lastOf(hashes) }
  }

  const keep = (rows: Map<string, UsageRow>): UsageSums => {
    const sums = parts.usageSumsOf(parts.keyOf, rows)
    for (const row of sums.runUsage) statement(sql.addRunUsage).run(...row)
    for (const row of sums.runs) statement(sql.addRun).run(...row)
    return sums
  }

  /** Some batches of one chain. The number of rows. */
  const indexChain = (chain: string, most: number): number =>
    within(() => {
      const mark = statement(sql.mark).get(chain) as { next: number } | undefined
      let next = mark?.next ?? 0
      const begun = next
      const usage = new Map<string, UsageRow>()
      const entries: [number, Kept][] = []
      for (const batch of statement(sql.toIndex).all(chain, next, most, chain, next) as Kept[]) {
        const text = Buffer.from(batch.lines).toString()
        for (const key of parts.indexBatch(parts.rowIndex, text, usage, 1)) entries.push([key, batch])
        next = batch.first + batch.row_count
      }
      if (next === begun) return 0
      entries.sort((a, b) => a[0] - b[0] || a[1].first - b[1].first)
      for (const [key, { at_ms, first, at_min_ms }] of entries) statement(sql.addKey).run(key, at_ms, chain, first, at_min_ms)
      keep(usage)
      statement(sql.setMark).run(chain, next)
      return next - begun
    })

  const index = (chain: string | undefined, most: number): number => {
    if (chain !== undefined) return indexChain(chain, most)
    for (const behind of statement(sql.behind).all() as { chain: string }[]) {
      const rows = indexChain(behind.chain, most)
      if (rows > 0) return rows
    }
    return 0
  }

  const headsOf = (text: string, param: number): unknown =>
    (statement(text).all(param) as { chain: string; first: number; row_count: number; hashes: Uint8Array }[]).map(
      ({ chain, first, row_count, hashes }) => ({ chain, seq: first + row_count - 1, hash: lastOf(hashes) }),
    )

  const drop = ({ chain, seq, hash, atMs, key, signature }: Checkpoint, most: number): number =>
    within(() => {
      const mark = (statement(sql.mark).get(chain) as { next: number } | undefined)?.next ?? 0
      let rows = 0
      const usage = new Map<string, UsageRow>()
      for (const batch of statement(sql.from).all(chain, 0, most) as Kept[]) {
        if (batch.first > seq) break
        rows += batch.row_count
        statement(sql.removeBatch).run(chain, batch.first)
        if (batch.first >= mark) continue
        const text = Buffer.from(batch.lines).toString()
        for (const k of parts.indexBatch(parts.rowIndex, text, usage, -1)) statement(sql.removeKey).run(k, batch.at_ms, chain, batch.first)
      }
      const sums = keep(usage)
      for (const run of new Set(sums.runUsage.map((row) => row[0] as string))) statement(sql.emptyRunUsage).run(run)
      for (const row of sums.runs) statement(sql.emptyRun).run(row[0] as number)
      if (rows > 0) {
        statement(sql.setCheckpoint).run(chain, seq, hash, atMs, key, signature)
        if (mark <= seq) statement(sql.setMark).run(chain, seq + 1)
      }
      return rows
    })

  const perform = (request: AuditRequest): unknown => {
    switch (request.op) {
      case 'open':
        return open(request)
      case 'append':
        return append(request)
      case 'index':
        return index(request.chain, request.most)
      case 'heads':
        return headsOf(sql.heads, request.most)
      case 'expiring':
        return headsOf(sql.expiring, request.beforeMs)
      case 'drop':
        return drop(request.checkpoint, request.most)
      case 'close':
        return close()
    }
  }

  return (request) => {
    try {
      return { value: perform(request) }
    } catch (error) {
      const { errcode, message } = error as { readonly errcode?: number | 'removed'; readonly message?: string }
      const code = typeof errcode === 'number' ? errcode & 0xff : errcode
      return { error: { code, message: message ?? String(error) } }
    }
  }
}
