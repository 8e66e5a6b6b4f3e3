import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { envelope, modernBody, modernHeaders, type OpenDoor, openDoor, send } from '../../../test/doubles/downstream/http-peer.ts'
import { completed, type TestGateway, testContext, testGateway } from '../../../test/doubles/downstream/test-gateway.ts'
import { metaKey, modernRevision, servedRevisions } from '../../core/protocol/names.ts'

interface ErrorBody {
  readonly id?: unknown
  readonly error: { readonly code: number; readonly message: string; readonly data: Record<string, unknown> }
}

let gateway: TestGateway
let at: OpenDoor

beforeAll(async () => {
  gateway = testGateway(() => completed({ content: [] }))
  at = await openDoor(testContext(gateway))
})
afterAll(() => at.door.close())

const legacyCall = (method: string, params: unknown = {}): string => JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
const withMeta = (meta: Record<string, unknown>): string => legacyCall('tools/list', { _meta: meta })
const modernNotification = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } })
const version = metaKey.protocolVersion
const capabilities = metaKey.clientCapabilities

/** Row of table 2.1, body, headers, and what must come: a status with a code, `legacy`, or a bare status. */
const rows: readonly [string, string, Record<string, string>, number | 'legacy', number?][] = [
  ['unparseable JSON', '{"jsonrpc":', {}, 400, -32700],
  ['an empty body', '', {}, 400, -32700],
  ['two values', '{}{}', {}, 400, -32700],
  ['no JSON-RPC message', '{"a":1}', {}, 400, -32600],
  ['a scalar', '42', {}, 400, -32600],
  ['a wrong jsonrpc version', '{"jsonrpc":"1.0","id":1,"method":"ping"}', {}, 400, -32600],
  ['an id of null', '{"jsonrpc":"2.0","id":null,"method":"ping"}', {}, 400, -32600],
  ['an id that is an object', '{"jsonrpc":"2.0","id":{},"method":"ping"}', {}, 400, -32600],
  ['an id with a fraction', '{"jsonrpc":"2.0","id":1.5,"method":"ping"}', {}, 400, -32600],
  ['an empty batch', '[]', {}, 400, -32600],
  ['a batch with a modern element', `[${modernBody('tools/list')}]`, modernHeaders('tools/list'), 400, -32600],
  ['a batch with what is no message', '[{"jsonrpc":"2.0","id":1,"method":"ping"},7]', {}, 400, -32600],
  ['a legacy batch', '[{"jsonrpc":"2.0","id":1,"method":"ping"}]', {}, 'legacy'],
  ['a batch under a modern header', '[{"jsonrpc":"2.0","id":1,"method":"ping"}]', { 'mcp-protocol-version': '2026-07-28' }, 400, -32600],
  ['a response', '{"jsonrpc":"2.0","id":1,"result":{}}', {}, 'legacy'],
  ['an error response', '{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":""}}', {}, 'legacy'],
  ['initialize', legacyCall('initialize', { protocolVersion: '2025-11-25' }), {}, 'legacy'],
  ['initialize with a legacy header', legacyCall('initialize'), { 'mcp-protocol-version': '2025-11-25' }, 'legacy'],
  ['initialize with a malformed claim', legacyCall('initialize', { _meta: { [version]: 7 } }), {}, 'legacy'],
  ['initialize with a modern header', legacyCall('initialize'), modernHeaders('initialize'), 400, -32020],
  ['initialize with a modern envelope', modernBody('initialize'), modernHeaders('initialize'), 404, -32601],
  ['ping with a modern envelope', modernBody('ping'), modernHeaders('ping'), 404, -32601],
  ['logging/setLevel with a modern envelope', modernBody('logging/setLevel'), modernHeaders('logging/setLevel'), 404, -32601],
  ['resources/subscribe with a modern envelope', modernBody('resources/subscribe'), modernHeaders('resources/subscribe'), 404, -32601],
  [
    'resources/unsubscribe with a modern envelope',
    modernBody('resources/unsubscribe'),
    modernHeaders('resources/unsubscribe'),
    404,
    -32601,
  ],
  ['tasks/result with a modern envelope', modernBody('tasks/result'), modernHeaders('tasks/result'), 404, -32601],
  ['an unknown method', modernBody('no/such'), modernHeaders('no/such'), 404, -32601],
  ['a version that is no string', withMeta({ ...envelope, [version]: 7 }), modernHeaders('tools/list'), 400, -32602],
  ['no clientCapabilities', withMeta({ [version]: modernRevision }), modernHeaders('tools/list'), 400, -32602],
  ['clientCapabilities of a wrong type', withMeta({ ...envelope, [capabilities]: 'all' }), modernHeaders('tools/list'), 400, -32602],
  ['a capability of a wrong type', withMeta({ ...envelope, [capabilities]: { sampling: true } }), modernHeaders('tools/list'), 400, -32602],
  ['clientInfo without a name', withMeta({ ...envelope, [metaKey.clientInfo]: {} }), modernHeaders('tools/list'), 400, -32602],
  ['an unknown log level', withMeta({ ...envelope, [metaKey.logLevel]: 'loud' }), modernHeaders('tools/list'), 400, -32602],
  [
    'a header that differs from the claim',
    modernBody('tools/list'),
    { ...modernHeaders('tools/list'), 'mcp-protocol-version': '2025-11-25' },
    400,
    -32020,
  ],
  [
    'an unknown version',
    modernBody('tools/list', {}, { [version]: '2099-01-01' }),
    { ...modernHeaders('tools/list'), 'mcp-protocol-version': '2099-01-01' },
    400,
    -32022,
  ],
  [
    'a claim of a legacy version',
    modernBody('tools/list', {}, { [version]: '2025-11-25' }),
    { ...modernHeaders('tools/list'), 'mcp-protocol-version': '2025-11-25' },
    400,
    -32022,
  ],
  ['no version header', modernBody('tools/list'), { 'mcp-method': 'tools/list' }, 400, -32020],
  ['no method header', modernBody('tools/list'), { 'mcp-protocol-version': modernRevision }, 400, -32020],
  ['a method header that differs', modernBody('tools/list'), modernHeaders('tools/call'), 400, -32020],
  ['a method header in another case', modernBody('tools/list'), modernHeaders('Tools/List'), 400, -32020],
  ['no claim, modern header', legacyCall('tools/list'), modernHeaders('tools/list'), 400, -32602],
  ['no params at all, modern header', '{"jsonrpc":"2.0","id":1,"method":"tools/list"}', modernHeaders('tools/list'), 400, -32602],
  ['no claim, a header of the future', legacyCall('tools/list'), { 'mcp-protocol-version': '2099-01-01' }, 400, -32602],
  ['a ping without claim, modern header', legacyCall('ping'), modernHeaders('ping'), 200],
  ['no claim, no header', legacyCall('tools/list'), {}, 'legacy'],
  ['no claim, legacy header', legacyCall('tools/list'), { 'mcp-protocol-version': '2025-06-18' }, 'legacy'],
  ['no claim, nonsense header', legacyCall('tools/list'), { 'mcp-protocol-version': 'nonsense' }, 'legacy'],
  ['a notification, modern header', modernNotification, { 'mcp-protocol-version': modernRevision }, 202],
  [
    'an unknown notification, modern header',
    '{"jsonrpc":"2.0","method":"notifications/what"}',
    { 'mcp-protocol-version': modernRevision },
    202,
  ],
  [
    'a notification with a claim, no header',
    JSON.stringify({ jsonrpc: '2.0', method: 'notifications/x', params: { _meta: envelope } }),
    {},
    202,
  ],
  [
    'a notification with a malformed claim',
    JSON.stringify({ jsonrpc: '2.0', method: 'notifications/x', params: { _meta: { [version]: 1 } } }),
    {},
    400,
    -32602,
  ],
  ['a notification with another Mcp-Method', modernNotification, modernHeaders('tools/list'), 400, -32020],
  ['a notification, no header', modernNotification, {}, 'legacy'],
  ['a notification, legacy header', modernNotification, { 'mcp-protocol-version': '2025-11-25' }, 'legacy'],
  ['no Mcp-Name', modernBody('tools/call', { name: 'a' }), modernHeaders('tools/call'), 400, -32020],
  ['another Mcp-Name', modernBody('tools/call', { name: 'a' }), modernHeaders('tools/call', 'b'), 400, -32020],
  ['an Mcp-Name that is not base64', modernBody('tools/call', { name: 'a' }), modernHeaders('tools/call', '=?base64?YQ?='), 400, -32020],
  ['an Mcp-Name in base64', modernBody('tools/call', { name: 'ä b' }), modernHeaders('tools/call', '=?base64?w6QgYg==?='), 200],
  ['an Mcp-Name with space round it', modernBody('tools/call', { name: 'a' }), modernHeaders('tools/call', '  a '), 200],
  ['a resource', modernBody('resources/read', { uri: 'x:y' }), modernHeaders('resources/read', 'x:y'), 200],
  ['a resource with another Mcp-Name', modernBody('resources/read', { uri: 'x:y' }), modernHeaders('resources/read', 'x:z'), 400, -32020],
  ['a name that is no string', modernBody('tools/call', { name: 7 }), modernHeaders('tools/call', '7'), 400, -32602],
  ['tasks/get without the extension', modernBody('tasks/get', { taskId: 't' }), modernHeaders('tasks/get', 't'), 400, -32021],
  [
    'a listen for tasks without the extension',
    modernBody('subscriptions/listen', { notifications: { taskIds: ['t'] } }),
    modernHeaders('subscriptions/listen'),
    400,
    -32021,
  ],
  ['a list', modernBody('tools/list'), modernHeaders('tools/list'), 200],
]

