// Levels of one tool: how long its calls take, how large its results are, how many rows they have. Latency and fewer rows are told to people,
// size to agents as well. Fewer rows are often only how the data changes: information that calls nobody.
import { dayMs } from '../../../core/text/duration.ts'
import type { ArgumentMemory } from './argument-memory.ts'
import { changeDeviation } from './emptiness.ts'
import { affectedOf, close, goOn, isOpen, isTold, kindOf, open, resultsToEnd, sinceOf, slot, usualOf } from './episode.ts'
import type { Findings } from './findings.ts'
import {
  born,
  bytes,
  bytesSince,
  changeBefore,
  changeCorrelation,
  changeRun,
  changeSquares,
  changeSum,
  changes,
  changeTotal,
  latency,
  latencySince,
  lowRows,
  meanRows,
  rows,
  rowsSeen,
  rowsSince,
  setTime,
  timeAt,
} from './layout.ts'
import {
  adoptLate,
  barOf,
  clearSums,
  correlationOf,
  downRunOf,
  dropLate,
  feed,
  isHigh,
  isLow,
  keepLate,
  knownOf,
  largestOf,
  quantile,
  recent,
  recentMedian,
  tailExponent,
  tailShare,
  upRunOf,
} from './level-change.ts'
import { byteSize, clockTime, digits, duration } from './words.ts'

interface Level {
  readonly at: number
  readonly since: number
  readonly slot: number
  readonly base: number
  readonly show: (value: number) => string
}

const latencyLevel: Level = { at: latency, since: latencySince, slot: slot.latency, base: 0.25, show: (ms) => `latency ${duration(ms)}` }
const sizeLevel: Level = { at: bytes, since: bytesSince, slot: slot.size, base: 16, show: (size) => `size ${byteSize(size)}` }
const rowsLevel: Level = { at: rows, since: rowsSince, slot: slot.rows, base: 1, show: (count) => `${digits(count)} rows` }
export const levels: readonly Level[] = [latencyLevel, sizeLevel, rowsLevel]

const leastInARow = 4
const lastFew = 8

export function tookLatency(f: Float32Array, ms: number, out: Findings): void {
  if (isOpen(f, slot.latency)) {
    keepLate(f, latency, ms)
    goOnWith(f, latencyLevel, ms >= 3 * usualOf(f, slot.latency) * growth(f, lastFew), out)
    return
  }
  if (!feed(f, latency, ms, latencyLevel.base)) return
  const run = upRunOf(f, latency)
  if (run === 1) setTime(f, latencySince, out.nowMs)
  if (run < leastInARow || !isHigh(f, latency)) return
  const now = recentMedian(f, latency, run)
  const usual = quantile(f, latency, 0.5, latencyLevel.base)
  // What gives more may take longer.
  const times = now / (usual * growth(f, run))
  const isLongKnown = out.nowMs - timeAt(f, born) >= dayMs
  if (times < (isLongKnown ? 3 : 5) || now < usual + 100 || now <= 1.5 * quantile(f, latency, 0.9, latencyLevel.base)) return
  openLevel(f, latencyLevel, 'latency', run, usual, out)
}

function growth(f: Float32Array, run: number): number {
  const usual = knownOf(f, bytes) > 0 ? quantile(f, bytes, 0.5, sizeLevel.base) : 0
  return usual > 0 ? Math.max(1, recentMedian(f, bytes, run) / usual) : 1
}

const noteTimes = 3
const noteShare = 1e-5
const noteAfter = 30
const noteAfterMany = 60
const farTailFrom = 200
const noteBeyond = 0.1
/** Of one episode: who has not heard it by then does not want to. */
const mostOpenNotes = 20
const largeTimes = 8

