// A session that is gone and does not look so: the server answers in it with errors of any kind, redirects or challenges, or not at all,
// while it begins and serves others. And what looks the same, of a server that knows the session.
import { describe, expect, onTestFinished, test } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { restartable, upstreamAt } from '../../../test/doubles/upstream/for-one-test.ts'
import type { Reply } from '../../../test/doubles/upstream/scripted-http.ts'
import { startScripted } from '../../../test/doubles/upstream/scripted-server.ts'
import { makeCall, send, start, textOf } from '../../../test/doubles/upstream/upstream-rig.ts'
import type { Credentials } from '../../core/ports/credentials.ts'

const write = (options = {}) => makeCall('tools/call', { name: 'write' }, options)
const read = () => makeCall('tools/call', { name: 'read' }, { item: { traits: { readOnly: true, destructive: false, idempotent: true } } })

describe('a session that is gone', () => {
  const challenge = { 'www-authenticate': 'Bearer error="invalid_token"' }
  const refusing: [string, Reply][] = [
    ['"Session not found" under the id of the request', { error: { code: -32600, message: 'Session not found' } }],
    ['302 to a login', { status: 302, headers: { location: '/login' } }],
    ['302 to the start page', { status: 302, headers: { location: '/' } }],
    ['301 to another host', { status: 301, headers: { location: 'https://sso.example.com/' } }],
    ['303', { status: 303, headers: { location: '/login' } }],
    ['401 with a challenge', { status: 401, headers: challenge }],
    ['403 with a challenge', { status: 403, headers: challenge }],
    ['401 with a challenge and an error', { status: 401, headers: challenge, error: { code: -32001, message: 'Unauthorized' }, id: null }],
    ['410', { status: 410, raw: 'Gone', headers: { 'content-type': 'text/html' } }],
    ['409', { status: 409, error: { code: -32000, message: 'Conflict' }, id: null }],
    ['421', { status: 421, raw: '<html>Misdirected Request</html>', headers: { 'content-type': 'text/html' } }],
  ]
  test.each(refusing)('is begun anew for the call itself, executed once: %s', async (_how, unknown) => {
    const server = await restartable(unknown)
    const { upstream } = upstreamAt({ url: server.url })
    expect(textOf(await send(upstream, write()))).toBe('done')
    server.restart()
    for (const outcome of await Promise.all(Array.from({ length: 5 }, () => send(upstream, write())))) expect(textOf(outcome)).toBe('done')
    expect(server.counts().executed).toBe(6)
    expect(server.counts().opened).toBeLessThanOrEqual(3)
    expect(upstream.health()).toMatchObject({ state: 'ready', restarts: 1 })
  })

  const failing: [string, Reply][] = [
    ['-32603 "unknown client"', { error: { code: -32603, message: 'unknown client' } }],
    ['-32000 "Connection closed"', { error: { code: -32000, message: 'Connection closed' } }],
    ['an error of its own', { error: { code: 1234, message: 'no such peer' } }],
    ['an error with HTTP 500', { status: 500, error: { code: -32603, message: 'oops' } }],
  ]
  test.each(failing)('is begun anew for the next call; a read is called again, a write is not: %s', async (_how, unknown) => {
    const server = await restartable(unknown, ({ body, headers }) =>
      body.method === 'tools/list' && headers['mcp-session-id'] === 'session-2' ? { result: { tools: [] } } : undefined,
    )
    const { upstream } = upstreamAt({ url: server.url })
    expect(textOf(await send(upstream, write()))).toBe('done')
    server.restart()
    const lost = start(upstream, write())
    expect(await lost.outcome).toMatchObject({ kind: 'fault', fault: { sideEffect: 'unknown' } })
    expect(lost.repeats).toEqual([])
    expect(textOf(await send(upstream, write()))).toBe('done')
    server.restart()
    expect(textOf(await send(upstream, read()))).toBe('done')
    expect(upstream.health()).toMatchObject({ state: 'ready', restarts: 2 })
  })

  test('is begun anew though the credential could be renewed each time', async () => {
    let renewed = 0
    const lease = {
      id: 'one',
      headers: () => ({ authorization: `token-${renewed}` }),
      reject: () => {
        renewed += 1
        return true
      },
    }
    const credentials: Credentials = { forCaller: () => lease, forDiscovery: () => lease }
    const server = await restartable({ status: 401, headers: challenge })
    const { upstream } = upstreamAt({ url: server.url }, { credentials })
    expect(textOf(await send(upstream, write()))).toBe('done')
    server.restart()
    await send(upstream, write())
    await expect.poll(() => upstream.health()).toMatchObject({ state: 'ready', restarts: 1 })
    expect(textOf(await send(upstream, write()))).toBe('done')
  })

  test.each([
    ['by the deadline of a call', 'deadline'],
    ['by a client that waits less long', 'client'],
  ])('and hangs is noticed %s', async (_how, ends) => {
    const clock = new ManualClock()
    const server = await restartable('hang')
    const { upstream } = upstreamAt({ url: server.url }, { clock })
    expect(textOf(await send(upstream, write()))).toBe('done')
    server.restart()
    const hung = start(upstream, write(), { clock })
    await expect.poll(() => server.requests.filter(({ body }) => body.method === 'tools/call').length).toBe(2)
    await clock.advance(ends === 'deadline' ? 20_000 : 6_000)
    if (ends === 'client') hung.exchange.end('cancelled')
    expect((await hung.outcome).kind).toBe('fault')
    await expect
      .poll(() => clock.advance(1_000).then(() => upstream.health()), { timeout: 20_000 })
      .toMatchObject({ state: 'ready', restarts: 1 })
    expect(textOf(await send(upstream, write()))).toBe('done')
    expect(server.counts().executed).toBe(2)
  })
})

