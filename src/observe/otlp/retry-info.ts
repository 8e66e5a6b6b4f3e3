// When a collector wants to be asked again: `google.rpc.RetryInfo` in the details of a gRPC status, which comes as protobuf in the trailer
// `grpc-status-details-bin`. The one message that is read here; whatever else stands there is passed over.

const wireTypes = { varint: 0, bytes: 2 } as const
const retryInfo = 'type.googleapis.com/google.rpc.RetryInfo'

/** Ms; undefined where it says nothing that can be read. */
export function retryInfoIn(status: Uint8Array): number | undefined {
  // Status: 3 details (Any). Any: 1 type_url, 2 value. RetryInfo: 1 retry_delay (Duration). Duration: 1 seconds, 2 nanos.
  for (const detail of fields(status)) {
    if (detail.number !== 3 || typeof detail.value === 'number') continue
    let type = ''
    let value: Uint8Array | undefined
    for (const part of fields(detail.value)) {
      if (typeof part.value === 'number') continue
      if (part.number === 1) type = Buffer.from(part.value).toString('latin1')
      else if (part.number === 2) value = part.value
    }
    if (type !== retryInfo || value === undefined) continue
    const delay = fields(value).find(({ number, value: own }) => number === 1 && typeof own !== 'number')
    if (delay !== undefined) return durationOf(delay.value as Uint8Array)
  }
  return undefined
}

function durationOf(duration: Uint8Array): number | undefined {
  let ms = 0
  for (const { number, value } of fields(duration)) {
    if (typeof value !== 'number') return undefined
    if (number === 1) ms += value * 1_000
    else if (number === 2) ms += value / 1e6
  }
  return ms
}

interface Field {
  readonly number: number
  readonly value: number | Uint8Array
}

/** Those of the two kinds that stand there; none of what is cut off or of another kind. */
function fields(bytes: Uint8Array): Field[] {
  const read: Field[] = []
  let at = 0
  const varint = (): number | undefined => {
    let value = 0
    for (let shift = 1; at < bytes.length; shift *= 128) {
      const byte = bytes[at] as number
      at += 1
      value += (byte & 0x7f) * shift
      if (!Number.isSafeInteger(value)) return undefined
      if (byte < 0x80) return value
    }
    return undefined
  }
  while (at < bytes.length) {
    const tag = varint()
    if (tag === undefined) return read
    const number = Math.floor(tag / 8)
    const value = varint()
    if (value === undefined) return read
    if (tag % 8 === wireTypes.varint) read.push({ number, value })
    else if (tag % 8 === wireTypes.bytes && at + value <= bytes.length) {
      read.push({ number, value: bytes.subarray(at, at + value) })
      at += value
    } else return read
  }
  return read
}
