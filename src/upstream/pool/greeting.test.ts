// How a server is found out and greeted: what it says before its answer, what it refuses of us, and what it does with a probe that it does
// not know.
import { describe, expect, onTestFinished, test } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { peer, upstreamAt } from '../../../test/doubles/upstream/for-one-test.ts'
import { legacyServer, modernServer, type Reply, type Request, type Script } from '../../../test/doubles/upstream/scripted-http.ts'
import { type ScriptedServer, startScripted } from '../../../test/doubles/upstream/scripted-server.ts'
import { asksAll, makeCall, send, textOf } from '../../../test/doubles/upstream/upstream-rig.ts'

const never = new AbortController().signal
const echo = (options = {}) => makeCall('tools/call', { name: 'echo', arguments: { message: 'hi' } }, options)
const declaredBy = ({ body }: Pick<Request, 'body'>) => (body.params?.capabilities ?? {}) as Record<string, Record<string, unknown>>
const versionOf = ({ body }: Pick<Request, 'body'>) => body.params?.protocolVersion

/** A child in a few lines: `m` is the message that came, `say` answers it. */
const child = (body: string) => ({
  command: process.execPath,
  args: [
    '-e',
    `require('readline').createInterface({input:process.stdin}).on('line',(l)=>{const m=JSON.parse(l);
     const put=(o)=>console.log(JSON.stringify({jsonrpc:'2.0',...o})); const say=(o)=>put({id:m.id,...o});
     const greet=(protocolVersion)=>say({result:{protocolVersion,capabilities:{tools:{}},serverInfo:{name:'child',version:'1'}}});
     ${body}
     else if(m.method==='tools/call')say({result:{content:[{type:'text',text:'done'}]}});
     else if(m.id!==undefined&&m.method!==undefined)say({error:{code:-32601,message:'no'}})})`,
  ],
})

/** As the Java SDK before 1.0 reads capabilities: a member that it does not know fails the message. */
function isStrange(declared: Record<string, Record<string, unknown>>, known: readonly string[]): boolean {
  if (Object.keys(declared).some((name) => !known.includes(name))) return true
  return Object.keys(declared.sampling ?? {}).length > 0 || Object.keys(declared.elicitation ?? {}).length > 0
}

const unrecognized =
  'Unrecognized field "tools" (class io.modelcontextprotocol.spec.McpSchema$ClientCapabilities$Sampling), not marked as ignorable'
/** What its versions say: an error for the request, an error that is none, a bare status. */
const refusals: [string, Reply | 'reset'][] = [
  ['an error', { error: { code: -32603, message: unrecognized } }],
  ['an error with HTTP 400', { status: 400, error: { code: -32600, message: unrecognized }, id: null }],
  ['HTTP 400 with a member that JSON-RPC does not have', { status: 400, raw: JSON.stringify({ jsonRpcError: { message: unrecognized } }) }],
  ['HTTP 500', { status: 500 }],
  ['a connection that breaks', 'reset'],
]

describe('a server that refuses what it does not know of our capabilities', () => {
  test.each(refusals)('is told what every revision understands: %s', async (_how, refusal) => {
    const server = await peer(
      legacyServer((request) =>
        request.body.method === 'initialize' && isStrange(declaredBy(request), ['sampling', 'elicitation', 'roots']) ? refusal : undefined,
      ),
    )
    const { upstream } = upstreamAt({ url: server.url })
    expect(textOf(await send(upstream, echo({ capabilities: asksAll })))).toBe('done')
    const greetings = server.requests.filter(({ body }) => body.method === 'initialize')
    const plain = { sampling: {}, elicitation: {}, roots: { listChanged: true } }
    expect(greetings.map(declaredBy).slice(1)).toEqual(greetings.slice(1).map(() => plain))
    expect(greetings.length).toBeGreaterThan(1)
  })

  test.each(refusals.filter(([, reply]) => reply !== 'reset'))(
    'and knows no elicitation at all is told what the first revision has: %s',
    async (_how, refusal) => {
      const server = await peer(
        legacyServer((request) =>
          request.body.method === 'initialize' && isStrange(declaredBy(request), ['sampling', 'roots']) ? refusal : undefined,
        ),
      )
      const { upstream } = upstreamAt({ url: server.url })
      expect(await upstream.ready(never)).toBeUndefined()
      expect(textOf(await send(upstream, echo({ affinity: 's' })))).toBe('done')
      const greetings = server.requests.filter(({ body }) => body.method === 'initialize')
      // Three at the first connection; the second knows what was learned.
      expect(greetings.map((one) => [versionOf(one), 'elicitation' in declaredBy(one)])).toEqual([
        ['2025-11-25', true],
        ['2025-11-25', true],
        ['2024-11-05', false],
        ['2024-11-05', false],
      ])
    },
  )

  test.each(['auto', 'legacy'])('as a child, too: era %s', async (era) => {
    const strict = child(
      `if(m.method==='initialize'){const c=m.params.capabilities;
         if(Object.keys({...c.sampling,...c.elicitation}).length>0)say({error:{code:-32603,message:'Unrecognized field'}});else greet('2025-06-18')}`,
    )
    const { upstream } = upstreamAt({ ...strict, era })
    expect(await upstream.ready(never)).toBeUndefined()
    expect(textOf(await send(upstream, echo({ capabilities: asksAll })))).toBe('done')
  })
})

