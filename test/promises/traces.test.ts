// One trace from the agent through the gateway and a real server to what that calls, told to a collector by all of them.
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect } from 'vitest'
import { type Receiver, type Span, startReceiver } from '../doubles/otlp/receiver.ts'
import { startUnderTest } from '../peers/gateway.ts'
import { startProcess } from '../peers/process.ts'
import { legacy, modern, openSession, send } from '../peers/raw.ts'
import { plainTool, startScripted } from '../peers/scripted.ts'
import { modernExample, root, startProgram } from '../peers/servers.ts'
import { begin, parentOf } from '../peers/traced/spans.mjs'
import { promise } from './promise.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const traced = join(root, 'test', 'peers', 'traced', 'server.mjs')

async function collector(): Promise<Receiver> {
  const receiver = await startReceiver()
  closers.push(receiver.close)
  return receiver
}

/** What the tool asks: it goes on with the trace. */
async function startApi(to: Receiver) {
  const asked: { readonly path: string; readonly baggage: string | undefined }[] = []
  const server = createServer(async (req, res) => {
    asked.push({ path: req.url ?? '', baggage: req.headers.baggage as string | undefined })
    const parent = parentOf(req.headers.traceparent)
    const span = parent === undefined ? undefined : begin('api', 'GET /forecast', 2, parent)
    await span?.end(to.url)
    res.end('rain')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => new Promise((resolve) => server.close(() => resolve())))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

const traceId = '0af7651916cd43dd8448eb211c80319c'

promise('R61', 'one trace goes from the agent through gateway and server, over stdio and over HTTP, to an HTTP API', async () => {
  const to = await collector()
  const api = await startApi(to)
  const env = (name: string) => ({ TRACED_API: api.url, TRACED_COLLECTOR: to.url, TRACED_NAME: name })
  const http = await startProgram([traced, '--http'], env('web'))
  closers.push(http.stop)
  const url = `http://127.0.0.1:${http.port}/mcp`
  const gateway = await startUnderTest({
    telemetry: { otlp: { endpoint: to.url }, sample: 0, baggage: ['tier'] },
    servers: {
      piped: { command: process.execPath, args: [traced], env: env('piped'), era: 'modern' },
      sessions: { command: process.execPath, args: [traced], env: env('sessions'), era: 'legacy' },
      web: { url, era: 'modern' },
    },
  })
  closers.push(gateway.stop)
  const session = await openSession(gateway.base)
  for (const [server, client] of [
    ['piped', 'modern'],
    ['sessions', 'modern'],
    ['web', 'modern'],
    ['web', 'legacy'],
  ] as const) {
    const agent = begin('agent', 'turn', 1, { traceId, spanId: undefined })
    const meta = { traceparent: agent.traceparent, baggage: 'tier=gold,secret=x', 'signalbox.dev/run': 'r-1', 'signalbox.dev/turn': 't-1' }
    const params = { name: `${server}__forecast`, arguments: { place: 'Oslo' }, _meta: meta }
    const before = to.spans().length
    const answer =
      client === 'modern' ? await modern(gateway.base, 'tools/call', params) : await legacy(gateway.base, session, 'tools/call', params)
    expect(answer.message.result).toMatchObject({ content: [{ type: 'text', text: 'rain' }] })
    await agent.end(to.url)
    const mine = (span: Span): boolean => to.spans().indexOf(span) >= before
    const own = await to.span((span) => mine(span) && span.resource['service.name'] === 'signalbox' && span.kind === 'server')
    const chain = walk(to.spans().filter(mine))
    expect(chain.map(({ resource, name, kind }) => [resource['service.name'], name, kind])).toEqual([
      ['agent', 'turn', 'internal'],
      ['signalbox', `tools/call ${server}__forecast`, 'server'],
      ['signalbox', 'tools/call forecast', 'client'],
      [server, 'tools/call forecast', 'server'],
      [server, 'GET', 'client'],
      ['api', 'GET /forecast', 'server'],
    ])
    expect(new Set(chain.map((span) => span.traceId))).toEqual(new Set([traceId]))
    expect(own.attributes).toMatchObject({
      'mcp.method.name': 'tools/call',
      'gen_ai.tool.name': `${server}__forecast`,
      'gen_ai.operation.name': 'execute_tool',
      'network.transport': 'tcp',
      'signalbox.run.id': 'r-1',
      'signalbox.turn.id': 't-1',
      'signalbox.kept': 'trace',
    })
    expect(own.attributes['mcp.session.id'] === undefined).toBe(client === 'modern')
    const [, , asking] = chain
    expect(asking?.attributes).toMatchObject({
      'gen_ai.tool.name': 'forecast',
      'network.transport': server === 'web' ? 'tcp' : 'pipe',
      'mcp.protocol.version': server === 'sessions' ? '2025-11-25' : '2026-07-28',
      ...(server === 'web' ? { 'server.address': '127.0.0.1', 'server.port': http.port } : {}),
    })
    expect(api.asked.at(-1)).toEqual({ path: '/forecast?place=Oslo', baggage: 'tier=gold,run.id=r-1,turn.id=t-1' })
  }
})

promise('R61', 'a client says which traces are exported only up to a rate, and what is decided is told to servers', async () => {
  const to = await collector()
  const up = await startScripted({ era: 'modern', tools: [plainTool('look')] })
  closers.push(up.close)
  const servers = { up: { url: up.url, era: 'modern' } }
  const flags = async (telemetry: Record<string, unknown>, stated: (string | undefined)[]) => {
    const gateway = await startUnderTest({ telemetry: { otlp: { endpoint: to.url }, ...telemetry }, servers })
    const before = up.seen.length
    for (const [n, flag] of stated.entries()) {
      const id = `${n + 1}`.padStart(32, '0')
      const traceparent = flag === undefined ? {} : { traceparent: `00-${id}-00f067aa0ba902b7-${flag}` }
      await modern(gateway.base, 'tools/call', { name: 'up__look', arguments: {}, _meta: traceparent })
    }
    await gateway.stop()
    return up.seen
      .slice(before)
      .flatMap(({ method, params }) => (method === 'tools/call' ? [String(params._meta.traceparent).slice(-2)] : []))
  }
  expect(await flags({ sample: 0, sampledByClients: '1/1h' }, ['01', '01', '00', undefined])).toEqual(['01', '00', '00', '00'])
  expect(await flags({ sample: 0 }, ['01', '01'])).toEqual(['01', '01'])
  expect(await flags({ sample: 1 }, ['01', '00', undefined])).toEqual(['01', '00', '01'])
  expect(to.spans().filter(({ kind, name }) => kind === 'server' && name.startsWith('tools/call'))).toHaveLength(1 + 2 + 2)
})

promise(
  ['R62', 'R65', 'R59'],
  'one call is found by its run, turn, reason and trace in every log line, span, fault and request to its server and what that asks',
  async () => {
    const to = await collector()
    const api = await startApi(to)
    const up = await startScripted({
      era: 'modern',
      tools: [plainTool('drop', { annotations: { readOnlyHint: true } })],
      call: ({ res, answer, params }) => {
        if (params.arguments.how === 'fail') res.writeHead(500).end()
        else answer({ content: [{ type: 'text', text: params.arguments.text }] })
      },
    })
    closers.push(up.close)
    const env = { TRACED_API: api.url, TRACED_COLLECTOR: to.url, TRACED_NAME: 'weather' }
    const stateDir = mkdtempSync(join(tmpdir(), 'signalbox-traces-'))
    closers.push(async () => rmSync(stateDir, { recursive: true, force: true }))
    const gateway = await startProcess(
      {
        listen: '127.0.0.1:0',
        stateDir,
        log: { level: 'debug', format: 'json' },
        servers: {
          weather: { command: process.execPath, args: [traced], env, era: 'modern' },
          up: { url: up.url, era: 'modern' },
        },
        tools: { '*': { secrets: 'mask' } },
        timeouts: { call: 5_000 },
      },
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: to.url,
        OTEL_TRACES_SAMPLER: 'parentbased_always_off',
        OTEL_SERVICE_NAME: 'gateway-1',
        OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
      },
    )
    const meta = (flag: string) => ({
      traceparent: `00-${traceId}-00f067aa0ba902b7-${flag}`,
      'signalbox.dev/run': 'r-9',
      'signalbox.dev/turn': 't-9',
      'signalbox.dev/why': 'to plan a walk',
    })
    const call = (name: string, args: Record<string, unknown>, flag = '01') =>
      modern(gateway.base, 'tools/call', { name, arguments: args, _meta: meta(flag) })
    await call('weather__forecast', { place: 'Oslo' })
    const token = ['ghp', 'Qx7vT2mK9pLr4WzN8sYb3HdJ6fGc1AeUiOt5'].join('_')
    await call('up__drop', { text: `it is ${token}` })
    // It failed: exported though its client says that its trace is not.
    const failed = await call('up__drop', { how: 'fail' }, '00')
    const { correlation_id: id, ...fault } = failed.message.result._meta['signalbox.dev/fault']
    expect(fault).toMatchObject({ run: 'r-9', turn: 't-9' })
    const span = await to.span(({ attributes }) => attributes['signalbox.call.id'] === id)
    expect(span).toMatchObject({
      name: 'tools/call up__drop',
      traceId,
      error: true,
      sampled: false,
      attributes: {
        'error.type': 'tool_error',
        'signalbox.kept': 'error',
        'signalbox.fault.kind': fault.kind,
        'signalbox.run.id': 'r-9',
        'signalbox.turn.id': 't-9',
        'signalbox.why': 'to plan a walk',
        'gen_ai.tool.call.arguments': '{"how":"fail"}',
      },
      resource: { 'service.name': 'gateway-1', 'deployment.environment.name': 'test' },
    })
    await to.span(
      ({ name, kind, resource }) => name.startsWith('tools/call weather') && kind === 'server' && resource['service.name'] === 'gateway-1',
    )
    expect(await gateway.end('SIGTERM')).toBe(0)
    const all = to.spans()
    const mine = all.filter(({ resource }) => resource['service.name'] === 'gateway-1')
    const requests = mine.filter(({ kind, name }) => kind === 'server' && name.startsWith('tools/call'))
    expect(requests).toHaveLength(3)
    for (const { attributes } of requests)
      expect(attributes).toMatchObject({ 'signalbox.run.id': 'r-9', 'signalbox.turn.id': 't-9', 'signalbox.why': 'to plan a walk' })
    // What others wrote of it: the server and the API that it asked are in the same trace, and were told of the run.
    expect(all.filter(({ resource }) => ['weather', 'api'].includes(String(resource['service.name']))).map((one) => one.traceId)).toEqual(
      Array(3).fill(traceId),
    )
    expect(api.asked).toEqual([{ path: '/forecast?place=Oslo', baggage: 'run.id=r-9,turn.id=t-9' }])
    const told = up.seen.filter(({ method }) => method === 'tools/call')
    for (const { params, headers } of told) {
      expect(params._meta).toMatchObject({ 'signalbox.dev/run': 'r-9', 'signalbox.dev/turn': 't-9', baggage: 'run.id=r-9,turn.id=t-9' })
      expect([headers.traceparent, headers.baggage]).toEqual([params._meta.traceparent, params._meta.baggage])
      expect(all.map(({ spanId }) => spanId)).toContain(String(params._meta.traceparent).split('-')[2])
    }
    // Every line that is about one of the calls: its end, and what was told on its way.
    const lines = gateway
      .log()
      .split('\n')
      .flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Record<string, unknown>] : []))
    const ids = new Set(requests.map(({ attributes }) => attributes['signalbox.call.id']))
    const about = lines.filter((line) => ids.has(line.id))
    expect(about.map(({ event }) => event).sort()).toEqual(['Secrets in what a server sent were masked', 'call', 'call', 'call'])
    for (const line of about) expect(line).toMatchObject({ run: 'r-9', turn: 't-9', trace: traceId })
    const spans = JSON.stringify(all, (_key, value) => (typeof value === 'bigint' ? String(value) : value))
    expect(spans).not.toContain(token)
    expect(requests.map(({ attributes }) => attributes['signalbox.result.shape']).sort()).toEqual(['prose', 'prose', undefined])
  },
  60_000,
)

