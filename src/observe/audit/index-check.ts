// Whether what rows are found by, and what they add up to, is what the rows say.
import { auditKey } from '../../core/audit/audit-key.ts'
import { indexBatch, type UsageRow } from '../../core/audit/index-batch.ts'
import { usageKey, usageSums } from '../../core/audit/usage-columns.ts'
import type { AuditRead } from '../../core/ports/audit-store.ts'
import type { Row, Stored } from '../../core/ports/durable.ts'
import { indexRow } from './index-row.ts'
import { textOfLines } from './read.ts'

const columns = usageKey.join(', ')
const sums = usageSums.join(', ')
const pageKeys = 5_000

/** Taken at one moment; rows that are indexed later are left out, so that a gateway may run meanwhile. */
export class IndexCheck {
  private readonly marks: ReadonlyMap<string, number>
  private readonly stored: readonly Row[]
  private readonly usage = new Map<string, UsageRow>()
  private keys = 0
  private mix = 0

  private constructor(marks: ReadonlyMap<string, number>, stored: readonly Row[]) {
    this.marks = marks
    this.stored = stored
  }

  static async begin(store: AuditRead): Promise<Stored<IndexCheck>> {
    const read = await store.read([
      ["SELECT chain, next FROM audit_marks WHERE tenant = ''", []],
      [`SELECT ${columns}, ${sums} FROM audit_usage`, []],
    ])
    if (!read.ok) return read
    const [marks = [], stored = []] = read.value
    return { ok: true, value: new IndexCheck(new Map(marks.map(({ chain, next }) => [String(chain), Number(next)])), stored) }
  }

  add(batch: Row): void {
    if (!this.isIndexed(batch)) return
    for (const key of indexBatch(indexRow, auditKey, textOfLines(batch), this.usage, 1)) {
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
    const usage = this.wrongUsage()
    if (usage !== undefined) wrong.push(usage)
    return { ok: true, value: wrong }
  }

  private isIndexed({ chain, first }: Row): boolean {
    return Number(first) < (this.marks.get(String(chain)) ?? 0)
  }

  private wrongUsage(): string | undefined {
    const expected = new Map([...this.usage.values()].map((row) => [placeOf(row.slice(0, 9)), row.slice(9, 20).join()]))
    for (const row of this.stored) {
      const cells = Object.values(row)
      const place = placeOf(cells.slice(0, 9))
      if (expected.get(place) !== cells.slice(9, 20).join()) {
        return `the sums of ${String(row.upstream)}/${String(row.item)} of ${new Date(Number(row.hour)).toISOString()} do not agree with the rows`
      }
      expected.delete(place)
    }
    return expected.size === 0 ? undefined : `${expected.size} sums are missing`
  }
}

function placeOf(cells: readonly unknown[]): string {
  return cells.join('\u0000')
}

const modulus = 2 ** 52

/** The same whatever the order. */
function mixed(before: number, key: number, { at_ms, chain, first }: Row): number {
  return (before + Math.floor(auditKey(`${key}.${at_ms}.${chain}.${first}`) / 2)) % modulus
}
