// The figures as tables of docs/quality.md, with what they are held against.
import type { Counted, EpisodeFigures, Figures, HealthyFigures } from './figures.ts'
import { poisson, quantile, rateText, shareText } from './statistics.ts'

const names: Readonly<Record<string, string>> = {
  tuned: 'kinds that the detectors were designed with',
  untuned: 'kinds that nothing was tuned on',
  real: 'tools of real servers',
}

function table(heads: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`
  return [line(heads), `|${heads.map((_, index) => (index === 0 ? '---' : '--:')).join('|')}|`, ...rows.map(line)].join('\n')
}

function sum(figures: Readonly<Record<string, HealthyFigures>>): Omit<HealthyFigures, 'by'> {
  const total = { calls: 0, notes: 0, alerts: 0, months: 0 }
  for (const one of Object.values(figures)) {
    total.calls += one.calls
    total.notes += one.notes
    total.alerts += one.alerts
    total.months += one.months
  }
  return total
}

function sumCounted(counted: Counted): { injected: number; noted: number } {
  const total = { injected: 0, noted: 0 }
  for (const { injected, noted } of Object.values(counted)) {
    total.injected += injected
    total.noted += noted
  }
  return total
}

const number = (value: number): string => value.toLocaleString('en-US')
const pass = (isHeld: boolean): string => (isHeld ? 'holds' : '**missed**')

interface Target {
  readonly what: string
  readonly wanted: string
  readonly measured: string
  readonly holds: boolean
}

export function targetsOf({ stories, healthy, episodes, singles }: Figures): readonly Target[] {
  const targets: Target[] = []
  const latest = (what: string, of: 'notedAt' | 'alertedAt', most: number, wanted: string): void => {
    const told = stories.filter((one) => one.what === what)
    if (told.length === 0) return
    const values = told.map((one) => one[of])
    const worst = values.some((value) => value === undefined) ? undefined : Math.max(...values.map((value) => value ?? 0))
    targets.push({
      what,
      wanted,
      measured: worst === undefined ? 'not always' : `call ${worst} at the latest`,
      holds: worst !== undefined && worst <= most,
    })
  }
  latest('10 to 50 rows, then none', 'notedAt', 1, 'noted at the first')
  latest('10 to 50 rows, then none', 'alertedAt', 4, 'alerted by the fourth')
  latest('200 ms, then 5 s', 'alertedAt', 5, 'alerted by the fifth')
  latest('server-memory, its file deleted', 'notedAt', 1, 'noted at the first')
  const rate = (what: string, wanted: string, count: number, exposure: number, unit: number, most: number): void => {
    if (exposure === 0) return
    const isHeld = (count / exposure) * unit <= most
    // Few events on a short exposure prove little: said where the interval reaches over the bar.
    const sure = !isHeld || (poisson(count).high / exposure) * unit <= most ? '' : ', not yet for sure'
    targets.push({ what, wanted, measured: `${rateText(count, exposure, unit)}${sure}`, holds: isHeld })
  }
  const share = (what: string, wanted: string, hits: number, of: number, least: number): void => {
    if (of > 0) targets.push({ what, wanted, measured: `${shareText(hits, of)} % of ${number(of)}`, holds: hits / of >= least })
  }
  for (const [set, kinds] of Object.entries(episodes)) {
    const errors = kinds['error text']
    if (errors !== undefined) share(`error texts, ${names[set]}`, 'noted in ≥ 98 % of episodes', errors.noted, errors.count, 0.98)
  }
  for (const set of Object.keys(names)) {
    const { injected, noted } = sumCounted(singles[`${set}, schema used`] ?? {})
    share(`single faults with an output schema, ${names[set]}`, '≥ 93 % noted', noted, injected, 0.93)
  }
  for (const [set, most] of [
    ['real', 1],
    ['untuned', 5],
  ] as const) {
    const { calls, notes } = sum(healthy[set] ?? {})
    rate(`notes on healthy calls, ${names[set]}`, `≤ ${most} in 10,000`, notes, calls, 10_000, most)
  }
  for (const set of Object.keys(names)) {
    const { alerts, months } = sum(healthy[set] ?? {})
    rate(`false alerts, ${names[set]}`, '≤ 0.4 a tool-month', alerts, months, 1, 0.4)
    const rows = Object.values(healthy[set] ?? {}).reduce((total, { by }) => total + (by['alert rows'] ?? 0), 0)
    if (rows > 0) rate(`the same without alerts of fewer rows, ${names[set]}`, '≤ 0.4 a tool-month', alerts - rows, months, 1, 0.4)
  }
  return targets
}

function episodeRow(kind: string, figures: readonly (EpisodeFigures | undefined)[]): readonly string[] {
  return [
    kind,
    ...figures.map((one) => {
      if (one === undefined) return '–'
      const [median, late] = [quantile(one.delays, 0.5), quantile(one.delays, 0.95)]
      const delay = median === undefined ? '–' : `${median}/${late}`
      return `${shareText(one.noted, one.count)} · ${shareText(one.alerted, one.count)} · ${delay}`
    }),
  ]
}

export function pageOf(figures: Figures, of: string): string {
  const { stories, texts, healthy, episodes, singles } = figures
  const targets = targetsOf(figures)
  const kinds = Object.keys(episodes.tuned ?? {})
  const at = (value: number | undefined): string => (value === undefined ? '–' : String(value))
  const healthyRows = Object.entries(healthy).flatMap(([set, tools]) => {
    const total = sum(tools)
    if (total.calls === 0) return []
    return [
      [
        `${names[set]}: ${Object.keys(tools).length}`,
        number(total.calls),
        rateText(total.notes, total.calls, 10_000),
        rateText(total.alerts, total.months, 1),
        total.months.toFixed(1),
      ],
    ]
  })
  const loud = Object.values(healthy).flatMap((tools) =>
    Object.entries(tools)
      .filter(([, one]) => one.notes + one.alerts > 0)
      .map(([name, one]) => [
        name,
        rateText(one.notes, one.calls, 10_000),
        String(one.alerts),
        Object.entries(one.by)
          .map(([rule, count]) => `${rule} ${count}`)
          .join(', '),
      ]),
  )
  const singleKinds = [...new Set(Object.values(singles).flatMap((counted) => Object.keys(counted)))]
  return [
    of,
    table(
      ['What is wanted', 'of', 'came out', ''],
      targets.map(({ what, wanted, measured, holds }) => [wanted, what, measured, pass(holds)]),
    ),
    '#### Stories\nThe failing call that is noted and alerted, the latest of all times.',
    table(
      ['What happens', 'calls before', 'times', 'noted at', 'alerted at'],
      stories.map((one) => [one.what, number(one.history), one.times, at(one.notedAt), at(one.alertedAt)]),
    ),
    `Of ${texts.all} texts of failures that none of the rules was made from, ${texts.noted} are known for one at the first call ever.`,
    '#### Healthy calls',
    table(['Tools', 'calls', 'notes in 10,000', 'alerts a tool-month', 'tool-months'], healthyRows),
    'All tools that were ever noted or alerted:',
    table(['Tool', 'notes in 10,000', 'alerts', 'by which rule'], loud),
    '#### Episodes\nA fault stays for 60 calls, halved rows for 300: noted % · alerted % · calls until the alert (median/95 %).',
    table(
      [
        'Fault',
        ...Object.keys(episodes).map(
          (set) => `${names[set]}, n = ${Math.max(0, ...Object.values(episodes[set] ?? {}).map(({ count }) => count))}`,
        ),
      ],
      kinds.map((kind) =>
        episodeRow(
          kind,
          Object.values(episodes).map((one) => one[kind]),
        ),
      ),
    ),
    '#### Single faults among healthy calls\nOne call in twenty, of tools that have an output schema: noted %.',
    table(
      ['Tools', ...singleKinds, 'all'],
      Object.entries(singles)
        .filter(([, counted]) => Object.keys(counted).length > 0)
        .map(([name, counted]) => {
          const total = sumCounted(counted)
          const [set = '', how = ''] = name.split(', ')
          return [
            `${names[set]}, ${how}`,
            ...singleKinds.map((kind) => `${shareText(counted[kind]?.noted ?? 0, counted[kind]?.injected ?? 0)}`),
            `${shareText(total.noted, total.injected)} of ${total.injected}`,
          ]
        }),
    ),
  ].join('\n\n')
}
