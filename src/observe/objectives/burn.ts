// How fast an error budget is used up, and when people are told: by two windows at once, of which the long one says that it matters and the short
// one that it goes on (Site Reliability Workbook, chapter 5: multiwindow, multi-burn-rate alerts).
import { type Counts, hourMs, minuteMs, monthMs } from './counts.ts'

/** What of the calls is bad: those that fail, or those that are slow. */
export type Measure = 'availability' | 'latency'

export interface BurnRule {
  readonly longMs: number
  readonly shortMs: number
  /** Times the rate that uses the budget up in 30 days. */
  readonly factor: number
  readonly severity: 'critical' | 'warn'
  /** Bad calls in the long window before it counts: a single one among few is no rate. */
  readonly least: number
}

export const burnRules: readonly BurnRule[] = [
  { longMs: hourMs, shortMs: 5 * minuteMs, factor: 14.4, severity: 'critical', least: 5 },
  { longMs: 6 * hourMs, shortMs: 30 * minuteMs, factor: 6, severity: 'critical', least: 10 },
  { longMs: 72 * hourMs, shortMs: 6 * hourMs, factor: 1, severity: 'warn', least: 20 },
]

/** Windows that are shown, by their names. */
export const windows: Readonly<Record<string, number>> = {
  '5m': 5 * minuteMs,
  '30m': 30 * minuteMs,
  '1h': hourMs,
  '6h': 6 * hourMs,
  '3d': 72 * hourMs,
  '30d': monthMs,
}

export interface Share {
  readonly calls: number
  readonly bad: number
}

export function shareOf(counts: Counts, measure: Measure, nowMs: number, windowMs: number): Share {
  const { calls, bad, timed, slow } = counts.sums(nowMs, windowMs)
  return measure === 'availability' ? { calls, bad } : { calls: timed, bad: slow }
}

/** `allowed`: the part of the calls that may be bad, between 0 and 1. 1 uses the budget up in 30 days; 0 where nothing was called. */
export function burnRate({ calls, bad }: Share, allowed: number): number {
  return calls === 0 ? 0 : bad / calls / allowed
}

/** What is left of the budget of the last 30 days: 1 all, 0 nothing, less than 0 more than that was used. */
export function budgetLeft(counts: Counts, measure: Measure, allowed: number, nowMs: number): number {
  return 1 - burnRate(shareOf(counts, measure, nowMs, monthMs), allowed)
}

/** The first rule that holds now. */
export function burning(counts: Counts, measure: Measure, allowed: number, nowMs: number): BurnRule | undefined {
  return burnRules.find(({ longMs, shortMs, factor, least }) => {
    const long = shareOf(counts, measure, nowMs, longMs)
    if (long.bad < least || burnRate(long, allowed) < factor) return false
    return burnRate(shareOf(counts, measure, nowMs, shortMs), allowed) >= factor
  })
}