describe('a server whose answer shows that it knows more', () => {
  const answering = (refuse = false): Script =>
    legacyServer((request) => {
      if (request.body.method !== 'initialize') return undefined
      if (refuse && Object.keys(declaredBy(request).sampling ?? {}).length > 0) return { error: { code: -32603, message: unrecognized } }
      return {
        headers: { 'mcp-session-id': 's1' },
        result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'new', version: '1' } },
      }
    })
  const full = { sampling: { tools: {}, context: {} }, elicitation: { form: {}, url: {} }, roots: { listChanged: true } }
  const plain = { sampling: {}, elicitation: {}, roots: { listChanged: true } }

  test('is told all of it, by the connection for lists too, which may depend on it', async () => {
    const server = await peer(answering())
    const { upstream } = upstreamAt({ url: server.url, era: 'legacy' })
    await upstream.ready(never)
    expect(textOf(await send(upstream, echo({ affinity: 's', capabilities: asksAll })))).toBe('done')
    expect(server.requests.filter(({ body }) => body.method === 'initialize').map(declaredBy)).toEqual([full, full])
  })

  test('and refuses it all the same keeps what it takes', async () => {
    const server = await peer(answering(true))
    const { upstream } = upstreamAt({ url: server.url, era: 'legacy' })
    await upstream.ready(never)
    for (const affinity of ['one', 'two']) expect(textOf(await send(upstream, echo({ affinity, capabilities: asksAll })))).toBe('done')
    expect(server.requests.filter(({ body }) => body.method === 'initialize').map(declaredBy)).toEqual([full, plain, plain, plain])
  })

  test.each(['auto', 'legacy'])('is told so as a child: era %s', async (era) => {
    const telling = child(
      `if(m.method==='initialize'){global.c=m.params.capabilities;greet('2025-11-25')}
       else if(m.method==='tools/call')say({result:{content:[{type:'text',text:JSON.stringify(global.c)}]}})`,
    )
    const { upstream } = upstreamAt({ ...telling, era })
    await upstream.ready(never)
    expect(JSON.parse(textOf(await send(upstream, echo({ capabilities: asksAll }))))).toEqual(full)
  })

  test('and dies of it, as a child, is started once more without', async () => {
    const dying = child(
      `if(m.method==='initialize'){if(Object.keys(m.params.capabilities.sampling).length>0)process.exit(1);greet('2025-11-25')}`,
    )
    const { upstream } = upstreamAt(dying)
    expect(await upstream.ready(never)).toBeUndefined()
    expect(textOf(await send(upstream, echo()))).toBe('done')
  })
})

