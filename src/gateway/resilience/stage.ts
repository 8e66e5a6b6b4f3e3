// Stages between a call and its upstream's misfortunes: retry around breaker around bulkhead. Their state belongs to the upstream and
// outlives a reload: it is made once, here, and given new limits.
import '../../core/call/facts.ts'
import { type AttemptPorts, Attempts } from '../../core/call/attempts.ts'
import { Bulkhead, type Closure } from '../../core/call/bulkhead.ts'
import type { TargetedCall, UpstreamId } from '../../core/call/call.ts'
import type { Entry, Gate, Held } from '../../core/call/gates.ts'
import { failed, type Outcome } from '../../core/call/outcome.ts'
import { type Waiting, waitForPlace } from '../../core/call/place.ts'
import { RetryBudget } from '../../core/call/retry-budget.ts'
import type { Pass } from '../../core/call/stage.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { overloaded } from '../../core/faults/overloaded.ts'
import type { Clock, Random } from '../../core/ports/clock.ts'
import type { Report } from '../../core/ports/report.ts'
import type { CircuitState } from './breaker.ts'
import { Circuits, type ItemCircuit, type Refused } from './circuits.ts'
import { ServiceLimits } from './service-limits.ts'

/** The slice of `limits` that stands here. */
export interface ResilienceLimits {
  readonly queue: number
  readonly breakerFailures: number
  readonly breakerOpenMs: number
}

export interface ResilienceParts {
  readonly clock: Clock
  readonly random: Random
  readonly report: Report
  readonly limits: ResilienceLimits
  /** `concurrency` of an upstream. */
  readonly concurrencyOf: (upstream: UpstreamId) => number
  /** Whether calls to it go with the credential of their caller. */
  readonly perPrincipal: (upstream: UpstreamId) => boolean
}

/** How one upstream fares now, for gauges and status pages. */
export interface ResilienceGauge {
  readonly upstream: UpstreamId
  readonly circuit: CircuitState
  /** Circuits of its tools that are not closed. */
  readonly items: readonly ItemCircuit[]
  readonly inFlight: number
  readonly queued: number
  readonly closure: Closure | undefined
}

export interface Resilience {
  readonly retry: Pass<TargetedCall>
  readonly breaker: Gate<TargetedCall>
  readonly bulkhead: Gate<TargetedCall>
  /** One for each upstream that was called. */
  gauges(): readonly ResilienceGauge[]
  /** Holds or refuses the calls of an upstream; `undefined` lets them go on, and nothing is held against it of what was before. */
  close(upstream: UpstreamId, closure: Closure | undefined): void
  /** After a reload: the new limits hold for what is known already; upstreams that are gone are forgotten. */
  update(change: {
    readonly limits: ResilienceLimits
    readonly concurrencyOf: (upstream: UpstreamId) => number
    readonly upstreams: readonly UpstreamId[]
    /** Of these another configuration is served now: nothing is held against them of what was before. */
    readonly replaced?: readonly UpstreamId[]
  }): void
}

interface Guard {
  readonly circuits: Circuits
  readonly serviceLimits: ServiceLimits
  readonly bulkhead: Bulkhead
  /** A place of the bulkhead that was taken. */
  readonly place: Held
  readonly budget: RetryBudget
  readonly ports: AttemptPorts
}

