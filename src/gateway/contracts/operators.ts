// What operators see of the tools that servers list, and decide: exactly what they have seen, or nothing.
import type { ContractState, Digests, Judgement, Verdict } from '../../core/call/contract.ts'
import type { UpstreamId } from '../../core/call/item.ts'
import { payload } from '../../core/call/payload.ts'
import { adapterText, readAdapter } from './adapters.ts'
import { contractOf } from './contract-text.ts'
import { type DecidedTranslation, translationFor } from './decided-translations.ts'
import type { History, SeenContract } from './history.ts'
import type { Registry } from './registry.ts'
import { type Served, toolKey } from './served.ts'
import type { TrackedTool } from './tracked.ts'
import type { OpenChange } from './weighed.ts'

export interface ToolEntry {
  readonly server: UpstreamId
  readonly tool: string
  readonly environment: string
  readonly owner?: string | undefined
  readonly state: ContractState
  /** Whether callers are shown it. */
  readonly shown: boolean
  /** Whether the last list of the server had it. */
  readonly listed: boolean
  /** Digests of what callers are shown, and of what the server says; absent until they are read. */
  readonly approved?: Digests | undefined
  readonly live?: Digests | undefined
  readonly approval?: { readonly as: string; readonly by: string; readonly reason?: string | undefined; readonly at: string } | undefined
  /** What the server says otherwise than what callers are shown. */
  readonly change?: ReturnType<typeof shownChange> | undefined
  /** Of a tool that is not let in for its words: what was found. */
  readonly held?: readonly unknown[] | undefined
  readonly notes?: readonly unknown[] | undefined
  readonly firstSeen: string
  readonly lastSeen: string
}

export interface ContractEntry {
  readonly digests: Digests
  readonly state: ContractState
  readonly verdict?: Verdict | undefined
  readonly human?: string | undefined
  readonly changes?: readonly unknown[] | undefined
  readonly approval?: ToolEntry['approval']
  readonly firstSeen: string
  readonly lastSeen: string
  readonly definition: unknown
}

export interface Asked {
  readonly action: 'approve' | 'reject'
  /** Digests of what the operator has seen: they have to be those of the live contract, and to say all of it that is decided. */
  readonly expect: readonly string[]
  readonly by: string
  readonly reason: string | undefined
  /** To approve in place of the contract: that calls by the one that is shown are translated into it. */
  readonly translation?: Pick<DecidedTranslation, 'asked' | 'override'> | undefined
}

export type Answer =
  | { readonly ok: true; readonly entry: ToolEntry }
  /**
   * `expect`: what was seen is not what the server says now; `incomplete`: not all that is decided was named; `untranslated`: there is no such
   * translation, or it is not proved.
   */
  | { readonly ok: false; readonly why: 'unknown' | 'unread' | 'expect' | 'incomplete' | 'untranslated'; readonly detail: string }

/** Changes that are shown of one tool. */
const mostChanges = 20

export class Operators {
  private readonly registry: Registry
  private readonly history: History | undefined
  private readonly now: () => number

  constructor(registry: Registry, history: History | undefined, now: () => number) {
    this.registry = registry
    this.history = history
    this.now = now
  }

  /** In the order of the configuration, then of the names; those after `after`. */
  list(after: { readonly server: string; readonly tool: string } | undefined, most: number): readonly ToolEntry[] {
    const entries: ToolEntry[] = []
    let isBehind = after === undefined || !this.registry.served.has(after.server)
    for (const served of this.registry.served.values()) {
      const isThere = served.id === after?.server
      if (isBehind || isThere) {
        for (const name of served.tools.namesAfter(isThere ? after.tool : undefined)) {
          const tool = served.tools.get(name)
          if (tool === undefined) continue
          if (entries.length >= most) return entries
          entries.push(entryOf(served, tool))
        }
      }
      isBehind ||= isThere
    }
    return entries
  }

  /** How many tools there are in each state. */
  counts(): readonly { readonly upstream: UpstreamId; readonly state: ContractState; readonly tools: number }[] {
    return [...this.registry.served.values()].flatMap(({ id: upstream, tools }) => {
      const counts = new Map<ContractState, number>()
      for (const { state } of tools.values()) counts.set(state, (counts.get(state) ?? 0) + 1)
      return [...counts].map(([state, number]) => ({ upstream, state, tools: number }))
    })
  }

  find(server: string, tool: string): ToolEntry | undefined {
    const served = this.registry.served.get(server)
    const found = served?.tools.get(tool)
    return served === undefined || found === undefined ? undefined : entryOf(served, found)
  }

  /** Contracts that were seen of it, the latest first; without a store that can be read, the one of now. */
  async contracts(server: string, tool: string): Promise<readonly ContractEntry[] | undefined> {
    const served = this.registry.served.get(server)
    const found = served?.tools.get(tool)
    if (served === undefined || found === undefined) return undefined
    const kept = (await this.history?.contracts(toolKey(served, found))) ?? []
    if (kept.length > 0) return kept.map(contractEntry)
    const { live, state, firstSeenMs, lastSeenMs } = found
    const digests = await this.registry.intake.read(live)
    if (digests === undefined) return []
    return [{ digests, state, firstSeen: dated(firstSeenMs), lastSeen: dated(lastSeenMs), definition: contractOf(live.sent) }]
  }

