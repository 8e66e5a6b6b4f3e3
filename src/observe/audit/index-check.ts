// Whether what rows are found by, and what they add up to, is what the rows say.
import { auditKey } from '../../core/audit/audit-key.ts'
import { indexBatch, type UsageRow } from '../../core/audit/index-batch.ts'
import { createRowIndex } from '../../core/audit/row-index.ts'
import { runKey, runUsageKey, usageSums } from '../../core/audit/usage-columns.ts'
import { usageSumsOf } from '../../core/audit/usage-sums.ts'
import type { AuditQuery, AuditRead } from '../../core/ports/audit-store.ts'
import type { Row, Stored } from '../../core/ports/durable.ts'
import { indexRow } from './index-row.ts'
import { textOfLines } from './read.ts'

const tables = {
  runUsage: { table: 'audit_run_usage', key: runUsageKey, sums: usageSums },
  runs: { table: 'audit_runs', key: runKey, sums: [...usageSums, 'first_ms', 'last_ms'] },
} as const
type Kind = keyof typeof tables
const kinds = Object.keys(tables) as Kind[]
const pageKeys = 5_000

/** Taken at one moment; rows that are indexed later are left out, so that a gateway may run meanwhile. */
export class IndexCheck {
  private readonly marks: ReadonlyMap<string, number>
  private readonly stored: readonly (readonly Row[])[]
  /** Rows went for their age: runs of which some are left began before these. */
  private readonly expired: boolean
  private readonly usage = new Map<string, UsageRow>()
  private readonly rowIndex = createRowIndex(indexRow, auditKey)
  private keys = 0
  private mix = 0

  private constructor(marks: ReadonlyMap<string, number>, stored: readonly (readonly Row[])[], expired: boolean) {
    this.marks = marks
    this.stored = stored
    this.expired = expired
  }

  static async begin(store: AuditRead): Promise<Stored<IndexCheck>> {
    const read = await store.read([
      ["SELECT chain, next FROM audit_marks WHERE tenant = ''", []],
      ["SELECT chain FROM audit_checkpoints WHERE tenant = '' LIMIT 1", []],
      ...kinds.map((kind): AuditQuery => {
        const { table, key, sums } = tables[kind]
        return [`SELECT ${[...key, ...sums].join(', ')} FROM ${table}`, []]
      }),
    ])
    if (!read.ok) return read
    const [marks = [], checkpoints = [], ...stored] = read.value
    const next = new Map(marks.map((mark) => [String(mark.chain), Number(mark.next)]))
    return { ok: true, value: new IndexCheck(next, stored, checkpoints.length > 0) }
  }

  add(batch: Row): void {
    if (!this.isIndexed(batch)) return
    for (const key of indexBatch(this.rowIndex, textOfLines(batch), this.usage, 1)) {
      this.keys += 1
      this.mix = mixed(this.mix, key, batch)
    }
  }

  /** What does not agree, for people. */
  async compare(store: AuditRead): Promise<Stored<readonly string[]>> {
    let keys = 0
    let mix = 0
    let after: Row | undefined
    for (;;) {
      const more = after === undefined ? '' : 'AND (k, at_ms, chain, first) > (?, ?, ?, ?)'
      const from = after === undefined ? [] : [after.k ?? 0, after.at_ms ?? 0, after.chain ?? '', after.first ?? 0]
      const sql = `SELECT k, at_ms, chain, first FROM audit_keys WHERE tenant = '' ${more} ORDER BY k, at_ms, chain, first LIMIT ${pageKeys}`
      const page = await store.read([[sql, from]])
      if (!page.ok) return page
      const rows = page.value[0] ?? []
      for (const row of rows) {
        if (!this.isIndexed(row)) continue
        keys += 1
        mix = mixed(mix, Number(row.k), row)
      }
      after = rows.at(-1)
      if (rows.length < pageKeys) break
    }
    const wrong: string[] = []
    if (keys !== this.keys || mix !== this.mix) wrong.push('what rows are found by does not agree with the rows')
    const expected = usageSumsOf(auditKey, this.usage)
    for (const [n, kind] of kinds.entries()) {
      const why = this.wrongSums(kind, expected[kind], this.stored[n] ?? [])
      if (why !== undefined) wrong.push(why)
    }
    return { ok: true, value: wrong }
  }

  private isIndexed({ chain, first }: Row): boolean {
    return Number(first) < (this.marks.get(String(chain)) ?? 0)
  }

  private wrongSums(kind: Kind, rows: readonly UsageRow[], stored: readonly Row[]): string | undefined {
    const { key, sums } = tables[kind]
    const columns = [...key, ...sums]
    const expected = new Map(rows.map((row) => [placeOf(row.slice(0, key.length)), row]))
    for (const row of stored) {
      const cells = columns.map((column) => row[column] ?? '')
      const place = placeOf(cells.slice(0, key.length))
      const right = expected.get(place)
      if (right === undefined || !this.agree(kind, cells, right)) return `${nameOf(kind, row)} do not agree with the rows`
      expected.delete(place)
    }
    return expected.size === 0 ? undefined : `${expected.size} ${kind === 'runs' ? 'sums of runs' : 'sums'} are missing`
  }

  private agree(kind: Kind, cells: readonly unknown[], right: UsageRow): boolean {
    const times = kind === 'runs' ? 2 : 0
    const sums = right.length - times
    if (cells.slice(0, sums).join('\u0000') !== right.slice(0, sums).join('\u0000')) return false
    if (times === 0) return true
    const [first, last] = cells.slice(sums).map(Number) as [number, number]
    const [from, to] = right.slice(sums) as [number, number]
    return this.expired ? first <= from && last >= to : first === from && last === to
  }
}

function nameOf(kind: Kind, row: Row): string {
  if (kind === 'runs') return `the sums of the run ${String(row.run)} of ${String(row.subject)}`
  return `the sums of the run ${String(row.run)} with ${String(row.upstream)}/${String(row.item)} of ${new Date(Number(row.hour)).toISOString()}`
}

function placeOf(cells: readonly unknown[]): string {
  return cells.join('\u0000')
}

const modulus = 2 ** 52

/** The same whatever the order. */
function mixed(before: number, key: number, { at_ms, chain, first }: Row): number {
  return (before + Math.floor(auditKey(`${key}.${at_ms}.${chain}.${first}`) / 2)) % modulus
}