describe('every row of the era table has its answer', () => {
  it.each(rows)('%s', async (_row, body, headers, expected, code) => {
    at.legacy.length = 0
    const refusals = gateway.refusals.length
    const answer = await send(at.port, { headers, body })
    if (expected === 'legacy') {
      expect(at.legacy).toEqual(['POST'])
      return
    }
    expect(answer.status).toBe(expected)
    expect(at.legacy).toEqual([])
    if (expected === 202) expect(answer.text).toBe('')
    if (code === undefined) return
    expect((answer.json as ErrorBody).error.code).toBe(code)
    expect(gateway.refusals.length).toBe(refusals + 1)
  })

  it.each(['GET', 'DELETE'])('%s goes to the legacy door', async (method) => {
    at.legacy.length = 0
    await send(at.port, { method, headers: { 'content-type': undefined } })
    expect(at.legacy).toEqual([method])
  })
})

describe('a ping of a client of 2026-07-28, which has none', () => {
  it('without an envelope is answered, digit by digit', async () => {
    const body = '{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}'
    const { status, text } = await send(at.port, { headers: modernHeaders('ping'), body })
    expect([status, text]).toEqual([200, '{"jsonrpc":"2.0","id":9007199254740993,"result":{}}'])
  })
})

describe('a refusal tells what to mend', () => {
  it('names the versions that are served', async () => {
    const meta = { [version]: '2099-01-01' }
    const headers = { ...modernHeaders('tools/list'), 'mcp-protocol-version': '2099-01-01' }
    const { json } = await send(at.port, { headers, body: modernBody('tools/list', {}, meta, 'q') })
    expect(json).toMatchObject({ id: 'q', error: { data: { supported: servedRevisions, requested: '2099-01-01' } } })
  })

  it('names the key of the envelope', async () => {
    const { json } = await send(at.port, { headers: modernHeaders('tools/list'), body: withMeta({ [version]: modernRevision }) })
    expect((json as ErrorBody).error.message).toContain(capabilities)
  })

  it('names the capability as an object', async () => {
    const body = modernBody('tasks/get', { taskId: 't' })
    const { json } = await send(at.port, { headers: modernHeaders('tasks/get', 't'), body })
    expect(json).toMatchObject({ error: { data: { requiredCapabilities: { extensions: { 'io.modelcontextprotocol/tasks': {} } } } } })
  })

  it('has no id where none could be read, since MCP forbids null there', async () => {
    const { json } = await send(at.port, { body: '{' })
    expect(Object.keys(json as object)).toEqual(['jsonrpc', 'error'])
  })

  it('echoes a 64-bit id digit by digit', async () => {
    const body = modernBody('no/such', {}, {}, 0).replace('"id":0', '"id":9007199254740993')
    const { text } = await send(at.port, { headers: modernHeaders('no/such'), body })
    expect(text).toContain('"id":9007199254740993')
  })

  it('is recorded with what was known', async () => {
    await send(at.port, { headers: modernHeaders('no/such'), body: modernBody('no/such') })
    expect(gateway.refusals.at(-1)).toMatchObject({ method: 'no/such', revision: modernRevision, mount: '', transport: 'http' })
  })
})

