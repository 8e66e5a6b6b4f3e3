// `tools.lock.json`: the contracts of tools that somebody admitted, with the whole text of each, so that a change is judged, and the admitted
// text shown, without the server. docs/contracts.md describes the file. Equal contents are equal bytes.
import type { Digests, ToolContract } from '../../../core/call/contract.ts'
import type { Deprecation } from '../../../core/call/deprecation.ts'
import { isObject } from '../../../core/protocol/is-object.ts'
import type { Adapter } from '../adapters.ts'

export const lockVersion = 1
/** Of the digests that are written now; those of another formula are taken anew from the text beside them. */
export const lockFormula = 'c1'

export const lockStatuses = ['admitted', 'approved', 'rejected'] as const
/** `admitted`: written by `tools lock`, as it was found; `approved` and `rejected`: somebody looked at it. */
export type LockStatus = (typeof lockStatuses)[number]

export interface Brownout {
  /** ISO 8601. */
  readonly at: string
  readonly minutes: number
}

export interface LockedDeprecation {
  readonly from: string
  readonly sunset: string
  readonly replacement: string | null
  readonly brownouts: readonly Brownout[]
}

export function deprecationOf({ from, sunset, replacement, brownouts }: LockedDeprecation): Deprecation {
  return {
    fromMs: Date.parse(from),
    sunsetMs: Date.parse(sunset),
    replacement: replacement ?? undefined,
    brownouts: brownouts.map(({ at, minutes }) => ({ atMs: Date.parse(at), untilMs: Date.parse(at) + minutes * 60_000 })),
  }
}

/** A translation of calls by the contract that stands beside it, into calls by another one. */
export interface LockedAdapter extends Adapter {
  /** Digests of what the server takes: `c1:…` of its contract, `h1:…` of its hints. */
  readonly contract: string
  readonly hints: string
  /** Also where it is not proved. */
  readonly override: boolean
  readonly by: string | null
  readonly reason: string | null
}

/** Members that this program does not know: they are kept. */
export type Unknown = Readonly<Record<string, unknown>>

export interface LockedTool {
  /** Digests as they stand in the file, behind the name of their formula: `checkedLock` makes them those of now. */
  readonly contract: string
  readonly hints: string
  readonly prose: string
  readonly status: LockStatus
  readonly by: string | null
  readonly reason: string | null
  /** As the server sent it, but for the order of members. */
  readonly definition: ToolContract
  readonly deprecated: LockedDeprecation | null
  readonly adapter: LockedAdapter | null
  readonly unknown: Unknown
}

export interface LockedServer {
  /** Whose contracts these are, for people: `npm:name@version`, or what the server says of itself. */
  readonly identity: string | null
  readonly tools: ReadonlyMap<string, LockedTool>
  readonly unknown: Unknown
}

/** A change that somebody accepts for a while: of the tool, of this kind, at this place. */
export interface IgnoreRule {
  readonly server: string
  readonly tool: string
  /** Kind of the change. */
  readonly rule: string
  /** JSON Pointer, as the change has it. */
  readonly pointer: string
  /** The last day, YYYY-MM-DD, in UTC. */
  readonly until: string
  readonly reason: string | null
}

export interface LockFile {
  readonly servers: ReadonlyMap<string, LockedServer>
  readonly ignore: readonly IgnoreRule[]
  readonly unknown: Unknown
}

export const emptyLock: LockFile = { servers: new Map(), ignore: [], unknown: {} }

/** The members of a definition that have a name of their own in the file; all others stand under `other`. */
const named = [
  ['description', 'description'],
  ['inputSchema', 'input'],
  ['outputSchema', 'output'],
  ['annotations', 'annotations'],
] as const

/** Members that are always there, empty ones too: their absence is told from what somebody deleted. */
const always: ReadonlySet<string> = new Set(['output', 'annotations'])

export const toolMembers: ReadonlySet<string> = new Set([
  ...['contract', 'hints', 'prose', 'status', 'by', 'reason', 'other', 'deprecated', 'adapter'],
  ...named.map(([, key]) => key),
])

/** The definition of which the file has these members. */
export function definitionIn(name: string, members: Readonly<Record<string, unknown>>): ToolContract {
  const definition: Record<string, unknown> = isObject(members.other) ? { ...members.other, name } : { name }
  for (const [own, key] of named) if (members[key] !== undefined && members[key] !== null) definition[own] = members[key]
  return definition
}

function membersOf(definition: ToolContract): Record<string, unknown> {
  const members: Record<string, unknown> = {}
  const apart = new Set<string>(['name'])
  for (const [own, key] of named) {
    const value = definition[own]
    if (value !== undefined && value !== null) {
      members[key] = value
      apart.add(own)
    } else if (always.has(key)) members[key] = null
  }
  const other = Object.entries(definition).filter(([key, value]) => !apart.has(key) && value !== undefined)
  return other.length === 0 ? members : { ...members, other: Object.fromEntries(other) }
}

