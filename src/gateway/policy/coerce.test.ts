import { describe, expect, it } from 'vitest'
import { payload } from '../../core/call/payload.ts'
import { coerce } from './coerce.ts'
import { gateSchema } from './schema-gate.ts'

/** The arguments as they would be sent; undefined where they are refused. */
function read(properties: unknown, args: string, more: Record<string, unknown> = {}): string | undefined {
  const gated = gateSchema({ type: 'object', properties, ...more })
  const found = coerce(payload(Buffer.from(args)), gated.validate)
  return found === undefined ? undefined : Buffer.from(found.arguments.bytes).toString()
}

const integer = { type: 'integer' }

describe('arguments that say the same in another type are given the type of the schema', () => {
  it.each<[schema: unknown, sent: string, read: string]>([
    [integer, '"1"', '1'],
    [integer, '" -7 "', '-7'],
    [integer, '"9007199254740993"', '9007199254740993'],
    [integer, '"2.0"', '2'],
    [integer, '"1e3"', '1000'],
    [{ type: 'number' }, '"1.50"', '1.50'],
    [{ type: 'boolean' }, '"true"', 'true'],
    [{ type: 'boolean' }, '"False"', 'false'],
    [{ type: 'boolean' }, '1', 'true'],
    [{ type: 'string' }, '1', '"1"'],
    [{ type: 'string' }, '9007199254740993', '"9007199254740993"'],
    [{ type: 'string' }, '0.10', '"0.10"'],
    [{ type: 'string' }, 'false', '"false"'],
    [{ type: 'object' }, '"{\\"a\\": 9007199254740993}"', '{"a": 9007199254740993}'],
    [{ type: 'object' }, '"{\\n\\"a\\": \\"x\\\\ny\\"}"', '{ "a": "x\\ny"}'],
    [{ type: 'array' }, '"[1,2]"', '[1,2]'],
    [{ type: 'array', items: integer }, '["1",2,"3"]', '[1,2,3]'],
    [{ type: 'array', items: integer }, '"[\\"1\\"]"', '[1]'],
    [{ type: 'object', properties: { 'a/b~': integer } }, '{"a/b~":"1"}', '{"a/b~":1}'],
    [{ enum: [1, 2] }, '"2"', '2'],
    [{ type: 'string', enum: ['1', '2'] }, '2', '"2"'],
    [{ anyOf: [integer, { type: 'null' }] }, '"5"', '5'],
    [{ anyOf: [integer, { type: 'null' }] }, '"null"', 'null'],
    [{ type: ['integer', 'null'] }, '"5"', '5'],
    [{ anyOf: [{ type: 'object', properties: { n: integer } }, { type: 'null' }] }, '"{\\"n\\":\\"5\\"}"', '{"n":5}'],
    [{ oneOf: [{ type: 'array', items: integer }, integer] }, '"[1]"', '[1]'],
  ])('%j: %s', (schema, sent, expected) => {
    expect(read({ x: schema }, `{"x":${sent},"big":12345678901234567890}`)).toBe(`{"x":${expected},"big":12345678901234567890}`)
  })

  it('the arguments as a whole are JSON text', () => {
    expect(read({ x: integer }, '"{\\"x\\":1}"')).toBe('{"x":1}')
    expect(read({ x: integer }, '"{\\"x\\":\\"1\\"}"')).toBe('{"x":1}')
  })

  it('of alternatives the one that fits with the fewest changes, whatever they differ in', () => {
    const kinds = {
      anyOf: [
        { type: 'object', properties: { kind: { const: 'a' }, n: integer, m: integer }, required: ['kind'] },
        { type: 'object', properties: { kind: { const: 'b' }, n: { type: 'string' }, m: { type: 'string' } }, required: ['kind'] },
      ],
    }
    expect(read({ x: kinds }, '{"x":{"kind":"a","n":5,"m":"2"}}')).toBe('{"x":{"kind":"a","n":5,"m":2}}')
    expect(read({ x: kinds }, '{"x":{"kind":"a","n":"5","m":"2"}}')).toBe('{"x":{"kind":"a","n":5,"m":2}}')
    expect(read({ x: kinds }, '{"x":{"kind":"b","n":5,"m":"2"}}')).toBe('{"x":{"kind":"b","n":"5","m":"2"}}')
  })

  it('many at once', () => {
    const sent = `{"x":[${Array.from({ length: 1_000 }, (_, n) => `"${n}"`).join(',')}]}`
    expect(read({ x: { type: 'array', items: integer } }, sent)).toBe(sent.replaceAll(/"(\d+)"/g, '$1'))
  })
})

describe('what would lose something, or could be read in two ways, is refused', () => {
  it.each<[schema: unknown, sent: string]>([
    [integer, '"1.5"'],
    [integer, '1.5'],
    [integer, '"one"'],
    [integer, '""'],
    [integer, '"0x10"'],
    [integer, '"1_000"'],
    [integer, '"01"'],
    [integer, '"1e400"'],
    [integer, 'true'],
    [integer, 'null'],
    [integer, '[1]'],
    [{ ...integer, maximum: 5 }, '"6"'],
    [{ type: 'boolean' }, '"yes"'],
    [{ type: 'boolean' }, '2'],
    [{ type: 'string' }, 'null'],
    [{ type: 'string' }, '{"a":1}'],
    [{ type: 'string', minLength: 3 }, '"5"'],
    [{ minLength: 3 }, '"5"'],
    [{ type: 'string', pattern: '^[a-z]+$' }, '5'],
    [{ type: 'object' }, '"{a:1}"'],
    [{ type: 'object' }, '"{\\"a\\":1,\\"a\\":2}"'],
    [{ type: 'object' }, '"{\\"a\\":\\"\\\\ud800\\"}"'],
    [{ type: 'object' }, `"${'{\\"a\\":'.repeat(200)}1${'}'.repeat(200)}"`],
    [{ type: 'object' }, '"[1]"'],
    [{ type: 'array' }, '"1"'],
    [{ type: 'object', properties: { n: integer }, required: ['n'] }, '"{}"'],
    [{ anyOf: [{ type: 'string' }, { type: 'boolean' }] }, '1'],
    [{ type: ['string', 'boolean'] }, '0'],
    [{ oneOf: [integer, { type: 'number' }] }, '"1"'],
  ])('%j: %s', (schema, sent) => {
    expect(read({ x: schema }, `{"x":${sent}}`)).toBeUndefined()
  })

  it('and so is what takes too long to find out', () => {
    const some = (n: number): unknown => ({ anyOf: [{ type: 'object', properties: { n: { const: n } } }, { type: 'boolean' }] })
    const properties = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`p${n}`, { anyOf: [some(n), integer] }]))
    expect(read(properties, `{${Array.from({ length: 40 }, (_, n) => `"p${n}":"x1"`).join(',')}}`)).toBeUndefined()
  })
})
