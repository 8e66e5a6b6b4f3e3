// What every part of one exit shares: who the upstream is, its settings, and the ports.
import type { TargetedCall } from '../core/call/call.ts'
import type { CallEvent } from '../core/call/exchange.ts'
import type { Outcome } from '../core/call/outcome.ts'
import type { Payload } from '../core/call/payload.ts'
import type { Clock, Random } from '../core/ports/clock.ts'
import type { CredentialLease, Credentials } from '../core/ports/credentials.ts'
import type { WordsReader } from '../core/ports/refusing-words.ts'
import type { Report } from '../core/ports/report.ts'
import type { Upstream } from '../core/ports/upstream.ts'
import type { Implementation } from '../core/protocol/names.ts'
import type { HttpPools } from './http/pools.ts'
import type { ParkingLot } from './legacy/parked.ts'
import type { ServerSettings, TimeoutSettings } from './settings.ts'
import type { RequestIds } from './wire/ids.ts'
import type { Wire, WireAnomaly } from './wire/wire.ts'

export interface UpstreamOptions {
  readonly id: string
  readonly settings: ServerSettings
  readonly credentials: Credentials
  /** Files and folders of the gateway that no confined child may see, as they are now. */
  readonly hidden?: ReadonlySet<string> | undefined
  /** Reads results for words that refuse the credential; absent where there is none that could be refused. */
  readonly words?: WordsReader | undefined
  /** The gateway's, overridden by the server's own. */
  readonly timeouts: TimeoutSettings
  readonly limits: {
    /** Cap of one message of the upstream in bytes (`limits.messageBytes`). */
    readonly resultBytes: number
    /** Calls that may be parked, in all (`limits.parked`). */
    readonly parked: number
  }
  readonly clock: Clock
  readonly random: Random
  readonly report: Report
  readonly pools: HttpPools
  /** The gateway's own name, as `clientInfo`. */
  readonly identity: Implementation
  /** Id of this replica: the owner of what is parked here. */
  readonly replica: string
  /** Shared by all upstreams, so that its caps hold in all; without it the upstream has one of its own. */
  readonly parking?: ParkingLot
  readonly outside?: Outside
  /** The exit of the same server in whose place it comes: builds are counted on from there. Absent: there was none. */
  readonly follows?: Pick<Upstream, 'build' | 'describe'> | undefined
  /** What the server says of itself and lists, without what it was given in confidence; absent where that is nothing. */
  readonly withoutOwn?: ((said: Payload) => Payload) | undefined
  /** Takes the row of a call whose answer nobody came back for. */
  readonly unclaimed?: (call: Unclaimed) => void
}

/** A parked call that ended without its client; `outcome` undefined where it was given up before the server was done. */
export interface Unclaimed {
  /** Its record's own: the leg that asked has that of the call. */
  readonly id: string
  readonly call: TargetedCall
  readonly outcome: Outcome | undefined
  readonly durationMs: number
}

/** Takes what a legacy server says outside any call on a connection that belongs to one principal's sessions. */
export interface Outside {
  /** Hands the event to the stream of one legacy session. */
  event(session: string, event: CallEvent): void
  /** Asks the client of the only session on the connection: its result, or its error under `refusalKey`; undefined where it cannot be reached. */
  ask(session: string, method: string, params: Payload | undefined): Promise<Payload | undefined>
}

export type Context = UpstreamOptions & { readonly parking: ParkingLot; readonly ids: RequestIds }

/** Of a call the client headers that this upstream opted in to, and the credential, which no header of a client replaces. A new object each time. */
export function hopHeaders(
  context: Context,
  lease: CredentialLease,
  received?: Readonly<Record<string, string>> | undefined,
): Record<string, string> {
  const headers: Record<string, string> = {}
  if (received !== undefined) {
    for (const from in context.settings.forwardHeaders) {
      const value = received[from.toLowerCase()]
      if (value !== undefined) headers[(context.settings.forwardHeaders[from] as string).toLowerCase()] = value
    }
  }
  return Object.assign(headers, lease.headers())
}

/** Wires report off-protocol behaviour; it is counted, and quoted for people at its first occurrence on the wire. */
export function countAnomalies(context: Context, wire: Wire): void {
  const quoted = new Set<WireAnomaly>()
  wire.onAnomaly = (type, detail) => {
    context.report.counters.add('proto_anomaly', { upstream: context.id, type })
    context.report.log(quoted.has(type) ? 'debug' : 'warn', 'An upstream broke the protocol; it was survived', {
      upstream: context.id,
      type,
      detail,
    })
    quoted.add(type)
  }
}
