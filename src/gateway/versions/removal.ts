// Whether a tool may end when an operator wants it to.
import { type Deprecation, dateText, earliestSunset, noticeDays } from '../../core/call/deprecation.ts'
import { dayMs } from '../../core/text/duration.ts'
import { usageDays } from './usage.ts'

export interface Wanted {
  readonly now: number
  readonly plan: Pick<Deprecation, 'fromMs' | 'sunsetMs'>
  /** What callers were told before. */
  readonly before: Pick<Deprecation, 'sunsetMs'> | undefined
  /** Keys of configuration that pin callers to it. */
  readonly pins: readonly string[]
  /** Callers of the last days; undefined where that is not known. */
  readonly callers: number | undefined
}

export interface Objection {
  readonly kind: 'configured' | 'locked' | 'before_date' | 'pinned' | 'in_use'
  /** For people. */
  readonly reason: string
}

/** Why not, where an operator can take it on. */
export function objections({ now, plan, before, pins, callers }: Wanted): readonly Objection[] {
  const found: Objection[] = []
  const { fromMs, sunsetMs } = plan
  if (sunsetMs === undefined) return found
  const earliest = before?.sunsetMs ?? earliestSunset(fromMs, now)
  if (sunsetMs < earliest) {
    const why = before?.sunsetMs === undefined ? `${noticeDays} days from when it is said` : 'the date that callers were told'
    found.push({ kind: 'before_date', reason: `${dateText(sunsetMs)} is before ${dateText(earliest)}, ${why}` })
  }
  if (pins.length > 0) found.push({ kind: 'pinned', reason: `callers are pinned to it by ${pins.join(', ')}` })
  if (sunsetMs <= now + usageDays * dayMs && callers !== 0) {
    const who =
      callers === undefined ? 'who called it is not known' : `${callers} ${callers === 1 ? 'caller has' : 'callers have'} called it`
    found.push({ kind: 'in_use', reason: `${who} within the last ${usageDays} days` })
  }
  return found
}
