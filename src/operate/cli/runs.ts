// `signalbox runs ls` and `runs show RUN`: what agents did, from the audit where a gateway keeps it, or by the admin door of one that runs.
import { billionthsOf } from '../../core/call/money.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { forTerminal, jsonForTerminal } from '../../core/text/terminal.ts'
import { type RunSums, rowsOfRun, runsBy } from '../../observe/audit/index.ts'
import { type Timeline, timelineOf } from '../../observe/timeline/index.ts'
import { amount, moment, money, span } from '../looking-back/figures.ts'
import { timelineText } from '../looking-back/timeline-text.ts'
import { firstLine, styleFor, table } from '../text.ts'
import { type ExitCode, exit } from './exit.ts'
import { type FilterOptions, filterOf } from './narrowing.ts'
import { failed, usage } from './refusing.ts'

export interface ShowOptions {
  readonly config?: string
  readonly url?: string
  readonly principal?: string
  readonly json?: boolean
}

const usualWidth = 120

export async function runsShow(run: string, options: ShowOptions): Promise<ExitCode> {
  if (options.url !== undefined) return shownByDoor(run, options.url, options)
  const { withAudit } = await import('./with-audit.ts')
  return withAudit(options, async (audit, { settings }) => {
    const found = await rowsOfRun(audit, run, options.principal)
    if (!found.ok) return failed(found.fault.message)
    const timeline = timelineOf(run, found.value.rows, found.value.cut)
    if (timeline === undefined)
      return failed(`No call of a run ${forTerminal(run)} is in the audit. \`signalbox runs ls\` lists those that are.`)
    print(timeline, settings.prices.currency, options)
    return exit.ok
  })
}

async function shownByDoor(run: string, url: string, options: ShowOptions): Promise<ExitCode> {
  const principal = options.principal === undefined ? '' : `?principal=${encodeURIComponent(options.principal)}`
  const { getAdmin } = await import('../client/admin-client.ts')
  const answer = await getAdmin(url, `/admin/v1/runs/${encodeURIComponent(run)}${principal}`)
  if (typeof answer === 'string') return failed(answer)
  const { timeline, currency } = answer
  if (!isObject(timeline) || !Array.isArray(timeline.turns))
    return failed(`${url} answered, but with no timeline; is it a gateway of another version?`)
  print(timeline as unknown as Timeline, typeof currency === 'string' ? currency : undefined, options)
  return exit.ok
}

function print(timeline: Timeline, currency: string | undefined, { json }: ShowOptions): void {
  const { columns } = process.stdout
  const text =
    json === true
      ? jsonForTerminal(JSON.stringify({ timeline, currency }))
      : timelineText(timeline, { style: styleFor(process.stdout), width: columns > 0 ? columns : usualWidth, currency })
  process.stdout.write(`${text}\n`)
}

export interface ListOptions extends FilterOptions {
  readonly url?: string
  readonly cost?: string
  readonly most: string
}

export async function runsList(options: ListOptions): Promise<ExitCode> {
  const most = Number(options.most)
  if (!Number.isInteger(most) || most < 1 || most > 10_000) return usage('--most is no number from 1 to 10000')
  const least = options.cost === undefined ? 0 : Number(options.cost)
  if (!Number.isFinite(least) || least < 0) return usage('--cost is no amount of money')
  const filter = filterOf(options)
  if (typeof filter === 'string') return usage(filter)
  if (options.url !== undefined) return listedByDoor(options.url, options, most)
  const { withAudit } = await import('./with-audit.ts')
  return withAudit(options, async (audit, { settings }) => {
    const found = await runsBy(audit, { ...filter, leastCostNano: billionthsOf(least) }, { most })
    if (!found.ok) return failed(found.fault.message)
    printRuns(found.value.runs, settings.prices.currency, options.json === true)
    return exit.ok
  })
}

async function listedByDoor(url: string, options: ListOptions, most: number): Promise<ExitCode> {
  const { from, to, principal, tool, team, client, fault, cost } = options
  const asked = Object.entries({ from, to, principal, tool, team, client, fault, cost }).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  )
  const { readAdmin } = await import('../client/admin-client.ts')
  const answer = await readAdmin(url, `/admin/v1/runs${asked.length === 0 ? '' : `?${asked.join('&')}`}`, 'runs', most)
  if (typeof answer === 'string') return failed(answer)
  printRuns(answer as readonly RunSums[], undefined, options.json === true)
  return exit.ok
}

function printRuns(runs: readonly RunSums[], currency: string | undefined, json: boolean): void {
  if (json) {
    process.stdout.write(`${jsonForTerminal(JSON.stringify({ runs, currency }))}\n`)
    return
  }
  const style = styleFor(process.stdout)
  const cells = runs.map((run) => [
    firstLine(run.run, 64),
    firstLine(run.subject, 32),
    firstLine(run.clients.join(', '), 32),
    moment(run.firstMs),
    span(run.lastMs - run.firstMs),
    amount(run.calls),
    run.faults === 0 ? '' : amount(run.faults),
    run.suspects === 0 ? '' : amount(run.suspects),
    amount(run.tokensSent + run.tokensGot),
    money(run.costNano, currency),
    firstLine(run.tools.join(' '), 60),
  ])
  const head = ['run', 'principal', 'client', 'began', 'for', 'calls', 'faults', 'doubtful', 'tokens', 'cost', 'tools']
  const text =
    runs.length === 0
      ? 'No such run.'
      : table([head, ...cells], (cell, row, column) =>
          row === 0 ? style.dim(cell) : column === 6 && cell.trim() !== '' ? style.bad(cell) : cell,
        )
  process.stdout.write(`${text}\n`)
}
