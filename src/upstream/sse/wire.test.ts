import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { kinds } from '../../../test/doubles/upstream/http-wire-rig.ts'
import { type Asked, result, type ScriptedServer, send, startScripted, until } from '../../../test/doubles/upstream/scripted-server.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { Report } from '../../core/ports/report.ts'
import { type IncomingResult, readMessage, requestBytes } from '../../core/protocol/jsonrpc.ts'
import { systemClock } from '../../platform/clock/system-clock.ts'
import { HttpPools } from '../http/pools.ts'
import { RequestIds } from '../wire/ids.ts'
import type { IncomingNotification, IncomingRequest, WireAnswer, WireRequest } from '../wire/wire.ts'
import { Sending } from './sending.ts'
import { openSseWire, SseWire, type SseWireOptions } from './wire.ts'

let server: ScriptedServer
let pools: HttpPools
let opened: SseWire[]
let anomalies: string[]
let counted: string[]
let strays: (IncomingRequest | IncomingNotification)[]
let ends: Fault[]
/** Writes on the event stream of the last GET. */
let tell: (text: string) => void
let cut: (hard: boolean) => void
/** What a POST brings. */
let onPost: (asked: Asked) => void
const report: Report = { log: () => {}, counters: { add: (_, labels) => counted.push(JSON.stringify(labels)) } }

beforeEach(async () => {
  server = await startScripted((asked, response, request) => {
    if (asked.method === 'POST') {
      onPost(asked)
      response.writeHead(202).end('Accepted')
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    tell = (text) => void response.write(text)
    cut = (hard) => void (hard ? request.socket.resetAndDestroy() : response.end())
    tell('event: endpoint\ndata: /message?sessionId=1\n\n')
  })
  onPost = (asked) => tell(`event: message\ndata: ${result(asked.id)}\n\n`)
  pools = new HttpPools()
  opened = []
  anomalies = []
  counted = []
  strays = []
  ends = []
})

afterEach(async () => {
  await Promise.all(opened.map((wire) => wire.close()))
  expect(pools.open).toBe(0)
  await pools.close()
  await server.stop()
})

async function tryOpen(change: Partial<SseWireOptions> = {}): Promise<SseWire | Fault> {
  const wire = await openSseWire({
    upstream: 'up',
    url: server.url.replace('/mcp', '/sse'),
    connectTimeoutMs: 2_000,
    userAgent: 'signalbox/0',
    startTimeoutMs: 5_000,
    maxMessageBytes: 10_000,
    headers: () => ({ authorization: 'Bearer x' }),
    ids: new RequestIds(0),
    clock: systemClock,
    report,
    pools,
    ...change,
  })
  if (!('transport' in wire)) return wire
  opened.push(wire)
  wire.onAnomaly = (type) => anomalies.push(type)
  wire.onStray = (message) => strays.push(message)
  wire.onEnd = (fault) => ends.push(fault)
  return wire
}

async function open(change: Partial<SseWireOptions> = {}): Promise<SseWire> {
  const wire = await tryOpen(change)
  if (!('transport' in wire)) throw new Error(wire.message)
  return wire
}

function ask(wire: SseWire, change: Partial<WireRequest> = {}): Promise<WireAnswer> {
  const id = wire.nextId()
  return wire.request({
    id,
    method: 'tools/call',
    message: requestBytes(id, 'tools/call', undefined),
    headers: { 'x-key': 'k' },
    signal: new AbortController().signal,
    onMessage: () => {},
    maxBytes: 5_000,
    ...change,
  })
}

const failure = (id: unknown) => JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32001, message: 'no' } })

