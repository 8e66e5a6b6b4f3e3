// A server was started anew and does not know its sessions any more: whatever it says to that, a new one is begun, once for all who wait.
import { describe, expect, onTestFinished, test } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { restartable, upstreamAt } from '../../../test/doubles/upstream/for-one-test.ts'
import type { Reply, Script } from '../../../test/doubles/upstream/scripted-http.ts'
import { startScripted } from '../../../test/doubles/upstream/scripted-server.ts'
import { faultKind, makeCall, send, start, textOf } from '../../../test/doubles/upstream/upstream-rig.ts'

const never = new AbortController().signal
const write = (options = {}) => makeCall('tools/call', { name: 'write' }, options)

/** What servers of the field answer in a session that they do not know. */
const words: [string, Reply][] = [
  ['Python SDK 1.12 to 1.25', { status: 400, raw: 'Bad Request: No valid session ID provided', headers: { 'content-type': '' } }],
  ['Python SDK 1.26', { status: 404, error: { code: -32600, message: 'Session not found' }, id: 'server-error' }],
  ['Python SDK 2', { status: 404, error: { code: -32600, message: 'Session not found' }, id: null }],
  ['TypeScript SDK', { status: 404, error: { code: -32001, message: 'Session not found' }, id: null }],
  [
    'TypeScript SDK, a transport that was not asked yet',
    { status: 400, error: { code: -32000, message: 'Bad Request: Server not initialized' }, id: null },
  ],
  ['go-sdk', { status: 404, raw: 'session not found\n', headers: { 'content-type': 'text/plain; charset=utf-8' } }],
  ['mcp-go', { status: 400, raw: 'Invalid session ID\n', headers: { 'content-type': 'text/plain; charset=utf-8' } }],
  ['rmcp', { status: 401, raw: 'Unauthorized: Session not found', headers: { 'content-type': 'text/plain' } }],
  ['rmcp, later', { status: 422, raw: 'Unexpected message, expect initialize request', headers: { 'content-type': 'text/plain' } }],
  [
    'Java SDK',
    {
      status: 404,
      raw: '{"jsonRpcError":{"code":-32603,"message":"Session not found: x"}}',
      headers: { 'content-type': 'application/json' },
    },
  ],
  ['C# SDK', { status: 404, error: { code: -32001, message: 'Session not found' }, id: '' }],
  ['Ruby SDK', { status: 404, raw: '{"error":"Session not found"}', headers: { 'content-type': 'application/json' } }],
  ['an error under the id of the request, HTTP 400', { status: 400, error: { code: -32600, message: 'Invalid session ID: abc' } }],
  ['an error under the id of the request, HTTP 200', { error: { code: -32600, message: 'Invalid session ID: abc' } }],
  ['"not initialized", HTTP 200', { error: { code: -32002, message: 'Server not initialized' } }],
  ['"not initialized", HTTP 200 and no id', { error: { code: -32002, message: 'Server not initialized' }, id: null }],
  ['the words of the Python SDK before initialize', { error: { code: -32602, message: 'Invalid request parameters', data: '' } }],
  ['a bare 400', { status: 400 }],
  ['a bare 404', { status: 404 }],
  ['a bare 403', { status: 403 }],
  ['a bare 405', { status: 405 }],
  ['a bare 409', { status: 409 }],
  ['a bare 410', { status: 410 }],
  ['400 with an error of another id', { status: 400, error: { code: -32600, message: 'no' }, id: 'other' }],
]

