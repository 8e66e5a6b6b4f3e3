// How the calls of one upstream are spread over its endpoints: which is asked, what each is told of its calls, and when another takes the
// next attempt.
import { isRepeatable } from '../../core/call/again.ts'
import { failed, type Outcome } from '../../core/call/outcome.ts'
import { atAnother } from '../../core/faults/evidence.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { Connection } from '../connection.ts'
import { isUnreachable } from '../http/failures.ts'
import { type Endpoint, type Endpoints, failuresInARow } from './endpoints.ts'
import type { Sending, Told } from './transmission.ts'

/** Where a connection leads. */
interface Led {
  readonly endpoint: Endpoint
  /** Its calls that failed in a row. */
  failures: number
}

export class Spread implements Told {
  /** The session of this connection fails, and so does its endpoint, while others serve. Set once. */
  onSessionFailing: (connection: Connection) => void = () => {}
  private readonly endpoints: Endpoints
  private readonly led = new WeakMap<Connection, Led>()

  constructor(endpoints: Endpoints) {
    this.endpoints = endpoints
  }

  made(connection: Connection, endpoint: Endpoint): void {
    this.led.set(connection, { endpoint, failures: 0 })
  }

  of(connection: Connection): Endpoint | undefined {
    return this.led.get(connection)?.endpoint
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
    const led = this.led.get(connection)
    if (led !== undefined) led.endpoint.inFlight += 1
  }

  ended(connection: Connection, { exchange }: Sending, outcome: Outcome | undefined): Outcome | undefined {
    const led = this.led.get(connection)
    if (led === undefined) return outcome
    const { endpoint } = led
    this.endpoints.ended(endpoint, outcome)
    if (connection.sessionful) this.judgeSession(connection, led, outcome)
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

  /** A session is worth more patience than one call: it is its own failures in a row that count, at an endpoint that fails for others too. */
  private judgeSession(connection: Connection, led: Led, outcome: Outcome | undefined): void {
    const sample = sampleOf(outcome)
    if (sample === 'success') led.failures = 0
    if (sample !== 'failure') return
    led.failures += 1
    if (led.failures >= failuresInARow && this.endpoints.isOutlier(led.endpoint)) this.onSessionFailing(connection)
  }
}

/** What an end says of the endpoint; nothing where it is not of the server. */
function sampleOf(outcome: Outcome | undefined): 'success' | 'failure' | 'neutral' {
  if (outcome === undefined) return 'neutral'
  return outcome.kind === 'fault' ? (outcome.fault.evidence?.health ?? 'neutral') : 'success'
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
