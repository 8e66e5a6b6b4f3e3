// Metrics as an operator's tools read them: a real Prometheus reads a gateway over real traffic, judges the alert rules, and answers every query
// of the dashboards.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect } from 'vitest'
import { rowsOf } from '../doubles/gateway/judging.ts'
import { startReceiver } from '../doubles/otlp/receiver.ts'
import { connect } from '../peers/clients.ts'
import { startUnderTest } from '../peers/gateway.ts'
import { eventually } from '../peers/processes.ts'
import { type PrometheusServer, prometheus, startPrometheus } from '../peers/prometheus.ts'
import { legacy, modern, openSession, send } from '../peers/raw.ts'
import { plainTool, startScripted, textResult } from '../peers/scripted.ts'
import { everything, filesystem, root } from '../peers/servers.ts'
import { promise } from './promise.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

interface Panel {
  readonly title: string
  readonly targets?: readonly { readonly expr: string }[]
}

const dashboards = join(root, 'deploy', 'grafana')
const queries = readdirSync(dashboards).flatMap((file) =>
  (JSON.parse(readFileSync(join(dashboards, file), 'utf8')) as { panels: Panel[] }).panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({ file, title, expr: expr.replace(/\$(upstream|item)/g, '.*').replaceAll('$__rate_interval', '1m') })),
  ),
)

/** A database that gives rows, then none; one call of three is told to come back. */
async function unreliable() {
  let calls = 0
  const server = await startScripted({
    era: 'modern',
    tools: [plainTool('query', { annotations: { readOnlyHint: true } }), plainTool('flaky', { annotations: { readOnlyHint: true } })],
    call: ({ name, answer, res }) => {
      calls += 1
      if (name === 'query') answer(rowsOf(calls <= 30 ? 20 : 0))
      else if (calls % 2 === 0) res.writeHead(503, { 'content-length': 0 }).end()
      else answer(textResult('done'))
    },
  })
  closers.push(server.close)
  return server
}

describe.skipIf(prometheus === undefined)('a real Prometheus over real traffic', () => {
  promise(
    ['R55', 'R57', 'R58', 'R66'],
    'reads the metrics, evaluates every rule, has exemplars, and leaves no panel of a dashboard empty',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'signalbox-files-'))
      closers.push(async () => rmSync(folder, { recursive: true, force: true }))
      const db = await unreliable()
      const collector = await startReceiver()
      closers.push(collector.close)
      const config = {
        stateDir: join(folder, 'state'),
        servers: {
          everything: { ...everything, concurrency: 1 },
          files: filesystem(folder),
          db: { url: db.url, era: 'modern', objective: { availability: 99 } },
          away: { url: 'http://127.0.0.1:9/mcp' },
        },
        tools: { 'everything/echo': { rate: '5/1m', cost: { call: 0.01 } }, 'db/query': { objective: { latency: '1s' } } },
        telemetry: { sample: 1, otlp: { endpoint: collector.url } },
      }
      const under = await startUnderTest(config, undefined, { OTEL_METRIC_EXPORT_INTERVAL: '1000' })
      closers.push(() => under.stop())
      const target = new URL(under.admin).host
      const server = await startPrometheus(closers, target, [join(root, 'deploy', 'prometheus', 'signalbox.rules.yaml')])
      await work(under.base)
      const nothing = async (): Promise<readonly string[]> => {
        const found = await Promise.all(queries.map(async (one) => ({ ...one, rows: (await server.query(one.expr)).length })))
        return found.filter(({ rows }) => rows === 0).map(({ file, title, expr }) => `${file}: ${title}: ${expr}`)
      }
      // A rate takes two readings, between which calls were made.
      await eventually(async () => {
        await work(under.base)
        return (await nothing()).length === 0
      }, 60_000)
      expect(await nothing()).toEqual([])
      expect(queries.length).toBeGreaterThan(40)
      await rulesAreEvaluated(server)
      expect(await server.exemplars('signalbox_call_seconds_bucket')).not.toEqual([])
    },
    120_000,
  )
})

async function rulesAreEvaluated(server: PrometheusServer): Promise<void> {
  await eventually(async () => (await server.rules()).every(({ health }) => health !== 'unknown'))
  const rules = await server.rules()
  expect(rules.filter(({ health }) => health !== 'ok')).toEqual([])
  expect(rules.length).toBeGreaterThan(20)
}

let sessions = 0

/** What agents do, well and badly, in both eras. */
async function work(base: string): Promise<void> {
  sessions += 1
  const call = (mount: string, name: string, args: unknown = {}) =>
    modern(base, 'tools/call', { name, arguments: args }, { mount: `/${mount}` })
  for (let n = 0; n < 8; n += 1) await call('everything', 'echo', { message: `${n}` })
  for (let n = 0; n < 20; n += 1) await call('db', 'query', { sql: `select ${sessions} ${n}` })
  for (let n = 0; n < 4; n += 1) await call('db', 'flaky')
  await Promise.all([1, 2, 3].map((n) => call('everything', 'get-sum', { a: String(n), b: 1 })))
  await call('files', 'list_allowed_directories')
  await call('files', 'read_text_file', { path: '/etc/shadow' })
  await call('away', 'nothing')
  await modern(base, 'tools/list', {})
  await modern(base, 'tools/list', { _meta: { 'io.modelcontextprotocol/protocolVersion': '1999-01-01' } })
  const session = await openSession(base, { mount: '/everything' })
  await legacy(base, session, 'tools/call', { name: 'get-tiny-image', arguments: {} }, { mount: '/everything' })
  const client = await connect('v1 http', { base, mount: '/everything' })
  await client.call('trigger-long-running-operation', { duration: 0.2, steps: 4 }, { onProgress: () => undefined })
  await client.close()
  await send(`${base}/mcp/everything`, 'DELETE', undefined, { headers: session })
}
