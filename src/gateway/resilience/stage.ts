// Stages between a call and its upstream's misfortunes: retry around breaker around bulkhead. Their state belongs to the upstream and
// outlives a reload: it is made once, here, and given new limits.
import type { Signal } from '../../core/call/signal.ts'
import '../../core/call/facts.ts'
import { type AttemptPorts, Attempts, RetryBudget } from '../../core/call/attempts.ts'
import { Bulkhead } from '../../core/call/bulkhead.ts'
import type { TargetedCall, UpstreamId } from '../../core/call/call.ts'
import { type Exchange, endReason } from '../../core/call/exchange.ts'
import type { Entry, Gate, Held } from '../../core/call/gates.ts'
import { failed, type Outcome } from '../../core/call/outcome.ts'
import type { Pass } from '../../core/call/stage.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { endedBy } from '../../core/faults/ended.ts'
import type { Clock, Random } from '../../core/ports/clock.ts'
import type { Report } from '../../core/ports/report.ts'
import { Breaker, type CircuitState, sampleOf } from './breaker.ts'

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
}

/** How one upstream fares now, for gauges and status pages. */
export interface ResilienceGauge {
  readonly upstream: UpstreamId
  readonly circuit: CircuitState
  readonly inFlight: number
  readonly queued: number
}

export interface Resilience {
  readonly retry: Pass<TargetedCall>
  readonly breaker: Gate<TargetedCall>
  readonly bulkhead: Gate<TargetedCall>
  /** One for each upstream that was called. */
  gauges(): readonly ResilienceGauge[]
  /** After a reload: the new limits hold for what is known already; upstreams that are gone are forgotten. */
  update(change: {
    readonly limits: ResilienceLimits
    readonly concurrencyOf: (upstream: UpstreamId) => number
    readonly upstreams: readonly UpstreamId[]
  }): void
}

interface Guard {
  readonly breaker: Breaker
  /** Of calls while the circuit is closed, and of the one that tries whether it can be. */
  readonly usual: Held
  readonly trial: Held
  readonly bulkhead: Bulkhead
  /** A place of the bulkhead that was taken. */
  readonly place: Held
  readonly budget: RetryBudget
  readonly ports: AttemptPorts
}

/** What an agent is told to wait when a queue is full, in ms. */
const overloadedRetryMs = 1_000

export function createResilience(parts: ResilienceParts): Resilience {
  const { clock, random, report } = parts
  let { limits, concurrencyOf } = parts
  const guards = new Map<UpstreamId, Guard>()

  const breakerLimits = () => ({ failures: limits.breakerFailures, openMs: limits.breakerOpenMs })
  const bulkheadLimits = (upstream: UpstreamId) => ({ concurrency: concurrencyOf(upstream), queue: limits.queue })

  function guardOf(upstream: UpstreamId): Guard {
    let guard = guards.get(upstream)
    if (guard === undefined) {
      const breaker = new Breaker(clock, breakerLimits(), (state) => logCircuit(report, upstream, state))
      const bulkhead = new Bulkhead(bulkheadLimits(upstream))
      guard = {
        breaker,
        usual: { leave: (outcome) => breaker.settle(false, sampleOf(outcome)) },
        trial: { leave: (outcome) => breaker.settle(true, sampleOf(outcome)) },
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
      enter: ({ upstream }) => {
        const { breaker, usual, trial } = guardOf(upstream)
        const admission = breaker.admit()
        if (!admission.admitted) return circuitOpen(upstream, admission.retryAfterMs)
        return admission.trial ? trial : usual
      },
    },
    bulkhead: {
      name: 'bulkhead',
      enter: ({ upstream }, exchange) => {
        const { bulkhead, place } = guardOf(upstream)
        return bulkhead.tryEnter() ? place : queue(bulkhead, place, upstream, exchange, report)
      },
    },
    gauges: () =>
      [...guards].map(([upstream, { breaker, bulkhead }]) => ({
        upstream,
        circuit: breaker.state,
        inFlight: bulkhead.inFlight,
        queued: bulkhead.queued,
      })),
    update: (change) => {
      limits = change.limits
      concurrencyOf = change.concurrencyOf
      for (const [upstream, guard] of guards) {
        if (!change.upstreams.includes(upstream)) {
          guards.delete(upstream)
          continue
        }
        guard.breaker.limits = breakerLimits()
        guard.bulkhead.limit(bulkheadLimits(upstream))
      }
    },
  }
}

async function queue(bulkhead: Bulkhead, place: Held, upstream: UpstreamId, exchange: Exchange, report: Report): Promise<Entry> {
  const waiting = bulkhead.wait(exchange.signal)
  if (waiting === undefined) {
    report.counters.add('calls_refused', { upstream })
    return overloaded(upstream, `${bulkhead.queued} are queued`)
  }
  report.counters.add('calls_queued', { upstream })
  if ((await waiting) === 'admitted') return place
  return ended(upstream, exchange.signal)
}

function ended(upstream: UpstreamId, signal: Signal): Outcome {
  const reason = endReason(signal)
  if (reason === 'deadline') return overloaded(upstream, 'no place became free before the deadline')
  return failed(endedBy(reason ?? 'cancelled', upstream))
}

function overloaded(upstream: UpstreamId, limit: string): Outcome {
  return failed(fault('overloaded', { upstream, limit, retryAfterMs: overloadedRetryMs }, { retryAfterMs: overloadedRetryMs }))
}

function circuitOpen(upstream: UpstreamId, retryAfterMs: number): Outcome {
  return failed(fault('circuit_open', { upstream, retryAfterMs }, { retryAfterMs }))
}

function logCircuit(report: Report, upstream: UpstreamId, state: CircuitState): void {
  if (state === 'open') report.log('warn', 'The circuit of an upstream opened: it is left alone for a while', { upstream })
  else if (state === 'closed') report.log('info', 'The circuit of an upstream closed: it works again', { upstream })
}
