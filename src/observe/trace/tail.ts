// Which calls are exported though their trace is not: what went wrong, what came back doubtful, and what was slow. Known when a call is over,
// since its spans are made from its record.
import type { CallRecord } from '../../core/call/record.ts'
import { endingOf, type Kept } from './spans.ts'

/** A call is slow that took so many times as long as 95 of 100 of its tool do, and at least so long. */
const timesUsual = 2
const leastSlowMs = 50
/** Calls of a tool before anything is slow for it. */
const leastSeen = 100
/** How fast what is usual follows: of 95th percentiles, in natural logarithms. */
const step = 0.05
const percentile = 0.95
/** Tools, prompts and resources whose usual is known. */
const mostItems = 2_000

interface Usual {
  /** Natural logarithm of ms. */
  log: number
  seen: number
}

/** Objective of the latency of a call, in ms; undefined where its tool has none. */
export type SlowerThan = (record: CallRecord) => number | undefined

export class Tail {
  private readonly objective: SlowerThan
  private readonly upstreams = new Map<string, Map<string, Usual>>()
  private items = 0

  constructor(objective: SlowerThan) {
    this.objective = objective
  }

  /** Undefined where nothing about the call asks for it. Each call is to be shown once. */
  keeps(record: CallRecord): Exclude<Kept, 'trace'> | undefined {
    const slow = this.isSlow(record)
    // What was turned away became no call, and anybody can send much of it; what its client gave up is no failure.
    const counts = record.family !== 'refused' || record.fault?.kind === 'internal'
    if (counts && !record.termination.startsWith('C') && endingOf(record).type !== '') return 'error'
    if (record.suspect !== undefined && record.suspect.length > 0) return 'suspect'
    return slow ? 'slow' : undefined
  }

  private isSlow(record: CallRecord): boolean {
    const { upstream, item, family, durationMs } = record
    if (upstream === undefined || item === undefined || family === 'listen') return false
    const objective = this.objective(record)
    if (objective !== undefined) return durationMs > objective
    // Addresses of resources are chosen by clients: those of a server count together.
    const usual = this.usualOf(upstream, item.includes('://') ? '' : item)
    if (usual === undefined) return false
    const log = Math.log(Math.max(0.01, durationMs))
    const slow = usual.seen >= leastSeen && durationMs >= leastSlowMs && log > usual.log + Math.log(timesUsual)
    learn(usual, log)
    return slow
  }

  private usualOf(upstream: string, item: string): Usual | undefined {
    let items = this.upstreams.get(upstream)
    if (items === undefined) {
      items = new Map()
      this.upstreams.set(upstream, items)
    }
    let usual = items.get(item)
    if (usual === undefined) {
      if (this.items >= mostItems) return undefined
      this.items += 1
      usual = { log: 0, seen: 0 }
      items.set(item, usual)
    }
    return usual
  }
}

/** Robbins-Monro: where more than 5 of 100 are above, it rises, else it falls. The first calls are taken as they are. */
function learn(usual: Usual, log: number): void {
  usual.seen += 1
  if (usual.seen === 1) usual.log = log
  else if (usual.seen <= leastSeen) usual.log += (log > usual.log ? percentile : percentile - 1) * (20 / usual.seen) * step
  else usual.log += (log > usual.log ? percentile : percentile - 1) * step
}
