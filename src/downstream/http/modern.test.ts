import { once } from 'node:events'
import { connect } from 'node:net'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { afterEach, describe, expect, it } from 'vitest'
import { eventsOf, modernBody, modernHeaders, type OpenDoor, open, openDoor, send } from '../../../test/doubles/downstream/http-peer.ts'
import { type Answering, type ContextChange, completed, testContext, testGateway } from '../../../test/doubles/downstream/test-gateway.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import type { CallEvent, Exchange } from '../../core/call/exchange.ts'
import { failed, type Outcome } from '../../core/call/outcome.ts'
import { payload, payloadOf } from '../../core/call/payload.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { metaKey, modernRevision } from '../../core/protocol/names.ts'

const doors: OpenDoor[] = []
const clients: Client[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
  for (const { door } of doors.splice(0)) await door.close()
})

async function start(answering: Answering, change: ContextChange & { mounts?: string[] } = {}) {
  const gateway = testGateway(answering, change.mounts === undefined ? {} : { mounts: change.mounts })
  const context = testContext(gateway, change)
  const at = await openDoor(context)
  doors.push(at)
  return { at, gateway, context }
}

async function sdk(at: OpenDoor): Promise<Client> {
  const client = new Client({ name: 'sdk', version: '2.4' }, { versionNegotiation: { mode: { pin: modernRevision } } })
  clients.push(client)
  await client.connect(new StreamableHTTPClientTransport(new URL(at.url)))
  return client
}

const progress = (n: number): CallEvent => ({ kind: 'progress', params: payloadOf({ progressToken: 'upstream', progress: n }) })
const logged = (level: 'debug' | 'error'): CallEvent => ({ kind: 'log', level, params: payloadOf({ level, data: 'x' }) })
const discovered = { capabilities: { tools: { listChanged: true } }, instructions: 'Hello' }
const tool = { name: 'echo', inputSchema: { type: 'object' } }

/** Answers discovery and lists as a gateway does; tools/call by `onCall`. */
function serving(onCall: Answering): Answering {
  return (call, exchange) => {
    if (call.method === 'server/discover') return completed(discovered)
    if (call.method === 'tools/list') return completed({ tools: [tool] })
    return onCall(call, exchange)
  }
}

/** Resolves when the exchange ends. */
function untilEnd(exchange: Exchange): Promise<void> {
  return new Promise((resolve) => exchange.signal.addEventListener('abort', () => resolve()))
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve))
}

function callTool(at: OpenDoor, params: Record<string, unknown> = {}, meta: Record<string, unknown> = {}, id: unknown = 1) {
  const body = modernBody('tools/call', { name: 'echo', ...params }, meta, id)
  return send(at.port, { headers: modernHeaders('tools/call', 'echo'), body })
}

