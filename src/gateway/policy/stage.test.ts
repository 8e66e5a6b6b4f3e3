import { describe, expect, it } from 'vitest'
import { aCall, anExchange, anItem, done } from '../../../test/doubles/gateway/samples.ts'
import type { RoutedCall } from '../../core/call/call.ts'
import type { Item } from '../../core/call/item.ts'
import type { Outcome } from '../../core/call/outcome.ts'
import { payload, payloadOf } from '../../core/call/payload.ts'
import type { Pass } from '../../core/call/stage.ts'
import { unconfigured } from '../../core/call/tool-settings.ts'
import { asserted, gateSchema, validate } from './stage.ts'

const inputSchema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }

function item(change: Partial<Item> = {}): Item {
  const gated = gateSchema(inputSchema)
  return { ...anItem(), definition: payloadOf({ name: 'weather', inputSchema }), validate: gated.validate, ...change }
}

async function pass(stage: Pass<RoutedCall>, change: Partial<RoutedCall>): Promise<{ outcome: Outcome; sent: number }> {
  let sent = 0
  const call: RoutedCall = { ...aCall(), upstream: 'up', item: item(), ...change }
  const outcome = await stage.run(call, anExchange().exchange, async () => {
    sent += 1
    return done()
  })
  return { outcome, sent }
}

describe('arguments are judged before anything goes upstream', () => {
  it('lets through what fits', async () => {
    expect(await pass(validate, { params: payloadOf({ name: 'weather', arguments: { city: 'Bern' } }) })).toMatchObject({ sent: 1 })
  })

  it.each([
    [{ name: 'weather' }],
    [{ name: 'weather', arguments: {} }],
    [{ name: 'weather', arguments: { city: ['Bern'] } }],
    [{ name: 'weather', arguments: null }],
  ])('refuses %j with path, expected, got and an example', async (params) => {
    const { outcome, sent } = await pass(validate, { params: payloadOf(params) })
    expect(sent).toBe(0)
    expect(outcome).toMatchObject({
      kind: 'fault',
      fault: { kind: 'invalid_arguments', sideEffect: 'none', detail: { example: { city: 'text' } } },
    })
    if (outcome.kind === 'fault') expect(outcome.fault.message).toContain('{"city":"text"}')
  })

  it('sends what says the same in the type of the schema, and notes where and what came', async () => {
    const { exchange } = anExchange()
    const params = payloadOf({ name: 'weather', arguments: { city: 1, more: 'kept' } })
    let sent: RoutedCall | undefined
    await validate.run({ ...aCall({ params }), upstream: 'up', item: item() }, exchange, async (call) => {
      sent = call
      return done()
    })
    expect(sent?.params.json()).toEqual({ name: 'weather', arguments: { city: '1', more: 'kept' } })
    expect(exchange.fact('coerced')).toEqual({ places: ['/city'], asSent: params })
  })

  it.each([
    ['strict', 0],
    ['pass', 1],
  ] as const)('reads nothing otherwise where configuration says %s', async (handling, expected) => {
    const settings = { ...unconfigured, arguments: handling }
    const { sent } = await pass(validate, { item: item({ settings }), params: payloadOf({ name: 'weather', arguments: { city: 1 } }) })
    expect(sent).toBe(expected)
  })

  it('compares what it read with the headers that repeat it', async () => {
    const headers = [{ path: ['city'], header: 'mcp-param-city', type: 'string' }] as const
    const params = payloadOf({ name: 'weather', arguments: { city: 1 } })
    for (const [said, expected] of [
      ['1', 1],
      ['2', 0],
    ] as const) {
      const { sent } = await pass(validate, { item: item({ headers }), params, asserted: new Map([['mcp-param-city', said]]) })
      expect(sent).toBe(expected)
    }
  })

  it('asks nothing of an item without a schema', async () => {
    expect(await pass(validate, { item: item({ validate: undefined }), params: payloadOf({}) })).toMatchObject({ sent: 1 })
  })
})

describe('asserted headers repeat the arguments', () => {
  const headers = [
    { path: ['region'], header: 'mcp-param-region', type: 'string' },
    { path: ['page', 'size'], header: 'mcp-param-size', type: 'integer' },
    { path: ['dry'], header: 'mcp-param-dry', type: 'boolean' },
  ] as const
  const judge = (args: string, sent: Record<string, string> | undefined) =>
    pass(asserted, {
      item: item({ headers }),
      params: payload(Buffer.from(`{"name":"weather","arguments":${args}}`)),
      asserted: sent === undefined ? undefined : new Map(Object.entries(sent)),
    })

  it.each([
    ['{"region":"eu","page":{"size":42},"dry":true}', { 'mcp-param-region': 'eu', 'mcp-param-size': '42', 'mcp-param-dry': 'true' }],
    ['{"page":{"size":42}}', { 'mcp-param-size': '42.0' }],
    ['{"page":{"size":9007199254740993}}', { 'mcp-param-size': '9007199254740993' }],
    ['{"region":"Zürich"}', { 'mcp-param-region': 'Zürich' }],
    ['{"region":"=?base64?eA==?="}', { 'mcp-param-region': '=?base64?eA==?=' }],
    ['{"region":null}', {}],
    ['{}', { 'mcp-param-unknown': 'x' }],
    ['{"region":"eu"}', undefined],
  ])('takes %s with %j', async (args, sent) => expect(await judge(args, sent)).toMatchObject({ sent: 1 }))

  it.each([
    ['{"region":"eu"}', {}],
    ['{"region":"eu"}', { 'mcp-param-region': 'us' }],
    ['{"region":"eu"}', { 'mcp-param-region': '\ud800' }],
    ['{}', { 'mcp-param-region': 'eu' }],
    ['{"region":null}', { 'mcp-param-region': 'null' }],
    ['{"page":{"size":42}}', { 'mcp-param-size': '43' }],
    ['{"page":{"size":9007199254740993}}', { 'mcp-param-size': '9007199254740992' }],
    ['{"dry":true}', { 'mcp-param-dry': 'TRUE' }],
  ])('refuses %s with %j', async (args, sent) => {
    const { outcome, sent: count } = await judge(args, sent)
    expect(count).toBe(0)
    expect(outcome).toMatchObject({ kind: 'fault', fault: { kind: 'header_mismatch' } })
  })
})
