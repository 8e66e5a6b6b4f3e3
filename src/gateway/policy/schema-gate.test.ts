import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { describe, expect, it } from 'vitest'
import { cpuMs } from '../../../test/doubles/cpu-time.ts'
import fc from '../../../test/property.ts'
import { createSchemaGate, type Gated, gateSchema } from './schema-gate.ts'

const open = (schema: unknown): Gated => gateSchema(schema)

/** The only note: all of it, or a part, is left to the server. */
function noted(schema: unknown): string {
  const { notes } = gateSchema(schema)
  expect(notes).toHaveLength(1)
  return notes[0] as string
}

const object = (properties: Record<string, unknown>, more: Record<string, unknown> = {}) => ({ type: 'object', properties, ...more })

describe('a gated schema says what is wrong with arguments', () => {
  const { validate } = open(object({ city: { type: 'string' }, days: { type: 'integer', minimum: 1 } }, { required: ['city', 'days'] }))

  it('takes what fits', () => expect(validate({ city: 'Bern', days: 3, more: true })).toEqual([]))

  it('names each missing property', () => {
    expect(validate({})).toEqual([
      { path: '/city', expected: 'string (required)', got: 'nothing' },
      { path: '/days', expected: 'integer (required)', got: 'nothing' },
    ])
  })

  it('names path, expected and got of a wrong type and of a broken bound', () => {
    expect(validate({ city: 7, days: 0 })).toEqual([
      { path: '/city', expected: 'string', got: 'number 7' },
      { path: '/days', expected: 'a number >= 1', got: 'number 0' },
    ])
  })

  it('names the known properties where one is unknown', () => {
    const closed = open(object({ city: { type: 'string' } }, { additionalProperties: false }))
    expect(closed.validate({ town: 'x' })).toEqual([{ path: '/town', expected: 'no property of this name; known are city', got: 'string' }])
  })

  it('writes paths as JSON Pointers', () => {
    const odd = open(object({ 'a/b~c': object({ list: { type: 'array', items: { type: 'number' } } }) }))
    expect(odd.validate({ 'a/b~c': { list: [1, 'x'] } })[0]?.path).toBe('/a~1b~0c/list/1')
  })

  it('lists the values of an enum and finds objects among them', () => {
    const one = open(object({ v: { enum: ['a', { x: 1, y: [2] }] } }))
    expect(one.validate({ v: { y: [2], x: 1 } })).toEqual([])
    expect(one.validate({ v: 'c' })).toEqual([{ path: '/v', expected: 'one of "a", {"x":1,"y":[2]}', got: 'string "c"' }])
  })

  it('folds the branches of a choice into one violation and keeps what lies deeper', () => {
    const choice = open(object({ v: { anyOf: [{ type: 'string' }, object({ k: { type: 'integer' } }, { required: ['k'] })] } }))
    expect(choice.validate({ v: 1 })).toEqual([{ path: '/v', expected: 'string, or object with k', got: 'number 1' }])
    expect(choice.validate({ v: { k: 'x' } }).map((v) => v.path)).toContain('/v/k')
  })

  it('quotes neither long values nor those that are named like a secret', () => {
    const typed = open(object({ note: { type: 'number' }, apiKey: { type: 'number' } }))
    const said = JSON.stringify(typed.validate({ note: 'n'.repeat(500), apiKey: 'sk-123' }))
    expect(said).toContain('string of 500 characters')
    expect(said).not.toContain('nnnn')
    expect(said).not.toContain('sk-123')
  })

  it('tells at most eight violations', () => {
    const list = open(object({ l: { type: 'array', items: { type: 'string' } } }))
    expect(list.validate({ l: Array.from({ length: 100 }, (_, i) => i) })).toHaveLength(8)
  })
})

