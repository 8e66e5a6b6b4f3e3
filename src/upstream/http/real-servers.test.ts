import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type RealServer, startCutting, startEverything, startModern } from '../../../test/doubles/upstream/real-servers.ts'
import { until } from '../../../test/doubles/upstream/scripted-server.ts'
import type { Report } from '../../core/ports/report.ts'
import { notificationBytes, requestBytes, resultBytes } from '../../core/protocol/jsonrpc.ts'
import { header, metaKey } from '../../core/protocol/names.ts'
import { systemClock } from '../../platform/clock/system-clock.ts'
import { systemRandom } from '../../platform/random/system-random.ts'
import { openSseWire } from '../sse/wire.ts'
import { RequestIds } from '../wire/ids.ts'
import type { HttpWire, IncomingNotification, IncomingRequest, Wire, WireAnswer } from '../wire/wire.ts'
import { HttpPools } from './pools.ts'
import { openHttpWire } from './wire.ts'

const report: Report = { log: () => {}, counters: { add: () => {} } }
const pools = new HttpPools()
const capabilities = { roots: { listChanged: true }, elicitation: {}, sampling: {} }
const hello = { protocolVersion: '2025-11-25', capabilities, clientInfo: { name: 'test', version: '1' } }
const slow = { name: 'trigger-long-running-operation', arguments: { duration: 0.4, steps: 4 }, _meta: { progressToken: 'p' } }

let wire: Wire | undefined
let anomalies: string[] = []

afterEach(async () => {
  await wire?.close()
  wire = undefined
  expect(pools.open).toBe(0)
  expect(anomalies).toEqual([])
})
afterAll(() => pools.close())

function watch<W extends Wire>(opened: W): W {
  wire = opened
  anomalies = []
  opened.onAnomaly = (type, detail) => anomalies.push(`${type} ${detail}`)
  return opened
}

type Message = IncomingRequest | IncomingNotification
type Ask = (method: string, params: unknown, onMessage?: (message: Message) => void, signal?: AbortSignal) => Promise<WireAnswer>

function asker(on: Wire, headers: (method: string, params: unknown) => Record<string, string>): Ask {
  return (method, params, onMessage = () => {}, signal = new AbortController().signal) => {
    const id = on.nextId()
    const message = requestBytes(id, method, Buffer.from(JSON.stringify(params)))
    return on.request({ id, method, message, headers: headers(method, params), signal, onMessage, maxBytes: 1 << 20 })
  }
}

function resultOf(answer: WireAnswer): Record<string, unknown> {
  if (answer.kind !== 'answer' || answer.answer.kind !== 'result') throw new Error(`no result: ${JSON.stringify(answer)}`)
  return answer.answer.result.json() as Record<string, unknown>
}

describe('server-everything over Streamable HTTP', () => {
  let server: RealServer
  beforeAll(async () => {
    server = await startEverything('streamableHttp')
  })
  afterAll(() => server.stop())

  async function connect(origin = server.origin): Promise<{ on: HttpWire; ask: Ask; headers: Record<string, string> }> {
    const on = watch(
      openHttpWire({
        upstream: 'everything',
        url: `${origin}/mcp`,
        resume: true,
        userAgent: 'signalbox/0',
        connectTimeoutMs: 2_000,
        maxMessageBytes: 1 << 20,
        ids: new RequestIds(0),
        clock: systemClock,
        random: systemRandom,
        report,
        pools,
      }),
    )
    const first = asker(on, () => ({}))
    expect(resultOf(await first('initialize', hello))).toMatchObject({ protocolVersion: '2025-11-25' })
    const headers = { [header.protocolVersion]: '2025-11-25', [header.sessionId]: on.sessionId ?? '' }
    expect(on.sessionId).toMatch(/^[0-9a-f-]{36}$/)
    expect(await on.post(notificationBytes('notifications/initialized', undefined), headers)).toBeUndefined()
    return { on, ask: asker(on, () => headers), headers }
  }

  it('initialises, lists, calls with progress on the request stream, and ends its session', async () => {
    const { on, ask, headers } = await connect()
    expect(resultOf(await ask('tools/list', {})).tools).not.toHaveLength(0)
    const heard: string[] = []
    const called = await ask('tools/call', slow, (message) => heard.push(message.method))
    expect(resultOf(called).content).not.toHaveLength(0)
    expect(heard).toEqual(Array.from({ length: 4 }, () => 'notifications/progress'))
    expect(await ask('nothing/here', {})).toMatchObject({ kind: 'answer', answer: { kind: 'error', code: -32601 } })
    await on.deleteSession(headers)
    expect(await ask('tools/list', {})).toMatchObject({ kind: 'status', status: 400 })
  })

  it('brings its own requests on the GET stream and takes the answer by POST', async () => {
    const { on, headers } = await connect()
    const strays: Message[] = []
    on.onStray = (message) => strays.push(message)
    const controller = new AbortController()
    const ended = on.listen(() => headers, controller.signal)
    await until(() => strays.some((message) => message.method === 'roots/list'), 'roots/list')
    const question = strays.find((message) => message.method === 'roots/list')
    if (question?.kind !== 'request') throw new Error('no request')
    expect(await on.post(resultBytes(question.id, Buffer.from('{"roots":[]}')), headers)).toBeUndefined()
    controller.abort()
    expect(await ended).toBe('ended')
  })

  it('brings the question of a call on the stream of that call', async () => {
    const { on, ask, headers } = await connect()
    const called = await ask('tools/call', { name: 'trigger-elicitation-request', arguments: {} }, (message) => {
      if (message.kind === 'request') void on.post(resultBytes(message.id, Buffer.from('{"action":"decline"}')), headers)
    })
    expect(JSON.stringify(resultOf(called))).toContain('declined')
  })

  it('loses neither progress nor result where the connection is reset in mid-call', async () => {
    const relay = await startCutting(server.origin, 'notifications/progress')
    const { ask } = await connect(relay.origin)
    const heard: string[] = []
    const called = await ask('tools/call', slow, (message) => heard.push(message.method))
    expect(resultOf(called).content).not.toHaveLength(0)
    // It replays the events of its other streams too, such as its own `roots/list`.
    expect(heard.filter((method) => method === 'notifications/progress')).toHaveLength(4)
    expect(relay.cuts()).toBe(1)
    await wire?.close()
    await relay.stop()
  })

  it('tells a lost session by HTTP 400 and a body', async () => {
    const { on } = await connect()
    const lost = asker(on, () => ({ [header.sessionId]: 'gone', [header.protocolVersion]: '2025-11-25' }))
    expect(await lost('tools/list', {})).toMatchObject({ kind: 'status', status: 400, body: { code: -32000 } })
  })

  it('ends a call by its signal', async () => {
    const { ask } = await connect()
    const controller = new AbortController()
    const called = ask('tools/call', { ...slow, arguments: { duration: 60, steps: 300 } }, () => controller.abort(), controller.signal)
    expect(await called).toMatchObject({ kind: 'aborted' })
  })
})

