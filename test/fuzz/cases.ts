// The cases of the fuzzer: what a hostile server says during a sound call, and what a hostile client sends to a sound server.
import fc from 'fast-check'
import { type Caller, claim, modernHeaders, token } from './callers.ts'
import { type Change, change, type Damage, damage, textOf, treeOf } from './mutate.ts'
import { type Target, targets } from './rig.ts'
import type { Script } from './script.mjs'

export interface ServerCase {
  readonly kind: 'server'
  readonly target: Target
  readonly caller: Caller
  readonly script: Script
}

export interface ClientCase {
  readonly kind: 'client'
  readonly door: 'http' | 'sse' | 'stdio'
  /** Each character is a byte. */
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

export type Case = ServerCase | ClientCase

const tokens = { progressToken: '@TOKEN@' }
const notice = (method: string, params?: unknown) => ({ jsonrpc: '2.0', method, ...(params === undefined ? {} : { params }) })
const asks = (id: unknown, method: string, params?: unknown) => ({ ...notice(method, params), id })
const text = { type: 'text', text: 'a' }

/** What servers say: of each kind of message one that is valid. */
const serverMessages: readonly unknown[] = [
  notice('notifications/progress', { ...tokens, progress: 1, total: 2, message: 'half' }),
  notice('notifications/message', { level: 'error', logger: 'l', data: { a: 1 } }),
  notice('notifications/tools/list_changed'),
  notice('notifications/resources/updated', { uri: 'hostile://r', _meta: { 'io.modelcontextprotocol/subscriptionId': 1 } }),
  notice('notifications/cancelled', { requestId: '@ID@', reason: 'r' }),
  notice('notifications/tasks', { taskId: 't', status: 'working' }),
  notice('notifications/subscriptions/acknowledged', { notifications: { toolsListChanged: true } }),
  asks('s-1', 'ping'),
  asks(1, 'roots/list'),
  asks('@ID@', 'elicitation/create', { message: 'm', requestedSchema: { type: 'object', properties: {} } }),
  asks(3, 'sampling/createMessage', { messages: [{ role: 'user', content: text }], maxTokens: 5 }),
  { jsonrpc: '2.0', id: '@ID@', result: { content: [text], _meta: { k: 1, ...tokens } } },
  {
    jsonrpc: '2.0',
    id: '@ID@',
    result: { resultType: 'complete', content: [], structuredContent: [1], isError: false, ttlMs: 0, cacheScope: 'private' },
  },
  {
    jsonrpc: '2.0',
    id: '@ID@',
    result: { resultType: 'input_required', requestState: 's', inputRequests: { q: { method: 'roots/list' } } },
  },
  { jsonrpc: '2.0', id: '@ID@', result: { resultType: 'task', taskId: 't', status: 'working', pollInterval: 1 } },
  { jsonrpc: '2.0', id: '@ID@', error: { code: -32602, message: 'm', data: { uri: 'u' } } },
  {
    jsonrpc: '2.0',
    id: '@ID@',
    error: { code: -32042, message: 'm', data: { elicitations: [{ url: 'https://a.example', message: 'm', elicitationId: 'e' }] } },
  },
  { jsonrpc: '2.0', id: '@ID@', error: { code: -32021, message: 'm', data: { requiredCapabilities: { sampling: {} } } } },
  { jsonrpc: '2.0', id: '@ID@', error: { code: -32020, message: 'm' } },
  { jsonrpc: '2.0', id: '@ID@', error: { code: -32022, message: 'm', data: { supported: ['2025-11-25'] } } },
  { jsonrpc: '2.0', id: 999_999, result: {} },
  { jsonrpc: '2.0', id: null, error: { code: -32700, message: 'm' } },
]

const modern = (method: string, params: object = {}) => ({
  jsonrpc: '2.0',
  id: 5,
  method,
  params: { ...params, _meta: { ...claim, progressToken: token } },
})
const legacy = (method: string, params: object = {}) => ({
  jsonrpc: '2.0',
  id: 6,
  method,
  params: { ...params, _meta: { progressToken: token } },
})
const echo = { name: 'bystander__echo', arguments: { said: 'x' } }

/** What clients say. */
const clientMessages: readonly unknown[] = [
  modern('tools/call', echo),
  modern('tools/list', { cursor: 'c' }),
  modern('server/discover'),
  modern('resources/read', { uri: 'hostile://r' }),
  modern('prompts/get', { name: 'p', arguments: { a: 'b' } }),
  modern('completion/complete', { ref: { type: 'ref/resource', uri: 'hostile://r' }, argument: { name: 'a', value: 'v' } }),
  modern('tools/call', { ...echo, requestState: 'forged', inputResponses: { q: { action: 'accept' } } }),
  modern('tasks/get', { taskId: 'forged' }),
  legacy('tools/call', echo),
  legacy('tools/list'),
  legacy('resources/subscribe', { uri: 'hostile://r' }),
  legacy('resources/unsubscribe', { uri: 'hostile://r' }),
  legacy('logging/setLevel', { level: 'debug' }),
  legacy('ping'),
  legacy('initialize', { protocolVersion: '2025-11-25', capabilities: { roots: {} }, clientInfo: { name: 'n', version: 'v' } }),
  { jsonrpc: '2.0', method: 'notifications/initialized' },
  { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 5, reason: 'r' } },
  { jsonrpc: '2.0', method: 'notifications/roots/list_changed' },
  { jsonrpc: '2.0', id: 'q-000000000000-1', result: { roots: [] } },
  { jsonrpc: '2.0', id: 'q-000000000000-2', error: { code: -1, message: 'no' } },
]

