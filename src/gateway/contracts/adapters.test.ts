// Translations of calls: what is proposed is proved, and what is proved holds for every value, as another validator sees it.
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import fc from '../../../test/property.ts'
import type { ToolContract } from '../../core/call/contract.ts'
import { payload, payloadOf } from '../../core/call/payload.ts'
import { type AdapterOp, adapted, adapterText, callAdapter, readAdapter } from './adapters.ts'
import { proves } from './judge/adapter-proof.ts'
import { propose } from './judge/adapter-proposal.ts'

type Properties = Record<string, Record<string, unknown>>

const contract = (properties: Properties, required: string[] = [], more: Record<string, unknown> = {}): ToolContract => ({
  name: 'tool',
  inputSchema: { type: 'object', properties, required },
  ...more,
})
const text = { type: 'string' }
const reads = { annotations: { readOnlyHint: true } }

describe('what is proposed', () => {
  it('renames', () => {
    const found = propose(contract({ ref: text, x: text }, ['ref']), contract({ target: text, x: text }, ['target']))
    expect(found).toEqual({ adapter: { input: [{ op: 'rename', from: 'ref', to: 'target' }], output: [] }, automatic: false })
    expect(adapted(found?.adapter.input ?? [], { x: 'a', ref: 'e1', other: 2 })).toEqual({ x: 'a', target: 'e1', other: 2 })
  })

  it('goes into force by itself for tools that only read, by both contracts, where nothing was guessed', () => {
    const [old, now] = [contract({ ref: text }, [], reads), contract({ target: text }, [], reads)]
    expect(propose(old, now)?.automatic).toBe(true)
    expect(propose({ ...old, annotations: {} }, now)?.automatic).toBe(false)
    expect(propose(old, { ...now, annotations: {} })?.automatic).toBe(false)
    // A wider schema under another name may be another thing.
    const wider = contract({ user_id: { type: ['string', 'number'] } }, [], reads)
    expect(propose(contract({ userId: text }, [], reads), wider)?.automatic).toBe(false)
  })

  it('sets what the new schema states, or the operator says', () => {
    const needs = (schema: Record<string, unknown>) => contract({ a: text, mode: schema }, ['mode'], reads)
    const old = contract({ a: text }, [], reads)
    expect(propose(old, needs({ ...text, default: 'fast' }))).toMatchObject({
      adapter: { input: [{ op: 'set', name: 'mode', value: 'fast' }] },
      automatic: true,
    })
    expect(propose(old, needs({ type: ['null', 'string'], default: null }))?.adapter.input).toEqual([
      { op: 'set', name: 'mode', value: null },
    ])
    expect(propose(old, needs({ const: 3 }))?.adapter.input).toEqual([{ op: 'set', name: 'mode', value: 3 }])
    expect(propose(old, needs(text))).toBeUndefined()
    expect(propose(old, needs(text), { set: { mode: 'slow' } })).toMatchObject({
      adapter: { input: [{ op: 'set', name: 'mode', value: 'slow' }] },
      automatic: false,
    })
    // What does not fit is no value of it, whoever says it.
    expect(propose(old, needs({ ...text, default: 4 }))).toBeUndefined()
    expect(propose(old, needs({ enum: ['a', 'b'] }), { set: { mode: 'c' } })).toBeUndefined()
  })

  it('drops for the operator alone', () => {
    const [old, now] = [contract({ a: text, legacyFlag: { type: 'boolean' } }), contract({ a: text })]
    expect(propose(old, now)).toBeUndefined()
    expect(propose(old, now, { drop: ['legacyFlag'] })).toEqual({
      adapter: { input: [{ op: 'drop', name: 'legacyFlag' }], output: [] },
      automatic: false,
    })
  })

  it('makes a list of one value', () => {
    const list = { type: 'array', items: text }
    expect(propose(contract({ text }, ['text']), contract({ text: list }, ['text']))?.adapter.input).toEqual([{ op: 'wrap', name: 'text' }])
    expect(propose(contract({ text }), contract({ text: { ...list, minItems: 2 } }))).toBeUndefined()
    expect(propose(contract({ text: { enum: ['a'] } }), contract({ text: list }))?.adapter.input).toEqual([{ op: 'wrap', name: 'text' }])
    const both = propose(contract({ ref: text }), contract({ refs: list }))
    expect(adapted(both?.adapter.input ?? [], { ref: 'a' })).toEqual({ refs: ['a'] })
    // What may be a list already: nobody knows which of the two was meant.
    expect(propose(contract({ text: { type: ['array', 'string'] } }), contract({ text: list }))).toBeUndefined()
  })

  it('is nothing where something is refused all the same, or nothing is to do', () => {
    expect(propose(contract({ ref: text }), contract({ target: { ...text, maxLength: 3 } }))).toBeUndefined()
    expect(propose(contract({ n: { type: 'integer' } }), contract({ n: { type: 'integer', maximum: 9 } }))).toBeUndefined()
    expect(propose(contract({ a: text }), contract({ a: text, b: text }))).toBeUndefined()
    // No value of the old contract names what it needs: of nothing anything could be proved.
    expect(propose(contract({ ref: text }, ['other']), contract({ target: text }))).toBeUndefined()
    const names = { inputSchema: { type: 'object', anyOf: [{ properties: { ref: text } }, { properties: { id: text } }] } }
    expect(propose({ name: 'tool', ...names }, contract({ target: text }))).toBeUndefined()
    for (const schema of [undefined, null, 7, true, [], { type: 'string' }, { properties: 7 }]) {
      expect(propose({ inputSchema: schema }, contract({ target: text }, ['target']))).toBeUndefined()
      expect(propose(contract({ target: text }, ['target']), { inputSchema: schema })).toBeUndefined()
    }
    // Arguments that are mirrored in headers, and calls that have to be tasks, are no matter of names.
    const mirrored = { ref: { ...text, 'x-mcp-header': 'Ref' } }
    expect(propose(contract(mirrored), contract({ target: text }))).toBeUndefined()
    expect(propose(contract({ ref: text }), contract({ target: text }, [], { execution: { taskSupport: 'required' } }))).toBeUndefined()
  })

  it('translates results back', () => {
    const output = (properties: Properties, more: Record<string, unknown> = {}) => ({
      outputSchema: { type: 'object', properties, required: Object.keys(properties), ...more },
    })
    const old = contract({ a: text }, [], { ...reads, ...output({ total: { type: 'number' } }, { additionalProperties: false }) })
    const now = contract({ a: text }, [], {
      ...reads,
      ...output({ totalCount: { type: 'number' }, took: text }, { additionalProperties: false }),
    })
    const found = propose(old, now)
    expect(found?.adapter.output).toEqual([
      { op: 'rename', from: 'totalCount', to: 'total' },
      { op: 'drop', name: 'took' },
    ])
    const { result } = callAdapter(found?.adapter ?? { input: [], output: [] })
    const back = (value: string) => Buffer.from(result?.(payload(Buffer.from(value))).bytes ?? []).toString()
    expect(back('{"content":[],"structuredContent":{"totalCount":12345678901234567890,"took":"x","a":1.0}}')).toBe(
      '{"content":[],"structuredContent":{"a":1.0,"total":12345678901234567890}}',
    )
    for (const other of ['{"content":[]}', '{"structuredContent":[1]}', '{"structuredContent":{}}']) expect(back(other)).toBe(other)
    // A result that may be text now cannot be a number.
    expect(propose(old, contract({ a: text }, [], output({ totalCount: text })))).toBeUndefined()
    expect(propose(contract({ ref: text }, [], output({ n: text })), contract({ target: text }))).toBeUndefined()
  })
})

