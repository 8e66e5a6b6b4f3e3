// The canonical form accepts what the schema accepts, whichever draft wrote it: ajv says.
import { Ajv } from 'ajv'
import { describe, expect, it } from 'vitest'
import fc from '../../../../test/property.ts'
import { type Generated, type Json, schema } from '../../../../test/schemas/generate.ts'
import { compiled } from '../../../../test/schemas/promise.ts'
import { chance } from '../../../../test/schemas/random.ts'
import { valueNear } from '../../../../test/schemas/values.ts'
import { canonical } from './canonical.ts'
import { fitsFormat } from './formats.ts'

const seeds = fc.integer({ min: 1, max: 0x7fffffff })

/** Undefined where ajv compiles it not at all. */
function tried<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}

function sameFor(seed: number, raw: Generated, accepts: ((value: Json) => boolean) | undefined): void {
  const form = tried(() => compiled(canonical(raw).schema as Generated))
  if (accepts === undefined || form === undefined) return
  const by = chance(seed + 1)
  for (let time = 0; time < 40; time += 1) {
    const value = valueNear(raw, by)
    if (form(value) !== accepts(value)) throw new Error(`${JSON.stringify(raw)}\n${canonical(raw).text}\n${JSON.stringify(value)}`)
  }
}

/** As draft-07 and draft-04 would have written it. */
function older(value: Json): Json {
  if (Array.isArray(value)) return value.map(older)
  if (typeof value !== 'object' || value === null) return value
  const out = Object.fromEntries(Object.entries(value).map(([key, one]) => [key, older(one)]))
  if (Array.isArray(out.prefixItems)) {
    if (out.items !== undefined) out.additionalItems = out.items
    out.items = out.prefixItems
    delete out.prefixItems
  }
  for (const key of ['dependentRequired', 'dependentSchemas']) {
    if (out[key] === undefined) continue
    out.dependencies = { ...(out.dependencies as object | undefined), ...(out[key] as object) }
    delete out[key]
  }
  for (const key of ['unevaluatedItems', 'unevaluatedProperties', 'minContains', 'maxContains']) delete out[key]
  return out
}

function compiledOlder(raw: Json): (value: Json) => boolean {
  // Without all errors ajv lets an empty list pass `contains` beside the tuple of `items`.
  const ajv = new Ajv({ allErrors: true, strict: false, validateSchema: false, logger: false, ownProperties: true, multipleOfPrecision: 9 })
  for (const format of ['email', 'date']) ajv.addFormat(format, (text: string) => fitsFormat(format, text) !== false)
  const validate = ajv.compile(raw as object)
  return (value) => validate(value) === true
}

describe('the canonical form', () => {
  it('accepts the same', { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const raw = schema(chance(seed), 3, seed % 2 === 0 ? 'all' : 'logic')
        sameFor(
          seed,
          raw,
          tried(() => compiled(raw)),
        )
      }),
      { numRuns: 400, endOnFailure: true },
    )
  })

  it('accepts the same as draft-07 does', { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const raw = older(schema(chance(seed), 3, 'all'))
        if (typeof raw !== 'object' || raw === null) return
        const declared = { ...raw, $schema: 'http://json-schema.org/draft-07/schema#' } as Generated
        sameFor(
          seed,
          declared,
          tried(() => compiledOlder(declared)),
        )
      }),
      { numRuns: 300, endOnFailure: true },
    )
  })

  it('is its own', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const { schema: form, text } = canonical(schema(chance(seed), 3, 'all'))
        expect(canonical(form).text).toBe(text)
      }),
      { numRuns: 400 },
    )
  })

  it.each<[string, unknown, unknown]>([
    ['draft-04 bounds', { type: 'integer', minimum: 1, exclusiveMinimum: true }, { type: 'integer', exclusiveMinimum: 1 }],
    ['definitions', { $ref: '#/definitions/a', definitions: { a: { type: 'string' } } }, { type: 'string' }],
    ['an anchor', { $ref: '#a', $defs: { x: { $anchor: 'a', type: 'string' } } }, { type: 'string' }],
    [
      'an absolute reference to itself',
      { $id: 'https://e.x/s', properties: { a: { $ref: 'https://e.x/s#/$defs/a' } }, $defs: { a: { type: 'null' } } },
      { properties: { a: { type: 'null' } } },
    ],
    ['nullable', { type: 'string', nullable: true, minLength: 1 }, { anyOf: [{ type: 'null' }, { minLength: 1, type: 'string' }] }],
    ['a oneOf of types', { oneOf: [{ type: 'string' }, { type: 'integer' }] }, { type: ['integer', 'string'] }],
    ['a union of literals and null', { anyOf: [{ const: 'a' }, { enum: ['b'] }, { type: 'null' }] }, { enum: [null, 'a', 'b'] }],
    ['one allOf', { allOf: [{ type: 'object', required: ['a'] }], required: ['b'] }, { type: 'object', required: ['a', 'b'] }],
    ['keywords of types that cannot be', { type: 'string', minimum: 3, properties: { a: {} } }, { type: 'string' }],
    ['what says nothing', { type: 'array', minItems: 0, uniqueItems: false, items: {}, title: 'T', $comment: 'c' }, { type: 'array' }],
    ['nothing that can be', { enum: ['a'], type: 'integer' }, false],
    ['order', { required: ['b', 'a'], properties: { b: {}, a: {} } }, { properties: { a: true, b: true }, required: ['a', 'b'] }],
    [
      'named otherwise',
      { $ref: '#/$defs/x', $defs: { x: { properties: { n: { $ref: '#/$defs/x' } } } } },
      { $ref: '#/$defs/y', $defs: { y: { properties: { n: { $ref: '#/$defs/y' } } } } },
    ],
  ])('folds %s', (_what, one, other) => {
    expect(canonical(one).text).toBe(canonical(other).text)
  })

  it.each<[string, unknown, unknown]>([
    ['a oneOf of overlapping types', { oneOf: [{ type: 'number' }, { type: 'integer' }] }, { type: 'number' }],
    ['equal branches of a oneOf', { oneOf: [{ minLength: 1 }, { minLength: 1 }] }, { minLength: 1 }],
    [
      'names that a sibling closes',
      { additionalProperties: false, allOf: [{ properties: { a: {} } }] },
      { additionalProperties: false, properties: { a: {} } },
    ],
    [
      'a reference beside others in draft-07',
      { $schema: 'http://json-schema.org/draft-07/schema#', $ref: '#/definitions/a', maxLength: 1, definitions: { a: { type: 'string' } } },
      { type: 'string', maxLength: 1 },
    ],
    ['a name that says any name is wanted', { type: 'object', additionalProperties: true }, { type: 'object' }],
    ['remote references', { $ref: 'https://e.x/a' }, { $ref: 'https://e.x/b' }],
  ])('does not fold %s', (_what, one, other) => {
    expect(canonical(one).text).not.toBe(canonical(other).text)
  })
})
