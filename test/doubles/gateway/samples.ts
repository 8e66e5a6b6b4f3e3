// Plain calls, items and exchanges for the tests of stages.

import type { Call } from '../../../src/core/call/call.ts'
import { type CallEvent, type OpenExchange, openExchange } from '../../../src/core/call/exchange.ts'
import { endless } from '../../../src/core/call/expiry.ts'
import type { Item } from '../../../src/core/call/item.ts'
import { complete, type Outcome, unscanned } from '../../../src/core/call/outcome.ts'
import { payloadOf } from '../../../src/core/call/payload.ts'
import { unconfigured } from '../../../src/core/call/tool-settings.ts'
import type { Random } from '../../../src/core/ports/clock.ts'
import type { Report } from '../../../src/core/ports/report.ts'
import { ManualClock } from '../manual-clock.ts'
import { aPrincipal } from '../principal.ts'
import { aRun } from '../run.ts'

export function aCall(change: Partial<Call> = {}): Call {
  return {
    id: 'call-1',
    method: 'tools/call',
    family: 'invoke',
    mount: '',
    target: 'weather',
    params: payloadOf({ name: 'weather', arguments: {} }),
    caller: {
      principal: aPrincipal(),
      client: undefined,
      capabilities: {},
      affinity: undefined,
      arrival: { transport: 'http', revision: '2026-07-28' },
      headers: undefined,
    },
    interest: { progress: true, logLevel: undefined },
    asserted: undefined,
    continuation: undefined,
    deadlineMs: undefined,
    run: aRun(),
    trace: { traceId: '0'.repeat(32), spanId: '0'.repeat(16), parentSpanId: undefined, sampled: false, tracestate: undefined },
    ...change,
  }
}

export function anItem(change: Partial<Item> = {}): Item {
  return {
    kind: 'tool',
    upstream: 'up',
    name: 'weather',
    visible: 'up_weather',
    definition: payloadOf({ name: 'weather' }),
    traits: { readOnly: false, destructive: true, idempotent: false },
    settings: unconfigured,
    headers: [],
    validate: undefined,
    declaresOutput: false,
    generation: 1,
    ...change,
  }
}

export function anExchange(clock = new ManualClock(), limits = { idleMs: 50_000, totalMs: 900_000 }) {
  const events: CallEvent[] = []
  const exchange: OpenExchange = openExchange(clock, limits, { emit: (event) => void events.push(event) }, endless)
  return { exchange, events, clock }
}

export function done(value: unknown = {}): Outcome {
  const result = payloadOf(value)
  return complete(result, unscanned(result.bytes.length))
}

export function progress(value: number): CallEvent {
  return { kind: 'progress', params: payloadOf({ progressToken: 1, progress: value }) }
}

/** Ids that count up, and chance that is always `fraction`. */
export function countedRandom(fraction = 0): Random {
  let count = 0
  return {
    bytes: (size) => new Uint8Array(size).fill(count++ & 0xff),
    id: () => `00000000-0000-0000-0000-${String(++count).padStart(12, '0')}`,
    callId: () => `00000000-0000-7000-8000-${String(++count).padStart(12, '0')}`,
    fraction: () => fraction,
  }
}

/** A report that remembers. */
export function aReport() {
  const counted: Record<string, number> = {}
  const logged: string[] = []
  const report: Report = {
    log: (_severity, event) => void logged.push(event),
    counters: {
      add: (name, _labels, by = 1) => {
        counted[name] = (counted[name] ?? 0) + by
      },
    },
  }
  return { report, counted, logged }
}

/** A promise and the hand that settles it. */
export function hand<T>(): { readonly promise: Promise<T>; readonly give: (value: T) => void } {
  let give: (value: T) => void = () => undefined
  const promise = new Promise<T>((resolve) => {
    give = resolve
  })
  return { promise, give }
}
