import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect, it } from 'vitest'
import fc from '../../../test/property.ts'
import { gateSchema } from './schema-gate.ts'

const ajv = new Ajv2020({ strict: false, validateFormats: false, logger: false })

function keywordOf(child: fc.Arbitrary<unknown>): fc.Arbitrary<readonly [string, unknown]> {
  const few = fc.array(child, { minLength: 1, maxLength: 3 })
  const keywords: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
    properties: fc.record({ a: child, b: child }, { requiredKeys: [] }),
    patternProperties: fc.record({ '^(?!b)': child, '^a': child }, { requiredKeys: [] }),
    additionalProperties: fc.oneof(child, fc.boolean()),
    unevaluatedProperties: fc.boolean(),
    ...Object.fromEntries(['not', 'if', 'then', 'else', 'propertyNames'].map((keyword) => [keyword, child])),
    ...Object.fromEntries(['oneOf', 'anyOf', 'allOf', 'prefixItems'].map((keyword) => [keyword, few])),
    dependentSchemas: fc.record({ a: child }),
    items: fc.oneof(child, fc.boolean()),
    unevaluatedItems: fc.boolean(),
    $ref: fc.constant('#/$defs/d'),
  }
  return fc.oneof(...Object.entries(keywords).map(([keyword, value]) => fc.tuple(fc.constant(keyword), value)))
}

it('whatever is not enforced, nothing is refused that the whole schema takes', () => {
  const { node: schema } = fc.letrec((tie) => ({
    leaf: fc.constantFrom<object>(
      ...[{ pattern: '^(?!x)' }, { pattern: '(?=a)' }, { pattern: '^a' }, { type: 'string' }, { type: 'number' }, { minimum: 1 }, {}],
      ...[{ required: ['a'] }, { type: 'object' }],
    ),
    child: fc.oneof({ depthSize: 'small' }, { arbitrary: tie('leaf'), weight: 2 }, tie('node')),
    node: fc
      .uniqueArray(keywordOf(tie('child')), { selector: ([keyword]) => keyword, minLength: 1, maxLength: 4 })
      .map((entries) => Object.fromEntries(entries)),
  })) as { node: fc.Arbitrary<Record<string, unknown>> }
  const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 2 },
      fc.constantFrom('a', 'x', 'xa', 'b', 0, 1, null),
      fc.record({ a: tie('value'), b: tie('value'), xa: tie('value') }, { requiredKeys: [] }),
      fc.array(tie('value'), { maxLength: 3 }),
    ),
  })).value
  let taken = 0
  fc.assert(
    fc.property(
      schema,
      fc.constantFrom({ pattern: '^(?!x)' }, { type: 'object' }),
      fc.array(value, { minLength: 6, maxLength: 6 }),
      (root, d, values) => {
        const whole = { ...root, $defs: { d } }
        const validate = ajv.compile(whole)
        const gated = gateSchema(whole)
        if (gated.notes.length === 0) return
        for (const one of values) {
          if (!takes(validate, one)) continue
          taken += 1
          expect({ whole, one, refused: gated.validate(one) }).toEqual({ whole, one, refused: [] })
        }
      },
    ),
    { numRuns: 600 },
  )
  expect(taken).toBeGreaterThan(300)
}, 60_000)

/** The compiler has bugs of its own: what it falls over is not taken for an answer. */
function takes(validate: (value: unknown) => unknown, value: unknown): boolean {
  try {
    return validate(value) === true
  } catch {
    return false
  }
}
