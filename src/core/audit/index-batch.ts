// What the rows of one batch are found by, and what they add up to.

import type { IndexRow, RowSums } from '../ports/audit-store.ts'
import type { auditKey } from './audit-key.ts'

/** `runUsageKey`, `usageSums`, and when the first and the last of its calls began. */
export type UsageRow = (string | number)[]

/**
 * The keys of a batch, each once; what its rows add up to is added to `usage`, which has it by a text of what it is the sum of. `sign` is -1
 * where the rows go. Stands by itself: a thread is given its text.
 */
export function indexBatch(
  indexRow: IndexRow,
  keyOf: typeof auditKey,
  lines: string,
  usage: Map<string, UsageRow>,
  sign: 1 | -1,
): Set<number> {
  const hourMs = 3_600_000
  const keys = new Set<number>()
  for (const line of lines.split('\n')) {
    const found = indexRow(line)
    for (const key of found.keys) keys.add(keyOf(key))
    if (found.sums === undefined) continue
    const sums: RowSums = found.sums
    const hour = Math.floor(sums.atMs / hourMs) * hourMs
    const { tenant, team, issuer, subject, client, run, upstream, item, fault } = sums
    const place = [run, tenant, issuer, subject, hour, team, client, upstream, item, fault].join('\u0000')
    let row = usage.get(place)
    if (row === undefined) {
      row = [run, tenant, issuer, subject, hour, team, client, upstream, item, fault, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, sums.atMs, sums.atMs]
      usage.set(place, row)
    }
    const { faults, denied, suspects, attempts, tokensSent, tokensGot, costNano, us, bytesIn, bytesOut } = sums
    const more = [1, faults, denied, suspects, attempts, tokensSent, tokensGot, costNano, us, bytesIn, bytesOut]
    for (let n = 0; n < more.length; n += 1) row[10 + n] = (row[10 + n] as number) + sign * (more[n] as number)
    row[21] = Math.min(row[21] as number, sums.atMs)
    row[22] = Math.max(row[22] as number, sums.atMs)
  }
  return keys
}
