// `signalbox tap`: the calls of a running gateway, as they end. Ends by itself.
import { isObject } from '../../core/protocol/is-object.ts'
import { durationMs } from '../../core/text/duration.ts'
import { forTerminal, jsonForTerminal, onOneLine } from '../../core/text/terminal.ts'
import { systemClock } from '../../platform/clock/system-clock.ts'
import { hearAdmin } from '../client/admin-client.ts'
import { firstLine, type Style, styleFor } from '../text.ts'
import { type ExitCode, exit } from './exit.ts'

export interface TapOptions {
  readonly url: string
  readonly json?: boolean
  readonly tool?: string
  readonly run?: string
  readonly principal?: string
  readonly count: string
  readonly for: string
}

const longestMs = 3_600_000
const mostCalls = 100_000

export async function tap({ url, json, tool, run, principal, ...limits }: TapOptions): Promise<ExitCode> {
  const most = Number(limits.count)
  const forMs = durationMs(limits.for)
  if (!Number.isInteger(most) || most < 1 || most > mostCalls) return usage(`--count is a whole number from 1 to ${mostCalls}`)
  if (forMs === undefined || forMs < 1 || forMs > longestMs) return usage('--for is a duration of at most 1h, as 30s')
  const narrowed = { types: 'call', tool, run, principal }
  const query = new URLSearchParams(Object.entries(narrowed).filter((one): one is [string, string] => one[1] !== undefined))
  const enough = new AbortController()
  const timer = systemClock.timer(forMs, () => enough.abort())
  const style = styleFor(process.stdout)
  let seen = 0
  const heard = (event: string, call: unknown): void => {
    if (event !== 'call' || !isObject(call) || seen >= most) return
    seen += 1
    process.stdout.write(`${json === true ? jsonForTerminal(JSON.stringify(call)) : lineOf(call, style)}\n`)
    if (seen >= most) enough.abort()
  }
  const problem = await hearAdmin(url, `/admin/v1/events?${query}`, heard, enough.signal)
  timer.cancel()
  if (problem !== undefined) {
    process.stderr.write(`${forTerminal(problem)}\n`)
    return exit.failed
  }
  if (json !== true && seen < most) process.stderr.write(`${seen === 0 ? 'No call' : `${seen} of ${most} calls`} within ${limits.for}.\n`)
  return exit.ok
}

type Call = Readonly<Record<string, unknown>>

/** Time, what, who, how it ended, how long it took; arguments and reason on a line each, where they are told. */
function lineOf(call: Call, style: Style): string {
  const { at, ms, method, server, item, version, principal, run, outcome, fault, suspect, attempts } = call
  const what =
    server === undefined
      ? String(method)
      : `${String(server)}/${String(item ?? method)}${version === undefined ? '' : ` v${String(version)}`}`
  const who = isObject(principal) ? String(principal.subject) : '-'
  const isGood = outcome === 'complete' || outcome === 'task' || outcome === 'input_required'
  const kind = isObject(fault) ? `${String(outcome)} ${String(fault.kind)}` : String(outcome)
  const doubt = Array.isArray(suspect) && suspect.length > 0 ? ` ${style.bad(plain(`suspect: ${suspect.join(' ')}`, 80))}` : ''
  const again = typeof attempts === 'number' && attempts > 1 ? ` ${attempts} attempts` : ''
  const end = isGood ? style.good(plain(kind, 80)) : style.bad(plain(kind, 80))
  const head = `${style.dim(String(at).slice(11, 23))}  ${style.bold(plain(what, 80))}  ${plain(who, 40)}  ${end}  ${plain(String(ms), 12)} ms${again}${doubt}`
  const more = [
    ...(run === undefined ? [] : [`run ${String(run)}`]),
    ...(call.why === undefined ? [] : [`why ${String(call.why)}`]),
    ...(call.arguments === undefined ? [] : [JSON.stringify(call.arguments)]),
  ]
  return [head, ...more.map((one) => `    ${plain(one, 400)}`)].join('\n')
}

function plain(text: string, length: number): string {
  return firstLine(onOneLine(forTerminal(text)), length)
}

function usage(what: string): ExitCode {
  process.stderr.write(`${what}\n`)
  return exit.usage
}