describe('an adapter that is kept', () => {
  it('is data', () => {
    const ops: AdapterOp[] = [
      { op: 'rename', from: 'a', to: 'b' },
      { op: 'set', name: 'c', value: { d: [1] } },
      { op: 'drop', name: 'e' },
      { op: 'wrap', name: 'f' },
    ]
    const adapter = { input: ops, output: ops.slice(0, 1) }
    expect(readAdapter(JSON.parse(JSON.stringify(adapter)))).toEqual(adapter)
    expect(adapterText(adapter)).toBe('a becomes b; c is {"d":[1]}; e is left out; f becomes a list of one; a becomes b in results')
    for (const bad of [null, 7, 'a', { input: 7 }, { input: [{ op: 'eval', name: 'a' }] }, { input: [{ op: 'set', name: 'a' }] }]) {
      expect(readAdapter(bad)).toBeUndefined()
    }
  })

  it('takes names that are members of every object', () => {
    const out = adapted([{ op: 'rename', from: 'a', to: '__proto__' }], { a: 1, constructor: 2 })
    expect(Object.keys(out)).toEqual(['__proto__', 'constructor'])
    expect(Object.getPrototypeOf(out)).toBe(Object.prototype)
  })
})

/** Subschemas, each with values that fit it. */
const parts: readonly (readonly [Record<string, unknown>, readonly unknown[]])[] = [
  [text, ['', 'a', 'long text']],
  [{ type: 'string', minLength: 2 }, ['ab', 'abc']],
  [{ type: 'string', maxLength: 3 }, ['', 'abc']],
  [{ enum: ['a', 'b'] }, ['a', 'b']],
  [{ enum: ['a', 'b', 'c'] }, ['a', 'c']],
  [{ type: 'integer' }, [0, -7, 12]],
  [{ type: 'number', minimum: 0 }, [0, 0.5]],
  [{ type: 'boolean' }, [true, false]],
  [{ type: ['string', 'null'] }, [null, 'a']],
  [{ type: 'array', items: text }, [[], ['a', 'b']]],
  [{ type: 'array', items: { enum: ['a', 'b'] }, maxItems: 2 }, [[], ['b']]],
  [{ type: 'array', items: { type: 'integer' }, minItems: 1 }, [[1]]],
  [{ type: 'object', properties: { x: text } }, [{}, { x: 'a' }]],
  [{ type: 'object', properties: { x: text, y: { type: 'integer' } }, required: ['x'] }, [{ x: 'a' }, { x: 'b', y: 1 }]],
  [{ anyOf: [{ type: 'integer' }, { type: 'object', properties: { x: text }, required: ['x'] }] }, [3, { x: '' }]],
]
const names = ['ref', 'target', 'userId', 'user_id', 'id', 'text', 'texts', 'limit']

