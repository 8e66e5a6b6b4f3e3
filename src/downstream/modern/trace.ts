// Trace context of a call: the client's own `traceparent` where it is well-formed (W3C Trace Context, SEP-414), else a fresh one.
import type { TraceContext } from '../../core/call/call.ts'
import type { Random } from '../../core/ports/clock.ts'
import { asBuffer } from '../../core/protocol/scan.ts'
import type { Message } from './envelope.ts'

/** Longest `tracestate` that is carried on, in characters (W3C Trace Context §3.3.1.5 asks for at least 512). */
const longestState = 512

/** Reads `_meta.traceparent` and `_meta.tracestate`; our own span id is drawn in any case. */
export function traceOf(meta: Message | undefined, random: Random): TraceContext {
  const parent = meta?.traceparent
  if (typeof parent === 'string' && isTraceparent(parent)) {
    const state = meta?.tracestate
    return {
      traceId: parent.slice(3, 35),
      spanId: hex(random, 8),
      parentSpanId: parent.slice(36, 52),
      sampled: (Number.parseInt(parent.slice(53, 55), 16) & 1) === 1,
      tracestate: typeof state === 'string' && state.length <= longestState ? state : undefined,
    }
  }
  const drawn = hex(random, 24)
  return { traceId: drawn.slice(0, 32), spanId: drawn.slice(32), parentSpanId: undefined, sampled: true, tracestate: undefined }
}

function hex(random: Random, bytes: number): string {
  return asBuffer(random.bytes(bytes)).toString('hex')
}

/** `00-<32 hex>-<16 hex>-<2 hex>`; later versions may append `-…`. */
function isTraceparent(text: string): boolean {
  if (text.length < 55 || (text.length > 55 && (text.startsWith('00') || text[55] !== '-'))) return false
  if (text[2] !== '-' || text[35] !== '-' || text[52] !== '-' || text.startsWith('ff')) return false
  if (!isHex(text, 0, 2) || !isHex(text, 53, 55)) return false
  return isHex(text, 3, 35) && isHex(text, 36, 52) && !allZero(text, 3, 35) && !allZero(text, 36, 52)
}

function isHex(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i += 1) {
    const c = text.charCodeAt(i)
    if (!((c >= 0x30 && c <= 0x39) || (c >= 0x61 && c <= 0x66))) return false
  }
  return true
}

function allZero(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i += 1) if (text.charCodeAt(i) !== 0x30) return false
  return true
}
