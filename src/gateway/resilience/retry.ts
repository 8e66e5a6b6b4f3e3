// When an attempt may be repeated, and after how long. A repeat must be safe (nothing was executed, or executing twice is harmless),
// must fit the deadline, and must not multiply the load on an upstream that is in trouble.
import type { TargetedCall } from '../../core/call/call.ts'
import type { CallEvent, Sink } from '../../core/call/exchange.ts'
import type { Item } from '../../core/call/item.ts'
import type { Outcome } from '../../core/call/outcome.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { Random } from '../../core/ports/clock.ts'

const mostAttempts = 3
/** First pause in ms, doubled each time, of which half is by chance. Small, so that a dead upstream is reported fast. */
const firstPauseMs = 20

/** Our own answers, given to spare the upstream or because the call is over: to repeat them inside would defeat them. */
const ours: ReadonlySet<string> = new Set(['circuit_open', 'overloaded', 'draining', 'cancelled', 'internal'])

/** How long to wait before the next attempt, in ms; undefined where the outcome is final. */
export function pauseBefore(
  next: number,
  outcome: Outcome,
  facts: { readonly repeatable: boolean; readonly events: number; readonly remainingMs: number },
  random: Random,
): number | undefined {
  if (outcome.kind !== 'fault' || next > mostAttempts) return undefined
  if (!mayRepeat(outcome.fault, facts)) return undefined
  const pause = firstPauseMs * 2 ** (next - 2) * (0.5 + random.fraction() / 2)
  const wait = Math.max(pause, outcome.fault.retryAfterMs ?? 0)
  return wait < facts.remainingMs ? wait : undefined
}

function mayRepeat(fault: Fault, { repeatable, events }: { readonly repeatable: boolean; readonly events: number }): boolean {
  // A time limit that ran out once would run out again, and the caller has waited already.
  if (ours.has(fault.kind) || fault.kind === 'upstream_timeout') return false
  // An answer that was lost is worth a repeat although the fault tells the agent not to.
  if (repeatable) return fault.retryable || fault.kind === 'outcome_unknown'
  return fault.retryable && fault.sideEffect === 'none' && events === 0
}

/** Whether executing the call twice is as good as once. */
export function isRepeatable(call: TargetedCall & { readonly item?: Item }): boolean {
  if (call.continuation !== undefined) return false
  if (call.item !== undefined) return call.item.kind !== 'tool' || call.item.traits.readOnly || call.item.traits.idempotent
  return call.family === 'list' || call.family === 'complete' || call.family === 'discover'
}

/** Each call earns a tenth of a repeat, at most ten are saved: so repeats stay a small part of the load when everything fails. */
export class RetryBudget {
  private tokens = 10

  earn(): void {
    this.tokens = Math.min(10, this.tokens + 0.1)
  }

  spend(): boolean {
    if (this.tokens < 1) return false
    this.tokens -= 1
    return true
  }
}

/** Attempts share one sink in which progress only grows: a repeat starts at nought again, its caller must not see that. */
export class MonotonicSink implements Sink {
  private readonly sink: Sink
  private last: CallEvent | undefined
  private repeating = false

  constructor(sink: Sink) {
    this.sink = sink
  }

  /** From now on progress is compared with what was shown. */
  repeat(): void {
    this.repeating = true
  }

  emit(event: CallEvent): void {
    if (event.kind === 'progress') {
      if (this.repeating && this.last !== undefined && progressOf(event) <= progressOf(this.last)) return
      this.last = event
    }
    this.sink.emit(event)
  }
}

function progressOf(event: CallEvent): number {
  const params = event.kind === 'progress' ? (event.params.json() as { readonly progress?: unknown } | null) : null
  return typeof params?.progress === 'number' ? params.progress : Number.NEGATIVE_INFINITY
}