export function createResilience(parts: ResilienceParts): Resilience {
  const { clock, random, report, perPrincipal } = parts
  let { limits, concurrencyOf } = parts
  const guards = new Map<UpstreamId, Guard>()

  const breakerLimits = () => ({ failures: limits.breakerFailures, openMs: limits.breakerOpenMs })
  const bulkheadLimits = (upstream: UpstreamId) => ({ concurrency: concurrencyOf(upstream), queue: limits.queue })

  function guardOf(upstream: UpstreamId): Guard {
    let guard = guards.get(upstream)
    if (guard === undefined) {
      const serviceLimits = new ServiceLimits(clock, perPrincipal(upstream), (tool, ms, status) =>
        logLimit(report, upstream, tool, ms, status),
      )
      const circuits = new Circuits(
        clock,
        breakerLimits(),
        (state, item) => logCircuit(report, upstream, item, state),
        (found, call) => serviceLimits.heard(found, call),
      )
      const bulkhead = new Bulkhead(bulkheadLimits(upstream))
      guard = {
        circuits,
        serviceLimits,
        bulkhead,
        place: { leave: () => bulkhead.leave() },
        budget: new RetryBudget(),
        ports: { clock, random, onRepeat: (evidence) => report.counters.add('retries', { upstream, evidence }) },
      }
      guards.set(upstream, guard)
    }
    return guard
  }

  return {
    retry: {
      name: 'retry',
      repeats: true,
      run: (call, exchange, next) => {
        const { budget, ports } = guardOf(call.upstream)
        budget.earn()
        return new Attempts(ports, budget, call, exchange, next).run()
      },
    },
    breaker: {
      name: 'breaker',
      enter: (call, exchange) => {
        const { circuits, serviceLimits } = guardOf(call.upstream)
        const limited = serviceLimits.enter(call, exchange.attemptNumber)
        if (limited !== undefined && !('leave' in limited)) return limited
        const entry = circuits.enter(call)
        if (limited !== undefined) return afterLimit(limited, entry, call)
        return 'leave' in entry ? entry : circuitOpen(call.upstream, entry)
      },
    },
    bulkhead: {
      name: 'bulkhead',
      enter: ({ upstream }, exchange) => {
        const { bulkhead, place } = guardOf(upstream)
        return bulkhead.tryEnter() ? place : waitForPlace(bulkhead, place, upstream, exchange, waitingAt(upstream, bulkhead, report))
      },
    },
    gauges: () =>
      [...guards].map(([upstream, { circuits, bulkhead }]) => ({
        upstream,
        circuit: circuits.state,
        items: circuits.items(),
        inFlight: bulkhead.inFlight,
        queued: bulkhead.queued,
        closure: bulkhead.closure,
      })),
    close: (upstream, closure) => {
      const { circuits, serviceLimits, bulkhead } = guardOf(upstream)
      circuits.reset()
      serviceLimits.clear()
      bulkhead.close(closure)
    },
    update: (change) => {
      limits = change.limits
      concurrencyOf = change.concurrencyOf
      for (const [upstream, guard] of guards) {
        if (!change.upstreams.includes(upstream)) {
          guards.delete(upstream)
          continue
        }
        guard.circuits.limits = breakerLimits()
        guard.serviceLimits.perPrincipal = perPrincipal(upstream)
        if (change.replaced?.includes(upstream) === true) {
          guard.circuits.reset()
          guard.serviceLimits.clear()
        }
        guard.bulkhead.limit(bulkheadLimits(upstream))
      }
    },
  }
}

function waitingAt(upstream: UpstreamId, bulkhead: Bulkhead, report: Report): Waiting {
  return {
    refused: () => {
      report.counters.add('calls_refused', { upstream })
      if (bulkhead.closure === 'drained') return unavailable(upstream, 'an operator has taken it out of service')
      const how = bulkhead.closure === 'paused' ? 'held while it is paused' : 'queued'
      return failed(overloaded(upstream, `${bulkhead.queued} are ${how}`))
    },
    queued: () => report.counters.add('calls_queued', { upstream }),
    late: () =>
      bulkhead.closure === 'paused'
        ? unavailable(upstream, 'an operator has paused it, and it was not resumed before the deadline of this call')
        : failed(overloaded(upstream, 'no place became free before the deadline')),
  }
}

function unavailable(upstream: UpstreamId, reason: string): Outcome {
  return failed(fault('upstream_unavailable', { upstream, reason }))
}

/** Of the call that goes first when the time is over that its server has said. */
function afterLimit(limited: Held, entry: Held | Refused, call: TargetedCall): Entry {
  if (!('leave' in entry)) {
    limited.leave(undefined, call)
    return circuitOpen(call.upstream, entry)
  }
  return {
    leave: (outcome, left) => {
      entry.leave(outcome, left)
      limited.leave(outcome, left)
    },
  }
}

function circuitOpen(upstream: UpstreamId, { item, retryAfterMs }: Refused): Outcome {
  const detail =
    item === undefined
      ? { upstream, scope: 'upstream', failing: upstream }
      : {
          upstream,
          scope: 'tool',
          tool: item.name,
          failing: `${item.name} of ${upstream}`,
          advice: `What else ${upstream} offers is not affected.`,
        }
  return failed(fault('circuit_open', { ...detail, retryAfterMs }, { retryAfterMs }))
}

function logCircuit(report: Report, upstream: UpstreamId, item: string | undefined, state: CircuitState): void {
  const whose = item === undefined ? 'an upstream' : 'a tool'
  const fields = item === undefined ? { upstream } : { upstream, item }
  if (state === 'open') report.log('warn', `The circuit of ${whose} opened: it is left alone for a while`, fields)
  else if (state === 'closed') report.log('info', `The circuit of ${whose} closed: it works again`, fields)
}

function logLimit(report: Report, upstream: UpstreamId, tool: string | undefined, ms: number, status: unknown): void {
  const fields = { upstream, ...(tool === undefined ? {} : { item: tool }), ms, ...(status === undefined ? {} : { status }) }
  report.log('info', 'A server has said when to come back: until then calls are answered so at once', fields)
}
