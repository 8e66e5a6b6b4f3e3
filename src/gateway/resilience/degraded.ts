// What an agent is given where a tool fails on the way to its server or behind it, as configuration says of the tool: the last good answer
// (`staleFor`), or else the fault with a sentence for its user (`tellUser`).
import { callFields } from '../../core/call/call-fields.ts'
import '../../core/call/facts.ts'
import type { RoutedCall, TargetedCall, UpstreamId } from '../../core/call/call.ts'
import type { Exchange } from '../../core/call/exchange.ts'
import { failed, type Outcome } from '../../core/call/outcome.ts'
import type { Next, Pass } from '../../core/call/stage.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Report } from '../../core/ports/report.ts'
import { StaleAnswers } from './stale-answers.ts'
import { Writes } from './writes.ts'

export interface Degraded {
  readonly stage: Pass<TargetedCall>
  /** Around the exit of legs that pass no stage: what they change is changed too. */
  resumed(send: Next<RoutedCall>): Next<RoutedCall>
}

/** `ofResources`: `staleFor` of what a server has to read, in ms. */
export function degraded(clock: Clock, report: Report, ofResources: (upstream: UpstreamId) => number | undefined): Degraded {
  const answers = new StaleAnswers(clock)
  const writes = new Writes()
  /** Servers of which answers may be kept, or are on their way. */
  const kept = new Set<UpstreamId>()

  function staleForOf({ item, upstream, continuation }: RoutedCall): number | undefined {
    // The answer to a question of the server belongs to that one call; so does the next leg of it.
    if (continuation !== undefined) return undefined
    if (item.kind === 'tool') return item.traits.readOnly ? item.settings.staleFor : undefined
    return item.kind === 'resource' || item.kind === 'template' ? ofResources(upstream) : undefined
  }

  function after(
    call: RoutedCall,
    outcome: Outcome,
    tellUser: string | undefined,
    staleForMs: number | undefined,
    askedAt: number,
    exchange: Exchange,
  ): Outcome {
    if (outcome.kind === 'complete' && staleForMs !== undefined) answers.keep(call, outcome, askedAt)
    if (outcome.kind !== 'fault') return outcome
    const { fault } = outcome
    const stale = staleForMs === undefined ? undefined : answers.inPlaceOf(fault, call, staleForMs, writes.lastOf(call))
    if (stale !== undefined) {
      exchange.note('local', true)
      report.counters.add('stale_answers', { upstream: call.upstream })
      report.log('debug', 'A call failed, and its last good answer was given', {
        ...callFields(call),
        upstream: call.upstream,
        fault: fault.kind,
      })
      return stale
    }
    const isTold =
      tellUser !== undefined && fault.kind !== 'cancelled' && (fault.category === 'transport' || fault.category === 'integration')
    return isTold ? failed({ ...fault, tellUser }) : outcome
  }

  /** What a server holds may be something else by now: of a call that ended in whatever way, unless it surely was not executed. */
  function changed(call: TargetedCall, outcome: Outcome): void {
    if (outcome.kind !== 'fault' || outcome.fault.sideEffect !== 'none') writes.note(call, clock.mono())
  }

  return {
    stage: {
      name: 'degraded',
      run: (call, exchange, next) => {
        const { item } = call as Partial<RoutedCall>
        // A task that is asked about goes on meanwhile, or has ended.
        if (item === undefined || (item.kind === 'tool' && !item.traits.readOnly)) {
          const tellUser = item?.settings.tellUser
          if (tellUser === undefined && !kept.has(call.upstream)) return next(call, exchange)
          return next(call, exchange).then((outcome) => {
            if (kept.has(call.upstream)) changed(call, outcome)
            return item === undefined ? outcome : after(call as unknown as RoutedCall, outcome, tellUser, undefined, 0, exchange)
          })
        }
        const routed = call as unknown as RoutedCall
        const { tellUser } = item.settings
        const staleForMs = staleForOf(routed)
        if (tellUser === undefined && staleForMs === undefined) return next(call, exchange)
        if (staleForMs !== undefined) kept.add(call.upstream)
        const askedAt = clock.mono()
        return next(call, exchange).then((outcome) => after(routed, outcome, tellUser, staleForMs, askedAt, exchange))
      },
    },
    resumed: (send) => (call, exchange) =>
      send(call, exchange).then((outcome) => {
        if (kept.has(call.upstream) && !(call.item.kind === 'tool' && call.item.traits.readOnly)) changed(call, outcome)
        return outcome
      }),
  }
}
