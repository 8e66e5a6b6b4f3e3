import { describe, expect, it } from 'vitest'
import fc from '../../../../test/property.ts'
import { JsonScan } from './json-scan.ts'
import { mostJsonBytes, mostTextBytes, ResultParts } from './result-parts.ts'

// One for all, as in a gateway: what an earlier result left in it must not be seen.
const parts = new ResultParts()

function read(result: Uint8Array) {
  parts.read(result, false, new JsonScan())
  return Buffer.from(parts.text.subarray(0, parts.textEnd)).toString('latin1')
}
/** What a parse gives, of which a backspace and a form feed are spaces here. */
const parsed = (text: string) => Buffer.from(text.replace(/[\b\f]/g, ' ')).toString('latin1')

const pieces = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.constantFrom('"', '\\', '"#', '#"', '\\"', '\n', 'a', '": "', '","', 'é', '\ud83d\ude00', '\ud800', '\b', '\u0001'),
    },
    { weight: 2, arbitrary: fc.string({ maxLength: 9 }) },
    { weight: 1, arbitrary: fc.jsonValue().map((value) => JSON.stringify(value)) },
  ),
  { maxLength: 24 },
)
const text = pieces.map((all) => `x${all.join('')}`)

describe('the texts of a result', () => {
  it('are what a parse gives, wherever in memory they begin and whatever is escaped in them', () => {
    fc.assert(
      fc.property(text, text, fc.nat({ max: 9 }), (first, second, before) => {
        const content = [first, second].map((words) => ({ type: 'text', text: words }))
        const json = JSON.stringify({ content })
        const result = Buffer.from(' '.repeat(before) + json).subarray(before)
        expect(read(result)).toBe(parsed(`${first}\n${second}`))
        expect(parts.lines).toBe(`${first}\n${second}`.split('\n').length - 1)
        expect(parts.textBytes).toBe(Buffer.byteLength(JSON.stringify(first)) + Buffer.byteLength(JSON.stringify(second)) - 4)
      }),
      { numRuns: 2_000 },
    )
  })

  it('are so with every character spelt as an escape', () => {
    fc.assert(
      fc.property(text, (words) => {
        const spelt = words.replace(/[\s\S]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
        expect(read(Buffer.from(`{"content":[{"type":"text","text":"${spelt}"}]}`))).toBe(Buffer.from(words).toString('latin1'))
      }),
    )
  })

  it('are read up to the last byte of what is looked at', () => {
    for (const [start, most] of [
      ['x', mostTextBytes],
      ['{', mostJsonBytes],
    ] as const) {
      for (const unit of ['ab"', '"', 'abc\\"', 'abcdefg']) {
        for (let before = 0; before < 9; before += 1) {
          const words = start + '.'.repeat(before) + unit.repeat(most / unit.length + 1)
          const found = read(Buffer.from(JSON.stringify({ content: [{ type: 'text', text: words }] })))
          expect([parts.isPart, found.length, found === words.slice(0, most)]).toEqual([true, most, true])
        }
      }
    }
  })
})
