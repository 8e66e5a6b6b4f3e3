// The catch boundary around the messages of a stream that many calls share.
import { type EventSource, reportBug } from '../../core/ports/boundary.ts'
import type { Report } from '../../core/ports/report.ts'
import type { Incoming } from '../../core/protocol/jsonrpc.ts'

/** A bug with one message is told, and keeps no other from its turn. */
export function takeEach(report: Report, source: EventSource, messages: readonly Incoming[], take: (message: Incoming) => void): void {
  for (const message of messages) {
    try {
      take(message)
    } catch (bug) {
      reportBug(report, source, bug)
    }
  }
}
