// Metrics leave by OTLP as /metrics has them, and a collector that is away, slow, refuses or takes a part of them costs calls nothing.
import { afterEach, describe, expect, it } from 'vitest'
import type { Metric } from './doubles/otlp/metrics.ts'
import { type Answers, type Receiver, startGrpcReceiver, startReceiver } from './doubles/otlp/receiver.ts'
import { freePort } from './peers/free-port.ts'
import { startUnderTest, type UnderTest } from './peers/gateway.ts'
import { eventually } from './peers/processes.ts'
import { legacy, metric, modern, openSession, send } from './peers/raw.ts'
import { plainTool, startScripted, textResult } from './peers/scripted.ts'
import { everything } from './peers/servers.ts'
import { promise } from './promises/promise.ts'

const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

async function receiver(answers?: Answers): Promise<Receiver> {
  const started = await startReceiver(answers)
  open.push(started.close)
  return started
}

/** A gateway in front of a real server and of one whose tool `bad` fails. */
async function exporting(otlp: Record<string, unknown>, otel: Record<string, string> = {}): Promise<UnderTest> {
  const up = await startScripted({
    era: 'modern',
    tools: [plainTool('good'), plainTool('bad')],
    call: ({ name, answer, res }) => (name === 'bad' ? res.writeHead(500).end() : answer(textResult('yes'))),
  })
  open.push(up.close)
  const gateway = await startUnderTest(
    { telemetry: { otlp, sample: 1 }, servers: { up: { url: up.url, era: 'modern' }, everything } },
    undefined,
    otel,
  )
  open.push(gateway.stop)
  return gateway
}

const call = ({ base }: UnderTest, name: string, args = {}) => modern(base, 'tools/call', { name, arguments: args })

/** What an agent does: in both eras, well and badly. */
async function work(gateway: UnderTest): Promise<void> {
  for (let n = 0; n < 5; n += 1) await call(gateway, 'up__good')
  for (let n = 0; n < 2; n += 1) await call(gateway, 'up__bad')
  await call(gateway, 'everything__echo', { message: 'one' })
  await call(gateway, 'nobody__nothing')
  await modern(gateway.base, 'tools/list')
  const session = await openSession(gateway.base)
  await legacy(gateway.base, session, 'tools/call', { name: 'everything__get-sum', arguments: { a: 1, b: 2 } })
}

/** Series as Prometheus has them, by name and labels. */
type Series = Record<string, number>

const key = (name: string, labels: readonly string[]): string => `${name}{${[...labels].sort().join(',')}}`

/** Of the text of /metrics: a label that is empty is as absent. */
async function scraped({ admin }: UnderTest): Promise<Series> {
  const { text } = await send(`${admin}/metrics`, 'GET', undefined)
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return Object.fromEntries(
    lines.map((line) => {
      const [, name = '', labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
      const told = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].filter(([, , text]) => text !== '').map(([label]) => label)
      return [key(name, told), Number(value)]
    }),
  )
}

/** Of OTLP, by the rules of the OpenTelemetry specification ("Prometheus and OpenMetrics Compatibility"). */
function translated(metrics: readonly Metric[]): Series {
  const series: Series = {}
  for (const { name: own, unit, points } of metrics) {
    const name = own.startsWith('mcp.') ? `${own.replaceAll('.', '_')}_${unit === 's' ? 'seconds' : unit}` : own
    for (const { attributes, value, count, counts, bounds } of points) {
      const labels = Object.entries(attributes).map(([label, text]) => `${label.replaceAll('.', '_')}="${text}"`)
      if (counts === undefined) {
        series[key(name, labels)] = value
        continue
      }
      series[key(`${name}_sum`, labels)] = value
      series[key(`${name}_count`, labels)] = count ?? Number.NaN
      let below = 0
      counts.forEach((one, n) => {
        below += one
        series[key(`${name}_bucket`, [...labels, `le="${bounds?.[n] ?? '+Inf'}"`])] = below
      })
    }
  }
  return series
}

