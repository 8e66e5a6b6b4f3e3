// What happened to one call, as data. Trace, metrics, audit, log line and cost are read from it and from nothing else.
import type { Category, SideEffect } from '../faults/fault.ts'
import type { Caller, CallId, ClientInfo, Family, TraceContext } from './call.ts'
import type { Delivery } from './exchange.ts'
import type { Principal } from './principal.ts'
import type { Run } from './run.ts'

/** A `Caller`; of a request that was turned away at the door less may be known. */
export interface RecordedCaller {
  readonly principal: Principal | undefined
  readonly client: ClientInfo | undefined
  readonly arrival: {
    readonly transport: Caller['arrival']['transport']
    /** As the client named it where it was turned away, served here or not. */
    readonly revision: string | undefined
  }
}

export interface CallRecord {
  /** Correlation id, also in every fault and log line of the call. */
  readonly id: CallId
  /** Milliseconds since the epoch when the door took the call. */
  readonly atMs: number
  readonly durationMs: number
  readonly method: string
  readonly family: Family | 'refused'
  readonly mount: string
  readonly target: string | undefined
  readonly upstream: string | undefined
  /** The upstream's own name of the item. */
  readonly item: string | undefined
  /** Which version of its family a tool is. */
  readonly version: number | undefined
  /** Who asked and how it came in, as far as that was known. */
  readonly caller: RecordedCaller
  readonly trace: TraceContext | undefined
  /** Undefined of what became no call. */
  readonly run: Run | undefined
  readonly outcome: 'complete' | 'tool_error' | 'input_required' | 'task' | 'fault'
  readonly fault:
    | { readonly kind: string; readonly category: Category; readonly sideEffect: SideEffect; readonly message: string }
    | undefined
  /** What the judging of results found a result to be (`empty`, `hidden_error`, …); undefined of `ok`, and of what was not judged. */
  readonly found?: string | undefined
  /** Why a result was doubtful, in single words. */
  readonly suspect?: readonly string[] | undefined
  readonly delivery: Delivery
  readonly attempts: number
  /** JSON Pointers of arguments that were given the type of their schema; undefined where none was. */
  readonly coerced: readonly string[] | undefined
  /** Secrets that were masked in what came back, by what they were recognised by; undefined where none was. */
  readonly masked: Readonly<Record<string, number>> | undefined
  /** Events that reached the caller's sink. */
  readonly events: number
  readonly bytesIn: number
  readonly bytesOut: number
}

/** Takes finished records; never throws, never blocks. */
export interface Recorder {
  record(record: CallRecord): void
  /** A bug of ours: the stack, under the correlation id. */
  bug(id: CallId, error: unknown): void
}
