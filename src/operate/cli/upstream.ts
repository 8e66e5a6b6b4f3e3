// `signalbox upstream`: how the servers of a running gateway fare, and holding, refusing or letting go their calls while they are worked on.
import { isObject } from '../../core/protocol/is-object.ts'
import { durationMs } from '../../core/text/duration.ts'
import { forTerminal, jsonForTerminal } from '../../core/text/terminal.ts'
import { readAdmin, sendAdmin } from '../client/admin-client.ts'
import { styleFor, table } from '../text.ts'
import { type ExitCode, exit } from './exit.ts'

export interface UpstreamOptions {
  readonly url: string
  readonly json?: boolean
}

/** As the admin door takes it, in ms. */
const longestWaitMs = 600_000
/** What the last question to a server may take beyond the wait, in ms. */
const graceMs = 60_000

export async function upstreamList({ url, json }: UpstreamOptions): Promise<ExitCode> {
  const answer = await readAdmin(url, '/admin/v1/upstreams', 'upstreams')
  if (typeof answer === 'string') return told(answer)
  const text = json === true ? jsonForTerminal(JSON.stringify({ upstreams: answer })) : asText(answer.filter(isObject))
  process.stdout.write(`${text}\n`)
  return exit.ok
}

export async function upstreamAct(name: string, action: string, options: UpstreamOptions & { readonly wait: string }): Promise<ExitCode> {
  const waitMs = durationMs(options.wait)
  if (waitMs === undefined || waitMs > longestWaitMs) {
    process.stderr.write('--wait is a duration of at most 10m, as 30s\n')
    return exit.usage
  }
  const path = `/admin/v1/upstreams/${encodeURIComponent(name)}/actions`
  const answer = await sendAdmin(options.url, path, { action, waitMs }, waitMs + graceMs)
  if (typeof answer === 'string') return told(answer)
  const { state, inFlight, held, done, reason } = answer
  if (options.json === true) process.stdout.write(`${jsonForTerminal(JSON.stringify(answer))}\n`)
  else {
    const line = `${name} is ${String(state)}: ${String(inFlight)} in flight, ${String(held)} held${done === true ? '' : `; ${String(reason)}`}.`
    process.stdout.write(`${forTerminal(line)}\n`)
  }
  return done === true ? exit.ok : exit.failed
}

function asText(upstreams: readonly Readonly<Record<string, unknown>>[]): string {
  const style = styleFor(process.stdout)
  const rows = upstreams.flatMap(({ name, state, reason, held, endpoints }) => [
    [String(name), String(state), held === undefined ? '' : `${String(held)} held`, String(reason ?? '')],
    ...(Array.isArray(endpoints) ? endpoints : [])
      .filter(isObject)
      .map((one) => [
        `  ${String(one.url)}`,
        String(one.state),
        `${String(one.inFlight)} in flight`,
        one.ejectedUntil === undefined ? '' : `until ${String(one.ejectedUntil)}`,
      ]),
  ])
  return table([['server', 'state', 'calls', 'why'], ...rows], (cell, row) => (row === 0 ? style.dim(cell) : cell))
}

function told(problem: string): ExitCode {
  process.stderr.write(`${forTerminal(problem)}\n`)
  return exit.failed
}
