// `signalbox tools ls`: the tools that a running gateway knows, or that a lock file has, and what was decided of each.
import { dateText } from '../../../core/call/deprecation.ts'
import { isObject } from '../../../core/protocol/is-object.ts'
import { dateMs } from '../../../core/text/date.ts'
import { forTerminal, jsonForTerminal } from '../../../core/text/terminal.ts'
import { readAdmin } from '../../client/admin-client.ts'
import { CannotTell } from '../../contracts/contracts.ts'
import { lockPath, openLock } from '../../contracts/lock-store.ts'
import { styleFor, table } from '../../text.ts'
import type { ExitCode } from '../exit.ts'
import { toolsExit } from './exit.ts'
import { interruptible } from './run.ts'

export interface ListOptions {
  readonly url: string
  /** A file; true: the one of this folder. */
  readonly lock?: string | true
  readonly json?: boolean
}

interface Row {
  readonly server: string
  readonly tool: string
  readonly state: string
  readonly contract: string
  /** When it is removed, or that it is deprecated. */
  readonly ends: string
  readonly by: string
  readonly reason: string
}

export function toolsList(options: ListOptions, endNow: (code: ExitCode) => void): Promise<ExitCode> {
  return interruptible(endNow, async () => {
    const tools = options.lock === undefined ? await ofGateway(options.url) : ofLockFile(options.lock)
    if (options.json === true) process.stdout.write(`${jsonForTerminal(JSON.stringify({ tools }))}\n`)
    else process.stdout.write(`${asText(tools.map(rowOf))}\n`)
    return toolsExit.ok
  })
}

async function ofGateway(url: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const answer = await readAdmin(url, '/admin/v1/tools', 'tools')
  if (typeof answer === 'string') throw new CannotTell(answer)
  return answer.filter(isObject)
}

function ofLockFile(named: string | true): readonly Readonly<Record<string, unknown>>[] {
  const cwd = process.cwd()
  const stored = openLock(lockPath(named === true ? undefined : named, undefined, cwd), cwd)
  if (!stored.exists) throw new CannotTell(`there is no ${stored.label}: write it with \`signalbox tools lock\``)
  return [...stored.lock.servers].flatMap(([server, { tools, identity }]) =>
    [...tools].map(([tool, { contract, hints, prose, status, by, reason, deprecated }]) => ({
      server,
      tool,
      identity,
      state: status,
      approved: { contract, hints, prose },
      approval: { as: status, by, reason },
      ...(deprecated === null ? {} : { deprecation: { ...deprecated, by: 'lock' } }),
    })),
  )
}

function rowOf({ server, tool, state, approved, live, approval, change, held, deprecation }: Readonly<Record<string, unknown>>): Row {
  const shown = isObject(approved) ? approved : isObject(live) ? live : {}
  const decided = isObject(approval) ? approval : {}
  const human = isObject(change) ? change.human : undefined
  const text = (value: unknown): string => (typeof value === 'string' ? forTerminal(value) : '')
  return {
    server: text(server),
    tool: text(tool),
    state: text(state),
    contract: text(shown.contract).slice(0, 11),
    ends: endOf(deprecation),
    by: text(decided.by),
    reason: text(human) || heldText(held) || text(decided.reason),
  }
}

/** What keeps a tool out that is seen first; a gateway of another version may say something else. */
function heldText(held: unknown): string {
  const found = Array.isArray(held) ? held.filter(isObject) : []
  const said = found.map(({ rule, pointer, sentence }) => `${String(rule)} ${String(pointer)}: ${String(sentence)}`)
  return said.length === 0 ? '' : forTerminal(`its words are held: ${said.slice(0, mostFindings).join('; ')}`)
}

const mostFindings = 3

function endOf(deprecation: unknown): string {
  if (!isObject(deprecation)) return ''
  const { from, sunset } = deprecation
  const day = (value: unknown): string | undefined => {
    const ms = typeof value === 'string' ? dateMs(value) : undefined
    return ms === undefined ? undefined : dateText(ms)
  }
  return day(sunset) ?? (day(from) === undefined ? '' : `deprecated ${day(from)}`)
}

function asText(rows: readonly Row[]): string {
  if (rows.length === 0) return 'There are no tools.'
  const style = styleFor(process.stdout)
  const cells = rows.map(({ server, tool, state, contract, ends, by, reason }) => [
    `${server}.${tool}`,
    state,
    contract,
    ends,
    by,
    reason.slice(0, 100),
  ])
  return table([['tool', 'state', 'contract', 'ends', 'by', 'why'], ...cells], (cell, row) => (row === 0 ? style.dim(cell) : cell))
}
