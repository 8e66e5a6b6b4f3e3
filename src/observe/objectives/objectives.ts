// Objectives of tools and servers: counts their calls from the records, and says what is left of the budget and how fast it is used up.
import type { Objective } from '../../core/call/objective.ts'
import type { CallRecord } from '../../core/call/record.ts'
import type { Log } from '../../core/ports/report.ts'
import type { Condition } from '../alerts/condition.ts'
import type { SteadyTime } from '../steady-time.ts'
import { budgetLeft, burning, burnRate, type Measure, shareOf, windows } from './burn.ts'
import { Counts, monthMs, type Sums } from './counts.ts'
import { outcomeOf } from './outcomes.ts'

export interface ObjectivesParts {
  readonly time: SteadyTime
  readonly log: Log
  readonly ofTool: (server: string, tool: string) => Objective | undefined
  readonly ofServer: (server: string) => Objective | undefined
}

/** One with its counts. */
export interface Counted {
  readonly server: string
  /** Undefined: of the server as a whole. */
  readonly tool: string | undefined
  readonly objective: Objective
  readonly counts: Counts
}

/** One measure of an objective, for people and programs. */
export interface ObjectiveReport {
  readonly server: string
  readonly tool?: string
  readonly objective: Measure
  /** Percent of the calls that are to be good. */
  readonly target: number
  /** In ms, of latency. */
  readonly latency?: number
  /** Of the last 30 days. */
  readonly calls: number
  readonly bad: number
  /** Percent of the calls that were good; absent where there was none. */
  readonly good?: number
  /** 1: all; less than 0: more was used than there is. */
  readonly budgetLeft: number
  /** By window; 1 uses the budget up in 30 days. */
  readonly burnRates: Readonly<Record<string, number>>
}

/** That are counted, and tools of which it is known whether they are. */
const most = 500
const mostKnown = 10_000

export class Objectives {
  private readonly parts: ObjectivesParts
  /** Of each server its own and those of its tools, by name; that there is none is remembered as well. */
  private readonly servers = new Map<string, { readonly own: Counted | undefined; readonly tools: Map<string, Counted | undefined> }>()
  private readonly counted: Counted[] = []
  private known = 0
  private isFull = false

  constructor(parts: ObjectivesParts) {
    this.parts = parts
  }

  observe(record: CallRecord): void {
    const { upstream, item, itemKind, family, settledMs, parkedMs = 0 } = record
    if (upstream === undefined || family !== 'invoke') return
    const ofServer = this.find(upstream, undefined)
    const ofTool = item !== undefined && itemKind === 'tool' ? this.find(upstream, item) : undefined
    if (ofServer === undefined && ofTool === undefined) return
    const outcome = outcomeOf(record)
    if (outcome === 'uncounted') return
    const now = this.parts.time.now()
    const bad = outcome === 'bad' ? 1 : 0
    const tookMs = record.outcome === 'fault' ? undefined : settledMs - parkedMs
    for (const one of [ofServer, ofTool]) {
      if (one === undefined) continue
      const { latency } = one.objective
      const isTimed = latency !== undefined && tookMs !== undefined
      one.counts.add(now, { calls: 1, bad, timed: isTimed ? 1 : 0, slow: isTimed && tookMs > latency ? 1 : 0 })
    }
  }

  /** Objectives of servers may be others from now on: what was counted of a server that still has one counts on. */
  reconsider(): void {
    for (const [server, known] of this.servers) {
      const objective = this.parts.ofServer(server)
      const { own } = known
      if (JSON.stringify(own?.objective) === JSON.stringify(objective)) continue
      this.servers.delete(server)
      if (own !== undefined) this.counted.splice(this.counted.indexOf(own), 1)
      const counts = own?.counts ?? new Counts()
      const next = objective === undefined ? undefined : { server, tool: undefined, objective, counts }
      if (next !== undefined) this.counted.push(next)
      this.servers.set(server, { own: next, tools: known.tools })
    }
  }

