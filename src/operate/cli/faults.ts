// `signalbox faults`: what fails at a running gateway, grouped, and saying of a group that it is mended.
import { isObject } from '../../core/protocol/is-object.ts'
import { forTerminal, jsonForTerminal } from '../../core/text/terminal.ts'
import { readAdmin, sendAdmin } from '../client/admin-client.ts'
import { firstLine, styleFor, table } from '../text.ts'
import { type ExitCode, exit } from './exit.ts'

export interface FaultsOptions {
  readonly url: string
  readonly json?: boolean
}

const path = '/admin/v1/faults'
const waitMs = 5_000

export async function faultsList({ url, json, state }: FaultsOptions & { readonly state?: string }): Promise<ExitCode> {
  const answer = await readAdmin(url, state === undefined ? path : `${path}?state=${encodeURIComponent(state)}`, 'faults')
  if (typeof answer === 'string') return told(answer)
  const text = json === true ? jsonForTerminal(JSON.stringify({ faults: answer })) : asText(answer.filter(isObject))
  process.stdout.write(`${text}\n`)
  return exit.ok
}

export async function faultsResolve(id: string, { url, json }: FaultsOptions): Promise<ExitCode> {
  if (!/^[0-9a-f]{1,64}$/.test(id)) {
    process.stderr.write('A fault is named by what `signalbox faults ls` shows first, such as 4f2a90c1d37b\n')
    return exit.usage
  }
  const answer = await sendAdmin(url, `${path}/${id}/actions`, { action: 'resolve' }, waitMs)
  if (typeof answer === 'string') return told(answer)
  process.stdout.write(
    json === true ? `${jsonForTerminal(JSON.stringify(answer))}\n` : `${id} is mended: it is told of where it comes back.\n`,
  )
  return exit.ok
}

type Shown = Readonly<Record<string, unknown>>

function asText(faults: readonly Shown[]): string {
  if (faults.length === 0) return 'No server has failed at anything.'
  const style = styleFor(process.stdout)
  const rows = faults.map((one) => [
    String(one.id),
    firstLine(one.item === undefined ? String(one.server) : `${String(one.server)}/${String(one.item)}`, 48),
    String(one.kind),
    String(one.state),
    String(one.count),
    seen(one.first),
    isObject(one.last) ? String(one.last.at) : '',
    firstLine(String(one.cause), 80),
  ])
  return table([['fault', 'of', 'kind', 'state', 'times', 'first', 'last', 'cause'], ...rows], (cell, row) =>
    row === 0 ? style.dim(cell) : cell,
  )
}

function seen(first: unknown): string {
  if (!isObject(first)) return ''
  const { at, version, configuration } = first
  return `${String(at)}${version === undefined ? '' : `, version ${String(version)}`}, configuration ${String(configuration)}`
}

function told(problem: string): ExitCode {
  process.stderr.write(`${forTerminal(problem)}\n`)
  return exit.failed
}