const side = fc
  .tuple(
    fc.dictionary(fc.constantFrom(...names), fc.nat(parts.length - 1), { minKeys: 1, maxKeys: 4 }),
    fc.subarray(names),
    fc.constantFrom({}, { additionalProperties: false }, { minProperties: 1 }),
  )
  .map(([picked, required, more]) => ({ picked, required: required.filter((name) => Object.hasOwn(picked, name)), more }))
type Side = typeof side extends fc.Arbitrary<infer T> ? T : never

function schemaOf({ picked, required, more }: Side, defaults: ReadonlySet<string>): Record<string, unknown> {
  const properties = Object.entries(picked).map(([name, at]) => {
    const [schema, values] = parts[at] as (typeof parts)[number]
    return [name, defaults.has(name) ? { ...schema, default: values[0] } : schema]
  })
  return { type: 'object', properties: Object.fromEntries(properties), required, ...more }
}

/** A change of the kinds that adapters are for, and of others. */
const edit = fc.oneof(
  fc.record({ kind: fc.constant('rename' as const), at: fc.nat(3), to: fc.constantFrom(...names) }),
  fc.record({ kind: fc.constant('replace' as const), at: fc.nat(3), by: fc.nat(parts.length - 1) }),
  fc.record({ kind: fc.constant('list' as const), at: fc.nat(3) }),
  fc.record({ kind: fc.constant('add' as const), to: fc.constantFrom(...names), by: fc.nat(parts.length - 1) }),
  fc.record({ kind: fc.constant('remove' as const), at: fc.nat(3) }),
)
type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never

function edited(schema: Record<string, unknown>, edits: readonly Edit[]): Record<string, unknown> {
  const properties = { ...(schema.properties as Properties) }
  let required = [...(schema.required as string[])]
  for (const one of edits) {
    const present = Object.keys(properties)
    const name = 'at' in one ? (present[one.at % present.length] ?? '') : one.to
    const known = properties[name]
    if (one.kind === 'add') {
      if (known !== undefined) continue
      const [part, values] = parts[one.by] as (typeof parts)[number]
      properties[name] = { ...part, default: values[0] }
      required.push(name)
    } else if (known !== undefined) {
      if (one.kind === 'replace') properties[name] = (parts[one.by] as (typeof parts)[number])[0]
      if (one.kind === 'list') properties[name] = { type: 'array', items: known }
      if (one.kind === 'remove' || one.kind === 'rename') {
        delete properties[name]
        const wasRequired = required.includes(name)
        required = required.filter((other) => other !== name)
        if (one.kind === 'rename' && properties[one.to] === undefined) {
          properties[one.to] = known
          if (wasRequired) required.push(one.to)
        }
      }
    }
  }
  return { ...schema, properties, required: [...new Set(required)] }
}

