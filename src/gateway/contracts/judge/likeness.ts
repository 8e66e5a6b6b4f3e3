// How alike two names are, and which of the names that went is one of those that came. It only words what is said of a change.

export interface Renamed {
  readonly from: string
  readonly to: string
  readonly score: number
}

/** What is known of a name: its schema as text, and whether it is required. */
export interface Named {
  readonly name: string
  readonly schema: string
  readonly required: boolean
}

const least = 0.62
/** Beyond it every pair would cost more than the sentence is worth. */
const most = 40

export function renames(gone: readonly Named[], come: readonly Named[]): Renamed[] {
  if (gone.length > most || come.length > most) return []
  const pairs = gone.flatMap((from) =>
    come.map((to) => ({ from: from.name, to: to.name, score: score(from, to, gone.length + come.length === 2) })),
  )
  pairs.sort((a, b) => b.score - a.score)
  const found: Renamed[] = []
  for (const pair of pairs) {
    if (pair.score < least || found.some((one) => one.from === pair.from || one.to === pair.to)) continue
    found.push(pair)
  }
  return found
}

function score(from: Named, to: Named, isOnly: boolean): number {
  const same = (from.schema === to.schema ? 0.3 : 0) + (from.required === to.required ? 0.15 : 0)
  return Math.round((0.55 * likeness(from.name, to.name) + same + (isOnly ? 0.2 : 0)) * 1000) / 1000
}

/** 0 to 1: by words, letters, or the first letters of words. */
export function likeness(a: string, b: string): number {
  const wordsA = words(a)
  const wordsB = words(b)
  const plainA = wordsA.join('')
  const plainB = wordsB.join('')
  if (plainA === plainB) return 1
  if (initials(wordsA) === plainB || initials(wordsB) === plainA) return 0.8
  const common = wordsA.filter((word) => wordsB.includes(word)).length
  const byWords = common / Math.max(wordsA.length, wordsB.length, 1)
  const length = Math.max(plainA.length, plainB.length, 1)
  return Math.max(byWords, 1 - distance(plainA, plainB) / length)
}

function words(name: string): string[] {
  return name
    .slice(0, 128)
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '')
}

function initials(list: readonly string[]): string | undefined {
  return list.length < 2 ? undefined : list.map((word) => word[0]).join('')
}

/** Insertions, deletions and replacements. */
function distance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      row.push(Math.min((above[j - 1] ?? 0) + cost, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1))
    }
    above = row
  }
  return above[b.length] ?? 0
}
