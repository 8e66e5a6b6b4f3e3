// The rules of `access`, read once: who they are for, what they grant, and under which condition.
import type { Item, ItemKind } from '../../core/call/item.ts'
import type { Principal } from '../../core/call/principal.ts'
import { maySelectFrom, readSelector, type Selector, selects } from '../../core/call/selector.ts'
import { type Pins, pinsOf } from '../../core/call/tool-pins.ts'
import { type Condition, readCondition } from './condition.ts'
import type { AccessRuleSettings } from './settings.ts'

export interface Rule {
  /** What the audit and the metrics call it. */
  readonly name: string
  readonly use: readonly Selector[]
  /** All of them are needed. */
  readonly scopes: readonly string[]
  readonly condition: Condition | undefined
  readonly shadow: boolean
  /** Whose cost a call is that it grants. */
  readonly team: string | undefined
  /** What its callers are pinned to. */
  readonly pins: Pins | undefined
  /** Why the rule is not for a principal, whatever its scopes; undefined where it is. */
  unfit(principal: Principal): string | undefined
}

/** Throws `ConditionProblem` where a condition is none. */
export function readRules(settings: readonly AccessRuleSettings[]): readonly Rule[] {
  return settings.map((rule, at) => ({
    name: rule.name ?? `access.${at}`,
    use: rule.use.map(readSelector),
    scopes: rule.scopes ?? [],
    condition: rule.when === undefined ? undefined : readCondition(rule.when),
    shadow: rule.shadow,
    team: rule.team,
    pins: pinsOf(rule.versions),
    unfit: (principal) => unfit(rule, principal),
  }))
}

function unfit({ groups, clients, tenants, subjects }: AccessRuleSettings, principal: Principal): string | undefined {
  const { sub, tenant, clientId } = principal
  if (groups !== undefined && !groups.some((group) => principal.groups.includes(group)))
    return `it is in none of the groups ${groups.join(', ')}`
  if (clients !== undefined && (clientId === undefined || !clients.includes(clientId))) {
    return `its client is none of ${clients.join(', ')}`
  }
  if (tenants !== undefined && !tenants.includes(tenant)) return `its tenant is none of ${tenants.join(', ')}`
  if (subjects !== undefined && !subjects.includes(sub)) return `it is none of ${subjects.join(', ')}`
  return undefined
}

/** A template is not read itself: it is shown where a URI that it stands for may be granted. Each URI is then judged by itself. */
export function grants(rule: Rule, item: Pick<Item, 'kind' | 'upstream' | 'name'>): boolean {
  return rule.use.some((selector) =>
    item.kind === 'template' ? maySelectFrom(selector, item.upstream, item.name) : selects(selector, item.upstream, item.name),
  )
}

export function reaches(rule: Rule, upstream: string): boolean {
  return rule.use.some(({ server }) => server === undefined || server === upstream)
}

/** Kinds whose items a person or model uses by name. */
export function nounOf(kind: ItemKind): string {
  return kind === 'template' ? 'resource template' : kind
}
