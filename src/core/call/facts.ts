// The facts that stages note on an exchange and that the record is built from. Kept apart from the stages, since they may not import
// each other: `resolve` notes the route, `retry` the attempts, a door the size of what it read.
import type { UpstreamId } from './call.ts'
import type { Payload } from './payload.ts'
import type { AttemptRecord, Decided, SeenResult, SentOn, Usage } from './record.ts'
import type { Run } from './run.ts'

declare module './exchange.ts' {
  interface Facts {
    /** Where the call goes; `item` is the upstream's own name, undefined where the call has no item. */
    route: { readonly upstream: UpstreamId; readonly item: string | undefined }
    /** The run of the call, where a rule of access has named its team. */
    run: Run
    /** Attempts made, the first included. */
    attempts: number
    /** The same, one by one, in order. */
    attempted: readonly AttemptRecord[]
    /** What the attempt that is under way went out on. */
    sentOn: SentOn | undefined
    /** JSON-RPC id of what the attempt that is under way sent. */
    sentAs: number | undefined
    /** What the rules of access said. */
    decided: Decided
    /** Id of the credential with which the server was called, never its value; absent where it needs none. */
    lease: string
    /** Tokens and cost. */
    usage: Usage
    /** What the judging of results saw of the result of a tool. */
    seen: SeenResult
    /** The answer is the gateway's own: no server was asked for it, or it failed and an older answer stands in its place. */
    local: true
    /** The method of the client's request, where it is another than the call's. */
    askedAs: string
    /** The JSON-RPC id of the client's request, as JSON text. */
    requestId: string
    /** When the door took the request and when it knew whose it is, in monotonic ms. */
    arrived: { readonly at: number; readonly identifiedAt: number }
    /** How long the call had waited for its user before this leg of it, in ms. */
    parkedMs: number
    /** Arguments were given the types of their schema: where (JSON Pointers), and the params as the caller sent them. */
    coerced: { readonly places: readonly string[]; readonly asSent: Payload }
    /** Secrets that were masked in what came back, by what they were recognised by. */
    masked: Readonly<Record<string, number>>
    /** The endpoint at which the last attempt failed, of a server that has several. */
    failedAt: string
    /** Bytes of the request body as the door read it; without this fact the record takes the size of `params`. */
    bytesIn: number
  }
}
