// Changes that somebody accepts for a while, by the `ignore` of the lock file: kind, place and last day.

import { type Change, type Judgement, type Verdict, worse } from '../../../core/call/contract.ts'
import { dayMs } from '../../../core/text/duration.ts'
import type { IgnoreRule } from './lock-file.ts'

export interface Waived {
  /** Of the changes that are left. */
  readonly verdict: Verdict
  readonly changes: readonly Change[]
  readonly waived: readonly { readonly change: Change; readonly until: string }[]
}

/** The day itself still counts, in UTC. */
export function isOver(rule: IgnoreRule, nowMs: number): boolean {
  return nowMs >= Date.parse(rule.until) + dayMs
}

/** `nowMs` since the epoch. Without a change that a rule names everything stays as it was judged. */
export function withoutWaived(
  { verdict, changes }: Pick<Judgement, 'verdict' | 'changes'>,
  rules: readonly IgnoreRule[],
  whose: { readonly server: string; readonly tool: string },
  nowMs: number,
): Waived {
  const own = rules.filter(({ server, tool }) => server === whose.server && tool === whose.tool)
  const ruleOf = (change: Change): IgnoreRule | undefined =>
    own.find((rule) => rule.rule === change.kind && rule.pointer === change.pointer && !isOver(rule, nowMs))
  const waived = changes.flatMap((change) => {
    const rule = ruleOf(change)
    return rule === undefined ? [] : [{ change, until: rule.until }]
  })
  if (waived.length === 0) return { verdict, changes, waived }
  const left = changes.filter((change) => ruleOf(change) === undefined)
  return { verdict: left.map((change) => change.verdict).reduce(worse, 'same'), changes: left, waived }
}