/** What is written of a tool that somebody admits. */
export function lockedTool(
  definition: ToolContract,
  digests: Digests,
  who: { readonly status: LockStatus; readonly by: string | null; readonly reason: string | null },
): LockedTool {
  const { contract, hints, prose } = digests
  return { contract, hints, prose, ...who, definition, deprecated: null, adapter: null, unknown: {} }
}

/** The same file with other tools of one server; a server without tools stays. */
export function withServer(lock: LockFile, name: string, server: LockedServer): LockFile {
  return { ...lock, servers: new Map([...lock.servers, [name, server]]) }
}

export function withTool(lock: LockFile, server: string, tool: string, entry: LockedTool): LockFile {
  const before = lock.servers.get(server) ?? { identity: null, tools: new Map(), unknown: {} }
  return withServer(lock, server, { ...before, tools: new Map([...before.tools, [tool, entry]]) })
}

/** Sorted, a member a line. */
export function serialiseLock(lock: LockFile): string {
  const servers = inOrder(lock.servers).map(([name, server]) => [
    name,
    {
      identity: server.identity,
      tools: Object.fromEntries(inOrder(server.tools).map(([tool, entry]) => [tool, written(entry)])),
      ...sorted(server.unknown),
    },
  ])
  const ignore = lock.ignore
    .map(({ server, tool, rule, pointer, until, reason }) => ({
      tool: `${server}.${tool}`,
      rule,
      pointer,
      until,
      ...(reason === null ? {} : { reason }),
    }))
    .sort((a, b) => byUnits(JSON.stringify(a), JSON.stringify(b)))
  const whole = { lockVersion, formula: lockFormula, servers: Object.fromEntries(servers), ignore, ...sorted(lock.unknown) }
  return `${JSON.stringify(whole, null, 2)}\n`
}

function written({ contract, hints, prose, status, by, reason, definition, deprecated, adapter, unknown }: LockedTool): object {
  const { description, input, output, annotations, other } = sorted(membersOf(definition))
  return {
    contract,
    hints,
    prose,
    status,
    by,
    reason,
    ...(description === undefined ? {} : { description }),
    ...(input === undefined ? {} : { input }),
    output,
    annotations,
    ...(other === undefined ? {} : { other }),
    deprecated: deprecated === null ? null : sorted({ ...deprecated }),
    adapter: inSortedOrder(adapter),
    ...sorted(unknown),
  }
}

function sorted(members: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return inSortedOrder(members) as Record<string, unknown>
}

/** `Object.fromEntries` makes a member of every name, `__proto__` too. */
function inSortedOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inSortedOrder)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => byUnits(a, b))
      .map(([key, one]) => [key, inSortedOrder(one)]),
  )
}

function inOrder<T>(map: ReadonlyMap<string, T>): [string, T][] {
  return [...map].sort(([a], [b]) => byUnits(a, b))
}

/** The same on every machine, in every language. */
function byUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Digests of now, and what was edited by hand so that its digest is not that of its text. */
export interface CheckedLock {
  readonly lock: LockFile
  readonly edited: readonly { readonly server: string; readonly tool: string }[]
}

/** Takes digests of another formula anew from the text, which is no change; compares all others with it. */
export function checkedLock(lock: LockFile, digestsOf: (definition: ToolContract) => Digests): CheckedLock {
  const edited: { server: string; tool: string }[] = []
  const servers = [...lock.servers].map(([server, locked]): [string, LockedServer] => {
    const tools = [...locked.tools].map(([tool, entry]): [string, LockedTool] => {
      const now = digestsOf(entry.definition)
      const parts = [
        [entry.contract, now.contract],
        [entry.hints, now.hints],
        [entry.prose, now.prose],
      ] as const
      if (parts.some(([held, taken]) => formulaOf(held) === formulaOf(taken) && held !== taken)) edited.push({ server, tool })
      return [tool, { ...entry, contract: now.contract, hints: now.hints, prose: now.prose }]
    })
    return [server, { ...locked, tools: new Map(tools) }]
  })
  return { lock: { ...lock, servers: new Map(servers) }, edited }
}

function formulaOf(digest: string): string {
  return digest.slice(0, digest.indexOf(':'))
}

/** `server.tool` or `server/tool`: names of servers have neither, those of tools may. Undefined where it names no tool. */
export function readToolName(text: string): { readonly server: string; readonly tool: string } | undefined {
  const found = /^([^./]+)[./](.+)$/s.exec(text)
  return found === null ? undefined : { server: found[1] as string, tool: found[2] as string }
}
