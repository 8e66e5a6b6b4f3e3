// The figures as tables of docs/quality.md, with what they are held against.
import type { EpisodeFigures, Figures, HealthyFigures, SinglesFigures } from './figures.ts'
import type { CountedFaults } from './measure.ts'
import { poisson, quantile, rateText, shareText } from './statistics.ts'

const names: Readonly<Record<string, string>> = {
  tuned: 'kinds that were looked at while it was made',
  untuned: 'kinds that nothing was tuned on',
  real: 'tools of real servers',
}

function table(heads: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`
  return [line(heads), `|${heads.map((_, index) => (index === 0 ? '---' : '--:')).join('|')}|`, ...rows.map(line)].join('\n')
}

function sum(figures: Readonly<Record<string, HealthyFigures>>): Omit<HealthyFigures, 'by'> {
  const total = { calls: 0, notes: 0, alerts: 0, infos: 0, months: 0 }
  for (const one of Object.values(figures)) {
    total.calls += one.calls
    total.notes += one.notes
    total.alerts += one.alerts
    total.infos += one.infos
    total.months += one.months
  }
  return total
}

function sumSingles(singles: SinglesFigures | undefined): CountedFaults {
  const total = { injected: 0, noted: 0, hidden: 0, hiddenNoted: 0 }
  for (const one of Object.values(singles?.faults ?? {})) {
    total.injected += one.injected
    total.noted += one.noted
    total.hidden += one.hidden
    total.hiddenNoted += one.hiddenNoted
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
    const { injected, noted, hidden, hiddenNoted } = sumSingles(singles[`${set}, schema used`])
    share(`single faults with an output schema, ${names[set]}`, '≥ 93 % noted', noted, injected, 0.93)
    if (hidden > 0)
      share(
        `those of them that can be told from a true answer, ${names[set]}`,
        '≥ 93 % noted',
        noted - hiddenNoted,
        injected - hidden,
        0.93,
      )
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
    rate(`false alerts that call somebody, ${names[set]}`, '≤ 0.4 a tool-month', alerts, months, 1, 0.4)
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
  const { stories, texts, healthy, episodes, singles, emptiesAlone } = figures
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
        rateText(total.infos, total.months, 1),
        total.months.toFixed(1),
      ],
    ]
  })
  const loud = Object.values(healthy).flatMap((tools) =>
    Object.entries(tools)
      .filter(([, one]) => one.notes + one.alerts + one.infos > 0)
      .map(([name, one]) => [
        name,
        rateText(one.notes, one.calls, 10_000),
        String(one.alerts),
        String(one.infos),
        Object.entries(one.by)
          .map(([rule, count]) => `${rule} ${count}`)
          .join(', '),
      ]),
  )
  const singleKinds = [...new Set(Object.values(singles).flatMap(({ faults }) => Object.keys(faults)))]
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
    Object.entries(texts)
      .map(
        ([set, { all, noted }]) =>
          `Of ${all} texts of failures (those for ${names[set]}), ${noted} are known for one at the first call ever.`,
      )
      .join(' '),
    '#### Healthy calls',
    table(['Tools', 'calls', 'notes in 10,000', 'alerts a tool-month', 'information a tool-month', 'tool-months'], healthyRows),
    'All tools that were ever noted or alerted:',
    table(['Tool', 'notes in 10,000', 'alerts', 'information', 'by which rule'], loud),
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
    '#### Single faults among healthy calls\nOne call in twenty, of tools that have an output schema: noted %. Hidden are those of which even who makes the traffic could not say that they are none of the true answers: empty, to a question never asked, of a tool that is truly empty for more than one call in a hundred; or no larger than a true answer before. Last, how many of the healthy calls between the faults are noted, which is more than where nothing fails.',
    table(
      ['Tools', ...singleKinds, 'all', 'all but the hidden', 'healthy ones, in 10,000'],
      Object.entries(singles)
        .filter(([, { healthy }]) => healthy > 0)
        .map(([name, one]) => {
          const total = sumSingles(one)
          const [set = '', how = ''] = name.split(', ')
          return [
            `${names[set]}, ${how}`,
            ...singleKinds.map((kind) => shareText(one.faults[kind]?.noted ?? 0, one.faults[kind]?.injected ?? 0)),
            `${shareText(total.noted, total.injected)} of ${total.injected}`,
            `${shareText(total.noted - total.hiddenNoted, total.injected - total.hidden)} of ${total.injected - total.hidden}`,
            rateText(one.notedHealthy, one.healthy, 10_000),
          ]
        }),
    ),
    'Where empty answers are the only fault of the tool, one call in a hundred, the schema used: noted %.',
    table(
      ['Tools', 'all', 'all but the hidden', 'healthy ones, in 10,000'],
      Object.entries(emptiesAlone)
        .filter(([, { healthy }]) => healthy > 0)
        .map(([set, one]) => {
          const total = sumSingles(one)
          return [
            names[set] ?? '',
            `${shareText(total.noted, total.injected)} of ${total.injected}`,
            `${shareText(total.noted - total.hiddenNoted, total.injected - total.hidden)} of ${total.injected - total.hidden}`,
            rateText(one.notedHealthy, one.healthy, 10_000),
          ]
        }),
    ),
  ].join('\n\n')
}
