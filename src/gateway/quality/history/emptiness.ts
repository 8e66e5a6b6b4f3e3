// Empty results: which of them are doubtful, by what is known of the tool and of the same arguments.
import { dayMs } from '../../../core/text/duration.ts'
import type { Seen } from '../looked.ts'
import type { ArgumentMemory } from './argument-memory.ts'
import { contextOf, countAnswer, countEmpty, endPending, knownRate, shareIn, still, uncountEmpty } from './empty-context.ts'
import { isOpen, slot } from './episode.ts'
import type { Findings } from './findings.ts'
import {
  blanks,
  changeSquares,
  changes,
  empties,
  empty,
  emptyDeclined,
  emptyNoted,
  emptyNotes,
  emptySince,
  faults,
  latency,
  lowRows,
  meanRows,
  results,
  rows,
  rowsSeen,
} from './layout.ts'
import { knownOf, largestOf, quantile } from './level-change.ts'
import { learnedOf, pendingYesOf, shareOf, strictness, sumOf, unlearn, yesOf } from './rate-change.ts'
import { follow, type Watched } from './rate-episode.ts'
import { range } from './words.ts'

export const watchedEmpties: Watched = {
  rate: empty,
  since: emptySince,
  slot: slot.empty,
  during: 0.9,
  adoptMs: 7 * dayMs,
  likely: emptyDeclined,
}

/** A question that had rows is told of so often, while the others are well: then it is taken for one that has none. */
const mostRepeated = 1
/** What comes back so soon was not gone. */
const refutedWithinMs = dayMs / 4
const mostRefuted = 3
const leastRefuting = Math.log(4)
/** Of tools that mostly give so few rows, none to a new question is nothing special: more is asked for. */
const fewRows = 2
const strictForFew = 2
/** As likely it has to be that there is hardly anything for a run to be taken for the end of a decline. */
const declined = 0.02
const mostOfDeclined = 5
const fewFaults = 1.5
const faultsOver = 200
const leastBefore = 25
const leastLowRows = 3
const leastBeforeOfRowless = 200
/** So few of them were empty that each of those is told of. */
const hardlyEver = 1e-4
const longKnown = 2_500
const rarely = 0.02
const seldomOfAsked = 0.006
const seldom = 0.05
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

/** `at`: where the same arguments are kept, or -1 where what is kept does not count. */
export function tookNonEmpty(f: Float32Array, seen: Seen, memory: ArgumentMemory, at: number, count: number, out: Findings): void {
  f[emptyNoted] = 0
  const before = at === -1 ? -2 : memory.rowsAt(at)
  const wasEmpty = at === -1 ? 0 : memory.emptiesAt(at)
  const context = wasEmpty > 0 ? still : contextOf(before)
  if (wasEmpty > 0 && shareOf(f, empty) < seldom && isBackAsItWas(f, seen, memory, at, before, count, out.nowMs))
    refute(f, wasEmpty, before)
  countAnswer(f, context)
  const isBegun = sumOf(f, empty) > 0
  follow(f, watchedEmpties, 'empty', false, out, isBegun ? lowPhase(f) : 0, isBegun ? knownRate(f, context) : 0)
  if (isBegun) endRun(f)
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
  const isOverwritten = found !== -1 && memory.isOlderThan(found, seen.wroteAtMs, nowMs)
  const before = found === -1 || isOverwritten ? -2 : memory.rowsAt(found)
  const wasEmpty = found === -1 || isOverwritten ? 0 : memory.emptiesAt(found)
  // Of a question that never had another answer it says nothing that it is empty again.
  const isKnown = before === -2 && wasEmpty > 0
  const context = wasEmpty > 0 ? still : contextOf(before)
  const rule = isKnown ? undefined : ruleOf(f, seen, before, wasEmpty, phase, hasRows, isLow)
  const at = found === -1 ? memory.add(tool, seen.asked, nowMs) : found
  if (isOverwritten) memory.forgetRows(at)
  memory.noteEmpty(at)
  let isAlert = isOpen(f, slot.empty)
  const isMore = hadMore(f, before, phase)
  const strict = hasRows && !isMore && (f[meanRows] as number) <= fewRows ? strictForFew : 1
  if (isAlert || !isKnown) {
    if (!isAlert && sumOf(f, empty) === 0) f[emptyDeclined] = phase >= declined ? 1 : 0
    // That there is hardly anything at the time explains none where the same arguments had rows before.
    isAlert = follow(f, watchedEmpties, 'empty', true, out, isMore ? 0 : phase, knownRate(f, context), strict)
  }
  if (!isOpen(f, slot.empty) && rule !== 'failing') countEmpty(f, context, isKnown || sumOf(f, empty) === 0)
  endRun(f)
  f[empties] = (f[empties] as number) + 1
  // What follows one that was noted is as doubtful.
  const isAccumulated = (f[emptyNoted] === 1 && sumOf(f, empty) > 0) || sumOf(f, empty) >= noteAt * Math.max(strict, strictness(f, empty))
  const said = rule ?? (isKnown && !isAlert ? undefined : isAccumulated ? 'accumulated' : isAlert ? 'open' : undefined)
  if (said === undefined) return
  f[emptyNotes] = (f[emptyNotes] as number) + 1
  if (f[emptyDeclined] === 1 && (f[emptyNotes] as number) > mostOfDeclined) return
  f[emptyNoted] = 1
  out.note({
    kind: 'empty',
    rule: said,
    usual: usualOf(f, said === 'repeat' ? before : -2),
    seen: hasRows ? 'zero rows' : 'an empty answer',
  })
}

