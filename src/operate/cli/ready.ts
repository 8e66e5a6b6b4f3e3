// `signalbox ready`: whether a gateway serves, for images and supervisors that have no other program to ask its probes with.
import { request } from 'undici'
import { forTerminal } from '../../core/text/terminal.ts'
import { destinationOf } from '../client/destination.ts'
import { wholeBody } from '../client/whole-body.ts'
import { type ExitCode, exit } from './exit.ts'

export interface ReadyOptions {
  readonly url: string
  /** Ask whether the process answers at all, in place of whether it serves. */
  readonly live?: boolean
  readonly json?: boolean
}

/** How long the answer may take, in ms: a probe that waits longer is a failed one. */
const patienceMs = 3_000
const largestAnswer = 65_536

export async function ready(options: ReadyOptions): Promise<ExitCode> {
  const path = options.live === true ? '/livez' : '/readyz'
  const found = await asked(options.url, path)
  const isGood = found.status === 200
  if (options.json === true) process.stdout.write(`${JSON.stringify({ ready: isGood, url: options.url, path, said: found.said })}\n`)
  else (isGood ? process.stdout : process.stderr).write(`${forTerminal(found.said)}\n`)
  return isGood ? exit.ok : exit.failed
}

async function asked(url: string, path: string): Promise<{ readonly status?: number; readonly said: string }> {
  const destination = destinationOf(url, '/')
  if (destination === undefined) return { said: `${url} is no address; write it as http://127.0.0.1:4280 or unix:PATH` }
  const { url: base, ...through } = destination
  try {
    const { statusCode, body } = await request(new URL(path, base), {
      headersTimeout: patienceMs,
      bodyTimeout: patienceMs,
      ...through,
    })
    const bytes = await wholeBody(body, largestAnswer)
    const text = Buffer.from(bytes ?? new Uint8Array()).toString('utf8')
    return { status: statusCode, said: statusOf(text) ?? `HTTP ${statusCode}` }
  } catch (thrown) {
    const reason = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : String(thrown)
    return { said: `No gateway answers at ${url} (${reason})` }
  }
}

/** Of a probe's answer: `ready`, `starting`, `draining`, `alive`. */
function statusOf(text: string): string | undefined {
  try {
    const { status } = JSON.parse(text) as { readonly status?: unknown }
    return typeof status === 'string' ? status : undefined
  } catch {
    return undefined
  }
}
