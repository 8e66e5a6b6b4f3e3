// Calls that an agent repeats: the same tool with the same arguments within one run. Counted in this gateway alone, since nearly every call
// is a new one, and a store elsewhere would have to be asked about each. For the same reason they stand in a table of one size, without an
// object each: a call finds its place by its fingerprint, and takes that of the one which was not repeated longest.
import type { Rate } from '../../core/text/rate.ts'

/** The window moves in so many steps. What is counted may be a step older than the period, and never younger. */
const steps = 8
/** Counts of a call: of each step of its window, and of the present one. */
const counted = steps + 1
/** Places that a call can take. */
const ways = 4
/** The longest cycle that is named as one. */
const longestCycle = 4

export interface Loop {
  readonly used: number
  readonly waitMs: number
  /** How many calls the loop is made of, where they are few; undefined where other calls come in between. */
  readonly length: number | undefined
}

export class Loops {
  readonly limit: Rate
  private readonly stepMs: number
  private readonly places: number
  /** Fingerprints; 0 where there is none yet. */
  private readonly calls: Float64Array
  /** The step of the last call. */
  private readonly lastStep: Float64Array
  /** Which call of all the last one was. */
  private readonly touched: Float64Array
  private all = 0
  /** Which call of its run the last one was. */
  private readonly nth: Uint32Array
  private readonly sums: Uint32Array
  /** Calls in each step, the step n at n modulo `counted`. */
  private readonly counts: Uint32Array
  /** Calls of each run. Runs that share a place make a loop look longer than it is, and no more. */
  private readonly runs: Uint32Array

  /** `places`: a power of two. */
  constructor(limit: Rate, places = 65_536) {
    this.limit = limit
    this.stepMs = limit.periodMs / steps
    this.places = places
    this.calls = new Float64Array(places)
    this.lastStep = new Float64Array(places)
    this.touched = new Float64Array(places)
    this.nth = new Uint32Array(places)
    this.sums = new Uint32Array(places)
    this.counts = new Uint32Array(places * counted)
    this.runs = new Uint32Array(places)
  }

  /** `run` and `call` are fingerprints, that of the call with its run. Undefined where one more is no loop yet. */
  find(run: number, call: number, nowMs: number): Loop | undefined {
    const at = this.placeOf(call)
    if (at < 0 || (this.sums[at] as number) < this.limit.most) return undefined
    const step = Math.floor(nowMs / this.stepMs)
    this.forget(at, step)
    const used = this.sums[at] as number
    if (used < this.limit.most) return undefined
    const length = (this.runs[run % this.places] as number) + 1 - (this.nth[at] as number)
    return { used, waitMs: this.wait(at, step, nowMs), length: length > 0 && length <= longestCycle ? length : undefined }
  }

  count(run: number, call: number, nowMs: number): void {
    const ofRun = run % this.places
    const nth = (this.runs[ofRun] as number) + 1
    this.runs[ofRun] = nth
    const step = Math.floor(nowMs / this.stepMs)
    let at = this.placeOf(call)
    if (at < 0) at = this.take(call, step)
    else this.forget(at, step)
    const index = at * counted + (step % counted)
    this.counts[index] = (this.counts[index] as number) + 1
    this.sums[at] = (this.sums[at] as number) + 1
    this.nth[at] = nth
    this.all += 1
    this.touched[at] = this.all
  }

  /** -1 where it has none. */
  private placeOf(call: number): number {
    const first = this.firstOf(call)
    for (let at = first; at < first + ways; at += 1) if (this.calls[at] === call) return at
    return -1
  }

  private firstOf(call: number): number {
    return (call % (this.places / ways)) * ways
  }

  /** The place of the call whose last one is longest ago, emptied. */
  private take(call: number, step: number): number {
    const first = this.firstOf(call)
    let oldest = first
    for (let at = first; at < first + ways; at += 1) {
      if ((this.touched[at] as number) < (this.touched[oldest] as number)) oldest = at
    }
    this.calls[oldest] = call
    this.lastStep[oldest] = step
    this.empty(oldest)
    return oldest
  }

  /** What is older than the window at this step. */
  private forget(at: number, step: number): void {
    const last = this.lastStep[at] as number
    if (step <= last) return
    this.lastStep[at] = step
    if (step - last > steps) {
      this.empty(at)
      return
    }
    let sum = this.sums[at] as number
    for (let gone = last + 1; gone <= step; gone += 1) {
      const index = at * counted + (gone % counted)
      sum -= this.counts[index] as number
      this.counts[index] = 0
    }
    this.sums[at] = sum
  }

  private empty(at: number): void {
    this.sums[at] = 0
    for (let index = at * counted; index < (at + 1) * counted; index += 1) this.counts[index] = 0
  }

  private wait(at: number, step: number, nowMs: number): number {
    let sum = this.sums[at] as number
    for (let gone = step - steps; gone < step; gone += 1) {
      if (gone >= 0) sum -= this.counts[at * counted + (gone % counted)] as number
      if (sum < this.limit.most) return (gone + counted) * this.stepMs - nowMs
    }
    return (step + counted) * this.stepMs - nowMs
  }
}
