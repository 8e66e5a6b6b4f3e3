// What the gateway sees of a server behind it. Revision, transport, endpoints and processes are hidden behind this face.

import type { Caller, TargetedCall, UpstreamId } from '../call/call.ts'
import type { Deadline } from '../call/deadline.ts'
import type { Accepted, CallEvent, Exchange, Interest } from '../call/exchange.ts'
import type { ItemKind } from '../call/item.ts'
import type { Outcome } from '../call/outcome.ts'
import type { Payload } from '../call/payload.ts'
import type { Principal } from '../call/principal.ts'
import type { Signal } from '../call/signal.ts'
import type { Fault } from '../faults/fault.ts'

export type UpstreamState =
  /** Never tried, or starting. */
  | 'connecting'
  | 'ready'
  /** Was ready, lost, being reconnected; calls wait or fail by the deadline. */
  | 'reconnecting'
  /** Last attempt failed; another follows after a backoff. */
  | 'unavailable'
  | 'drained'

/**
 * What operators are told: `degraded` is ready, but what it lists could not be read whole; `paused` holds calls, and `drained` takes none,
 * since an operator said so.
 */
export type ServedState = UpstreamState | 'degraded' | 'paused'

/** One of several addresses of a server. */
export interface EndpointHealth {
  /** Without user, password and query. */
  readonly url: string
  /** `ejected`: left out for a while; `trial`: that is over, and one call is to try it. */
  readonly state: 'ready' | 'ejected' | 'trial'
  readonly inFlight: number
  /** Milliseconds since the epoch. */
  readonly ejectedUntilMs?: number
}

export interface UpstreamHealth {
  readonly state: UpstreamState
  /** Why it is not ready, for people; no secrets. */
  readonly reason: string | undefined
  /** Milliseconds since the epoch of the last change of state. */
  readonly sinceMs: number
  readonly connections: number
  readonly restarts: number
  readonly inFlight: number
  /** Of a server that has several. */
  readonly endpoints?: readonly EndpointHealth[]
}

/** Learned at connect; kept while the upstream is away. Undefined fields are not known yet. */
export interface UpstreamDescription {
  readonly transport: 'stdio' | 'streamable-http' | 'sse'
  readonly revision: string | undefined
  /** `serverInfo` of the server, as sent. */
  readonly identity: { readonly name: string; readonly version: string; readonly [other: string]: unknown } | undefined
  readonly capabilities: Readonly<Record<string, unknown>> | undefined
  readonly instructions: string | undefined
  /** The revision in which session clients are served, of a server of both eras that was spoken to in both. */
  readonly sessionRevision?: string | undefined
  /** Where its two eras differ. */
  readonly differences?: readonly EraDifference[]
}

/** An item that a server of both eras does not show alike in each. */
export interface EraDifference {
  readonly kind: ItemKind
  readonly name: string
  /** The only era that has it, or both. */
  readonly era: 'modern' | 'legacy' | 'both'
  /** Members of the definition that differ. */
  readonly members?: readonly string[]
}

export interface Watch {
  /** Replaces the interest; resolves to what the upstream accepted. Overlaps, so that no event is lost in between. */
  update(interest: Interest): Promise<Accepted>
  close(): void
}

/** Whose connection to a server it is; `capabilities` where it is known what he can be asked. */
export type Owner = Pick<Caller, 'principal' | 'affinity'> & Partial<Pick<Caller, 'capabilities'>>

export interface Upstream {
  readonly id: UpstreamId
  describe(): UpstreamDescription
  health(): UpstreamHealth
  /**
   * How many builds of the server were met: it grows where a connection is made and the server says another identity or other capabilities
   * than at the one before. A call with a lower `build` than its connection is not sent. Absent where nobody counts.
   */
  build?(): number
  /** What the server said of itself when its lists were read before this start. */
  knownFrom?(said: Pick<UpstreamDescription, 'identity' | 'capabilities'>): void
  /** Connects if need be and resolves when the description is known or the attempt failed (then with the fault). Single-flight. */
  ready(signal: Signal): Promise<Fault | undefined>
  /** Sends one call in the server's own revision, with its caller's credential. Resolves exactly once, also when the signal ends. Never throws for a peer's failure. */
  send(call: TargetedCall, exchange: Exchange): Promise<Outcome>
  /** All definitions of a kind as the gateway itself sees them, page by page, each as its own bytes. Ends by throwing `UpstreamFault` if a page fails, `EndlessList` where the list goes on beyond all bounds: what came before stands. */
  items(kind: ItemKind, signal: Signal): AsyncIterable<Payload>
  /** The same as the server lists it on the connection that a client session has to itself. Absent where no session has one. */
  sessionItems?(kind: ItemKind, signal: Signal, session: string): AsyncIterable<Payload>
  /**
   * Change notifications and resource updates, for as long as the watch is open; survives reconnects. `changed` events are not debounced
   * here. `owner` puts the watch on the connection that the calls of this caller take, with its credential: servers that keep subscriptions
   * per session need it. Without an owner the gateway itself watches.
   */
  watch(interest: Interest, on: (event: CallEvent) => void, owner?: Owner): Watch
  /** The roots of a client session changed: the servers that asked it shall ask again. Absent where no server could. */
  rootsChanged?(affinity: string): void
  /** A client session is over, and no call of it follows: what a server keeps for it alone is ended. Absent where no server keeps any. */
  sessionEnded?(affinity: string): void
  /**
   * The credential of a caller may do more or less than before: what the server lists to its sessions may have changed, and is told as a
   * change within them. Absent where no session has lists of its own.
   */
  rescoped?(principal: Principal): void
  /**
   * A client with a session is here: a server of both eras is asked for what it has in sessions. A change of the description tells what
   * came of it. Absent where no server has two eras.
   */
  wantSessions?(): void
  /** True while that is under way. */
  sessionsPending?(): boolean
  /** Whether it answers now, asked of the server itself; what failed before is forgotten, and no pause after it is waited out. */
  answers?(): Promise<boolean>
  /** Ends all connections, processes with them, and makes those anew that are kept. What is in flight ends with them. */
  restart?(): Promise<void>
  /** Called on every change of health or description. */
  onChange(listener: () => void): () => void
  /** Ends in-flight calls by the deadline, then all connections and processes. No call is taken afterwards. */
  drain(deadline: Deadline): Promise<void>
}

/** Carries a fault where an iteration has no other way to end. */
export class UpstreamFault extends Error {
  readonly fault: Fault
  constructor(fault: Fault) {
    super(fault.message)
    this.fault = fault
  }
}

/** A list of which no more is read, and why; what came of it is good. */
export class EndlessList extends Error {}
