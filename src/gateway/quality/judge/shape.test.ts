// What is learned of results, what counts as a change of them, and what does not.
import { beforeEach, describe, expect, it } from 'vitest'
import { inText, judging, read, structured } from '../../../../test/doubles/gateway/judging.ts'
import type { Item } from '../../../core/call/item.ts'
import { payloadOf } from '../../../core/call/payload.ts'

let rig: ReturnType<typeof judging>
beforeEach(() => {
  rig = judging()
})

const outputSchema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] }
const declares: Partial<Item> = { definition: payloadOf({ name: 'find', outputSchema }), declaresOutput: true }

async function learned(result: (n: number) => unknown, times = 20): Promise<void> {
  for (let n = 0; n < times; n += 1) await rig.send(result(n), { args: { n } })
}

/** Enough calls that some are looked at, whatever passes unread. */
async function then(result: (n: number) => unknown, times = 200): Promise<void> {
  for (let n = 0; n < times; n += 1) await rig.send(result(n), { args: { n: n + 1_000 } })
}

/** Of the shape that was learned field by field. */
const told = () => rig.lines.filter(({ fields }) => String(fields.text).startsWith('another shape than before: '))
const changes = () => told().map(({ fields }) => String(fields.text))

describe('another shape', () => {
  it.each([
    ['structured content', structured],
    ['JSON in a text', inText],
  ])('in %s is told once, with what changed', async (_, as) => {
    await learned((n) => as({ items: [{ id: n, name: 'a' }], total: n }))
    expect(rig.lines).toEqual([])
    await then((n) => as({ items: [{ id: `i${n}` }], total: n }))
    expect(changes()).toEqual(['another shape than before: /items/*/id is string, it was number, /items/*/name is gone, it was string'])
    expect(rig.counted.filter((one) => one.startsWith('alerts'))).toEqual([
      'alerts {"upstream":"up","kind":"result_shape","severity":"warn"}',
    ])
    expect(rig.counted).toContain('suspect {"upstream":"up","reason":"result_shape"}')
    // It goes back: that is told again.
    await then((n) => as({ items: [{ id: n, name: 'a' }], total: n }))
    expect(changes()).toHaveLength(2)
  })

  it.each([
    [{ a: 1 }, [{ a: 1 }], 'the result is array, it was object'],
    [{ a: 1 }, { a: null }, '/a is null, it was number'],
    [{ a: { b: 1 } }, { a: 'x' }, '/a is string, it was object'],
    [{ a: 1 }, 'no rows', 'the result is string, it was object'],
    [{ a: { b: 1 }, c: 1 }, { c: 1 }, '/a is gone, it was object'],
  ])('is %j where there was %j', async (was, is, words) => {
    await then(() => inText(was))
    expect(changes()).toEqual([])
    await then(() => inText(is))
    expect(changes().join()).toContain(words)
  })

  it('is told with the contract and the version of the server where they are others', async () => {
    await learned(() => inText({ a: 1 }))
    rig.served.digest = 'c1:bb'
    rig.served.version = '1.1.0'
    await then(() => inText({ b: 1 }))
    expect(told()[0]?.fields).toMatchObject({ deploy: 'new contract, deploy 1.1.0' })
  })

  it('is told after a few results where the question is one that was asked before', async () => {
    for (let n = 0; n < 36; n += 1) await rig.send(inText({ a: 1 }))
    for (let n = 0; n < 20; n += 1) await rig.send(inText({ b: 1 }))
    expect(changes().join()).toContain('/a is gone, it was number')
  })

  it('of a tool that is rarely called is looked at within minutes', async () => {
    await learned(() => inText({ a: 1 }))
    for (let n = 0; n < 6; n += 1) await rig.send(inText({ b: 1 }), { args: { n: 50 + n }, thenMs: 61_000 })
    expect(changes()).toHaveLength(1)
  })

  it('is over, once it is what is usual', async () => {
    await learned(() => inText({ a: 1 }))
    for (let n = 0; n < 60; n += 1) await rig.send(inText({ b: 1 }), { args: { n: 50 + n }, thenMs: 61_000 })
    expect(rig.alerts().map(({ severity, fields }) => [severity, fields.kind])).toEqual([
      ['warn', 'result_shape'],
      ['info', 'result_shape'],
    ])
  })
})

