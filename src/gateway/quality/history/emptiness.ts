// Empty results: which of them are doubtful, by what is known of the tool and of the same arguments.
import { dayMs } from '../../../core/text/duration.ts'
import type { Seen } from '../looked.ts'
import type { ArgumentMemory } from './argument-memory.ts'
import { isOpen, slot } from './episode.ts'
import type { Findings } from './findings.ts'
import {
  blanks,
  changeSquares,
  changes,
  empties,
  empty,
  emptyNoted,
  emptySince,
  latency,
  lowRows,
  meanRows,
  results,
  rows,
  rowsSeen,
} from './layout.ts'
import { knownOf, largestOf, quantile } from './level-change.ts'
import { learnedOf, pendingYesOf, shareOf, strictness, sumOf, yesOf } from './rate-change.ts'
import { follow, type Watched } from './rate-episode.ts'
import { range } from './words.ts'

export const watchedEmpties: Watched = { rate: empty, since: emptySince, slot: slot.empty, during: 0.9, adoptMs: 7 * dayMs }

/** An answer that was empty before adds nothing when it is asked for again so soon. */
const knownForMs = 300_000
const leastBefore = 25
const leastLowRows = 3
const leastBeforeOfRowless = 200
/** So few of them were empty that each of those is told of. */
const hardlyEver = 1e-4
const longKnown = 2_500
const rarely = 0.05
const noteAt = 8
const blankFirst = 50
const blankBytes = 4
const slowMs = 200
const slowTimes = 1.5
/** A count of rows of the same arguments changes so much until something of it is known. */
const changeBefore = 0.16
const weightBefore = 2
const lowPhaseUntil = 200
const lowPhaseShare = 0.6

/** How likely a result is empty because there is hardly anything at the time. */
export function lowPhase(f: Float32Array): number {
  if (f[rowsSeen] === 0) return 0
  const low = f[lowRows] as number
  const isUsed = learnedOf(f, empty) < lowPhaseUntil || low < lowPhaseShare * (f[meanRows] as number)
  return isUsed ? Math.exp(-low / 2) : 0
}

/** Standard deviation of the change of ln(rows + 1) between results of the same arguments. */
export function changeDeviation(f: Float32Array): number {
  return Math.sqrt(((f[changeSquares] as number) + changeBefore * weightBefore) / ((f[changes] as number) + weightBefore))
}

export function tookNonEmpty(f: Float32Array, out: Findings): void {
  f[emptyNoted] = 0
  follow(f, watchedEmpties, 'empty', false, sumOf(f, empty) > 0 ? lowPhase(f) : 0, out)
}

export function tookEmpty(
  f: Float32Array,
  seen: Seen,
  memory: ArgumentMemory,
  tool: number,
  hasRows: boolean,
  isLow: boolean,
  out: Findings,
): void {
  const { nowMs } = out
  const phase = lowPhase(f)
  const found = memory.find(tool, seen.asked)
  const before = found === -1 ? -2 : memory.rowsAt(found)
  const isOverwritten = found !== -1 && memory.isOlderThan(found, seen.wroteAtMs, nowMs)
  const had = before !== -2 && !isOverwritten
  const rule = ruleOf(f, seen, had ? before : -2, phase, hasRows, isLow)
  const at = found === -1 ? memory.add(tool, seen.asked, nowMs) : found
  if (isOverwritten) memory.forgetRows(at)
  let isAlert = isOpen(f, slot.empty)
  if (isAlert || had || !memory.wasEmptyWithin(at, knownForMs, nowMs)) {
    // That there is hardly anything at the time explains none where the same arguments had rows before.
    isAlert = follow(f, watchedEmpties, 'empty', true, rule === 'repeat' ? 0 : phase, out)
    memory.noteEmpty(at, nowMs)
  }
  f[empties] = (f[empties] as number) + 1
  // What follows one that was noted is as doubtful.
  const isAccumulated = f[emptyNoted] === 1 || sumOf(f, empty) >= noteAt * strictness(f, empty)
  const said = rule ?? (isAccumulated ? 'accumulated' : isAlert ? 'open' : undefined)
  if (said === undefined) return
  f[emptyNoted] = 1
  out.note({
    kind: 'empty',
    rule: said,
    usual: usualOf(f, said === 'repeat' ? before : -2),
    seen: hasRows ? 'zero rows' : 'an empty answer',
  })
}

/** What makes it doubtful by itself. `before`: rows of the same arguments as the memory has them, -2 where nothing counts. */
function ruleOf(f: Float32Array, seen: Seen, before: number, phase: number, hasRows: boolean, isLow: boolean): string | undefined {
  const isRare = shareOf(f, empty) < rarely
  if (isRare && before === -1) return 'repeat'
  if (isRare && before >= (phase >= 0.02 ? 7 : 4) * changeDeviation(f) && before > 0) return 'repeat'
  const known = learnedOf(f, empty)
  const earlier = (f[results] as number) - 1
  if (!isLow) {
    const isFirst = yesOf(f, empty) + pendingYesOf(f, empty) === 0
    if (isFirst && (hasRows ? known >= leastBefore && (f[lowRows] as number) >= leastLowRows : known >= leastBeforeOfRowless))
      return 'single'
    if (shareOf(f, empty) <= hardlyEver && known >= longKnown && phase < 0.02) return 'single'
  }
  if (!hasRows && f[blanks] === 0 && earlier >= blankFirst && isBlank(seen)) return 'void'
  const slowest = largestOf(f, latency)
  if (isRare && knownOf(f, latency) > 0 && known >= leastBefore && seen.latencyMs > slowTimes * slowest && seen.latencyMs > slowMs)
    return 'slow'
  return undefined
}

/** Nothing, or `{}`, `[]`, `null`. */
export function isBlank({ looked }: Seen): boolean {
  return looked.format === 'none' || looked.bytes <= blankBytes
}

/** Counted while a tool shows its first results. */
export function countBlank(f: Float32Array, seen: Seen): void {
  if ((f[results] as number) <= blankFirst && isBlank(seen)) f[blanks] = (f[blanks] as number) + 1
}

function usualOf(f: Float32Array, before: number): string {
  const n = learnedOf(f, empty)
  const count = `${Math.round(n - yesOf(f, empty))} of the last ${Math.round(n)} answers`
  if (before >= 0) return `about ${Math.max(1, Math.round(Math.exp(before) - 1))} rows for the same arguments before; ${count} had rows`
  if (f[rowsSeen] === 0 || knownOf(f, rows) === 0) return `${count} were not empty`
  return `${count} had rows, usually ${range(quantile(f, rows, 0.02, 1), quantile(f, rows, 0.98, 1))}`
}
