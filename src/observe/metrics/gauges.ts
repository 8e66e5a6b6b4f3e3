// What is read of the living parts at scrape time.
import { Counter, Gauge, type Registry } from 'prom-client'
import type { ObjectiveReport } from '../objectives/index.ts'
import type { StageTime } from '../stage-times.ts'

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
  /** Incidents that are open. */
  incidents(): readonly { readonly server: string; readonly kind: string; readonly severity: string }[]
  /** Of tools and servers that have one. */
  objectives(): readonly ObjectiveReport[]
  /** Results of tools, by what they were found to be. */
  results(): readonly { readonly upstream: string; readonly kind: string; readonly results: number }[]
  /** Rows of the audit that wait to be kept. */
  auditWaiting(): number
  /** Spans that wait for their collector. */
  spansQueued(): number
  /** Empty where they are not measured. */
  stages(): readonly StageTime[]
}

export function addGauges(registry: Registry, gauges: Gauges): void {
  addStages(registry, gauges)
  addResults(registry, gauges)
  addLiving(registry, gauges)
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

function addLiving(registry: Registry, gauges: Gauges): void {
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
  gauge(
    'signalbox_incidents_open',
    'Incidents that are open (docs/alerts.md), by what stands for each; `upstream` is empty of what is about no server.',
    ['upstream', 'kind', 'severity'],
    (set) => {
      const counts = new Map<string, { labels: Record<string, string>; open: number }>()
      for (const { server, kind, severity } of gauges.incidents()) {
        const key = `${server}\0${kind}\0${severity}`
        const known = counts.get(key)
        if (known === undefined) counts.set(key, { labels: { upstream: server, kind, severity }, open: 1 })
        else known.open += 1
      }
      for (const { labels, open } of counts.values()) set(labels, open)
    },
  )
  const ofObjective = ({ server: upstream, tool: item = '', objective }: ObjectiveReport) => ({ upstream, item, objective })
  const labels = ['upstream', 'item', 'objective']
  gauge(
    'signalbox_objective_target',
    'Part of the calls that are to be good, by objective (docs/alerts.md#objectives); `item` is empty of a server.',
    labels,
    (set) => {
      for (const one of gauges.objectives()) set(ofObjective(one), one.target / 100)
    },
  )
  gauge(
    'signalbox_objective_burn_rate',
    'How fast the error budget is used up, by window: 1 uses it up in 30 days.',
    [...labels, 'window'],
    (set) => {
      for (const one of gauges.objectives())
        for (const [window, rate] of Object.entries(one.burnRates)) set({ ...ofObjective(one), window }, rate)
    },
  )
  gauge(
    'signalbox_objective_budget_remaining',
    'Error budget of the last 30 days that is left: 1 all, 0 nothing, less where more was used.',
    labels,
    (set) => {
      for (const one of gauges.objectives()) set(ofObjective(one), one.budgetLeft)
    },
  )
  gauge('signalbox_sessions', 'Client sessions open now.', ['transport'], (set) => {
    for (const { transport, open } of gauges.sessions()) set({ transport }, open)
  })
  gauge('signalbox_clients', 'Clients seen since the start, by the way in which they came.', ['transport', 'revision'], (set) => {
    for (const { transport, revision, clients } of gauges.clients()) set({ transport, revision }, clients)
  })
  gauge('signalbox_audit_rows_waiting', 'Rows of the audit that wait to be kept.', [], (set) => set({}, gauges.auditWaiting()))
  gauge('signalbox_spans_queued', 'Spans that wait for their collector.', [], (set) => set({}, gauges.spansQueued()))
  gauge('signalbox_resident_bytes', 'Resident memory of the gateway.', [], (set) => set({}, process.memoryUsage.rss()))
}
