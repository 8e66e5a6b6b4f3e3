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

export interface Metrics {
  readonly counters: Counters
  observe(record: CallRecord): void
  /** In the format that the client takes: OpenMetrics 1.0, with exemplars, or Prometheus 0.0.4. */
  text(accept?: string): Promise<{ readonly type: string; readonly text: string }>
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
    text: async (accept) => {
      count()
      const text = await registry.metrics()
      return takesOpenMetrics(accept) ? { type: openMetricsType, text } : { type: prometheusType, text: asPrometheus(text) }
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
