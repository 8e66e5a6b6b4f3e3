// What an agent is given where a tool fails on the way to its server or behind it, as configuration says of the tool: the last good answer
// (`staleFor`), or else the fault with a sentence for its user (`tellUser`).
import type { RoutedCall } from '../../core/call/call.ts'
import { failed, type Outcome } from '../../core/call/outcome.ts'
import type { Pass } from '../../core/call/stage.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Report } from '../../core/ports/report.ts'
import { StaleAnswers } from './stale-answers.ts'

export function degraded(clock: Clock, report: Report): Pass<RoutedCall> {
  const answers = new StaleAnswers(clock)

  function after(call: RoutedCall, outcome: Outcome, tellUser: string | undefined, staleForMs: number | undefined): Outcome {
    if (outcome.kind === 'complete' && staleForMs !== undefined) answers.keep(call, outcome)
    if (outcome.kind !== 'fault') return outcome
    const { fault } = outcome
    const stale = staleForMs === undefined ? undefined : answers.inPlaceOf(fault, call, staleForMs)
    if (stale !== undefined) {
      report.counters.add('stale_answers', { upstream: call.upstream })
      report.log('debug', 'A call failed, and its last good answer was given', {
        call: call.id,
        upstream: call.upstream,
        fault: fault.kind,
      })
      return stale
    }
    const isTold =
      tellUser !== undefined && fault.kind !== 'cancelled' && (fault.category === 'transport' || fault.category === 'integration')
    return isTold ? failed({ ...fault, tellUser }) : outcome
  }

  return {
    name: 'degraded',
    run: (call, exchange, next) => {
      const { settings, traits } = call.item
      const { tellUser } = settings
      // The answer to a question of the server belongs to that one call; so does the next leg of it.
      const staleForMs = traits.readOnly && call.continuation === undefined ? settings.staleFor : undefined
      if (tellUser === undefined && staleForMs === undefined) return next(call, exchange)
      return next(call, exchange).then((outcome) => after(call, outcome, tellUser, staleForMs))
    },
  }
}
