import { describe, expect, it } from 'vitest'
import { longestShape, shapeOf, shapeOfToolResult } from './shape-text.ts'

const shape = (value: unknown): string => shapeOf(Buffer.from(JSON.stringify(value)))
const result = (value: unknown): string => shapeOfToolResult(Buffer.from(JSON.stringify(value)))

describe('the shape of a value', () => {
  it('names members and types, counts elements, and has no value', () => {
    const items = Array.from({ length: 37 }, (_, id) => ({ id, name: `secret ${id}`, ok: true, gone: null }))
    expect(shape({ items, next: 'secret', none: [], empty: {}, rows: [[1.5, 2]] })).toBe(
      '{items:[{id:n,name:s,ok:b,gone:null}×37],next:s,none:[],empty:{},rows:[[n×2]×1]}',
    )
    expect(['secret', 1, true, null, [], {}].map(shape)).toEqual(['s', 'n', 'b', 'null', '[]', '{}'])
  })

  it('has no name that is data', () => {
    const value = { 'anna@example.org': 1, '2026-11-30': 2, aZ3kQ9xV7bN2mW8pR5tY1uE6cD: 3, user17: { id: 1 }, '7': 4, ['k'.repeat(40)]: 5 }
    expect(shape(value)).toBe(`{*:n,user17:{id:n},${'k'.repeat(32)}…:n}`)
  })

  it.each([
    ['wide', Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`member${'x'.repeat(n % 20)}`, n]))],
    ['many members', Object.fromEntries(Array.from({ length: 26 }, (_, n) => [String.fromCharCode(97 + n), n]))],
    ['long', { a: 'x'.repeat(1_000_000) }],
    ['nested', JSON.parse(`${'{"a":'.repeat(400)}1${'}'.repeat(400)}`)],
    ['lists of lists', JSON.parse(`${'['.repeat(400)}${']'.repeat(400)}`)],
    ['of long names', Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`${'n'.repeat(30)}${n}`, { deeper: [{ still: 1 }] }]))],
  ])('is short, however %s the value is', (_what, value) => {
    expect(shape(value).length).toBeLessThanOrEqual(longestShape)
    expect(shape(value)).toMatch(/…|:s}$/)
  })

  it('is the size of what is no JSON', () => {
    for (const text of ['', '{"a":', 'hello', '['.repeat(100_000)]) expect(shapeOf(Buffer.from(text))).toBe(`[${text.length} bytes]`)
  })
})

describe('the shape of the result of a tool', () => {
  it('is that of its structured content, of JSON in its text, or of its blocks', () => {
    expect(result({ content: [{ type: 'text', text: 'x' }], structuredContent: { rows: [{ id: 1 }] } })).toBe('{rows:[{id:n}×1]}')
    expect(result({ content: [{ type: 'text', text: ' [{"id":1},{"id":2}] ' }] })).toBe('text([{id:n}×2])')
    expect(
      result({
        content: [
          { text: 'secret words', type: 'text' },
          { type: 'image', data: 'aa', mimeType: 'image/png' },
          { type: 'secret', text: '{broken' },
          'secret',
        ],
      }),
    ).toBe('text(12),image,*(7),s')
    expect(result({ contents: [{ uri: 'secret', text: 'x' }] })).toBe('{contents:[{uri:s,text:s}×1]}')
    expect(result({ content: Array.from({ length: 1_000 }, () => ({ type: 'text', text: 'x' })) })).toBe(
      `${Array.from({ length: 8 }, () => 'text(1)').join()},…`,
    )
    expect(result('x')).toBe('s')
    expect(shapeOfToolResult(Buffer.from('{"content":['))).toBe('[12 bytes]')
  })
})
