// What the audit keeps of decisions, less what is to be written down nowhere: in reasons, and in the addresses of resources.
import type { Decisions } from '../../core/ports/decisions.ts'
import type { Redaction } from '../../core/secrets/redaction.ts'

export function redactedDecisions(decisions: Decisions, redaction: Redaction): Decisions {
  return {
    note: (decision) => {
      const { reason, item } = decision
      const isAddress = item?.includes('://') === true
      if (reason === undefined && !isAddress) return decisions.note(decision)
      decisions.note({
        ...decision,
        reason: reason === undefined ? undefined : redaction.recognised(reason),
        item: isAddress ? redaction.recognised(item) : item,
      })
    },
  }
}
