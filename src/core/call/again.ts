// Whether a call is sent again, and how: the one place that decides, for every kind of repetition. It must be safe (nothing was executed, or
// executing twice is as good as once), must fit the deadline, and must not multiply the load on an upstream that is in trouble.
import type { Renewal } from '../faults/evidence.ts'
import type { Fault } from '../faults/fault.ts'
import type { Random } from '../ports/clock.ts'
import type { TargetedCall } from './call.ts'
import type { Item } from './item.ts'

export const mostAttempts = 3
/** Longest first pause in ms, doubled each time; how much of it is by chance. Small, so that a dead upstream is reported fast. */
const firstPauseMs = 20
/** What is added by chance to the time that an upstream asks for, at most: else all who were told the same come back at once. */
const spread = 0.25

/** What is known of a call when one of its attempts has failed. */
export interface Tried {
  /** Executing it twice is as good as once. */
  readonly repeatable: boolean
  /** Attempts made so far. */
  readonly attempts: number
  /** What earlier attempts took a new one of, at once. */
  readonly renewed: readonly Renewal[]
  /** Its caller heard of it: somebody worked on it, whatever is said afterwards. */
  readonly heard: boolean
  readonly remainingMs: number
}

/** How it is sent again. */
export interface Again {
  readonly afterMs: number
  readonly renew: Renewal | undefined
  /** It is load on an upstream that may be in trouble: taken from the budget. */
  readonly budgeted: boolean
}

/** Undefined where the fault is final. A fault without evidence is the gateway's own answer: to repeat it inside would defeat it. */
export function sendAgain({ evidence, retryAfterMs }: Fault, tried: Tried, random: Random): Again | undefined {
  if (evidence === undefined || evidence.again === 'never' || tried.attempts >= mostAttempts) return undefined
  if (!tried.repeatable && (evidence.execution === 'unknown' || tried.heard)) return undefined
  const { renew } = evidence
  if (evidence.again === 'once') {
    return renew !== undefined && tried.renewed.includes(renew) ? undefined : { afterMs: 0, renew, budgeted: false }
  }
  if (evidence.again === 'elsewhere') return { afterMs: 0, renew, budgeted: false }
  const asked = retryAfterMs ?? 0
  const afterMs = asked + random.fraction() * Math.max(firstPauseMs * 2 ** (tried.attempts - 1), asked * spread)
  return afterMs < tried.remainingMs ? { afterMs, renew, budgeted: true } : undefined
}

type Named = TargetedCall & { readonly item?: Item }

/** Whether executing the call twice is as good as once. Of a tool configuration knows better than its server. */
export function isRepeatable(call: Named): boolean {
  const { item } = call
  if (call.continuation !== undefined) return false
  if (item !== undefined) return item.kind !== 'tool' || (item.settings.idempotent ?? (item.traits.readOnly || item.traits.idempotent))
  return call.family === 'list' || call.family === 'complete' || call.family === 'discover' || call.method === 'tasks/get'
}

/** Whether the call may be sent again at all, whatever its attempts meet. A leg that waits in an exit was taken up by the first attempt. */
export function hasFurtherAttempts({ continuation, item }: Named): boolean {
  return continuation?.kind !== 'parked' && item?.settings.retry !== 'never'
}