describe('a session that a server lost', () => {
  test.each(words)('is begun anew, and the call is executed once: %s', async (_who, unknown) => {
    const server = await restartable(unknown)
    const { upstream } = upstreamAt({ url: server.url })
    expect(textOf(await send(upstream, write()))).toBe('done')
    server.restart()
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => send(upstream, write())))
    for (const outcome of outcomes) expect(textOf(outcome)).toBe('done')
    expect(server.counts().executed).toBe(6)
    expect(upstream.health()).toMatchObject({ state: 'ready', restarts: 1 })
    // The first, the new one, and at most one that found out.
    expect(server.counts().opened).toBeLessThanOrEqual(3)
  })

  const executing: [string, Reply][] = [
    ['500', { status: 500 }],
    ['an answer to another request', { result: {}, id: 'other' }],
    ['a page', { raw: '<html>', headers: { 'content-type': 'text/html' } }],
  ]
  test.each(executing)(
    'with an answer that may come after the work is begun anew for the next call, and a write is not repeated: %s',
    async (_what, unknown) => {
      const server = await restartable(unknown)
      const { upstream } = upstreamAt({ url: server.url })
      expect(textOf(await send(upstream, write()))).toBe('done')
      server.restart()
      const lost = start(upstream, write())
      expect(await lost.outcome).toMatchObject({ kind: 'fault', fault: { sideEffect: 'unknown' } })
      expect(lost.repeats).toEqual([])
      expect(textOf(await send(upstream, write()))).toBe('done')
      const read = makeCall('tools/call', { name: 'read' }, { item: { traits: { readOnly: true, destructive: false, idempotent: true } } })
      server.restart()
      expect(textOf(await send(upstream, read))).toBe('done')
    },
  )

  test('is noticed by the gateway itself, where it keeps an event stream', async () => {
    let cut = (): void => {}
    let known = ''
    let opened = 0
    const server = await startScripted((asked, response) => {
      const message = asked.body === '' ? {} : JSON.parse(asked.body)
      const say = (status: number, body?: object, headers = {}) =>
        void response
          .writeHead(status, { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers })
          .end(body === undefined ? '' : JSON.stringify({ jsonrpc: '2.0', id: message.id, ...body }))
      if (message.method === 'initialize') {
        opened += 1
        known = `session-${opened}`
        return say(
          200,
          { result: { protocolVersion: '2025-06-18', capabilities: {}, serverInfo: { name: 's', version: '1' } } },
          { 'mcp-session-id': known },
        )
      }
      if (asked.headers['mcp-session-id'] !== known) return void response.writeHead(400).end('Bad Request: No valid session ID provided')
      if (asked.method === 'GET') {
        response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
        cut = () => response.socket?.destroy()
        return
      }
      say(message.id === undefined ? 202 : 200, message.id === undefined ? undefined : { result: {} })
    })
    onTestFinished(() => server.stop())
    const { upstream } = upstreamAt({ url: server.url })
    expect(await upstream.ready(never)).toBeUndefined()
    known = 'none'
    cut()
    await expect.poll(() => upstream.health(), { timeout: 5_000 }).toMatchObject({ state: 'ready', restarts: 1 })
  })

  test('is found lost by the first call after the server is back, though a moment ago nobody could tell', async () => {
    let isAway = false
    const away: Script = ({ body }) => (body.method === 'tools/call' ? { status: 404 } : 'reset')
    const server = await restartable({ status: 400 }, (request) => (isAway ? away(request) : undefined))
    const { upstream } = upstreamAt({ url: server.url }, { clock: new ManualClock() })
    expect(textOf(await send(upstream, write()))).toBe('done')
    isAway = true
    expect(faultKind(await send(upstream, write()))).toBe('upstream_http_error')
    isAway = false
    server.restart()
    expect(textOf(await send(upstream, write()))).toBe('done')
  })

  test('and that nobody can tell of is not called ready, and is found once the server is back', async () => {
    const clock = new ManualClock()
    let isAway = false
    const server = await restartable({ status: 400 }, () => (isAway ? { status: 404 } : undefined))
    const { upstream } = upstreamAt({ url: server.url }, { clock })
    expect(textOf(await send(upstream, write()))).toBe('done')
    isAway = true
    expect(faultKind(await send(upstream, write()))).toBe('upstream_http_error')
    expect(upstream.health()).toMatchObject({ state: 'reconnecting', restarts: 0 })
    expect(upstream.health().reason).toContain('HTTP 404')
    isAway = false
    await expect.poll(() => clock.advance(1_000).then(() => upstream.health())).toMatchObject({ state: 'ready', restarts: 0 })
    expect(textOf(await send(upstream, write()))).toBe('done')
    expect(server.counts()).toEqual({ opened: 1, executed: 2 })
  })
})

