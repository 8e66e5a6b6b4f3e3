// What goes wrong at the exits, against real servers that die and hand-written ones that misbehave.
import { describe, expect, onTestFinished, test } from 'vitest'
import { peer, upstreamAt } from '../../../test/doubles/upstream/for-one-test.ts'
import { legacyServer, modernServer, type Reply } from '../../../test/doubles/upstream/scripted-http.ts'
import { everythingStdio, faultKind, makeCall, send, serveEverything, start, textOf } from '../../../test/doubles/upstream/upstream-rig.ts'
import { freePort } from '../../../test/peers/free-port.ts'
import { startFixture } from '../../../test/peers/servers.ts'
import type { CallEvent } from '../../core/call/exchange.ts'
import { UpstreamFault } from '../../core/ports/upstream.ts'

const never = new AbortController().signal
const echo = (options = {}) => makeCall('tools/call', { name: 'echo', arguments: { message: 'hi' } }, options)

describe('a session that the server lost', () => {
  test('is opened anew, once for all who wait, and every call is executed once: real server, killed and restarted', async () => {
    const first = await serveEverything('streamableHttp')
    const { upstream } = upstreamAt({ url: `http://127.0.0.1:${first.port}/mcp` })
    expect(textOf(await send(upstream, echo()))).toBe('Echo: hi')
    await first.stop()
    const second = await serveEverything('streamableHttp', first.port)
    onTestFinished(() => second.stop())
    // server-everything answers 400, not 404, to a session it does not know.
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => send(upstream, echo())))
    for (const outcome of outcomes) expect(textOf(outcome)).toBe('Echo: hi')
    expect(upstream.health()).toMatchObject({ state: 'ready', restarts: 1 })
  })

  test('is replayed once only: a server that forgets every session ends in a fault', async () => {
    let opened = 0
    const server = await peer(
      legacyServer(({ verb, body }) => {
        if (body.method === 'initialize') opened += 1
        return verb === 'POST' && body.method === 'tools/call'
          ? { status: 404, error: { code: -32001, message: 'Session not found' } }
          : undefined
      }),
    )
    const { upstream } = upstreamAt({ url: server.url, era: 'legacy' })
    expect(faultKind(await send(upstream, echo()))).toBe('upstream_error')
    expect(opened).toBe(2)
  })

  test.each([
    ['404', { status: 404, error: { code: -32001, message: 'Session not found' } }, 'session_unknown'],
    ['400 with words about it', { status: 400, error: { code: -32000, message: 'No valid session ID' }, id: null }, 'session_refused'],
  ])('lets a write be sent again, as a second attempt: %s', async (_how, reply, found) => {
    let executed = 0
    let opened = 0
    const server = await peer(
      legacyServer(({ body, headers }) => {
        if (body.method === 'initialize') {
          opened += 1
          return {
            headers: { 'mcp-session-id': `session-${opened}` },
            result: { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'old', version: '1' } },
          }
        }
        if (body.method !== 'tools/call') return undefined
        if (headers['mcp-session-id'] === 'session-1') return reply
        executed += 1
        return { result: { content: [{ type: 'text', text: 'done' }] } }
      }),
    )
    const { upstream } = upstreamAt({ url: server.url, era: 'legacy' })
    const leg = start(upstream, echo())
    expect(textOf(await leg.outcome)).toBe('done')
    expect([executed, opened, leg.exchange.fact('attempts'), leg.repeats]).toEqual([1, 2, 2, [found]])
  })

  test('again and again within seconds costs no call anything, as long as each new session served one', async () => {
    let opened = 0
    let known = ''
    const executed: number[] = []
    const server = await peer(
      legacyServer(({ verb, body, headers }) => {
        if (body.method === 'initialize') {
          opened += 1
          known = `session-${opened}`
          return {
            headers: { 'mcp-session-id': known },
            result: { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'old', version: '1' } },
          }
        }
        if (verb !== 'POST' || body.method !== 'tools/call') return undefined
        if (headers['mcp-session-id'] !== known) return { status: 400, error: { code: -32000, message: 'No valid session ID' }, id: null }
        executed.push(opened)
        return { result: { content: [{ type: 'text', text: 'done' }] } }
      }),
    )
    const { upstream } = upstreamAt({ url: server.url, era: 'legacy' })
    await send(upstream, echo())
    for (let restarts = 1; restarts <= 5; restarts += 1) {
      known = 'none'
      const legs = Array.from({ length: 5 }, () => start(upstream, echo()))
      for (const leg of legs) {
        expect(textOf(await leg.outcome)).toBe('done')
        expect(leg.repeats).toEqual(['session_refused'])
      }
    }
    expect([opened, executed.length]).toEqual([6, 26])
  })

  test('is no session any more where the server has learnt the modern revision: the call is made in that', async () => {
    let upgraded = false
    const old = legacyServer(() => undefined)
    const fresh = modernServer(({ body }) => {
      const claim = (body.params as { _meta?: Record<string, unknown> } | undefined)?._meta?.['io.modelcontextprotocol/protocolVersion']
      if (claim !== undefined) return undefined
      return { status: 400, error: { code: -32022, message: 'Unsupported protocol version', data: { supported: ['2026-07-28'] } } }
    })
    const server = await peer((request) => (upgraded ? fresh(request) : old(request)))
    const { upstream } = upstreamAt({ url: server.url })
    expect(textOf(await send(upstream, echo()))).toBe('done')
    expect(upstream.describe().revision).toBe('2025-06-18')
    upgraded = true
    expect(textOf(await send(upstream, echo()))).toBe('done')
    expect(upstream.describe().revision).toBe('2026-07-28')
  })

  test('leaves watches intact: they are renewed, and lists reported as changed', async () => {
    const first = await serveEverything('streamableHttp')
    const { upstream } = upstreamAt({ url: `http://127.0.0.1:${first.port}/mcp` })
    const heard: CallEvent[] = []
    const watch = upstream.watch({}, (event) => heard.push(event))
    await upstream.ready(never)
    const interest = { toolsListChanged: true, resourceSubscriptions: ['demo://resource/dynamic/text/1'] }
    expect(await watch.update(interest)).toEqual(interest)
    await first.stop()
    const second = await serveEverything('streamableHttp', first.port)
    onTestFinished(() => second.stop())
    await send(upstream, echo())
    await expect.poll(() => heard.some((event) => event.kind === 'changed')).toBe(true)
    // The subscription stands in the new session: the server's simulated updates reach the watch.
    await send(upstream, makeCall('tools/call', { name: 'toggle-subscriber-updates', arguments: {} }))
    await expect.poll(() => heard.some((event) => event.kind === 'updated'), { timeout: 7_000 }).toBe(true)
  })
})

