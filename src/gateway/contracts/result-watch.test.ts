// What is learned of results, what counts as a change of them, and what does not.
import { beforeEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import type { RoutedCall } from '../../core/call/call.ts'
import type { Exchange } from '../../core/call/exchange.ts'
import type { Held } from '../../core/call/gates.ts'
import { type Outcome, unscanned } from '../../core/call/outcome.ts'
import { payloadOf } from '../../core/call/payload.ts'
import { createSchemaGate } from '../policy/schema-gate.ts'
import { resultWatch } from './result-watch.ts'

interface Told {
  readonly event: string
  readonly fields: Readonly<Record<string, unknown>>
}

let clock: ManualClock
let told: Told[]
let counted: string[]
let version: string
let digest: string
let compiled: number
let send: (result: unknown, args?: unknown, more?: Record<string, unknown>) => Outcome

const outputSchema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] }

beforeEach(() => {
  clock = new ManualClock()
  told = []
  counted = []
  version = '1.0.0'
  digest = 'c1:aa'
  compiled = 0
  const gate = createSchemaGate()
  const watch = resultWatch({
    clock,
    report: {
      log: (_severity, event, fields = {}) => told.push({ event, fields }),
      counters: { add: (name, labels) => counted.push(`${name} ${JSON.stringify(labels)}`) },
    },
    compile: (schema) => {
      compiled += 1
      return gate(schema)
    },
    versionOf: () => version,
  })
  const definition = payloadOf({ name: 'find', outputSchema })
  send = (result, args = {}, more = {}) => {
    const item = { kind: 'tool', upstream: 'up', name: 'find', definition, declaresOutput: false, contract: { digest }, ...more }
    const call = { item, params: payloadOf({ name: 'find', arguments: args }) } as unknown as RoutedCall
    const held = watch.enter(call, {} as Exchange) as Held
    const payload = payloadOf(result)
    const facts = unscanned(payload.size, (result as { isError?: boolean }).isError === true)
    const outcome: Outcome = { kind: 'complete', result: payload, facts, annotations: [] }
    held.leave(outcome, call)
    return held.amend?.(outcome) ?? outcome
  }
})

const structured = (structuredContent: unknown) => ({ content: [], structuredContent })
const inText = (value: unknown) => ({ content: [{ type: 'text', text: typeof value === 'string' ? value : JSON.stringify(value) }] })

function learned(result: (n: number) => unknown, times = 20): void {
  for (let n = 0; n < times; n += 1) send(result(n), { n })
}

/** Enough calls that some are looked at, whatever passes unread. */
function then(result: (n: number) => unknown, times = 200): void {
  for (let n = 0; n < times; n += 1) send(result(n), { n: n + 1_000 })
}

const changes = () => told.flatMap(({ fields }) => fields.changes as string[])

describe('another shape', () => {
  it.each([
    ['structured content', structured],
    ['JSON in a text', inText],
  ])('in %s is told once, with what changed', (_, as) => {
    learned((n) => as({ items: [{ id: n, name: 'a' }], total: n }))
    expect(told).toEqual([])
    then((n) => as({ items: [{ id: `i${n}` }], total: n }))
    expect(told).toHaveLength(1)
    expect(told[0]).toEqual({
      event: 'The results of a tool have another shape than before',
      fields: { upstream: 'up', tool: 'find', changes: ['/items/*/id is string, it was number', '/items/*/name is gone, it was string'] },
    })
    expect(counted).toEqual(['suspect {"upstream":"up","reason":"result_shape"}'])
    // It goes back: that is another episode.
    then((n) => as({ items: [{ id: n, name: 'a' }], total: n }))
    expect(told).toHaveLength(2)
  })

  it('is a list where there was an object, null where there was none, a text where there was JSON', () => {
    for (const [was, is, words] of [
      [{ a: 1 }, [{ a: 1 }], 'the result is array, it was object'],
      [{ a: 1 }, { a: null }, '/a is null, it was number'],
      [{ a: { b: 1 } }, { a: 'x' }, '/a is string, it was object'],
      [{ a: 1 }, 'no rows', 'the result is string, it was object'],
      [{ a: { b: 1 }, c: 1 }, { c: 1 }, '/a is gone, it was object'],
    ] as const) {
      told = []
      then(() => inText(was))
      told = []
      then(() => inText(is))
      expect(changes()).toContain(words)
    }
  })

  it('is told with the contract and the version of the server where they are others', () => {
    learned(() => inText({ a: 1 }))
    digest = 'c1:bb'
    version = '1.1.0'
    then(() => inText({ b: 1 }))
    expect(told[0]?.fields).toMatchObject({ contract: 'c1:bb', contractBefore: 'c1:aa', version: '1.1.0', versionBefore: '1.0.0' })
  })

  it('is told after a few results where the question is one that was asked before', () => {
    for (let n = 0; n < 20; n += 1) send(inText({ a: 1 }))
    for (let n = 0; n < 16; n += 1) send(inText({ a: 1 }))
    for (let n = 0; n < 20; n += 1) send(inText({ b: 1 }))
    expect(changes()).toEqual(['/a is gone, it was number'])
  })

  it('of a tool that is rarely called is looked at within minutes', async () => {
    learned(() => inText({ a: 1 }))
    for (let n = 0; n < 5; n += 1) {
      await clock.advance(61_000)
      send(inText({ b: 1 }), { n: 50 + n })
    }
    expect(told).toHaveLength(1)
  })
})

