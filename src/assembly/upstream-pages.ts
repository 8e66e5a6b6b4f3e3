// What operators are shown of each server: what the catalogue knows of it, and over it what an operator has done with it.
import type { UpstreamId } from '../core/call/call.ts'
import type { Signal } from '../core/call/signal.ts'
import type { EndpointHealth, ServedState, Upstream } from '../core/ports/upstream.ts'
import type { Redaction } from '../core/secrets/redaction.ts'
import type { UpstreamStatus } from '../downstream/index.ts'
import type { Catalog } from '../gateway/catalog/index.ts'
import type { ResilienceGauge } from '../gateway/resilience/stage.ts'
import type { Gauges } from '../observe/index.ts'
import { systemClock } from '../platform/clock/system-clock.ts'
import type { Inside } from './gateway.ts'
import type { ServerStatus } from './running-gateway.ts'

/** Circuits of items that are shown one by one. */
const mostItems = 100

type Closure = ResilienceGauge['closure']

export function upstreamPages(
  statuses: ReturnType<Catalog['status']>,
  gauges: readonly ResilienceGauge[],
  upstreams: ReadonlyMap<UpstreamId, Upstream>,
  redaction: Redaction,
): readonly UpstreamStatus[] {
  const guards = new Map(gauges.map((gauge) => [gauge.upstream, gauge]))
  return statuses.map(({ server, state, reason, quarantined, incomplete, notes, collisions, unmatched, differences }) => {
    const guard = guards.get(server)
    return {
      name: server,
      state: servedState(state, guard?.closure),
      reason: closureReason(guard?.closure) ?? (reason === undefined ? undefined : redaction.recognised(reason)),
      circuit: guard?.circuit ?? 'closed',
      itemCircuits: guard?.items.slice(0, mostItems) ?? [],
      quarantined,
      incomplete,
      notes,
      collisions,
      unmatched,
      differences,
      endpoints: upstreams.get(server)?.health().endpoints?.map(dated),
      held: guard?.closure === 'paused' ? guard.queued : undefined,
    }
  })
}

/** How often a start looks whether all lists are read, in ms. */
const lookMs = 25

/** Resolves when the catalog has read, or given up on, every server. */
export function allListed(catalog: Pick<Catalog, 'status'>, signal: Signal): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (signal.aborted || catalog.status().every((one) => !one.pending)) resolve()
      else systemClock.timer(lookMs, look)
    }
    look()
  })
}

/** As the command that started the gateway shows them. */
export function serverStatuses(catalog: Pick<Catalog, 'status'>): readonly ServerStatus[] {
  return catalog.status().map(({ server, state, reason, transport, revision, counts, unmatched }) => ({
    name: server,
    transport,
    revision,
    state,
    reason: state === 'ready' ? undefined : reason,
    tools: counts.tool ?? 0,
    prompts: counts.prompt ?? 0,
    resources: (counts.resource ?? 0) + (counts.template ?? 0),
    unmatched,
  }))
}

/** The same in numbers, for metrics. */
export function upstreamGauges({
  upstreams,
  resilience,
  catalog,
}: Pick<Inside, 'upstreams' | 'resilience' | 'catalog'>): ReturnType<Gauges['upstreams']> {
  const guards = new Map(resilience.gauges().map((gauge) => [gauge.upstream, gauge]))
  return [...upstreams].map(([upstream, exit]) => {
    const { state: reached, inFlight, connections, restarts, endpoints = [] } = exit.health()
    const guard = guards.get(upstream)
    return {
      upstream,
      state: servedState(catalog.state(upstream) ?? reached, guard?.closure),
      inFlight,
      connections,
      restarts,
      queued: guard?.queued ?? 0,
      breaker: guard?.circuit ?? 'closed',
      items: guard?.items ?? [],
      endpoints,
    }
  })
}

/** What an operator has done with it is more than what was found of it. */
export function servedState(state: ServedState, closure: Closure): ServedState {
  return closure ?? state
}

/** Times in ISO 8601. */
function dated({ ejectedUntilMs, ...endpoint }: EndpointHealth) {
  return ejectedUntilMs === undefined ? endpoint : { ...endpoint, ejectedUntil: new Date(ejectedUntilMs).toISOString() }
}

function closureReason(closure: Closure): string | undefined {
  if (closure === undefined) return undefined
  return closure === 'paused' ? 'an operator has paused it: its calls are held' : 'an operator has drained it: its calls are refused'
}
