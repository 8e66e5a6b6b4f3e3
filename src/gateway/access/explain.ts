// Why a principal may or may not use an item: each rule that was looked at, with what it said. For people; decides as calls are decided.
import type { Item } from '../../core/call/item.ts'
import type { Principal } from '../../core/call/principal.ts'
import type { Policy } from './access.ts'
import type { Verdict } from './rights.ts'
import { grants } from './rules.ts'

export interface LookedAt {
  readonly rule: string
  readonly shadow: boolean
  /** `grants`, or why it does not. */
  readonly says: string
}

export interface Explained {
  readonly decision: 'allow' | 'step-up' | 'deny'
  /** The rule that decided; `default` where none grants it. */
  readonly rule: string
  /** Whether lists show it to the principal. */
  readonly listed: boolean
  readonly missing: readonly string[]
  readonly rules: readonly LookedAt[]
}

export function explain(policy: Policy, principal: Principal, item: Item, args: unknown, now: Date): Explained {
  const rights = policy.of(principal)
  const verdict = rights.decide(
    item,
    () => args,
    () => now,
  )
  return {
    ...decisionOf(verdict),
    listed: rights.sees(item, () => now),
    rules: policy.rules.map((rule) => {
      const unfit = rule.unfit(principal)
      const missing = rule.scopes.filter((scope) => !principal.scopes.includes(scope))
      const condition = grants(rule, item) && unfit === undefined ? rights.asks(rule, item, args, now) : undefined
      const says = !grants(rule, item)
        ? `it does not select ${item.upstream}/${item.name}`
        : (unfit ??
          (condition?.holds === false
            ? `its condition does not hold${condition.why === undefined ? '' : ` (${condition.why})`}`
            : missing.length > 0
              ? `it needs the scope ${missing.join(' ')}`
              : 'grants'))
      return { rule: rule.name, shadow: rule.shadow, says }
    }),
  }
}

function decisionOf(verdict: Verdict): Pick<Explained, 'decision' | 'rule' | 'missing'> {
  if (verdict.kind === 'allowed') return { decision: 'allow', rule: verdict.rule.name, missing: [] }
  if (verdict.kind === 'scopes') return { decision: 'step-up', rule: verdict.rule.name, missing: verdict.missing }
  return { decision: 'deny', rule: 'default', missing: [] }
}
