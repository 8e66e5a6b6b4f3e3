import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mostPins, pinsOf, statedPins } from './tool-pins.ts'

const read = (header: string | undefined, meta?: unknown) => {
  const found = statedPins(header, meta)
  if (found === undefined) return undefined
  if ('reason' in found) return found.reason
  return { ...(found.header && { header: [...found.header] }), ...(found.meta && { meta: [...found.meta] }) }
}

describe('what a client pins', () => {
  it.each([
    ['a=1', { header: [['a', 1]] }],
    [
      ' billing/create.x = 2 ,, b=10, ',
      {
        header: [
          ['billing/create.x', 2],
          ['b', 10],
        ],
      },
    ],
    ['a=1,a=1', { header: [['a', 1]] }],
    ['', undefined],
  ])('by the header %j', (text, expected) => {
    expect(read(text)).toEqual(expected)
  })

  it('by _meta, and by both', () => {
    expect(read(undefined, { a: 1 })).toEqual({ meta: [['a', 1]] })
    expect(read('a=2', { a: 1, b: 3 })).toEqual({
      header: [['a', 2]],
      meta: [
        ['a', 1],
        ['b', 3],
      ],
    })
    expect(read(undefined)).toBeUndefined()
    expect(read(undefined, null)).toBeUndefined()
    expect(read(undefined, {})).toBeUndefined()
  })

  it.each(['a', 'a=', '=1', 'a=0', 'a=-1', 'a=1.5', 'a=x', 'a=1;b=2', 'a=01', 'a=1,a=2', `a=${'9'.repeat(10)}`, `${'n'.repeat(300)}=1`])(
    'not %j',
    (text) => expect(read(text)).toMatch(/^Signalbox-Tool-Versions /),
  )

  it.each([[[]], ['a=1'], [7], [{ a: '1' }], [{ a: 0 }], [{ a: 1.5 }], [{ a: null }], [{ '': 1 }]])('not %j', (meta) =>
    expect(read(undefined, meta)).toMatch(/^_meta\["signalbox.dev\/toolVersions"\] /),
  )

  it('up to a bound', () => {
    const many = (count: number) => Array.from({ length: count }, (_, i) => `t${i}=1`).join(',')
    expect(read(many(mostPins))).toMatchObject({ header: { length: mostPins } })
    expect(read(many(mostPins + 1))).toMatch(/more than/)
  })

  it('and never throws', () => {
    fc.assert(
      fc.property(fc.string(), fc.jsonValue(), (header, meta) => {
        const found = statedPins(header, meta)
        expect(found === undefined || 'reason' in found || found.header !== undefined || found.meta !== undefined).toBe(true)
      }),
    )
  })
})

it('what configuration pins nothing is nothing', () => {
  expect(pinsOf({})).toBeUndefined()
  expect(pinsOf(undefined)).toBeUndefined()
  expect([...(pinsOf({ a: 1 }) ?? [])]).toEqual([['a', 1]])
})
