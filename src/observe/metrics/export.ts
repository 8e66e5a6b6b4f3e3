// Metrics by OTLP: read each minute from what /metrics reads, and once more at the end. No call does anything for it.
import { reportBug } from '../../core/ports/boundary.ts'
import type { Clock, Random, Timer } from '../../core/ports/clock.ts'
import type { Report } from '../../core/ports/report.ts'
import type { Implementation } from '../../core/protocol/names.ts'
import type { Proxies } from '../../platform/net/proxies.ts'
import type { DropReason } from '../otlp/export-queue.ts'
import { Exporter } from '../otlp/exporter.ts'
import type { ReadPoint } from '../otlp/metrics-request.ts'
import { readResource } from '../otlp/resource.ts'
import { type Environment, type OtlpTarget, readTarget, secretsOf } from '../otlp/target.ts'
import type { TelemetrySettings } from '../settings.ts'
import type { Metrics } from './metrics.ts'

export interface MetricsExportParts {
  readonly settings: TelemetrySettings
  readonly env: Environment
  readonly identity: Implementation
  /** Of this replica. */
  readonly instance: string
  readonly metrics: Pick<Metrics, 'points'>
  readonly proxies: Pick<Proxies, 'find'> | undefined
  readonly clock: Clock
  readonly random: Random
  readonly report: Report
}

export interface MetricsExport {
  /** Values of the environment that must never be written anywhere. */
  readonly secrets: readonly string[]
  /** Variables that cannot be read. */
  readonly unread: readonly string[]
  start(): Promise<void>
  /** Reads once more, and sends what waits, for so long. */
  end(withinMs: number): Promise<void>
}

/** Undefined where they are not exported. */
export function createMetricsExport(parts: MetricsExportParts): MetricsExport | undefined {
  const { target, unread } = readTarget('metrics', parts.settings.otlp, parts.env)
  if (target === undefined) return undefined
  const timing = readTiming(parts.env)
  return new PeriodicExport(parts, target, timing.intervalMs, [...unread, ...timing.unread])
}

/** OpenTelemetry, "Periodic exporting MetricReader": its variable and its default. Sums are cumulative, as Prometheus has them. */
function readTiming(env: Environment): { readonly intervalMs: number; readonly unread: readonly string[] } {
  const { OTEL_METRIC_EXPORT_INTERVAL: interval = '', OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: temporality = '' } = env
  const isRead = /^[1-9]\d{0,8}$/.test(interval.trim())
  return {
    intervalMs: isRead ? Number(interval) : 60_000,
    unread: [
      ...(isRead || interval.trim() === '' ? [] : ['OTEL_METRIC_EXPORT_INTERVAL']),
      ...(/^(cumulative)?$/i.test(temporality.trim()) ? [] : ['OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE']),
    ],
  }
}

/** Points that wait at most: what one reading can have, and hours of a small gateway. */
const mostQueued = 65_536
/** Points that are sent together at least, where a metric has as many. */
const together = 128

class PeriodicExport implements MetricsExport {
  readonly secrets: readonly string[]
  readonly unread: readonly string[]
  private readonly parts: MetricsExportParts
  private readonly target: OtlpTarget
  private readonly intervalMs: number
  private readonly sinceMs: number
  private readonly exporter: Exporter<ReadPoint>
  private timer: Timer | undefined
  private isOver = false

  constructor(parts: MetricsExportParts, target: OtlpTarget, intervalMs: number, unread: readonly string[]) {
    const { proxies, clock, random, report } = parts
    this.parts = parts
    this.target = target
    this.intervalMs = intervalMs
    this.unread = unread
    this.secrets = secretsOf(target)
    this.sinceMs = clock.now()
    const { counters } = report
    const counted = {
      taken: (items: number) => counters.add('metric_points', {}, items),
      dropped: (reason: DropReason, items: number) => counters.add('metric_points_dropped', { reason }, items),
    }
    this.exporter = new Exporter({ target, counted, mostQueued, proxies, clock, random, report })
  }

  async start(): Promise<void> {
    const { identity, instance, env } = this.parts
    await this.exporter.start(async () => {
      const { metricsEncoding } = await import('../otlp/metrics-request.ts')
      const { attributes } = await readResource(identity, instance, env)
      const scope = { name: identity.name, version: identity.version }
      return metricsEncoding(this.target.protocol, { resource: attributes as Record<string, string>, scope, sinceMs: this.sinceMs })
    })
    this.rest()
  }

  async end(withinMs: number): Promise<void> {
    this.isOver = true
    this.timer?.cancel()
    await this.read()
    await this.exporter.end(withinMs)
  }

  private rest(): void {
    if (this.isOver || this.exporter.isOff) return
    this.timer = this.parts.clock.timer(this.intervalMs, () => {
      this.read().then(
        () => this.rest(),
        (bug: unknown) => reportBug(this.parts.report, 'telemetry', bug),
      )
    })
  }

  private async read(): Promise<void> {
    const { metrics, clock, report } = this.parts
    const read = this.exporter.isOff ? [] : await metrics.points().catch((bug: unknown) => reportBug(report, 'telemetry', bug))
    const atMs = clock.now()
    for (const points of read ?? [])
      for (let at = 0; at < points.length; at += together)
        this.exporter.add(
          points.slice(at, at + together).map((point) => ({ point, atMs })),
          false,
        )
  }
}
