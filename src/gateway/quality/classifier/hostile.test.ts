import { describe, expect, it } from 'vitest'
import { costs, hostile, raw, text } from '../../../../test/doubles/hostile-results.ts'
import { factsOf } from '../../../../test/doubles/looked.ts'
import fc from '../../../../test/property.ts'
import { classify, Expected } from './classify.ts'

const expected = new Expected({ tool: 'query_database', ignore: ['$.a.b', '$.rows[*].c'], rows: '$.a' })
const args = Buffer.from('{"q":"x"}')
const look = (bytes: Uint8Array) => classify(bytes, factsOf(bytes), expected, args, { format: 'json', usuallyAtLeast: 10_000 })
describe('a hostile result', () => {
  it.each(Object.keys(hostile))('costs no more than its size: %s', (name) => {
    expect(costs(name, look)).toBe('as its size')
  })

  it('throws never, whatever the bytes are', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 200 }),
          fc.string().map((words) => Buffer.from(`{"content":[{"text":"${words}"}]}`)),
        ),
        (bytes) => {
          expect(look(bytes).kind).toBeTypeOf('string')
        },
      ),
    )
  })

  it('throws never on names that no JSON can have, where paths lead through them', () => {
    for (const name of ['\\s', '\\u12', '\u0001', '\\ud800\\']) {
      for (const words of [`{"${name}":1,"a":[]}`, `{"rows":[{"${name}":1,"c":2}],"a":[1]}`])
        expect(look(text(words)).kind).toBeTypeOf('string')
    }
  })

  it('throws never on results that are some, cut anywhere', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat({ max: 400 }), fc.boolean(), (json, at, isText) => {
        const whole = isText ? text(json.slice(0, at)) : raw(json)
        const found = look(whole)
        expect(found.rows.length).toBeLessThanOrEqual(4)
        expect(found.keys.length).toBeLessThanOrEqual(12)
        expect(found.excerpt?.length ?? 0).toBeLessThanOrEqual(200)
        look(whole.subarray(0, at))
      }),
    )
  })
})
