import { describe, expect, it } from 'vitest'
import fc from '../../../test/property.ts'
import { assign, bareName, longestName, visibleName } from './names.ts'

const server = fc.stringMatching(/^[a-z0-9-]{1,24}$/)
const name = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9_./:-]{1,130}$/),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 130 }),
  fc.constantFrom('a.b', 'a_b', 'a-b', 'a/b', 'a:b', 'echo', 'еcho', '__', '_', 'a__b'),
)

describe('visible names', () => {
  it('fit every client: [A-Za-z0-9_-], 64 at most', () => {
    fc.assert(
      fc.property(server, name, (s, n) => {
        for (const visible of [visibleName(s, n), bareName(s, n)]) expect(visible).toMatch(/^[A-Za-z0-9_-]{1,64}$/)
      }),
    )
  })

  it('say the name itself where it needs no mending, and are marked by a hash where it does', () => {
    expect(visibleName('files', 'read_file')).toBe('files__read_file')
    expect(visibleName('files', 'read.file')).toMatch(/^files__read_file_[0-9a-f]{8}$/)
    expect(visibleName('files', 'x'.repeat(80))).toMatch(/^files__x+_[0-9a-f]{8}$/)
    expect(visibleName('files', 'x'.repeat(80))).toHaveLength(longestName)
  })

  it('tell look-alikes apart', () => {
    const alike = ['a.b', 'a_b', 'a-b', 'a/b', 'a:b', 'echo', 'еcho']
    expect(new Set(alike.map((one) => visibleName('s', one))).size).toBe(alike.length)
  })

  it('are one to one with the names of all servers, and come back from the map', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(server, name), { selector: ([s, n]) => `${s}\0${n}`, maxLength: 60 }), (pairs) => {
        const names = given(pairs)
        expect(new Set(names).size).toBe(pairs.length)
        const back = new Map(names.map((visible, index) => [visible, pairs[index]]))
        pairs.forEach((pair, index) => {
          expect(back.get(names[index] as string)).toBe(pair)
        })
      }),
    )
  })

  it('stay the same when servers are added', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(server, { minLength: 2, maxLength: 6 }),
        fc.uniqueArray(name, { minLength: 1, maxLength: 10 }),
        ([added = '', ...servers], names) => {
          const before = servers.flatMap((s) => names.map((n) => [s, n] as const))
          const after = [...names.map((n) => [added, n] as const), ...before]
          expect(given(after).slice(names.length)).toEqual(given(before))
        },
      ),
    )
  })

  it('leave an exact name to the tool that really has it, whoever comes first', () => {
    const lookalike = visibleName('s', 'a.b').slice('s__'.length)
    const names = given([
      ['s', 'a.b'],
      ['s', lookalike],
    ])
    expect(names[1]).toBe(`s__${lookalike}`)
    expect(names[0]).not.toBe(names[1])
  })

  it('keep the prefix of a bare name that reads like the tool of another server', () => {
    expect(bareName('fix', 'test_simple_text')).toBe('test_simple_text')
    expect(bareName('fix', 'other__tool')).toBe('fix__other__tool')
  })
})

function given(pairs: readonly (readonly [string, string])[]): readonly string[] {
  return assign(pairs, ([s, n]) => {
    const wanted = visibleName(s, n)
    return { server: s, name: n, wanted, exact: wanted === `${s}__${n}` }
  }).names
}
