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

export function budgetWarning(
  budgetsOf: (call: TargetedCall) => readonly (readonly Limit[])[],
  store: LimitStore,
  clock: Clock,
): Pass<TargetedCall> {
  return {
    name: 'budgetWarning',
    run: (call, exchange, next) =>
      next(call, exchange).then((outcome) => {
        if (outcome.kind !== 'complete') return outcome
        const found: Record<string, unknown>[] = []
        for (const limits of budgetsOf(call)) {
          for (const limit of limits) {
            if (limit.kind !== 'budget') continue
            const { used, resetsInMs } = store.usage(limit)
            if (used >= limit.most * warned) found.push(said(limit, used, clock.now() + resetsInMs))
          }
        }
        return found.length === 0 ? outcome : withWarning(outcome, found)
      }),
  }
}

function said({ scope, unit, most, periodMs, total }: Limit, used: number, resetsAt: number): Record<string, unknown> {
  const again = total ? {} : { window_ms: periodMs, resets_at: new Date(Math.ceil(resetsAt)).toISOString() }
  return { scope, unit, limit: most, used: rounded(used), left: rounded(Math.max(0, most - used)), ...again }
}

function withWarning(outcome: Extract<Outcome, { kind: 'complete' }>, found: readonly unknown[]): Outcome {
  const { kind, result, facts, annotations } = outcome
  const edited = result.edit([{ path: ['_meta', `${vendorPrefix}budget`], value: JSON.stringify(found) }])
  return { kind, result: edited, facts: { ...facts, hasMeta: true }, annotations }
}
