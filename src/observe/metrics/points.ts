// The metrics of a registry as values of one moment, for those who do not read text.
import type { Counter, Gauge, Registry } from 'prom-client'
import { type Distribution, Histogram } from './histogram.ts'

export interface Described {
  readonly name: string
  readonly help: string
  readonly kind: 'sum' | 'gauge' | 'histogram'
  /** Of a histogram: upper bounds of its buckets, ascending. */
  readonly bounds: readonly number[]
}

/** The value of one series. */
export interface Point {
  /** The same object for all points of one reading. */
  readonly metric: Described
  /** '' of one that does not apply. */
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number | Distribution
}

/** Of every metric its series, as they are now. */
export async function readPoints(registry: Registry): Promise<Point[][]> {
  const metrics = registry.getMetricsAsArray() as unknown as readonly (Counter | Gauge | Histogram)[]
  return Promise.all(metrics.map((metric) => (metric instanceof Histogram ? ofHistogram(metric) : ofNumbers(metric))))
}

function ofHistogram(histogram: Histogram): Point[] {
  const { name, help, bounds } = histogram.options
  const metric: Described = { name, help, kind: 'histogram', bounds }
  return histogram.distributions().map(({ labels, value }) => ({ metric, labels, value }))
}

async function ofNumbers(read: Counter | Gauge): Promise<Point[]> {
  const { name, help, type, values } = await read.get()
  const isSum = (type as unknown as string) === 'counter'
  // Who writes OpenMetrics takes the suffix from the names of counters for good.
  const metric: Described = { name: isSum ? name.replace(/(_total)?$/, '_total') : name, help, kind: isSum ? 'sum' : 'gauge', bounds: [] }
  return values.map(({ labels, value }) => ({ metric, labels: labels as Record<string, string | number>, value }))
}