describe('an HTTP+SSE connection', () => {
  it('posts to the endpoint and finds answers by id, in any order', async () => {
    const wire = await open()
    const held: unknown[] = []
    onPost = (asked) => {
      held.push(asked.id)
      if (held.length === 3) for (const id of held.reverse()) tell(`data: ${result(id, { id })}\n\n`)
    }
    const answers = await Promise.all([ask(wire), ask(wire), ask(wire)])
    expect(answers.map((answer) => answer.kind === 'answer' && answer.answer.kind === 'result' && answer.answer.result.json())).toEqual([
      { id: 1 },
      { id: 2 },
      { id: 3 },
    ])
    expect(server.asked[0]).toMatchObject({ method: 'GET', path: '/sse', headers: { authorization: 'Bearer x' } })
    expect(server.asked[1]).toMatchObject({
      method: 'POST',
      path: '/message?sessionId=1',
      headers: { 'x-key': 'k', 'content-type': 'application/json' },
    })
  })

  it('takes the text of an id for the id, and counts it', async () => {
    const wire = await open()
    const held: number[] = []
    onPost = (asked) => {
      held.push(asked.id as number)
      if (held.length === 2) for (const id of held) tell(`data: ${result(String(id), { id })}\n\n`)
    }
    const answers = await Promise.all([ask(wire), ask(wire)])
    expect(answers.map((answer) => answer.kind === 'answer' && answer.answer.kind === 'result' && answer.answer.result.json())).toEqual([
      { id: 1 },
      { id: 2 },
    ])
    expect(anomalies).toEqual(['id_type', 'id_type'])
  })

  it('hands an answer over at once, since what comes after it on the stream must not overtake it', async () => {
    const wire = await open()
    const resolve = vi.fn()
    const request = { id: 9, method: 'ping', message: Buffer.of(), headers: {}, onMessage: () => {}, maxBytes: 1_000 }
    const sending = new Sending(wire, { ...request, signal: new AbortController().signal }, resolve, vi.fn())
    sending.answered(readMessage(Buffer.from(result(9))) as IncomingResult, 40)
    expect(resolve).toHaveBeenCalledOnce()
  })

  it('hands over what the server says by itself', async () => {
    await open()
    tell('data: {"jsonrpc":"2.0","id":1,"method":"roots/list"}\n\ndata: {"jsonrpc":"2.0","method":"notifications/message"}\n\n')
    await until(() => strays.length === 2)
    expect(strays.map((message) => message.kind)).toEqual(['request', 'notification'])
  })

  it('posts notifications', async () => {
    const wire = await open()
    onPost = () => {}
    expect(await wire.post(Buffer.from('{"jsonrpc":"2.0","method":"notifications/initialized"}'), {})).toBeUndefined()
    server.script = (_, response) => send(response, 500, 'text/plain', '')
    expect(await wire.post(Buffer.from('{}'), {})).toMatchObject({ kind: 'upstream_http_error' })
  })

  it('counts answers to nobody, second answers and broken messages, but not late ones to what was given up', async () => {
    const wire = await open()
    onPost = () => {}
    const controller = new AbortController()
    const given = ask(wire, { signal: controller.signal })
    await until(() => server.asked.length === 2)
    controller.abort()
    expect(await given).toMatchObject({ kind: 'aborted' })
    tell(`data: ${result(1)}\n\n`)
    onPost = (asked) => tell(`data: ${result(77)}\n\ndata: {"x\n\ndata: ${result(asked.id)}\n\ndata: ${result(asked.id)}\n\n`)
    expect((await ask(wire)).kind).toBe('answer')
    await until(() => anomalies.length === 3)
    expect(anomalies).toEqual(['orphan', 'malformed', 'duplicate'])
  })

  it('tells the status of a POST that was refused', async () => {
    const wire = await open()
    server.script = (_, response) =>
      send(response, 404, 'application/json', '{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"gone"}}')
    expect(await ask(wire)).toMatchObject({ kind: 'status', status: 404, body: { code: -32001 } })
    server.script = (_, response) => send(response, 429, 'text/plain', '', { 'retry-after': '2' })
    expect(await ask(wire)).toMatchObject({ kind: 'status', status: 429, retryAfterMs: 2_000 })
  })

  it('tells a 401 as one, whatever its body says: it is about the credential', async () => {
    const wire = await open()
    server.script = (asked, response) => send(response, 401, 'application/json', failure(asked.id), { 'www-authenticate': 'Bearer x' })
    expect(await ask(wire)).toMatchObject({ kind: 'status', status: 401, challenge: 'Bearer x', body: { message: 'no' } })
  })

  it('takes an error in any other status as the answer where it bears the id', async () => {
    const wire = await open()
    server.script = (asked, response) => send(response, 404, 'application/json', failure(asked.id))
    expect(await ask(wire)).toMatchObject({ kind: 'answer', status: 404, answer: { kind: 'error', code: -32001 } })
    server.script = (_, response) => send(response, 404, 'application/json', failure(77))
    expect(await ask(wire)).toMatchObject({ kind: 'status', status: 404, body: undefined })
  })

  it('counts a request for which its origin has no place', async () => {
    pools = new HttpPools({ perOrigin: 2 })
    const wire = await open()
    server.script = () => {}
    const waits = ask(wire)
    expect(kinds(await ask(wire))).toEqual(['lost', 'not_sent', 'overloaded'])
    expect(counted).toEqual(['{"upstream":"up"}'])
    await wire.close()
    await waits
  })

  it.each([
    ['told', { 'content-length': '300000' }],
    ['not told', {}],
  ])('reads no more of a refusal than may be kept of it (length %s)', async (_, headers) => {
    const wire = await open()
    server.script = (__, response) => send(response, 400, 'application/json', 'x'.repeat(300_000), headers as Record<string, string>)
    expect(await ask(wire)).toMatchObject({ kind: 'status', status: 400, body: undefined })
  })

  it('counts what is wrong with the body of a refusal, as with an answer', async () => {
    const wire = await open()
    server.script = (asked, response) => {
      const text = failure(asked.id).replace('"no"', `"no","message":"yes"`)
      send(response, 400, 'application/json', text)
    }
    expect(await ask(wire)).toMatchObject({ kind: 'status', status: 400, body: undefined })
    expect(anomalies).toEqual(['ambiguous'])
  })

  it('does not take an answer larger than the request allows', async () => {
    const wire = await open()
    onPost = (asked) => tell(`data: ${result(asked.id, { a: 'x'.repeat(6_000) })}\n\n`)
    expect(kinds(await ask(wire))).toEqual(['lost', 'unknown', 'result_too_large'])
    expect(ends).toEqual([])
  })
})

