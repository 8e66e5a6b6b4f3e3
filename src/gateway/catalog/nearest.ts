// The names that somebody who mistyped one may have meant: edit distance with a small bound, so that a wrong name costs little also
// among ten thousand right ones.

/** Longest name for which candidates are sought, in characters. */
const longest = 128

/** At most three of the names, nearest first, each within a third of the wanted name's length and at most 3 edits away. */
export function nearest(wanted: string, names: Iterable<string>): string[] {
  if (wanted.length === 0 || wanted.length > longest) return []
  const limit = Math.min(3, Math.max(1, Math.floor(wanted.length / 3)))
  const near: { readonly name: string; readonly distance: number }[] = []
  for (const name of names) {
    const distance = within(wanted, name, limit)
    if (distance <= limit) near.push({ name, distance })
  }
  near.sort((a, b) => a.distance - b.distance)
  return near.slice(0, 3).map((found) => found.name)
}

// Two rows, reused: the function runs to its end before it is called again.
let above = new Uint8Array(longest + 8)
let row = new Uint8Array(longest + 8)

/** Levenshtein distance, or anything above `limit` once it is exceeded. */
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
    // Only the diagonal band can stay under the limit; its edges count as beyond it.
    const first = Math.max(1, i - limit)
    const last = Math.min(width, i + limit)
    row[first - 1] = first === 1 ? i : limit + 1
    let best = row[first - 1] as number
    for (let j = first; j <= last; j += 1) {
      const change = (above[j - 1] as number) + (code === name.charCodeAt(from + j - 1) ? 0 : 1)
      const value = Math.min(change, (above[j] as number) + 1, (row[j - 1] as number) + 1)
      row[j] = value
      if (value < best) best = value
    }
    if (last < width) row[last + 1] = limit + 1
    if (best > limit) return limit + 1
    ;[above, row] = [row, above]
  }
  return above[width] as number
}
