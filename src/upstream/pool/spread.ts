// How the calls of one upstream are spread over its endpoints: which is asked, what each is told of its calls, and when another takes the
// next attempt.
import { isRepeatable } from '../../core/call/again.ts'
import { failed, type Outcome } from '../../core/call/outcome.ts'
import { atAnother } from '../../core/faults/evidence.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { Connection } from '../connection.ts'
import { isUnreachable } from '../http/failures.ts'
import type { Endpoint, Endpoints } from './endpoints.ts'
import type { Sending, Told } from './transmission.ts'

export class Spread implements Told {
  private readonly endpoints: Endpoints
  private readonly endpointOf = new WeakMap<Connection, Endpoint>()

  constructor(endpoints: Endpoints) {
    this.endpoints = endpoints
  }

  made(connection: Connection, endpoint: Endpoint): void {
    this.endpointOf.set(connection, endpoint)
  }

  of(connection: Connection): Endpoint | undefined {
    return this.endpointOf.get(connection)
  }

  /** Where a task of the call is; undefined where it may go anywhere. */
  onlyFor(sending: Sending | undefined): Endpoint | undefined {
    const place = sending?.call.place
    return place === undefined ? undefined : this.endpoints.marked(place)
  }

  nextFor(sending: Sending | undefined): Endpoint {
    if (sending === undefined) return this.endpoints.next()
    const { call, exchange } = sending
    return this.endpoints.next(exchange.attemptNumber > 1 ? exchange.fact('failedAt') : undefined, isRepeatable(call))
  }

  began(connection: Connection): void {
    const endpoint = this.endpointOf.get(connection)
    if (endpoint !== undefined) endpoint.inFlight += 1
  }

  ended(connection: Connection, { exchange }: Sending, outcome: Outcome | undefined): Outcome | undefined {
    const endpoint = this.endpointOf.get(connection)
    if (endpoint === undefined) return outcome
    this.endpoints.ended(endpoint, outcome)
    if (outcome?.kind === 'task') return { ...outcome, place: endpoint.mark }
    if (outcome?.kind !== 'fault') return outcome
    exchange.note('failedAt', endpoint.id)
    const found = ofOneEndpoint(outcome.fault)
    const { evidence } = found
    // A session stays where it is, unless no connection can be had there.
    const mayMove = !connection.sessionful || isUnreachable(found)
    if (evidence === undefined || !mayMove || !this.endpoints.hasOther(endpoint)) return found === outcome.fault ? outcome : failed(found)
    return failed({ ...found, evidence: atAnother(evidence) })
  }
}

/** When one endpoint is back says nothing of the others: calls to the server are not held to it. */
function ofOneEndpoint(found: Fault): Fault {
  if (found.detail.named !== true || found.evidence?.health !== 'failure') return found
  const { named: _, ...detail } = found.detail
  return { ...found, detail }
}

/** Of a caller whose connection may be in either of two pools, each of which knows its own and no others. */
export function toldBoth(one: Told, other: Told): Told {
  return {
    began: (connection) => {
      one.began(connection)
      other.began(connection)
    },
    ended: (connection, sending, outcome) => other.ended(connection, sending, one.ended(connection, sending, outcome)),
  }
}
