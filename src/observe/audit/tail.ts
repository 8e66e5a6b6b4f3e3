// Rows that are kept and not indexed yet: whoever adds up reads them too. They are few, but after an update that indexes all anew.
import { auditKey } from '../../core/audit/audit-key.ts'
import { indexBatch, type UsageRow } from '../../core/audit/index-batch.ts'
import { createRowIndex } from '../../core/audit/row-index.ts'
import type { AuditQuery } from '../../core/ports/audit-store.ts'
import type { Row, Stored } from '../../core/ports/durable.ts'
import { indexRow } from './index-row.ts'
import { textOfLines } from './read.ts'

/** Rows of one chain that are added up where they are not indexed. */
const mostTail = 131_072

const unindexed = (more: string): string =>
  `FROM audit_marks m JOIN audit_chain_batches b ON b.tenant = m.tenant AND b.chain = m.chain AND b.first >= m.next${more}
   WHERE m.tenant = ''`

/** To be read at one moment with what they are added to. */
export const tailQueries: readonly [AuditQuery, AuditQuery] = [
  [`SELECT b.chain AS chain, b.first AS first, b.lines AS lines ${unindexed(` AND b.first < m.next + ${mostTail}`)}`, []],
  [`SELECT COALESCE(SUM(b.row_count), 0) AS more ${unindexed(` + ${mostTail}`)}`, []],
]

export interface TailBatch {
  readonly chain: string
  readonly first: number
  readonly row: Row
}

/** What the two queries gave. */
export function tailOf(batches: readonly Row[], beyond: readonly Row[]): Stored<readonly TailBatch[]> {
  const more = Number(beyond[0]?.more ?? 0)
  if (more > 0) {
    const message = `The audit is being indexed: ${more} rows and more are not yet. Ask again in a minute.`
    return { ok: false, fault: { kind: 'unavailable', message } }
  }
  return { ok: true, value: batches.map((row) => ({ chain: String(row.chain), first: Number(row.first), row })) }
}

export function tailUsage(batches: readonly TailBatch[]): ReadonlyMap<string, UsageRow> {
  const usage = new Map<string, UsageRow>()
  const index = createRowIndex(indexRow, auditKey)
  for (const { row } of batches) indexBatch(index, textOfLines(row), usage, 1)
  return usage
}

/** A row as the store gives it. */
export function named(columns: readonly string[], values: UsageRow): Row {
  return Object.fromEntries(columns.map((column, n) => [column, values[n] ?? null]))
}
