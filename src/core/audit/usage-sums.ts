// What is kept of the sums of a batch: by run, hour and tool, and by run.

import type { auditKey } from './audit-key.ts'
import type { UsageRow } from './index-batch.ts'

/** Parameters of the statements that add them, each in the order of its key: neighbours share a page, and who writes always does so in one order. */
export interface UsageSums {
  /** `runUsageKey`, `usageSums`. */
  readonly runUsage: readonly UsageRow[]
  /** `runKey`, `usageSums`, and when the first and the last call began. */
  readonly runs: readonly UsageRow[]
}

/** `rows`: by their place, as `indexBatch` makes them. Stands by itself: a thread is given its text. */
export function usageSumsOf(keyOf: typeof auditKey, rows: ReadonlyMap<string, UsageRow>): UsageSums {
  const [keyLength, sumsLength] = [10, 11]
  const runs = new Map<string, UsageRow>()
  const add = (to: UsageRow, at: number, row: UsageRow): void => {
    for (let n = 0; n < sumsLength; n += 1) to[at + n] = (to[at + n] as number) + (row[keyLength + n] as number)
  }
  const inOrder = (of: ReadonlyMap<string, UsageRow>): UsageRow[] => [...of.keys()].sort().map((place) => of.get(place) as UsageRow)
  for (const row of rows.values()) {
    const [run = '', tenant = '', issuer = '', subject = ''] = row
    const [from = 0, to = 0] = row.slice(keyLength + sumsLength)
    const ofRun = [run, tenant, issuer, subject].join('\u0000')
    let sum = runs.get(ofRun)
    if (sum === undefined) {
      sum = [keyOf(ofRun), run, tenant, issuer, subject, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, from, to]
      runs.set(ofRun, sum)
    }
    add(sum, 5, row)
    sum[16] = Math.min(sum[16] as number, from as number)
    sum[17] = Math.max(sum[17] as number, to as number)
  }
  return {
    runUsage: inOrder(rows).map((row) => row.slice(0, keyLength + sumsLength)),
    runs: [...runs.values()].sort((a, b) => (a[0] as number) - (b[0] as number)),
  }
}
