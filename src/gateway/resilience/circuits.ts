// The circuits of one upstream: its own, and one for each of its items that failed lately. What a request met after it was sent may be the
// matter of its tool alone: while such failures in a row are all of one tool, it is that tool which is left alone, and the others go on.
// What was met before (no connection, no process), and failures in a row of several tools, are the upstream's.
import type { TargetedCall } from '../../core/call/call.ts'
import type { Held } from '../../core/call/gates.ts'
import type { Item, ItemKind } from '../../core/call/item.ts'
import type { Outcome } from '../../core/call/outcome.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { Clock } from '../../core/ports/clock.ts'
import { Breaker, type BreakerLimits, type CircuitState, sampleOf } from './breaker.ts'

/** Of items that failed, at most so many of one upstream are kept; the oldest goes. */
export const mostItems = 1_024
/** An item that did not fail for so long is forgotten, in ms: it may be gone. */
const forgottenMs = 600_000

export interface ItemCircuit {
  readonly kind: ItemKind
  readonly item: string
  readonly circuit: CircuitState
}

export interface Refused {
  /** What is left alone; undefined: the upstream is. */
  readonly item: Item | undefined
  readonly retryAfterMs: number
}

/** `item`: undefined where it is that of the upstream. */
export type CircuitChange = (state: CircuitState, item: string | undefined) => void

export type FaultHeard = (fault: Fault, call: TargetedCall) => void

type Named = TargetedCall & { readonly item?: Item }

interface Failing {
  readonly breaker: Breaker
  readonly kind: ItemKind
  readonly item: string
  failedAt: number
}

export class Circuits {
  private readonly clock: Clock
  private readonly onChange: CircuitChange
  private readonly onFault: FaultHeard
  private readonly own: Breaker
  /** Items that have not succeeded since they failed, the first that failed first. */
  private readonly failing = new Map<string, Failing>()
  /** The one item that the failures in a row are of; undefined where they are of several, or of the upstream. */
  private culprit: string | undefined
  /** What calls hold, by whether they are a trial of the upstream (1) and of their item (2). */
  private readonly held: readonly Held[]

  /** `onFault` hears each fault that a call ended with. */
  constructor(clock: Clock, limits: BreakerLimits, onChange: CircuitChange, onFault: FaultHeard = () => undefined) {
    this.clock = clock
    this.onFault = onFault
    this.onChange = onChange
    this.own = new Breaker(clock, limits, (state) => onChange(state, undefined))
    this.held = [0, 1, 2, 3].map((trials) => ({
      leave: (outcome, call) => this.settle(outcome, call as Named, (trials & 1) !== 0, (trials & 2) !== 0),
    }))
  }

  get state(): CircuitState {
    return this.own.state
  }

  get limits(): BreakerLimits {
    return this.own.limits
  }

  set limits(limits: BreakerLimits) {
    this.own.limits = limits
    for (const { breaker } of this.failing.values()) breaker.limits = limits
  }

  /** Those of items that are not closed. */
  items(): readonly ItemCircuit[] {
    this.forget()
    const found: ItemCircuit[] = []
    for (const { kind, item, breaker } of this.failing.values())
      if (breaker.state !== 'closed') found.push({ kind, item, circuit: breaker.state })
    return found
  }

  /** What was found out is of no account any more: the upstream is another process than before. */
  reset(): void {
    this.own.reset()
    for (const { breaker } of this.failing.values()) breaker.reset()
    this.failing.clear()
    this.culprit = undefined
  }

  enter(call: Named): Held | Refused {
    const admission = this.own.admit()
    if (!admission.admitted) return { item: undefined, retryAfterMs: admission.retryAfterMs }
    let trials = admission.trial ? 1 : 0
    // Nearly always nothing fails.
    if (this.failing.size > 0) {
      const ofItem = this.failing.get(keyOf(call.item))?.breaker.admit()
      if (ofItem?.admitted === false) {
        if (admission.trial) this.own.settle(true, 'neutral')
        return { item: call.item, retryAfterMs: ofItem.retryAfterMs }
      }
      if (ofItem?.trial === true) trials |= 2
    }
    return this.held[trials] as Held
  }

  private settle(outcome: Outcome | undefined, call: Named, ownTrial: boolean, itemTrial: boolean): void {
    const { item } = call
    if (outcome?.kind === 'fault') this.onFault(outcome.fault, call)
    const sample = sampleOf(outcome)
    if (sample === 'failure') {
      this.failed(isPerhapsOfItem(outcome), item, ownTrial, itemTrial)
      return
    }
    this.own.settle(ownTrial, sample)
    if (this.failing.size === 0) return
    const key = keyOf(item)
    const found = this.failing.get(key)
    if (found === undefined) return
    found.breaker.settle(itemTrial, sample)
    if (sample === 'success' && found.breaker.state === 'closed') this.failing.delete(key)
  }

  private failed(ofItem: boolean, item: Item | undefined, ownTrial: boolean, itemTrial: boolean): void {
    const key = keyOf(item)
    if (!ofItem || item === undefined) {
      this.culprit = undefined
      this.own.settle(ownTrial, 'failure')
      if (itemTrial) this.failing.get(key)?.breaker.settle(true, 'neutral')
      return
    }
    const { breaker } = this.failingOf(key, item)
    const wasLeftAlone = breaker.state !== 'closed'
    breaker.settle(itemTrial, 'failure')
    if (wasLeftAlone) {
      // That it still fails says nothing new of the others.
      if (ownTrial) this.own.settle(true, 'neutral')
      return
    }
    if (this.own.failures === 0) this.culprit = key
    else if (this.culprit !== key) this.culprit = undefined
    this.own.settle(ownTrial, 'failure', this.culprit === undefined)
    // From now on it stands for one failure in the row of its upstream.
    if (breaker.state !== 'closed') this.own.reduce(1)
  }

  private failingOf(key: string, { kind, name }: Item): Failing {
    let found = this.failing.get(key)
    if (found === undefined) {
      this.forget()
      const breaker = new Breaker(this.clock, this.own.limits, (state) => this.onChange(state, name))
      found = { breaker, kind, item: name, failedAt: 0 }
      if (this.failing.size >= mostItems) for (const oldest of this.failing.keys()) if (this.failing.delete(oldest)) break
      this.failing.set(key, found)
    }
    found.failedAt = this.clock.mono()
    return found
  }

  private forget(): void {
    const before = this.clock.mono() - forgottenMs - this.own.limits.openMs
    for (const [key, { failedAt }] of this.failing) if (failedAt < before) this.failing.delete(key)
  }
}

/** What became of a request that was sent. */
function isPerhapsOfItem(outcome: Outcome | undefined): boolean {
  return outcome?.kind === 'fault' && outcome.fault.evidence?.execution === 'unknown'
}

/** A tool by its name; items of other kinds may have the same. '' of none. */
function keyOf(item: Item | undefined): string {
  if (item === undefined) return ''
  return item.kind === 'tool' ? item.name : `${item.kind} ${item.name}`
}
