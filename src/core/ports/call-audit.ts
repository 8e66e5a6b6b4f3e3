// The audit as calls meet it. `observe` keeps the rows.
import type { CallRecord, SettledCall } from '../call/record.ts'
import type { Fault } from '../faults/fault.ts'

export interface CallAudit {
  /**
   * Why a call may not begin now, since its row could not be kept; undefined where it may. `readOnly`: of a call that is known to change
   * nothing.
   */
  refusal(readOnly: boolean): Fault | undefined
  /**
   * Keeps the row of a call. A promise where its answer has to wait until that is safe, of whether it is; undefined where nobody waits. Never
   * rejects.
   */
  settled(call: SettledCall): Promise<boolean> | undefined
  /** How the answer left, of a call that `settled` was told of. */
  closed(record: CallRecord): void
  /** A call that nobody came back for: all of its row. */
  unclaimed(record: CallRecord): void
  /** A request that became no call. Nobody waits for its row. */
  refused(record: CallRecord): void
}