/** What goes on counting while a gateway ends, or is of the moment. */
const moving =
  /^signalbox_(spans|metric_points|stray_requests|resident_bytes|audit|sessions|upstream_|endpoint_|circuit|client|alerts|incidents|objective|bugs)|^mcp_\w+_session_/

const settled = (series: Series): Series => Object.fromEntries(Object.entries(series).filter(([name]) => !moving.test(name)))

promise(
  ['R55', 'R66'],
  'what /metrics has leaves by each protocol of OTLP, with the same sums, at the latest when the gateway ends',
  async () => {
    for (const protocol of ['http/protobuf', 'http/json', 'grpc']) {
      const to = protocol === 'grpc' ? await startGrpcReceiver() : await startReceiver()
      open.push(to.close)
      const gateway = await exporting({ endpoint: to.url, protocol, headers: { authorization: 'Bearer 0123456789abcdef' } })
      await work(gateway)
      const here = await scraped(gateway)
      expect(to.metricsRequests).toEqual([])
      await gateway.stop()
      const metrics = to.metricsRequests.flatMap((request) => request.metrics)
      const there = translated(metrics)
      expect(Object.keys(settled(here)).length).toBeGreaterThan(300)
      expect(settled(there)).toEqual(settled(here))
      // What moves is there too.
      expect(new Set(metrics.map(({ name }) => name))).toContain('signalbox_resident_bytes')
      expect(to.metricsRequests[0]?.headers.authorization).toBe('Bearer 0123456789abcdef')
      wellFormed(metrics, to)
    }
  },
)

function wellFormed(metrics: readonly Metric[], to: Receiver): void {
  const { resource } = to.spans()[0] ?? {}
  for (const { name, kind, isCumulative, isMonotonic, points, scope, resource: own, description } of metrics) {
    expect([name, scope, own]).toEqual([name, 'signalbox', resource])
    expect([name, description !== '', isCumulative]).toEqual([name, true, kind !== 'gauge'])
    expect([name, isMonotonic]).toEqual([name, kind === 'sum'])
    for (const { since, at } of points) expect(since > 0n && since < at).toBe(true)
  }
  const operations = metrics.find(({ name }) => name === 'mcp.client.operation.duration')
  expect([operations?.kind, operations?.unit]).toEqual(['histogram', 's'])
  const good = operations?.points.find(({ attributes }) => attributes['gen_ai.tool.name'] === 'good')
  expect(good?.attributes).toEqual({
    'mcp.method.name': 'tools/call',
    'gen_ai.tool.name': 'good',
    'network.transport': 'tcp',
    'mcp.protocol.version': '2026-07-28',
    'server.address': '127.0.0.1',
    'server.port': expect.any(Number),
    'signalbox.upstream': 'up',
  })
  expect([good?.count, good?.counts?.reduce((all, one) => all + one, 0)]).toEqual([5, 5])
  const calls = metrics.find(({ name }) => name === 'signalbox_call_seconds')?.points ?? []
  const exemplars = calls.flatMap(({ exemplars: own = [] }) => own)
  expect(exemplars.length).toBeGreaterThan(0)
  const spans = new Set(to.spans().map(({ traceId, spanId }) => `${traceId} ${spanId}`))
  for (const { traceId, spanId } of exemplars) expect(spans).toContain(`${traceId} ${spanId}`)
}