describe('no other shape', () => {
  it.each<readonly [string, (n: number) => unknown]>([
    ['a field that is sometimes there', (n) => ({ a: 1, ...(n % 3 === 0 ? { b: 1 } : {}) })],
    ['fields that came', (n) => ({ a: 1, ...(n > 300 ? { b: 1, c: { d: 1 } } : {}) })],
    ['fields of two forms that take turns', (n) => (n % 7 === 0 ? { error: 'x' } : { rows: [] })],
    ['names that are data', (n) => ({ byId: { [`u-${n}`]: { x: 1 } }, days: { [`2026-01-${10 + (n % 20)}`]: 1 } })],
    ['empty lists', (n) => ({ items: n > 100 ? [] : [{ id: 1 }] })],
    ['integers and fractions', (n) => ({ a: n > 100 ? 0.5 : 1 })],
    ['more members than are looked at', (n) => Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`f${(at + n) % 60}`, 1]))],
    ['plain texts', (n) => (n % 2 === 0 ? 'done' : '[1, 2')],
  ])('%s', (_, result) => {
    for (let n = 0; n < 600; n += 1) send(inText(result(n)), { n })
    expect(changes()).toEqual([])
  })

  it('a kind of answer that one question has, which was not asked before', () => {
    for (let n = 0; n < 40; n += 1) send(inText({ rows: [] }), { action: 'list' })
    for (let n = 0; n < 40; n += 1) send(inText({ row: 1 }), { action: 'get' })
    expect(told).toEqual([])
  })

  it('failures and results that are too large', () => {
    learned(() => inText({ a: 1 }))
    then(() => ({ ...inText('went wrong'), isError: true }))
    then(() => inText({ b: 'x'.repeat(20_000) }))
    then(() => structured({ b: 'x'.repeat(140_000) }))
    for (const odd of [{}, { content: [] }, { content: 7 }, { content: [7] }, { content: [{ type: 'image' }] }, { content: [{ text: 7 }] }])
      then(() => odd)
    expect(told).toEqual([])
  })
})

describe('a declared schema', () => {
  const declares = { declaresOutput: true }

  it('that structured content breaks is told once, and each such result says so', () => {
    for (let n = 0; n < 5; n += 1) expect(send(structured({ n: 1 }), {}, declares)).toMatchObject({ facts: { isError: false } })
    expect(told).toEqual([])
    for (let n = 0; n < 3; n += 1) {
      const outcome = send(structured({ n: 'one' }), {}, declares)
      expect(outcome.kind === 'complete' ? outcome.result.json() : undefined).toEqual({
        content: [],
        structuredContent: { n: 'one' },
        _meta: {
          'signalbox.dev/suspect': {
            reasons: [{ kind: 'result_schema', rule: '/n', usual: expect.any(String), seen: expect.any(String) }],
          },
        },
      })
    }
    const violations = told.filter(({ event }) => event === 'A result of a tool is not of the schema that it declares')
    expect(violations).toHaveLength(1)
    expect(violations[0]?.fields).toMatchObject({ tool: 'find', violations: [expect.stringMatching(/^\/n: expected .*integer/)] })
    expect(counted.filter((one) => one.includes('result_schema'))).toHaveLength(3)
    expect(send(structured({ n: 2 }), {}, declares)).toMatchObject({ facts: { bytes: expect.any(Number) } })
    expect(compiled).toBe(1)
  })

  it('is not asked of texts', () => {
    send(inText({ n: 'one' }), {}, declares)
    expect(compiled).toBe(0)
  })
})

it('reads one result in many once it knows a tool', () => {
  let read = 0
  const counting = (): unknown => {
    const result = structured({ n: 1 })
    return result
  }
  for (let n = 0; n < 3_000; n += 1) {
    const before = compiled
    const outcome = send(
      counting(),
      {},
      { declaresOutput: true, definition: payloadOf({ outputSchema: { ...outputSchema, title: String(n) } }) },
    )
    expect(outcome.kind).toBe('complete')
    read += compiled - before
  }
  expect(read).toBeLessThan(200)
  expect(read).toBeGreaterThan(40)
})

it('keeps little of each tool, whatever it answers', () => {
  const wide = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`field_${'x'.repeat(40)}_${at}`, { a: 1, b: { c: 1 } }]))
  learned(() => inText(wide))
  then(() => inText(wide))
  expect(told).toEqual([])
  // More tools than are kept: the oldest are forgotten.
  for (let n = 0; n < 2_100; n += 1) send(inText({ a: 1 }), {}, { name: `tool${n}` })
  then(() => inText('nothing'), 25)
  expect(told).toEqual([])
})
