// The stages of multi-round-trip requests (SEP-2322): `continue` opens the `requestState` of a next leg, `seal` makes the one of a leg
// that needs input, `resume` brings a parked leg straight to the call that waits. Believed without a seal it would be a free call.
import '../../core/call/facts.ts'
import type { Call, Continuation, RoutedCall } from '../../core/call/call.ts'
import { failed, type Outcome } from '../../core/call/outcome.ts'
import { payload } from '../../core/call/payload.ts'
import type { Sealer } from '../../core/call/seal.ts'
import type { Next, Pass } from '../../core/call/stage.ts'
import { fault } from '../../core/faults/catalogue.ts'
import type { Clock, Random } from '../../core/ports/clock.ts'
import { locate } from '../../core/protocol/locate.ts'
import { digest, type Opened, openContinuation, sealContinuation } from './seal.ts'
import { UsedTokens } from './used-tokens.ts'

export interface ContinuationParts {
  readonly sealer: Sealer
  readonly clock: Clock
  readonly random: Random
}

export interface ContinuationStages {
  /**
   * Opens `params.requestState` into `call.continuation` and takes it out of `params`; `inputResponses` stay. Exits read
   * `call.continuation` only. Without a `requestState` the call passes unchanged, `inputResponses` or not. The digest of the arguments as
   * the caller sent them is compared here and made by `seal`: who changes them in between notes what they were (fact `coerced`).
   */
  readonly continued: Pass<Call>
  /** Holds the opened seal against the resolved item, and seals what the leg leaves open, also where the upstream sent no state. */
  readonly seal: Pass<RoutedCall>
  /** Sends a parked leg by `send`, past retry, breaker and bulkhead, once; everything else goes on. */
  resume(send: Next<RoutedCall>): Pass<RoutedCall>
}

/** Made once by the assembly: it remembers which parked legs were taken up, and must outlive a reload. */
export function createContinuation({ sealer, clock, random }: ContinuationParts): ContinuationStages {
  const used = new UsedTokens(clock)
  // What was opened, by the continuation that travels on the call: stages copy calls but never continuations.
  const opened = new WeakMap<Continuation, Opened>()

  return {
    continued: {
      name: 'continued',
      run: (call, exchange, next) => {
        const state = (call.params.json() as { readonly requestState?: unknown } | null | undefined)?.requestState
        if (state === undefined) return next(call, exchange)
        const found = openContinuation(sealer, state, call, clock.now())
        if ('reason' in found) return refuse(found.reason)
        const continuation = continuationOf(found, call)
        opened.set(continuation, found)
        return next({ ...call, continuation, params: call.params.edit([{ path: ['requestState'], value: undefined }]) }, exchange)
      },
    },
    seal: {
      name: 'seal',
      run: (call, exchange, next) => {
        const before = call.continuation === undefined ? undefined : opened.get(call.continuation)
        const reason = before === undefined ? undefined : movedOn(before, call)
        if (reason !== undefined) return refuse(reason)
        return next(call, exchange).then((outcome) => {
          if (outcome.kind !== 'input_required') return outcome
          const asSent = exchange.fact('coerced')?.asSent
          const sealed = sealContinuation(sealer, {
            call: asSent === undefined ? call : { ...call, params: asSent },
            upstream: call.upstream,
            item: call.item.name,
            definition: digest(call.item.definition.bytes),
            continuation: outcome.continuation,
            token: random.id(),
            nowMs: clock.now(),
          })
          return { ...outcome, sealed }
        })
      },
    },
    resume: (send) => ({
      name: 'resume',
      run: (call, exchange, next) => {
        if (call.continuation?.kind !== 'parked') return next(call, exchange)
        const found = opened.get(call.continuation)
        if (found !== undefined && !used.take(found.token, found.expiresAtMs)) return refuse('it was used already')
        return send(call, exchange)
      },
    }),
  }
}

function continuationOf({ continuation, upstream }: Opened, call: Call): Continuation {
  if (continuation.kind === 'relayed') return { kind: 'relayed', inner: continuation.inner }
  const answers = locate(call.params.bytes, ['inputResponses'])
  return {
    kind: 'parked',
    park: continuation.park,
    owner: continuation.owner,
    upstream,
    answers: answers === undefined ? undefined : payload(answers),
  }
}

/** Why the item is not the one of the first leg any more. */
function movedOn(before: Opened, call: RoutedCall): string | undefined {
  if (before.upstream !== call.upstream || before.item !== call.item.name) return 'the name leads to another server now'
  return before.definition === digest(call.item.definition.bytes) ? undefined : 'the definition has changed since the first leg'
}

function refuse(reason: string): Promise<Outcome> {
  return Promise.resolve(failed(fault('invalid_continuation', { reason })))
}
