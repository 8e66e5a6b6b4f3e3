import { describe, expect, it } from 'vitest'
import { envelope, modernBody } from '../../../test/doubles/downstream/http-peer.ts'
import { allSampled } from '../../../test/doubles/propagation.ts'
import { aRun } from '../../../test/doubles/run.ts'
import { anonymous } from '../../core/call/principal.ts'
import type { Fault } from '../../core/faults/fault.ts'
import { metaKey } from '../../core/protocol/names.ts'
import { systemRandom } from '../../platform/random/system-random.ts'
import type { Message } from './envelope.ts'
import { cancelledId, type Hop, type Received, rawIdOf, receive } from './receive.ts'

const hop: Hop = {
  transport: 'stdio',
  mount: 'm',
  principal: anonymous,
  id: 'corr',
  affinity: undefined,
  headers: undefined,
  runHeaders: undefined,
  toolVersions: undefined,
  traceHeaders: undefined,
}

const run = aRun()

function received(text: string): Received {
  return receive(JSON.parse(text) as Message, Buffer.from(text), hop, {
    random: systemRandom,
    propagation: allSampled,
    gateway: { runOf: () => run },
  })
}

function call(text: string) {
  const got = received(text)
  if (got.kind !== 'call') throw new Error(`refused: ${got.fault.message}`)
  return got
}

function refusal(text: string): Fault {
  const got = received(text)
  if (got.kind !== 'refused') throw new Error('not refused')
  return got.fault
}

describe('a modern request becomes a call', () => {
  it('with its envelope read and taken off, and everything else as it was', () => {
    const meta = { progressToken: 3, [metaKey.logLevel]: 'info', 'x.dev/mine': { keep: 1 } }
    const got = call(modernBody('tools/call', { name: 'echo', arguments: { a: [1] }, 'x-new': null }, meta, 'id-1'))
    expect(got.asked).toEqual({
      id: '"id-1"',
      method: 'tools/call',
      correlationId: 'corr',
      run: run.id,
      turn: undefined,
      trace: got.call.trace.traceId,
      progressToken: '3',
      logLevel: 'info',
      isAnonymous: true,
    })
    expect(got.call).toMatchObject({
      id: 'corr',
      family: 'invoke',
      mount: 'm',
      target: 'echo',
      interest: { progress: true, logLevel: 'info' },
      asserted: undefined,
      caller: { principal: anonymous, client: { name: 'peer' }, capabilities: {}, arrival: { transport: 'stdio', revision: '2026-07-28' } },
    })
    const left = { name: 'echo', arguments: { a: [1] }, 'x-new': null, _meta: { 'x.dev/mine': { keep: 1 } } }
    expect(JSON.parse(Buffer.from(got.call.params.bytes).toString())).toEqual(left)
    expect(got.call.params.json()).toEqual(left)
  })

  it.each([
    ['prompts/get', { name: 'p' }, 'p', 'invoke'],
    ['resources/read', { uri: 'u:v' }, 'u:v', 'invoke'],
    ['server/discover', {}, undefined, 'discover'],
    ['completion/complete', { ref: { type: 'ref/prompt', name: 'p' } }, 'p', 'complete'],
    ['subscriptions/listen', { notifications: {} }, undefined, 'listen'],
  ] as const)('%s', (method, params, target, family) => {
    expect(call(modernBody(method, params)).call).toMatchObject({ target, family })
  })

  it('tasks/get where the client declared the extension', () => {
    const declared = { [metaKey.clientCapabilities]: { extensions: { 'io.modelcontextprotocol/tasks': {} } } }
    expect(call(modernBody('tasks/get', { taskId: 't' }, declared)).call).toMatchObject({ target: 't', family: 'task' })
  })

  it('keeps what the client answered for the stage that opens the seal', () => {
    const got = call(modernBody('tools/call', { name: 'a', requestState: 's', inputResponses: { q: {} } }))
    expect(got.call.params.json()).toMatchObject({ requestState: 's', inputResponses: { q: {} } })
  })
})

describe('what is wrong with a request is named', () => {
  it.each([
    ['no target', modernBody('tools/call'), 'invalid_params', 'name'],
    ['an odd progress token', modernBody('tools/list', {}, { progressToken: {} }), 'invalid_params', 'progressToken'],
    ['no envelope', '{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}', 'invalid_params', '_meta'],
    [
      'an envelope without its version',
      JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: {} } }),
      'invalid_params',
      'protocolVersion',
    ],
    ['an id of null', modernBody('tools/list', {}, {}, null), 'invalid_request', 'id'],
    ['a wrong JSON-RPC version', modernBody('tools/list').replace('2.0', '2.1'), 'invalid_request', 'jsonrpc'],
    ['a legacy method', modernBody('ping'), 'method_not_found', 'ping'],
    ['an inherited name', modernBody('toString'), 'method_not_found', 'toString'],
  ])('%s', (_case, text, kind, named) => {
    const fault = refusal(text)
    expect(fault.kind).toBe(kind)
    expect(fault.message).toContain(named)
  })
})

describe('ids and tokens stay the text that they were', () => {
  it.each(['7', '"a"', '9007199254740993', '"\\u00e4"', '-0'])('%s', (id) => {
    const text = modernBody('tools/list', {}, {}, 'ID').replace('"ID"', id)
    expect(call(text).asked.id).toBe(id)
    expect(rawIdOf(JSON.parse(text), Buffer.from(text))).toBe(id)
    const cancel = `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId": ${id} }}`
    expect(cancelledId(JSON.parse(cancel) as Message, Buffer.from(cancel))).toBe(id)
  })

  it('a token of 64 bits', () => {
    const text = modernBody('tools/list', {}, { progressToken: 'T' }).replace('"T"', '18446744073709551615')
    expect(call(text).asked.progressToken).toBe('18446744073709551615')
  })

  it('a message without an id has none', () => {
    expect(rawIdOf({ method: 'x' }, Buffer.from('{"method":"x"}'))).toBeUndefined()
    expect(rawIdOf([], Buffer.from('[]'))).toBeUndefined()
  })
})

describe('the trace context', () => {
  const parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00'

  it.each([
    [parent, true],
    [`cc${parent.slice(2)}-more`, true],
    [`${parent}-more`, false],
    [parent.toUpperCase(), false],
    [parent.replace('0af7651916cd43dd8448eb211c80319c', '0'.repeat(32)), false],
    [parent.replace('b7ad6b7169203331', '0'.repeat(16)), false],
    [`ff${parent.slice(2)}`, false],
    ['', false],
  ])('%s goes on: %s', (traceparent, goesOn) => {
    const { trace } = call(modernBody('tools/list', {}, { traceparent })).call
    expect(trace.parentSpanId).toBe(goesOn ? 'b7ad6b7169203331' : undefined)
    expect(trace.spanId).toMatch(/^[0-9a-f]{16}$/)
    expect(trace.traceId).toMatch(/^[0-9a-f]{32}$/)
    expect(trace.sampled).toBe(!goesOn)
  })
})

it('the envelope of the tests is complete', () => {
  expect(Object.keys(envelope)).toHaveLength(3)
})
