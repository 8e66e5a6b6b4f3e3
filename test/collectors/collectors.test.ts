// Traces in a real Jaeger, straight and by way of a real OpenTelemetry collector, and metrics in the latter, in each protocol. `npm run collectors` brings both.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../peers/free-port.ts'
import { startUnderTest } from '../peers/gateway.ts'
import { eventually } from '../peers/processes.ts'
import { modern, send } from '../peers/raw.ts'
import { modernExample } from '../peers/servers.ts'

const { JAEGER: jaeger, OTELCOL: otelcol } = process.env
const areThere = jaeger !== undefined && otelcol !== undefined
if (!areThere) process.stdout.write('Not tried: Jaeger and the OpenTelemetry collector. `npm run collectors` brings them and tries it.\n')

describe.skipIf(!areThere)('real collectors', () => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-collectors-'))
  const children: ChildProcess[] = []
  let ports: Record<'query' | 'queryGrpc' | 'jaegerGrpc' | 'jaegerHttp' | 'grpc' | 'http', number>
  let printed = ''

  function start(program: string, config: unknown): void {
    const file = join(folder, `${children.length}.json`)
    writeFileSync(file, JSON.stringify(config))
    const child = spawn(program, ['--config', file], { stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        printed += chunk
      })
    children.push(child)
  }

  beforeAll(async () => {
    const [query, queryGrpc, jaegerGrpc, jaegerHttp, grpc, http] = await Promise.all(Array.from({ length: 6 }, () => freePort()))
    ports = { query, queryGrpc, jaegerGrpc, jaegerHttp, grpc, http } as typeof ports
    const at = (port: number) => ({ endpoint: `127.0.0.1:${port}` })
    const quiet = { metrics: { level: 'none' } }
    start(jaeger as string, {
      service: {
        extensions: ['jaeger_storage', 'jaeger_query'],
        pipelines: { traces: { receivers: ['otlp'], exporters: ['jaeger_storage_exporter'] } },
        telemetry: quiet,
      },
      extensions: {
        jaeger_storage: { backends: { kept: { memory: { max_traces: 10_000 } } } },
        jaeger_query: { storage: { traces: 'kept' }, http: at(ports.query), grpc: at(ports.queryGrpc) },
      },
      receivers: { otlp: { protocols: { grpc: at(ports.jaegerGrpc), http: at(ports.jaegerHttp) } } },
      exporters: { jaeger_storage_exporter: { trace_storage: 'kept' } },
    })
    start(otelcol as string, {
      service: {
        pipelines: {
          traces: { receivers: ['otlp'], processors: ['batch'], exporters: ['debug', 'otlp'] },
          metrics: { receivers: ['otlp'], exporters: ['debug'] },
        },
        telemetry: quiet,
      },
      receivers: { otlp: { protocols: { grpc: at(ports.grpc), http: at(ports.http) } } },
      processors: { batch: { timeout: '100ms' } },
      exporters: { debug: { verbosity: 'detailed' }, otlp: { ...at(ports.jaegerGrpc), tls: { insecure: true } } },
    })
    const answers = (port: number, path: string) =>
      send(`http://127.0.0.1:${port}${path}`, 'GET', undefined).then(
        () => true,
        () => false,
      )
    expect(await eventually(() => answers(ports.query, '/api/services'), 30_000), printed).toBe(true)
    expect(await eventually(() => answers(ports.http, '/v1/traces'), 30_000), printed).toBe(true)
  }, 90_000)

  afterAll(() => {
    for (const child of children) child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })

  it.each([
    ['Jaeger, http/protobuf', 'http/protobuf', () => ports.jaegerHttp],
    ['Jaeger, http/json', 'http/json', () => ports.jaegerHttp],
    ['Jaeger, grpc', 'grpc', () => ports.jaegerGrpc],
    ['collector, http/protobuf', 'http/protobuf', () => ports.http],
    ['collector, http/json', 'http/json', () => ports.http],
    ['collector, grpc', 'grpc', () => ports.grpc],
  ] as const)(
    '%s: the spans of a call are found as they were sent',
    async (what, protocol, port) => {
      const takesMetrics = what.startsWith('collector')
      const signals = takesMetrics ? ['traces', 'metrics'] : ['traces']
      const before = printed.length
      const gateway = await startUnderTest({
        telemetry: { otlp: { endpoint: `http://127.0.0.1:${port()}`, protocol, signals }, sample: 1 },
        servers: { port: { ...modernExample, era: 'modern' } },
      })
      const traceId = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('hex')
      const _meta = { traceparent: `00-${traceId}-00f067aa0ba902b7-01`, progressToken: 1, 'signalbox.dev/run': 'r-1' }
      await modern(gateway.base, 'tools/call', { name: 'port__unload', arguments: { ship: 'Aurora', crates: 2 }, _meta })
      await gateway.stop()
      const found = async () => {
        const { data } = JSON.parse((await send(`http://127.0.0.1:${ports.query}/api/traces/${traceId}`, 'GET', undefined)).text)
        return data?.[0] as JaegerTrace | undefined
      }
      expect(await eventually(async () => (await found())?.spans.length === 2, 20_000), printed.slice(-2_000)).toBe(true)
      const { spans = [], processes = {} } = (await found()) ?? {}
      const server = spans.find((span) => tagsOf(span)['span.kind'] === 'server') as JaegerSpan
      const client = spans.find((span) => tagsOf(span)['span.kind'] === 'client') as JaegerSpan
      expect([server.operationName, client.operationName]).toEqual(['tools/call port__unload', 'tools/call unload'])
      expect(client.references).toMatchObject([{ refType: 'CHILD_OF', spanID: server.spanID }])
      expect(tagsOf(server)).toMatchObject({
        'mcp.method.name': 'tools/call',
        'gen_ai.tool.name': 'port__unload',
        'signalbox.run.id': 'r-1',
        'signalbox.stream.events': 2,
      })
      expect(server.logs.length).toBe(2)
      expect(processes[server.processID]?.serviceName).toBe('signalbox')
      if (!takesMetrics) return
      const metrics = () => metricsIn(printed.slice(before))
      expect(await eventually(() => metrics().has('signalbox_resident_bytes')), printed.slice(-2_000)).toBe(true)
      const calls = metrics().get('mcp.server.operation.duration') ?? ''
      expect(calls).toMatch(/Unit: s\n[\s\S]*DataType: Histogram\n[\s\S]*AggregationTemporality: Cumulative/)
      expect(calls).toContain('-> gen_ai.tool.name: Str(unload)')
      expect(calls).toContain(`-> Trace ID: ${traceId}`)
      expect(metrics().get('signalbox_call_bytes_total')).toMatch(/IsMonotonic: true\n[\s\S]*AggregationTemporality: Cumulative/)
    },
    60_000,
  )

  it('the collector printed them', () => {
    expect(printed).toContain('tools/call port__unload')
  })
})

/** What the collector printed of metrics, by name. */
function metricsIn(text: string): Map<string, string> {
  const parts = text.split(/^Metric #\d+\n/m).slice(1)
  return new Map(parts.map((part) => [/-> Name: (\S+)/.exec(part)?.[1] ?? '', part]))
}

interface JaegerSpan {
  readonly spanID: string
  readonly operationName: string
  readonly processID: string
  readonly references: readonly unknown[]
  readonly tags: readonly { readonly key: string; readonly value: unknown }[]
  readonly logs: readonly unknown[]
}

interface JaegerTrace {
  readonly spans: readonly JaegerSpan[]
  readonly processes: Readonly<Record<string, { readonly serviceName: string }>>
}

function tagsOf({ tags }: JaegerSpan): Record<string, unknown> {
  return Object.fromEntries(tags.map(({ key, value }) => [key, value]))
}