describe('a child that dies', () => {
  const dying = (body: string) => ({
    command: process.execPath,
    args: [
      '-e',
      `let n=0;require('readline').createInterface({input:process.stdin}).on('line',(l)=>{const m=JSON.parse(l);
       const say=(r)=>console.log(JSON.stringify({jsonrpc:'2.0',id:m.id,...r}));
       if(m.method==='initialize')say({result:{protocolVersion:'2025-06-18',capabilities:{tools:{}},serverInfo:{name:'d',version:'1'}}});
       else if(m.method==='tools/call'){${body}} else if(m.id!==undefined)say({error:{code:-32601,message:'no'}})})`,
    ],
  })

  const hanging = {
    command: process.execPath,
    args: [
      '-e',
      `require('readline').createInterface({input:process.stdin}).on('line',(l)=>{const m=JSON.parse(l);
       const say=(r)=>console.log(JSON.stringify({jsonrpc:'2.0',id:m.id,result:r}));
       if(m.method==='initialize')say({protocolVersion:'2025-06-18',capabilities:{},serverInfo:{name:'h',version:'1'}});
       if(m.method==='server/discover')say({resultType:'complete',supportedVersions:['2026-07-28'],capabilities:{}});
       if(m.method==='tools/call'){if(m.params.name==='hang')for(;;);say({content:[]})}})`,
    ],
  }

  test('leaves the outcome of a write unknown, of a read retryable, and is started again', async () => {
    const { upstream, report } = upstreamAt(
      dying(`if(m.params.name==='die')process.exit(3);say({result:{content:[{type:'text',text:'alive'}]}})`),
    )
    const write = await send(upstream, makeCall('tools/call', { name: 'die' }))
    expect(write).toMatchObject({ kind: 'fault', fault: { kind: 'outcome_unknown', sideEffect: 'unknown' } })
    const traits = { readOnly: true, destructive: false, idempotent: true }
    const read = await send(upstream, makeCall('tools/call', { name: 'die' }, { item: { traits } }))
    expect(read).toMatchObject({ kind: 'fault', fault: { kind: 'upstream_unavailable', retryable: true, sideEffect: 'unknown' } })
    await expect
      .poll(async () => (await send(upstream, makeCall('tools/call', { name: 'live' }))).kind, { timeout: 5_000 })
      .toBe('complete')
    expect(report.counts.get('child_restarts up')).toBeGreaterThanOrEqual(2)
  })

  test('at its start is reported with its last words, and the next call fails at once', async () => {
    const { upstream } = upstreamAt({ command: process.execPath, args: ['-e', 'console.error("no database");process.exit(2)'] })
    const found = await upstream.ready(never)
    expect(found?.kind).toBe('upstream_start_failed')
    expect(JSON.stringify(found)).toContain('no database')
    expect(upstream.health().state).toBe('unavailable')
    const outcome = await send(upstream, echo())
    expect(outcome).toMatchObject({ kind: 'fault', fault: { kind: 'upstream_start_failed', sideEffect: 'none' } })
  })

  test.each(['legacy', 'modern'] as const)('only in part (it hangs) is ended after a deadline and replaced: %s', async (era) => {
    const { upstream, report } = upstreamAt({ ...hanging, era }, { timeouts: { probe: 200 } })
    expect(await upstream.ready(never)).toBeUndefined()
    const leg = start(upstream, makeCall('tools/call', { name: 'hang' }), { limits: { idleMs: 50, totalMs: 50 } })
    expect(faultKind(await leg.outcome)).toBe('upstream_timeout')
    await expect.poll(() => report.counts.get('child_restarts up'), { timeout: 5_000 }).toBe(1)
    expect((await send(upstream, makeCall('tools/call', { name: 'live' }))).kind).toBe('complete')
  })

  test('because its program does not exist is a matter of configuration', async () => {
    const { upstream } = upstreamAt({ command: '/no/such/program' })
    expect((await upstream.ready(never))?.kind).toBe('config_error')
  })

  test('of the probe is legacy: servers that cannot bear a request before initialize are served', async () => {
    const { upstream } = upstreamAt({
      command: process.execPath,
      args: [
        '-e',
        `require('readline').createInterface({input:process.stdin}).on('line',(l)=>{const m=JSON.parse(l);
         const say=(r)=>console.log(JSON.stringify({jsonrpc:'2.0',id:m.id,result:r}));
         if(m.method==='server/discover')process.exit(1);
         if(m.method==='initialize')say({protocolVersion:'2024-11-05',capabilities:{},serverInfo:{name:'rust',version:'1'}});
         if(m.method==='ping')say({})})`,
      ],
    })
    expect(await upstream.ready(never)).toBeUndefined()
    expect(upstream.describe()).toMatchObject({ revision: '2024-11-05', identity: { name: 'rust' } })
  })
})

