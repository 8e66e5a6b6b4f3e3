// All that is measured, as figures; how much of it is said by the size.

import type { Archetype } from './archetype.ts'
import { queries, tuned, untunedSecond } from './archetypes/all.ts'
import { errorTextsSecond } from './fault-texts-2.ts'
import { errorTexts, type FaultKind, faultKinds } from './faults.ts'
import { alone, whole } from './judge.ts'
import {
  type CountedFaults,
  type Healthy,
  measureEpisode,
  measureHealthy,
  measureSingles,
  none,
  noSingles,
  singleKinds,
} from './measure.ts'
import { recordLostFile, recordServers } from './real.ts'
import { traffic } from './traffic.ts'

export interface Size {
  readonly seed: number
  /** Calls of each healthy run, and runs of each tool. */
  readonly calls: number
  readonly runs: number
  readonly histories: readonly number[]
  readonly episodes: number
  readonly kinds: readonly FaultKind[]
  /** Calls of each tool among which single faults are put. */
  readonly singles: number
  /** Calls of each tool of real servers; 0: none. */
  readonly real: number
  /** Kinds that nothing was tuned on: measured once what is tuned is whole. */
  readonly untuned: boolean
}

export const full: Size = {
  seed: 1,
  calls: 5_000,
  runs: 3,
  histories: [60, 200, 600, 2_000],
  episodes: 2,
  kinds: faultKinds,
  singles: 1_500,
  real: 2_000,
  untuned: true,
}

export const short: Size = {
  seed: 7,
  calls: 500,
  runs: 1,
  histories: [60],
  episodes: 1,
  kinds: ['empty', 'error text', 'frozen', '25 x slow'],
  singles: 0,
  real: 60,
  untuned: false,
}

export interface StoryFigures {
  readonly what: string
  readonly history: number
  readonly times: number
  /** Latest of all times; undefined where one was missed. */
  readonly notedAt: number | undefined
  readonly alertedAt: number | undefined
}

export interface EpisodeFigures {
  count: number
  noted: number
  alerted: number
  readonly delays: number[]
  changed: number
  notes: number
}

export interface SinglesFigures {
  readonly faults: Record<string, CountedFaults>
  readonly healthy: number
  readonly notedHealthy: number
}

export interface HealthyFigures extends Omit<Healthy, 'by'> {
  readonly by: Record<string, number>
}

export interface Figures {
  readonly stories: readonly StoryFigures[]
  /** Texts of failures, of a tool that was never called before. */
  readonly texts: Record<string, { readonly all: number; readonly noted: number }>
  readonly healthy: Record<string, Record<string, HealthyFigures>>
  readonly episodes: Record<string, Record<string, EpisodeFigures>>
  readonly singles: Record<string, SinglesFigures>
  /** The same, where empty answers are the only fault: so many calls in a hundred. */
  readonly emptiesAlone: Record<string, SinglesFigures>
}

const latest = (values: readonly (number | undefined)[]): number | undefined =>
  values.some((value) => value === undefined) ? undefined : Math.max(...values.map((value) => value ?? 0))

async function stories({ seed, histories, episodes, real }: Size): Promise<StoryFigures[]> {
  const figures: StoryFigures[] = []
  const seeds = Array.from({ length: Math.max(5, episodes * 5) }, (_, index) => seed * 1_000 + index)
  const told: readonly [string, Archetype, FaultKind][] = [
    ['10 to 50 rows, then none', queries(0), 'empty'],
    ['the same, two in a thousand of the answers before without rows', queries(), 'empty'],
    ['200 ms, then 5 s', queries(0), '25 x slow'],
  ]
  for (const [what, archetype, kind] of told) {
    for (const history of histories) {
      const all = seeds.map((one) => measureEpisode(whole, archetype, true, kind, history, one))
      const notedAt = kind === '25 x slow' ? undefined : latest(all.map((one) => one?.notedAt))
      figures.push({ what, history, times: all.length, notedAt, alertedAt: latest(all.map((one) => one?.alertedAt)) })
    }
  }
  for (const [tool, what] of [
    ['read_graph', 'server-memory, its file deleted'],
    ['open_nodes', 'the same, asked by names'],
  ] as const) {
    for (const history of real === 0 ? [] : [12, 30, 60, 200]) {
      figures.push({ what, history, times: 1, ...lostFile(await recordLostFile(history, tool), history, seed) })
    }
  }
  return figures
}

