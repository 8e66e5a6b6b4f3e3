// `signalbox alerts`: tools of a running gateway whose results are not as usual, and saying of one whether that is how it is now.
import { isObject } from '../../core/protocol/is-object.ts'
import { forTerminal, jsonForTerminal } from '../../core/text/terminal.ts'
import { readAdmin, sendAdmin } from '../client/admin-client.ts'
import { firstLine, styleFor, table } from '../text.ts'
import { type ExitCode, exit } from './exit.ts'

export interface AlertsOptions {
  readonly url: string
  readonly json?: boolean
}

const path = '/admin/v1/alerts'
const waitMs = 5_000

export async function alertsList({ url, json }: AlertsOptions): Promise<ExitCode> {
  const answer = await readAdmin(url, path, 'alerts')
  if (typeof answer === 'string') return told(answer)
  const text = json === true ? jsonForTerminal(JSON.stringify({ alerts: answer })) : asText(answer.filter(isObject))
  process.stdout.write(`${text}\n`)
  return exit.ok
}

export async function alertsAck(id: string, as: string, { url, json }: AlertsOptions): Promise<ExitCode> {
  if (!/^[0-9a-f]{1,64}$/.test(id)) return misused('An alert is named by what `signalbox alerts ls` shows first, such as 4f2a90c1d37b')
  if (as !== 'normal' && as !== 'fault') return misused('Say `normal` where the tool is so now, or `fault` where it is not')
  const answer = await sendAdmin(url, `${path}/${id}/actions`, { action: as }, waitMs)
  if (typeof answer === 'string') return told(answer)
  const said =
    as === 'normal' ? `${id} has ended: what the tool gives now is usual of it.` : `${id} is a fault: it ends when results are as before.`
  process.stdout.write(json === true ? `${jsonForTerminal(JSON.stringify(answer))}\n` : `${said}\n`)
  return exit.ok
}

type Shown = Readonly<Record<string, unknown>>

function asText(alerts: readonly Shown[]): string {
  if (alerts.length === 0) return 'The results of all tools are as usual.'
  const style = styleFor(process.stdout)
  const rows = alerts.map((one) => [
    String(one.id),
    firstLine(`${String(one.server)}/${String(one.tool)}`, 48),
    String(one.kind),
    stateOf(one),
    firstLine(String(one.text), 100),
    since(one),
  ])
  return table([['alert', 'tool', 'what', 'state', 'text', 'since'], ...rows], (cell, row) => (row === 0 ? style.dim(cell) : cell))
}

function stateOf({ closed, acknowledged, severity }: Shown): string {
  if (closed !== undefined) return 'over'
  const known = acknowledged ?? (severity === 'info' ? 'for information' : undefined)
  return known === undefined ? 'open' : `open, ${String(known)}`
}

function since({ since: at, firstCall, deploy, owner }: Shown): string {
  const known = [
    String(at),
    firstCall === undefined ? undefined : `first call ${String(firstCall)}`,
    isObject(deploy) ? `${String(deploy.what)} at ${String(deploy.at)}` : undefined,
    owner === undefined ? undefined : `owner ${String(owner)}`,
  ]
  return firstLine(known.filter((one) => one !== undefined).join(', '), 160)
}

function misused(how: string): ExitCode {
  process.stderr.write(`${how}\n`)
  return exit.usage
}

function told(problem: string): ExitCode {
  process.stderr.write(`${forTerminal(problem)}\n`)
  return exit.failed
}
