// What a call has taken of its limits: given back where it never went out, and put right where it used another amount than was expected. What
// it used is noted for its record in the same moment, so that budgets, records and all that is made from them have the same numbers.
import '../../core/call/facts.ts'
import type { TargetedCall } from '../../core/call/call.ts'
import type { Exchange } from '../../core/call/exchange.ts'
import type { Held } from '../../core/call/gates.ts'
import { amountOf } from '../../core/call/money.ts'
import type { Outcome } from '../../core/call/outcome.ts'
import type { AttemptRecord, Usage } from '../../core/call/record.ts'
import { evidence } from '../../core/faults/evidence.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { LimitStore } from '../../core/ports/limit-store.ts'
import type { KeptUsage } from './kept-usage.ts'
import type { Limit } from './limit.ts'
import { type Amounts, type Meter, nothingMore } from './meter.ts'
import { budgetWarning } from './warning.ts'

export interface TakenParts {
  readonly store: LimitStore
  readonly clock: Clock
  readonly kept?: KeptUsage | undefined
  readonly meter?: Meter | undefined
  /** Hears what each call used. */
  readonly used?: ((call: TargetedCall, usage: Usage) => void) | undefined
}

export class Taken implements Held {
  private readonly parts: TakenParts
  /** Where what it used is noted; undefined where nothing but calls is counted. */
  private readonly exchange: Exchange | undefined
  private readonly amounts: Amounts
  private readonly shared: readonly Limit[]
  private readonly own: readonly Limit[]
  private readonly ofRun: readonly Limit[]
  private leftMs = 0

  constructor(
    parts: TakenParts,
    exchange: Exchange | undefined,
    amounts: Amounts,
    shared: readonly Limit[],
    own: readonly Limit[],
    ofRun: readonly Limit[],
  ) {
    this.parts = parts
    this.exchange = exchange
    this.amounts = amounts
    this.shared = shared
    this.own = own
    this.ofRun = ofRun
  }

  /** `nowMs`: monotonic, of the turn in which the store said that it fits; `stamp`: the same since the epoch. */
  count(nowMs: number, stamp: number): void {
    this.add(this.amounts, 1, nowMs, stamp)
  }

  leave(outcome: Outcome | undefined, call: TargetedCall): void {
    const nowMs = this.parts.clock.mono()
    this.leftMs = nowMs
    const executions = executionsOf(this.exchange?.fact('attempted'), outcome)
    if (executions === 0 && neverWentOut(outcome)) this.add(this.amounts, -1, nowMs, this.parts.clock.now())
    else if (this.exchange !== undefined) this.settle(this.exchange, outcome, call, executions, nowMs)
  }

  amend(outcome: Outcome): Outcome {
    return outcome.kind === 'complete' ? budgetWarning(this.parts, outcome, this.own, this.ofRun, this.leftMs) : outcome
  }

  /** By what it used indeed. */
  private settle(exchange: Exchange, outcome: Outcome | undefined, call: TargetedCall, executions: number, nowMs: number): void {
    const { amounts, parts } = this
    if (parts.meter === undefined) return
    const actual = parts.meter.actual(call, amounts, outcome, executions)
    if (actual !== amounts) {
      const tokens = actual.tokens - amounts.tokens
      const cost = actual.cost - amounts.cost
      if (tokens !== 0 || cost !== 0) this.add({ ...nothingMore, tokens, cost }, 1, nowMs, parts.clock.now())
    }
    if (actual === nothingMore) return
    const usage = usageOf(actual)
    exchange.note('usage', usage)
    parts.used?.(call, usage)
  }

  private add(amounts: Amounts, sign: 1 | -1, nowMs: number, stamp: number): void {
    this.each(this.shared, amounts, sign, nowMs, stamp)
    this.each(this.own, amounts, sign, nowMs, stamp)
    this.each(this.ofRun, amounts, sign, nowMs, stamp)
  }

  private each(limits: readonly Limit[], amounts: Amounts, sign: 1 | -1, nowMs: number, stamp: number): void {
    const { store, kept } = this.parts
    for (const limit of limits) {
      const amount = amounts[limit.unit] * sign
      if (amount === 0) continue
      store.add(limit, amount, nowMs)
      if (limit.kind === 'budget') kept?.note(limit, amount, stamp)
    }
  }
}

function usageOf({ sent, tokens, cost, estimated }: Amounts): Usage {
  const got = tokens - sent
  return estimated ? { sent, got, cost: amountOf(cost), estimated: true } : { sent, got, cost: amountOf(cost) }
}

/** How often the server executed the call, or may have: an attempt that it surely did not begin is none. */
function executionsOf(attempted: readonly AttemptRecord[] | undefined, outcome: Outcome | undefined): number {
  if (attempted === undefined) return outcome === undefined || mayBeExecuted(outcome) ? 1 : 0
  let executions = outcome === undefined ? 1 : 0
  for (const { fault } of attempted) {
    if (fault === undefined || (fault.evidence !== undefined && executionBy.get(fault.evidence) === 'unknown')) executions += 1
  }
  return executions
}

const executionBy = new Map(Object.values(evidence).map(({ name, execution }) => [name, execution]))

function mayBeExecuted(outcome: Outcome): boolean {
  if (outcome.kind !== 'fault') return true
  const { evidence: seen, sideEffect } = outcome.fault
  return seen === undefined ? sideEffect !== 'none' : seen.execution === 'unknown'
}

/** No byte of it went to the server. */
function neverWentOut(outcome: Outcome | undefined): boolean {
  if (outcome?.kind !== 'fault') return false
  const { sideEffect, evidence: seen } = outcome.fault
  return sideEffect === 'none' && (seen === undefined || seen.execution === 'not_sent')
}
