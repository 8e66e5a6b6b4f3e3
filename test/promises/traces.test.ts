// One trace from the agent through the gateway and a real server to what that calls, told to a collector by all of them.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, expect } from 'vitest'
import { type Receiver, type Span, startReceiver } from '../doubles/otlp/receiver.ts'
import { startUnderTest } from '../peers/gateway.ts'
import { legacy, modern, openSession } from '../peers/raw.ts'
import { plainTool, startScripted } from '../peers/scripted.ts'
import { root, startProgram } from '../peers/servers.ts'
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
