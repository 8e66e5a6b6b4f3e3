// Prometheus metrics. Calls are counted from their records; everything else by the counters of core/ports/report.ts and by gauges that
// read the living parts at scrape time. Label values are bounded: an unknown tool is `_OTHER`.
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { isMethod } from '../core/call/call.ts'
import type { CallRecord } from '../core/call/record.ts'
import { type CounterName, type Counters, counters as counterTable } from '../core/ports/report.ts'
import { servedRevisions } from '../core/protocol/names.ts'
import type { StageTime } from './stage-times.ts'

/** Values that the living parts give at scrape time. */
export interface Gauges {
  upstreams(): readonly {
    readonly upstream: string
    readonly state: string
    readonly inFlight: number
    readonly connections: number
    readonly restarts: number
    readonly queued: number
    readonly breaker: 'closed' | 'half-open' | 'open'
    /** Of its items that are not closed. */
    readonly items: readonly { readonly kind: string; readonly item: string; readonly circuit: 'closed' | 'half-open' | 'open' }[]
    /** Of a server that has several. */
    readonly endpoints: readonly { readonly url: string; readonly state: string; readonly inFlight: number }[]
  }[]
  sessions(): readonly { readonly transport: string; readonly open: number }[]
  clients(): readonly { readonly transport: string; readonly revision: string; readonly clients: number }[]
  /** Tools of each server in each state of their contract. */
  tools(): readonly { readonly upstream: string; readonly state: string; readonly tools: number }[]
  /** Alerts that are open, at most 100 of each server. */
  alerts(): readonly { readonly upstream: string; readonly item: string; readonly kind: string; readonly severity: string }[]
  /** Results of tools, by what they were found to be. */
  results(): readonly { readonly upstream: string; readonly kind: string; readonly results: number }[]
  /** Empty where they are not measured. */
  stages(): readonly StageTime[]
}

export interface Metrics {
  readonly counters: Counters
  observe(record: CallRecord): void
  /** Exposition format of Prometheus, text 0.0.4. */
  text(): Promise<string>
  readonly contentType: string
}

/** OpenTelemetry's boundaries for MCP durations, in seconds. */
const buckets = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300]
const most = 2_000
/** Records that are counted together, or when somebody looks: between two calls each would find the processor's caches cold. */
const mostWaiting = 64

export function createMetrics(gauges: Gauges): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const seconds = new Histogram({
    name: 'signalbox_call_seconds',
    help: 'Duration of calls, from door to delivery.',
    labelNames: ['method', 'upstream', 'item', 'outcome'],
    buckets,
    registers,
  })
  const faults = new Counter({
    name: 'signalbox_faults_total',
    help: 'Faults by kind; each has exactly one category.',
    labelNames: ['category', 'kind', 'upstream'],
    registers,
  })
  const refusals = new Counter({
    name: 'signalbox_refusals_total',
    help: 'Requests turned away at the door, before they became a call.',
    labelNames: ['transport', 'revision', 'kind'],
    registers,
  })
  const coerced = new Counter({
    name: 'signalbox_coerced_arguments_total',
    help: 'Arguments of calls that were given the type of their schema, so that they fit it.',
    labelNames: ['upstream', 'item'],
    registers,
  })
  const sums = { in: 0, out: 0 }
  new Counter({
    name: 'signalbox_call_bytes_total',
    help: 'Bytes of params in and results out.',
    labelNames: ['direction'],
    registers,
    collect() {
      this.reset()
      this.inc({ direction: 'in' }, sums.in)
      this.inc({ direction: 'out' }, sums.out)
    },
  })
  const made = Object.entries(counterTable).map(
    ([name, { help, labels }]) =>
      [name, new Counter({ name: `signalbox_${name}_total`, help, labelNames: [...labels], registers })] as const,
  )
  const byName = new Map<string, Counter>(made)
  const items = boundedLabels()
  addGauges(registry, gauges)
  addStages(registry, gauges)
  addResults(registry, gauges)
  let waiting: CallRecord[] = []
  const count = (): void => {
    const records = waiting
    waiting = []
    for (const record of records) {
      const upstream = record.upstream ?? ''
      seconds.observe(
        { method: methodLabel(record), upstream, item: items(upstream, record.item), outcome: record.outcome },
        record.durationMs / 1_000,
      )
      if (record.fault !== undefined) faults.inc({ category: record.fault.category, kind: record.fault.kind, upstream })
      if (record.coerced !== undefined) coerced.inc({ upstream, item: items(upstream, record.item) }, record.coerced.length)
      if (record.family === 'refused') refusals.inc(refusalLabels(record))
      sums.in += record.bytesIn
      sums.out += record.bytesOut
    }
  }
  return {
    counters: { add: (name: CounterName, labels, by = 1) => byName.get(name)?.inc({ ...labels }, by) },
    observe: (record) => {
      waiting.push(record)
      if (waiting.length >= mostWaiting) count()
    },
    text: () => {
      count()
      return registry.metrics()
    },
    contentType: registry.contentType,
  }
}

/** Requests of clients that are no calls, beside `families`. */
const otherMethods: ReadonlySet<string> = new Set([
  'initialize',
  'ping',
  'logging/setLevel',
  'resources/subscribe',
  'resources/unsubscribe',
])

/** What was turned away may name any method at all. */
function methodLabel({ method, family }: CallRecord): string {
  return family !== 'refused' || method === '' || isMethod(method) || otherMethods.has(method) ? method : '_OTHER'
}

function refusalLabels({ caller: { arrival }, fault }: CallRecord): { transport: string; revision: string; kind: string } {
  const { transport, revision = '' } = arrival
  return { transport, revision: revision === '' || servedRevisions.includes(revision) ? revision : '_OTHER', kind: fault?.kind ?? '' }
}