  decide(server: string, name: string, asked: Asked): Promise<Answer> {
    const served = this.registry.served.get(server)
    if (served === undefined) return Promise.resolve(unknown(server, name))
    return this.registry.inTurn(served, async () => {
      const tool = served.tools.get(name)
      if (tool === undefined) return unknown(server, name)
      const digests = tool.waits ? undefined : await this.registry.intake.read(tool.live)
      if (digests === undefined) return { ok: false, why: 'unread', detail: 'What the server says of it now is not judged yet; ask again.' }
      const { translation, by, reason } = asked
      const refused = mismatch(tool, digests, asked.expect, translation === undefined ? decided : translated)
      if (refused !== undefined) return refused
      const approval = { by, reason, atMs: this.now() }
      if (translation !== undefined) {
        const { judge, reading } = this.registry.parts
        const found = await translationFor(tool, { ...translation, ...approval }, judge, reading)
        if (!found.ok) return { ok: false, why: 'untranslated', detail: `Not done: ${found.detail}.` }
        tool.translate(found.given)
      } else if (asked.action === 'approve') tool.admit(tool.live, { ...approval, as: 'approved' })
      else tool.reject({ ...approval, as: 'rejected' })
      await this.registry.decided(served, tool)
      return { ok: true, entry: entryOf(served, tool) }
    })
  }
}

function unknown(server: string, tool: string): Answer {
  return {
    ok: false,
    why: 'unknown',
    detail: `Nothing is known of a tool ${JSON.stringify(tool.slice(0, 128))} of ${JSON.stringify(server.slice(0, 64))}.`,
  }
}

const formulas = ['contract', 'hints', 'prose', 'exact'] as const

type Formula = 'contract' | 'hints' | 'prose'
const decided: readonly Formula[] = ['contract', 'hints', 'prose']
/** Words are shown as they were. */
const translated: readonly Formula[] = ['contract', 'hints']

function mismatch(
  { approved, change }: TrackedTool,
  live: Digests,
  expect: readonly string[],
  parts: readonly Formula[],
): Answer | undefined {
  const named = new Set(expect)
  const now = formulas.map((one) => live[one])
  const other = expect.find((digest) => !now.includes(digest as never))
  if (other !== undefined || expect.length === 0) {
    const what = other === undefined ? '`expect` names nothing' : `${other.slice(0, 80)} is not what the server says now`
    return { ok: false, why: 'expect', detail: `${what}: that is ${now.join(' ')}. Look at it, then decide.` }
  }
  if (named.has(live.exact)) return undefined
  const old = approved?.digests ?? change?.judgement.old
  const missing = parts.filter((one) => old?.[one] !== live[one] && !named.has(live[one]))
  // Where nothing differs one of them is enough.
  if (missing.length === 0) return undefined
  const names = missing.map((one) => live[one]).join(' ')
  return {
    ok: false,
    why: 'incomplete',
    detail: `It differs in more than that: \`expect\` has to name ${names}, or ${live.exact} for all of it.`,
  }
}

function entryOf(served: Served, tool: TrackedTool): ToolEntry {
  const { approval, change, approved, live } = tool
  return {
    server: served.id,
    tool: tool.name,
    environment: served.environment,
    ...(served.owner === undefined ? {} : { owner: served.owner }),
    state: tool.state,
    shown: approved !== undefined,
    listed: served.listed.has(tool.name),
    ...(approved?.digests === undefined ? {} : { approved: approved.digests }),
    ...(live.digests === undefined ? {} : { live: live.digests }),
    ...(approval === undefined ? {} : { approval: shownApproval(approval) }),
    ...(change === undefined ? {} : { change: shownChange(change, tool) }),
    ...(tool.words === undefined ? {} : { held: tool.words.held, notes: tool.words.notes }),
    firstSeen: dated(tool.firstSeenMs),
    lastSeen: dated(tool.lastSeenMs),
  }
}

function shownApproval({ as, by, reason, atMs }: NonNullable<TrackedTool['approval']>): NonNullable<ToolEntry['approval']> {
  return { as, by, ...(reason === undefined ? {} : { reason }), at: dated(atMs) }
}

function shownChange({ judgement, screened, accepted }: OpenChange, tool: TrackedTool) {
  const { verdict, human, changes, example, error } = judgement
  return {
    verdict,
    human,
    changes: changes.slice(0, mostChanges),
    ...(changes.length > mostChanges ? { more: changes.length - mostChanges } : {}),
    ...(example === undefined ? {} : { example }),
    ...(error === undefined ? {} : { error }),
    ...(screened === undefined ? {} : { held: screened.held, notes: screened.notes }),
    ...(accepted.length === 0 ? {} : { accepted }),
    ...shownTranslation(judgement, tool),
  }
}

/** The one that is in force, else the one that could be. */
function shownTranslation(judgement: Judgement, { translations, state }: TrackedTool) {
  const given = translations.givenFor(judgement)
  const { adapter: found } = judgement
  if (given === undefined && found === undefined) return {}
  const adapter = given?.adapter ?? readAdapter(found?.adapter)
  const inForce = state === 'changed:breaking' && (given !== undefined || found?.automatic === true)
  return {
    translation: {
      inForce,
      ...(adapter === undefined ? {} : { does: adapterText(adapter), adapter }),
      ...(given === undefined ? {} : { ...shownApproval({ ...given, as: 'approved' }), proved: given.proved }),
      ...(given !== undefined || found?.unproved === undefined ? {} : { unproved: found.unproved }),
      ...(given !== undefined || found?.lacks === undefined ? {} : { lacks: found.lacks, say: found.say }),
    },
  }
}

function contractEntry({ digests, state, judgement, approval, firstSeenMs, lastSeenMs, definition }: SeenContract): ContractEntry {
  return {
    digests,
    state,
    ...(judgement === undefined ? {} : { verdict: judgement.verdict, human: judgement.human, changes: judgement.changes }),
    ...(approval === undefined ? {} : { approval: shownApproval(approval) }),
    firstSeen: dated(firstSeenMs),
    lastSeen: dated(lastSeenMs),
    definition: contractOf(payload(definition)),
  }
}

function dated(ms: number): string {
  return new Date(ms).toISOString()
}