export function tookBytes(f: Float32Array, size: number, out: Findings): void {
  if (isOpen(f, slot.size)) {
    const isLarge = size >= largeTimes * usualOf(f, slot.size)
    keepLate(f, bytes, size)
    if (isLarge && affectedOf(f, slot.size) < mostOpenNotes) noteSize(f, size, 'open', out)
    goOnWith(f, sizeLevel, isLarge, out)
    return
  }
  noteLarge(f, size, out)
  if (!feed(f, bytes, size, sizeLevel.base, true)) return
  const run = upRunOf(f, bytes)
  if (run === 1) setTime(f, bytesSince, out.nowMs)
  if (run < leastInARow || !isHigh(f, bytes)) return
  const usual = quantile(f, bytes, 0.5, sizeLevel.base)
  const least = Math.max(largeTimes * usual, 3 * quantile(f, bytes, 0.95, sizeLevel.base))
  for (let i = 0; i < leastInARow; i += 1) if (recent(f, bytes, i) < least) return
  openLevel(f, sizeLevel, 'size', run, usual, out)
}

/** One that is far beyond all others, whatever it is otherwise. */
export function noteLarge(f: Float32Array, size: number, out: Findings): void {
  // Cheap to ask first: nothing that was seen before is that large.
  if (
    size > 2 * largestOf(f, bytes) &&
    knownOf(f, bytes) >= noteAfter &&
    size >= noteTimes * quantile(f, bytes, 0.95, sizeLevel.base) &&
    isFarInTail(f, size)
  )
    noteSize(f, size, 'single', out)
}

/** By the tail of all sizes, or by the largest of many, beyond which it is the tail that counts. */
function isFarInTail(f: Float32Array, size: number): boolean {
  if (tailShare(f, bytes, size, sizeLevel.base) <= noteShare) return true
  const known = knownOf(f, bytes)
  if (known < noteAfterMany) return false
  const exponent = tailExponent(f, bytes, known < farTailFrom ? 0.9 : 0.98, sizeLevel.base)
  return (size / largestOf(f, bytes)) ** -exponent <= noteBeyond
}

function noteSize(f: Float32Array, size: number, rule: string, out: Findings): void {
  const usual = `${byteSize(quantile(f, bytes, 0.05, sizeLevel.base))} to ${byteSize(quantile(f, bytes, 0.95, sizeLevel.base))}`
  out.note({ kind: 'size', rule, usual, seen: byteSize(size) })
}

const fewer = 0.6
const nearly = 0.75
const pairsFrom = 20
const unpairedFrom = 200
const mostCorrelated = 0.3
const leastUnpaired = 12
const mostPairs = 500
const pairsRate = 0.02

/** `at`: where the same arguments are kept, or -1; `isComparable`: nothing was written since. */
export function tookRows(f: Float32Array, count: number, memory: ArgumentMemory, at: number, isComparable: boolean, out: Findings): void {
  followLow(f, count)
  const before = at === -1 || !isComparable ? -1 : memory.rowsAt(at)
  const change = before >= 0 ? Math.log(count + 1) - before : undefined
  if (isOpen(f, slot.rows)) {
    keepLate(f, rows, count)
    const isFewer = count <= nearly * usualOf(f, slot.rows) || (change !== undefined && change <= Math.log(nearly))
    goOnWith(f, rowsLevel, isFewer, out)
    return
  }
  const isKnown = feed(f, rows, count, rowsLevel.base)
  if (change !== undefined && comparePair(f, change, out)) {
    openLevel(f, rowsLevel, 'rows', f[changeRun] as number, quantile(f, rows, 0.5, rowsLevel.base), out)
    clearPairs(f)
    return
  }
  if (!isKnown) return
  const run = downRunOf(f, rows)
  if (run === 1 && f[changeRun] === 0) setTime(f, rowsSince, out.nowMs)
  if (run < leastUnpaired || knownOf(f, rows) < unpairedFrom || !isLow(f, rows)) return
  if (out.nowMs - timeAt(f, born) < dayMs || correlationOf(f, rows) >= mostCorrelated) return
  const usual = quantile(f, rows, 0.5, rowsLevel.base)
  if (recentMedian(f, rows, lastFew) <= fewer * usual) openLevel(f, rowsLevel, 'rows', run, usual, out)
}

/** Falls at once and rises slowly: what is few at the time. */
function followLow(f: Float32Array, count: number): void {
  const seen = f[rowsSeen] as number
  if (seen === 0) f[lowRows] = count
  const low = f[lowRows] as number
  f[lowRows] = low + (count - low) / (count < low ? 2 : 20)
  const weight = Math.min(200, seen + 1)
  f[meanRows] = (f[meanRows] as number) + (count - (f[meanRows] as number)) / weight
  f[rowsSeen] = Math.min(1_000_000, seen + 1)
}