/** Once the sum is back at zero nothing was wrong; while an alert is open all was. */
function endRun(f: Float32Array): void {
  if (sumOf(f, empty) > 0) return
  const isFault = isOpen(f, slot.empty)
  endPending(f, !isFault)
  if (!isFault) f[emptyNotes] = 0
}

/** The answer is the one from before it was empty, or has as many rows again. */
function isBackAsItWas(
  f: Float32Array,
  seen: Seen,
  memory: ArgumentMemory,
  at: number,
  before: number,
  count: number,
  nowMs: number,
): boolean {
  if (before === -2 || memory.ageMs(at, nowMs) > refutedWithinMs || memory.emptiesAt(at) > mostRefuted) return false
  if (before > 0) return before >= leastRefuting && count > 0 && Math.log(count + 1) >= before - Math.max(1, changeDeviation(f))
  return memory.answerAt(at) === seen.looked.hash >>> 0
}

/** They were faults: none of them is how the tool is. */
function refute(f: Float32Array, count: number, before: number): void {
  unlearn(f, empty, count)
  uncountEmpty(f, contextOf(before))
  for (let i = count; i > 1; i -= 1) uncountEmpty(f, still)
}

/** What makes it doubtful by itself. `before`: rows of the same arguments as the memory has them, -2 where nothing counts. */
function ruleOf(
  f: Float32Array,
  seen: Seen,
  before: number,
  wasEmpty: number,
  phase: number,
  hasRows: boolean,
  isLow: boolean,
): string | undefined {
  const share = shareIn(f, contextOf(before), shareOf(f, empty))
  if (wasEmpty < mostRepeated && share < seldomOfAsked && hadMore(f, before, phase)) return 'repeat'
  const known = learnedOf(f, empty)
  const earlier = (f[results] as number) - 1
  if (!isLow) {
    const isFirst = yesOf(f, empty) + pendingYesOf(f, empty) === 0
    const isList = hasRows && known >= leastBefore && (f[lowRows] as number) >= leastLowRows
    if (isFirst && (isList || known >= leastBeforeOfRowless)) return 'single'
    if (shareOf(f, empty) <= hardlyEver && known >= longKnown && phase < declined) return 'single'
  }
  if (!hasRows && f[blanks] === 0 && earlier >= blankFirst && shareOf(f, empty) < rarely && isBlank(seen)) return 'void'
  const slowest = largestOf(f, latency)
  const latencyMs = seen.latencyMs ?? 0
  if (share < rarely && knownOf(f, latency) > 0 && known >= leastBefore && latencyMs > slowTimes * slowest && latencyMs > slowMs)
    return 'slow'
  return isFailing(f, wasEmpty > 0 ? shareIn(f, still, 0) : share) ? 'failing' : undefined
}

/** The same arguments had an answer, of rows so many that their number does not come to nothing by itself. */
function hadMore(f: Float32Array, before: number, phase: number): boolean {
  return before === -1 || (before > 0 && before >= (phase >= declined ? 7 : 4) * changeDeviation(f))
}

/** Others of its last results were surely faults, more of them than are empty for good reason. */
function isFailing(f: Float32Array, share: number): boolean {
  return failsNow(f) && (f[faults] as number) >= share * faultsOver
}

/** Several of its last results were surely faults. */
export function failsNow(f: Float32Array): boolean {
  return (f[faults] as number) >= fewFaults
}

/** One more result, a fault for sure or not. */
export function followFaults(f: Float32Array, isFault: boolean): void {
  const before = f[faults] as number
  if (before > 0 || isFault) f[faults] = before * (1 - 1 / faultsOver) + (isFault ? 1 : 0)
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
