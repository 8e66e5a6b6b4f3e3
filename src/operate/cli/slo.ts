// `signalbox slo`: objectives of a running gateway, and what is left of their error budgets.
import { isObject } from '../../core/protocol/is-object.ts'
import { inWords } from '../../core/text/duration.ts'
import { forTerminal, jsonForTerminal } from '../../core/text/terminal.ts'
import { readAdmin } from '../client/admin-client.ts'
import { firstLine, styleFor, table } from '../text.ts'
import { type ExitCode, exit } from './exit.ts'

export interface SloOptions {
  readonly url: string
  readonly json?: boolean
}

type Shown = Readonly<Record<string, unknown>>

export async function slo({ url, json }: SloOptions): Promise<ExitCode> {
  const answer = await readAdmin(url, '/admin/v1/objectives', 'objectives')
  if (typeof answer === 'string') {
    process.stderr.write(`${forTerminal(answer)}\n`)
    return exit.failed
  }
  const text = json === true ? jsonForTerminal(JSON.stringify({ objectives: answer })) : asText(answer.filter(isObject))
  process.stdout.write(`${text}\n`)
  return exit.ok
}

function asText(objectives: readonly Shown[]): string {
  if (objectives.length === 0)
    return 'No call of anything that has an objective was seen yet: see `tools.NAME.objective` and `servers.NAME.objective`.'
  const style = styleFor(process.stdout)
  const rows = objectives.map((one) => [
    firstLine(one.tool === undefined ? String(one.server) : `${String(one.server)}/${String(one.tool)}`, 60),
    targetOf(one),
    one.good === undefined ? 'no calls' : `${String(one.good)} %`,
    `${String(one.bad)} of ${String(one.calls)}`,
    `${Math.round(Number(one.budgetLeft) * 1_000) / 10} %`,
    ...(['1h', '6h', '3d'] as const).map((window) => (isObject(one.burnRates) ? String(one.burnRates[window]) : '')),
  ])
  const titles = ['of', 'objective', '30 d', 'bad', 'budget left', 'burn 1h', '6h', '3d']
  return table([titles, ...rows], (cell, row, column) => {
    if (row === 0) return style.dim(cell)
    return column === 4 && cell.trim().startsWith('-') ? style.bad(cell) : cell
  })
}

function targetOf({ objective, target, latency }: Shown): string {
  return objective === 'latency' ? `${String(target)} % within ${inWords(Number(latency))}` : `${String(target)} % succeed`
}