describe('a session that alone is of no use', () => {
  const useless: [string, Reply | 'reset'][] = [
    ['501', { status: 501 }],
    ['502', { status: 502 }],
    ['503', { status: 503, headers: { 'retry-after': '1' } }],
    ['504', { status: 504 }],
    ['an event stream that ends', { raw: '', headers: { 'content-type': 'text/event-stream' } }],
    ['a reset', 'reset'],
  ]
  test.each(useless)('is not called ready, and is given up after a while: %s', async (_what, unknown) => {
    const clock = new ManualClock()
    const server = await restartable(unknown)
    const { upstream } = upstreamAt({ url: server.url }, { clock })
    expect(textOf(await send(upstream, write()))).toBe('done')
    server.restart()
    expect((await send(upstream, write())).kind).toBe('fault')
    expect(upstream.health()).toMatchObject({ state: 'reconnecting', restarts: 0 })
    await expect
      .poll(() => clock.advance(1_000).then(() => upstream.health()), { timeout: 10_000 })
      .toMatchObject({ state: 'ready', restarts: 1 })
    expect(textOf(await send(upstream, write()))).toBe('done')
    expect(server.counts().executed).toBe(2)
  })

  test.each(useless)('for a moment is kept: %s', async (_what, unknown) => {
    const clock = new ManualClock()
    let isAway = false
    const server = await restartable({ status: 404 }, ({ body }) =>
      isAway && body.method !== 'initialize' ? (unknown as Reply) : undefined,
    )
    const { upstream } = upstreamAt({ url: server.url }, { clock })
    expect(textOf(await send(upstream, write()))).toBe('done')
    isAway = true
    expect((await send(upstream, write())).kind).toBe('fault')
    isAway = false
    await expect
      .poll(() => clock.advance(1_000).then(() => upstream.health()), { timeout: 10_000 })
      .toMatchObject({ state: 'ready', restarts: 0 })
    expect(textOf(await send(upstream, write()))).toBe('done')
  })

  test.each(useless)('is kept where the server as a whole is away: %s', async (_what, unknown) => {
    const clock = new ManualClock()
    let isAway = false
    const server = await restartable({ status: 404 }, () => (isAway ? (unknown as Reply) : undefined))
    const { upstream } = upstreamAt({ url: server.url }, { clock })
    expect(textOf(await send(upstream, write()))).toBe('done')
    isAway = true
    expect((await send(upstream, write())).kind).toBe('fault')
    const checks = () => server.requests.filter(({ body }) => body.method === 'ping').length
    const before = checks()
    await expect.poll(() => clock.advance(10_000).then(checks), { timeout: 10_000 }).toBeGreaterThan(before + 3)
    isAway = false
    await expect
      .poll(() => clock.advance(10_000).then(() => upstream.health()), { timeout: 10_000 })
      .toMatchObject({ state: 'ready', restarts: 0 })
    expect(textOf(await send(upstream, write()))).toBe('done')
  })
})

describe('an honest refusal of a call', () => {
  const honest: [string, Reply][] = [
    ['400 with a text', { status: 400, raw: 'no such tool', headers: { 'content-type': 'text/plain' } }],
    ['400 with an error', { status: 400, error: { code: -32602, message: 'the session parameter is missing' } }],
    ['404 with an error', { status: 404, error: { code: -32002, message: 'Resource not found' } }],
    ['an error', { error: { code: -32603, message: 'the database was not initialized' } }],
    ['403', { status: 403 }],
  ]
  test.each(honest)('ends no session, and is checked once a second at most: %s', async (_what, refusal) => {
    const clock = new ManualClock()
    const server = await restartable({ status: 400 }, ({ body }) => {
      if (body.method === 'tools/list') return { result: { tools: [] } }
      return body.method === 'tools/call' && body.params?.name === 'bad' ? refusal : undefined
    })
    const { upstream } = upstreamAt({ url: server.url }, { clock })
    const bad = () => makeCall('tools/call', { name: 'bad' })
    expect(textOf(await send(upstream, write()))).toBe('done')
    const before = server.requests.length
    const checks = () => server.requests.slice(before).filter(({ body }) => body.method !== 'tools/call').length
    await Promise.all(Array.from({ length: 10 }, () => send(upstream, bad())))
    for (let n = 0; n < 10; n += 1) expect((await send(upstream, bad())).kind).toBe('fault')
    expect(checks()).toBe(1)
    await clock.advance(1_000)
    await send(upstream, bad())
    expect(checks()).toBe(2)
    expect(server.counts().opened).toBe(1)
    expect(upstream.health()).toMatchObject({ state: 'ready', restarts: 0 })
  })
})

describe('a child whose inner server was started anew', () => {
  test('and says that it was not initialized is replaced', async () => {
    const { upstream } = upstreamAt({
      command: process.execPath,
      args: [
        '-e',
        `let up=false;require('readline').createInterface({input:process.stdin}).on('line',(l)=>{const m=JSON.parse(l);
         const say=(r)=>console.log(JSON.stringify({jsonrpc:'2.0',id:m.id,...r}));
         if(m.method==='initialize'){up=true;say({result:{protocolVersion:'2025-06-18',capabilities:{tools:{}},serverInfo:{name:'c',version:'1'}}})}
         else if(m.id===undefined)return; else if(m.method==='ping')say({result:{}});
         else if(!up)say({error:{code:-32602,message:'Invalid request parameters',data:''}});
         else if(m.method==='tools/call'){say({result:{content:[{type:'text',text:'done'}]}});if(m.params.name==='restart')up=false}
         else say({error:{code:-32601,message:'no'}})})`,
      ],
      era: 'legacy',
    })
    expect(textOf(await send(upstream, makeCall('tools/call', { name: 'restart' })))).toBe('done')
    expect(textOf(await send(upstream, write()))).toBe('done')
    expect(upstream.health()).toMatchObject({ state: 'ready', restarts: 1 })
  })
})