describe('an answer that is no result', () => {
  const cases: [string, Reply | 'reset', string, Record<string, unknown>][] = [
    ['401', { status: 401 }, 'upstream_auth_failed', { sideEffect: 'none' }],
    ['403', { status: 403 }, 'upstream_auth_failed', { sideEffect: 'unknown' }],
    ['403 with a challenge', { status: 403, headers: { 'www-authenticate': 'Bearer' } }, 'upstream_auth_failed', { sideEffect: 'none' }],
    [
      '429 with Retry-After',
      { status: 429, headers: { 'retry-after': '2' } },
      'upstream_busy',
      { retryAfterMs: 2_000, sideEffect: 'unknown', retryable: false },
    ],
    ['503', { status: 503 }, 'upstream_busy', { sideEffect: 'unknown', retryable: false }],
    ['500', { status: 500 }, 'upstream_http_error', { sideEffect: 'unknown', retryable: false }],
    ['418', { status: 418 }, 'upstream_http_error', { sideEffect: 'unknown' }],
    ['307', { status: 307 }, 'upstream_http_error', { sideEffect: 'none' }],
    ['a cut connection', 'reset', 'outcome_unknown', { sideEffect: 'unknown' }],
    ['a page', { raw: '<html>', headers: { 'content-type': 'text/html' } }, 'upstream_protocol_error', {}],
    ['an unknown type of result', { result: { resultType: 'hologram' } }, 'upstream_protocol_error', {}],
    [
      'a revision refused',
      { status: 400, error: { code: -32022, message: 'no', data: { supported: ['x'] } } },
      'upstream_protocol_error',
      {},
    ],
    [
      'an error that says that nothing was executed',
      { error: { code: -32602, message: 'no such tool' } },
      'upstream_error',
      { sideEffect: 'none' },
    ],
    [
      'an error of its own, though the status is 503',
      { status: 503, error: { code: -31000, message: 'tired' } },
      'upstream_error',
      { sideEffect: 'unknown' },
    ],
    ['an error of its own', { error: { code: -31000, message: 'tired', data: { a: 1 } } }, 'upstream_error', { sideEffect: 'unknown' }],
  ]

  test.each(cases)('%s', async (_what, reply, kind, change) => {
    const server = await peer(modernServer(({ body }) => (body.method === 'tools/call' ? reply : undefined)))
    const { upstream } = upstreamAt({ url: server.url })
    const outcome = await send(upstream, echo())
    expect(faultKind(outcome)).toBe(kind)
    expect(outcome).toMatchObject({ fault: change })
  })

  test('a refused connection fails fast, is never a verdict, and heals', async () => {
    const port = await freePort()
    const { upstream } = upstreamAt({ url: `http://127.0.0.1:${port}/mcp` })
    expect((await upstream.ready(never))?.kind).toBe('upstream_unavailable')
    expect(upstream.health().state).toBe('unavailable')
    const served = await startFixture({ PORT: String(port), FIXTURE_ERA: 'modern' })
    onTestFinished(() => served.stop())
    await expect.poll(() => upstream.health().state, { timeout: 10_000 }).toBe('ready')
    expect(upstream.describe().revision).toBe('2026-07-28')
  })
})

