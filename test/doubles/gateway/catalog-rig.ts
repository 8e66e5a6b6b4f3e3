// A catalog over scripted upstreams with a clock that is turned by hand, and the few calls that tests make of it.

import { type Call, families, type Method, type UpstreamId } from '../../../src/core/call/call.ts'
import { type CallEvent, type OpenExchange, openExchange } from '../../../src/core/call/exchange.ts'
import { endless } from '../../../src/core/call/expiry.ts'
import type { Outcome } from '../../../src/core/call/outcome.ts'
import { payloadOf } from '../../../src/core/call/payload.ts'
import { anonymous } from '../../../src/core/call/principal.ts'
import { targetOf, targetValue } from '../../../src/core/protocol/carriers.ts'
import { type Catalog, type CatalogOptions, createCatalog } from '../../../src/gateway/catalog/index.ts'
import { toolsBySelector } from '../../../src/gateway/tools/by-selector.ts'
import { EndsOfTools } from '../../../src/gateway/versions/ends.ts'
import { systemRandom } from '../../../src/platform/random/system-random.ts'
import { createSealer, freshKey } from '../../../src/platform/seal/aes-sealer.ts'
import { ManualClock } from '../manual-clock.ts'
import { aRun } from '../run.ts'
import type { ScriptedUpstream } from './scripted-upstream.ts'

export interface Bench {
  readonly catalog: Catalog
  readonly clock: ManualClock
  readonly logged: { readonly event: string; readonly fields: Readonly<Record<string, unknown>> | undefined }[]
  readonly counted: string[]
  /** Starts the catalog and lets everything that needs no time happen. */
  start(): Promise<Bench>
}

export function bench(upstreams: readonly ScriptedUpstream[], options: Partial<CatalogOptions> = {}): Bench {
  const clock = new ManualClock()
  const logged: { event: string; fields: Readonly<Record<string, unknown>> | undefined }[] = []
  const counted: string[] = []
  const { tools = toolsBySelector({}) } = options
  const catalog = createCatalog({
    upstreams: new Map<UpstreamId, ScriptedUpstream>(upstreams.map((upstream) => [upstream.id, upstream])),
    bare: undefined,
    toolsets: {},
    compile: () => ({ validate: () => [] }),
    tools,
    deprecations: new EndsOfTools({ configured: tools }),
    listBytes: 33_554_432,
    sealer: createSealer(freshKey(), systemRandom),
    clock,
    random: { ...systemRandom, fraction: () => 0.5 },
    report: {
      log: (_severity, event, fields) => void logged.push({ event, fields }),
      counters: { add: (name, labels) => void counted.push(`${name} ${Object.values(labels).join(' ')}`) },
    },
    ...options,
  })
  const made: Bench = {
    catalog,
    clock,
    logged,
    counted,
    start: async () => {
      await catalog.start()
      for (let turn = 0; turn < 50; turn += 1) {
        await quiet()
        await clock.advance(0)
      }
      return made
    },
  }
  return made
}

/** Lets everything happen that waits for no time, however many promises it takes. */
export function quiet(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}

export function callOf(method: Method, params: Record<string, unknown> = {}, change: Partial<Call> = {}): Call {
  const place = targetOf(method, params)
  return {
    id: 'call-1',
    method,
    family: families[method],
    mount: '',
    target: place === undefined ? undefined : targetValue(place, params),
    params: payloadOf(params),
    caller: {
      principal: anonymous,
      client: undefined,
      capabilities: {},
      affinity: undefined,
      arrival: { transport: 'http', revision: '2026-07-28' },
      headers: undefined,
    },
    interest: { progress: false, logLevel: undefined },
    asserted: undefined,
    continuation: undefined,
    deadlineMs: undefined,
    run: aRun(),
    trace: { traceId: 't', spanId: 's', parentSpanId: undefined, sampled: false, tracestate: undefined },
    ...change,
  }
}

export function exchangeOf(clock: ManualClock): OpenExchange & { readonly events: CallEvent[] } {
  const events: CallEvent[] = []
  const exchange = openExchange(clock, { idleMs: 50_000, totalMs: 900_000 }, { emit: (event) => void events.push(event) }, endless)
  return Object.assign(exchange, { events })
}

/** What a list shows: the `name` or `uri` of each entry. */
export function shown(outcome: Outcome): string[] {
  const result = resultOf(outcome)
  const list = Object.values(result).find(Array.isArray) as { name?: string; uri?: string; uriTemplate?: string }[]
  return list.map((entry) => entry.uri ?? entry.uriTemplate ?? entry.name ?? '')
}

export function resultOf(outcome: Outcome): Record<string, unknown> {
  if (outcome.kind !== 'complete' && outcome.kind !== 'task') throw new Error(`the outcome is ${JSON.stringify(outcome)}`)
  return JSON.parse(Buffer.from(outcome.result.bytes).toString()) as Record<string, unknown>
}

export function faultOf(outcome: Outcome): { kind: string; message: string; detail: Readonly<Record<string, unknown>> } {
  if (outcome.kind !== 'fault') throw new Error(`the outcome is ${outcome.kind}`)
  return outcome.fault
}
