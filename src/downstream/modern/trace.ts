// Trace context of a request: what its client says in `_meta` (SEP-414) or, where that names no trace, in headers (W3C Trace Context, W3C
// Baggage), else a fresh one. Malformed values are as absent.
import type { SpanLink, TraceContext } from '../../core/call/call.ts'
import type { Random } from '../../core/ports/clock.ts'
import type { Propagation } from '../../core/ports/propagation.ts'
import { keptBaggage } from '../../core/protocol/baggage.ts'
import { header, traceMeta } from '../../core/protocol/names.ts'
import { asBuffer } from '../../core/protocol/scan.ts'
import type { Message } from './envelope.ts'

/** Longest `tracestate` that is carried on, in characters (W3C Trace Context §3.3.1.5 asks for at least 512). */
const longestState = 512

/** Of a request, by name in lower case; lines of one name are joined by commas. */
export type TraceHeaders = Readonly<Record<string, unknown>>

/** What the door has for every request. */
export interface Tracing {
  readonly random: Random
  readonly propagation: Propagation
}

/** Our own span id is drawn in any case. `headers`: undefined where the transport has none. */
export function traceOf(meta: Message | undefined, headers: TraceHeaders | undefined, { random, propagation }: Tracing): TraceContext {
  const stated = parentIn(meta?.[traceMeta.traceparent])
  const ofHttp = headers === undefined ? undefined : parentIn(headers[header.traceparent])
  const parent = stated ?? ofHttp
  const baggage = baggageIn(meta?.[traceMeta.baggage], propagation) ?? baggageIn(headers?.[header.baggage], propagation)
  if (parent === undefined) {
    const drawn = hex(random, 24)
    const traceId = drawn.slice(0, 32)
    const sampled = propagation.sampled(traceId, undefined)
    return { traceId, spanId: drawn.slice(32), parentSpanId: undefined, sampled, tracestate: undefined, link: undefined, baggage }
  }
  const { traceId } = parent
  return {
    traceId,
    spanId: hex(random, 8),
    parentSpanId: parent.spanId,
    sampled: propagation.sampled(traceId, parent.sampled),
    tracestate: stateIn(stated === undefined ? headers?.[header.tracestate] : meta?.[traceMeta.tracestate]),
    link: stated !== undefined && ofHttp !== undefined && ofHttp.spanId !== stated.spanId ? ofHttp : undefined,
    baggage,
  }
}

/** The same for a request that the gateway makes of the first one's answer: a span below its own. */
export function traceBelow(trace: TraceContext, random: Random): TraceContext {
  return { ...trace, spanId: hex(random, 8), parentSpanId: trace.spanId, link: undefined }
}

function parentIn(text: unknown): SpanLink | undefined {
  if (typeof text !== 'string' || !isTraceparent(text)) return undefined
  return { traceId: text.slice(3, 35), spanId: text.slice(36, 52), sampled: (Number.parseInt(text.slice(53, 55), 16) & 1) === 1 }
}

/** It becomes a header again: printable ASCII (W3C Trace Context §3.3.1.3). */
function stateIn(text: unknown): string | undefined {
  return typeof text === 'string' && text !== '' && text.length <= longestState && /^[\t\x20-\x7e]+$/.test(text) ? text : undefined
}

function baggageIn(text: unknown, { baggage }: Propagation): string | undefined {
  return typeof text === 'string' && baggage.size > 0 ? keptBaggage(text, baggage) : undefined
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
