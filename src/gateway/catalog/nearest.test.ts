import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nearest } from './nearest.ts'

describe('the nearest names', () => {
  it('are those few edits away, nearest first, three at most', () => {
    expect(nearest('read_flie', ['write_file', 'read_file', 'read_files', 'list'])).toEqual(['read_file', 'read_files'])
    expect(nearest('aaaaaaaaa', ['aaaaaaaab', 'aaaaaaabb', 'aaaaaabbb', 'aaaaaaaaaa'])).toHaveLength(3)
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

function distance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= b.length; j += 1) {
      row.push(Math.min((above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)))
    }
    above = row
  }
  return above[b.length] ?? 0
}