function comparePair(f: Float32Array, change: number, out: Findings): boolean {
  const deviation = changeDeviation(f)
  const clipped = Math.max(-3 * deviation, Math.min(3 * deviation, change))
  const n = f[changes] as number
  const z = clipped / deviation
  if (n >= pairsFrom) {
    const before = f[changeSum] as number
    const after = Math.max(0, before - z - 0.5)
    f[changeSum] = after
    if (before === 0 && after > 0) setTime(f, rowsSince, out.nowMs)
    if (after === 0) clearPairs(f)
    else {
      f[changeRun] = (f[changeRun] as number) + 1
      f[changeTotal] = (f[changeTotal] as number) + change
    }
  }
  // What begins now would hide itself.
  if (f[changeSum] === 0) {
    const product = Math.max(-2, Math.min(2, z * (f[changeBefore] as number)))
    f[changeCorrelation] = (f[changeCorrelation] as number) + pairsRate * (product - (f[changeCorrelation] as number))
  }
  f[changeBefore] = z
  f[changeSquares] = (f[changeSquares] as number) + clipped * clipped
  f[changes] = n + 1
  if (n >= mostPairs) {
    f[changes] = (n + 1) / 2
    f[changeSquares] = (f[changeSquares] as number) / 2
  }
  const run = f[changeRun] as number
  return (
    run >= leastInARow &&
    (f[changeSum] as number) >= barOf(f[changeCorrelation] as number) &&
    (f[changeTotal] as number) / run <= Math.log(fewer)
  )
}

function clearPairs(f: Float32Array): void {
  f[changeSum] = 0
  f[changeRun] = 0
  f[changeTotal] = 0
}

function openLevel(f: Float32Array, level: Level, kind: 'latency' | 'size' | 'rows', run: number, usual: number, out: Findings): void {
  const count = Math.max(1, run)
  open(f, level.slot, kind, count, count, timeAt(f, level.since), usual)
  tell('opened', f, level, recentMedian(f, level.at, Math.min(lastFew, count)), out)
  clearSums(f, level.at)
}

function goOnWith(f: Float32Array, level: Level, isAffected: boolean, out: Findings): void {
  const what = goOn(f, level.slot, isAffected)
  if (isAffected && isTold(f, level.slot) && out.nowMs - sinceOf(f, level.slot) >= dayMs) adoptLevel(f, level, out)
  else if (what === 'closed') {
    tell('closed', f, level, recentMedian(f, level.at, lastFew), out)
    close(f, level.slot)
    dropLate(f, level.at)
  } else if (what === 'updated') tell('updated', f, level, recentMedian(f, level.at, lastFew), out)
}

/** It is usual from now on. */
export function adoptLevel(f: Float32Array, level: Level, out: Findings): void {
  if (isOpen(f, level.slot)) {
    const since = clockTime(sinceOf(f, level.slot), out.nowMs)
    const text = `${level.show(recentMedian(f, level.at, lastFew))} since ${since}: usual from now on; before ${level.show(usualOf(f, level.slot))}`
    const [results, affected, sinceMs] = [resultsToEnd(f, level.slot), affectedOf(f, level.slot), sinceOf(f, level.slot)]
    out.tell('closed', kindOf(f, level.slot), text, results, affected, sinceMs, level.slot === slot.rows)
    close(f, level.slot)
  }
  adoptLate(f, level.at, level.base)
}

function tell(what: 'opened' | 'updated' | 'closed', f: Float32Array, { slot: which, show }: Level, value: number, out: Findings): void {
  const [results, affected, sinceMs] = [resultsToEnd(f, which), affectedOf(f, which), sinceOf(f, which)]
  const since = clockTime(sinceMs, out.nowMs)
  const text =
    what === 'closed'
      ? `${show(value)}, as usual again; ${affected} of ${results} results were not since ${since}`
      : `${show(value)} at the median of the last ${Math.min(lastFew, results)} results, ${affected} of ${results} since ${since}; usually ${show(usualOf(f, which))}`
  out.tell(what, kindOf(f, which), text, results, affected, sinceMs, which === slot.rows)
}
