// Metrics as a collector for tests got them, of either encoding.
import { metricsRequest, type Read, read } from './protobuf.ts'

export interface SeriesPoint {
  /** Ns since the epoch. */
  readonly since: bigint
  readonly at: bigint
  readonly attributes: Readonly<Record<string, unknown>>
  /** Of a histogram its sum. */
  readonly value: number
  /** Of a histogram. */
  readonly count?: number
  readonly counts?: readonly number[]
  readonly bounds?: readonly number[]
  readonly exemplars?: readonly { readonly traceId: string; readonly spanId: string; readonly value: number }[]
}

export interface Metric {
  readonly name: string
  readonly unit: string
  readonly description: string
  readonly kind: 'gauge' | 'sum' | 'histogram'
  readonly isCumulative: boolean
  readonly isMonotonic: boolean
  readonly points: readonly SeriesPoint[]
  readonly resource: Readonly<Record<string, unknown>>
  readonly scope: string
}

export function metricsIn(body: Buffer, isJson: boolean): Metric[] {
  const request = isJson ? (JSON.parse(body.toString()) as Read) : read(body, metricsRequest)
  return listOf(request.resourceMetrics).flatMap(({ resource, scopeMetrics }) =>
    listOf(scopeMetrics).flatMap(({ scope, metrics }) =>
      listOf(metrics).map((metric) => ({
        ...metricOf(metric),
        resource: attributesOf((resource as Read).attributes),
        scope: String((scope as Read).name),
      })),
    ),
  )
}

function metricOf(metric: Read): Omit<Metric, 'resource' | 'scope'> {
  const kind = (['gauge', 'sum', 'histogram'] as const).find((one) => one in metric) ?? 'gauge'
  const data = metric[kind] as Read
  return {
    name: String(metric.name),
    unit: String(metric.unit ?? ''),
    description: String(metric.description),
    kind,
    isCumulative: (data.temporality ?? data.aggregationTemporality) === 2,
    isMonotonic: (data.monotonic ?? data.isMonotonic) === true,
    points: listOf(data.points ?? data.dataPoints).map(pointOf),
  }
}

function pointOf(point: Read): SeriesPoint {
  const counts = point.counts ?? point.bucketCounts
  return {
    since: BigInt(String(point.since ?? point.startTimeUnixNano)),
    at: BigInt(String(point.at ?? point.timeUnixNano)),
    attributes: attributesOf(point.attributes),
    value: Number(point.double ?? point.asDouble ?? point.sum ?? 0),
    ...(counts === undefined
      ? {}
      : {
          count: Number(point.count ?? 0),
          counts: listOf(counts).map(Number),
          bounds: listOf(point.bounds ?? point.explicitBounds).map(Number),
          exemplars: listOf(point.exemplars).map(({ traceId, spanId, double, asDouble }) => ({
            traceId: String(traceId),
            spanId: String(spanId),
            value: Number(double ?? asDouble),
          })),
        }),
  }
}

function attributesOf(told: unknown): Record<string, unknown> {
  return Object.fromEntries(listOf(told).map(({ key, value }) => [String(key), plain(value as Read)]))
}

function plain(value: Read): unknown {
  const int = value.int ?? value.intValue
  return int === undefined ? (value.string ?? value.stringValue) : Number(int)
}

function listOf(value: unknown): readonly Read[] {
  return (value ?? []) as readonly Read[]
}
