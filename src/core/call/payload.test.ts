import { describe, expect, it } from 'vitest'
import fc from '../../../test/property.ts'
import { payload, payloadOf } from './payload.ts'

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8')
const from = (text: string) => payload(Buffer.from(text))

describe('a payload', () => {
  it('hands on the very bytes where nothing was edited', () => {
    const bytes = Buffer.from('{ "n" : 9007199254740993, "x": "\\u00e9" }')
    expect(payload(bytes).bytes).toBe(bytes)
    expect(payload(bytes).edit([]).bytes).toBe(bytes)
  })

  it('keeps 64-bit integers, spellings and unknown fields beside an edit', () => {
    const edited = from('{"name":"a","n":9007199254740993,"u":"\\u00e9","_meta":{"k":1.0,"drop":2}}').edit([
      { path: ['name'], value: '"b"' },
      { path: ['_meta', 'drop'], value: undefined },
      { path: ['_meta', 'new'], value: '7' },
    ])
    expect(textOf(edited.bytes)).toBe('{"name":"b","n":9007199254740993,"u":"\\u00e9","_meta":{"k":1.0,"new":7}}')
  })

  it('makes what is missing on the way, and nothing for a removal', () => {
    expect(textOf(from('{}').edit([{ path: ['a', 'b'], value: '1' }]).bytes)).toBe('{"a":{"b":1}}')
    expect(textOf(from('{}').edit([{ path: ['a', 'b'], value: undefined }]).bytes)).toBe('{}')
    expect(textOf(from('{"a":[1,2,3]}').edit([{ path: ['a', 1], value: undefined }]).bytes)).toBe('{"a":[1,3]}')
    expect(textOf(from('{"a":[{"n":1}]}').edit([{ path: ['a', 0, 'n'], value: '2' }]).bytes)).toBe('{"a":[{"n":2}]}')
  })

  it('lets the later edit win, also below and above the earlier one', () => {
    const base = from('{"a":{"x":1}}')
    expect(
      base
        .edit([{ path: ['a'], value: '{"y":2}' }])
        .edit([{ path: ['a', 'z'], value: '3' }])
        .json(),
    ).toEqual({ a: { y: 2, z: 3 } })
    expect(
      base
        .edit([{ path: ['a'], value: undefined }])
        .edit([{ path: ['a', 'z'], value: '3' }])
        .json(),
    ).toEqual({ a: { z: 3 } })
    expect(
      base
        .edit([{ path: ['a', 'x'], value: '5' }])
        .edit([{ path: ['a'], value: 'null' }])
        .json(),
    ).toEqual({ a: null })
  })

  it('edits the last of duplicates, as JSON.parse reads it, and drops the others', () => {
    const edited = from('{"_meta":{"a":1},"n":1,"\\u005fmeta":{"a":2,"b":3},"n":2}').edit([
      { path: ['_meta', 'a'], value: '5' },
      { path: ['x'], value: '6' },
    ])
    expect(textOf(edited.bytes)).toBe('{"n":1,"\\u005fmeta":{"a":5,"b":3},"n":2,"x":6}')
    expect(edited.json()).toEqual(JSON.parse(textOf(edited.bytes)))
  })

  it('shows a member named __proto__ beside an edit, as JSON.parse does', () => {
    const edited = payload(Buffer.from('{"__proto__":{"x":1},"a":1}')).edit([{ path: ['a'], value: '2' }])
    expect(Object.keys(edited.json() as object)).toEqual(['__proto__', 'a'])
    expect((edited.json() as { x?: number }).x).toBeUndefined()
    expect(textOf(edited.bytes)).toBe('{"__proto__":{"x":1},"a":2}')
  })

  it('does not bring back what was removed, when what was set in its place is removed too', () => {
    const edited = payloadOf({ a: { old: 1 } }).edit([
      { path: ['a'], value: undefined },
      { path: ['a', 'new'], value: '2' },
      { path: ['a', 'new'], value: undefined },
    ])
    expect(edited.json()).toEqual({ a: {} })
    expect(textOf(edited.bytes)).toBe('{"a":{}}')
  })

  it('shows the same value as JSON and as bytes, whatever the edits', () => {
    const key = fc.constantFrom('a', 'b', 'c')
    const edit = fc.record({
      path: fc.array(key, { minLength: 1, maxLength: 3 }),
      value: fc.option(fc.json({ maxDepth: 1 }), { nil: undefined }),
    })
    const object = fc.dictionary(key, fc.oneof(fc.dictionary(key, fc.jsonValue({ maxDepth: 1 })), fc.jsonValue({ maxDepth: 1 })))
    fc.assert(
      fc.property(object, object, fc.array(edit, { maxLength: 5 }), (value, again, edits) => {
        // Members of both, so that some stand twice.
        const twice = [value, again].map((each) => JSON.stringify(each).slice(1, -1)).filter((each) => each !== '')
        const edited = from(`{${twice.join(',')}}`).edit(edits)
        expect(edited.json()).toEqual(JSON.parse(textOf(edited.bytes)))
      }),
      { numRuns: 500 },
    )
  })
})