/** Of the declared form: names that the schema gives, values that fit. */
function instance({ picked, required }: Side, choice: readonly number[]): Record<string, unknown> {
  const given: Record<string, unknown> = {}
  for (const [index, [name, at]] of Object.entries(picked).entries()) {
    const pick = choice[index % choice.length] ?? 0
    if (!required.includes(name) && pick % 3 === 0) continue
    const values = (parts[at] as (typeof parts)[number])[1]
    given[name] = values[pick % values.length]
  }
  return given
}

const ajv = new Ajv2020({ strict: false, logger: false })
const op = fc.oneof(
  fc.record({ op: fc.constant('rename' as const), from: fc.constantFrom(...names), to: fc.constantFrom(...names) }),
  fc.record({
    op: fc.constant('set' as const),
    name: fc.constantFrom(...names),
    value: fc.constantFrom<unknown>('a', 1, null, ['a'], { x: 'a' }),
  }),
  fc.record({ op: fc.constant('drop' as const), name: fc.constantFrom(...names) }),
  fc.record({ op: fc.constant('wrap' as const), name: fc.constantFrom(...names) }),
)
const choices = fc.array(fc.array(fc.nat(20), { minLength: 4, maxLength: 4 }), { minLength: 8, maxLength: 8 })

interface Tally {
  proved: number
  refused: number
}

/** Every value of the old contract's declared form fits the new one where the adapter is proved, and its names are declared. */
function holds(
  old: Side,
  now: Record<string, unknown>,
  ops: readonly AdapterOp[],
  proved: boolean,
  picks: readonly number[][],
  tally: Tally,
) {
  const validOld = ajv.compile(schemaOf(old, new Set()))
  const validNew = ajv.compile(now)
  const declared = new Set(Object.keys(now.properties as object))
  for (const pick of picks) {
    const args = instance(old, pick)
    if (!validOld(args)) continue
    const out = adapted(ops, args)
    const back = callAdapter({ input: [], output: ops })
      .result?.(payloadOf({ structuredContent: args }))
      .json()
    expect(back).toEqual({ structuredContent: out })
    const fits = validNew(out) && Object.keys(out).every((name) => declared.has(name))
    if (proved) expect(fits, JSON.stringify({ args, out })).toBe(true)
    else if (!fits) tally.refused += 1
  }
  if (proved) tally.proved += 1
  for (const one of [validOld, validNew]) ajv.removeSchema(one.schema as object)
}

describe('what is proved', () => {
  it('holds for every value of the declared form, as ajv sees it', () => {
    const tally: Tally = { proved: 0, refused: 0 }
    fc.assert(
      fc.property(side, fc.array(edit, { minLength: 1, maxLength: 2 }), choices, (old, edits, picks) => {
        const before = schemaOf(old, new Set())
        const now = edited(before, edits)
        const names = (schema: object) => Object.keys((schema as { properties?: object }).properties ?? {})
        const drop = names(before)
          .filter((name) => !names(now).includes(name))
          .slice(1)
        const found = propose({ name: 'tool', inputSchema: before }, { name: 'tool', inputSchema: now }, { drop })
        if (found === undefined) return
        expect(proves(found.adapter, { name: 'tool', inputSchema: before }, { name: 'tool', inputSchema: now })).toBe(true)
        holds(old, now, found.adapter.input, true, picks, tally)
      }),
      { numRuns: 500 },
    )
    expect(tally.proved).toBeGreaterThan(120)
  })

  it('is no adapter that refuses anything, whatever its operations', () => {
    const tally: Tally = { proved: 0, refused: 0 }
    fc.assert(
      fc.property(
        side,
        fc.array(edit, { maxLength: 2 }),
        fc.array(op, { minLength: 1, maxLength: 2 }),
        choices,
        (old, edits, ops, picks) => {
          const before = schemaOf(old, new Set())
          const now = edited(before, edits)
          const proved = proves(
            { input: ops as AdapterOp[], output: [] },
            { name: 'tool', inputSchema: before },
            { name: 'tool', inputSchema: now },
          )
          holds(old, now, ops as AdapterOp[], proved, picks, tally)
        },
      ),
      { numRuns: 600 },
    )
    expect(tally.proved).toBeGreaterThan(5)
    expect(tally.refused).toBeGreaterThan(200)
  })
})
