// Spans of a call: the door draws one, and each attempt has its own below it, so that what an upstream did for which attempt can be told.
import type { TraceContext } from './call.ts'

/**
 * The id of the span of an attempt: made from the call's own, so that it is the same wherever it is asked for (the exit that names it to the
 * upstream, the reader of the record) and costs no randomness. Outside of any attempt it is the call's.
 */
export function spanOfAttempt({ spanId }: TraceContext, attemptNumber: number): string {
  if (attemptNumber === 0) return spanId
  const low = (Number.parseInt(spanId.slice(8), 16) + attemptNumber) % 0x1_0000_0000
  return spanId.slice(0, 8) + low.toString(16).padStart(8, '0')
}
