// Whose question is it? (ADR 6) Over HTTP the stream tells. Where all calls share one stream, a question belongs to the only call
// that can have caused it; so that there is only one, calls of callers who can answer take turns once the server is known to ask.

import { IntrusiveList, type ListEntry } from '../../core/call/intrusive-list.ts'
import type { Signal } from '../../core/call/signal.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { evidence } from '../../core/faults/evidence.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { ServerSettings } from '../settings.ts'
import { orAborted } from '../wire/requests.ts'
import { Broadcast } from './broadcast.ts'
import type { Handshake } from './handshake.ts'

/** What has been learned of a server; kept with the verdict on its era. */
export interface Interactivity {
  /** It asks its clients questions that name no call. */
  asks: boolean
  /** It answers the GET of its stream only when it has something to say: nobody waits for that. */
  silentStream: boolean
  /** Whether what it says is heard on all its connections. */
  readonly broadcast: Broadcast
  /** How it answered the last greeting over HTTP+SSE. */
  greeted?: Extract<Handshake, { kind: 'ready' }>
}

export function interactivityOf(interactive: ServerSettings['interactive']): Interactivity {
  return { asks: interactive === 'yes', silentStream: false, broadcast: new Broadcast() }
}

/** What is seen of a call that may be asked. */
export interface Candidate {
  /** Only `tools/call`, `prompts/get` and `resources/read` may suspend. */
  readonly suspendable: boolean
  /** Its caller declared that it can answer some question. */
  readonly answers: boolean
  /** It waits for its user, for nobody knows how long. */
  readonly parked: boolean
  /** The attribution's own mark. */
  seat?: ListEntry<Candidate> | undefined
}

export type Owner<C> =
  | { readonly kind: 'call'; readonly call: C }
  | { readonly kind: 'ambiguous' }
  | { readonly kind: 'outside' }
  /** What is heard here is heard by others too, and another of them answers. */
  | { readonly kind: 'elsewhere' }

/** How many calls may wait for their turn on one connection. */
const mostWaiting = 64

type Admission = 'mine' | 'occupied' | 'over'

interface Waiting {
  readonly patient: boolean
  readonly wake: (admission: Admission) => void
}

/** Why a call may not go to the server; undefined where it may. */
export type Refusal = Fault | 'occupied' | undefined

export class Attribution<C extends Candidate> {
  private readonly upstream: string
  private readonly interactive: ServerSettings['interactive']
  private readonly interactivity: Interactivity
  /** One principal's calls only: then a mistaken guess between two of its own calls shows nothing to anybody else. */
  private readonly onePrincipal: boolean
  /** All messages come on one stream (stdio, HTTP+SSE). */
  private readonly oneStream: boolean
  private readonly inFlight = new IntrusiveList<C>()
  private waiting: Waiting[] = []
  private exclusive = 0

  constructor(
    upstream: string,
    medium: { readonly onePrincipal: boolean; readonly oneStream: boolean },
    interactive: ServerSettings['interactive'],
    interactivity: Interactivity,
  ) {
    this.upstream = upstream
    this.interactive = interactive
    this.interactivity = interactivity
    this.onePrincipal = medium.onePrincipal
    this.oneStream = medium.oneStream
    if (this.oneStream) interactivity.broadcast.join(this)
  }

  /** Its connection takes no further call. */
  close(): void {
    this.interactivity.broadcast.leave(this)
  }

  /** What comes here may be for others. */
  get isBroadcast(): boolean {
    return this.oneStream && this.interactivity.broadcast.isHeard
  }

  get callsInFlight(): number {
    return this.inFlight.size
  }

  /** Calls in flight that a server may ask. */
  get suspendableCalls(): readonly C[] {
    return [...this.inFlight].filter((call) => call.suspendable)
  }

  /**
   * Waits for the call's turn where turns are taken. A fault where the queue is full, `occupied` where who has the turn waits for its user
   * and the call is not so patient; undefined also where the signal ended. At once where nothing has to be waited for.
   */
  enter(call: C, signal: Signal, patient = false): Refusal | Promise<Refusal> {
    if (this.isExclusive(call)) {
      if (!this.mustWait() || (this.exclusive === 0 && this.waiting.length === 0)) this.exclusive += 1
      else if (!patient && this.occupied()) return 'occupied'
      else if (this.waiting.length >= mostWaiting) {
        const detail = { upstream: this.upstream, limit: mostWaiting, retryAfterMs: 1_000 }
        return fault('overloaded', detail, { evidence: evidence.no_place, retryAfterMs: 1_000 })
      } else {
        return this.admission(signal, patient).then((admission) => {
          if (admission === 'mine') call.seat = this.inFlight.enter(call)
          return admission === 'occupied' ? admission : undefined
        })
      }
    }
    call.seat = this.inFlight.enter(call)
    return undefined
  }

