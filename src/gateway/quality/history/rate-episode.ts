// A rate and its episode: results are weighed against what was learned until an alert opens; while it is open none is learned.
import type { Alert } from '../looked.ts'
import { affectedOf, close, goOn, isOpen, isTold, kindOf, open, resultsToEnd, sinceOf } from './episode.ts'
import type { Findings } from './findings.ts'
import { setTime, timeAt } from './layout.ts'
import { adoptRate, commit, drop, isAlert, learnedOf, learnRun, pendingOf, pendingYesOf, sumOf, weigh, yesOf } from './rate-change.ts'
import { clockTime, outOf } from './words.ts'

export interface Watched {
  readonly rate: number
  readonly since: number
  readonly slot: number
  /** The rate while there is a fault. */
  readonly during: number
  /** What is so for as long is usual then. */
  readonly adoptMs: number
  /** Long episodes are learned as well, as a short run: what comes and goes by itself, as what stands still at night, is how a tool is. */
  readonly learnsRuns?: true
  /** Where a 1 says that what is going on is likely how the tool is: it is told as information, and learned whole when it ends. */
  readonly likely?: number
  /** What begins by it is often how things are: told as information. */
  readonly informs?: true
}

/** Shorter episodes are learned, as one run. */
const shortRun = 10
const says: Readonly<Record<Alert['kind'], string>> = {
  empty: 'empty',
  error_text: 'error messages given for successes',
  truncated: 'cut off',
  result_schema: 'not of the declared schema',
  frozen: 'the same as earlier ones',
  result_shape: 'of another shape',
  latency: 'slow',
  size: 'large',
  rows: 'short',
}

/** True where this result opened an alert, or is of one that is open. `known`, `strict`: as `weigh` and `isAlert` have them. */
export function follow(
  f: Float32Array,
  watched: Watched,
  kind: Alert['kind'],
  isYes: boolean,
  out: Findings,
  floor = 0,
  known = 0,
  strict = 1,
): boolean {
  const { rate, slot } = watched
  if (isOpen(f, slot)) {
    goOnWith(f, watched, isYes, out)
    return isYes && isOpen(f, slot)
  }
  const before = sumOf(f, rate)
  const after = weigh(f, rate, isYes, watched.during, floor, known)
  if (before === 0 && after > 0) setTime(f, watched.since, out.nowMs)
  if (!isYes || !isAlert(f, rate, strict)) return false
  const sinceMs = timeAt(f, watched.since)
  open(f, slot, kind, pendingOf(f, rate), pendingYesOf(f, rate), sinceMs, 0)
  drop(f, rate)
  tell('opened', f, watched, out)
  return true
}

function goOnWith(f: Float32Array, watched: Watched, isYes: boolean, out: Findings): void {
  const { slot } = watched
  const what = goOn(f, slot, isYes)
  if (isYes && isTold(f, slot) && out.nowMs - sinceOf(f, slot) >= watched.adoptMs) adopt(f, watched, out)
  else if (what === 'updated') tell('updated', f, watched, out)
  else if (what === 'closed') {
    tell('closed', f, watched, out)
    if (isTold(f, slot)) learnEnded(f, watched)
    close(f, slot)
  }
}

/** What ended by itself and was no fault that people know of. */
function learnEnded(f: Float32Array, watched: Watched): void {
  const { rate, slot, learnsRuns } = watched
  const affected = affectedOf(f, slot)
  if (affected < shortRun || isLikely(f, watched)) learnRun(f, rate, resultsToEnd(f, slot), affected)
  else if (learnsRuns === true) learnRun(f, rate, shortRun, shortRun)
}

function isLikely(f: Float32Array, { likely }: Watched): boolean {
  return likely !== undefined && f[likely] === 1
}

function isInfo(f: Float32Array, watched: Watched): boolean {
  return watched.informs === true || isLikely(f, watched)
}

/** It is usual from now on. */
export function adopt(f: Float32Array, watched: Watched, out: Findings): void {
  const { rate, slot } = watched
  if (!isOpen(f, slot)) {
    commit(f, rate)
    return
  }
  const kind = kindOf(f, slot)
  const [results, affected] = [resultsToEnd(f, slot), affectedOf(f, slot)]
  const text = `${outOf(affected, results)} answers ${says[kind]} since ${clockTime(sinceOf(f, slot), out.nowMs)}: usual from now on`
  out.tell('closed', kind, text, results, affected, sinceOf(f, slot), isInfo(f, watched))
  adoptRate(f, rate, results, affected)
  close(f, slot)
}

function tell(what: Alert['what'], f: Float32Array, watched: Watched, out: Findings): void {
  const { rate, slot } = watched
  const kind = kindOf(f, slot)
  const [results, affected, sinceMs] = [resultsToEnd(f, slot), affectedOf(f, slot), sinceOf(f, slot)]
  const count = `${outOf(affected, results)} answers ${says[kind]} since ${clockTime(sinceMs, out.nowMs)}`
  const text = what === 'closed' ? `${count}; now as usual again` : `${count}; before ${outOf(yesOf(f, rate), learnedOf(f, rate))}`
  out.tell(what, kind, text, results, affected, sinceMs, isInfo(f, watched))
}
