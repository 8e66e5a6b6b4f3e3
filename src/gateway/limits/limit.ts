// One limit on one holder: what the store counts, and what is said of it where it refuses.

import type { Counted, UsedKind } from '../../core/call/item-rates.ts'
import { amountOf, billionthsOf } from '../../core/call/money.ts'
import { type TenantKey, tenantKey } from '../../core/call/tenant-key.ts'
import type { Allowance } from '../../core/ports/limit-store.ts'
import { dayMs } from '../../core/text/duration.ts'
import type { Rate } from '../../core/text/rate.ts'

/** Whose it is. */
export type Scope = 'run' | 'principal' | 'team' | UsedKind | 'upstream'

/** Cost is counted in billionths of the currency. */
export type Unit = 'calls' | 'tokens' | 'cost'

export interface Limit extends Allowance {
  readonly kind: 'rate' | 'budget'
  readonly unit: Unit
  readonly scope: Scope
  /** Of a rate: the server, and what of it alone counts. */
  readonly upstream: string | undefined
  readonly item: Pick<Counted, 'kind' | 'name'> | undefined
  /** The id of the run or the name of the team. */
  readonly holder: string | undefined
  /** Nothing of it comes back: it is a total. */
  readonly total: boolean
  /** Of what is kept of its use: what is being gathered. */
  gathered?: unknown
}

/** As long as a run can go on; one that is older begins anew. */
export const longestRunMs = 30 * dayMs

export function rateLimit(key: TenantKey, { most, periodMs }: Rate, scope: Scope, upstream: string, item?: Limit['item']): Limit {
  return {
    key,
    most,
    periodMs,
    kind: 'rate',
    unit: 'calls',
    scope,
    upstream,
    item,
    holder: undefined,
    total: false,
    slot: undefined,
    gathered: undefined,
  }
}

export function budgetLimit(key: TenantKey, rate: Rate | number, unit: Unit, scope: Scope, holder?: string): Limit {
  const total = typeof rate === 'number'
  const { most, periodMs } = total ? { most: rate, periodMs: longestRunMs } : rate
  return {
    key,
    most: unit === 'cost' ? billionthsOf(most) : most,
    periodMs,
    kind: 'budget',
    unit,
    scope,
    upstream: undefined,
    item: undefined,
    holder,
    total,
    slot: undefined,
    gathered: undefined,
  }
}

/** An amount of a limit as people and programs read it. */
export function told({ unit }: Pick<Limit, 'unit'>, amount: number): number {
  // Sums of fractions, such as shares that were handed out, are told without what binary makes of them.
  return unit === 'cost' ? amountOf(Math.round(amount)) : Number(amount.toPrecision(12))
}

/** What a key was made of. */
export function partsOf(key: string): readonly [tenant: string, ...parts: string[]] {
  return JSON.parse(key) as [string, ...string[]]
}

/** The key that was kept as text. */
export function readKey(text: string): TenantKey {
  return tenantKey(...partsOf(text))
}