describe('a gated schema follows its dialect', () => {
  it('reads 2020-12 keywords', () => {
    const { validate } = open({
      ...object({ kind: { const: 'a' } }),
      $defs: { pair: { type: 'array', prefixItems: [{ type: 'string' }, { type: 'number' }], items: false } },
      if: { required: ['pair'] },
      ...(JSON.parse('{"then":{"properties":{"pair":{"$ref":"#/$defs/pair"}}}}') as object),
      unevaluatedProperties: { type: 'string' },
    })
    expect(validate({ kind: 'a', pair: ['x', 1], other: 'text' })).toEqual([])
    expect(validate({ kind: 'a', pair: ['x', 1, 2] })).not.toEqual([])
    expect(validate({ kind: 'a', other: 1 })).not.toEqual([])
  })

  it.each(['http://json-schema.org/draft-07/schema#', undefined])('reads tuples of draft-07, declared (%s) or not', ($schema) => {
    const { validate } = open({
      ...object({ t: { type: 'array', items: [{ type: 'string' }] } }),
      ...($schema === undefined ? {} : { $schema }),
    })
    expect(validate({ t: ['x', 1] })).toEqual([])
    expect(validate({ t: [1] })).toHaveLength(1)
  })

  it('follows references by pointer, anchor, dynamic anchor and embedded id, and recursion', () => {
    const number = { type: 'number' }
    expect(open(object({ x: { $ref: '#/$defs/n' } }, { $defs: { n: number } })).validate({ x: 'q' })).toHaveLength(1)
    expect(open(object({ x: { $ref: '#n' } }, { $defs: { n: { $anchor: 'n', ...number } } })).validate({ x: 'q' })).toHaveLength(1)
    expect(open(object({ x: { $dynamicRef: '#n' } }, { $defs: { n: { $dynamicAnchor: 'n', ...number } } })).validate({ x: 1 })).toEqual([])
    const embedded = object({ x: { $ref: 'n' } }, { $id: 'https://example.com/s', $defs: { n: { $id: 'n', ...number } } })
    expect(open(embedded).validate({ x: 'q' })).toHaveLength(1)
    const tree = object({ value: number, next: { $ref: '#' } }, { required: ['value'] })
    expect(open(tree).validate({ value: 1, next: { value: 2, next: {} } })[0]?.path).toBe('/next/next/value')
  })

  it('lets equal ids of different tools stand side by side', () => {
    const one = open(object({ a: { type: 'string' } }, { $id: 'https://example.com/same' }))
    const two = open(object({ a: { type: 'number' } }, { $id: 'https://example.com/same' }))
    expect([one.validate({ a: 'x' }), two.validate({ a: 1 })]).toEqual([[], []])
  })

  it('takes properties that are named like members of every object', () => {
    const { validate } = open(
      object({ constructor: { type: 'string' }, nullable: { type: 'string', nullable: true } }, { required: ['toString'] }),
    )
    expect(validate({ toString: 1, nullable: null })).toEqual([])
    expect(validate({})).toHaveLength(1)
  })

  it('keeps formats as annotations', () =>
    expect(open(object({ m: { type: 'string', format: 'email' } })).validate({ m: 'x' })).toEqual([]))
})

describe('patterns run in linear time', () => {
  it('tells apart patterns of one schema', () => {
    const { validate } = open(object({ a: { type: 'string', pattern: '^a+$' }, b: { type: 'string', pattern: '^b+$' } }))
    expect(validate({ a: 'aa', b: 'bb' })).toEqual([])
    expect(validate({ a: 'bb', b: 'bb' }).map((v) => v.path)).toEqual(['/a'])
  })

  it('judges a hostile string against a hostile pattern at once', () => {
    const { validate } = open(object({ a: { type: 'string', pattern: '^(a+)+$' } }))
    const from = cpuMs()
    expect(validate({ a: `${'a'.repeat(20_000)}!` })).toHaveLength(1)
    expect(cpuMs() - from).toBeLessThan(1_000)
  })

  it('serves a tool whose pattern looks around, notes it, and enforces the rest', () => {
    const gated = open(object({ a: { type: 'string', pattern: '^(?=.*x)(a)\\1$' }, b: { type: 'string', pattern: '^\\d+$' } }))
    expect(gated.notes).toHaveLength(1)
    expect(gated.validate({ a: 'whatever', b: 'x' }).map((v) => v.path)).toEqual(['/b'])
  })

  it.each(['(?i)abc', '(?P<y>[0-9]+)', '^(?<q>[ab])\\k<q>$', '^([ab])\\1$', '(', '\\Aab\\z', 'a++', `(a{1000}){1000}`])(
    'leaves what has another meaning elsewhere, or none, to the server: %s',
    (pattern) => {
      const gated = open(object({ a: { type: 'string', pattern }, b: { type: 'string', pattern: '^b$' } }, { required: ['a'] }))
      expect(gated.notes).toEqual([expect.stringContaining('/inputSchema/properties/a/pattern is not enforced')])
      for (const a of ['abc', 'ABC', '2026', 'aa', '(', 'ab']) expect(gated.validate({ a, b: 'b' })).toEqual([])
      expect(gated.validate({ a: 7, b: 'x' }).map((one) => one.path)).toEqual(['/a', '/b'])
      expect(gated.validate({})).toHaveLength(1)
    },
  )
})