  /** A call in flight waits for its user from now on: who waits for its turn has better chances elsewhere. */
  parked(): void {
    if (!this.mustWait() || !this.occupied()) return
    const moving = this.waiting.filter(({ patient }) => !patient)
    this.waiting = this.waiting.filter(({ patient }) => patient)
    for (const { wake } of moving) wake('occupied')
  }

  /** The call left the server, answered or given up. */
  leave(call: C): void {
    const { seat } = call
    if (seat === undefined) return
    this.inFlight.leave(seat as ListEntry<C>)
    call.seat = undefined
    if (!this.isExclusive(call)) return
    this.exclusive -= 1
    this.next()
  }

  /** Whose is a question that came on no call's own stream? Learns that the server asks. */
  ownerOfRequest(): Owner<C> {
    const possible = this.suspendableCalls
    if (this.isBroadcast) return this.ownerAmongAll(possible)
    if (possible.length === 0) return { kind: 'outside' }
    if (this.interactive === 'no') return { kind: 'ambiguous' }
    this.interactivity.asks = true
    const [only] = possible
    if (possible.length === 1 && only !== undefined) return { kind: 'call', call: only }
    if (!this.onePrincipal) return { kind: 'ambiguous' }
    const able = possible.filter((call) => call.answers)
    const [one] = able
    return able.length === 1 && one !== undefined ? { kind: 'call', call: one } : { kind: 'ambiguous' }
  }

  /** Every connection hears the question: one of them answers it. Whose it is can be told where one call alone is in flight on all of them. */
  private ownerAmongAll(mine: readonly C[]): Owner<C> {
    const { broadcast } = this.interactivity
    const possible = broadcast.suspendable
    if (this.interactive !== 'no' && possible > 0) this.interactivity.asks = true
    if (possible === 1 && !broadcast.hasOutsiders && this.interactive !== 'no') {
      const [only] = mine
      return only === undefined ? { kind: 'elsewhere' } : { kind: 'call', call: only }
    }
    // With nothing of ours in flight it is the question of somebody else, who answers it.
    if (possible === 0 && broadcast.hasOutsiders) return { kind: 'elsewhere' }
    return { kind: broadcast.isFirst(this) ? 'ambiguous' : 'elsewhere' }
  }

  /** Whose is a log message that came on no call's own stream? Only the one call's in flight. */
  ownerOfLog(): C | undefined {
    if (this.inFlight.size !== 1 || (this.isBroadcast && !this.interactivity.broadcast.isOnlyCall)) return undefined
    for (const call of this.inFlight) return call
    return undefined
  }

  private isExclusive(call: C): boolean {
    return call.suspendable && call.answers
  }

  private occupied(): boolean {
    for (const call of this.inFlight) if (call.parked && this.isExclusive(call)) return true
    return false
  }

  /** Over HTTP questions name their call by their stream, until one came that did not. */
  private mustWait(): boolean {
    return this.interactive !== 'no' && this.interactivity.asks && (this.oneStream || this.interactive === 'auto')
  }

  /** Lets the longest waiting call in once nobody has a turn. */
  private next(): void {
    if (this.exclusive > 0) return
    const first = this.waiting.shift()
    if (first === undefined) return
    this.exclusive += 1
    first.wake('mine')
  }

  private async admission(signal: Signal, patient: boolean): Promise<Admission> {
    let woken: Admission | undefined
    const admission = new Promise<Admission>((resolve) => {
      const wake = (how: Admission): void => {
        woken = how
        resolve(how)
      }
      this.waiting.push({ patient, wake })
    })
    const mine = this.waiting.at(-1)
    const how = await orAborted(admission, signal, () => 'over' as const)
    if (how !== 'over') return how
    if (woken === undefined) this.waiting = this.waiting.filter((one) => one !== mine)
    else if (woken === 'mine') {
      // The turn came together with the end of the signal: pass it on.
      this.exclusive -= 1
      this.next()
    }
    return 'over'
  }
}
