// Reads what OTLP sends in protobuf, by the field numbers of opentelemetry-proto 1.x (trace.proto, common.proto, resource.proto), without the
// code that wrote it.
export interface Read {
  readonly [name: string]: unknown
}

type Kind = 'string' | 'hex' | 'fixed64' | 'fixed32' | 'varint' | 'double' | 'bool' | 'packed fixed64' | 'packed double' | (() => Fields)
interface Field {
  readonly name: string
  readonly kind: Kind
  readonly many?: true
}
type Fields = Readonly<Record<number, Field>>

const anyValue: Fields = {
  1: { name: 'string', kind: 'string' },
  2: { name: 'bool', kind: 'bool' },
  3: { name: 'int', kind: 'varint' },
  4: { name: 'double', kind: 'double' },
  5: { name: 'array', kind: () => ({ 1: { name: 'values', kind: () => anyValue, many: true } }) },
}
const keyValue: Fields = { 1: { name: 'key', kind: 'string' }, 2: { name: 'value', kind: () => anyValue } }
const attributes: Field = { name: 'attributes', kind: () => keyValue, many: true }
const event: Fields = { 1: { name: 'time', kind: 'fixed64' }, 2: { name: 'name', kind: 'string' }, 3: attributes }
const link: Fields = { 1: { name: 'traceId', kind: 'hex' }, 2: { name: 'spanId', kind: 'hex' }, 6: { name: 'flags', kind: 'fixed32' } }
const status: Fields = { 2: { name: 'message', kind: 'string' }, 3: { name: 'code', kind: 'varint' } }
const span: Fields = {
  1: { name: 'traceId', kind: 'hex' },
  2: { name: 'spanId', kind: 'hex' },
  3: { name: 'traceState', kind: 'string' },
  4: { name: 'parentSpanId', kind: 'hex' },
  5: { name: 'name', kind: 'string' },
  6: { name: 'kind', kind: 'varint' },
  7: { name: 'start', kind: 'fixed64' },
  8: { name: 'end', kind: 'fixed64' },
  9: attributes,
  11: { name: 'events', kind: () => event, many: true },
  13: { name: 'links', kind: () => link, many: true },
  15: { name: 'status', kind: () => status },
  16: { name: 'flags', kind: 'fixed32' },
}
const scope: Fields = { 1: { name: 'name', kind: 'string' }, 2: { name: 'version', kind: 'string' } }
const scopeSpans: Fields = { 1: { name: 'scope', kind: () => scope }, 2: { name: 'spans', kind: () => span, many: true } }
const resource: Fields = { 1: attributes }
const resourceSpans: Fields = {
  1: { name: 'resource', kind: () => resource },
  2: { name: 'scopeSpans', kind: () => scopeSpans, many: true },
}

/** ExportTraceServiceRequest. */
export const traceRequest: Fields = { 1: { name: 'resourceSpans', kind: () => resourceSpans, many: true } }

const exemplar: Fields = {
  2: { name: 'time', kind: 'fixed64' },
  3: { name: 'double', kind: 'double' },
  4: { name: 'spanId', kind: 'hex' },
  5: { name: 'traceId', kind: 'hex' },
}
const times: Fields = { 2: { name: 'since', kind: 'fixed64' }, 3: { name: 'at', kind: 'fixed64' } }
const numberPoint: Fields = { ...times, 4: { name: 'double', kind: 'double' }, 7: attributes }
const histogramPoint: Fields = {
  ...times,
  4: { name: 'count', kind: 'fixed64' },
  5: { name: 'sum', kind: 'double' },
  6: { name: 'counts', kind: 'packed fixed64' },
  7: { name: 'bounds', kind: 'packed double' },
  8: { name: 'exemplars', kind: () => exemplar, many: true },
  9: attributes,
}
const numbers: Fields = {
  1: { name: 'points', kind: () => numberPoint, many: true },
  2: { name: 'temporality', kind: 'varint' },
  3: { name: 'monotonic', kind: 'bool' },
}
const histograms: Fields = {
  1: { name: 'points', kind: () => histogramPoint, many: true },
  2: { name: 'temporality', kind: 'varint' },
}
const metric: Fields = {
  1: { name: 'name', kind: 'string' },
  2: { name: 'description', kind: 'string' },
  3: { name: 'unit', kind: 'string' },
  5: { name: 'gauge', kind: () => numbers },
  7: { name: 'sum', kind: () => numbers },
  9: { name: 'histogram', kind: () => histograms },
}
const scopeMetrics: Fields = { 1: { name: 'scope', kind: () => scope }, 2: { name: 'metrics', kind: () => metric, many: true } }
const resourceMetrics: Fields = {
  1: { name: 'resource', kind: () => resource },
  2: { name: 'scopeMetrics', kind: () => scopeMetrics, many: true },
}

/** ExportMetricsServiceRequest. */
export const metricsRequest: Fields = { 1: { name: 'resourceMetrics', kind: () => resourceMetrics, many: true } }

/** Unknown fields are passed over. Throws where it is no message. */
export function read(bytes: Uint8Array, fields: Fields): Read {
  const data = Buffer.from(bytes)
  const made: Record<string, unknown> = {}
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = data[at]
      if (byte === undefined || shift > 63n) throw new Error('no varint')
      at += 1
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  const raw = (wire: number): bigint | Buffer => {
    if (wire === 0) return varint()
    const length = wire === 1 ? 8 : wire === 5 ? 4 : wire === 2 ? Number(varint()) : Number.NaN
    if (!(at + length <= data.length)) throw new Error(`no field of the wire type ${wire}`)
    at += length
    return data.subarray(at - length, at)
  }
  while (at < data.length) {
    const tag = Number(varint())
    const value = raw(tag & 7)
    const field = fields[tag >> 3]
    if (field === undefined) continue
    const told = fieldOf(value, field.kind)
    if (field.many === true) made[field.name] = [...((made[field.name] as unknown[]) ?? []), told]
    else made[field.name] = told
  }
  return made
}

function fieldOf(value: bigint | Buffer, kind: Kind): unknown {
  if (typeof kind === 'function') return read(value as Buffer, kind())
  switch (kind) {
    case 'string':
      return (value as Buffer).toString('utf8')
    case 'hex':
      return (value as Buffer).toString('hex')
    case 'fixed64':
      return (value as Buffer).readBigUInt64LE()
    case 'fixed32':
      return (value as Buffer).readUInt32LE()
    case 'double':
      return (value as Buffer).readDoubleLE()
    case 'bool':
      return value === 1n
    case 'packed fixed64':
      return eights(value as Buffer).map((own) => own.readBigUInt64LE())
    case 'packed double':
      return eights(value as Buffer).map((own) => own.readDoubleLE())
    case 'varint':
      return Number(BigInt.asIntN(64, value as bigint))
  }
}

function eights(bytes: Buffer): Buffer[] {
  return Array.from({ length: bytes.length / 8 }, (_, n) => bytes.subarray(n * 8, n * 8 + 8))
}