promise(
  'R58',
  'a call that streams says when it first told something, how long it was silent, how much it told and how it ended',
  async () => {
    const to = await collector()
    const gateway = await startUnderTest({
      telemetry: { otlp: { endpoint: to.url }, sample: 1 },
      servers: { port: { ...modernExample, era: 'modern' } },
    })
    closers.push(gateway.stop)
    const params = { name: 'port__unload', arguments: { ship: 'Aurora', crates: 3 }, _meta: { progressToken: 'p' } }
    await modern(gateway.base, 'tools/call', params)
    const span = await to.span(({ name }) => name === 'tools/call port__unload')
    expect(span.attributes).toMatchObject({ 'signalbox.stream.events': 3, 'signalbox.termination': '--', 'signalbox.outcome': 'complete' })
    const { 'signalbox.stream.bytes': bytes, 'signalbox.stream.first_ms': first, 'signalbox.stream.longest_gap_ms': gap } = span.attributes
    for (const measured of [bytes, first, gap]) expect(measured).toBeGreaterThan(0)
    const [begun, ended] = span.events
    expect([begun?.name, ended?.name]).toEqual(['signalbox.stream.first', 'signalbox.stream.last'])
    expect(span.start < (begun?.time ?? 0n) && (begun?.time ?? 0n) < (ended?.time ?? 0n) && (ended?.time ?? 0n) <= span.end).toBe(true)
  },
)