describe('a server that refuses our revision', () => {
  const only = (revisions: readonly string[], refusal: (asked: unknown) => Reply): Script =>
    legacyServer((request) => {
      if (request.body.method !== 'initialize') return undefined
      if (!revisions.includes(String(versionOf(request)))) return refusal(versionOf(request))
      return {
        headers: { 'mcp-session-id': 's1' },
        result: { protocolVersion: versionOf(request), capabilities: { tools: {} }, serverInfo: { name: 'old', version: '1' } },
      }
    })
  const message = 'Unsupported protocol version'

  test.each<[string, string, (asked: unknown) => Reply]>([
    [
      'in the data of the error',
      '2025-03-26',
      (requested) => ({ error: { code: -32602, message, data: { supported: ['2024-11-05', '2025-03-26'], requested } } }),
    ],
    [
      'in its words',
      '2025-03-26',
      (asked) => ({ error: { code: -32602, message: `${message}: ${asked} (supported: 2025-03-26, 2024-11-05)` } }),
    ],
    [
      'in its words, with HTTP 400 and no id',
      '2025-06-18',
      () => ({ status: 400, id: null, error: { code: -32000, message: `${message} (supported versions: 2025-06-18, 2025-03-26)` } }),
    ],
    [
      'with an id of its own',
      '2025-06-18',
      () => ({ status: 400, id: 'server-error', error: { code: -32600, message: `${message}. Supported: 2025-06-18` } }),
    ],
  ])('and lists older ones %s gets one of those', async (_where, revision, refusal) => {
    const server = await peer(only([revision], refusal))
    const { upstream } = upstreamAt({ url: server.url })
    expect(textOf(await send(upstream, echo()))).toBe('done')
    expect(upstream.describe().revision).toBe(revision)
    // Later sessions begin with it.
    const before = server.requests.filter(({ body }) => body.method === 'initialize').length
    expect(textOf(await send(upstream, echo({ affinity: 's' })))).toBe('done')
    expect(
      server.requests
        .filter(({ body }) => body.method === 'initialize')
        .slice(before)
        .map(versionOf),
    ).toEqual([revision])
  })

  test.each<[string, (asked: unknown) => Reply]>([
    ['says so', (asked) => ({ error: { code: -32602, message: `${message}: ${asked}` } })],
    [
      'answers with one that is none',
      () => ({
        headers: { 'mcp-session-id': 's0' },
        result: { protocolVersion: '1.0', capabilities: {}, serverInfo: { name: 'x', version: '1' } },
      }),
    ],
    ['answers HTTP 400', () => ({ status: 400 })],
  ])('and lists none, but %s, gets an older one', async (_what, refusal) => {
    const server = await peer(only(['2024-11-05'], refusal))
    const { upstream } = upstreamAt({ url: server.url })
    expect(textOf(await send(upstream, echo()))).toBe('done')
    expect(upstream.describe().revision).toBe('2024-11-05')
  })

  test('and has nothing that is known here is asked once, and says what it has', async () => {
    const server = await peer(only([], () => ({ error: { code: -32602, message, data: { supported: ['2099-01-01'] } } })))
    const { upstream } = upstreamAt({ url: server.url, era: 'legacy', transport: 'streamable-http' })
    expect(await upstream.ready(never)).toMatchObject({ kind: 'upstream_error' })
    expect(server.requests.filter(({ body }) => body.method === 'initialize')).toHaveLength(1)
  })

  test('as a child, gets one of those that it lists', async () => {
    const { upstream } = upstreamAt(
      child(
        `if(m.method==='initialize'){if(m.params.protocolVersion!=='2025-03-26')
         say({error:{code:-32602,message:'Unsupported protocol version',data:{supported:['2025-03-26']}}});else greet('2025-03-26')}`,
      ),
    )
    expect(await upstream.ready(never)).toBeUndefined()
    expect(upstream.describe().revision).toBe('2025-03-26')
  })
})

describe('what a server sends before its answer to initialize', () => {
  const asking = (method: string) =>
    child(
      `if(m.method==='initialize'){global.first=m.id;put({method:'notifications/message',params:{level:'info',data:'starting'}});put({id:'early',method:'${method}'})}
       else if(m.id==='early'){m.id=global.first;greet('2025-06-18')}`,
    )

  test.each(['ping', 'roots/list', 'sampling/createMessage'])('is answered, so that it goes on: %s of a child', async (method) => {
    const { upstream } = upstreamAt({ ...asking(method), era: 'legacy' })
    expect(await upstream.ready(never)).toBeUndefined()
    expect(textOf(await send(upstream, echo()))).toBe('done')
  })

  test('is answered on the stream of the request over HTTP', async () => {
    let greet = (): void => {}
    const server = await startScripted((asked, response) => {
      const message = asked.body === '' ? {} : JSON.parse(asked.body)
      if (asked.method !== 'POST') return void response.writeHead(405).end()
      if (message.id === 'early') {
        greet()
        return void response.writeHead(202).end()
      }
      if (message.method !== 'initialize') return void response.writeHead(message.id === undefined ? 202 : 400).end()
      const put = (said: object) => response.write(`event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', ...said })}\n\n`)
      response.writeHead(200, { 'content-type': 'text/event-stream', 'mcp-session-id': 's1' })
      put({ id: 'early', method: 'ping' })
      greet = () => {
        put({ id: message.id, result: { protocolVersion: '2025-06-18', capabilities: {}, serverInfo: { name: 'p', version: '1' } } })
        response.end()
      }
    })
    onTestFinished(() => server.stop())
    const { upstream } = upstreamAt({ url: server.url })
    expect(await upstream.ready(never)).toBeUndefined()
    const answer = server.asked.find(({ body }) => body.includes('"early"'))
    expect([answer?.headers['mcp-session-id'], JSON.parse(answer?.body ?? '{}')]).toEqual([
      's1',
      { jsonrpc: '2.0', id: 'early', result: {} },
    ])
  })
})

