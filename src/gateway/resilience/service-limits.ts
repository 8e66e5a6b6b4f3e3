// Tools whose service has said when to come back (`downstream_rate_limited`): until then their calls are answered so at once.
import type { TargetedCall } from '../../core/call/call.ts'
import type { Item } from '../../core/call/item.ts'
import { failed, type Outcome } from '../../core/call/outcome.ts'
import { principalKey } from '../../core/call/principal.ts'
import { fault } from '../../core/faults/catalogue.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { Clock } from '../../core/ports/clock.ts'

/** Limits that are kept at once, of one upstream; the oldest goes. */
export const mostLimits = 1_024
/** However long the words say: they may be wrong. */
const longestMs = 3_600_000
/** Timers ring a little early, in ms. */
const early = 5

interface Limit {
  /** Monotonic ms. */
  readonly until: number
  readonly rule: unknown
}

type Named = TargetedCall & { readonly item?: Item }

export class ServiceLimits {
  /** Its credential is that of the caller, and so is the limit. */
  perPrincipal: boolean
  private readonly clock: Clock
  private readonly limits = new Map<string, Limit>()

  constructor(clock: Clock, perPrincipal: boolean) {
    this.clock = clock
    this.perPrincipal = perPrincipal
  }

  /** The outcome of a call that comes too early. */
  refusal(call: Named): Outcome | undefined {
    if (this.limits.size === 0) return undefined
    const key = this.keyOf(call)
    const limit = this.limits.get(key)
    if (limit === undefined) return undefined
    const retryAfterMs = Math.ceil(limit.until - this.clock.mono())
    if (retryAfterMs > early) {
      // The words themselves were said to another call, perhaps of another caller.
      const detail = { upstream: call.upstream, tool: call.item?.name, rule: limit.rule, held: true, retryAfterMs }
      return failed(fault('downstream_rate_limited', detail, { retryAfterMs }))
    }
    this.limits.delete(key)
    return undefined
  }

  /** A call ended with this. */
  heard({ kind, detail, retryAfterMs = 0 }: Fault, call: Named): void {
    if (kind !== 'downstream_rate_limited' || detail.named !== true || retryAfterMs <= 0) return
    const key = this.keyOf(call)
    this.limits.delete(key)
    if (this.limits.size >= mostLimits) for (const oldest of this.limits.keys()) if (this.limits.delete(oldest)) break
    this.limits.set(key, { until: this.clock.mono() + Math.min(longestMs, retryAfterMs), rule: detail.rule })
  }

  private keyOf({ method, item, caller }: Named): string {
    const tool = JSON.stringify([method, item?.name])
    return this.perPrincipal ? `${tool}${principalKey(caller.principal)}` : tool
  }
}