describe('no other shape', () => {
  it.each<readonly [string, (n: number) => unknown]>([
    ['a field that is sometimes there', (n) => ({ a: 1, ...(n % 3 === 0 ? { b: 1 } : {}) })],
    ['fields that came', (n) => ({ a: 1, ...(n > 300 ? { b: 1, c: { d: 1 } } : {}) })],
    ['fields of two forms that take turns', (n) => (n % 7 === 0 ? { note: 'x' } : { rows: [{ id: n }] })],
    ['names that are data', (n) => ({ byId: { [`u-${n}`]: { x: 1 } }, days: { [`2026-01-${10 + (n % 20)}`]: 1 } })],
    ['integers and fractions', (n) => ({ a: n > 100 ? 0.5 : 1 })],
    ['more members than are looked at', (n) => Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`f${(at + n) % 60}`, 1]))],
    ['plain texts', (n) => (n % 2 === 0 ? 'done' : 'it is done')],
  ])('%s', async (_, result) => {
    for (let n = 0; n < 600; n += 1) await rig.send(inText(result(n)), { args: { n } })
    expect(changes()).toEqual([])
  })

  it('empty lists', async () => {
    for (let n = 0; n < 600; n += 1) await rig.send(inText({ items: n > 100 ? [] : [{ id: 1 }] }), { args: { n } })
    expect(changes()).toEqual([])
  })

  it('a kind of answer that one question has, which was not asked before', async () => {
    for (let n = 0; n < 40; n += 1) await rig.send(inText({ rows: [] }), { args: { action: 'list' } })
    for (let n = 0; n < 40; n += 1) await rig.send(inText({ row: 1 }), { args: { action: 'get' } })
    expect(changes()).toEqual([])
  })

  it('failures and results that are too large', async () => {
    await learned(() => inText({ a: 1 }))
    await then(() => ({ ...inText('went wrong'), isError: true }))
    await then(() => inText({ b: 'x'.repeat(20_000) }))
    await then(() => structured({ b: 'x'.repeat(140_000) }))
    for (const odd of [{}, { content: [] }, { content: 7 }, { content: [7] }, { content: [{ type: 'image' }] }, { content: [{ text: 7 }] }])
      await then(() => odd)
    expect(changes()).toEqual([])
  })
})

describe('a declared schema', () => {
  const declared = (result: unknown) => rig.send(result, { item: declares })
  const violations = () => rig.lines.filter(({ event }) => event === 'A result of a tool is not of the schema that it declares')

  it('that structured content breaks is told once, and each such result says so', async () => {
    for (let n = 0; n < 5; n += 1) expect(read(await declared(structured({ n: 1 }))).suspect).toEqual([])
    expect(rig.lines).toEqual([])
    for (let n = 0; n < 3; n += 1) {
      const outcome = await declared(structured({ n: 'one' }))
      expect(outcome).toMatchObject({ facts: { isError: false, found: 'schema_violation', suspect: ['result_schema'] } })
      const { texts, suspect } = read(outcome)
      expect(suspect).toEqual([{ kind: 'result_schema', rule: 'schema', usual: expect.any(String), seen: expect.stringContaining('/n: ') }])
      expect(texts).toEqual([
        expect.stringMatching(/^suspect: this answer is not of the schema that the tool declares \(\/n: expected .*\)/),
      ])
      expect(outcome.kind === 'complete' ? outcome.result.json() : undefined).toMatchObject({ structuredContent: { n: 'one' } })
    }
    expect(violations()).toHaveLength(1)
    expect(violations()[0]?.fields).toMatchObject({ tool: 'find', violation: expect.stringMatching(/^\/n: expected .*integer/) })
    expect(rig.counted.filter((one) => one.includes('result_schema'))).toHaveLength(3)
    expect(read(await declared(structured({ n: 2 }))).suspect).toEqual([])
    await declared(structured({ n: 'two' }))
    expect(violations()).toHaveLength(2)
    expect(rig.served.compiled).toBe(1)
  })

  it('is that of the definition that is served now', async () => {
    await declared(structured({ n: 1 }))
    const other = { ...outputSchema, properties: { n: { type: 'string' } } }
    const outcome = await rig.send(structured({ n: 1 }), {
      item: { ...declares, definition: payloadOf({ name: 'find', outputSchema: other }) },
    })
    expect(read(outcome).suspect).toMatchObject([{ kind: 'result_schema' }])
  })

  it('is not asked of results that are translated, and of tools that declare none', async () => {
    const translated = { change: { live: { adapter: { result: () => undefined } } } } as unknown as Item['contract']
    expect(read(await rig.send(structured({ n: 'one' }), { item: { ...declares, contract: translated } })).suspect).toEqual([])
    expect(read(await rig.send(structured({ n: 'one' }))).suspect).toEqual([])
    expect(rig.served.compiled).toBe(0)
  })

  it('is not asked for of a tool that never gave structured content, beyond the first results', async () => {
    const noted: number[] = []
    for (let n = 0; n < 80; n += 1) if (read(await declared(inText(`n is ${n}`))).suspect.length > 0) noted.push(n)
    expect(noted).toEqual([0, 1])
  })

  it('is asked for of one that gave it before', async () => {
    for (let n = 0; n < 80; n += 1) await declared(structured({ n }))
    expect(read(await declared(inText('n is 3'))).suspect).toMatchObject([{ kind: 'result_schema', rule: 'no_structure' }])
  })
})

it('keeps little of each tool, whatever it answers', async () => {
  const wide = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`field_${'x'.repeat(40)}_${at}`, { a: 1, b: { c: 1 } }]))
  await learned(() => inText(wide))
  await then(() => inText(wide))
  expect(changes()).toEqual([])
  // More tools than are kept of one server: those that were not called for the longest are forgotten.
  for (let n = 0; n < 2_100; n += 1) {
    await rig.send(inText({ a: 1 }), { item: { name: `tool${n}` } })
    if (n % 100 === 0) await rig.send(inText({ a: 1 }), { item: { name: 'busy' } })
  }
  expect([...rig.tools.all()]).toHaveLength(2_000)
  expect(rig.operators.report('up', 'busy')).toMatchObject({ usual: { results: 21 } })
  expect(rig.operators.report('up', 'tool0')).toBeUndefined()
  // This one was called often: it is known yet.
  await then(() => inText('nothing'), 25)
  expect(changes()).toHaveLength(1)
})
