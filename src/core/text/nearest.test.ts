import { describe, expect, it } from 'vitest'
import fc from '../../../test/property.ts'
import { nearest } from './nearest.ts'

describe('the nearest names', () => {
  it('are those few edits away, nearest first, three at most', () => {
    expect(nearest('read_flie', ['write_file', 'read_file', 'read_files', 'list'])).toEqual(['read_file', 'read_files'])
    expect(nearest('aaaaaaaaa', ['aaaaaaaab', 'aaaaaaabb', 'aaaaaabbb', 'aaaaaaaaaa'])).toHaveLength(3)
    expect(nearest('HOMR', ['home', 'PATH'])).toEqual(['home'])
    expect(nearest('prot', ['port'])).toEqual(['port'])
    expect(nearest('', ['a'])).toEqual([])
    expect(nearest('x'.repeat(1_000), ['x'.repeat(999)])).toEqual([])
  })

  it('are found by the true edit distance', () => {
    const word = fc.stringMatching(/^[ab_]{1,12}$/)
    fc.assert(
      fc.property(word, word, (a, b) => {
        const limit = Math.min(3, Math.max(1, Math.floor(a.length / 3)))
        expect(nearest(a, [b])).toEqual(distance(a, b) <= limit ? [b] : [])
      }),
      { numRuns: 2_000 },
    )
  })
})

/** Optimal string alignment, as in the textbook. */
function distance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  const at = (i: number, j: number): number => rows[i]?.[j] ?? Number.POSITIVE_INFINITY
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    rows.push(row)
    for (let j = 1; j <= b.length; j += 1) {
      let cost = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1))
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, at(i - 2, j - 2) + 1)
      row.push(cost)
    }
  }
  return at(a.length, b.length)
}