describe('an SDK client of today', () => {
  it('discovers, lists and calls', async () => {
    const { at, gateway } = await start(serving(() => completed({ content: [{ type: 'text', text: 'hi' }] })))
    const client = await sdk(at)
    expect(client.getServerVersion()).toMatchObject({ name: 'signalbox-test' })
    expect((await client.listTools()).tools.map((each) => each.name)).toEqual(['echo'])
    expect((await client.callTool({ name: 'echo', arguments: { a: 1 } })).content).toEqual([{ type: 'text', text: 'hi' }])
    await until(() => gateway.calls.every((each) => each.delivery === 'delivered'))
    const { caller, params } = gateway.calls.at(-1)?.call ?? {}
    expect(caller).toMatchObject({ client: { name: 'sdk' }, arrival: { transport: 'http', revision: modernRevision } })
    expect(params?.json()).toEqual({ name: 'echo', arguments: { a: 1 } })
  })

  it('sees progress under its own token, in order, and then the result', async () => {
    const { at } = await start(
      serving((_call, exchange) => {
        for (let n = 1; n <= 5; n += 1) exchange.sink.emit(progress(n))
        return completed({ content: [] })
      }),
    )
    const client = await sdk(at)
    const seen: number[] = []
    await client.callTool({ name: 'echo' }, { onprogress: ({ progress: n }) => void seen.push(n) })
    expect(seen).toEqual([1, 2, 3, 4, 5])
  })

  it('cancels its call by going away', async () => {
    const { at, gateway } = await start(
      serving(async (_call, exchange) => {
        await untilEnd(exchange)
        return failed(fault('cancelled', { reason: 'client_gone' }))
      }),
    )
    const client = await sdk(at)
    const abort = new AbortController()
    const call = client.callTool({ name: 'echo' }, { signal: abort.signal })
    await until(() => gateway.calls.at(-1)?.call.method === 'tools/call')
    abort.abort()
    await expect(call).rejects.toThrow()
    await until(() => gateway.calls.at(-1)?.delivery === 'client_gone')
    expect(gateway.calls.at(-1)?.exchange.signal.reason).toBe('client_gone')
  })

  it('answers the questions of a multi-round-trip request', async () => {
    const question = {
      method: 'elicitation/create',
      params: { mode: 'form', message: 'Name?', requestedSchema: { type: 'object', properties: { name: { type: 'string' } } } },
    }
    const { at } = await start(
      serving((call): Outcome => {
        const params = call.params.json() as { inputResponses?: Record<string, unknown>; requestState?: string }
        if (params.requestState === undefined) {
          return {
            kind: 'input_required',
            requests: payloadOf({ inputRequests: { q: question } }),
            continuation: { kind: 'relayed', inner: undefined },
            sealed: 'sealed!',
          }
        }
        return completed({ content: [{ type: 'text', text: JSON.stringify([params.requestState, params.inputResponses]) }] })
      }),
    )
    const client = new Client(
      { name: 'sdk', version: '2.4' },
      { versionNegotiation: { mode: { pin: modernRevision } }, capabilities: { elicitation: { form: {} } } },
    )
    clients.push(client)
    client.setRequestHandler('elicitation/create', async () => ({ action: 'accept', content: { name: 'Ada' } }))
    await client.connect(new StreamableHTTPClientTransport(new URL(at.url)))
    const result = await client.callTool({ name: 'echo' })
    expect(JSON.stringify(result.content)).toContain('sealed!')
    expect(JSON.stringify(result.content)).toContain('Ada')
  })

  it('listens for changes', async () => {
    let exchange: Exchange | undefined
    const { at, context } = await start(
      serving(async (call, its) => {
        const { notifications } = call.params.json() as { notifications: Record<string, unknown> }
        exchange = its
        its.sink.emit({ kind: 'acknowledged', notifications })
        await untilEnd(its)
        return failed(fault('cancelled', { reason: 'over' }))
      }),
    )
    const client = new Client(
      { name: 'sdk', version: '2.4' },
      { versionNegotiation: { mode: { pin: modernRevision } }, listChanged: { tools: { autoRefresh: false, onChanged: () => changed() } } },
    )
    let changed = (): void => {}
    const heard = new Promise<void>((resolve) => {
      changed = resolve
    })
    clients.push(client)
    await client.connect(new StreamableHTTPClientTransport(new URL(at.url)))
    await until(() => exchange !== undefined)
    exchange?.sink.emit({ kind: 'changed', list: 'tools' })
    await heard
    expect(context.counted.get('events_dropped')).toBeUndefined()
  })
})

describe('an answer leaves as one body or as a stream', () => {
  it('is one JSON body where the result comes first', async () => {
    const { at } = await start(serving(() => completed({ content: [] })))
    const answer = await callTool(at, {}, { progressToken: 1 })
    expect(answer.headers['content-type']).toBe('application/json')
    expect(answer.headers['content-length']).toBe(String(answer.text.length))
    expect(answer.json).toMatchObject({
      id: 1,
      result: { resultType: 'complete', content: [], _meta: { [metaKey.serverInfo]: { name: 'signalbox-test' } } },
    })
  })

  it('is a stream as soon as an event comes first, each with the token of the client', async () => {
    const { at } = await start(
      serving((_call, exchange) => {
        exchange.sink.emit(progress(1))
        exchange.sink.emit(logged('debug'))
        exchange.sink.emit(logged('error'))
        return completed({ content: [] })
      }),
    )
    const answer = await callTool(at, {}, { progressToken: 'mine', [metaKey.logLevel]: 'warning' })
    expect(answer.headers).toMatchObject({ 'content-type': 'text/event-stream', 'x-accel-buffering': 'no', 'cache-control': 'no-cache' })
    const events = eventsOf(answer.text)
    expect(events.map((event) => event.method ?? 'result')).toEqual(['notifications/progress', 'notifications/message', 'result'])
    expect(events[0]?.params).toEqual({ progressToken: 'mine', progress: 1 })
    expect(events[1]?.params?.level).toBe('error')
  })

  it('keeps progress and log messages from a client that did not ask', async () => {
    const { at } = await start(
      serving((_call, exchange) => {
        exchange.sink.emit(progress(1))
        exchange.sink.emit(logged('error'))
        return completed({ content: [] })
      }),
    )
    expect((await callTool(at)).headers['content-type']).toBe('application/json')
  })

  it('commits its status late: a refusal of a stage is still a 400', async () => {
    const { at } = await start(serving(() => failed(fault('header_mismatch', { reason: 'mcp-param-x differs' }))))
    const answer = await callTool(at)
    expect(answer.status).toBe(400)
    expect(answer.json).toMatchObject({ id: 1, error: { code: -32020 } })
  })

  it('beats while a call is quiet, before its first event as well', async () => {
    const clock = new ManualClock()
    let release = (): void => {}
    const { at, gateway } = await start(
      serving(async () => {
        await new Promise<void>((resolve) => {
          release = resolve
        })
        return completed({ content: [] })
      }),
      { clock, http: { keepAliveMs: 1_000 } },
    )
    const answer = callTool(at)
    await until(() => gateway.calls.length === 1)
    for (let i = 0; i < 4; i += 1) {
      await clock.advance(500)
      await new Promise((resolve) => setImmediate(resolve))
    }
    release()
    const { text, headers } = await answer
    expect(headers['content-type']).toBe('text/event-stream')
    expect(text.startsWith(':\n\n:\n\n')).toBe(true)
    expect(eventsOf(text)).toHaveLength(1)
  })

  it('has no timer left when nothing runs', async () => {
    const clock = new ManualClock()
    const { at, gateway } = await start(
      serving(() => completed({ content: [] })),
      { clock },
    )
    await callTool(at)
    await until(() => gateway.calls[0]?.delivery === 'delivered')
    await clock.advance(60_000)
    expect(clock.pending).toBe(0)
  })
})