  /** An hour from before the start, where the objective is still wanted. */
  restore(server: string, tool: string | undefined, hour: number, sums: Readonly<Sums>): void {
    this.find(server, tool)?.counts.restore(hour, sums)
  }

  all(): readonly Counted[] {
    return this.counted
  }

  report(): readonly ObjectiveReport[] {
    const now = this.parts.time.now()
    return this.all().flatMap(({ server, tool, objective, counts }) =>
      measuresOf(objective).map(({ measure, target, allowed }) => {
        const { calls, bad } = shareOf(counts, measure, now, monthMs)
        return {
          server,
          ...(tool === undefined ? {} : { tool }),
          objective: measure,
          target,
          ...(measure === 'latency' && objective.latency !== undefined ? { latency: objective.latency } : {}),
          calls,
          bad,
          ...(calls === 0 ? {} : { good: rounded((1 - bad / calls) * 100, 3) }),
          budgetLeft: rounded(budgetLeft(counts, measure, allowed, now), 4),
          burnRates: Object.fromEntries(
            Object.entries(windows).map(([name, ms]) => [name, rounded(burnRate(shareOf(counts, measure, now, ms), allowed), 3)]),
          ),
        }
      }),
    )
  }

  /** Those that are used up too fast now. */
  conditions(): readonly Condition[] {
    const now = this.parts.time.now()
    return this.all().flatMap(({ server, tool, objective, counts }) =>
      measuresOf(objective).flatMap(({ measure, target, allowed }): readonly Condition[] => {
        const rule = burning(counts, measure, allowed, now)
        if (rule === undefined) return []
        const { calls, bad } = shareOf(counts, measure, now, rule.longMs)
        const left = Math.round(budgetLeft(counts, measure, allowed, now) * 100)
        const window = Object.entries(windows).find(([, ms]) => ms === rule.longMs)?.[0]
        const what = measure === 'availability' ? 'failed' : `took longer than ${objective.latency} ms`
        return [
          {
            kind: measure === 'availability' ? 'availability_burn' : 'latency_burn',
            severity: rule.severity,
            server,
            tool,
            text: `${bad} of ${calls} calls ${what} in ${window}, ${rounded(bad / calls / allowed, 1)} times what the objective of ${target} % allows; ${left} % of the budget of 30 days is left`,
            usual: `${target} %`,
            seen: `${rounded((1 - bad / calls) * 100, 2)} %`,
            results: calls,
            affected: bad,
          },
        ]
      }),
    )
  }

  private find(server: string, tool: string | undefined): Counted | undefined {
    let known = this.servers.get(server)
    if (known === undefined) {
      known = { own: this.begin(server, undefined), tools: new Map() }
      this.servers.set(server, known)
    }
    if (tool === undefined) return known.own
    const found = known.tools.get(tool)
    if (found !== undefined || known.tools.has(tool)) return found
    const begun = this.begin(server, tool)
    if (this.known < mostKnown) {
      this.known += 1
      known.tools.set(tool, begun)
    }
    return begun
  }

  private begin(server: string, tool: string | undefined): Counted | undefined {
    const { ofServer, ofTool, log } = this.parts
    const objective = tool === undefined ? ofServer(server) : ofTool(server, tool)
    if (objective === undefined) return undefined
    if (this.counted.length >= most || this.known >= mostKnown) {
      if (!this.isFull) log('warn', 'More tools have objectives than are counted: further ones have none', { most })
      this.isFull = true
      return undefined
    }
    const begun = { server, tool, objective, counts: new Counts() }
    this.counted.push(begun)
    return begun
  }
}

interface Wanted {
  readonly measure: Measure
  /** Percent. */
  readonly target: number
  readonly allowed: number
}

function measuresOf({ availability, latency, percentile }: Objective): readonly Wanted[] {
  return [
    ...(availability === undefined ? [] : [{ measure: 'availability' as const, target: availability, allowed: 1 - availability / 100 }]),
    ...(latency === undefined ? [] : [{ measure: 'latency' as const, target: percentile, allowed: 1 - percentile / 100 }]),
  ]
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
