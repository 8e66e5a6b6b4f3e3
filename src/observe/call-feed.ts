// Calls that end, told to whoever listens now. While nobody does it costs one comparison a call, and it keeps nothing.
import type { CallRecord, Recorder } from '../core/call/record.ts'
import { guarded } from '../core/ports/boundary.ts'
import type { Report } from '../core/ports/report.ts'

export type CallListener = (record: CallRecord) => void

export class CallFeed {
  private readonly listeners = new Map<CallListener, CallListener>()

  /** The recorder, which tells the listeners as well. A listener that fails is logged and harms no call. */
  telling(recorder: Recorder): Recorder {
    return {
      record: (record) => {
        recorder.record(record)
        if (this.listeners.size > 0) for (const listener of this.listeners.values()) listener(record)
      },
      bug: (call, error) => recorder.bug(call, error),
    }
  }

  /** Gives what ends it. */
  listen(listener: CallListener, report: Report): () => void {
    this.listeners.set(listener, guarded(report, 'record', listener))
    return () => void this.listeners.delete(listener)
  }

  get size(): number {
    return this.listeners.size
  }
}