describe('a server of our revision that refuses the first request for its revision, and lists ours', () => {
  const unsupported = { code: -32022, message: 'Unsupported protocol version', data: { supported: ['2026-07-28'] } }

  test.each<[string, number]>([
    ['once', 1],
    ['each time', 1_000],
  ])('is asked once more: %s', async (_how, refusals) => {
    let refused = 0
    const server = await peer(
      modernServer(({ body }) => {
        if (body.method === 'initialize') return { status: 404, error: { code: -32601, message: 'Method not found' } }
        if (body.method !== 'server/discover' || refused >= refusals) return undefined
        refused += 1
        return { status: 400, error: unsupported }
      }),
    )
    const { upstream } = upstreamAt({ url: server.url })
    const failed = await upstream.ready(never)
    const asked = server.requests.map(({ body }) => body.method)
    expect(asked.slice(0, 2)).toEqual(['server/discover', 'server/discover'])
    expect(failed === undefined).toBe(refusals === 1)
    expect(asked.filter((method) => method === 'server/discover')).toHaveLength(2)
    if (refusals === 1) expect(asked).not.toContain('initialize')
  })
})

describe('a server with initialize that answers the probe badly', () => {
  test.each<[string, Reply | 'reset']>([
    ['401', { status: 401 }],
    ['401 with a challenge', { status: 401, headers: { 'www-authenticate': 'Bearer' } }],
    ['403', { status: 403 }],
    ['429', { status: 429 }],
    ['500', { status: 500 }],
    ['503', { status: 503 }],
    ['a reset', 'reset'],
    ['a list of revisions that nobody knows', { result: { supportedVersions: ['2099-01-01'] } }],
  ])('is greeted all the same: %s', async (_what, reply) => {
    const server = await peer(legacyServer(({ body }) => (body.method === 'server/discover' ? reply : undefined)))
    const { upstream } = upstreamAt({ url: server.url })
    expect(await upstream.ready(never)).toBeUndefined()
    expect(textOf(await send(upstream, echo()))).toBe('done')
    expect(upstream.describe().revision).toBe('2025-06-18')
  })

  test('with silence, too; what that is worth is found out later, beside the calls', async () => {
    const clock = new ManualClock()
    let isModern = false
    const old = legacyServer(({ body }) => (body.method === 'server/discover' ? 'hang' : undefined))
    const young = modernServer(() => undefined)
    const server = await peer((request) => (isModern && request.body.params?._meta !== undefined ? young(request) : old(request)))
    const { upstream } = upstreamAt({ url: server.url }, { clock })
    const asked = (method: string) => server.requests.filter(({ body }) => body.method === method).length
    const ready = upstream.ready(never)
    await expect.poll(() => asked('server/discover')).toBe(1)
    await clock.advance(4_000)
    await expect.poll(() => asked('notifications/initialized')).toBe(1)
    await clock.advance(1_000)
    expect(await ready).toBeUndefined()
    expect(upstream.describe().revision).toBe('2025-06-18')
    // The look has all the time of a start, and costs nobody anything.
    await clock.advance(5_000)
    await expect.poll(() => asked('server/discover')).toBe(2)
    expect(textOf(await send(upstream, echo()))).toBe('done')
    await clock.advance(30_000)
    expect(upstream.describe().revision).toBe('2025-06-18')
    isModern = true
    await clock.advance(20_000)
    const revision = () => clock.advance(1).then(() => upstream.describe().revision)
    await expect.poll(revision).toBe('2026-07-28')
    expect(textOf(await send(upstream, echo()))).toBe('done')
  })

  test('once, and well when it is looked at again, is believed from then on', async () => {
    const clock = new ManualClock()
    let hangs = true
    const server = await peer(legacyServer(({ body }) => (body.method === 'server/discover' && hangs ? { status: 500 } : undefined)))
    const { upstream } = upstreamAt({ url: server.url }, { clock })
    expect(await upstream.ready(never)).toBeUndefined()
    hangs = false
    const asked = () => server.requests.filter(({ body }) => body.method === 'server/discover').length
    await clock.advance(5_000)
    await expect.poll(asked).toBe(2)
    await clock.advance(3_600_000)
    expect(asked()).toBe(2)
  })
})

