// Lets no call begin whose row could not be kept, as `audit.onLoss` says: before anything is spent on it or sent.
import '../../core/call/facts.ts'
import type { Call } from '../../core/call/call.ts'
import { failed } from '../../core/call/outcome.ts'
import type { Pass } from '../../core/call/stage.ts'
import type { CallAudit } from '../../core/ports/call-audit.ts'
import { changesNothing } from './settled.ts'

export function audited(audit: CallAudit): Pass<Call> {
  return {
    name: 'audited',
    run: (call, exchange, next) => {
      const refused = audit.refusal(changesNothing(call, exchange.fact('item')))
      return refused === undefined ? next(call, exchange) : Promise.resolve(failed(refused))
    },
  }
}