describe('an event stream that ends', () => {
  it.each([true, false])('ends what waits as unknown and tells its owner once (reset: %s)', async (hard) => {
    const wire = await open()
    onPost = () => {}
    const answer = ask(wire)
    await until(() => server.asked.length === 2)
    await until(() => pools.open === 1)
    cut(hard)
    expect(kinds(await answer)).toEqual(['lost', 'unknown', 'outcome_unknown'])
    expect(ends).toHaveLength(1)
    expect(kinds(await ask(wire))).toEqual(['lost', 'not_sent', 'upstream_unavailable'])
    expect(await wire.post(Buffer.from('{}'), {})).toMatchObject({ kind: 'upstream_unavailable' })
  })

  it('is ended here by an event over the cap', async () => {
    await open()
    tell(`data: ${'x'.repeat(20_000)}`)
    await until(() => ends.length === 1)
    expect(ends[0]?.kind).toBe('upstream_protocol_error')
  })

  it('is not told of after close, and what waits is aborted', async () => {
    const wire = await open()
    onPost = () => {}
    const answer = ask(wire)
    await until(() => server.asked.length === 2)
    await wire.close()
    expect(await answer).toMatchObject({ kind: 'aborted' })
    expect(await ask(wire)).toMatchObject({ kind: 'aborted' })
    expect(ends).toEqual([])
  })
})

