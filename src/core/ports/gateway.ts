// What a door sees of the gateway: who are you, do this, and a record even for what walks no stages.
import type { Call, Caller, TraceContext } from '../call/call.ts'
import type { Delivery, Exchange } from '../call/exchange.ts'
import type { Outcome } from '../call/outcome.ts'
import type { Payload } from '../call/payload.ts'
import type { Principal } from '../call/principal.ts'
import type { Run } from '../call/run.ts'
import type { Fault } from '../faults/fault.ts'

/** What a caller shows of itself, before any body was read. Nothing of it is believed yet, and none of it is ever logged. */
export interface Presented {
  readonly transport: 'http' | 'sse' | 'stdio'
  /** '' for the aggregate; not yet known to be served. */
  readonly mount: string
  /** The HTTP verb and the target less its query; undefined where the transport has none. */
  readonly verb: string | undefined
  readonly path: string | undefined
  /** What follows the `?` of the target. It may hold a credential that does not belong there. */
  readonly query?: string | undefined
  /** Whether its client can ask for more scopes once it has some (MCP 2026-07-28 §authorization, step-up): what it is asked for first may then be little. */
  readonly stepsUp: boolean
  /** Empty where the transport has none. */
  readonly headers: HeaderLines
  /** Of the TLS connection itself, where the client sent one; never from a header. */
  readonly certificate: PeerCertificate | undefined
  /** The other end of the connection, which may be a proxy; `unix` of one by a UNIX socket, undefined of one that is over. */
  readonly remoteAddress: string | undefined
}

export interface HeaderLines {
  /** By name in lower case, a value for each line as received: what stands twice shows. */
  get(name: string): readonly string[] | undefined
}

export interface PeerCertificate {
  /** Whether it was checked against the configured authorities. */
  readonly authorized: boolean
  /** Distinguished name, as OpenSSL writes it. */
  readonly subject: string
  /** Subject alternative names with their kind: `DNS:a.example`, `URI:spiffe://a.example/b`, `IP Address:10.0.0.1`. */
  readonly names: readonly string[]
  /** SHA-256 of the certificate in lower-case hex. */
  readonly fingerprint: string
}

/**
 * A fault may carry an HTTP status (`entry.status`) and a challenge (`Fault.challenge`). `dpopNonce`: for the next proof of the caller, to be
 * answered as `DPoP-Nonce` (RFC 9449 §8.2, §9).
 */
export type Identified = ({ readonly principal: Principal } | { readonly fault: Fault }) & { readonly dpopNonce?: string | undefined }

/** A request that a door turned away before it became a call. */
export interface Refusal {
  readonly id: string
  readonly method: string | undefined
  readonly mount: string
  readonly transport: 'http' | 'sse' | 'stdio'
  readonly revision: string | undefined
  readonly principal: Principal | undefined
  readonly fault: Fault
  readonly startedAtMs: number
  readonly trace: TraceContext
  /** As JSON text; undefined where it is not known. */
  readonly requestId: string | undefined
  /** When it came and when it was known whose it is, in monotonic ms. */
  readonly arrived: { readonly at: number; readonly identifiedAt: number }
}

/** A request that a door does itself, since it is about the session of its client alone: its level of messages, what it is told of. */
export interface SessionRequest {
  readonly id: string
  readonly method: string
  /** URI of the resource that it is about; undefined where it is about none. */
  readonly target: string | undefined
  readonly mount: string
  readonly caller: Caller
  readonly run: Run
  readonly params: Payload | undefined
  readonly startedAtMs: number
  readonly trace: TraceContext
  /** As JSON text. */
  readonly requestId: string
  readonly arrived: { readonly at: number; readonly identifiedAt: number }
}

export interface SessionWork {
  /** Resolves to why it cannot be done; undefined where it is done. */
  run(): Promise<Fault | undefined>
  /** Answers, once the row of the request is kept. */
  answer(fault: Fault | undefined): Delivery
}

/** What headers say of the run. */
export interface RunHeaders {
  /** `Signalbox-Run`, `Signalbox-Turn`. */
  readonly run: string | undefined
  readonly turn: string | undefined
  readonly baggage: string | undefined
}

export interface Gateway {
  /** At once where nobody has to be asked. */
  identify(presented: Presented): Identified | Promise<Identified>
  /** Whose task a call is. `session`: that of a client which has one; `meta`: `_meta` of its params; `headers`: undefined where none says anything. */
  runOf(
    principal: Principal,
    session: string | undefined,
    meta: Readonly<Record<string, unknown>> | undefined,
    headers: RunHeaders | undefined,
  ): Run
  /** Walks the table. Resolves exactly once and never rejects. The answer to `server/discover` is DiscoverResult less `supportedVersions`. */
  handle(call: Call, exchange: Exchange): Promise<Outcome>
  refuse(refusal: Refusal): void
  /** Does it and answers, with a row of the audit and a record as of a call. Rejects where the answer could not be written. */
  ofSession(request: SessionRequest, work: SessionWork): Promise<void>
  /** Servers and toolsets that `/mcp/{mount}` serves; '' is not among them. */
  mounts(): readonly string[]
}
