// Requests that are about their session alone: `logging/setLevel`, `resources/subscribe`, `resources/unsubscribe`. No stage sees them, and each has
// its row of the audit and its record as a call has.
import type { Caller } from '../../core/call/call.ts'
import { emptyObject, type Payload } from '../../core/call/payload.ts'
import type { Fault } from '../../core/faults/fault.ts'
import { resultBytes } from '../../core/protocol/jsonrpc.ts'
import type { DoorContext } from '../door.ts'
import { traceOf } from '../modern/trace.ts'
import { type Asked, legacyFault } from './answer.ts'
import type { Arrival } from './arrival.ts'
import type { Channel } from './channel.ts'

export interface OwnRequest {
  readonly context: DoorContext
  readonly mount: string
  readonly caller: Caller
  readonly asked: Asked
  readonly params: Payload | undefined
  /** URI of the resource that it is about. */
  readonly target: string | undefined
  readonly arrival: Arrival
}

/** `run` resolves to why it cannot be done. */
export function doOwn(
  { context, mount, caller, asked, params, target, arrival }: OwnRequest,
  channel: Channel,
  run: () => Promise<Fault | undefined>,
): Promise<void> {
  const request = {
    id: arrival.correlationId,
    method: asked.method,
    target,
    mount,
    caller,
    run: context.gateway.runOf(caller.principal, caller.affinity, asked.meta, arrival.runHeaders),
    params,
    startedAtMs: arrival.atMs,
    trace: traceOf(asked.meta, arrival.traceHeaders, context),
    requestId: asked.id,
    arrived: arrival.times,
  }
  return context.gateway.ofSession(request, {
    run,
    answer: (ended) =>
      channel.answer(ended === undefined ? resultBytes(asked.id, emptyObject.bytes) : legacyFault(asked, ended, true), ended),
  })
}