describe('what cannot be enforced takes nothing away from what fits', () => {
  const left = '^(?!x)'
  it.each([
    ['below not', { not: { properties: { a: { pattern: left } }, required: ['a'] } }, { a: 'xa' }],
    ['below a double not', { not: { not: { properties: { a: { pattern: '(?=b)' } } } } }, { a: 'xa' }],
    ['in a condition', JSON.parse(`{"if":{"properties":{"a":{"pattern":"${left}"}}},"then":{"required":["b"]}}`), { a: 'xa' }],
    [
      'in one of several branches',
      { oneOf: [{ properties: { a: { pattern: left } } }, { properties: { a: { type: 'string' } } }] },
      { a: 'xa' },
    ],
    ['as the name of properties', { patternProperties: { [left]: { type: 'number' } } }, { xa: 'text' }],
    ['as the only name that is known', { patternProperties: { [left]: {} }, additionalProperties: false }, { a: 1 }],
    ['in elements that may be few', { properties: { a: { contains: { pattern: left }, maxContains: 1 } } }, { a: ['xa', 'xb', 'c'] }],
    ['behind a reference below not', { not: { $ref: '#/$defs/d' }, $defs: { d: { properties: { a: { pattern: left } } } } }, { a: 'xa' }],
    [
      'beside what is evaluated',
      { anyOf: [{ not: { properties: { a: { pattern: left } } } }], unevaluatedProperties: false, properties: { b: {} } },
      { a: 'xa' },
    ],
    ['in one branch that is no schema', { oneOf: [{ required: ['b'] }, null] }, { b: 1 }],
    ['in properties that are none', { properties: 'text', additionalProperties: false }, { a: 1 }],
    [
      'in a number of elements',
      { $schema: 'https://json-schema.org/draft/2020-12/schema', properties: { a: { contains: { const: 1 }, minContains: '0' } } },
      { a: [2] },
    ],
    [
      'in a reference of draft-07 with siblings',
      { $schema: 'http://json-schema.org/draft-07/schema#', properties: { a: { $ref: '#/definitions/none', type: 'number' } } },
      { a: 'x' },
    ],
  ])('%s', (_where, schema, args) => {
    const gated = open({ type: 'object', ...schema })
    expect(gated.validate(args)).toEqual([])
    expect(gated.notes).not.toEqual([])
  })

  it.each([
    ['a bound of draft-04', { type: 'number', minimum: 5, exclusiveMinimum: true }, 4],
    ['a type of draft-03', { type: 'any' }, undefined],
    ['a type that is misspelt', { type: 'String' }, undefined],
    ['a requirement of draft-03', { type: 'string', required: true }, 7],
    ['a number as text', { type: 'string', maxLength: '9' }, 7],
    ['an enum that is no list', { type: 'string', enum: 'a' }, 7],
    ['a reference to nowhere', { $ref: '#/$defs/none', type: 'string' }, 7],
    ['a reference to elsewhere', { $ref: 'https://example.com/x.json', type: 'string' }, 7],
    ['a reference to a file', { $ref: 'file:///etc/passwd', type: 'string' }, 7],
    ['a reference that is no URI', { $ref: 'http://[', type: 'string' }, 7],
    ['elements that are none', { type: 'array', items: { type: 'any' } }, 'x'],
  ])('%s leaves the rest enforced', (_what, a, wrong) => {
    const gated = open(object({ a, b: { type: 'boolean' } }))
    expect(gated.notes).toEqual([expect.stringMatching(/^\/inputSchema\/properties\/a\/\S+ is not enforced: /)])
    expect(gated.validate({ b: 'x' }).map(({ path }) => path)).toEqual(['/b'])
    if (wrong !== undefined) expect(gated.validate({ a: wrong }).map(({ path }) => path)).toEqual(['/a'])
  })

  it.each([
    'http://json-schema.org/draft-04/schema#',
    'http://json-schema.org/draft-03/schema#',
    'http://json-schema.org/schema#',
    'https://spec.openapis.org/oas/3.1/dialect/base',
    'https://example.com/own',
    7,
  ])('a dialect that is not known (%s) is read by the one that it fits best', ($schema) => {
    const gated = open(object({ a: { type: 'string', nullable: true, format: 'no-such-format' } }, { $schema }))
    expect(gated.notes.filter((one) => !one.includes('/$schema'))).toEqual([])
    expect(gated.validate({ a: null })).toEqual([])
    expect(gated.validate({ a: 7 })).toHaveLength(1)
  })

  it('is noted in a few lines, however much it is', () => {
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`${'p'.repeat(100)}${i}`, { type: 'any' }]))
    const { notes } = open(object(many))
    expect(notes).toHaveLength(8)
    expect(notes.at(-1)).toBe('293 more places of the input schema are not enforced')
    expect(notes.join('').length).toBeLessThan(4_000)
  })
})

