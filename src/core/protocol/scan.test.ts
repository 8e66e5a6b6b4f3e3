import { describe, expect, it } from 'vitest'
import fc from '../../../test/property.ts'
import { countMembers, countParsed, elements, MalformedJson, members, passValue, skipSpace, skipValue } from './scan.ts'

function accepts(text: string): boolean {
  const b = Buffer.from(text)
  try {
    return skipSpace(b, skipValue(b, skipSpace(b, 0))) === b.length
  } catch (error) {
    if (error instanceof MalformedJson) return false
    throw error
  }
}

function parses(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

describe('the scanner agrees with JSON.parse on what is JSON', () => {
  it('for every JSON value, compact and spaced', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), fc.integer({ min: 0, max: 3 }), (json, indent) => {
        const spaced = JSON.stringify(JSON.parse(json), null, indent)
        return accepts(json) && accepts(spaced)
      }),
    )
  })

  it('for JSON with one character changed', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), fc.nat(), fc.constantFrom(...'{}[]",:\\0a-.eE+ tnu'), (json, where, put) => {
        const at = where % (json.length + 1)
        const broken = json.slice(0, at) + put + json.slice(at + 1)
        fc.pre(Buffer.from(broken).toString() === broken)
        return accepts(broken) === parses(broken)
      }),
      { numRuns: 2_000 },
    )
  })

  it.each(['', '{', '[1,]', '{"a":1,}', '{"a" 1}', '01', '1.', '-', '1e', '"\t"', '"\\x"', 'tru', 'nul', '{"a":1}}'])(
    'refuses %j',
    (text) => {
      expect(accepts(text)).toBe(false)
    },
  )

  it('refuses nesting that would only burn memory', () => {
    expect(accepts('['.repeat(513) + ']'.repeat(513))).toBe(false)
    expect(accepts('['.repeat(512) + ']'.repeat(512))).toBe(true)
  })
})

describe('members and elements say where things are', () => {
  it('with keys decoded', () => {
    const b = Buffer.from('{ "a" : 1 , "\\u0062\\n": [2, {"c":3}] , "é": null}')
    expect(members(b, 0).map((m) => [m.key, b.toString('utf8', m.start, m.end)])).toEqual([
      ['a', '1'],
      ['b\n', '[2, {"c":3}]'],
      ['é', 'null'],
    ])
    const list = Buffer.from('[1, "x,]" ,{"a":[]}]')
    expect(elements(list, 0).map((e) => list.toString('utf8', e.start, e.end))).toEqual(['1', '"x,]"', '{"a":[]}'])
  })
})

describe('duplicate keys show in the count of members', () => {
  it('never for a value that JSON.stringify wrote', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), (json) => {
        const text = JSON.stringify(JSON.parse(json))
        return countMembers(Buffer.from(text)) === countParsed(JSON.parse(text))
      }),
    )
  })

  it.each(['{"a":1,"a":2}', '[{"x":{"a":1,"\\u0061":2}}]'])('always for %s', (text) => {
    expect(countMembers(Buffer.from(text))).not.toBe(countParsed(JSON.parse(text)))
  })
})

describe('passing over JSON that was checked before', () => {
  it('ends where the check would end', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), fc.integer({ min: 0, max: 2 }), (json, indent) => {
        const b = Buffer.from(`${JSON.stringify(JSON.parse(json), null, indent)} ,1`)
        return passValue(b, 0) === skipValue(b, 0)
      }),
    )
  })
})
