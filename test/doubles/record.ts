// A record of a call that went well, for the tests of those who read records.
import { payloadOf } from '../../src/core/call/payload.ts'
import type { CallRecord } from '../../src/core/call/record.ts'
import { aPrincipal } from './principal.ts'
import { aRun } from './run.ts'

export function aRecord(change: Partial<CallRecord> = {}): CallRecord {
  return {
    id: 'call-1',
    atMs: 1_000,
    startedAt: 0,
    settledMs: 40,
    durationMs: 42,
    delivery: 'delivered',
    method: 'tools/call',
    askedAs: undefined,
    family: 'invoke',
    mount: '',
    target: 'up_weather',
    upstream: 'up',
    item: 'weather',
    itemKind: 'tool',
    version: undefined,
    contract: undefined,
    readOnly: false,
    caller: {
      principal: aPrincipal(),
      client: { name: 'agent', version: '1.0.0' },
      arrival: { transport: 'http', revision: '2026-07-28' },
    },
    trace: { traceId: '1'.repeat(32), spanId: '2'.repeat(16), parentSpanId: undefined, sampled: true, tracestate: undefined },
    run: aRun(),
    requestId: '1',
    arrived: undefined,
    params: payloadOf({ name: 'up_weather', arguments: { city: 'Oslo' } }),
    result: payloadOf({ content: [{ type: 'text', text: 'rain' }] }),
    decided: undefined,
    lease: undefined,
    outcome: 'complete',
    fault: undefined,
    found: undefined,
    seen: undefined,
    suspect: undefined,
    termination: '--',
    attempts: 1,
    attempted: [],
    phases: [],
    parkedMs: undefined,
    usage: undefined,
    coerced: undefined,
    masked: undefined,
    stream: undefined,
    bytesIn: 60,
    bytesOut: 45,
    ...change,
  }
}
