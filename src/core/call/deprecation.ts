// The end of a tool on a schedule: from when it is called deprecated, at which times it is refused for a while so that nobody overlooks it
// (brownouts), and from when it is gone.
import { dayMs } from '../text/duration.ts'

export interface Deprecation {
  /** Ms since the epoch, all of them. */
  readonly fromMs: number
  /** Undefined: it stays, deprecated. */
  readonly sunsetMs: number | undefined
  /** The tool to use in its place: its server's own name of it, or words. */
  readonly replacement: string | undefined
  readonly brownouts: readonly { readonly atMs: number; readonly untilMs: number }[]
}

/** `brownout` and `retired` refuse calls. */
export type DeprecationPhase = 'planned' | 'deprecated' | 'brownout' | 'retired'

export function phaseOf({ fromMs, sunsetMs, brownouts }: Deprecation, now: number): DeprecationPhase {
  if (sunsetMs !== undefined && now >= sunsetMs) return 'retired'
  for (const { atMs, untilMs } of brownouts) if (now >= atMs && now < untilMs) return 'brownout'
  return now >= fromMs ? 'deprecated' : 'planned'
}

/** When lists read differently next for it; undefined: never again. */
export function nextDate({ fromMs, sunsetMs }: Deprecation, now: number): number | undefined {
  if (now < fromMs) return sunsetMs === undefined ? fromMs : Math.min(fromMs, sunsetMs)
  return sunsetMs !== undefined && now < sunsetMs ? sunsetMs : undefined
}

/** As a date where it is the beginning of one (UTC), else to the second. */
export function dateText(ms: number): string {
  const text = new Date(ms).toISOString()
  return text.endsWith('T00:00:00.000Z') ? text.slice(0, 10) : text.replace(/\.\d{3}Z$/, 'Z')
}

/** What callers are left at least from when it is said, in days. */
export const noticeDays = 90

/** Before this no tool ends whose end is planned now. Who plans today means the day, not the minute. */
export function earliestSunset(fromMs: number, now: number): number {
  return Math.max(fromMs, Math.floor(now / dayMs) * dayMs) + noticeDays * dayMs
}

/** `_meta["signalbox.dev/deprecation"]`, as JSON text. */
export function noticeOf({ fromMs, sunsetMs, replacement }: Deprecation): string {
  return JSON.stringify({ from: dateText(fromMs), ...(sunsetMs === undefined ? {} : { sunset: dateText(sunsetMs) }), replacement })
}

/** What is put behind the description of a tool that is deprecated. */
export function deprecatedWords({ fromMs, sunsetMs, replacement }: Deprecation): string {
  const end = sunsetMs === undefined ? '' : `; it is removed on ${dateText(sunsetMs)}`
  const instead = replacement === undefined ? '' : ` Use ${replacement} instead.`
  return `[Deprecated since ${dateText(fromMs)}${end}.${instead}]`
}
