// A wire carries JSON-RPC messages to one peer and back, and knows nothing of what they mean: stdio child, Streamable HTTP endpoint,
// HTTP+SSE endpoint. Ids, correlation on its own medium, framing, caps and end of life are its business; revisions are not.
import type { Signal } from '../../core/call/signal.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { Incoming, IncomingError, IncomingNotification, IncomingRequest, IncomingResult } from '../../core/protocol/jsonrpc.ts'

export interface WireRequest {
  /** Unique at this upstream; the peer answers with it. Made by `Wire.nextId()`. */
  readonly id: number
  readonly method: string
  /** The whole JSON-RPC request. */
  readonly message: Uint8Array
  /** Headers of the revision and of the credential, lower case. Wires without headers ignore them. */
  readonly headers: Readonly<Record<string, string>>
  /** When it ends, an HTTP wire closes the request's stream and any wire forgets the request and resolves `aborted`. Telling the peer is the caller's business. */
  readonly signal: Signal
  /** Messages that arrived on this request's own stream: known to belong to it. Wires without own streams never call it (see `Wire.onStray`). */
  readonly onMessage: (message: IncomingRequest | IncomingNotification) => void
  /** A sign of life on this request's own stream that is no message: a keep-alive comment. */
  readonly onAlive?: () => void
  /** Cap on the answer in bytes; more ends in `result_too_large`. */
  readonly maxBytes: number
}

export type WireAnswer =
  | {
      readonly kind: 'answer'
      readonly answer: IncomingResult | IncomingError
      readonly status: number
      /** Of an error with a status of its own: when its headers say to come back, in ms. */
      readonly retryAfterMs?: number | undefined
    }
  /** A status without a JSON-RPC answer to this request in its body. `body` is what JSON-RPC error without our id it held, if any. */
  | {
      readonly kind: 'status'
      readonly status: number
      readonly retryAfterMs: number | undefined
      readonly challenge: string | undefined
      /** Where a redirect leads that was not followed, for people. */
      readonly location?: string | undefined
      /** The forward proxy that the status may be of, for people. */
      readonly proxy?: string | undefined
      readonly body: IncomingError | undefined
      /** Of an answer to `initialize`: the begin of a body that holds no such error, whatever its type. */
      readonly words?: string | undefined
    }
  /** No answer: the fault has the evidence whether the request reached the peer. */
  | { readonly kind: 'lost'; readonly fault: Fault }
  /** Its signal ended, or the wire was closed. `sent`: the peer may have it. */
  | { readonly kind: 'aborted'; readonly sent: boolean }

export interface Wire {
  readonly transport: 'stdio' | 'streamable-http' | 'sse'
  /** Of the endpoint; absent of a process. */
  readonly peer?: { readonly address: string; readonly port: number }
  nextId(): number
  /** Resolves exactly once; rejects for a bug of ours alone. */
  request(request: WireRequest): Promise<WireAnswer>
  /** Sends a notification or a response to a server's request. Resolves to a fault where it could not be handed over. */
  post(message: Uint8Array, headers: Readonly<Record<string, string>>): Promise<Fault | undefined>
  /** Messages that belong to no request's own stream: all requests and notifications of stdio, the GET stream of HTTP. Set once, before the first request. */
  onStray: (message: IncomingRequest | IncomingNotification) => void
  /** The wire ended by itself (child exit, SSE stream cut). Not called after `close`. Set once. */
  onEnd: (fault: Fault) => void
  /** Something off-protocol that was survived: counted by type, quoted for people. Set once. */
  onAnomaly: (type: WireAnomaly, detail: string) => void
  /** An answer to a request that was not made here, by its id: others hear what the peer says, and we hear what it says to them. Only where all answers come on one stream. Set once. */
  onForeign?: (id: string) => void
  /** Ends everything: requests resolve `aborted`, the child and its whole process group are gone when it resolves. */
  close(): Promise<void>
}

export type WireAnomaly =
  | 'stdout'
  | 'glued'
  | 'orphan'
  /** The id of an answer is the text of the number that the request had. */
  | 'id_type'
  | 'duplicate'
  | 'ambiguous'
  | 'malformed'
  | 'oversize'
  | 'endpoint'
  | 'stray_request'
  | 'utf8'

/** Streamable HTTP has more than every wire has. */
export interface HttpWire extends Wire {
  readonly transport: 'streamable-http'
  /** Response header `mcp-session-id` of the last `initialize` answer on this wire. */
  readonly sessionId: string | undefined
  /**
   * Opens (or re-opens, by Last-Event-ID and `retry:`) the GET stream until the signal ends; 405 resolves to 'unsupported' and is not
   * repeated. `answered` is told, perhaps more than once, when the stream is open and when an attempt to open it has failed, with the status
   * where there is one, and with 0 where the connection was lost or could not be had.
   */
  listen(
    headers: () => Readonly<Record<string, string>>,
    signal: Signal,
    answered?: (status?: number) => void,
  ): Promise<'unsupported' | 'ended'>
  /** DELETE with the session's headers; best effort. */
  deleteSession(headers: Readonly<Record<string, string>>): Promise<void>
}

export type { Incoming, IncomingError, IncomingNotification, IncomingRequest, IncomingResult }
