// The names that somebody who mistyped one may have meant: edit distance with a small bound, so that a wrong name costs little also
// among ten thousand right ones.

/** Longer ones are data, not slips, in characters. */
const longest = 128

/**
 * At most three of the names, nearest first, each within a third of the wanted name's length and at most 3 edits away: insertions,
 * deletions, replacements and swaps of neighbours (optimal string alignment), without regard to case.
 */
export function nearest(wanted: string, names: Iterable<string>): string[] {
  if (wanted.length === 0 || wanted.length > longest) return []
  const limit = Math.min(3, Math.max(1, Math.floor(wanted.length / 3)))
  const lower = wanted.toLowerCase()
  const near: { readonly name: string; readonly distance: number }[] = []
  for (const name of names) {
    if (Math.abs(wanted.length - name.length) > limit) continue
    const distance = within(lower, name.toLowerCase(), limit)
    if (distance <= limit) near.push({ name, distance })
  }
  near.sort((a, b) => a.distance - b.distance)
  return near.slice(0, 3).map((found) => found.name)
}

// Three rows, reused: the function runs to its end before it is called again.
let before = new Uint8Array(longest + 8)
let above = new Uint8Array(longest + 8)
let row = new Uint8Array(longest + 8)

/** The distance, or anything above `limit` once it is exceeded. */
function within(wanted: string, name: string, limit: number): number {
  if (Math.abs(wanted.length - name.length) > limit) return limit + 1
  let from = 0
  let to = wanted.length
  let end = name.length
  while (from < to && from < end && wanted.charCodeAt(from) === name.charCodeAt(from)) from += 1
  while (to > from && end > from && wanted.charCodeAt(to - 1) === name.charCodeAt(end - 1)) {
    to -= 1
    end -= 1
  }
  const width = end - from
  for (let j = 0; j <= width; j += 1) above[j] = j
  for (let i = 1; i <= to - from; i += 1) {
    const code = wanted.charCodeAt(from + i - 1)
    const codeBefore = i > 1 ? wanted.charCodeAt(from + i - 2) : -1
    // Only the diagonal band can stay under the limit; its edges count as beyond it.
    const first = Math.max(1, i - limit)
    const last = Math.min(width, i + limit)
    row[first - 1] = first === 1 ? i : limit + 1
    let best = row[first - 1] as number
    for (let j = first; j <= last; j += 1) {
      const other = name.charCodeAt(from + j - 1)
      let value = Math.min((above[j - 1] as number) + (code === other ? 0 : 1), (above[j] as number) + 1, (row[j - 1] as number) + 1)
      if (j > 1 && codeBefore === other && code === name.charCodeAt(from + j - 2)) value = Math.min(value, (before[j - 2] as number) + 1)
      row[j] = value
      if (value < best) best = value
    }
    if (last < width) row[last + 1] = limit + 1
    // A swap reaches over one row: only two rows beyond the limit end it.
    if (best > limit + 1) return limit + 1
    ;[before, above, row] = [above, row, before]
  }
  return above[width] as number
}
