// `signalbox tools approve`: lets in exactly the contract that was seen, at a running gateway or in the lock file.
import type { Digests } from '../../../core/call/contract.ts'
import { forTerminal, jsonForTerminal } from '../../../core/text/terminal.ts'
import { digestsOf, type LockedTool, lockedTool, readToolName, withTool } from '../../../gateway/contracts/index.ts'
import { postAdmin } from '../../client/admin-client.ts'
import { CannotTell } from '../../contracts/contracts.ts'
import { writeLock } from '../../contracts/lock-store.ts'
import { readContracts } from '../../contracts/read-contracts.ts'
import type { ExitCode } from '../exit.ts'
import { toolsExit } from './exit.ts'
import { whoRuns } from './lock.ts'
import { interruptible, lockOf, readingOptions, type SourceOptions } from './run.ts'

export interface ApproveOptions extends SourceOptions {
  readonly expect: readonly string[]
  readonly reason?: string
  readonly by?: string
  readonly url: string
  /** A file; true: the one beside the configuration. */
  readonly lock?: string | true
  readonly json?: boolean
}

const digest = /^[chpx][1-9]\d*:[0-9a-f]{64}$/
const waitMs = 30_000

export function toolsApprove(name: string, options: ApproveOptions, endNow: (code: ExitCode) => void): Promise<ExitCode> {
  return interruptible(endNow, async (signal) => {
    const whose = readToolName(name)
    if (whose === undefined) throw new CannotTell(`${name} names no tool: write server.tool`)
    const odd = options.expect.find((one) => !digest.test(one))
    if (odd !== undefined) throw new CannotTell(`${odd} is no digest: give what \`tools ls --json\` or \`tools diff --json\` shows, whole`)
    return options.lock === undefined ? atGateway(whose, options) : inLock(whose, options, signal)
  })
}

interface Whose {
  readonly server: string
  readonly tool: string
}

async function atGateway({ server, tool }: Whose, { url, expect, reason, json }: ApproveOptions): Promise<ExitCode> {
  const path = `/admin/v1/tools/${encodeURIComponent(server)}/${encodeURIComponent(tool)}/approve`
  const answer = await postAdmin(url, path, { expect, ...(reason === undefined ? {} : { reason }) }, waitMs)
  if (typeof answer === 'string') throw new CannotTell(answer)
  const { status, body } = answer
  if (status === 409) return notSeen(String(body.detail ?? 'it is something else by now'))
  if (status !== 200) throw new CannotTell(String(body.detail ?? `the gateway answered with HTTP ${status}`))
  return told(`${server}.${tool} is ${String(body.state)}.`, body, json)
}

async function inLock({ server, tool }: Whose, options: ApproveOptions, signal: AbortSignal): Promise<ExitCode> {
  const own = readingOptions(options, signal)
  const stored = await lockOf(options.lock === true ? undefined : options.lock, own, true)
  const old = stored.lock.servers.get(server)?.tools.get(tool)
  const now = await readContracts({ kind: 'configured', name: server, label: server }, own)
  const found = now.servers.get(server)
  if (found?.unreachable !== undefined) throw new CannotTell(`${server}: ${found.unreachable}`)
  const definition = found?.tools.get(tool)
  if (definition === undefined) throw new CannotTell(`${server} has no tool ${tool}`)
  const live = digestsOf(definition)
  const problem = mismatch(old, live, options.expect)
  if (problem !== undefined) return notSeen(problem)
  const by = options.by ?? whoRuns()
  const fresh = lockedTool(definition, live, { status: 'approved', by, reason: options.reason ?? null })
  const kept = old === undefined ? {} : { deprecated: old.deprecated, unknown: old.unknown }
  if (signal.aborted) return toolsExit.interrupted
  writeLock(stored.path, withTool(stored.lock, server, tool, { ...fresh, ...kept }))
  return told(`${server}.${tool} is approved in ${stored.label}.`, { server, tool, state: 'approved', approved: live, by }, options.json)
}

/** All that is named has to be what is there, and all that differs from what stood before has to be named. */
function mismatch(old: LockedTool | undefined, live: Digests, expect: readonly string[]): string | undefined {
  const now: readonly string[] = [live.contract, live.hints, live.prose, live.exact]
  const other = expect.find((one) => !now.includes(one))
  if (other !== undefined) return `${other} is not what the server says now: that is ${now.join(' ')}. Look at it, then approve.`
  if (expect.includes(live.exact)) return undefined
  const missing = (['contract', 'hints', 'prose'] as const).filter((one) => old?.[one] !== live[one] && !expect.includes(live[one]))
  if (missing.length === 0) return undefined
  const names = missing.map((one) => live[one]).join(' ')
  return `it differs in more than that: --expect has to name ${names}, or ${live.exact} for all of it.`
}

function notSeen(why: string): ExitCode {
  process.stderr.write(`${forTerminal(why)}\nNothing was changed.\n`)
  return toolsExit.notSeen
}

function told(text: string, data: object, json: boolean | undefined): ExitCode {
  process.stdout.write(json === true ? `${jsonForTerminal(JSON.stringify(data))}\n` : `${forTerminal(text)}\n`)
  return toolsExit.ok
}
