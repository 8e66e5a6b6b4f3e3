// `signalbox tools diff A [B]`: what changed from A to B, wherever they stand.
import { CannotTell, type Contracts } from '../../contracts/contracts.ts'
import { ofLock } from '../../contracts/file-contracts.ts'
import type { Place } from '../../contracts/findings.ts'
import { lockName, openLock } from '../../contracts/lock-store.ts'
import { type ReadingOptions, readContracts } from '../../contracts/read-contracts.ts'
import { readSource, type Source } from '../../contracts/source.ts'
import type { ExitCode } from '../exit.ts'
import { compared, type TellingOptions, tellComparison } from './comparing.ts'
import { toolsExit } from './exit.ts'
import { forSecond, interruptible, lockOf, readingFor, readingOptions, type SourceOptions } from './run.ts'

export interface DiffOptions extends SourceOptions, TellingOptions {
  readonly lock?: string
  readonly server?: string
  readonly reading?: string
}

export function toolsDiff(a: string, b: string | undefined, options: DiffOptions, endNow: (code: ExitCode) => void): Promise<ExitCode> {
  return interruptible(endNow, async (signal) => {
    const own = readingOptions(options, signal)
    const reading = await readingFor(options.reading, [a, ...(b === undefined ? [] : [b])].map(sourceOf), own)
    const { old, now, place } = await bothOf(a, b, options, own)
    const comparison = await compared(only(old, options.server), only(now, options.server), reading)
    const differs = comparison.tools.some(({ changes }) => changes.length > 0)
    const code = comparison.unreachable.length > 0 ? toolsExit.cannotTell : differs ? toolsExit.differs : toolsExit.ok
    if (!signal.aborted) tellComparison(comparison, code, place, options)
    return code
  })
}

interface Both {
  readonly old: Contracts
  readonly now: Contracts
  readonly place: Place | undefined
}

/** A alone is the new one, beside the lock file; unless it is the lock file itself: then the servers of the configuration are the new. */
async function bothOf(a: string, b: string | undefined, options: DiffOptions, own: ReadingOptions): Promise<Both> {
  const first = sourceOf(a)
  if (b !== undefined) {
    const second = sourceOf(b)
    const [old, now] = await Promise.all([readContracts(first, own), readContracts(second, forSecond(own, first, second))])
    return { old, now, place: placeOf(first) ?? placeOf(second) }
  }
  if (first.kind === 'file') {
    const old = await readContracts(first, own)
    return { old, now: await readContracts({ kind: 'configured', name: undefined, label: 'now' }, own), place: placeOf(first) }
  }
  const lock = await lockOf(options.lock, own, first.kind === 'configured')
  if (!lock.exists) throw new CannotTell(`there is no ${lock.label} to compare with; give B, or write it with \`signalbox tools lock\``)
  const whole = ofLock(lock.label, lock)
  const old = first.kind === 'configured' && first.name !== undefined ? only(whole, first.name) : whole
  return { old, now: await readContracts(first, own), place: lock.place }
}

export function sourceOf(text: string): Source {
  const source = readSource(text, process.cwd())
  if (typeof source === 'string') throw new CannotTell(source)
  return source
}

/** Where its tools stand, of a lock file. */
function placeOf(source: Source): Place | undefined {
  if (source.kind !== 'file') return undefined
  try {
    return openLock(source.path, process.cwd()).place
  } catch (error) {
    if (error instanceof CannotTell) return { file: source.label, line: () => 1 }
    throw error
  }
}

/** One server alone, where one is named and there are several. */
function only(contracts: Contracts, server: string | undefined): Contracts {
  if (server === undefined || (contracts.servers.size === 1 && !contracts.servers.has(server) && contracts.label !== lockName))
    return contracts
  const found = contracts.servers.get(server)
  if (found === undefined)
    throw new CannotTell(`${contracts.label} has no server ${server}; it has ${[...contracts.servers.keys()].join(', ')}`)
  return { ...contracts, servers: new Map([[server, found]]) }
}