describe('what nobody has to change passes unharmed', () => {
  it('64-bit integers and unknown fields, both ways', async () => {
    const { at, gateway } = await start(
      serving(() => completed('{"content":[{"type":"hologram","big":9007199254740993}],"x-new":{"n":1e400}}')),
    )
    const body = modernBody('tools/call', { name: 'echo' }).replace('"name"', '"x-new":[18446744073709551615],"name"')
    const answer = await send(at.port, { headers: modernHeaders('tools/call', 'echo'), body })
    expect(answer.text).toContain('"content":[{"type":"hologram","big":9007199254740993}],"x-new":{"n":1e400}')
    const bytes = Buffer.from(gateway.calls[0]?.call.params.bytes ?? []).toString()
    expect(bytes).toBe('{"x-new":[18446744073709551615],"name":"echo"}')
  })

  it('64-bit ids and progress tokens', async () => {
    const { at } = await start(
      serving((_call, exchange) => {
        exchange.sink.emit(progress(1))
        return completed({ content: [] })
      }),
    )
    const body = modernBody('tools/call', { name: 'echo' }, { progressToken: 0 }, 0)
      .replace('"id":0', '"id":9007199254740993')
      .replace('"progressToken":0', '"progressToken":9007199254740995')
    const { text } = await send(at.port, { headers: modernHeaders('tools/call', 'echo'), body })
    expect(text).toContain('"id":9007199254740993')
    expect(text).toContain('"progressToken":9007199254740995')
  })

  it('a result that was printed with line breaks stays one event', async () => {
    const { at } = await start(
      serving((_call, exchange) => {
        exchange.sink.emit(progress(1))
        return completed('{\r\n  "content": [],\n  "a": "b\\nc"\n}')
      }),
    )
    const { text } = await callTool(at, {}, { progressToken: 1 })
    expect(eventsOf(text)[1]?.result).toMatchObject({ content: [], a: 'b\nc' })
  })

  it('headers of the client stay outside, but for those that an upstream opted in to', async () => {
    const { at, gateway } = await start(
      serving(() => completed({ content: [] })),
      { forwarded: ['x-tenant'] },
    )
    const headers = { ...modernHeaders('tools/call', 'echo'), 'x-tenant': 'a', 'x-canary': 'b', 'mcp-param-region': '=?base64?w6Q=?=' }
    await send(at.port, { headers, body: modernBody('tools/call', { name: 'echo' }) })
    expect(gateway.calls[0]?.call.caller.headers).toEqual({ 'x-tenant': 'a' })
    const asserted = gateway.calls[0]?.call.asserted
    expect(['mcp-name', 'mcp-param-region', 'mcp-param-other', 'x-canary'].map((name) => asserted?.get(name))).toEqual([
      'echo',
      'ä',
      undefined,
      undefined,
    ])
  })

  it('the trace of the client goes on', async () => {
    const { at, gateway } = await start(serving(() => completed({ content: [] })))
    await callTool(at, {}, { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', tracestate: 'a=b' })
    await callTool(at, {}, { traceparent: '00-zz' })
    const [first, second] = gateway.calls.map((each) => each.call.trace)
    expect(first).toMatchObject({
      traceId: '0af7651916cd43dd8448eb211c80319c',
      parentSpanId: 'b7ad6b7169203331',
      sampled: true,
      tracestate: 'a=b',
    })
    expect(second?.parentSpanId).toBeUndefined()
    expect(second?.traceId).toMatch(/^[0-9a-f]{32}$/)
  })
})

describe('a client that behaves badly disturbs nobody', () => {
  it('may send its body byte by byte', async () => {
    const { at } = await start(serving(() => completed({ content: [] })))
    const req = open(at.port, { headers: modernHeaders('tools/call', 'echo') })
    const answered = once(req, 'response')
    for (const byte of Buffer.from(modernBody('tools/call', { name: 'echo' }))) {
      req.write(Buffer.of(byte))
      await new Promise((resolve) => setImmediate(resolve))
    }
    req.end()
    const [res] = await answered
    expect(res.statusCode).toBe(200)
    res.resume()
    await once(res, 'end')
  })

  it('gets to read that its body is too large, declared or not', async () => {
    const { at } = await start(
      serving(() => completed({ content: [] })),
      { http: { bodyBytes: 1_000 } },
    )
    const body = modernBody('tools/call', { name: 'echo', arguments: 'x'.repeat(3_000_000) })
    const headers = modernHeaders('tools/call', 'echo')
    expect((await send(at.port, { headers, body })).status).toBe(413)
    expect((await send(at.port, { headers: { ...headers, 'transfer-encoding': 'chunked' }, body })).status).toBe(413)
  })

  it('gets a 431 for oversized headers', async () => {
    const { at, gateway } = await start(serving(() => completed({ content: [] })))
    const answer = await send(at.port, { headers: { ...modernHeaders('tools/call', 'echo'), 'x-large': 'x'.repeat(20_000) }, body: '{}' })
    expect(answer.status).toBe(431)
    expect(gateway.refusals).toHaveLength(1)
  })

  it('gets a 400 for what is no HTTP', async () => {
    const { at } = await start(serving(() => completed({ content: [] })))
    const socket = connect(at.port, '127.0.0.1')
    socket.end('EHLO example.org\r\n\r\n')
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    await once(socket, 'close')
    expect(Buffer.concat(chunks).toString()).toContain('HTTP/1.1 400')
  })

  it('may go away at any time: every call is closed exactly once', async () => {
    const { at, gateway } = await start(
      serving(async (_call, exchange) => {
        await untilEnd(exchange)
        return failed(fault('cancelled', { reason: 'client_gone' }))
      }),
    )
    for (let i = 0; i < 20; i += 1) {
      const req = open(at.port, { headers: modernHeaders('tools/call', 'echo') })
      req.on('error', () => {})
      req.end(modernBody('tools/call', { name: 'echo' }))
      await until(() => gateway.calls.length === i + 1)
      req.destroy()
    }
    await until(() => gateway.calls.every((each) => each.delivery === 'client_gone'))
    await until(() => at.door.gauges().requests === 0)
    expect(at.door.gauges()).toEqual({ requests: 0, calls: 0, streams: 0, sessions: 7 })
  })

  it('may go away while some of its requests wait behind others on one connection', async () => {
    const { at, gateway } = await start(
      serving(async (_call, exchange) => {
        await untilEnd(exchange)
        return failed(fault('cancelled', { reason: 'client_gone' }))
      }),
    )
    const body = modernBody('tools/call', { name: 'echo' })
    const headers = {
      host: 'localhost',
      'content-type': 'application/json',
      'content-length': body.length,
      ...modernHeaders('tools/call', 'echo'),
    }
    const lines = Object.entries(headers)
    const pipelined = `POST /mcp HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`
    const socket = connect(at.port, '127.0.0.1')
    socket.write(pipelined.repeat(3))
    await until(() => gateway.calls.length === 3)
    socket.destroy()
    await until(() => gateway.calls.every((each) => each.delivery === 'client_gone'))
    expect(at.door.gauges()).toMatchObject({ requests: 0, calls: 0 })
  })

  it('that reads nothing loses events, which are counted, but not its result', async () => {
    const { at, gateway, context } = await start(
      serving(async (_call, exchange) => {
        const big = payloadOf({ progress: 1, message: 'x'.repeat(100_000) })
        for (let i = 0; i < 200; i += 1) exchange.sink.emit({ kind: 'progress', params: big })
        return completed({ content: [] })
      }),
    )
    const req = open(at.port, { headers: modernHeaders('tools/call', 'echo') })
    req.end(modernBody('tools/call', { name: 'echo' }, { progressToken: 1 }))
    const [res] = await once(req, 'response')
    expect(context.counted.get('events_dropped')).toBeGreaterThan(0)
    const chunks: Buffer[] = []
    for await (const chunk of res) chunks.push(chunk as Buffer)
    expect(eventsOf(Buffer.concat(chunks).toString()).at(-1)?.result).toBeDefined()
    await until(() => gateway.calls[0]?.delivery === 'delivered')
  })

  it('that takes its result too slowly is cut off', async () => {
    const clock = new ManualClock()
    const text = 'x'.repeat(30_000_000)
    const { at, gateway, context } = await start(
      serving(() => completed({ content: [{ type: 'text', text }] })),
      { clock },
    )
    const req = open(at.port, { headers: modernHeaders('tools/call', 'echo') })
    req.on('error', () => {})
    req.end(modernBody('tools/call', { name: 'echo' }))
    const [res] = await once(req, 'response')
    res.on('error', () => {})
    for (let i = 0; i < 300 && gateway.calls[0]?.delivery === undefined; i += 1) {
      await clock.advance(10_000)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(gateway.calls[0]?.delivery).toBe('client_gone')
    expect(context.logged.some((line) => line.includes('too slowly'))).toBe(true)
    req.destroy()
  })
})

describe('subscriptions/listen', () => {
  const listenBody = (id: unknown = 5) => modernBody('subscriptions/listen', { notifications: { toolsListChanged: true } }, {}, id)

  function listening(seen: Exchange[]): Answering {
    return async (_call, exchange) => {
      seen.push(exchange)
      exchange.sink.emit({ kind: 'acknowledged', notifications: { toolsListChanged: true } })
      await untilEnd(exchange)
      return failed(fault('cancelled', { reason: 'over' }))
    }
  }

  it('marks every message with its id and ends with a result when the gateway drains', async () => {
    const seen: Exchange[] = []
    const { at } = await start(listening(seen))
    const answer = send(at.port, { headers: modernHeaders('subscriptions/listen'), body: listenBody() })
    await until(() => seen.length === 1)
    seen[0]?.sink.emit({ kind: 'changed', list: 'tools' })
    seen[0]?.sink.emit({ kind: 'updated', uri: 'a:b', params: payload(Buffer.from('{"uri":"other","extra":1}')) })
    seen[0]?.sink.emit(progress(1))
    expect(at.door.gauges().streams).toBe(1)
    const drained = at.door.drain(200)
    const events = eventsOf((await answer).text)
    await drained
    const mark = { [metaKey.subscriptionId]: 5 }
    expect(events.map((event) => event.method)).toEqual([
      'notifications/subscriptions/acknowledged',
      'notifications/tools/list_changed',
      'notifications/resources/updated',
      undefined,
    ])
    for (const event of events.slice(0, 3)) expect(event.params?._meta).toEqual(mark)
    expect(events[2]?.params).toMatchObject({ uri: 'a:b', extra: 1 })
    expect(events[3]).toMatchObject({ id: 5, result: { resultType: 'complete', _meta: mark } })
  })

  it('outlives every deadline', async () => {
    const clock = new ManualClock()
    const seen: Exchange[] = []
    const { at, gateway } = await start(listening(seen), { clock })
    const req = open(at.port, { headers: modernHeaders('subscriptions/listen') })
    req.on('error', () => {})
    req.end(listenBody())
    await until(() => seen.length === 1)
    await clock.advance(3_600_000)
    expect(seen[0]?.signal.aborted).toBe(false)
    req.destroy()
    await until(() => gateway.calls[0]?.delivery === 'client_gone')
  })

  it('is refused while the gateway drains', async () => {
    const { at, context } = await start(listening([]))
    context.drain.abort()
    const answer = await send(at.port, { headers: modernHeaders('subscriptions/listen'), body: listenBody() })
    expect(answer.status).toBe(503)
    expect(answer.headers.connection).toBe('close')
    expect(answer.headers['retry-after']).toBeDefined()
  })

  it('answers with its status where it never began', async () => {
    const { at } = await start(() => failed(fault('not_subscribable', { uri: 'a:b', reason: 'nobody owns it' })))
    const answer = await send(at.port, { headers: modernHeaders('subscriptions/listen'), body: listenBody() })
    expect(answer.json).toMatchObject({ error: { code: -32602, data: { uri: 'a:b' } } })
  })
})