describe('an HTTP+SSE connection', () => {
  test('whose messages are accepted and not answered any more is replaced', async () => {
    const clock = new ManualClock()
    let opened = 0
    let least = 1
    let called = 0
    const streams = new Map<string, (message: object) => void>()
    const server = await startScripted((asked, response) => {
      if (asked.method === 'GET') {
        opened += 1
        response.writeHead(200, { 'content-type': 'text/event-stream' }).write(`event: endpoint\ndata: /messages?session=${opened}\n\n`)
        streams.set(String(opened), (message) => void response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`))
        return
      }
      const session = new URL(asked.path, 'http://x').searchParams.get('session') ?? ''
      const { id, method } = JSON.parse(asked.body)
      response.writeHead(202).end()
      if (method === 'tools/call') called += 1
      if (id === undefined || Number(session) < least) return
      const serverInfo = { name: 's', version: '1' }
      if (method === 'initialize') streams.get(session)?.({ id, result: { protocolVersion: '2024-11-05', capabilities: {}, serverInfo } })
      else streams.get(session)?.({ id, result: { content: [{ type: 'text', text: 'done' }] } })
    })
    onTestFinished(() => server.stop())
    const { upstream } = upstreamAt({ url: server.url, transport: 'sse' }, { clock })
    expect(textOf(await send(upstream, write()))).toBe('done')
    least = 2
    const hung = start(upstream, write(), { clock })
    await expect.poll(() => called).toBe(2)
    await clock.advance(20_000)
    expect((await hung.outcome).kind).toBe('fault')
    await expect
      .poll(() => clock.advance(1_000).then(() => upstream.health()), { timeout: 20_000 })
      .toMatchObject({ state: 'ready', restarts: 1 })
    expect(textOf(await send(upstream, write()))).toBe('done')
  })
})

describe('a session that is known', () => {
  test.each<[string, Reply | 'hang']>([
    ['without ping', { error: { code: -32601, message: 'Method not found' } }],
    ['with a ping that fails', { error: { code: -32603, message: 'oops' } }],
  ])('is kept by a server %s, whose calls fail now and then', async (_what, ping) => {
    const clock = new ManualClock()
    const server = await restartable({ status: 404 }, ({ body }) => {
      if (body.method === 'ping') return ping
      if (body.method === 'tools/list') return { result: { tools: [] } }
      return body.params?.name === 'bad' ? { error: { code: -32603, message: 'oops' } } : undefined
    })
    const { upstream } = upstreamAt({ url: server.url }, { clock })
    for (let n = 0; n < 5; n += 1) {
      expect((await send(upstream, makeCall('tools/call', { name: 'bad' }))).kind).toBe('fault')
      await clock.advance(1_000)
    }
    expect(textOf(await send(upstream, write()))).toBe('done')
    expect(server.counts()).toEqual({ opened: 1, executed: 1 })
    expect(upstream.health()).toMatchObject({ state: 'ready', restarts: 0 })
  })

  test.each<[string, Reply]>([
    ['errors', { error: { code: -32603, message: 'the database is away' } }],
    ['challenges', { status: 401, headers: { 'www-authenticate': 'Bearer' } }],
  ])('is kept, and called ready, where a new one has the same %s', async (_what, failure) => {
    const clock = new ManualClock()
    let isIll = false
    const server = await restartable({ status: 404 }, ({ body }) =>
      isIll && (failure.status === 401 || body.method !== 'initialize') && body.id !== undefined ? failure : undefined,
    )
    const { upstream } = upstreamAt({ url: server.url }, { clock })
    expect(textOf(await send(upstream, write()))).toBe('done')
    isIll = true
    for (let n = 0; n < 5; n += 1) {
      expect((await send(upstream, write())).kind).toBe('fault')
      await clock.advance(2_000)
    }
    expect(upstream.health()).toMatchObject({ state: 'ready', restarts: 0 })
    isIll = false
    expect(textOf(await send(upstream, write()))).toBe('done')
    expect(upstream.health()).toMatchObject({ state: 'ready', restarts: 0 })
  })

  test('is kept though a call in it takes too long', async () => {
    const clock = new ManualClock()
    const server = await restartable({ status: 404 }, ({ body }) => (body.params?.name === 'slow' ? 'hang' : undefined))
    const { upstream } = upstreamAt({ url: server.url }, { clock })
    expect(textOf(await send(upstream, write()))).toBe('done')
    const slow = start(upstream, makeCall('tools/call', { name: 'slow' }), { clock })
    await expect.poll(() => server.requests.filter(({ body }) => body.params?.name === 'slow').length).toBe(1)
    await clock.advance(20_000)
    expect((await slow.outcome).kind).toBe('fault')
    await expect.poll(() => server.requests.filter(({ body }) => body.method === 'ping').length).toBe(1)
    expect(textOf(await send(upstream, write()))).toBe('done')
    expect(server.counts()).toEqual({ opened: 1, executed: 2 })
    expect(upstream.health()).toMatchObject({ state: 'ready', restarts: 0 })
  })
})

describe('a child that bridges to a server which was started anew', () => {
  const bridge = (message: string) => ({
    command: process.execPath,
    args: [
      '-e',
      `let up=true;require('readline').createInterface({input:process.stdin}).on('line',(l)=>{const m=JSON.parse(l);
       const say=(r)=>console.log(JSON.stringify({jsonrpc:'2.0',id:m.id,...r}));
       if(m.id===undefined)return; else if(!up)say({error:{code:-32000,message:${JSON.stringify(message)}}});
       else if(m.method==='initialize')say({result:{protocolVersion:'2025-06-18',capabilities:{tools:{}},serverInfo:{name:'c',version:'1'}}});
       else if(m.method==='tools/call'){say({result:{content:[{type:'text',text:'done'}]}});if(m.params.name==='restart')up=false}
       else say({error:{code:-32601,message:'no'}})})`,
    ],
    era: 'legacy',
  })

  test.each(['Connection closed', 'Not connected', 'fetch failed'])('and says "%s" for good is replaced', async (message) => {
    const clock = new ManualClock()
    const { upstream } = upstreamAt(bridge(message), { clock })
    expect(textOf(await send(upstream, makeCall('tools/call', { name: 'restart' })))).toBe('done')
    expect((await send(upstream, write())).kind).toBe('fault')
    await expect
      .poll(() => clock.advance(1_000).then(() => upstream.health()), { timeout: 10_000 })
      .toMatchObject({ state: 'ready', restarts: 1 })
    expect(textOf(await send(upstream, write()))).toBe('done')
  })
})
