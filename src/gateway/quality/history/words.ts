// How it is said, to agents and to people. Only numbers, fixed words, and paths and versions of bounded length are in it.
import { dayMs } from '../../../core/text/duration.ts'

const minuteMs = 60_000

/** `10:02 UTC`; of another day than `nowMs` with its date. */
export function clockTime(ms: number, nowMs: number): string {
  const text = new Date(Math.floor(ms / minuteMs) * minuteMs).toISOString()
  return `${Math.floor(ms / dayMs) === Math.floor(nowMs / dayMs) ? '' : `${text.slice(0, 10)} `}${text.slice(11, 16)} UTC`
}

export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  return ms < 60_000 ? `${digits(ms / 1_000)} s` : `${digits(ms / 60_000)} min`
}

export function byteSize(bytes: number): string {
  if (bytes < 1_024) return `${Math.round(bytes)} bytes`
  return bytes < 1_048_576 ? `${digits(bytes / 1_024)} KiB` : `${digits(bytes / 1_048_576)} MiB`
}

/** Two digits of what is small. */
export function digits(value: number): string {
  return value < 10 ? `${Math.round(value * 10) / 10}` : `${Math.round(value)}`
}

export function range(low: number, high: number): string {
  const [from, to] = [Math.round(low), Math.round(high)]
  return from === to ? `${from}` : `${from}-${to}`
}

/** `3 of 600`; of what was halved it is near. */
export function outOf(part: number, whole: number): string {
  return `${Math.round(part)} of ${Math.round(whole)}`
}