describe('a schema that would be dear to judge is left to the server whole, and noted', () => {
  it('what is no schema', () => {
    for (const schema of [undefined, null, 7, 'x', [], true]) expect(noted(schema)).toContain('the schema is no object')
  })

  it('what is too large, has too many parts or is too deep', () => {
    const large = object({ a: { description: 'x'.repeat(70_000), type: 'string' } })
    expect(noted(large)).toContain('bytes')
    expect(open(large).validate({ a: 7 })).toEqual([])
    expect(noted(object(Object.fromEntries(Array.from({ length: 2_001 }, (_, i) => [i, {}]))))).toContain('objects and arrays')
    let deep: unknown = {}
    for (let i = 0; i < 5_000; i += 1) deep = { not: deep }
    expect(noted(deep)).toContain('deeper')
  })

  it('cycles that consume nothing', () => {
    expect(noted({ $ref: '#' })).toContain('without end')
    expect(noted(object({ a: { $ref: '#/$defs/a' } }, { $defs: { a: { anyOf: [{ not: { $ref: '#/$defs/a' } }] } } }))).toContain(
      'without end',
    )
  })

  it('references that double at each step', () => {
    const $defs: Record<string, unknown> = { d0: { type: 'string' } }
    for (let i = 1; i < 30; i += 1) $defs[`d${i}`] = { anyOf: [{ $ref: `#/$defs/d${i - 1}` }, { $ref: `#/$defs/d${i - 1}` }] }
    expect(noted(object({ a: { $ref: '#/$defs/d29' } }, { $defs }))).toContain('expand')
  })

  it('names that are given twice', () => {
    expect(noted(object({ a: { $anchor: 'x' }, b: { $anchor: 'x' } }))).toContain('twice')
  })
})

