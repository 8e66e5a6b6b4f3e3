import { describe, expect, it } from 'vitest'
import { completed } from '../../../test/doubles/downstream/test-gateway.ts'
import type { Outcome } from '../../core/call/outcome.ts'
import { payload, payloadOf } from '../../core/call/payload.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { metaKey, servedRevisions } from '../../core/protocol/names.ts'
import { type Answer, createModernWriter } from './answer.ts'
import type { Asked } from './receive.ts'

const server = { name: 'gw', version: '1' }
const writer = createModernWriter(server)
const identity = { [metaKey.serverInfo]: server }

function asked(method: Asked['method'] = 'tools/call', change: Partial<Asked> = {}): Asked {
  const call = { correlationId: 'c', run: 'r', turn: undefined, trace: 't' }
  return { id: '"i"', method, ...call, progressToken: undefined, logLevel: undefined, isAnonymous: true, ...change }
}

function answer(
  outcome: Outcome,
  method?: Asked['method'],
  declaresOutput = false,
): Answer & { json: { id: unknown; result: Record<string, unknown>; error: Record<string, unknown> } } {
  const given = writer.answer(asked(method), outcome, declaresOutput)
  return { ...given, json: JSON.parse(given.bytes.toString()) }
}

describe('a complete result', () => {
  it.each([
    ['{}', { resultType: 'complete', _meta: identity }],
    [' { } ', { resultType: 'complete', _meta: identity }],
    ['{"content":[]}', { resultType: 'complete', content: [], _meta: identity }],
    ['{"resultType":"complete","a":1}', { resultType: 'complete', a: 1, _meta: identity }],
    ['{"_meta":{"x":1}}', { resultType: 'complete', _meta: { x: 1, ...identity } }],
    ['{"\\u005fmeta":{"x":1}}', { resultType: 'complete', _meta: { x: 1, ...identity } }],
    [`{"_meta":{"${metaKey.serverInfo}":{"name":"theirs"}}}`, { resultType: 'complete', _meta: identity }],
    ['{"content":[{"text":"\\"_meta\\""}]}', { resultType: 'complete', content: [{ text: '"_meta"' }], _meta: identity }],
  ])('%s gets what it lacks and our name', (text, result) => {
    expect(answer(completed(text)).json).toEqual({ jsonrpc: '2.0', id: 'i', result })
  })

  it('carries the remarks of the gateway', () => {
    const outcome = {
      ...(completed({}) as Extract<Outcome, { kind: 'complete' }>),
      annotations: [{ kind: 'deprecated', text: 'soon gone' }],
    }
    expect(answer(outcome).json.result._meta).toEqual({
      ...identity,
      'signalbox.dev/annotations': [{ kind: 'deprecated', text: 'soon gone' }],
    })
  })

  it.each(['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list', 'resources/read'] as const)(
    '%s gets cautious cache hints, and keeps its own',
    (method) => {
      expect(answer(completed({ a: 1 }), method).json.result).toMatchObject({ ttlMs: 0, cacheScope: 'private' })
      expect(answer(completed({ ttlMs: 5, cacheScope: 'public' }), method).json.result).toMatchObject({ ttlMs: 5, cacheScope: 'public' })
      expect(answer(completed({ nested: { ttlMs: 5 } }), method).json.result).toMatchObject({ ttlMs: 0, cacheScope: 'private' })
    },
  )

  it.each<[unknown, number]>([
    [-1, 0],
    [-5e300, 0],
    [1.5, 0],
    [1e21, 0],
    ['60000', 0],
    [null, 0],
    [[5], 0],
    [59_999, 59_999],
    [86_400_000, 86_400_000],
    [86_400_001, 86_400_000],
    [Number.MAX_SAFE_INTEGER, 86_400_000],
  ])('keeps no time that makes no sense or is longer than a day: %j', (ttlMs, left) => {
    expect(answer(completed({ contents: [], ttlMs, cacheScope: 'public' }), 'resources/read').json.result.ttlMs).toBe(left)
  })

  it.each(['shared', 'PUBLIC', null, 1, ['public']])('is private where its scope is none: %j', (cacheScope) => {
    expect(answer(completed({ contents: [], ttlMs: 5, cacheScope }), 'resources/read').json.result).toMatchObject({
      ttlMs: 5,
      cacheScope: 'private',
    })
  })

  it('is private to whoever is somebody, whatever its server says', () => {
    const found = completed({ contents: [], ttlMs: 5, cacheScope: 'public' })
    const { bytes } = writer.answer(asked('resources/read', { isAnonymous: false }), found, false)
    expect(JSON.parse(bytes.toString()).result).toMatchObject({ ttlMs: 5, cacheScope: 'private' })
  })

  it('of discovery names the revisions', () => {
    const { result } = answer(completed({ capabilities: {} }), 'server/discover').json
    expect(result).toEqual({
      resultType: 'complete',
      capabilities: {},
      supportedVersions: servedRevisions,
      ttlMs: 0,
      cacheScope: 'private',
      _meta: identity,
    })
  })

  it('is one line', () => {
    expect(answer(completed('{\n"a":\r\n1}')).bytes.toString()).not.toMatch(/[\r\n]/)
  })
})

