// What the rows of one batch are found by, and what they add up to.

import type { RowIndex } from './row-index.ts'

/** `runUsageKey`, `usageSums`, and when the first and the last of its calls began. */
export type UsageRow = (string | number)[]

/**
 * The keys of a batch, each once; what its rows add up to is added to `usage`, which has it by a text of what it is the sum of. `sign` is -1
 * where the rows go. Stands by itself: a thread is given its text.
 */
export function indexBatch(index: RowIndex, lines: string, usage: Map<string, UsageRow>, sign: 1 | -1): Set<number> {
  const keyLength = 10
  const keys = new Set<number>()
  const lists = new Set<readonly number[]>()
  for (const line of lines.split('\n')) {
    const found = index(line)
    if (!lists.has(found.keys)) {
      lists.add(found.keys)
      for (const key of found.keys) keys.add(key)
    }
    if (found.usage === undefined) continue
    const { place, key, atMs, sums } = found.usage
    let row = usage.get(place)
    if (row === undefined) {
      row = [...key, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, atMs, atMs]
      usage.set(place, row)
    }
    for (let n = 0; n < sums.length; n += 1) row[keyLength + n] = (row[keyLength + n] as number) + sign * (sums[n] as number)
    if (atMs < (row[21] as number)) row[21] = atMs
    if (atMs > (row[22] as number)) row[22] = atMs
  }
  return keys
}
