// Sets a call's time limits to those of the upstream it goes to, once that is known.
import type { TargetedCall, UpstreamId } from '../../core/call/call.ts'
import type { DeadlineLimits } from '../../core/call/deadline.ts'
import type { Pass } from '../../core/call/stage.ts'

/** `timeoutsOf` gives the same object for the same upstream; undefined leaves the limits as they are. */
export function deadline(timeoutsOf: (upstream: UpstreamId) => DeadlineLimits | undefined): Pass<TargetedCall> {
  return {
    name: 'deadline',
    run: (call, exchange, next) => {
      const limits = timeoutsOf(call.upstream)
      if (limits !== undefined) exchange.deadline.limit(limits)
      return next(call, exchange)
    },
  }
}
