// The catch boundary around each source of events: what throws there is a bug of ours, which is told with its stack and counted, and ends
// nothing but the message, the call or the connection that it was met in. What a peer sends is a value or a fault and never comes here.
import type { Clock } from './clock.ts'
import type { Report } from './report.ts'

/** Where events come from. */
export type EventSource =
  | 'child'
  | 'upstream_http'
  | 'upstream_stream'
  | 'upstream_events'
  | 'http_door'
  | 'sse_door'
  | 'stdio_door'
  | 'session'
  | 'connection'
  | 'credentials'
  | 'catalog'
  | 'contracts'
  | 'quality'
  | 'record'
  | 'limits'
  | 'tool_usage'
  | 'telemetry'
  | 'timer'
  | 'failed_start'
  | 'loop_batch'
  | 'store'
  | 'alerts'
  | 'objectives'
  | 'faults'
  | 'audit'
  | 'config'

/** Never throws. */
export function reportBug(report: Report, source: EventSource, error: unknown, fields: Readonly<Record<string, unknown>> = {}): void {
  report.counters.add('bugs', { source })
  report.log('error', 'A bug in the gateway was caught', { source, ...fields, stack: stackOf(error) })
}

export function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? String(error)) : String(error)
}

/** The listener with its boundary. */
export function guarded<A>(report: Report, source: EventSource, listener: (event: A) => void): (event: A) => void {
  return (event) => {
    try {
      listener(event)
    } catch (error) {
      reportBug(report, source, error)
    }
  }
}

/** Work that nobody waits for. */
export function inBackground(report: Report, source: EventSource, work: Promise<unknown>): void {
  work.catch((error: unknown) => reportBug(report, source, error))
}

/** The clock whose timers have their boundary. */
export function guardedClock(clock: Clock, report: Report): Clock {
  return {
    now: () => clock.now(),
    mono: () => clock.mono(),
    timer: (ms, work) => clock.timer(ms, guarded<void>(report, 'timer', work)),
  }
}
