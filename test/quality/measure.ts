// What the judge makes of traffic: of healthy calls, of episodes of one fault, and of single faults among healthy calls.
import { type Archetype, dayMs } from './archetype.ts'
import { changes, type FaultKind, faultOf, type Served, served } from './faults.ts'
import type { Judge, OpenJudge } from './judge.ts'
import { randomOf, seedOf } from './random.ts'
import { type Timed, traffic } from './traffic.ts'

export const monthMs = 30 * dayMs

export interface Healthy {
  calls: number
  notes: number
  alerts: number
  months: number
  /** Notes by kind and rule, and alerts by kind. */
  readonly by: Map<string, number>
}

export function none(): Healthy {
  return { calls: 0, notes: 0, alerts: 0, months: 0, by: new Map() }
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
    for (const { what, kind } of alerts) {
      if (what !== 'opened') continue
      into.alerts += 1
      count(into.by, `alert ${kind}`)
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
): Episode | undefined {
  const { next, random } = traffic(archetype, seedOf('episode', kind, history, seed))
  const inject = faultOf(kind, archetype, structured, random)
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

/** Every twentieth call, by chance, has a fault, once there is a history. */
export function measureSingles(
  open: OpenJudge,
  archetype: Archetype,
  structured: boolean,
  calls: number,
  seed: number,
  into: Map<FaultKind, { injected: number; noted: number }>,
): void {
  const { next } = traffic(archetype, seedOf('single', seed))
  const random = randomOf(seedOf('faults', archetype.name, seed))
  const judge = open(archetype, structured)
  for (let index = 0; index < calls; index += 1) {
    const call = next()
    const good = served(call, structured)
    const kind = random.pick(singleKinds)
    const inject = index >= 200 && random.chance(0.05) ? faultOf(kind, archetype, structured, random) : undefined
    const faulty = inject?.(call, good)
    if (faulty === undefined || !changes(kind, archetype, good, faulty)) {
      give(judge, call, good)
      continue
    }
    const counted = into.get(kind) ?? { injected: 0, noted: 0 }
    into.set(kind, counted)
    counted.injected += 1
    if (give(judge, call, faulty).reasons.length > 0) counted.noted += 1
  }
}