function lostFile(archetype: Archetype, history: number, seed: number): Pick<StoryFigures, 'notedAt' | 'alertedAt'> {
  const { next } = traffic(archetype, seed)
  const judge = whole(archetype, true)
  let notedAt: number | undefined
  let alertedAt: number | undefined
  for (let index = 1; index <= history + 20; index += 1) {
    const { reasons, alerts } = judge({ ...next(), text: '' })
    if (index <= history) continue
    if (reasons.length > 0) notedAt ??= index - history
    if (alerts.some(({ what }) => what === 'opened')) alertedAt ??= index - history
  }
  return { notedAt, alertedAt }
}

const hasSchema = ({ outputSchema }: Archetype): boolean => outputSchema !== undefined

function singlesOf(
  archetypes: readonly Archetype[],
  isUsed: boolean,
  { singles, seed }: Size,
  kinds: readonly FaultKind[],
  share: number,
  texts?: readonly string[],
): SinglesFigures {
  const into = noSingles()
  if (singles > 0)
    for (const archetype of archetypes.filter(hasSchema))
      measureSingles(whole, archetype, isUsed, Math.min(singles, archetype.calls ?? singles), seed, into, kinds, share, texts)
  return { ...into, faults: Object.fromEntries(into.faults) }
}

export async function measureAll(size: Size): Promise<Figures> {
  const real = size.real === 0 ? [] : await recordServers(size.real)
  const sets: Readonly<Record<string, readonly Archetype[]>> = { tuned, ...(size.untuned ? { untuned: untunedSecond } : {}), real }
  const healthy: Figures['healthy'] = {}
  const episodes: Figures['episodes'] = {}
  const singles: Figures['singles'] = {}
  const emptiesAlone: Figures['emptiesAlone'] = {}
  for (const [set, archetypes] of Object.entries(sets)) {
    const texts = set === 'untuned' ? errorTextsSecond : errorTexts
    const perTool: Record<string, HealthyFigures> = {}
    healthy[set] = perTool
    for (const archetype of archetypes) {
      const into = none()
      const calls = Math.min(size.calls, archetype.calls ?? size.calls)
      const runs = archetype.calls === undefined ? size.runs : 1
      for (let run = 0; run < runs; run += 1) measureHealthy(whole, archetype, hasSchema(archetype), calls, size.seed * 100 + run, into)
      perTool[archetype.name] = { ...into, by: Object.fromEntries(into.by) }
    }
    for (const [what, isUsed] of [
      ['schema used', true],
      ['schema ignored', false],
    ] as const) {
      singles[`${set}, ${what}`] = singlesOf(archetypes, isUsed, size, singleKinds, 0.05, texts)
    }
    emptiesAlone[set] = singlesOf(archetypes, true, size, ['empty'], 0.01)
    if (set === 'real') continue
    const perKind: Record<string, EpisodeFigures> = {}
    episodes[set] = perKind
    for (const kind of size.kinds) {
      const figures: EpisodeFigures = { count: 0, noted: 0, alerted: 0, delays: [], changed: 0, notes: 0 }
      perKind[kind] = figures
      for (const archetype of archetypes)
        for (const history of size.histories)
          for (let time = 0; time < size.episodes; time += 1) {
            const one = measureEpisode(whole, archetype, hasSchema(archetype), kind, history, size.seed * 10 + time, texts)
            if (one === undefined) continue
            figures.count += 1
            figures.changed += one.changed
            figures.notes += one.notes
            if (one.notedAt !== undefined) figures.noted += 1
            if (one.alertedAt === undefined) continue
            figures.alerted += 1
            figures.delays.push(one.alertedAt)
          }
    }
  }
  const judge = alone({ tool: 'query_database' }, false)
  const textsOf = (all: readonly string[]) => ({
    all: all.length,
    noted: all.filter((text) => judge({ text, args: {}, atMs: 1, latencyMs: 1 }).reasons.length > 0).length,
  })
  const texts = { tuned: textsOf(errorTexts), ...(size.untuned ? { untuned: textsOf(errorTextsSecond) } : {}) }
  return { stories: await stories(size), texts, healthy, episodes, singles, emptiesAlone }
}
