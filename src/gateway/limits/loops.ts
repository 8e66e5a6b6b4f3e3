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

// What stands of a call that came again: its last step, which call of its run the last one was, all that count, and the calls in each step,
// the step n at n modulo `counted`. So many numbers that it lies in one line of the processor's cache. Of a call that came once there is its
// fingerprint and its time alone, which share a line with those beside it: nearly all calls touch no more than that.
const lastStep = 0
const nth = 1
const sum = 2
/** Part of the fingerprint: whose the numbers are. */
const owner = 3
const counts = 4
const width = 16
/** Steps are told apart up to so many, as 31 bits hold them; then counting begins anew: of the shortest period once in a day and a half. */
const wrapped = 2 ** 30

export class Loops {
  readonly limit: Rate
  private readonly stepMs: number
  private readonly sets: number
  /** Of each set of places: their fingerprints, 0 where there is none yet, and then when the last call of each was, in ms. */
  private readonly tags: Float64Array
  private readonly places: Int32Array
  /** Calls of each run. Runs that share a place make a loop look longer than it is, and no more. */
  private readonly runs: Uint32Array

  /** `places`: a power of two. */
  constructor(limit: Rate, places = 65_536) {
    this.limit = limit
    this.stepMs = limit.periodMs / steps
    this.sets = places / ways
    this.tags = new Float64Array(places * 2)
    this.places = new Int32Array(places * width)
    this.runs = new Uint32Array(places)
  }

  /** `run` and `call` are fingerprints, that of the call with its run. Undefined where one more is no loop yet. */
  find(run: number, call: number, nowMs: number): Loop | undefined {
    const at = this.placeOf(call)
    if (at < 0) return undefined
    const step = this.stepOf(nowMs)
    this.bringUp(at, call, step)
    const used = this.of(at, sum)
    if (used < this.limit.most) return undefined
    const length = (this.runs[run % this.runs.length] as number) + 1 - this.of(at, nth)
    return { used, waitMs: this.wait(at, step, nowMs), length: length > 0 && length <= longestCycle ? length : undefined }
  }

  count(run: number, call: number, nowMs: number): void {
    const ofRun = run % this.runs.length
    // Of 31 bits, as places keep it.
    const calls = ((this.runs[ofRun] as number) + 1) & 0x7f_ff_ff_ff
    this.runs[ofRun] = calls
    const at = this.placeOf(call)
    if (at < 0) {
      this.take(call, nowMs)
      return
    }
    const step = this.stepOf(nowMs)
    this.bringUp(at, call, step)
    this.places[at + nth] = calls
    this.add(at, step)
    this.tags[this.timeAt(at)] = nowMs
  }

  private stepOf(nowMs: number): number {
    return Math.floor(nowMs / this.stepMs) % wrapped
  }

  private of(at: number, what: number): number {
    return this.places[at + what] as number
  }

  /** Where its numbers begin; -1 where it has no place. */
  private placeOf(call: number): number {
    const set = call % this.sets
    const first = set * ways * 2
    for (let way = 0; way < ways; way += 1) if (this.tags[first + way] === call) return (set * ways + way) * width
    return -1
  }

  private timeAt(at: number): number {
    const place = at / width
    const way = place % ways
    return (place - way) * 2 + ways + way
  }

  /** The place of the call whose last one is longest ago. */
  private take(call: number, nowMs: number): void {
    const first = (call % this.sets) * ways * 2
    let oldest = 0
    for (let way = 1; way < ways; way += 1) {
      if ((this.tags[first + ways + way] as number) < (this.tags[first + ways + oldest] as number)) oldest = way
    }
    this.tags[first + oldest] = call
    this.tags[first + ways + oldest] = nowMs
  }

  /** To this step: without what is older than the window, and with the first call where there was one so far. */
  private bringUp(at: number, call: number, step: number): void {
    const mark = ownerOf(call)
    if (this.of(at, owner) !== mark) {
      this.places.fill(0, at, at + width)
      this.places[at + owner] = mark
      const firstStep = this.stepOf(this.tags[this.timeAt(at)] as number)
      this.places[at + lastStep] = firstStep
      this.add(at, firstStep)
    }
    const last = this.of(at, lastStep)
    if (step === last) return
    this.places[at + lastStep] = step
    if (step < last || step - last > steps) {
      this.places.fill(0, at + counts, at + width)
      this.places[at + sum] = 0
      return
    }
    let left = this.of(at, sum)
    for (let gone = last + 1; gone <= step; gone += 1) {
      const index = at + counts + (gone % counted)
      left -= this.places[index] as number
      this.places[index] = 0
    }
    this.places[at + sum] = left
  }

  private add(at: number, step: number): void {
    const index = at + counts + (step % counted)
    this.places[index] = (this.places[index] as number) + 1
    this.places[at + sum] = this.of(at, sum) + 1
  }

  private wait(at: number, step: number, nowMs: number): number {
    const gone = nowMs % this.stepMs
    let left = this.of(at, sum)
    for (let ago = steps; ago > 0; ago -= 1) {
      if (step >= ago) left -= this.of(at, counts + ((step - ago) % counted))
      if (left < this.limit.most) return (counted - ago) * this.stepMs - gone
    }
    return counted * this.stepMs - gone
  }
}

/** Its upper bits, since the lower ones say where its place is. Never 0. */
function ownerOf(call: number): number {
  return Math.floor(call / 0x20_00_00) | 0 || 1
}
