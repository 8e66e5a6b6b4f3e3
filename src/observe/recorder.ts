// Fans a finished record out to its readers: metrics, the inventory of clients and the log line. A reader that fails is logged and harms no call.
import type { CallRecord, Recorder } from '../core/call/record.ts'
import type { Inventory } from './inventory.ts'
import type { LogSink } from './log.ts'
import type { Metrics } from './metrics.ts'

/** `calls` false turns the line per call off; faults of our own are always logged. */
export function createRecorder(sink: LogSink, metrics: Metrics, inventory: Inventory, calls: boolean): Recorder {
  return {
    record: (record) => {
      metrics.observe(record)
      inventory.observe(record)
      if (calls) logCall(sink, record)
    },
    bug: (id, error) =>
      sink.log('error', 'A bug in the gateway ended a call', { id, stack: error instanceof Error ? error.stack : String(error) }),
  }
}

function logCall(sink: LogSink, record: CallRecord): void {
  const severity = record.fault === undefined ? 'info' : 'warn'
  if (!sink.enabled(severity)) return
  sink.log(severity, record.family === 'refused' ? 'refused' : 'call', {
    id: record.id,
    method: record.method,
    target: record.target,
    upstream: record.upstream,
    outcome: record.outcome,
    ms: Math.round(record.durationMs * 100) / 100,
    in: record.bytesIn,
    out: record.bytesOut,
    ...(record.attempts > 1 ? { attempts: record.attempts } : {}),
    ...(record.delivery === 'delivered' ? {} : { delivery: record.delivery }),
    ...(record.fault === undefined
      ? {}
      : { fault: record.fault.kind, category: record.fault.category, sideEffect: record.fault.sideEffect, message: record.fault.message }),
    client: record.caller?.client?.name,
    clientVersion: record.caller?.client?.version,
    transport: record.caller?.arrival.transport,
    revision: record.caller?.arrival.revision,
    sub: record.caller?.principal.sub,
    trace: record.trace?.traceId,
  })
}