/** Resource URIs and endless tool lists must not blow up the number of series. */
function boundedLabels(): (upstream: string, item: string | undefined) => string {
  const seen = new Set<string>()
  return (upstream, item) => {
    if (item === undefined) return ''
    if (item.includes('://')) return '_URI'
    const key = `${upstream}/${item}`
    if (seen.has(key)) return item
    if (seen.size >= most) return '_OTHER'
    seen.add(key)
    return item
  }
}

/** Counters that are read and not counted up: whoever measures adds without building labels. */
function addStages(registry: Registry, gauges: Gauges): void {
  for (const [name, help, value] of [
    [
      'signalbox_stage_seconds_total',
      'Time in each stage, without what follows it; measured where `telemetry.stages` is on.',
      (time: StageTime) => time.ownMs / 1_000,
    ],
    [
      'signalbox_stage_passes_total',
      'How often each stage was passed; measured where `telemetry.stages` is on.',
      (time: StageTime) => time.passes,
    ],
  ] as const) {
    new Counter({
      name,
      help,
      labelNames: ['family', 'stage'],
      registers: [registry],
      collect() {
        this.reset()
        for (const time of gauges.stages()) this.inc({ family: time.family, stage: time.stage }, value(time))
      },
    })
  }
}

/** As above. */
function addResults(registry: Registry, gauges: Gauges): void {
  new Counter({
    name: 'signalbox_results_total',
    help: 'Results of tools by what they were found to be: `ok`, `tool_error` (the tool says so), `hidden_error` (given for a success), `empty`, `truncated`, `schema_violation`, `oversize` (too large to look at).',
    labelNames: ['upstream', 'kind'],
    registers: [registry],
    collect() {
      this.reset()
      for (const { upstream, kind, results } of gauges.results()) this.inc({ upstream, kind }, results)
    },
  })
}

const states = ['connecting', 'ready', 'degraded', 'reconnecting', 'unavailable', 'paused', 'drained']
const breakers = { closed: 0, 'half-open': 1, open: 2 }

function addGauges(registry: Registry, gauges: Gauges): void {
  const gauge = (
    name: string,
    help: string,
    labelNames: string[],
    fill: (set: (labels: Record<string, string>, value: number) => void) => void,
  ): void => {
    new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset()
        fill((labels, value) => this.set(labels, value))
      },
    })
  }
  gauge('signalbox_upstream_state', 'State of each upstream: 1 for the present state.', ['upstream', 'state'], (set) => {
    for (const upstream of gauges.upstreams())
      for (const state of states) set({ upstream: upstream.upstream, state }, upstream.state === state ? 1 : 0)
  })
  gauge('signalbox_circuit_state', 'Circuit breaker: 0 closed, 1 half open, 2 open.', ['upstream'], (set) => {
    for (const upstream of gauges.upstreams()) set({ upstream: upstream.upstream }, breakers[upstream.breaker])
  })
  gauge(
    'signalbox_tool_circuit_state',
    'Circuit breakers of single tools that are not closed: 1 half open, 2 open; at most 100 of each upstream.',
    ['upstream', 'item'],
    (set) => {
      for (const { upstream, items } of gauges.upstreams())
        for (const { item, circuit } of items.filter(({ kind }) => kind === 'tool').slice(0, 100))
          set({ upstream, item }, breakers[circuit])
    },
  )
  for (const [name, field, help] of [
    ['signalbox_upstream_in_flight', 'inFlight', 'Calls in flight at an upstream.'],
    ['signalbox_upstream_queued', 'queued', 'Calls waiting for an upstream.'],
    ['signalbox_upstream_connections', 'connections', 'Connections or processes of an upstream.'],
  ] as const) {
    gauge(name, help, ['upstream'], (set) => {
      for (const upstream of gauges.upstreams()) set({ upstream: upstream.upstream }, upstream[field])
    })
  }
  gauge(
    'signalbox_endpoint_ejected',
    'An endpoint of a server with several: 1 while it is left out or yet to be tried.',
    ['upstream', 'endpoint'],
    (set) => {
      for (const { upstream, endpoints } of gauges.upstreams())
        for (const { url, state } of endpoints) set({ upstream, endpoint: url }, state === 'ready' ? 0 : 1)
    },
  )
  gauge('signalbox_endpoint_in_flight', 'Calls in flight at an endpoint of a server with several.', ['upstream', 'endpoint'], (set) => {
    for (const { upstream, endpoints } of gauges.upstreams())
      for (const { url, inFlight } of endpoints) set({ upstream, endpoint: url }, inFlight)
  })
  gauge('signalbox_tool_contracts', 'Tools that servers list or listed, by the state of their contract.', ['upstream', 'state'], (set) => {
    for (const { upstream, state, tools } of gauges.tools()) set({ upstream, state }, tools)
  })
  gauge(
    'signalbox_alerts_open',
    'Alerts that are open, of tools whose results are not as usual; at most 100 of each upstream. Of `severity` `info` are those that call nobody.',
    ['upstream', 'item', 'kind', 'severity'],
    (set) => {
      for (const { upstream, item, kind, severity } of gauges.alerts()) set({ upstream, item, kind, severity }, 1)
    },
  )
  gauge('signalbox_sessions', 'Client sessions open now.', ['transport'], (set) => {
    for (const { transport, open } of gauges.sessions()) set({ transport }, open)
  })
  gauge('signalbox_clients', 'Clients seen since the start, by the way in which they came.', ['transport', 'revision'], (set) => {
    for (const { transport, revision, clients } of gauges.clients()) set({ transport, revision }, clients)
  })
  gauge('signalbox_resident_bytes', 'Resident memory of the gateway.', [], (set) => set({}, process.memoryUsage.rss()))
}
