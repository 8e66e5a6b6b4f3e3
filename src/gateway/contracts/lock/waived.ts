// Changes and words that somebody accepts for a while, by the `ignore` of the lock file: kind, place and last day.
import { type Change, type Judgement, type Verdict, worse } from '../../../core/call/contract.ts'
import { dayMs } from '../../../core/text/duration.ts'
import type { Screening } from '../screening/screening.ts'
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

/** `nowMs` since the epoch. Without a change that a rule names everything stays as it was judged, and so does what cannot be run. */
export function withoutWaived(
  { verdict, changes, error }: Pick<Judgement, 'verdict' | 'changes' | 'error'>,
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
  if (waived.length === 0 || error !== undefined) return { verdict, changes, waived: [] }
  const left = changes.filter((change) => ruleOf(change) === undefined)
  return { verdict: left.map((change) => change.verdict).reduce(worse, 'same'), changes: left, waived }
}

/** Before the name of a rule of screening, where kinds of changes stand. */
export const screeningRule = 'screening.'

type Finding = Screening['held'][number]

/** What is held of words, but for what is accepted. */
export function withoutAccepted(
  held: readonly Finding[],
  rules: readonly IgnoreRule[],
  whose: { readonly server: string; readonly tool: string },
  nowMs: number,
): { readonly held: readonly Finding[]; readonly accepted: readonly { readonly finding: Finding; readonly until: string }[] } {
  const own = rules.filter((rule) => rule.server === whose.server && rule.tool === whose.tool && !isOver(rule, nowMs))
  const ruleOf = ({ rule, pointer }: Finding): IgnoreRule | undefined =>
    own.find((one) => one.rule === `${screeningRule}${rule}` && one.pointer === pointer)
  const accepted = held.flatMap((finding) => {
    const rule = ruleOf(finding)
    return rule === undefined ? [] : [{ finding, until: rule.until }]
  })
  return { held: held.filter((finding) => ruleOf(finding) === undefined), accepted }
}
