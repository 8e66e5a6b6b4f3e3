// Sets a call's time limits to those of its tool or of the upstream it goes to, once that is known, and to what its caller states.
import type { TargetedCall, UpstreamId } from '../../core/call/call.ts'
import type { DeadlineLimits } from '../../core/call/deadline.ts'
import type { Item } from '../../core/call/item.ts'
import type { Pass } from '../../core/call/stage.ts'

type Named = TargetedCall & { readonly item?: Item }

/** `timeoutsOf` gives the same object for the same upstream; undefined leaves the limits as they are. */
export function deadline(timeoutsOf: (upstream: UpstreamId) => DeadlineLimits | undefined): Pass<TargetedCall> {
  return {
    name: 'deadline',
    run: (call, exchange, next) => {
      const limits = timeoutsOf(call.upstream)
      const timeoutMs = (call as Named).item?.settings.timeout
      if (timeoutMs !== undefined) {
        exchange.deadline.limit({ idleMs: timeoutMs, totalMs: Math.max(timeoutMs, limits?.totalMs ?? 0) })
      } else if (limits !== undefined) exchange.deadline.limit(limits)
      if (call.deadlineMs !== undefined) exchange.deadline.cap(call.deadlineMs)
      return next(call, exchange)
    },
  }
}
