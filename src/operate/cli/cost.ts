// `signalbox cost report`: what calls cost, by whatever one wants to know it by, from the audit where a gateway keeps it.
import { jsonForTerminal } from '../../core/text/terminal.ts'
import { type CostReport, costBy, type Dimension, dimensions, type Sums } from '../../observe/audit/index.ts'
import { csvLine } from '../looking-back/csv.ts'
import { amount, moment, money } from '../looking-back/figures.ts'
import { firstLine, styleFor, table } from '../text.ts'
import { type ExitCode, exit } from './exit.ts'
import { type FilterOptions, filterOf } from './narrowing.ts'
import { failed, usage } from './refusing.ts'
import { withAudit } from './with-audit.ts'

export interface CostOptions extends FilterOptions {
  readonly by: string
  readonly csv?: boolean
}

export async function costReport(options: CostOptions): Promise<ExitCode> {
  const by = dimensionsIn(options.by)
  if (typeof by === 'string') return usage(by)
  const filter = filterOf(options)
  if (typeof filter === 'string') return usage(filter)
  return withAudit(options, async (audit, { settings }) => {
    const found = await costBy(audit, by, filter)
    if (!found.ok) return failed(found.fault.message)
    const { currency } = settings.prices
    if (options.json === true) process.stdout.write(`${jsonForTerminal(JSON.stringify({ by, currency, ...found.value }))}\n`)
    else process.stdout.write(`${options.csv === true ? asCsv(by, found.value, currency) : asText(by, found.value, currency)}\n`)
    return exit.ok
  })
}

/** A sentence where one of them is none. */
export function dimensionsIn(text: string): readonly Dimension[] | string {
  const names = [...new Set(text.split(',').map((name) => name.trim()))].filter((name) => name !== '')
  const known = names.filter((name): name is Dimension => (dimensions as readonly string[]).includes(name))
  if (known.length < names.length || known.length === 0) return `--by takes some of ${dimensions.join(', ')}, with commas between them`
  return known
}

function asText(by: readonly string[], { lines, total, fromMs, toMs }: CostReport, currency: string): string {
  const style = styleFor(process.stdout)
  const figures = (sums: Sums): string[] => [
    amount(sums.calls),
    amount(sums.faults),
    amount(sums.tokensSent),
    amount(sums.tokensGot),
    money(sums.costNano, currency),
    sums.costNano === 0 || total.costNano === 0 ? '' : `${((100 * sums.costNano) / total.costNano).toFixed(1)} %`,
  ]
  const head = [...by, 'calls', 'failed', 'tokens sent', 'tokens got', 'cost', 'share']
  const rows = lines.map((line) => [...line.by.map((name) => (name === '' ? '(none)' : firstLine(name, 64))), ...figures(line)])
  const sum = [...by.map((_, n) => (n === 0 ? 'all' : '')), ...figures(total)]
  const told = table([head, ...rows, sum], (cell, row) => (row === 0 ? style.dim(cell) : row === rows.length + 1 ? style.bold(cell) : cell))
  const from = fromMs === undefined ? 'the first call that is kept' : moment(fromMs)
  return `${told}\nFrom ${from} to ${toMs === undefined ? 'now' : moment(toMs)}, in whole hours.`
}

function asCsv(by: readonly string[], { lines }: CostReport, currency: string): string {
  const head = [...by, 'calls', 'failed', 'attempts', 'tokens_sent', 'tokens_got', 'cost', 'currency']
  const rows = lines.map((line) => [
    ...line.by,
    line.calls,
    line.faults,
    line.attempts,
    line.tokensSent,
    line.tokensGot,
    money(line.costNano, undefined).replaceAll(',', ''),
    currency,
  ])
  return [head, ...rows].map(csvLine).join('\n')
}
