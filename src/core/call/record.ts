// What happened to one call, as data. Trace, metrics, audit, log line and cost are read from it and from nothing else.
import type { Category, SideEffect } from '../faults/fault.ts'
import type { Caller, CallId, Family, TraceContext } from './call.ts'
import type { Delivery } from './exchange.ts'

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
  readonly caller: Caller | undefined
  readonly trace: TraceContext | undefined
  readonly outcome: 'complete' | 'tool_error' | 'input_required' | 'task' | 'fault'
  readonly fault:
    | { readonly kind: string; readonly category: Category; readonly sideEffect: SideEffect; readonly message: string }
    | undefined
  readonly delivery: Delivery
  readonly attempts: number
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
