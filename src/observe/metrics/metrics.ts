// The metrics of a gateway. Calls are counted from their records; everything else by the counters of core/ports/report.ts and by gauges that
// read the living parts at scrape time.
import { Counter, Registry } from 'prom-client'
import type { CallRecord } from '../../core/call/record.ts'
import { type CounterName, type Counters, counters as counterTable, type SessionSide } from '../../core/ports/report.ts'
import { CallMetrics, durationBounds } from './calls.ts'
import { asPrometheus, openMetricsType, prometheusType, takesOpenMetrics } from './exposition.ts'
import { addGauges, type Gauges } from './gauges.ts'
import { Histogram } from './histogram.ts'
import { revisionLabel } from './labels.ts'
import { type Point, readPoints } from './points.ts'

export interface Metrics {
  readonly counters: Counters
  observe(record: CallRecord): void
  /** A commit of the audit: how long it took, in ms, and its rows. */
  committed(ms: number, rows: number): void
  /** In the format that the client takes: OpenMetrics 1.0, with exemplars, or Prometheus 0.0.4. */
  text(accept?: string): Promise<{ readonly type: string; readonly text: string }>
  /** The same as values, by metric. */
  points(): Promise<readonly (readonly Point[])[]>
}

/** Records that are counted together, or when somebody looks: between two calls each would find the processor's caches cold. */
const mostWaiting = 64

export function createMetrics(gauges: Gauges): Metrics {
  const registry = new Registry()
  // Its types take no metric for such a registry, though it serves them.
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as unknown as typeof Registry.PROMETHEUS_CONTENT_TYPE)
  const calls = new CallMetrics(registry)
  const made = Object.entries(counterTable).map(
    ([name, { help, labels }]) =>
      [name, new Counter({ name: `signalbox_${name}_total`, help, labelNames: [...labels], registers: [registry] })] as const,
  )
  const byName = new Map<string, Counter>(made)
  const sessions = sessionHistograms(registry)
  const commits = commitHistograms(registry)
  addGauges(registry, gauges)
  let waiting: CallRecord[] = []
  const count = (): void => {
    const records = waiting
    waiting = []
    for (const record of records) calls.count(record)
  }
  return {
    counters: {
      add: (name: CounterName, labels, by = 1) => byName.get(name)?.inc({ ...labels }, by),
      session: (side, { transport, revision, error = '' }, ms) =>
        sessions[side].observe([error, revisionLabel(revision), transport === 'stdio' ? 'pipe' : 'tcp'], ms / 1_000),
    },
    observe: (record) => {
      waiting.push(record)
      if (waiting.length >= mostWaiting) count()
    },
    committed: (ms, rows) => {
      commits.seconds.observe([], ms / 1_000)
      commits.rows.observe([], rows)
    },
    text: async (accept) => {
      count()
      const text = await registry.metrics()
      return takesOpenMetrics(accept) ? { type: openMetricsType, text } : { type: prometheusType, text: asPrometheus(text) }
    },
    points: async () => {
      count()
      return readPoints(registry)
    },
  }
}

function sessionHistograms(registry: Registry): Readonly<Record<SessionSide, Histogram>> {
  const made = (name: string, help: string): Histogram => {
    const histogram = new Histogram({
      name,
      help,
      labels: ['error_type', 'mcp_protocol_version', 'network_transport'],
      bounds: durationBounds,
    })
    registry.registerMetric(histogram as unknown as Counter)
    return histogram
  }
  return {
    server: made('mcp_server_session_duration_seconds', 'Duration of sessions of clients (OpenTelemetry `mcp.server.session.duration`).'),
    client: made('mcp_client_session_duration_seconds', 'Duration of sessions at servers (OpenTelemetry `mcp.client.session.duration`).'),
  }
}

function commitHistograms(registry: Registry): Readonly<Record<'seconds' | 'rows', Histogram>> {
  const seconds = new Histogram({
    name: 'signalbox_audit_commit_seconds',
    help: 'How long commits of the audit took.',
    labels: [],
    bounds: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
  })
  const rows = new Histogram({
    name: 'signalbox_audit_commit_rows',
    help: 'Rows of commits of the audit.',
    labels: [],
    bounds: [1, 4, 16, 64, 256],
  })
  for (const one of [seconds, rows]) registry.registerMetric(one as unknown as Counter)
  return { seconds, rows }
}