promise('R59', 'arguments are told in no span where configuration says so', async () => {
  const to = await collector()
  const up = await startScripted({ era: 'modern', tools: [plainTool('look')] })
  closers.push(up.close)
  const telemetry = { otlp: { endpoint: to.url }, sample: 1, arguments: 'none' }
  const gateway = await startUnderTest({ telemetry, servers: { up: { url: up.url, era: 'modern' } } })
  closers.push(gateway.stop)
  await modern(gateway.base, 'tools/call', { name: 'up__look', arguments: { a: 'wanderlust' } })
  const { attributes } = await to.span(({ kind }) => kind === 'server')
  expect(Object.keys(attributes).filter((key) => /arguments|shape/.test(key))).toEqual([])
})

promise(
  'R59',
  'what was turned away, lists, sessions and streams have their span too, and a header names the trace where nothing else does',
  async () => {
    const to = await collector()
    const up = await startScripted({ era: 'modern', tools: [plainTool('look')] })
    closers.push(up.close)
    const gateway = await startUnderTest({
      telemetry: { otlp: { endpoint: to.url }, sample: 1 },
      servers: { up: { url: up.url, era: 'modern' } },
    })
    closers.push(gateway.stop)
    const http = (n: number) => ({ headers: { traceparent: `00-${String(n).padStart(32, '0')}-00f067aa0ba902b7-01`, tracestate: 'v=1' } })
    await modern(gateway.base, 'tools/list', {}, http(1))
    await modern(gateway.base, 'made/up', {}, http(2))
    await send(`${gateway.base}/mcp`, 'POST', '{broken', http(3))
    const session = await openSession(gateway.base, http(4))
    await legacy(gateway.base, session, 'tools/call', { name: 'up__look', arguments: {} }, http(5))
    await legacy(gateway.base, session, 'made/up', {}, http(6))
    const other = `00-${'7'.padStart(32, '0')}-00000000000000aa-01`
    await modern(gateway.base, 'tools/call', { name: 'up__look', arguments: {}, _meta: { traceparent: other } }, http(8))
    const names = async (n: number): Promise<unknown> => {
      const span = await to.span(({ traceId: own, kind }) => own === String(n).padStart(32, '0') && kind === 'server')
      return [span.name, span.parentSpanId, span.attributes['rpc.response.status_code'], span.links.length]
    }
    const parent = '00f067aa0ba902b7'
    expect(await Promise.all([1, 2, 3, 4, 5, 6, 7].map(names))).toEqual([
      ['tools/list', parent, undefined, 0],
      ['_OTHER', parent, '-32601', 0],
      ['_OTHER', parent, '-32700', 0],
      ['initialize', parent, undefined, 0],
      ['tools/call up__look', parent, undefined, 0],
      ['_OTHER', parent, '-32601', 0],
      ['tools/call up__look', '00000000000000aa', undefined, 1],
    ])
  },
)

/** From the root downwards, the first child of each that has one of its own. */
function walk(spans: readonly Span[]): Span[] {
  const chain: Span[] = []
  for (let at = spans.find(({ parentSpanId }) => parentSpanId === ''); at !== undefined; ) {
    chain.push(at)
    const { spanId } = at
    at = spans.find(({ parentSpanId, kind }) => parentSpanId === spanId && kind !== 'internal')
  }
  return chain
}
