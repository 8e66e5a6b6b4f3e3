// One attempt of a call on its way to the connection that it belongs to: another connection where the first is occupied. An object, so that
// the usual way costs one promise.
import type { Caller, TargetedCall } from '../../core/call/call.ts'
import type { Exchange } from '../../core/call/exchange.ts'
import { failed, type Outcome } from '../../core/call/outcome.ts'
import type { PhaseName } from '../../core/call/phases.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { evidence } from '../../core/faults/evidence.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { Clock } from '../../core/ports/clock.ts'
import { type CredentialLease, isLease, type Leased } from '../../core/ports/credentials.ts'
import type { WordsReader } from '../../core/ports/refusing-words.ts'
import type { Connection, Occupied } from '../connection.ts'
import { isUnreachable } from '../http/failures.ts'
import { askingOf, endedFault, unsentFault } from '../messages/answers.ts'
import { explained } from '../messages/lacking.ts'
import { heedWords } from '../messages/refusing-words.ts'
import { orAborted } from '../wire/requests.ts'

/** Connections of one owner at once: further ones are made while calls that wait for their user have the others to themselves. */
const mostOverflow = 8

/** What it needs of the pool. */
export interface ConnectionSource {
  readonly clock: Clock
  readonly words: WordsReader | undefined
  /** The credential of the caller; at once where it is at hand. */
  lease(owner: Caller): Leased | Promise<Leased>
  /** At once where it is open. `sending`: the attempt that it is for. */
  connectionFor(owner: Caller, lease: CredentialLease, overflow: number, sending: Sending): Connection | Fault | Promise<Connection | Fault>
  /** Of a server that has several endpoints. */
  readonly told: Told | undefined
  /** The server speaks another revision than this connection. */
  forget(connection: Connection): void
  /** No request reaches the connection's endpoint; nothing was sent. */
  unreachable(connection: Connection, found: Fault): void
  /** Which of so many queues is next. */
  nextQueue(queues: number): number
}

/** Who is told of what is sent on a connection, and of its end. */
export interface Told {
  began(connection: Connection): void
  /** Gives the outcome as it is to be taken; `undefined`: a bug of ours, or nothing was sent. */
  ended(connection: Connection, sending: Sending, outcome: Outcome | undefined): Outcome | undefined
}

/** One attempt of a call. */
export interface Sending {
  readonly call: TargetedCall
  readonly exchange: Exchange
}

export class Transmission implements Sending {
  readonly call: TargetedCall
  readonly exchange: Exchange
  private readonly source: ConnectionSource
  private readonly over: () => void
  private readonly startedAt: number
  private overflow = 0
  /** All overflow connections are taken: it waits in the queue of one. */
  private patient = false
  private connection: Connection | undefined
  /** Its endpoint counts it as a call in flight. */
  private isCounted = false
  private credential: CredentialLease | undefined

  /** `over` runs once, when the call has its outcome. */
  constructor(source: ConnectionSource, call: TargetedCall, exchange: Exchange, over: () => void) {
    this.source = source
    this.call = call
    this.exchange = exchange
    this.over = over
    this.startedAt = source.clock.mono()
  }

  /** Sends the call on its owner's first connection that no call which waits for its user has to itself. */
  send(): Promise<Outcome> {
    const leased = this.source.lease(this.call.caller)
    if (!(leased instanceof Promise)) return this.sendWith(leased)
    this.at('credential')
    return orAborted(leased, this.exchange.signal, () => undefined).then((lease) => this.sendWith(lease), this.broke)
  }

  private sendWith(lease: Leased | undefined): Promise<Outcome> {
    if (lease === undefined) return this.interrupted()
    if (!isLease(lease)) return Promise.resolve(this.ended(failed(unsentFault(lease))))
    const got = this.source.connectionFor(this.call.caller, lease, this.overflow, this)
    if (!(got instanceof Promise)) return this.sendOn(got, lease)
    this.at('connect')
    return orAborted(got, this.exchange.signal, () => undefined).then((connection) => this.sendOn(connection, lease), this.broke)
  }

  /** The call ended while it waited for what it needs; nothing was sent. */
  private interrupted(): Promise<Outcome> {
    const waitedMs = this.source.clock.mono() - this.startedAt
    return Promise.resolve(this.ended(failed(endedFault(askingOf(this.call), this.exchange, waitedMs, false))))
  }

  private sendOn(got: Connection | Fault | undefined, lease: CredentialLease): Promise<Outcome> {
    if (got === undefined) return this.interrupted()
    this.credential = lease
    if (!('close' in got)) return Promise.resolve(this.refused(unsentFault(got)))
    if (this.call.build !== undefined && (got.build ?? 0) > this.call.build) return Promise.resolve(this.ended(failed(outdated(this.call))))
    this.connection = got
    this.exchange.note('sentOn', got.sentOn)
    if (lease.id !== '') this.exchange.note('lease', lease.id)
    this.at('wait')
    this.begun(got)
    try {
      return got.send(this.call, this.exchange, lease, this.patient).then(this.onSent, this.broke)
    } catch (error) {
      return this.broke(error)
    }
  }

  private at(phase: PhaseName): void {
    this.exchange.phases.enter(phase, this.exchange.attemptNumber)
  }

  private readonly onSent = (sent: Outcome | Occupied): Outcome | Promise<Outcome> => {
    try {
      return this.settle(sent)
    } catch (error) {
      return this.broke(error)
    }
  }

  private settle(sent: Outcome | Occupied): Outcome | Promise<Outcome> {
    if (sent.kind === 'occupied') {
      this.counted(undefined)
      return this.elsewhere()
    }
    if (sent.kind === 'fault') this.learn(sent.fault)
    const outcome = heedWords(this.source.words, this.counted(sent), this.call, this.credential)
    return outcome.kind === 'fault' ? this.refused(outcome.fault) : this.ended(outcome)
  }

  /** Where the caller's credential lacks scopes, whoever lends it knows what its user can do. */
  private refused(found: Fault): Outcome | Promise<Outcome> {
    const better = explained(found, this.credential)
    return better === undefined ? this.ended(failed(found)) : better.then((told) => this.ended(failed(told)), this.broke)
  }

  private begun(connection: Connection): void {
    const { told } = this.source
    if (told === undefined) return
    this.isCounted = true
    told.began(connection)
  }

  private counted(outcome: Outcome): Outcome
  private counted(outcome: undefined): undefined
  private counted(outcome: Outcome | undefined): Outcome | undefined {
    if (!this.isCounted) return outcome
    this.isCounted = false
    return this.source.told?.ended(this.connection as Connection, this, outcome)
  }

  private learn(found: Fault): void {
    if (found.evidence?.renew === 'revision') this.source.forget(this.connection as Connection)
    else if (isUnreachable(found)) this.source.unreachable(this.connection as Connection, found)
  }

  private elsewhere(): Promise<Outcome> {
    this.overflow += 1
    if (this.overflow >= mostOverflow) {
      this.overflow = this.source.nextQueue(mostOverflow)
      this.patient = true
    }
    return this.send()
  }

  private ended(outcome: Outcome): Outcome {
    this.over()
    return outcome
  }

  /** A bug of ours: the call is over all the same. */
  private readonly broke = (error: unknown): Promise<never> => {
    this.counted(undefined)
    this.over()
    return Promise.reject(error)
  }
}

function outdated({ upstream }: TargetedCall): Fault {
  const reason = 'it was replaced by another build, whose tools are not read yet'
  return fault('upstream_unavailable', { upstream, reason }, { evidence: evidence.other_build })
}
