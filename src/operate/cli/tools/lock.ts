// `signalbox tools lock`: writes what the servers offer now into the lock file.
import { userInfo } from 'node:os'
import { forTerminal, jsonForTerminal } from '../../../core/text/terminal.ts'
import { findingText, type LockFile } from '../../../gateway/contracts/index.ts'
import { CannotTell, type Contracts } from '../../contracts/contracts.ts'
import { ofLock } from '../../contracts/file-contracts.ts'
import { writeLock } from '../../contracts/lock-store.ts'
import { type Locked, lockServer } from '../../contracts/locking.ts'
import { readContracts } from '../../contracts/read-contracts.ts'
import type { ExitCode } from '../exit.ts'
import { compared } from './comparing.ts'
import { sourceOf } from './diff.ts'
import { toolsExit } from './exit.ts'
import { interruptible, lockOf, readingOptions, type SourceOptions } from './run.ts'

export interface LockOptions extends SourceOptions {
  readonly lock?: string
  readonly as?: string
  readonly update?: string
  readonly by?: string
  readonly reason?: string
  readonly json?: boolean
}

export function toolsLock(what: string | undefined, options: LockOptions, endNow: (code: ExitCode) => void): Promise<ExitCode> {
  return interruptible(endNow, async (signal) => {
    const { update = 'all' } = options
    if (update !== 'all' && update !== 'additive') throw new CannotTell('--update is additive')
    const own = readingOptions(options, signal)
    const source = what === undefined ? ({ kind: 'configured', name: undefined, label: 'now' } as const) : sourceOf(what)
    const stored = await lockOf(options.lock, own, source.kind === 'configured')
    const now = named(await readContracts(source, own), options.as)
    const away = [...now.servers].flatMap(([name, { unreachable }]) => (unreachable === undefined ? [] : [`${name}: ${unreachable}`]))
    if (away.length > 0) throw new CannotTell(`${away.join('\n')}\nNothing was written.`)
    const request = { update, by: options.by ?? whoRuns(), reason: options.reason ?? null } as const
    const told: Omit<Locked, 'lock'>[] = []
    const notes = [...now.notes]
    let lock: LockFile = stored.lock
    for (const [name, server] of now.servers) {
      const before = ofLock(stored.label, stored).servers.get(name)
      const old: Contracts = { label: stored.label, servers: new Map([[name, before ?? { identity: null, tools: new Map() }]]), notes: [] }
      const comparison = await compared(old, { ...now, servers: new Map([[name, server]]) }, 'declared')
      const { lock: next, ...counts } = lockServer(lock, name, server, comparison, request)
      lock = next
      told.push(counts)
      for (const { name: tool, held } of comparison.tools) {
        for (const finding of held) notes.push(`${name}.${tool}: read its words before you keep them: ${findingText(finding)}`)
      }
    }
    if (signal.aborted) return toolsExit.interrupted
    writeLock(stored.path, lock)
    tell(stored.label, all(told), now, notes, options)
    return toolsExit.ok
  })
}

/** `as`: its name in the file, of a source with one server. */
function named(contracts: Contracts, as: string | undefined): Contracts {
  const [first] = contracts.servers
  if (as === undefined || first === undefined) return contracts
  if (contracts.servers.size > 1) throw new CannotTell('--as names one server, and there are several')
  if (!/^[a-z0-9-]{1,24}$/.test(as)) throw new CannotTell('--as is the name of a server: a to z, 0 to 9 and -, at most 24')
  return { ...contracts, servers: new Map([[as, first[1]]]) }
}

export function whoRuns(): string | null {
  try {
    return userInfo().username
  } catch {
    return null
  }
}

function all(told: readonly Omit<Locked, 'lock'>[]): Omit<Locked, 'lock'> {
  return {
    added: told.flatMap(({ added }) => added),
    changed: told.flatMap(({ changed }) => changed),
    removed: told.flatMap(({ removed }) => removed),
    kept: told.flatMap(({ kept }) => kept),
  }
}

function tell(
  file: string,
  { added, changed, removed, kept }: Omit<Locked, 'lock'>,
  now: Contracts,
  notes: readonly string[],
  options: LockOptions,
): void {
  const tools = [...now.servers.values()].reduce((count, server) => count + server.tools.size, 0)
  if (options.json === true) {
    process.stdout.write(`${jsonForTerminal(JSON.stringify({ lock: file, tools, added, changed, removed, kept, notes }))}\n`)
    return
  }
  const list = (names: readonly string[], word: string): string[] => names.map((name) => `${word} ${name}`)
  const lines = [
    ...list(changed, 'changed'),
    ...list(removed, 'removed'),
    ...list(kept, 'kept as it was (the change is not additive)'),
    ...notes.map((note) => `note: ${note}`),
    `${file}: ${tools} tools of ${now.servers.size === 1 ? 'one server' : `${now.servers.size} servers`}; ${added.length} new, ${changed.length} changed, ${removed.length} removed, ${kept.length} kept as they were`,
  ]
  process.stdout.write(`${lines.map(forTerminal).join('\n')}\n`)
}
