// What the judge makes of traffic: of healthy calls, of episodes of one fault, and of single faults among healthy calls.
import { type Archetype, dayMs } from './archetype.ts'
import { changes, type FaultKind, faultOf, isBlank, type Served, served } from './faults.ts'
import { bytesOf, type Judge, type OpenJudge } from './judge.ts'
import { randomOf, seedOf } from './random.ts'
import { type Timed, traffic } from './traffic.ts'

export const monthMs = 30 * dayMs

export interface Healthy {
  calls: number
  notes: number
  /** Those that call somebody, and those that only inform. */
  alerts: number
  infos: number
  months: number
  /** Notes by kind and rule, and alerts by kind. */
  readonly by: Map<string, number>
}

export function none(): Healthy {
  return { calls: 0, notes: 0, alerts: 0, infos: 0, months: 0, by: new Map() }
}

function give(judge: Judge, call: Timed, answer: Served) {
  return judge({ ...answer, args: call.args, atMs: call.atMs })
}

function count(by: Map<string, number>, name: string): void {
  by.set(name, (by.get(name) ?? 0) + 1)
}

/** `structured`: as its schema has it; else its results are texts, and no schema is declared. */
export function measureHealthy(
  open: OpenJudge,
  archetype: Archetype,
  structured: boolean,
  calls: number,
  seed: number,
  into: Healthy,
): void {
  const { next } = traffic(archetype, seedOf('healthy', seed))
  const judge = open(archetype, structured)
  let first = 0
  let last = 0
  for (let index = 0; index < calls; index += 1) {
    const call = next()
    if (index === 0) first = call.atMs
    last = call.atMs
    const { reasons, alerts } = give(judge, call, served(call, structured))
    if (reasons.length > 0) into.notes += 1
    for (const { kind, rule } of reasons) count(into.by, `note ${kind}/${rule}`)
    for (const { what, kind, severity } of alerts) {
      if (what !== 'opened') continue
      into[severity === 'info' ? 'infos' : 'alerts'] += 1
      count(into.by, `${severity === 'info' ? 'information' : 'alert'} ${kind}`)
    }
  }
  into.calls += calls
  into.months += (last - first) / monthMs
}

export interface Episode {
  /** Which of the answers that the fault changed was noted first, from 1 on. */
  readonly notedAt: number | undefined
  readonly alertedAt: number | undefined
  readonly notes: number
  readonly changed: number
}

/** Undefined where the fault changes no answer of this tool. */
export function measureEpisode(
  open: OpenJudge,
  archetype: Archetype,
  structured: boolean,
  kind: FaultKind,
  history: number,
  seed: number,
  texts?: readonly string[],
): Episode | undefined {
  const { next, random } = traffic(archetype, seedOf('episode', kind, history, seed))
  const inject = faultOf(kind, archetype, structured, random, texts)
  if (inject === undefined) return undefined
  const judge = open(archetype, structured)
  let latest: Served | undefined
  for (let index = 0; index < history; index += 1) {
    const call = next()
    latest = served(call, structured)
    give(judge, call, latest)
  }
  let notedAt: number | undefined
  let alertedAt: number | undefined
  let notes = 0
  let changed = 0
  for (let index = 0; index < (kind === 'half the rows' ? 300 : 60); index += 1) {
    const call = next()
    const faulty = inject(call, latest)
    const isChanged = changes(kind, archetype, served(call, structured), faulty)
    const { reasons, alerts } = give(judge, call, faulty)
    if (isChanged) {
      changed += 1
      if (reasons.length > 0) {
        notes += 1
        notedAt ??= changed
      }
    }
    if (changed > 0 && alerts.some(({ what }) => what === 'opened')) alertedAt ??= changed
  }
  return changed === 0 ? undefined : { notedAt, alertedAt, notes, changed }
}

export const singleKinds: readonly FaultKind[] = ['empty', 'error text', 'truncated', 'wrong schema', '100 x the size']

/** Of one kind of fault, or of the healthy calls among faults. */
export interface CountedFaults {
  injected: number
  noted: number
  /** Those of them that nobody could tell from a true answer, by what the traffic itself knows. */
  hidden: number
  hiddenNoted: number
}

export interface Singles {
  readonly faults: Map<FaultKind, CountedFaults>
  healthy: number
  notedHealthy: number
}

export function noSingles(): Singles {
  return { faults: new Map(), healthy: 0, notedHealthy: 0 }
}

/** A tool that truly gives nothing for more of its calls is one that is empty now and then. */
const emptyNowAndThen = 0.01

/** What was true of a tool up to now: only who makes the traffic knows it. */
class Truth {
  private readonly asked = new Set<string>()
  private calls = 0
  private blanks = 0
  private largest = 0

  /** Nothing tells it from a true answer: it is empty, to a question never asked, of a tool that truly is empty now and then; or no larger than true ones were. */
  hides(kind: FaultKind, call: Timed, faulty: Served): boolean {
    if (kind === 'empty') return !this.asked.has(JSON.stringify(call.args)) && this.blanks > emptyNowAndThen * this.calls
    return kind === '100 x the size' && bytesOf(faulty).length <= this.largest
  }

  add(archetype: Archetype, call: Timed, good: Served): void {
    this.asked.add(JSON.stringify(call.args))
    this.calls += 1
    if (isBlank(archetype, good)) this.blanks += 1
    this.largest = Math.max(this.largest, bytesOf(good).length)
  }
}

/** One call in so many, by chance, has a fault, once there is a history. */
export function measureSingles(
  open: OpenJudge,
  archetype: Archetype,
  structured: boolean,
  calls: number,
  seed: number,
  into: Singles,
  kinds: readonly FaultKind[] = singleKinds,
  share = 0.05,
  texts?: readonly string[],
): void {
  const { next } = traffic(archetype, seedOf('single', seed))
  const random = randomOf(seedOf('faults', archetype.name, seed))
  const judge = open(archetype, structured)
  const truth = new Truth()
  for (let index = 0; index < calls; index += 1) {
    const call = next()
    const good = served(call, structured)
    const kind = random.pick(kinds)
    const inject = index >= 200 && random.chance(share) ? faultOf(kind, archetype, structured, random, texts) : undefined
    const faulty = inject?.(call, good)
    if (faulty === undefined || !changes(kind, archetype, good, faulty)) {
      const isNoted = give(judge, call, good).reasons.length > 0
      if (index >= 200) {
        into.healthy += 1
        if (isNoted) into.notedHealthy += 1
      }
    } else {
      const counted = into.faults.get(kind) ?? { injected: 0, noted: 0, hidden: 0, hiddenNoted: 0 }
      into.faults.set(kind, counted)
      const isNoted = give(judge, call, faulty).reasons.length > 0
      const isHidden = truth.hides(kind, call, faulty)
      counted.injected += 1
      if (isNoted) counted.noted += 1
      if (isHidden) counted.hidden += 1
      if (isHidden && isNoted) counted.hiddenNoted += 1
    }
    truth.add(archetype, call, good)
  }
}