describe('a redirect within the origin', () => {
  it('is followed by the stream and by posts, which go there from then on', async () => {
    const answering = server.script
    server.script = (asked, response, request) => {
      const moved = asked.path === '/sse' || asked.path.startsWith('/message?')
      if (moved) response.writeHead(307, { location: asked.path.replace(/^\/\w+/, '$&/') }).end()
      else return answering(asked, response, request)
    }
    const wire = await open()
    expect((await ask(wire)).kind).toBe('answer')
    expect((await ask(wire)).kind).toBe('answer')
    const paths = server.asked.map(({ method, path }) => `${method} ${path}`)
    const posts = ['/message?', '/message/?', '/message/?'].map((path) => `POST ${path}sessionId=1`)
    expect(paths).toEqual(['GET /sse', 'GET /sse/', ...posts])
    expect(new Set(server.asked.map(({ headers }) => headers['user-agent']))).toEqual(new Set(['signalbox/0']))
  })

  it('is not one to elsewhere, which is named', async () => {
    server.script = (_, response) => void response.writeHead(308, { location: 'http://other.example/sse' }).end()
    expect(await tryOpen()).toMatchObject({ kind: 'upstream_redirected', detail: { location: 'http://other.example/sse' } })
  })
})

describe('an endpoint', () => {
  it.each(['http://127.0.0.1:1/steal', '//evil.example/m', 'https://127.0.0.1/', 'http://['])(
    'elsewhere (%s) is refused and counted',
    async (address) => {
      server.script = (_, response) =>
        void response.writeHead(200, { 'content-type': 'text/event-stream' }).write(`event: endpoint\ndata: ${address}\n\n`)
      expect(await tryOpen()).toMatchObject({ kind: 'upstream_protocol_error' })
      expect(counted).toEqual(['{"upstream":"up","type":"endpoint"}'])
      expect(server.asked).toHaveLength(1)
    },
  )

  it('may be named in full at the same origin', async () => {
    server.script = (asked, response) => {
      if (asked.method === 'POST') return void response.writeHead(202).end()
      response
        .writeHead(200, { 'content-type': 'text/event-stream' })
        .write(`event: endpoint\ndata: http://127.0.0.1:${server.port}/m?x=1\n\n`)
    }
    const wire = await open()
    await wire.post(Buffer.from('{}'), {})
    expect(server.asked[1]?.path).toBe('/m?x=1')
  })

  it('that never comes is not waited for', async () => {
    const clock = new ManualClock()
    server.script = (_, response) => void response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: {}\n\n')
    const fault = tryOpen({ clock })
    await until(() => pools.open === 1 && server.asked.length === 1)
    for (let i = 0; i < 20; i += 1) await new Promise((resolve) => setImmediate(resolve))
    await clock.advance(5_000)
    expect(await fault).toMatchObject({ kind: 'upstream_protocol_error', detail: { reason: 'no endpoint event within 5000 ms' } })
  })

  it('that never comes is told, also where a bug keeps the wire from being closed well', async () => {
    server.script = (_, response) => send(response, 503, 'text/plain', 'no')
    const close = SseWire.prototype.close
    vi.spyOn(SseWire.prototype, 'close').mockImplementationOnce(async function (this: SseWire) {
      await close.call(this)
      throw new Error('a bug')
    })
    expect(await tryOpen()).toMatchObject({ kind: 'upstream_busy' })
    await until(() => counted.includes('{"source":"connection"}'))
  })

  it.each([
    [401, 'upstream_auth_failed'],
    [405, 'upstream_http_error'],
    [503, 'upstream_busy'],
    [200, 'upstream_protocol_error'],
  ])('is not looked for behind HTTP %i', async (status, kind) => {
    server.script = (_, response) => send(response, status, 'text/plain', 'no')
    expect(await tryOpen()).toMatchObject({ kind })
  })

  it('is not waited for where nobody listens or the attempt is ended', async () => {
    const controller = new AbortController()
    server.script = () => {}
    const fault = tryOpen({ signal: controller.signal })
    await until(() => server.asked.length === 1)
    controller.abort()
    expect(await fault).toMatchObject({ kind: 'cancelled' })
    expect(await tryOpen({ signal: controller.signal })).toMatchObject({ kind: 'cancelled' })
    await server.stop()
    expect(await tryOpen()).toMatchObject({ kind: 'upstream_unavailable', detail: { reason: 'connection refused' } })
  })
})