describe('an address of HTTP+SSE', () => {
  const sseOnly = async (status: number): Promise<ScriptedServer> => {
    let put: (said: object) => void = () => {}
    const server = await startScripted((asked, response) => {
      if (asked.method === 'GET') {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write('event: endpoint\ndata: /messages?session=1\n\n')
        put = (said) => void response.write(`event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', ...said })}\n\n`)
        return
      }
      if (!asked.path.startsWith('/messages')) return void response.writeHead(status).end('no')
      response.writeHead(202).end()
      const { id, method, params } = JSON.parse(asked.body)
      if (method === 'initialize') {
        put({
          id,
          result: { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'sse', version: '1' } },
        })
      } else if (id !== undefined) put({ id, result: { content: [{ type: 'text', text: 'done' }] } })
    })
    onTestFinished(() => server.stop())
    return server
  }

  test.each([400, 401, 403, 404, 405, 406, 415, 429, 500, 501, 503])('that answers a POST with %i is found', async (status) => {
    const server = await sseOnly(status)
    const { upstream } = upstreamAt({ url: server.url })
    expect(textOf(await send(upstream, echo()))).toBe('done')
    expect(upstream.describe().transport).toBe('sse')
  })
})

describe('a server that cannot be found out', () => {
  test.each<[string, Reply | 'reset']>([
    ['401', { status: 401 }],
    ['403', { status: 403 }],
    ['404', { status: 404 }],
    ['429', { status: 429 }],
    ['500', { status: 500 }],
    ['a reset', 'reset'],
    ['a page', { raw: '<html>', headers: { 'content-type': 'text/html' } }],
    ['an error', { error: { code: -32000, message: 'no' } }],
  ])('is reported with the settings that pin what it speaks: %s', async (_what, reply) => {
    const server = await peer(() => reply)
    const { upstream } = upstreamAt({ url: server.url })
    const found = await upstream.ready(never)
    for (const said of [found?.message, upstream.health().reason]) {
      expect(said).toContain('`era:`')
      expect(said).toContain('`transport:`')
      expect(said).not.toContain('refused the credential')
    }
  })

  test.each<[string, Record<string, unknown>, string]>([
    ['transport', { transport: 'streamable-http' }, '`era:`'],
    ['era', { era: 'legacy' }, '`transport:`'],
  ])('is reported with the one that is left to set where the %s is set', async (_what, settings, setting) => {
    const server = await peer(() => ({ status: 404 }))
    const { upstream } = upstreamAt({ url: server.url, ...settings })
    expect((await upstream.ready(never))?.message).toContain(`found out by trying; ${setting} of the server says it instead.`)
  })

  test.each([
    ['refuses all', `if(m.method==='initialize')say({error:{code:-32603,message:'no'}})`],
    ['is not understood', `if(m.method==='initialize')say({result:7})`],
  ])('as a child that %s, with `era:`', async (_how, body) => {
    const { upstream } = upstreamAt(child(body))
    expect((await upstream.ready(never))?.message).toContain('`era:` of the server says it instead.')
  })

  test.each(['process.exit(2)', `process.stderr.write('no key');process.exit(1)`])(
    'as a child that ends, with how it ended alone: %s',
    async (code) => {
      const { upstream } = upstreamAt({ command: process.execPath, args: ['-e', code] })
      const found = await upstream.ready(never)
      expect(found?.kind).toBe('upstream_start_failed')
      expect(found?.message).toMatch(/exit/)
      expect(found?.message).not.toContain('`era:`')
    },
  )

  test('names the credential where one was sent', async () => {
    const server = await peer(() => ({ status: 401 }))
    const { upstream } = upstreamAt({ url: server.url, headers: { authorization: 'Bearer x' } })
    expect((await upstream.ready(never))?.message).toContain('refused the credential of the gateway')
  })
})
