// Calls that an agent repeats: the same tool with the same arguments within one run. Counted in this gateway alone, since nearly every call
// is a new one, and a store elsewhere would have to be asked about each.
import type { Rate } from '../../core/text/rate.ts'

/** The window moves in so many steps. What is counted may be a step older than the period, and never younger. */
const steps = 8

interface Repeated {
  /** Calls in each step, the step n at n modulo its length; undefined until the second call. */
  counts: number[] | undefined
  /** The step of the last call. */
  step: number
  sum: number
  /** Which call of its run the last one was. */
  nth: number
}

export interface Loop {
  readonly used: number
  readonly waitMs: number
  /** How many calls the loop is made of, where they are few; undefined where other calls come in between. */
  readonly length: number | undefined
}

/** The longest cycle that is named as one. */
const longestCycle = 4

export class Loops {
  readonly limit: Rate
  private readonly stepMs: number
  private readonly most: number
  /** The least recently used first. */
  private readonly calls = new Map<number, Repeated>()
  private readonly runs = new Map<number, number>()

  constructor(limit: Rate, most = 65_536) {
    this.limit = limit
    this.stepMs = limit.periodMs / steps
    this.most = most
  }

  get size(): number {
    return this.calls.size
  }

  /** `run` and `call` are fingerprints, that of the call with its run. Undefined where one more is no loop yet; changes nothing. */
  find(run: number, call: number, nowMs: number): Loop | undefined {
    const found = this.calls.get(call)
    if (found === undefined || found.sum < this.limit.most) return undefined
    const step = Math.floor(nowMs / this.stepMs)
    forget(found, step)
    if (found.sum < this.limit.most) return undefined
    const length = (this.runs.get(run) ?? found.nth) + 1 - found.nth
    return {
      used: found.sum,
      waitMs: this.wait(found, step, nowMs),
      length: length <= longestCycle ? length : undefined,
    }
  }

  count(run: number, call: number, nowMs: number): void {
    const nth = (this.runs.get(run) ?? 0) + 1
    this.runs.set(run, nth)
    if (nth === 1 && this.runs.size > this.most) dropFirst(this.runs)
    const step = Math.floor(nowMs / this.stepMs)
    const found = this.calls.get(call)
    if (found === undefined) {
      this.calls.set(call, { counts: undefined, step, sum: 1, nth })
      if (this.calls.size > this.most) dropFirst(this.calls)
      return
    }
    if (found.counts === undefined) {
      found.counts = new Array<number>(steps + 1).fill(0)
      found.counts[found.step % (steps + 1)] = found.sum
    }
    forget(found, step)
    found.counts[step % (steps + 1)] = (found.counts[step % (steps + 1)] ?? 0) + 1
    found.sum += 1
    found.nth = nth
    this.calls.delete(call)
    this.calls.set(call, found)
  }

  private wait(found: Repeated, step: number, nowMs: number): number {
    let { sum } = found
    for (let at = step - steps; at < step; at += 1) {
      sum -= found.counts?.[at % (steps + 1)] ?? 0
      if (sum < this.limit.most) return (at + steps + 1) * this.stepMs - nowMs
    }
    return (step + steps + 1) * this.stepMs - nowMs
  }
}

/** What is older than the window at this step. */
function forget(found: Repeated, step: number): void {
  const { counts } = found
  if (counts === undefined) {
    if (step - found.step > steps) found.sum = 0
  } else {
    for (let at = Math.max(found.step + 1, step - steps); at <= step; at += 1) {
      found.sum -= counts[at % (steps + 1)] ?? 0
      counts[at % (steps + 1)] = 0
    }
    if (step - found.step > steps) {
      counts.fill(0)
      found.sum = 0
    }
  }
  found.step = Math.max(found.step, step)
}

function dropFirst(map: Map<number, unknown>): void {
  const first = map.keys().next()
  if (first.done !== true) map.delete(first.value)
}