describe('a question and a task', () => {
  it('an input_required carries our seal and never the state of the server', () => {
    const requests = payloadOf({ resultType: 'input_required', inputRequests: { q: {} }, requestState: 'theirs' })
    const outcome: Outcome = { kind: 'input_required', requests, continuation: { kind: 'relayed', inner: 'theirs' }, sealed: 'ours' }
    expect(answer(outcome).json.result).toEqual({
      resultType: 'input_required',
      inputRequests: { q: {} },
      requestState: 'ours',
      _meta: identity,
    })
  })

  it('a task is passed on', () => {
    const result = payloadOf({ resultType: 'task', taskId: 't', status: 'working' })
    expect(answer({ kind: 'task', result, handle: 't' }).json.result).toEqual({
      resultType: 'task',
      taskId: 't',
      status: 'working',
      _meta: identity,
    })
  })
})

describe('a fault', () => {
  const unavailable = fault('upstream_unavailable', { upstream: 'memory', reason: 'it is down' })
  const wire = { code: 7, message: 'no', data: { why: 'x' } }

  it('of a tool call is a result that an agent can act on', () => {
    const { json, status } = answer({ kind: 'fault', fault: unavailable })
    expect(status).toBe(200)
    expect(json.result).toMatchObject({
      isError: true,
      resultType: 'complete',
      content: [{ type: 'text' }],
      structuredContent: { error: { kind: 'upstream_unavailable' } },
    })
    expect(json.result._meta).toMatchObject({ ...identity, 'signalbox.dev/fault': { category: 'transport', correlation_id: 'c' } })
  })

  it('does not touch structuredContent where the tool declares an output', () => {
    expect(answer({ kind: 'fault', fault: unavailable }, 'tools/call', true).json.result).not.toHaveProperty('structuredContent')
  })

  it('of any other method is an error', () => {
    expect(answer({ kind: 'fault', fault: unavailable }, 'prompts/get').json.error).toMatchObject({
      code: -32603,
      data: { 'signalbox.dev/fault': { kind: 'upstream_unavailable' } },
    })
  })

  it('that is the fault of the request itself is an error with its status', () => {
    const given = answer({ kind: 'fault', fault: fault('header_mismatch', { reason: 'x' }) })
    expect([given.status, given.json.error.code]).toEqual([400, -32020])
  })

  it('of the server keeps code, message and data', () => {
    const given = answer({ kind: 'fault', fault: fault('upstream_error', { upstream: 'u', reason: 'no', wire }) })
    expect(given.json.error).toMatchObject({ code: 7, message: 'no', data: { why: 'x' } })
    expect(given.json.error.data).not.toHaveProperty(['signalbox.dev/fault', 'detail', 'wire'])
  })

  it('"method not found" is a 404, whoever says it', () => {
    const unknown = fault('upstream_error', { upstream: 'u', reason: 'no', wire: { code: -32601, message: 'no' } })
    expect(answer({ kind: 'fault', fault: unknown }, 'completion/complete').status).toBe(404)
  })
})

describe('events', () => {
  const text = (bytes: Buffer | undefined) => (bytes === undefined ? undefined : (JSON.parse(bytes.toString()) as unknown))
  const log = { kind: 'log', level: 'info', params: payloadOf({ level: 'info', data: 1 }) } as const

  it('progress carries the token of the client, and nothing goes to a client without one', () => {
    const event = { kind: 'progress', params: payload(Buffer.from('{"progressToken":9,"progress":0.5,"x":1}')) } as const
    const params = { progressToken: 'mine', progress: 0.5, x: 1 }
    expect(text(writer.event(asked('tools/call', { progressToken: '"mine"' }), event))).toEqual({
      jsonrpc: '2.0',
      method: 'notifications/progress',
      params,
    })
    expect(writer.event(asked(), event)).toBeUndefined()
  })

  it.each([
    ['debug', true],
    ['info', true],
    ['warning', false],
    [undefined, false],
  ] as const)('a log message of level info for one who wants %s: %s', (logLevel, comes) => {
    expect(writer.event(asked('tools/call', { logLevel }), log) !== undefined).toBe(comes)
  })

  it('a listener hears what it subscribed to and nothing of calls', () => {
    const listen = asked('subscriptions/listen', { id: '9007199254740993', progressToken: '1', logLevel: 'debug' })
    expect(writer.event(listen, log)).toBeUndefined()
    expect(writer.event(listen, { kind: 'progress', params: payloadOf({}) })).toBeUndefined()
    expect(writer.event(listen, { kind: 'changed', list: 'prompts' })?.toString()).toBe(
      `{"jsonrpc":"2.0","method":"notifications/prompts/list_changed","params":{"_meta":{"${metaKey.subscriptionId}":9007199254740993}}}`,
    )
    const task = { kind: 'extension', method: 'notifications/tasks', params: payloadOf({ taskId: 't' }) } as const
    expect(writer.event(listen, task)?.toString()).toContain('"taskId":"t"')
    expect(text(writer.listenEnd({ ...listen, id: '4' }))).toEqual({
      jsonrpc: '2.0',
      id: 4,
      result: { resultType: 'complete', _meta: { [metaKey.subscriptionId]: 4, ...identity } },
    })
  })

  it('a call hears of a change that its server told it, and of no resource', () => {
    expect(writer.event(asked(), { kind: 'changed', list: 'tools' })?.toString()).toBe(
      '{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{}}',
    )
    expect(writer.event(asked(), { kind: 'updated', uri: 'a:b', params: payloadOf({ uri: 'a:b' }) })).toBeUndefined()
  })
})