const changes: fc.Arbitrary<Change> = fc.record({
  how: fc.constantFrom('double', 'double otherwise', 'escape', 'remove', 'replace', 'rename', 'add', 'wrap', 'nest'),
  at: fc.nat(40),
  put: fc.nat(400),
})
const damages: fc.Arbitrary<Damage> = fc.record({
  how: fc.constantFrom('cut', 'insert', 'before', 'after', 'batch', 'twice', 'cut front'),
  at: fc.nat(600),
  put: fc.nat(400),
})

function damaged(messages: readonly unknown[]): fc.Arbitrary<string> {
  return fc
    .tuple(fc.constantFrom(...messages), fc.array(changes, { maxLength: 3 }), fc.array(damages, { maxLength: 1 }))
    .map(([message, edits, breaks]) => {
      const tree = treeOf(message)
      for (const edit of edits) change(tree, edit)
      return breaks.reduce(damage, textOf(tree))
    })
}

const lineEnds = fc.constantFrom('\n', '\n', '\n', '\r\n', '', '\r', '\n\n', ' \n')
const eventHeads = fc.constantFrom(
  'data: ',
  'data: ',
  'data: ',
  'data:',
  'event: message\ndata: ',
  'id: 1\ndata: ',
  'retry: 1\ndata: ',
  ': c\ndata: ',
  'event: endpoint\ndata: ',
  'event: x\ndata: ',
  '\xef\xbb\xbfdata: ',
  'id: \x00\ndata: ',
  'datax: ',
  'retry: 99999999999999999\ndata: ',
)
const eventEnds = fc.constantFrom('\n\n', '\n\n', '\n\n', '\r\n\r\n', '\r\r', '\n', '', '\ndata: x\n\n')
const statuses = fc.constantFrom(200, 200, 200, 200, 200, 200, 201, 202, 204, 301, 401, 403, 409, 413, 429, 500, 502)
const types = fc.constantFrom(
  'application/json',
  'application/json',
  'application/json',
  'application/json; charset=utf-16',
  'text/html',
  '',
  'text/event-stream',
)
const retries = fc.constantFrom(undefined, undefined, undefined, '1', '-1', 'x', '1e99', 'Wed, 21 Oct 2099 07:28:00 GMT')

/** Cut in two somewhere, as a network would. */
function chunked(said: string, at: number): string[] {
  const where = at % (said.length + 1)
  return [said.slice(0, where), said.slice(where)]
    .filter((chunk) => chunk !== '')
    .map((chunk) => Buffer.from(chunk, 'latin1').toString('base64'))
}

const framed = (heads: fc.Arbitrary<string>, ends: fc.Arbitrary<string>): fc.Arbitrary<Script> =>
  fc
    .tuple(fc.array(fc.tuple(heads, damaged(serverMessages), ends), { minLength: 1, maxLength: 3 }), fc.nat(900))
    .map(([messages, at]) => ({ chunks: chunked(messages.map((parts) => parts.join('')).join(''), at), end: 'answer' }))

const onLines = framed(fc.constant(''), lineEnds)
const onEvents = framed(eventHeads, eventEnds)
const cutEvents = onEvents.chain((script) =>
  fc.constantFrom('answer', 'answer', 'answer', 'nothing', 'cut').map((end): Script => ({ ...script, end: end as Script['end'] })),
)
const asJson: fc.Arbitrary<Script> = fc
  .tuple(damaged(serverMessages), statuses, types, retries, fc.nat(900))
  .map(([said, status, type, retry, at]) => ({
    chunks: status === 204 ? [] : chunked(said, at),
    end: 'nothing',
    status,
    headers: { ...(type === '' ? {} : { 'content-type': type }), ...(retry === undefined ? {} : { 'retry-after': retry }) },
  }))

const scripts: Readonly<Record<Target, fc.Arbitrary<Script>>> = {
  'child-legacy': onLines,
  'child-modern': onLines,
  'http-legacy': fc.oneof(asJson, cutEvents),
  'http-modern': fc.oneof(asJson, cutEvents),
  sse: onEvents,
}

const callers = fc.constantFrom<Caller>('modern', 'legacy', 'stdio')

const serverCase: fc.Arbitrary<Case> = fc
  .constantFrom(...targets)
  .chain((target) =>
    fc.record({ kind: fc.constant('server' as const), target: fc.constant(target), caller: callers, script: scripts[target] }),
  )

const oddHeaders = fc.dictionary(
  fc.constantFrom(
    'mcp-protocol-version',
    'mcp-method',
    'mcp-name',
    'mcp-session-id',
    'accept',
    'content-type',
    'authorization',
    'origin',
    'host',
    'traceparent',
    'last-event-id',
    'mcp-param-x',
  ),
  fc.constantFrom(
    '',
    ' ',
    '2026-07-28',
    '2025-11-25',
    '2099-01-01',
    '\xff',
    'x'.repeat(500),
    'tools/call',
    '=?base64?x?=',
    '*/*',
    'application/json',
    'null',
    '__proto__',
    '0, 0',
    'http://127.0.0.1',
  ),
  { maxKeys: 2 },
)

const clientCase: fc.Arbitrary<Case> = fc
  .record({
    door: fc.constantFrom('http' as const, 'http' as const, 'sse' as const, 'stdio' as const),
    body: damaged(clientMessages),
    headers: fc.tuple(fc.constantFrom('modern', 'legacy', 'none'), oddHeaders),
  })
  .map(({ door, body, headers: [usual, odd] }) => ({
    kind: 'client',
    door,
    body,
    headers: {
      ...(usual === 'modern' ? modernHeaders('tools/call', 'bystander__echo') : {}),
      ...(usual === 'legacy' ? { session: '' } : {}),
      ...odd,
    },
  }))

export const cases: fc.Arbitrary<Case> = fc.oneof({ weight: 2, arbitrary: serverCase }, { weight: 1, arbitrary: clientCase })