describe('a modern request', () => {
  test('carries the envelope, the headers that repeat it, and only the client headers that are opted in to', async () => {
    const server = await peer(modernServer(() => undefined))
    const { upstream } = upstreamAt({
      url: server.url,
      headers: { 'X-Api-Key': 'k' },
      forwardHeaders: { 'X-Tenant': 'X-Customer' },
    })
    const headers = [{ path: ['region'], header: 'mcp-param-region', type: 'string' as const }]
    const call = makeCall(
      'tools/call',
      { name: 'up_weather', arguments: { region: 'Zürich' } },
      {
        capabilities: { sampling: {} },
        logLevel: 'info',
        headers: { 'x-tenant': 't1', authorization: 'Bearer canary' },
        item: { name: 'weather', headers },
      },
    )
    expect((await send(upstream, call)).kind).toBe('complete')
    const sent = server.requests.find(({ body }) => body.method === 'tools/call')
    expect(sent?.headers).toMatchObject({
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'weather',
      'mcp-param-region': `=?base64?${Buffer.from('Zürich').toString('base64')}?=`,
      'x-api-key': 'k',
      'x-customer': 't1',
    })
    expect(sent?.headers.authorization).toBeUndefined()
    expect(sent?.body.params?.name).toBe('weather')
    expect(sent?.body.params?._meta).toEqual({
      'signalbox.dev/run': 'run-1',
      'signalbox.dev/deadline_ms': expect.any(Number),
      baggage: 'run.id=run-1',
      traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/),
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'signalbox', version: '0.0.0' },
      'io.modelcontextprotocol/clientCapabilities': { sampling: {} },
      'io.modelcontextprotocol/logLevel': 'info',
    })
  })

  test('whose headers are refused is sent once more with those of the tool as it is now', async () => {
    const schema = { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' } } }
    const server = await peer(
      modernServer(({ body, headers }) => {
        if (body.method === 'tools/list')
          return { result: { resultType: 'complete', ttlMs: 0, cacheScope: 'private', tools: [{ name: 'w', inputSchema: schema }] } }
        const wrong = body.method === 'tools/call' && headers['mcp-param-region'] !== 'eu'
        return wrong ? { status: 400, error: { code: -32020, message: 'Mcp-Param-Region is missing' } } : undefined
      }),
    )
    const { upstream } = upstreamAt({ url: server.url })
    expect((await send(upstream, makeCall('tools/call', { name: 'w', arguments: { region: 'eu' } }))).kind).toBe('complete')
    expect(faultKind(await send(upstream, makeCall('tools/call', { name: 'other', arguments: {} })))).toBe('upstream_protocol_error')
  })

  test('gives a relayed state back as it was, and absent stays absent', async () => {
    const server = await peer(
      modernServer(({ body }) =>
        body.method === 'tools/call' && body.params?.inputResponses === undefined
          ? { result: { resultType: 'input_required', inputRequests: { a: { method: 'roots/list' } }, requestState: 'ünï "code" \u0000' } }
          : undefined,
      ),
    )
    const { upstream } = upstreamAt({ url: server.url })
    const call = makeCall('tools/call', { name: 'w', arguments: {} })
    const first = await send(upstream, call)
    expect(first).toMatchObject({ kind: 'input_required', continuation: { kind: 'relayed', inner: 'ünï "code" \u0000' } })
    expect(first.kind === 'input_required' && (first.requests.json() as object)).not.toHaveProperty('requestState')
    const params = call.params.edit([{ path: ['inputResponses'], value: '{"a":{"roots":[]}}' }])
    await send(upstream, { ...call, params, continuation: { kind: 'relayed', inner: 'ünï "code" \u0000' } })
    expect(server.requests.at(-1)?.body.params?.requestState).toBe('ünï "code" \u0000')
    await send(upstream, { ...call, params, continuation: { kind: 'relayed', inner: undefined } })
    expect(server.requests.at(-1)?.body.params).not.toHaveProperty('requestState')
  })

  test('passes a task and the requests about it through', async () => {
    const server = await peer(
      modernServer(({ body, headers }) => {
        if (body.method === 'tools/call') return { result: { resultType: 'task', taskId: 't9', status: 'working' } }
        if (body.method === 'tasks/get') return { result: { resultType: 'complete', taskId: headers['mcp-name'], status: 'completed' } }
        return undefined
      }),
    )
    const { upstream } = upstreamAt({ url: server.url })
    expect(await send(upstream, echo())).toMatchObject({ kind: 'task', handle: 't9' })
    const got = await send(upstream, makeCall('tasks/get', { taskId: 't9' }))
    expect(got.kind === 'complete' && got.result.json()).toMatchObject({ taskId: 't9', status: 'completed' })
  })

  test('to a server that has become an old one finds that out, and the call is still executed once', async () => {
    let modern = true
    const young = modernServer(() => undefined)
    const old = legacyServer(() => undefined)
    const server = await peer((request) => (modern ? young(request) : old(request)))
    const { upstream } = upstreamAt({ url: server.url })
    expect((await send(upstream, echo())).kind).toBe('complete')
    modern = false
    expect((await send(upstream, echo())).kind).toBe('complete')
    expect(upstream.describe().revision).toBe('2025-06-18')
    const executed = server.requests.filter(({ body, headers }) => body.method === 'tools/call' && headers['mcp-session-id'] === 's1')
    expect(executed).toHaveLength(1)
  })

  test('that is abandoned closes its stream, so that the server can stop', async () => {
    let closed = false
    const server = await peer(
      modernServer(({ body, gone }) => {
        if (body.method !== 'tools/call') return undefined
        void gone.then(() => {
          closed = true
        })
        return 'hang'
      }),
    )
    const { upstream } = upstreamAt({ url: server.url })
    const leg = start(upstream, echo())
    await expect.poll(() => server.requests.some(({ body }) => body.method === 'tools/call')).toBe(true)
    leg.exchange.end('client_gone')
    expect(faultKind(await leg.outcome)).toBe('cancelled')
    await expect.poll(() => closed).toBe(true)
  })
})

