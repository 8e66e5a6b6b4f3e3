// Results say when little is left of a budget, so that an agent can end well before it is refused.
import type { TargetedCall } from '../../core/call/call.ts'
import type { Outcome } from '../../core/call/outcome.ts'
import type { Pass } from '../../core/call/stage.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { LimitStore } from '../../core/ports/limit-store.ts'
import { vendorPrefix } from '../../core/protocol/names.ts'
import type { Limit } from './limit.ts'
import { rounded } from './refusal.ts'

/** The part of a budget from which on is warned. */
const warned = 0.8

export interface WarningParts {
  readonly store: LimitStore
  readonly clock: Clock
  readonly ofPrincipal: (call: TargetedCall) => readonly Limit[]
  readonly ofRun: (call: TargetedCall) => readonly Limit[]
}

export function budgetWarning({ store, clock, ofPrincipal, ofRun }: WarningParts): Pass<TargetedCall> {
  function find(found: Record<string, unknown>[] | undefined, limits: readonly Limit[], now: number): Record<string, unknown>[] | undefined {
    let said = found
    for (const limit of limits) {
      if (limit.kind !== 'budget') continue
      const used = store.used(limit, now)
      if (used < limit.most * warned) continue
      said ??= []
      said.push(inWords(limit, used, clock.now() + store.resetsInMs(limit, now)))
    }
    return said
  }
  return {
    name: 'budgetWarning',
    run: async (call, exchange, next) => {
      const outcome = await next(call, exchange)
      if (outcome.kind !== 'complete') return outcome
      const now = clock.mono()
      const found = find(find(undefined, ofPrincipal(call), now), ofRun(call), now)
      return found === undefined ? outcome : withWarning(outcome, found)
    },
  }
}

function inWords({ scope, unit, most, periodMs, total }: Limit, used: number, resetsAt: number): Record<string, unknown> {
  const again = total ? {} : { window_ms: periodMs, resets_at: new Date(Math.ceil(resetsAt)).toISOString() }
  return { scope, unit, limit: most, used: rounded(used), left: rounded(Math.max(0, most - used)), ...again }
}

function withWarning(outcome: Extract<Outcome, { kind: 'complete' }>, found: readonly unknown[]): Outcome {
  const { kind, result, facts, annotations } = outcome
  const edited = result.edit([{ path: ['_meta', `${vendorPrefix}budget`], value: JSON.stringify(found) }])
  return { kind, result: edited, facts: { ...facts, hasMeta: true }, annotations }
}
