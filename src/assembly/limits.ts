// Limits with what they stand on: the store of what was used and, where that is in memory, the durable store from which it is brought back
// after a restart.
import type { UpstreamId } from '../core/call/call.ts'
import type { Clock, Random } from '../core/ports/clock.ts'
import type { Durable } from '../core/ports/durable.ts'
import type { LimitStore } from '../core/ports/limit-store.ts'
import type { Report } from '../core/ports/report.ts'
import type { UnusualRuns } from '../core/ports/run-usage.ts'
import { createLimits, type Limits } from '../gateway/limits/gate.ts'
import { KeptUsage } from '../gateway/limits/kept-usage.ts'
import { Meter } from '../gateway/limits/meter.ts'
import { loopOf } from '../gateway/limits/settings.ts'
import { ratesBySelector } from '../gateway/tools/rates-by-selector.ts'
import { createMemoryLimitStore } from '../platform/limits/memory.ts'
import { createTokenCounter, estimatingCounter } from '../platform/tokens/counter.ts'
import { assembleRunUsage } from './run-usage.ts'
import type { Settings } from './settings.ts'

export interface AssembledLimits extends Limits, UnusualRuns {
  /** Brings back what was used before the start. Never rejects. */
  start(): Promise<void>
  /** Writes what was used; before the durable store closes. */
  end(): Promise<void>
}

export interface LimitsSources {
  readonly settings: Settings
  readonly clock: Clock
  readonly random: Random
  readonly report: Report
  readonly durable: Durable | undefined
  /** Shared with other gateways: it outlives this one by itself. Absent: in memory. */
  readonly shared: LimitStore | undefined
}

export function assembleLimits({ settings, clock, random, report, durable, shared }: LimitsSources): AssembledLimits {
  const store = shared ?? createMemoryLimitStore(clock, report)
  const kept = durable === undefined || shared !== undefined ? undefined : new KeptUsage(durable, clock, report)
  const { budgets, loops, prices, profile } = settings
  const counter = settings.telemetry.tokens ? createTokenCounter({ clock, report }) : estimatingCounter
  const runs = assembleRunUsage(clock, report, durable)
  const rateOf = (id: UpstreamId) => settings.servers[id]?.rate
  const limits = createLimits({
    store,
    clock,
    random,
    report,
    kept,
    meter: new Meter({ prices, random, counter }),
    used: runs.used,
    currency: prices.currency,
    rateOf,
    ratesOf: ratesBySelector(settings.prompts, settings.resources),
    loop: loopOf(loops, profile),
    budgets,
  })
  return {
    ...limits,
    onUnusual: runs.onUnusual,
    start: async () => {
      await runs.start()
      for (const use of (await kept?.load()) ?? []) limits.restore(use)
    },
    end: async () => {
      counter.close()
      await runs.end()
      await kept?.end()
    },
  }
}
