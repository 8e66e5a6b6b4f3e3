// What `tools approve` and `tools reject` have in common: exactly what was seen is decided on, or nothing.
import type { Digests, ToolContract } from '../../../core/call/contract.ts'
import { forTerminal, jsonForTerminal } from '../../../core/text/terminal.ts'
import { digestsOf, type LockedTool, readToolName } from '../../../gateway/contracts/index.ts'
import { postAdmin } from '../../client/admin-client.ts'
import { CannotTell } from '../../contracts/contracts.ts'
import type { StoredLock } from '../../contracts/lock-store.ts'
import { type ReadingOptions, readContracts } from '../../contracts/read-contracts.ts'
import type { ExitCode } from '../exit.ts'
import { toolsExit } from './exit.ts'
import { lockOf, readingOptions, type SourceOptions } from './run.ts'

export interface ApproveOptions extends SourceOptions {
  readonly expect: readonly string[]
  /** That calls are translated, in place of the contract: a file or JSON; true: as it is proposed. */
  readonly adapter?: string | true
  readonly override?: boolean
  readonly reason?: string
  readonly by?: string
  readonly url: string
  /** A file; true: the one beside the configuration. */
  readonly lock?: string | true
  readonly json?: boolean
}

export interface Whose {
  readonly server: string
  readonly tool: string
}

const digest = /^[chpx][1-9]\d*:[0-9a-f]{64}$/
const waitMs = 30_000

/** Throws `CannotTell` where one of them cannot be read. */
export function seenTool(name: string, expect: readonly string[]): Whose {
  const whose = readToolName(name)
  if (whose === undefined) throw new CannotTell(`${name} names no tool: write server.tool`)
  const odd = expect.find((one) => !digest.test(one))
  if (odd !== undefined) throw new CannotTell(`${odd} is no digest: give what \`tools ls --json\` or \`tools diff --json\` shows, whole`)
  return whose
}

export async function decideAtGateway(
  url: string,
  { server, tool }: Whose,
  what: 'approve' | 'reject',
  wanted: object,
): Promise<{ readonly body: Readonly<Record<string, unknown>> } | { readonly code: ExitCode }> {
  const answer = await postAdmin(url, `/admin/v1/tools/${encodeURIComponent(server)}/${encodeURIComponent(tool)}/${what}`, wanted, waitMs)
  if (typeof answer === 'string') throw new CannotTell(answer)
  const { status, body } = answer
  const why = String(body.detail ?? `the gateway answered with HTTP ${status}`)
  if (status === 409) return { code: notDone(why, toolsExit.notSeen) }
  if (status === 422) return { code: notDone(why, toolsExit.refused) }
  if (status !== 200) throw new CannotTell(why)
  return { body }
}

export interface LockedAndLive {
  readonly own: ReadingOptions
  readonly stored: StoredLock
  /** Undefined: the file has no such tool. */
  readonly old: LockedTool | undefined
  readonly definition: ToolContract
  readonly live: Digests
}

export async function lockedAndLive(
  { server, tool }: Whose,
  options: SourceOptions & { readonly lock?: string | true },
  signal: AbortSignal,
): Promise<LockedAndLive> {
  const own = readingOptions(options, signal)
  const stored = await lockOf(options.lock === true ? undefined : options.lock, own, true)
  const now = await readContracts({ kind: 'configured', name: server, label: server }, own)
  const found = now.servers.get(server)
  if (found?.unreachable !== undefined) throw new CannotTell(`${server}: ${found.unreachable}`)
  const definition = found?.tools.get(tool)
  if (definition === undefined) throw new CannotTell(`${server} has no tool ${tool}`)
  return { own, stored, old: stored.lock.servers.get(server)?.tools.get(tool), definition, live: digestsOf(definition) }
}

type Part = 'contract' | 'hints' | 'prose'
export const parts: readonly Part[] = ['contract', 'hints', 'prose']

/** All that is named has to be what is there, and all of `parts` that differs from what stood before has to be named. */
export function mismatch(
  old: LockedTool | undefined,
  live: Digests,
  expect: readonly string[],
  decided: readonly Part[],
): string | undefined {
  const now: readonly string[] = [live.contract, live.hints, live.prose, live.exact]
  const other = expect.find((one) => !now.includes(one))
  if (other !== undefined) return `${other} is not what the server says now: that is ${now.join(' ')}. Look at it, then approve.`
  if (expect.includes(live.exact)) return undefined
  const missing = decided.filter((one) => old?.[one] !== live[one] && !expect.includes(live[one]))
  if (missing.length === 0) return undefined
  const names = missing.map((one) => live[one]).join(' ')
  return `it differs in more than that: --expect has to name ${names}, or ${live.exact} for all of it.`
}

export function notDone(why: string, code: ExitCode): ExitCode {
  process.stderr.write(`${forTerminal(why)}\nNothing was changed.\n`)
  return code
}

export function told(text: string, data: object, json: boolean | undefined): ExitCode {
  process.stdout.write(json === true ? `${jsonForTerminal(JSON.stringify(data))}\n` : `${forTerminal(text)}\n`)
  return toolsExit.ok
}
