// What a call has taken of its limits: given back where it never went out, and put right where it used another amount than was expected.
import type { TargetedCall } from '../../core/call/call.ts'
import type { Held } from '../../core/call/gates.ts'
import type { Outcome } from '../../core/call/outcome.ts'
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
}

export class Taken implements Held {
  private readonly parts: TakenParts
  /** Undefined where nothing but calls is counted. */
  private readonly call: TargetedCall | undefined
  private readonly amounts: Amounts
  private readonly shared: readonly Limit[]
  private readonly own: readonly Limit[]
  private readonly ofRun: readonly Limit[]
  private leftMs = 0

  constructor(
    parts: TakenParts,
    call: TargetedCall | undefined,
    amounts: Amounts,
    shared: readonly Limit[],
    own: readonly Limit[],
    ofRun: readonly Limit[],
  ) {
    this.parts = parts
    this.call = call
    this.amounts = amounts
    this.shared = shared
    this.own = own
    this.ofRun = ofRun
  }

  /** `nowMs`: monotonic, of the turn in which the store said that it fits; `stamp`: the same since the epoch. */
  count(nowMs: number, stamp: number): void {
    this.add(this.amounts, 1, nowMs, stamp)
  }

  leave(outcome: Outcome | undefined): void {
    if (outcome === undefined) return
    const nowMs = this.parts.clock.mono()
    this.leftMs = nowMs
    if (neverWentOut(outcome)) this.add(this.amounts, -1, nowMs, this.parts.clock.now())
    else this.settle(outcome, nowMs)
  }

  amend(outcome: Outcome): Outcome {
    return outcome.kind === 'complete' ? budgetWarning(this.parts, outcome, this.own, this.ofRun, this.leftMs) : outcome
  }

  /** By what it used indeed. */
  private settle(outcome: Outcome, nowMs: number): void {
    if (this.call === undefined || this.parts.meter === undefined) return
    const { amounts } = this
    const actual = this.parts.meter.actual(this.call, amounts, outcome)
    if (actual === amounts) return
    const tokens = actual.tokens - amounts.tokens
    const cost = actual.cost - amounts.cost
    if (tokens !== 0 || cost !== 0) this.add({ ...nothingMore, tokens, cost }, 1, nowMs, this.parts.clock.now())
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

/** No byte of it went to the server. */
function neverWentOut(outcome: Outcome): boolean {
  if (outcome.kind !== 'fault') return false
  const { sideEffect, evidence } = outcome.fault
  return sideEffect === 'none' && (evidence === undefined || evidence.execution === 'not_sent')
}
