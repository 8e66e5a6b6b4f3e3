// Fans a finished record out to its readers: metrics, the inventory of clients, traces and the log line. A reader that fails is logged and harms no call.
import { callFields } from '../core/call/call-fields.ts'
import type { CallRecord, Recorder } from '../core/call/record.ts'
import { guarded, stackOf } from '../core/ports/boundary.ts'
import type { Redaction } from '../core/secrets/redaction.ts'
import { shapeOfToolResult } from '../core/secrets/shape-text.ts'
import type { Inventory } from './inventory.ts'
import type { LogSink } from './log.ts'
import { argumentsOf } from './logged-arguments.ts'
import type { Metrics } from './metrics/metrics.ts'
import type { LogSettings } from './settings.ts'

interface Observer {
  observe(record: CallRecord): void
}

/** `redaction`: of texts that others said. Where `calls` is false there is no line per call; faults of our own are always logged. */
export function createRecorder(
  sink: LogSink,
  metrics: Metrics,
  inventory: Inventory,
  traces: Observer,
  redaction: Redaction,
  lines: Pick<LogSettings, 'calls' | 'arguments'>,
): Recorder {
  const report = { log: sink.log, counters: metrics.counters }
  const read = guarded<CallRecord>(report, 'record', (record) => {
    metrics.observe(record)
    inventory.observe(record)
    traces.observe(record)
    if (lines.calls) logCall(sink, record, redaction, lines.arguments === 'redacted')
  })
  return {
    record: read,
    bug: (call, error) => {
      metrics.counters.add('bugs', { source: 'call' })
      sink.log('error', 'A bug in the gateway ended a call', { ...callFields(call), stack: stackOf(error) })
    },
  }
}

function logCall(sink: LogSink, record: CallRecord, redaction: Redaction, withArguments: boolean): void {
  const severity = record.fault === undefined ? 'info' : 'warn'
  if (!sink.enabled(severity)) return
  const { fault, caller, usage } = record
  // What is undefined is left out of the line. Conditional spreads would read better and cost more than the rest of it.
  sink.call(severity, record.family === 'refused' ? 'refused' : 'call', {
    id: record.id,
    method: record.method,
    // A name that leads nowhere is whatever its caller sent.
    target:
      record.target !== undefined && (fault !== undefined || record.target.includes('://'))
        ? redaction.recognised(record.target)
        : record.target,
    upstream: record.upstream,
    version: record.version,
    arguments: withArguments ? argumentsOf(record, redaction) : undefined,
    outcome: record.outcome,
    ms: rounded(record.durationMs),
    in: record.bytesIn,
    out: record.bytesOut,
    shape: withArguments && record.itemKind === 'tool' ? shapeOfResult(record) : undefined,
    rows: withArguments ? record.seen?.rows : undefined,
    tokens: usage === undefined ? undefined : usage.sent + usage.got,
    cost: usage === undefined || usage.cost === 0 ? undefined : usage.cost,
    estimated: usage?.estimated,
    coerced: record.coerced,
    masked: record.masked,
    attempts: record.attempts > 1 ? record.attempts : undefined,
    delivery: record.delivery === 'delivered' ? undefined : record.delivery,
    ended: record.termination === '--' ? undefined : record.termination,
    events: record.stream?.events,
    eventBytes: record.stream?.bytes,
    firstEventMs: rounded(record.stream?.firstMs),
    eventGapMs: rounded(record.stream?.longestGapMs),
    found: record.found,
    suspect: record.suspect?.join(' '),
    fault: fault?.kind,
    category: fault?.category,
    sideEffect: fault?.sideEffect,
    message: fault === undefined ? undefined : redaction.recognised(fault.message),
    client: caller.client?.name,
    clientVersion: caller.client?.version,
    transport: caller.arrival.transport,
    revision: caller.arrival.revision,
    sub: caller.principal?.sub,
    trace: record.trace?.traceId,
    run: record.run?.id,
    turn: record.run?.turn,
    why: record.run?.why === undefined ? undefined : redaction.text(record.run.why),
  })
}

/** As it was seen by who judged it. */
function shapeOfResult({ result, seen }: CallRecord): string | undefined {
  if (seen !== undefined) return seen.shape
  return result === undefined ? undefined : shapeOfToolResult(result.bytes)
}

function rounded(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms * 100) / 100
}
