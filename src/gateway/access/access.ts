// Who may use what: the rules of `access` for the catalog, for the stage that refuses calls, and for challenges. Where there are none,
// everything is allowed: the dev profile alone lets a gateway start so.
import { LRUCache } from 'lru-cache'
import type { Item } from '../../core/call/item.ts'
import type { Principal } from '../../core/call/principal.ts'
import { type TenantKey, tenantKey } from '../../core/call/tenant-key.ts'
import type { Access } from '../../core/ports/access.ts'
import type { Clock } from '../../core/ports/clock.ts'
import { Rights } from './rights.ts'
import { type Rule, reaches, readRules } from './rules.ts'
import type { AccessSettings } from './settings.ts'

export interface Policy extends Access {
  readonly rules: readonly Rule[]
  of(principal: Principal): Rights
  /** Scopes that rules name for the servers of a mount, in the order of the rules. */
  scopes(servers: readonly string[]): readonly string[]
  /** Those of the first such rule: what a new client is asked for. */
  firstScopes(servers: readonly string[]): readonly string[]
}

/** Sets of rights kept at a time; one more is made anew when it is needed. */
const mostRights = 10_000

/** Throws `ConditionProblem` where a condition is none; the configuration was checked before. */
export function createPolicy(settings: AccessSettings, clock: Pick<Clock, 'now'>): Policy {
  const rules = readRules(settings)
  const inForce = rules.filter(({ shadow }) => !shadow)
  const known = new WeakMap<Principal, Rights>()
  const shared = new LRUCache<TenantKey, Rights>({ max: mostRights })
  const now = (): Date => new Date(clock.now())

  /** A new token of the same rights is another principal object. */
  const of = (principal: Principal): Rights => {
    let rights = known.get(principal)
    if (rights === undefined) {
      const key = keyOf(principal)
      rights = shared.get(key) ?? new Rights(rules, principal)
      shared.set(key, rights)
      known.set(principal, rights)
    }
    return rights
  }
  const reaching = (servers: readonly string[]): readonly Rule[] =>
    inForce.filter((rule) => rule.scopes.length > 0 && servers.some((server) => reaches(rule, server)))
  return {
    rules,
    of,
    sees: ({ principal }, item: Item) => of(principal).sees(item, now),
    reaches: ({ principal }, upstream) => of(principal).reaches(upstream),
    rights: ({ principal }) => of(principal),
    pins: inForce.some(({ pins }) => pins !== undefined) ? ({ principal }) => of(principal).pins : undefined,
    scopes: (servers) => [...new Set(reaching(servers).flatMap(({ scopes }) => scopes))],
    firstScopes: (servers) => reaching(servers)[0]?.scopes ?? [],
  }
}

function keyOf({ tenant, iss, sub, clientId, kind, method, groups, scopes }: Principal): TenantKey {
  return tenantKey(tenant, iss, sub, clientId ?? '', kind, method, JSON.stringify([groups, scopes]))
}
