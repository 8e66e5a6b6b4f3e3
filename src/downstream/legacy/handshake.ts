// `initialize` of a legacy client: one `server/discover` call inside, and what both sides agreed on for the life of the session.

import '../../core/call/facts.ts'
import type { Caller, TraceContext } from '../../core/call/call.ts'
import { type OpenExchange, openExchange } from '../../core/call/exchange.ts'
import { failed, type Outcome } from '../../core/call/outcome.ts'
import { payloadOf } from '../../core/call/payload.ts'
import type { Principal } from '../../core/call/principal.ts'
import { fault } from '../../core/faults/catalogue.ts'
import type { Fault } from '../../core/faults/fault.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import type { IncomingRequest } from '../../core/protocol/jsonrpc.ts'
import { resultBytes } from '../../core/protocol/jsonrpc.ts'
import type { DoorContext } from '../door.ts'
import { legacyAnswer } from './answer.ts'
import type { Arrival } from './arrival.ts'
import { makeCall } from './call.ts'
import { announcedLists, clientInfo, type Handshake, initializeResult, modernCapabilities, negotiate } from './capabilities.ts'

/** Largest params of `initialize` in bytes: capabilities and client info are kept for as long as the session. */
const largest = 262_144

export interface Opening {
  readonly session: string
  readonly transport: Caller['arrival']['transport']
  readonly mount: string
  readonly principal: Principal
}

export interface Opened {
  /** Undefined where the gateway could not tell what it serves: then the answer is an error and there is no session. */
  readonly handshake: Handshake | undefined
  readonly answer: Buffer
  /** What the answer says, where it is one with a challenge. */
  readonly challenged: Fault | undefined
  /** To be closed when the answer has left. */
  readonly exchange: OpenExchange
}

export async function handshake(context: DoorContext, opening: Opening, message: IncomingRequest, arrival: Arrival): Promise<Opened> {
  const oversize = (message.params?.size ?? 0) > largest
  // The door has parsed the message already.
  const params = message.params?.json()
  const said = isObject(params) ? params : {}
  const meta = isObject(said._meta) ? said._meta : undefined
  const revision = negotiate(said.protocolVersion)
  const asked = oversize ? {} : said
  const capabilities = modernCapabilities(asked.capabilities)
  const client = clientInfo(asked.clientInfo)
  const { call } = makeCall(
    {
      id: arrival.correlationId,
      method: 'server/discover',
      mount: opening.mount,
      params: meta === undefined ? undefined : payloadOf({ _meta: meta }),
      caller: {
        principal: opening.principal,
        client,
        capabilities,
        affinity: opening.session,
        arrival: { transport: opening.transport, revision, userAgent: arrival.userAgent },
        headers: arrival.headers,
      },
      logLevel: undefined,
      runHeaders: arrival.runHeaders,
      traceHeaders: arrival.traceHeaders,
    },
    context,
  )
  const exchange = openExchange(context.clock, context.limits, { emit: () => {} }, opening.principal)
  exchange.note('askedAs', message.method)
  exchange.note('requestId', message.id)
  exchange.note('arrived', arrival.times)
  const outcome = oversize
    ? turnedAway(context, opening, said.protocolVersion, arrival, message.id, call.trace)
    : await context.gateway.handle(call, exchange)
  if (outcome.kind !== 'complete') {
    const answer = legacyAnswer(
      { id: message.id, method: message.method, revision, correlationId: arrival.correlationId, run: call.run.id, turn: call.run.turn },
      outcome,
      true,
    )
    const challenged = outcome.kind === 'fault' && outcome.fault.challenge !== undefined ? outcome.fault : undefined
    return { handshake: undefined, answer, challenged, exchange }
  }
  const discover = outcome.result.json()
  const result = Buffer.from(JSON.stringify(initializeResult(discover, revision, context.server)))
  return {
    handshake: { revision, capabilities, client, lists: announcedLists(discover) },
    answer: resultBytes(message.id, result),
    challenged: undefined,
    exchange,
  }
}

/** No stage sees the call, so its record is written here. */
function turnedAway(
  context: DoorContext,
  opening: Opening,
  revision: unknown,
  arrival: Arrival,
  requestId: string,
  trace: TraceContext,
): Outcome {
  const tooLarge = fault('invalid_params', { reason: `initialize holds more than ${largest} bytes` })
  context.gateway.refuse({
    id: arrival.correlationId,
    method: 'initialize',
    mount: opening.mount,
    transport: opening.transport,
    revision: typeof revision === 'string' ? revision : undefined,
    principal: opening.principal,
    fault: tooLarge,
    startedAtMs: arrival.atMs,
    trace,
    requestId,
    arrived: arrival.times,
  })
  return failed(tooLarge)
}
