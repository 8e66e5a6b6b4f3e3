// Tokens of runs with what they stand on: what is usual, kept over restarts, and who hears of a run that is not.
import type { TargetedCall } from '../core/call/call.ts'
import type { Usage } from '../core/call/record.ts'
import { reportBug } from '../core/ports/boundary.ts'
import type { Clock, Timer } from '../core/ports/clock.ts'
import type { Durable } from '../core/ports/durable.ts'
import type { Report } from '../core/ports/report.ts'
import type { UnusualRun, UnusualRuns } from '../core/ports/run-usage.ts'
import { KeptRuns } from '../gateway/limits/kept-runs.ts'
import { RunUsage } from '../gateway/limits/run-usage.ts'

export interface AssembledRunUsage extends UnusualRuns {
  used(call: TargetedCall, usage: Usage): void
  /** Brings back what was used before the start. Never rejects. */
  start(): Promise<void>
  /** Writes what was used; before the durable store closes. */
  end(): Promise<void>
}

/** How often runs are looked for that are over, in ms. */
const sweepMs = 60_000

/** `durable` absent: what is usual ends with the gateway. */
export function assembleRunUsage(clock: Clock, report: Report, durable: Durable | undefined): AssembledRunUsage {
  const listeners: ((found: UnusualRun) => void)[] = []
  const tell = (found: UnusualRun): void => {
    const { run, principal, client, team, tokens, calls, usual } = found
    report.counters.add('unusual_runs', {})
    report.log('warn', 'A run uses many times the tokens that runs of its client and team usually use', {
      run,
      sub: principal.sub,
      client,
      team,
      tokens,
      calls,
      usual,
    })
    for (const listener of listeners) {
      try {
        listener(found)
      } catch (bug) {
        reportBug(report, 'limits', bug)
      }
    }
  }
  const kept = durable === undefined ? undefined : new KeptRuns(durable, clock, report)
  const runs = new RunUsage((found) => tell({ ...found, atMs: clock.now() }), kept)
  let timer: Timer | undefined
  let ended = false
  const later = (): void => {
    if (ended || runs.size === 0) return
    timer ??= clock.timer(sweepMs, () => {
      timer = undefined
      runs.sweep(clock.mono())
      later()
    })
  }
  return {
    onUnusual: (listener) => void listeners.push(listener),
    used: (call, usage) => {
      runs.note(call, usage, clock.mono())
      later()
    },
    start: async () => {
      await kept?.load(runs)
      later()
    },
    end: async () => {
      ended = true
      timer?.cancel()
      await kept?.end()
    },
  }
}
