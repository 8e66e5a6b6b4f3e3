// A moment as people write it: in ISO 8601, or as a duration, which is that long ago.
import { durationMs } from './duration.ts'

/** Said of a text that is none. */
export const noMoment = 'neither a time in ISO 8601 nor a duration such as 2h'

/** Milliseconds since the epoch; undefined where the text is no moment. */
export function momentIn(text: string, nowMs: number): number | undefined {
  const ago = durationMs(text)
  if (ago !== undefined) return nowMs - ago
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(at) ? undefined : at
}