describe('what is exported', () => {
  it('is said by configuration: traces alone, or metrics alone', async () => {
    for (const [signals, traces, metrics] of [
      [['traces'], true, false],
      [['metrics'], false, true],
    ] as const) {
      const to = await receiver()
      const gateway = await exporting({ endpoint: to.url, signals })
      await call(gateway, 'up__good')
      await gateway.stop()
      expect([to.requests.length > 0, to.metricsRequests.length > 0]).toEqual([traces, metrics])
    }
  })

  it('metrics may go to an address of their own, and where the environment says so to none', async () => {
    const to = await receiver()
    const own = await exporting({}, { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `${to.url}/own/metrics` })
    await own.stop()
    expect(to.metricsRequests.map(({ path }) => path)).toContain('/own/metrics')
    const before = to.metricsRequests.length
    const none = await exporting({}, { OTEL_EXPORTER_OTLP_ENDPOINT: to.url, OTEL_METRICS_EXPORTER: 'none' })
    await call(none, 'up__good')
    await none.stop()
    expect([to.metricsRequests.length, to.requests.length > 0]).toEqual([before, true])
  })
})

describe('a collector that does not do its part', () => {
  const often = { OTEL_METRIC_EXPORT_INTERVAL: '50' }
  const dropped = async ({ admin }: UnderTest): Promise<Record<string, number>> =>
    Object.fromEntries(
      [...(await metric(admin, 'signalbox_metric_points_dropped_total'))].map(([labels, n]) => [/"(.*)"/.exec(labels)?.[1] ?? '', n]),
    )

  /** All calls are answered, in their order, whatever becomes of the metrics. */
  async function load(gateway: UnderTest): Promise<void> {
    for (let n = 0; n < 60; n += 1) expect((await call(gateway, 'up__good')).message.result.content[0].text).toBe('yes')
  }

  promise(['R66', 'R69'], 'that is away, never answers or refuses metrics costs no call, and what is lost is counted', async () => {
    const away = await exporting({ endpoint: `http://127.0.0.1:${await freePort()}` }, often)
    await load(away)
    expect(await dropped(away)).toEqual({})
    await away.stop()

    let hung = 0
    const silent = await receiver({
      metrics: () => {
        hung += 1
        return undefined
      },
    })
    const waiting = await exporting({ endpoint: silent.url, timeout: '300ms' }, often)
    await load(waiting)
    expect(await eventually(() => hung >= 2)).toBe(true)
    expect(await dropped(waiting)).toEqual({})

    const refusing = await receiver({ metrics: (res) => void res.writeHead(404).end() })
    const refused = await exporting({ endpoint: refusing.url }, often)
    await load(refused)
    expect(await eventually(async () => ((await dropped(refused)).refused ?? 0) > 300)).toBe(true)
    expect([...(await metric(refused.admin, 'signalbox_metric_points_total')).values()]).toEqual([0])
  })

  it('that took a part says so, and the rest is counted', async () => {
    // ExportMetricsServiceResponse: partial_success (1) of rejected_data_points (1) 1.
    const to = await receiver({ metrics: (res) => void res.writeHead(200).end(Buffer.from([0x0a, 0x02, 0x08, 0x01])) })
    const gateway = await exporting({ endpoint: to.url }, often)
    expect(await eventually(async () => ((await dropped(gateway)).rejected ?? 0) >= 1)).toBe(true)
    expect([...(await metric(gateway.admin, 'signalbox_metric_points_total')).values()][0]).toBeGreaterThan(100)
  })

  it('that says 503 is sent the same again, so that no reading is lost or doubled', async () => {
    const to = await receiver({
      metrics: (res, number) => {
        if (number > 1) return false
        res.writeHead(503, { 'retry-after': '0' }).end()
        return undefined
      },
    })
    const gateway = await exporting({ endpoint: to.url })
    await load(gateway)
    // At the end one more attempt is made of what is not taken, so that the second is refused as well.
    await gateway.stop()
    expect(to.metricsRequests).toEqual([])
    const again = await exporting({ endpoint: to.url }, often)
    expect(await eventually(() => to.metricsRequests.length > 3)).toBe(true)
    const read = to.metricsRequests.flatMap(({ metrics }) =>
      metrics.filter(({ name }) => name === 'signalbox_resident_bytes').flatMap(({ points }) => points.map(({ at }) => at)),
    )
    expect(new Set(read).size).toBe(read.length)
    expect(await dropped(again)).toEqual({})
  })
})
