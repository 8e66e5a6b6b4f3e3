// What an agent is given where a tool fails on the way to its server or behind it, as configuration says of the tool: the last good answer
// (`staleFor`), or else the fault with a sentence for its user (`tellUser`).
import type { RoutedCall, UpstreamId } from '../../core/call/call.ts'
import { failed, type Outcome } from '../../core/call/outcome.ts'
import type { Pass } from '../../core/call/stage.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Report } from '../../core/ports/report.ts'
import { StaleAnswers } from './stale-answers.ts'

/** `ofResources`: `staleFor` of what a server has to read, in ms. */
export function degraded(clock: Clock, report: Report, ofResources: (upstream: UpstreamId) => number | undefined): Pass<RoutedCall> {
  const answers = new StaleAnswers(clock)

  function staleForOf({ item, upstream, continuation }: RoutedCall): number | undefined {
    // The answer to a question of the server belongs to that one call; so does the next leg of it.
    if (continuation !== undefined) return undefined
    if (item.kind === 'tool') return item.traits.readOnly ? item.settings.staleFor : undefined
    return item.kind === 'resource' || item.kind === 'template' ? ofResources(upstream) : undefined
  }

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
      const { tellUser } = call.item.settings
      const staleForMs = staleForOf(call)
      if (tellUser === undefined && staleForMs === undefined) return next(call, exchange)
      return next(call, exchange).then((outcome) => after(call, outcome, tellUser, staleForMs))
    },
  }
}
