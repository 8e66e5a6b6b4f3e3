// One connection to an upstream, whatever its revision: what the pool and the watches need of it.

import type { TargetedCall } from '../core/call/call.ts'
import type { Accepted, CallEvent, Exchange, Interest } from '../core/call/exchange.ts'
import type { Outcome } from '../core/call/outcome.ts'
import type { Payload } from '../core/call/payload.ts'
import type { SentOn } from '../core/call/record.ts'
import type { Signal } from '../core/call/signal.ts'
import type { Fault } from '../core/faults/fault.ts'
import type { CredentialLease } from '../core/ports/credentials.ts'
import type { UpstreamDescription } from '../core/ports/upstream.ts'

export interface Connection {
  readonly era: 'modern' | 'legacy'
  readonly description: UpstreamDescription
  /** For the record of a call; absent where it is not known. */
  readonly sentOn?: SentOn
  /** As `Upstream.build` counts them; set by the pool. */
  build?: number
  /** True where the connection is a session of the server: it cannot be shared by clients that have sessions of their own. */
  readonly sessionful: boolean
  /** The server knows more that a client can be asked than it was told of. */
  readonly declaresLess?: boolean
  /** No call was ever sent on it, so nothing can be behind it. */
  readonly isUnused?: boolean
  /** Calls on it now, those that wait for their user included. */
  readonly busy: number
  /** Client sessions that used it are still open, and may count on what the server keeps for it. */
  readonly isOwned: boolean
  /** A session of a server that answered a call: its loss tells of a restart, and not that sessions cannot be had. */
  readonly hasServed?: boolean
  /** Why nobody can tell now whether the server still knows its session; `onDoubt` is told of each change. */
  readonly doubt?: Fault | undefined
  onDoubt?: () => void
  /** Where there is a doubt, it is looked into now. */
  look?(): void
  /** Whether the server answers anything on it: of a connection that is made to find that out. */
  serves?(): Promise<boolean>
  /** Change notifications and resource updates. Set once. */
  onEvent: (event: CallEvent) => void
  /** It can no longer be used; calls in flight end by themselves. Not called after `close`. Set once. */
  onEnd: (fault: Fault) => void
  /** `patient`: waits for its turn also behind calls that wait for their user, and is never told that the connection is occupied. */
  send(call: TargetedCall, exchange: Exchange, lease: CredentialLease, patient?: boolean): Promise<Outcome | Occupied>
  /** A request of the gateway itself: lists and the like. */
  ask(method: string, params: Payload | undefined, lease: CredentialLease, signal: Signal): Promise<Asked>
  /** Replaces what is heard through `onEvent`; resolves to what the server accepted. */
  hear(interest: Interest): Promise<Accepted>
  /** The roots of a session that used this connection changed. */
  rootsChanged?(session: string): void
  /** A client session is over, whether it used this connection or not. */
  sessionEnded?(session: string): void
  /** Takes no further call; resolves when those in flight have ended and it is closed. */
  retire(): Promise<void>
  /** Ends it, and with it what is in flight. */
  close(): Promise<void>
}

/** A call that waits for its user has the connection to itself. Nothing was sent: another connection may take the call. */
export interface Occupied {
  readonly kind: 'occupied'
}

export type Asked = { readonly kind: 'result'; readonly result: Payload } | { readonly kind: 'fault'; readonly fault: Fault }
