// `signalbox limits`: what is used of rates and budgets in a running gateway, and giving it back.
import { isObject } from '../../core/protocol/is-object.ts'
import { forTerminal, jsonForTerminal } from '../../core/text/terminal.ts'
import { readAdmin, sendAdmin } from '../client/admin-client.ts'
import { firstLine, styleFor, table } from '../text.ts'
import { type ExitCode, exit } from './exit.ts'

export interface LimitsOptions {
  readonly url: string
  readonly json?: boolean
}

const path = '/admin/v1/budgets'
const waitMs = 5_000

export async function limitsShow({ url, json }: LimitsOptions): Promise<ExitCode> {
  const answer = await readAdmin(url, path, 'budgets')
  if (typeof answer === 'string') return told(answer)
  const text = json === true ? jsonForTerminal(JSON.stringify({ limits: answer })) : asText(answer.filter(isObject))
  process.stdout.write(`${text}\n`)
  return exit.ok
}

export async function limitsClear(key: string, { url, json }: LimitsOptions): Promise<ExitCode> {
  if (!/^[0-9a-f]{1,64}$/.test(key)) {
    process.stderr.write('A key is what `signalbox limits show` shows first, such as 4f2a90c1d37b\n')
    return exit.usage
  }
  const answer = await sendAdmin(url, `${path}/${key}/actions`, { action: 'clear' }, waitMs)
  if (typeof answer === 'string') return told(answer)
  process.stdout.write(json === true ? `${jsonForTerminal(JSON.stringify(answer))}\n` : `Nothing is used of ${key} any more.\n`)
  return exit.ok
}

type Shown = Readonly<Record<string, unknown>>

function asText(limits: readonly Shown[]): string {
  if (limits.length === 0) return 'Nothing is used of any limit.'
  const style = styleFor(process.stdout)
  const rows = limits.map((one) => [
    String(one.id),
    `${String(one.kind)} of ${String(one.scope)}`,
    firstLine(whose(one), 64),
    `${String(one.used)} of ${String(one.limit)} ${String(one.unit)}`,
    one.resets_at === undefined ? '' : String(one.resets_at),
  ])
  return table([['key', 'what', 'whose', 'used', 'some comes back'], ...rows], (cell, row) => (row === 0 ? style.dim(cell) : cell))
}

function whose({ upstream, tool, prompt, resource, subject, run, team }: Shown): string {
  const item = tool ?? prompt ?? resource
  const at = item === undefined ? upstream : `${String(upstream)}/${String(item)}`
  const who = run === undefined ? (subject ?? team) : `run ${String(run)} of ${String(subject)}`
  return [at, who].filter((one) => one !== undefined).join(', ')
}

function told(problem: string): ExitCode {
  process.stderr.write(`${forTerminal(problem)}\n`)
  return exit.failed
}
