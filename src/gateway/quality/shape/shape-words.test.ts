import { describe, expect, it } from 'vitest'
import { inText, structured } from '../../../../test/doubles/gateway/judging.ts'
import { hostile } from '../../../../test/doubles/hostile-results.ts'
import { unscanned } from '../../../core/call/outcome.ts'
import { longestShape } from '../../../core/secrets/shape-text.ts'
import { classify, Expected } from '../classifier/classify.ts'
import { shapeInWords } from './shape-words.ts'

function shapeOf(bytes: Uint8Array): string | undefined {
  return shapeInWords(classify(bytes, unscanned(bytes.length), new Expected({ tool: 'find' }), undefined, undefined))
}

describe('the shape of a result in words', () => {
  it.each([
    ['rows of a member', structured({ items: [{ id: 1, name: 'a' }, { id: 2 }], next: 'x' }), '{items:[{id:n,name:s}],next:s}'],
    ['rows two deep', structured({ data: { items: [{ id: 1 }] }, ok: true }), '{data:{items:[{id:n}]},ok:b}'],
    ['rows at the root', structured([{ id: 1, of: null, in: {}, at: [] }]), '[{id:n,of:null,in:{…},at:[…]}]'],
    ['members alone', structured({ total: 1.5, none: null }), '{total:n,none:null}'],
    ['JSON in a text', inText({ rows: [{ id: 1 }] }), '{rows:[{id:n}]}'],
    ['values without names', structured([1, 2]), 'json'],
    ['lines of JSON', inText('{"a":1}\n{"a":2}\n'), 'jsonl {a:n}'],
    ['a text', inText('It rains.'), 'prose'],
    ['values with commas', inText('id,name\n1,a\n2,b\n3,c\n'), 'csv'],
    ['no text', { content: [] }, undefined],
    ['names that are data', structured({ 'alice@example.com': 1, '2026-11-30': 2, id: 3 }), '{*:n,id:n}'],
    ['a name as a path has', structured({ 'a[].b': 1, 'c:string': 2 }), expect.any(String)],
  ])('%s', (_name, result, shape) => {
    expect(shapeOf(Buffer.from(JSON.stringify(result)))).toEqual(shape)
  })

  it('has no name that was made by chance', () => {
    const secret = 'ghp0123456789abcdefghijABCDEFGHIJ456789'
    expect(shapeOf(Buffer.from(JSON.stringify(structured({ [secret]: 'x', id: 1 }))))).toBe('{*:s,id:n}')
  })

  it.each(Object.keys(hostile))('of a hostile result: %s', (name) => {
    const shape = shapeOf((hostile[name] as (n: number) => Uint8Array)(3)) ?? ''
    expect(shape.length).toBeLessThanOrEqual(longestShape)
  })
})
