// Two sets of contracts, tool by tool: what changed from the old to the new, and what it means for those who call.
import { type Change, type Reading, type ToolContract, type Verdict, worse } from '../../core/call/contract.ts'
import type { ContractJudge } from '../../core/ports/contract-judge.ts'
import {
  digestsOf,
  type IgnoreRule,
  isOver,
  likeness,
  type Screening,
  screen,
  withoutAccepted,
  withoutWaived,
} from '../../gateway/contracts/index.ts'
import type { Contracts, ServerContracts } from './contracts.ts'

export interface ToolReport {
  readonly server: string
  readonly name: string
  readonly verdict: Verdict
  readonly changes: readonly Change[]
  /** New words that nobody should be shown before somebody has read them. */
  readonly held: Screening['held']
  /** Changes that the lock file accepts for a while. */
  readonly waived: readonly { readonly change: Change; readonly until: string }[]
  /** Digests of the contracts, where there is one. */
  readonly from: string | null
  readonly to: string | null
  readonly example?: unknown
  readonly error?: string
  /** The proof ended at its limits. */
  readonly spent?: true
}

export interface Comparison {
  /** The worst of the tools. */
  readonly verdict: Verdict
  readonly tools: readonly ToolReport[]
  /** Servers of which it cannot be told. */
  readonly unreachable: readonly { readonly server: string; readonly reason: string }[]
  readonly notes: readonly string[]
}

export interface ComparisonOptions {
  readonly reading: Reading
  readonly judge: ContractJudge
  readonly ignore: readonly IgnoreRule[]
  readonly nowMs: number
}

export async function compareContracts(old: Contracts, now: Contracts, options: ComparisonOptions): Promise<Comparison> {
  const tools: ToolReport[] = []
  const unreachable: { server: string; reason: string }[] = []
  for (const [server, before, after] of pairs(old, now)) {
    const reason = before.unreachable ?? after.unreachable
    const [alone] = now.servers.keys()
    const name = before.unreachable === undefined && now.servers.size === 1 && alone !== undefined ? alone : server
    if (reason !== undefined) unreachable.push({ server: name, reason })
    else tools.push(...(await ofServer(server, before, after, othersOf(server, old), options)))
  }
  return {
    verdict: tools.map((tool) => tool.verdict).reduce(worse, 'same'),
    tools,
    unreachable,
    notes: [...old.notes, ...now.notes, ...overNotes(options)],
  }
}

/** Names of tools of other servers: one that speaks of them may be after their calls. */
function othersOf(server: string, old: Contracts): ReadonlySet<string> {
  return new Set([...old.servers].flatMap(([name, { tools }]) => (name === server ? [] : [...tools.keys()])))
}

const nothing: ServerContracts = { identity: null, tools: new Map() }

/** By name; one alone on each side is compared whatever they are called. */
function pairs(old: Contracts, now: Contracts): (readonly [string, ServerContracts, ServerContracts])[] {
  const [first, second] = [[...old.servers], [...now.servers]]
  const [[name, before] = [], [, after] = []] = [first[0], second[0]]
  if (first.length === 1 && second.length === 1 && name !== undefined && before !== undefined && after !== undefined) {
    return [[name, before, after]]
  }
  const names = [...new Set([...old.servers.keys(), ...now.servers.keys()])].sort()
  return names.map((each) => [each, old.servers.get(each) ?? nothing, now.servers.get(each) ?? nothing] as const)
}

async function ofServer(
  server: string,
  before: ServerContracts,
  after: ServerContracts,
  others: ReadonlySet<string>,
  options: ComparisonOptions,
): Promise<readonly ToolReport[]> {
  const gone = [...before.tools].filter(([name]) => !after.tools.has(name))
  const come = [...after.tools].filter(([name]) => !before.tools.has(name))
  const names = [...new Set([...before.tools.keys(), ...after.tools.keys()])].sort()
  const reports: ToolReport[] = []
  for (const name of names) {
    const [was, is] = [before.tools.get(name), after.tools.get(name)]
    if (was !== undefined && is !== undefined) reports.push(await judged(server, name, was, is, others, options))
    else if (was !== undefined) reports.push(waive({ server, name, held: [], ...removed(name, was, come) }, options))
    else if (is !== undefined) {
      const { held } = screen(undefined, is, { otherTools: others })
      reports.push(waive({ server, name, held, ...added(name, is, gone) }, options))
    }
  }
  return reports
}

async function judged(
  server: string,
  name: string,
  was: ToolContract,
  is: ToolContract,
  others: ReadonlySet<string>,
  options: ComparisonOptions,
): Promise<ToolReport> {
  const judgement = await options.judge.judge(was, is, { reading: options.reading })
  return waive(
    {
      server,
      name,
      verdict: judgement.verdict,
      changes: judgement.changes,
      held: judgement.old.exact === judgement.new.exact ? [] : screen(was, is, { otherTools: others }).held,
      from: judgement.old.contract,
      to: judgement.new.contract,
      ...(judgement.example === undefined ? {} : { example: judgement.example }),
      ...(judgement.error === undefined ? {} : { error: judgement.error }),
      ...(judgement.spent ? { spent: true as const } : {}),
    },
    options,
  )
}

function waive(report: Omit<ToolReport, 'waived'>, { ignore, nowMs }: ComparisonOptions): ToolReport {
  const whose = { server: report.server, tool: report.name }
  const left = withoutWaived(report, ignore, whose, nowMs)
  const { held } = withoutAccepted(report.held, ignore, whose, nowMs)
  const { example, ...rest } = report
  return { ...rest, ...left, held, ...(left.waived.length > 0 || example === undefined ? {} : { example }) }
}

type Tools = readonly (readonly [string, ToolContract])[]
type Part = Pick<ToolReport, 'verdict' | 'changes' | 'from' | 'to'>

function removed(name: string, was: ToolContract, come: Tools): Part {
  const heir = heirOf(name, was, come)
  const human = heir === undefined ? 'the tool is gone' : `the tool is gone; ${heir}`
  const change: Change = { kind: 'tool.removed', side: 'input', pointer: '', verdict: 'breaking', human }
  return { verdict: 'breaking', changes: [change], from: digestsOf(was).contract, to: null }
}

function added(name: string, is: ToolContract, gone: Tools): Part {
  const before = gone.find(([other, was]) => isRenamed(was, name, is) || likeness(other, name) >= alike)
  const human = before === undefined ? 'the tool is new' : `the tool is new; perhaps it was ${before[0]}`
  const change: Change = { kind: 'tool.added', side: 'input', pointer: '', verdict: 'additive', human }
  return { verdict: 'additive', changes: [change], from: null, to: digestsOf(is).contract }
}

/** Names of tools as like as this are told as one that was renamed: it only words what is said. */
const alike = 0.8

function heirOf(name: string, was: ToolContract, come: Tools): string | undefined {
  const same = come.find(([other, is]) => isRenamed(was, other, is))
  if (same !== undefined) return `${same[0]} has the same contract`
  const near = come.find(([other]) => likeness(name, other) >= alike)
  return near === undefined ? undefined : `perhaps it is ${near[0]} now`
}

function isRenamed(was: ToolContract, name: string, is: ToolContract): boolean {
  return digestsOf({ ...was, name }).contract === digestsOf(is).contract
}

function overNotes({ ignore, nowMs }: ComparisonOptions): string[] {
  return ignore
    .filter((rule) => isOver(rule, nowMs))
    .map(({ server, tool, rule, pointer, until }) => `the rule that accepts ${rule} ${pointer} of ${server}.${tool} ended with ${until}`)
}
