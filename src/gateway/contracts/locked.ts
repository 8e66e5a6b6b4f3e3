// What the lock file says of changes while the gateway runs: what is accepted for a while, and a translation of calls.
import { createHash } from 'node:crypto'
import type { Judgement } from '../../core/call/contract.ts'
import { isUnread } from './admission.ts'
import { sentence } from './judge/judge.ts'
import type { IgnoreRule, LockedAdapter } from './lock/lock-file.ts'
import { isOver, withoutAccepted, withoutWaived } from './lock/waived.ts'
import type { Screening } from './screening/screening.ts'
import type { Locked, RegistryParts, Served } from './served.ts'
import type { TrackedTool } from './tracked.ts'
import { targetOf } from './translations.ts'
import type { Weighed } from './weighed.ts'

type Parts = Pick<RegistryParts, 'accepts' | 'locked' | 'clock'>

/** Those that hold now. */
export function rulesOf({ accepts, clock }: Parts, { id }: Served, tool: string): readonly IgnoreRule[] {
  const all = accepts?.(id, tool)
  if (all === undefined || all.length === 0) return none
  const now = clock.now()
  return all.filter((rule) => !isOver(rule, now))
}

const none: readonly IgnoreRule[] = []

/** Equal for the same rules; '' of none. */
export function markOf(rules: readonly IgnoreRule[]): string {
  if (rules.length === 0) return ''
  const said = rules.map(({ rule, pointer, until }) => JSON.stringify([rule, pointer, until])).sort()
  return createHash('sha256').update(said.join()).digest('base64url')
}

/** The change was decided of by other rules. */
export function isByOtherRules(parts: Parts, served: Served, { change, name }: TrackedTool): boolean {
  if (change === undefined || (change.rules === '' && parts.accepts === undefined)) return false
  return change.rules !== markOf(rulesOf(parts, served, name))
}

const mostSaid = 5

/** What is left of a change. `nowMs` since the epoch. */
export function accepting(
  rules: readonly IgnoreRule[],
  judgement: Judgement,
  screened: Screening | undefined,
  whose: { readonly server: string; readonly tool: string },
  nowMs: number,
): Pick<Weighed, 'judgement' | 'screened' | 'accepted'> {
  const words = wordsAccepting(rules, screened, whose, nowMs)
  if (rules.length === 0 || isUnread(judgement)) return { judgement, ...words }
  const { verdict, changes, waived } = withoutWaived(judgement, rules, whose, nowMs)
  if (waived.length === 0) return { judgement, ...words }
  const { example: _, ...rest } = judgement
  const said = waived.slice(0, mostSaid).map(({ change, until }) => `accepted until ${until}: ${change.human}`)
  return {
    judgement: { ...rest, verdict, changes, human: sentence(whose.tool, verdict, changes) },
    screened: words.screened,
    accepted: [...said, ...words.accepted],
  }
}

/** What is left of words that are held. */
export function wordsAccepting(
  rules: readonly IgnoreRule[],
  screened: Screening | undefined,
  whose: { readonly server: string; readonly tool: string },
  nowMs: number,
): Pick<Weighed, 'screened' | 'accepted'> {
  if (screened === undefined || rules.length === 0) return { screened, accepted: [] }
  const { held, accepted } = withoutAccepted(screened.held, rules, whose, nowMs)
  const said = accepted.slice(0, mostSaid).map(({ finding, until }) => `accepted until ${until}: ${finding.rule} ${finding.pointer}`)
  return { screened: { ...screened, held }, accepted: said }
}

/** The translation of the lock file between exactly these two contracts. */
export function lockedAdapter(locked: Locked | undefined, { old, new: now }: Pick<Judgement, 'old' | 'new'>): LockedAdapter | undefined {
  const adapter = locked?.adapter
  if (locked === undefined || adapter === undefined || adapter === null) return undefined
  return locked.digests.contract === old.contract && targetOf(adapter) === targetOf(now) ? adapter : undefined
}

/** It was not tried since the gateway started. */
export function isUntried(parts: Parts, served: Served, tool: TrackedTool): boolean {
  const { change } = tool
  if (parts.locked === undefined || change?.adopted !== false || tool.state === 'rejected') return false
  return tool.lockedWay !== wayOf(change.judgement) && lockedAdapter(parts.locked(served.id, tool.name), change.judgement) !== undefined
}

export function wayOf({ old, new: now }: Pick<Judgement, 'old' | 'new'>): string {
  return `${old.contract} ${targetOf(now)}`
}
