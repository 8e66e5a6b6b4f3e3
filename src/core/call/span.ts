// Spans of a call: the door draws one, and each attempt has its own below it, so that what an upstream did for which attempt can be told.
import type { TraceContext } from './call.ts'

/**
 * The id of the span of an attempt: made from the call's own, so that it is the same wherever it is asked for (the exit that names it to the
 * upstream, the reader of the record) and costs no randomness. Outside of any attempt it is the call's.
 */
export function spanOfAttempt({ spanId }: TraceContext, attemptNumber: number): string {
  return attemptNumber === 0 ? spanId : after(spanId, attemptNumber)
}

/** Attempts of a call are fewer. */
const mostAttempts = 0x1_0000

/** The id of a span of what the gateway itself did for the call. `n`: from 0, another for each. */
export function innerSpan({ spanId }: TraceContext, n: number): string {
  return after(spanId, mostAttempts + n)
}

/** `traceparent` (W3C Trace Context §3.2) of what an attempt sends: its own span is the parent. */
export function traceparentOf(trace: TraceContext, attemptNumber: number): string {
  return `00-${trace.traceId}-${spanOfAttempt(trace, attemptNumber)}-${trace.sampled ? '01' : '00'}`
}

function after(spanId: string, n: number): string {
  const low = (Number.parseInt(spanId.slice(8), 16) + n) % 0x1_0000_0000
  return spanId.slice(0, 8) + low.toString(16).padStart(8, '0')
}
