// `signalbox tools check`: whether the servers still offer what the lock file has.
import { breaks } from '../../../core/call/contract.ts'
import type { Comparison } from '../../contracts/compare.ts'
import { CannotTell, type Contracts } from '../../contracts/contracts.ts'
import { ofLock } from '../../contracts/file-contracts.ts'
import { readContracts } from '../../contracts/read-contracts.ts'
import type { ExitCode } from '../exit.ts'
import { compared, type TellingOptions, tellComparison } from './comparing.ts'
import { sourceOf } from './diff.ts'
import { type ToolsExit, toolsExit } from './exit.ts'
import { interruptible, lockOf, readingFor, readingOptions, type SourceOptions } from './run.ts'

export interface CheckOptions extends SourceOptions, TellingOptions {
  readonly lock?: string
  readonly as?: string
  readonly reading?: string
  readonly failOn: string
}

const thresholds = ['breaking', 'behavioural', 'any'] as const
type Threshold = (typeof thresholds)[number]

export function toolsCheck(what: string | undefined, options: CheckOptions, endNow: (code: ExitCode) => void): Promise<ExitCode> {
  return interruptible(endNow, async (signal) => {
    const failOn = thresholds.find((one) => one === options.failOn)
    if (failOn === undefined) throw new CannotTell(`--fail-on is ${thresholds.join(', ')}`)
    const own = readingOptions(options, signal)
    const source = what === undefined ? ({ kind: 'configured', name: undefined, label: 'now' } as const) : sourceOf(what)
    const lock = await lockOf(options.lock, own, source.kind === 'configured')
    if (!lock.exists) throw new CannotTell(`there is no ${lock.label}: write it with \`signalbox tools lock\``)
    const reading = await readingFor(options.reading, [source], own)
    const now = await readContracts(source, own)
    const old = ofWhatIsChecked(ofLock(lock.label, lock), now, options.as)
    const comparison = await compared(old, now, reading, lock.lock.ignore)
    const code = codeOf(comparison, failOn)
    if (!signal.aborted) tellComparison(comparison, code, lock.place, options)
    return code
  })
}

/** The servers of the lock file that are looked at; those that are no longer configured are told of. */
function ofWhatIsChecked(lock: Contracts, now: Contracts, as: string | undefined): Contracts {
  const [alone] = now.servers.size === 1 ? now.servers.keys() : []
  const name = as ?? alone
  if (name !== undefined) {
    const [first] = lock.servers.size === 1 ? lock.servers : []
    const found = lock.servers.get(name) ?? (as === undefined ? first?.[1] : undefined)
    const known = lock.servers.has(name) ? name : (first?.[0] ?? name)
    if (found === undefined) {
      throw new CannotTell(
        `${lock.label} has no server ${name}: name the one that is meant with --as (${[...lock.servers.keys()].join(', ')})`,
      )
    }
    return { ...lock, servers: new Map([[known, found]]) }
  }
  const gone = [...lock.servers.keys()].filter((server) => !now.servers.has(server))
  return {
    ...lock,
    servers: new Map([...lock.servers].filter(([server]) => now.servers.has(server))),
    notes: [...lock.notes, ...gone.map((server) => `${server} is in ${lock.label} and not in the configuration; it was not looked at`)],
  }
}

/** What breaks is told though another server could not be asked. */
function codeOf({ verdict, tools, unreachable }: Comparison, failOn: Threshold): ToolsExit {
  if (breaks(verdict)) return toolsExit.breaking
  if (tools.some(({ held }) => held.length > 0)) return toolsExit.held
  if (unreachable.length > 0) return toolsExit.cannotTell
  if (failOn !== 'breaking' && verdict === 'behavioural') return toolsExit.behavioural
  return failOn === 'any' && tools.some(({ changes }) => changes.length > 0) ? toolsExit.additive : toolsExit.ok
}