describe('no arguments make a schema run for long', () => {
  it('stops where a recursive choice multiplies with the depth of the arguments', () => {
    const branch = (name: string) => object({ c: { $ref: '#/$defs/n' } }, { required: [name] })
    const { validate } = open(object({ r: { $ref: '#/$defs/n' } }, { $defs: { n: { allOf: [{ anyOf: [branch('y'), branch('z')] }] } } }))
    let deep: unknown = { c: {}, x: 1 }
    for (let i = 0; i < 100; i += 1) deep = { c: deep, z: 1 }
    const from = cpuMs()
    expect(validate({ r: deep })).not.toEqual([])
    expect(cpuMs() - from).toBeLessThan(2_000)
  })

  it('compares unique elements in linear time', () => {
    const { validate } = open(object({ l: { type: 'array', uniqueItems: true } }))
    const from = cpuMs()
    expect(validate({ l: Array.from({ length: 50_000 }, (_, i) => ({ i })) })).toEqual([])
    expect(
      validate({
        l: [
          { a: 1, b: 2 },
          { b: 2, a: 1 },
        ],
      }),
    ).toHaveLength(1)
    expect(cpuMs() - from).toBeLessThan(2_000)
  })

  it('refuses arguments that are nested too deep', () => {
    let deep: unknown = {}
    for (let i = 0; i < 100_000; i += 1) deep = { a: deep }
    expect(open(object({})).validate(deep)[0]?.expected).toContain('nesting')
  })
})

describe('the gate harms nobody', () => {
  it('never throws, whatever it is given', () => {
    const keyword = fc.constantFrom(
      'type',
      '$ref',
      'properties',
      'items',
      'anyOf',
      'pattern',
      '$id',
      'enum',
      'not',
      'required',
      'id',
      '$async',
    )
    const schema = fc.letrec((tie) => ({
      node: fc.oneof({ depthSize: 'small' }, fc.dictionary(keyword, tie('value'), { maxKeys: 4 }), fc.constant({ type: 'object' })),
      value: fc.oneof(
        { depthSize: 'small' },
        fc.jsonValue({ maxDepth: 1 }),
        tie('node'),
        fc.array(tie('node'), { maxLength: 3 }),
        fc.constant('#'),
      ),
    })).node
    fc.assert(
      fc.property(schema, fc.jsonValue(), (candidate, args) => {
        const uncompiled: string[] = []
        const gated = createSchemaGate({ uncompiled: (reason) => uncompiled.push(reason) })(candidate)
        expect(Array.isArray(gated.validate(args))).toBe(true)
      }),
      { numRuns: 200 },
    )
  })

  it('answers at once where a schema asks for a later answer', async () => {
    for (const later of [
      { $async: true, type: 'object' },
      { $async: [{ type: 'object' }], anyOf: [{ type: 'object' }, { $ref: '#/$async/0' }] },
    ]) {
      const gated = gateSchema(later)
      expect(gated.validate({})).toEqual([])
      if (later.$async === true) expect(gated.validate([1])).not.toEqual([])
    }
    // A promise that nobody holds would be rejected by now.
    await new Promise((resolve) => setImmediate(resolve))
  })

  it('does not change the schema that it was given', () => {
    const schema = object(
      { a: { type: 'string', nullable: true }, b: { $ref: '#/properties/a' } },
      { $schema: 'https://json-schema.org/draft/2020-12/schema' },
    )
    const before = JSON.stringify(schema)
    open(schema).validate({ a: 1 })
    expect(JSON.stringify(schema)).toBe(before)
  })

  it.each([
    ['server-filesystem', ['.']],
    ['server-everything', []],
    ['server-memory', []],
  ])('takes every tool of %s', async (name, args) => {
    const client = new Client({ name: 'test', version: '1' })
    const entry = new URL(`../../../node_modules/@modelcontextprotocol/${name}/dist/index.js`, import.meta.url).pathname
    await client.connect(new StdioClientTransport({ command: process.execPath, args: [entry, ...args], stderr: 'ignore' }))
    try {
      const { tools } = await client.listTools()
      expect(tools.length).toBeGreaterThan(5)
      for (const tool of tools) {
        const gated = open(tool.inputSchema)
        expect(gated.notes).toEqual([])
        expect(gated.validate({})).toHaveLength((tool.inputSchema.required ?? []).length)
      }
    } finally {
      await client.close()
    }
  })
})
