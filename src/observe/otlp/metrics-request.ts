// Metrics as the messages of OTLP (opentelemetry-proto 1.x, metrics.proto) in their JSON mapping, and the same in protobuf. The serialisers of
// OpenTelemetry know no exemplars, so the messages are made here; what a collector answers is read by theirs.
import { JsonMetricsSerializer, ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer'
import protobuf from 'protobufjs/light.js'
import type { Distribution, Exemplar } from '../metrics/histogram.ts'
import type { Described, Point } from '../metrics/points.ts'
import type { Encoding } from './export-queue.ts'
import { attributeName, metricName } from './metric-names.ts'
import type { OtlpProtocol } from './target.ts'

/** A point, and when it was read, in ms since the epoch. */
export interface ReadPoint {
  readonly point: Point
  readonly atMs: number
}

export interface MetricsOrigin {
  readonly resource: Readonly<Record<string, string>>
  readonly scope: { readonly name: string; readonly version: string }
  /** Since when it is counted, in ms since the epoch. */
  readonly sinceMs: number
}

/** Of `http/json` JSON, of the others protobuf. */
export function metricsEncoding(protocol: OtlpProtocol, origin: MetricsOrigin): Encoding<ReadPoint> {
  const isJson = protocol === 'http/json'
  const serializer = isJson ? JsonMetricsSerializer : ProtobufMetricsSerializer
  return {
    encode: (points) =>
      isJson
        ? Buffer.from(JSON.stringify(requestOf(points, origin, (hex) => hex)))
        : exportRequest.encode(requestOf(points, origin, (hex) => Buffer.from(hex, 'hex'))).finish(),
    rejectedIn: (answer) =>
      Number(answer.length === 0 ? 0 : (serializer.deserializeResponse(answer).partialSuccess?.rejectedDataPoints ?? 0)),
  }
}

/** Ids of traces and spans are hexadecimal in JSON, where the mapping of protobuf has base64 (OTLP, "JSON Protobuf Encoding"). */
type Id = (hex: string) => string | Buffer

function requestOf(points: readonly ReadPoint[], { resource, scope, sinceMs }: MetricsOrigin, id: Id): object {
  const byMetric = new Map<Described, ReadPoint[]>()
  for (const read of points) {
    const known = byMetric.get(read.point.metric)
    if (known === undefined) byMetric.set(read.point.metric, [read])
    else known.push(read)
  }
  const metrics = [...byMetric].map(([metric, read]) => metricOf(metric, read, nanoseconds(sinceMs), id))
  return { resourceMetrics: [{ resource: { attributes: attributesOf(resource) }, scopeMetrics: [{ scope, metrics }] }] }
}

function metricOf(metric: Described, read: readonly ReadPoint[], startTimeUnixNano: string, id: Id): object {
  const common = { ...metricName(metric.name), description: metric.help }
  const dataPoints = read.map(({ point: { labels, value }, atMs }) => ({
    attributes: attributesOf(labels),
    startTimeUnixNano,
    timeUnixNano: nanoseconds(atMs),
    ...(typeof value === 'number' ? { asDouble: value } : buckets(value, metric.bounds, id)),
  }))
  switch (metric.kind) {
    case 'gauge':
      return { ...common, gauge: { dataPoints } }
    case 'sum':
      return { ...common, sum: { dataPoints, aggregationTemporality: cumulative, isMonotonic: true } }
    case 'histogram':
      return { ...common, histogram: { dataPoints, aggregationTemporality: cumulative } }
  }
}

/** `AGGREGATION_TEMPORALITY_CUMULATIVE`. */
const cumulative = 2

function buckets({ count, sum, counts, exemplars }: Distribution, explicitBounds: readonly number[], id: Id): object {
  return {
    // Of 64 bits, which are text in JSON.
    count: String(count),
    sum,
    bucketCounts: counts.map(String),
    explicitBounds,
    exemplars: exemplars.map((one) => exemplarOf(one, id)),
  }
}

function exemplarOf({ labelSet: { trace_id = '', span_id = '' }, value, timestamp }: Exemplar, id: Id): object {
  return { timeUnixNano: nanoseconds(timestamp * 1_000), asDouble: value, spanId: id(span_id), traceId: id(trace_id) }
}

function attributesOf(labels: Readonly<Record<string, string | number>>): object[] {
  const all: object[] = []
  for (const [label, value] of Object.entries(labels)) {
    if (value === '') continue
    const key = attributeName(label)
    // The conventions have it as a number.
    all.push({ key, value: key === 'server.port' ? { intValue: String(value) } : { stringValue: String(value) } })
  }
  return all
}

function nanoseconds(ms: number): string {
  return String(BigInt(Math.round(ms * 1_000)) * 1_000n)
}

/** Fields by name: number, type, and whether there are many. */
type Fields = Readonly<Record<string, readonly [id: number, type: string, rule?: 'repeated']>>

const messages: Readonly<Record<string, Fields>> = {
  Request: { resourceMetrics: [1, 'ResourceMetrics', 'repeated'] },
  ResourceMetrics: { resource: [1, 'Resource'], scopeMetrics: [2, 'ScopeMetrics', 'repeated'] },
  Resource: { attributes: [1, 'KeyValue', 'repeated'] },
  ScopeMetrics: { scope: [1, 'Scope'], metrics: [2, 'Metric', 'repeated'] },
  Scope: { name: [1, 'string'], version: [2, 'string'] },
  KeyValue: { key: [1, 'string'], value: [2, 'AnyValue'] },
  AnyValue: { stringValue: [1, 'string'], intValue: [3, 'int64'] },
  Metric: {
    name: [1, 'string'],
    description: [2, 'string'],
    unit: [3, 'string'],
    gauge: [5, 'Numbers'],
    sum: [7, 'Numbers'],
    histogram: [9, 'Histograms'],
  },
  // Gauge and Sum: the former has the first field only.
  Numbers: { dataPoints: [1, 'NumberDataPoint', 'repeated'], aggregationTemporality: [2, 'int32'], isMonotonic: [3, 'bool'] },
  Histograms: { dataPoints: [1, 'HistogramDataPoint', 'repeated'], aggregationTemporality: [2, 'int32'] },
  NumberDataPoint: {
    attributes: [7, 'KeyValue', 'repeated'],
    startTimeUnixNano: [2, 'fixed64'],
    timeUnixNano: [3, 'fixed64'],
    asDouble: [4, 'double'],
  },
  HistogramDataPoint: {
    attributes: [9, 'KeyValue', 'repeated'],
    startTimeUnixNano: [2, 'fixed64'],
    timeUnixNano: [3, 'fixed64'],
    count: [4, 'fixed64'],
    sum: [5, 'double'],
    bucketCounts: [6, 'fixed64', 'repeated'],
    explicitBounds: [7, 'double', 'repeated'],
    exemplars: [8, 'Exemplar', 'repeated'],
  },
  Exemplar: { timeUnixNano: [2, 'fixed64'], asDouble: [3, 'double'], spanId: [4, 'bytes'], traceId: [5, 'bytes'] },
}

const exportRequest = protobuf.Root.fromJSON({
  nested: Object.fromEntries(
    Object.entries(messages).map(([message, fields]) => [
      message,
      {
        // Packed, as proto3 has it.
        fields: Object.fromEntries(
          Object.entries(fields).map(([name, [id, type, rule]]) => [name, { id, type, ...(rule && { rule, options: { packed: true } }) }]),
        ),
      },
    ]),
  ),
}).lookupType('Request')