describe('a list', () => {
  test('whose cursor does not advance is ended, and says why', async () => {
    const page = { resultType: 'complete', ttlMs: 0, cacheScope: 'private', tools: [{ name: 'a' }], nextCursor: 'same' }
    const server = await peer(modernServer(({ body }) => (body.method === 'tools/list' ? { result: page } : undefined)))
    const { upstream } = upstreamAt({ url: server.url })
    let count = 0
    const read = async (): Promise<void> => {
      for await (const _ of upstream.items('tool', never)) count += 1
    }
    await expect(read()).rejects.toThrow('a second time')
    expect(count).toBe(2)
  })

  test('keeps 64-bit integers and unknown fields, byte for byte', async () => {
    const raw = (id: unknown) =>
      `{"jsonrpc":"2.0","id":${id},"result":{"resultType":"complete","tools":[{"name":"a","max":9007199254740993,"é":"\\u00e9"}]}}`
    const server = await peer(modernServer(({ body }) => (body.method === 'tools/list' ? { raw: raw(body.id) } : undefined)))
    const { upstream } = upstreamAt({ url: server.url })
    const items = []
    for await (const item of upstream.items('tool', never)) items.push(Buffer.from(item.bytes).toString())
    expect(items).toEqual(['{"name":"a","max":9007199254740993,"é":"\\u00e9"}'])
  })

  test('that fails throws the fault', async () => {
    const server = await peer(modernServer(({ body }) => (body.method === 'tools/list' ? { status: 500 } : undefined)))
    const { upstream } = upstreamAt({ url: server.url })
    const read = async (): Promise<void> => {
      for await (const _ of upstream.items('tool', never)) {
      }
    }
    await expect(read()).rejects.toThrow(UpstreamFault)
  })
})