describe('the checks before the message', () => {
  const good = { headers: modernHeaders('tools/list'), body: modernBody('tools/list') }

  it.each([
    ['no content type', { 'content-type': undefined }, 415],
    ['another content type', { 'content-type': 'text/plain' }, 415],
    ['a charset', { 'content-type': 'Application/JSON; charset=utf-8' }, 200],
    ['JSON alone', { accept: 'application/json' }, 200],
    ['a stream alone', { accept: 'text/event-stream' }, 200],
    ['upper case and parameters', { accept: 'Application/JSON;q=0.9, TEXT/Event-Stream; charset=utf-8' }, 200],
    ['groups', { accept: 'application/*, text/*;q=0.1' }, 200],
    ['neither', { accept: 'text/html, application/jsonl' }, 406],
    ['what is refused by weight', { accept: 'application/json;q=0, text/event-stream;q=0.0, */*' }, 406],
    ['an empty Accept', { accept: '' }, 200],
    ['a packed body', { 'content-encoding': 'gzip' }, 415],
    ['a body packed in nothing', { 'content-encoding': 'Identity' }, 200],
    ['any', { accept: '*/*' }, 200],
    ['no Accept', { accept: undefined }, 200],
  ])('media types: %s', async (_case, headers, status) => {
    const answer = await send(at.port, { body: good.body, headers: { ...good.headers, ...headers } })
    expect(answer.status).toBe(status)
  })

  it('refuses other verbs', async () => {
    const answer = await send(at.port, { ...good, method: 'PUT' })
    expect(answer.status).toBe(405)
    expect(answer.headers.allow).toContain('POST')
  })

  it('refuses bytes that are no UTF-8', async () => {
    const body = Buffer.concat([Buffer.from('{"jsonrpc":"2.0","id":1,"method":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')])
    expect((await send(at.port, { body })).json).toMatchObject({ error: { code: -32700 } })
  })

  it('refuses the same key twice, since policy and server could read it differently', async () => {
    const body = good.body.replace('"method":"tools/list"', '"method":"tools/list","method":"tools/call"')
    const answer = await send(at.port, { ...good, body })
    expect(answer.status).toBe(400)
    expect(answer.json).toMatchObject({ id: 1, error: { code: -32600 } })
  })

  it('refuses the same key twice in an escaped spelling', async () => {
    const body = modernBody('tools/call', { name: 'a' }).replace('"name":"a"', '"name":"a","\\u006eame":"b"')
    expect((await send(at.port, { headers: modernHeaders('tools/call', 'a'), body })).status).toBe(400)
  })

  it('survives a body of nothing but brackets', async () => {
    const answer = await send(at.port, { body: '['.repeat(1_000_000) })
    expect(answer.status).toBe(400)
    const nested = `${'['.repeat(200_000)}${']'.repeat(200_000)}`
    expect((await send(at.port, { body: nested })).status).toBe(400)
  })

  it('refuses lone surrogates, which no UTF-8 peer could be told', async () => {
    const body = modernBody('tools/call', { name: 'a' }).replace('"name":"a"', '"name":"\\ud800"')
    expect((await send(at.port, { headers: modernHeaders('tools/call', 'a'), body })).status).toBe(400)
  })
})
