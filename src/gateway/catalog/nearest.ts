// The names that somebody who mistyped one may have meant: edit distance with a small bound, so that a wrong name costs little.

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

/** Levenshtein distance, or anything above `limit` once it is exceeded. */
function within(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1
  let above = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i += 1) {
    const row = new Array<number>(b.length + 1).fill(limit + 1)
    row[0] = i
    let best = i
    // Only the diagonal band can stay under the limit.
    for (let j = Math.max(1, i - limit); j <= Math.min(b.length, i + limit); j += 1) {
      const change = (above[j - 1] ?? limit) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const value = Math.min(change, (above[j] ?? limit) + 1, (row[j - 1] ?? limit) + 1)
      row[j] = value
      if (value < best) best = value
    }
    if (best > limit) return limit + 1
    above = row
  }
  return above[b.length] ?? limit + 1
}
