// `signalbox alerts`: what is wrong at a running gateway, saying of it what it is, and what is not to be told for a while.
import { isObject } from '../../core/protocol/is-object.ts'
import { durationMs } from '../../core/text/duration.ts'
import { forTerminal, jsonForTerminal } from '../../core/text/terminal.ts'
import { readAdmin, sendAdmin } from '../client/admin-client.ts'
import { firstLine, styleFor, table } from '../text.ts'
import { type ExitCode, exit } from './exit.ts'

export interface AlertsOptions {
  readonly url: string
  readonly json?: boolean
}

const path = '/admin/v1/alerts'
const silencesPath = '/admin/v1/silences'
const waitMs = 5_000

export async function alertsList({ url, json }: AlertsOptions): Promise<ExitCode> {
  const answer = await readAdmin(url, path, 'alerts')
  if (typeof answer === 'string') return told(answer)
  const text = json === true ? jsonForTerminal(JSON.stringify({ alerts: answer })) : asText(answer.filter(isObject))
  process.stdout.write(`${text}\n`)
  return exit.ok
}

export async function alertsAck(id: string, as: string, { url, json }: AlertsOptions): Promise<ExitCode> {
  if (!isId(id)) return misused('An alert is named by what `signalbox alerts ls` shows first, such as 4f2a90c1d37b')
  if (as !== 'normal' && as !== 'fault') return misused('Say `normal` where it is so now, or `fault` where it is known')
  const answer = await sendAdmin(url, `${path}/${id}/actions`, { action: as }, waitMs)
  if (typeof answer === 'string') return told(answer)
  const isOver = answer.state === 'resolved'
  const said = isOver
    ? `${id} has ended: what the tool gives now is usual of it.`
    : `${id} is known: nothing more is told of it until it is over, comes back or gets worse.`
  return done(answer, said, json)
}

export async function alertsSilence(
  selector: string,
  { url, json, for: time, reason }: AlertsOptions & { readonly for: string; readonly reason: string },
): Promise<ExitCode> {
  const forMs = durationMs(time)
  if (forMs === undefined || forMs === 0) return misused('--for is a duration, as 30m or 2h')
  const answer = await sendAdmin(url, silencesPath, { selector, forMs, reason }, waitMs)
  if (typeof answer === 'string') return told(answer)
  return done(answer, `Nothing is told of ${selector} until ${String(answer.until)} (silence ${String(answer.id)}).`, json)
}

export async function alertsUnsilence(id: string, { url, json }: AlertsOptions): Promise<ExitCode> {
  if (!isId(id)) return misused('A silence is named by what `signalbox alerts silences` shows first')
  const answer = await sendAdmin(url, `${silencesPath}/${id}/actions`, { action: 'end' }, waitMs)
  if (typeof answer === 'string') return told(answer)
  return done(answer, `${String(answer.selector)} is told of again.`, json)
}

export async function alertsSilences({ url, json }: AlertsOptions): Promise<ExitCode> {
  const answer = await readAdmin(url, silencesPath, 'silences')
  if (typeof answer === 'string') return told(answer)
  if (json === true) return done({ silences: answer }, '', json)
  const rows = answer
    .filter(isObject)
    .map((one) => [String(one.id), String(one.selector), String(one.until), String(one.by), firstLine(String(one.reason), 80)])
  process.stdout.write(
    rows.length === 0 ? 'Nothing is silenced.\n' : `${table([['silence', 'what', 'until', 'by', 'reason'], ...rows], header)}\n`,
  )
  return exit.ok
}

type Shown = Readonly<Record<string, unknown>>

function asText(alerts: readonly Shown[]): string {
  if (alerts.length === 0) return 'Nothing is wrong.'
  const rows = alerts.map((one) => [
    String(one.id),
    firstLine(subjectOf(one), 48),
    String(one.kind),
    `${String(one.severity)}, ${stateOf(one)}`,
    firstLine(String(one.text), 100),
    since(one),
  ])
  return table([['alert', 'of', 'what', 'state', 'text', 'since'], ...rows], header)
}

function subjectOf({ server, tool, caller }: Shown): string {
  if (server === undefined) return caller === undefined ? 'the gateway' : `caller ${String(caller)}`
  return tool === undefined ? String(server) : `${String(server)}/${String(tool)}`
}

function stateOf({ state, acknowledged, reopened }: Shown): string {
  const known = acknowledged === undefined ? '' : `, ${String(acknowledged)}`
  return `${state === 'resolved' ? 'over' : String(state)}${known}${reopened === undefined ? '' : `, back ${String(reopened)} times`}`
}

function since({ since: at, firstCall, deploy, owner, closed }: Shown): string {
  const known = [
    closed === undefined ? String(at) : `${String(at)} until ${String(closed)}`,
    firstCall === undefined ? undefined : `first call ${String(firstCall)}`,
    isObject(deploy) ? `${String(deploy.what)} at ${String(deploy.at)}` : undefined,
    owner === undefined ? undefined : `owner ${String(owner)}`,
  ]
  return firstLine(known.filter((one) => one !== undefined).join(', '), 160)
}

function header(cell: string, row: number): string {
  return row === 0 ? styleFor(process.stdout).dim(cell) : cell
}

function isId(id: string): boolean {
  return /^[0-9a-f]{1,64}$/.test(id)
}

function done(answer: object, said: string, json: boolean | undefined): ExitCode {
  process.stdout.write(json === true ? `${jsonForTerminal(JSON.stringify(answer))}\n` : `${forTerminal(said)}\n`)
  return exit.ok
}

function misused(how: string): ExitCode {
  process.stderr.write(`${how}\n`)
  return exit.usage
}

function told(problem: string): ExitCode {
  process.stderr.write(`${forTerminal(problem)}\n`)
  return exit.failed
}
