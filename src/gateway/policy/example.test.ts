import { describe, expect, it } from 'vitest'
import { exampleOf } from './example.ts'
import { gateSchema } from './schema-gate.ts'

const schemas = [
  { type: 'object', properties: { a: { type: 'string', minLength: 3 }, b: { type: 'integer', minimum: 5 }, c: {} }, required: ['a', 'b'] },
  {
    type: 'object',
    properties: { l: { type: 'array', items: { $ref: '#/$defs/x' } } },
    required: ['l'],
    $defs: { x: { enum: ['one', 'two'] } },
  },
  { type: 'object', properties: { v: { anyOf: [{ type: 'number', exclusiveMinimum: 2 }, { type: 'null' }] } }, required: ['v'] },
  {
    type: 'object',
    properties: { d: { type: 'string', format: 'date', examples: ['2026-02-03'] }, n: { default: 4 } },
    required: ['d', 'n'],
  },
]

describe('the example of a schema', () => {
  it.each(schemas)('fits the schema %#', (schema) => {
    const gated = gateSchema(schema)
    expect(gated.validate(exampleOf(schema))).toEqual([])
  })

  it('ends where the schema is recursive or missing', () => {
    const recursive = { type: 'object', properties: { next: { $ref: '#' } }, required: ['next'] }
    expect(JSON.stringify(exampleOf(recursive)).length).toBeLessThan(1_024)
    expect(exampleOf(undefined)).toBeUndefined()
  })
})