describe('connections', () => {
  test('of a child are one a principal, of a shared child one in all', async () => {
    for (const [sharing, expected] of [
      ['principal', 3],
      ['shared', 1],
    ] as const) {
      const { upstream } = upstreamAt({ ...everythingStdio, era: 'legacy', sharing })
      await Promise.all(['ann', 'ben', 'ann'].map((principal) => send(upstream, echo({ principal }))))
      expect(upstream.health().connections).toBe(expected)
    }
  })

  test('of an HTTP server with sessions are one a client session', async () => {
    let opened = 0
    const server = await peer(
      legacyServer(({ body }) => {
        if (body.method === 'initialize') opened += 1
        return undefined
      }),
    )
    const { upstream } = upstreamAt({ url: server.url })
    for (const affinity of ['one', 'two', 'one', undefined]) {
      await send(upstream, echo({ principal: 'ann', ...(affinity === undefined ? {} : { affinity }) }))
    }
    // Home, two sessions, and the principal's own.
    expect(opened).toBe(4)
  })

  test('of a server without sessions are one', async () => {
    let opened = 0
    const server = await peer(
      legacyServer(({ body }) => {
        if (body.method === 'tools/call') return { result: { content: [] } }
        if (body.method !== 'initialize') return undefined
        opened += 1
        return { result: { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 's', version: '1' } } }
      }),
    )
    const { upstream } = upstreamAt({ url: server.url })
    for (const affinity of ['one', 'two', 'three']) expect((await send(upstream, echo({ affinity }))).kind).toBe('complete')
    expect(opened).toBe(1)
  })
})