describe('server-everything over HTTP+SSE', () => {
  let server: RealServer
  beforeAll(async () => {
    server = await startEverything('sse')
  })
  afterAll(() => server.stop())

  it('initialises, asks back, and calls with progress beside other calls', async () => {
    const opened = await openSseWire({
      upstream: 'everything',
      url: `${server.origin}/sse`,
      headers: () => ({}),
      startTimeoutMs: 5_000,
      userAgent: 'signalbox/0',
      connectTimeoutMs: 2_000,
      maxMessageBytes: 1 << 20,
      ids: new RequestIds(0),
      clock: systemClock,
      report,
      pools,
    })
    if (!('transport' in opened)) throw new Error(opened.message)
    const on = watch(opened)
    const strays: Message[] = []
    on.onStray = (message) => {
      strays.push(message)
      if (message.kind === 'request') void on.post(resultBytes(message.id, Buffer.from('{"roots":[]}')), {})
    }
    const ask = asker(on, () => ({}))
    resultOf(await ask('initialize', { ...hello, protocolVersion: '2024-11-05' }))
    expect(await on.post(notificationBytes('notifications/initialized', undefined), {})).toBeUndefined()
    const called = await Promise.all([
      ask('tools/call', slow),
      ...Array.from({ length: 5 }, (_, i) => ask('tools/call', { name: 'echo', arguments: { message: `m${i}` } })),
    ])
    expect(JSON.stringify(called.slice(1).map(resultOf))).toMatch(/m0.*m1.*m2.*m3.*m4/)
    await until(() => strays.some((message) => message.method === 'roots/list'), 'roots/list')
    expect(strays.filter((message) => message.method === 'notifications/progress')).toHaveLength(4)
  })
})

describe('a modern SDK server', () => {
  let server: RealServer
  beforeAll(async () => {
    server = await startModern()
  })
  afterAll(() => server.stop())

  const envelope = {
    [metaKey.protocolVersion]: '2026-07-28',
    [metaKey.clientCapabilities]: {},
    [metaKey.clientInfo]: { name: 'test', version: '1' },
  }

  function connect(): Ask {
    const on = watch(
      openHttpWire({
        upstream: 'modern',
        url: `${server.origin}/mcp`,
        resume: false,
        userAgent: 'signalbox/0',
        connectTimeoutMs: 2_000,
        maxMessageBytes: 1 << 20,
        ids: new RequestIds(0),
        clock: systemClock,
        random: systemRandom,
        report,
        pools,
      }),
    )
    return asker(on, (method, params) => {
      const name = (params as { name?: string }).name
      return { [header.protocolVersion]: '2026-07-28', [header.method]: method, ...(name === undefined ? {} : { [header.name]: name }) }
    })
  }

  it('discovers, calls with progress, and refuses by status and body', async () => {
    const ask = connect()
    expect(resultOf(await ask('server/discover', { _meta: envelope })).supportedVersions).toContain('2026-07-28')
    const heard: string[] = []
    const params = { name: 'echo', arguments: { text: 'Zürich' }, _meta: { ...envelope, progressToken: 1 } }
    expect(resultOf(await ask('tools/call', params, (message) => heard.push(message.method)))).toMatchObject({
      content: [{ text: 'Zürich' }],
    })
    expect(heard).toEqual(['notifications/progress'])
    expect(await ask('ping', { _meta: envelope })).toMatchObject({ kind: 'answer', status: 404, answer: { code: -32601 } })
    expect(await ask('tools/list', {})).toMatchObject({ kind: 'answer', status: 400, answer: { code: -32602 } })
  })

  it('keeps a subscription open until it is ended', async () => {
    const ask = connect()
    const controller = new AbortController()
    const heard: string[] = []
    const listening = ask(
      'subscriptions/listen',
      { notifications: { toolsListChanged: true }, _meta: envelope },
      (message) => heard.push(message.method),
      controller.signal,
    )
    await until(() => heard.length === 1)
    expect(heard).toEqual(['notifications/subscriptions/acknowledged'])
    controller.abort()
    expect(await listening).toMatchObject({ kind: 'aborted' })
  })
})
