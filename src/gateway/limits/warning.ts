// Results say when little is left of a budget, so that an agent can end well before it is refused.
import type { Outcome } from '../../core/call/outcome.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { LimitStore } from '../../core/ports/limit-store.ts'
import { vendorPrefix } from '../../core/protocol/names.ts'
import { type Limit, told } from './limit.ts'

/** The part of a budget from which on is warned. */
const warned = 0.8

export interface WarningParts {
  readonly store: LimitStore
  readonly clock: Clock
}

/** The result with what is left, where little is. */
export function budgetWarning(
  { store, clock }: WarningParts,
  outcome: Extract<Outcome, { kind: 'complete' }>,
  ofPrincipal: readonly Limit[],
  ofRun: readonly Limit[],
  nowMs: number,
): Outcome {
  const near = (limit: Limit): boolean => limit.kind === 'budget' && store.used(limit, nowMs) >= limit.most * warned
  if (!ofPrincipal.some(near) && !ofRun.some(near)) return outcome
  const found = [...ofPrincipal, ...ofRun].filter(near)
  return withWarning(
    outcome,
    found.map((limit) => inWords(limit, store.used(limit, nowMs), clock.now() + store.resetsInMs(limit, nowMs))),
  )
}

function inWords(limit: Limit, used: number, resetsAt: number): Record<string, unknown> {
  const { scope, unit, most, periodMs, total } = limit
  const again = total ? {} : { window_ms: periodMs, resets_at: new Date(Math.ceil(resetsAt)).toISOString() }
  return { scope, unit, limit: told(limit, most), used: told(limit, used), left: told(limit, Math.max(0, most - used)), ...again }
}

function withWarning(outcome: Extract<Outcome, { kind: 'complete' }>, found: readonly unknown[]): Outcome {
  const { kind, result, facts, annotations } = outcome
  const edited = result.edit([{ path: ['_meta', `${vendorPrefix}budget`], value: JSON.stringify(found) }])
  return { kind, result: edited, facts: { ...facts, hasMeta: true }, annotations }
}
