// Definitions that want to stop who judges them: each is judged all the same, and a wrong one is no pass.
import { describe, expect, it } from 'vitest'
import fc from '../../../../test/property.ts'
import { verdicts } from '../../../core/call/contract.ts'
import { judge } from './judge.ts'

type Schema = Record<string, unknown>

const tool = (inputSchema: unknown): Schema => ({ name: 'tool', inputSchema })
const plain: Schema = { type: 'object', properties: { a: { type: 'string' } } }

function nested(depth: number, innermost: unknown): unknown {
  let schema = innermost
  for (let level = 0; level < depth; level += 1) schema = { type: 'object', properties: { a: schema } }
  return schema
}

const many = (count: number, make: (index: number) => unknown): unknown[] => Array.from({ length: count }, (_, index) => make(index))

const wide = (type: string): Schema => ({
  type: 'object',
  properties: Object.fromEntries(many(5_000, (index) => [`p${index}`, { type }]) as [string, unknown][]),
})
const doubling: Schema = {
  type: 'object',
  properties: { a: { $ref: '#/$defs/d0' } },
  $defs: Object.fromEntries(
    many(40, (index) => [
      `d${index}`,
      { type: 'object', properties: { x: { $ref: `#/$defs/d${index + 1}` }, y: { $ref: `#/$defs/d${index + 1}` } } },
    ]) as [string, unknown][],
  ),
}
const chain: Schema = {
  type: 'object',
  properties: { a: { $ref: '#/$defs/d0' } },
  $defs: Object.fromEntries(many(5_000, (index) => [`d${index}`, { $ref: `#/$defs/d${index + 1}` }]) as [string, unknown][]),
}
const endless: Schema = {
  type: 'object',
  properties: { a: { $ref: '#/$defs/a' } },
  $defs: { a: { anyOf: [{ $ref: '#/$defs/b' }] }, b: { $ref: '#/$defs/a' } },
}
const choices = (count: number, branches: number, last: unknown): Schema => ({
  type: 'object',
  allOf: many(count, (group) => ({
    anyOf: many(branches, (index) => ({ properties: { [`p${group}`]: { const: index } }, required: [`p${group}`, `q${index}`] })),
  })),
  properties: { z: last },
})

describe('what is hostile', () => {
  it.each<[string, unknown, unknown]>([
    ['very deep', plain, nested(3_000, { type: 'string' })],
    ['very deep on both sides', nested(3_000, { type: 'string' }), nested(3_000, { type: 'integer' })],
    ['very wide', wide('string'), wide('integer')],
    [
      'an enumeration of many',
      { type: 'object', properties: { a: { enum: many(15_000, (n) => `v${n}`) } } },
      { type: 'object', properties: { a: { enum: many(15_000, (n) => n) } } },
    ],
    ['references that double', doubling, { ...doubling, required: ['a'] }],
    ['a chain of references', chain, { ...chain, required: ['a'] }],
    ['a reference to itself', endless, { ...endless, required: ['a'] }],
    ['many choices of many', choices(10, 20, { type: 'string' }), choices(10, 20, { type: 'integer' })],
    ['one choice of a thousand', choices(1, 1_000, true), choices(1, 1_000, false)],
    [
      'a pattern that runs for years',
      { type: 'object', properties: { a: { type: 'string', pattern: '^(a+)+$' } } },
      { type: 'object', properties: { a: { type: 'string', pattern: '^(a|a)*$', minLength: 60 } } },
    ],
    [
      'a pattern of names that runs for years',
      { type: 'object', properties: { [`${'a'.repeat(60)}!`]: true } },
      { type: 'object', patternProperties: { '^(a+)+$': false } },
    ],
    [
      'lengths beyond all',
      { type: 'object', properties: { a: { type: 'array', minItems: 1e15 } } },
      { type: 'object', properties: { a: { type: 'array', maxItems: 3, items: { type: 'string', minLength: 1e15 } } } },
    ],
    ['no object', [], plain],
    ['nothing at all', undefined, plain],
  ])('%s', { timeout: 60_000 }, (_what, old, now) => {
    const judged = judge(tool(old), tool(now))
    expect(verdicts).toContain(judged.verdict)
    expect(judged.verdict).not.toBe('same')
    if (judged.error !== undefined) expect(judged.verdict).toBe('unknown')
    // Whatever it is: equal to itself.
    expect(judge(tool(now), tool(now)).verdict).toBe('same')
  })

  it('names of members of every object are names like others', () => {
    const of = (...names: string[]) =>
      tool({ type: 'object', properties: JSON.parse(`{${names.map((name) => `"${name}":{"type":"string"}`).join()}}`) })
    expect(judge(of('a'), of('a', '__proto__')).verdict).toBe('additive')
    expect(judge(of('a', '__proto__'), of('a')).verdict).toBe('ignored')
    expect(judge(of('constructor', 'toString'), of('constructor')).changes).toMatchObject([
      { kind: 'property.removed', pointer: '/properties/toString' },
    ])
  })

  it('what is valid JSON and no schema is judged, and nothing is thrown', () => {
    const keywords = [
      'type',
      'enum',
      'properties',
      'required',
      'items',
      'anyOf',
      'not',
      '$ref',
      '$defs',
      'if',
      'then',
      'dependencies',
      'x',
      'const',
      'additionalProperties',
      'minimum',
      'pattern',
      'format',
      '$id',
      'contains',
    ]
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 5 },
        fc.constantFrom('string', 'object', '#', '#/$defs/x', '^(', 0, -1, true, false, null),
        tie('list'),
        tie('map'),
      ),
      list: fc.array(tie('value'), { maxLength: 3 }),
      map: fc.dictionary(fc.constantFrom(...keywords), tie('value'), { maxKeys: 5 }),
    }))
    fc.assert(
      fc.property(value, value, (old, now) => {
        const judged = judge(tool(old), tool(now))
        expect(verdicts).toContain(judged.verdict)
        expect(judge(tool(old), tool(old)).verdict).toBe('same')
      }),
      { numRuns: 1_500 },
    )
  })
})
