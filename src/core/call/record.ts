// What happened to one call, as data. Trace, metrics, audit, log line and cost are read from it and from nothing else.

import type { Category, SideEffect } from '../faults/fault.ts'
import type { Caller, CallId, ClientInfo, Family, TraceContext } from './call.ts'
import type { Named } from './call-fields.ts'
import type { Delivery } from './exchange.ts'
import type { ItemKind } from './item.ts'
import type { Payload } from './payload.ts'
import type { Phase } from './phases.ts'
import type { Principal } from './principal.ts'
import type { Run } from './run.ts'

/** A `Caller`; of a request that was turned away at the door less may be known. */
export interface RecordedCaller {
  readonly principal: Principal | undefined
  readonly client: ClientInfo | undefined
  /** Of the client's session, as `Caller.affinity`. Whoever has it may be able to use the session: it is told nowhere as it is. */
  readonly affinity?: string | undefined
  readonly arrival: {
    readonly transport: Caller['arrival']['transport']
    /** As the client named it where it was turned away, served here or not. */
    readonly revision: string | undefined
    readonly userAgent?: string | undefined
  }
}

/** What the rules of access said of a call. */
export interface Decided {
  readonly allowed: boolean
  /** `access.2`, `default`. */
  readonly rule: string
  /** In monotonic ms. */
  readonly from: number
  readonly to: number
}

/** What an attempt went out on. */
export interface SentOn {
  readonly transport: 'stdio' | 'streamable-http' | 'sse'
  /** As the server speaks it on that connection. */
  readonly revision: string | undefined
  /** Of the endpoint; undefined of a process. */
  readonly address: string | undefined
  readonly port: number | undefined
}

export interface AttemptFault {
  readonly kind: string
  /** By its name. */
  readonly evidence: string | undefined
  /** Code of the JSON-RPC error that the server answered with; undefined where it answered with none. */
  readonly answered: number | undefined
  /** HTTP status in place of an answer; undefined where there was none. */
  readonly status: number | undefined
}

/** One attempt of a call at its server. Times are monotonic ms. */
export interface AttemptRecord {
  /** From 1. */
  readonly number: number
  /** JSON-RPC id of what was sent; undefined where nothing was. */
  readonly requestId: number | undefined
  readonly from: number
  readonly to: number
  /** Undefined where it ended before there was a connection. */
  readonly sentOn: SentOn | undefined
  /** Undefined where the server gave a result. */
  readonly fault: AttemptFault | undefined
  /** The result says `isError`. */
  readonly isError: boolean
  /** Events that came while it was under way. */
  readonly events: number
}

export interface AttemptFault {
  readonly kind: string
  /** By its name. */
  readonly evidence: string | undefined
  /** Code of the JSON-RPC error that the server answered with; undefined where it answered with none. */
  readonly answered: number | undefined
  /** HTTP status in place of an answer; undefined where there was none. */
  readonly status: number | undefined
}

/** What a call used. */
export interface Usage {
  /** Tokens of its arguments: a whole number. */
  readonly sent: number
  /** Tokens of what came back: a whole number. */
  readonly got: number
  /** In the currency of `prices`: a whole number of billionths (`core/call/money.ts`), so add it up as those. */
  readonly cost: number
  /** Some of the tokens were taken from the characters, since too little was learned of such texts. */
  readonly estimated?: true
}

/** Of the form of a result, as far as a look at it told. */
export interface SeenResult {
  /** How many rows it has; undefined where none could be counted. */
  readonly rows: number | undefined
  /** `{items:[{id:n,name:s}],next:s}`, or the format of a text: no values. Undefined where it has neither text nor structured content. */
  readonly shape: string | undefined
}

/** What came back before the answer. */
export interface StreamRecord {
  readonly events: number
  /** Of their params. */
  readonly bytes: number
  /** From when the door took the call to the first, in ms. */
  readonly firstMs: number
  /** To the last, likewise. */
  readonly lastMs: number
  /** The longest time between two of them, in ms; 0 where there was one. */
  readonly longestGapMs: number
}

/** A call that has its outcome; whether the client gets the answer is not known yet. */
export interface SettledCall {
  /** Correlation id, also in every fault and log line of the call. */
  readonly id: CallId
  /** Milliseconds since the epoch when the door took the call. */
  readonly atMs: number
  /** The same in monotonic ms. */
  readonly startedAt: number
  /** From there to the outcome. */
  readonly settledMs: number
  readonly method: string
  /** The method of the client's request, where it is another. */
  readonly askedAs: string | undefined
  /** `session`: of a request that is about its session alone, which no stage sees. */
  readonly family: Family | 'refused' | 'session'
  readonly mount: string
  readonly target: string | undefined
  readonly upstream: string | undefined
  /** The upstream's own name of the item. */
  readonly item: string | undefined
  /** Undefined where no item was resolved. */
  readonly itemKind: ItemKind | undefined
  /** Which version of its family a tool is. */
  readonly version: number | undefined
  /** Digest of the contract that the caller is shown. */
  readonly contract: string | undefined
  /** The item says that it changes nothing. */
  readonly readOnly: boolean
  /** Who asked and how it came in, as far as that was known. */
  readonly caller: RecordedCaller
  readonly trace: TraceContext | undefined
  /** Undefined of what became no call. */
  readonly run: Run | undefined
  /** As JSON text; undefined where it is not known. */
  readonly requestId: string | undefined
  readonly arrived: { readonly at: number; readonly identifiedAt: number } | undefined
  /** Params as the caller sent them, less what belongs to its hop. Undefined of what became no call. */
  readonly params: Payload | undefined
  /** As the caller gets it; undefined of a fault. */
  readonly result: Payload | undefined
  /** Undefined where nothing decides. */
  readonly decided: Decided | undefined
  /** As the fact. */
  readonly lease: string | undefined
  readonly outcome: 'complete' | 'tool_error' | 'input_required' | 'task' | 'fault'
  readonly fault: RecordedFault | undefined
  /** What the judging of results found a result to be (`empty`, `hidden_error`, …); undefined of `ok`, and of what was not judged. */
  readonly found: string | undefined
  /** Of the result of a tool that was judged; undefined of all else. */
  readonly seen: SeenResult | undefined
  /** Why a result was doubtful, in single words. */
  readonly suspect: readonly string[] | undefined
  /** Two letters (`core/call/termination.ts`), as if the answer reached its client. */
  readonly termination: string
  readonly attempts: number
  /** One by one; fewer than `attempts` where they are not known. */
  readonly attempted: readonly AttemptRecord[]
  readonly phases: readonly Phase[]
  readonly parkedMs: number | undefined
  /** Undefined where nothing went to a server. */
  readonly usage: Usage | undefined
  /** JSON Pointers of arguments that were given the type of their schema; undefined where none was. */
  readonly coerced: readonly string[] | undefined
  /** Secrets that were masked in what came back, by what they were recognised by; undefined where none was. */
  readonly masked: Readonly<Record<string, number>> | undefined
  /** Undefined where nothing came before the answer. */
  readonly stream: StreamRecord | undefined
  readonly bytesIn: number
  readonly bytesOut: number
}

export interface RecordedFault {
  readonly kind: string
  readonly category: Category
  readonly sideEffect: SideEffect
  readonly message: string
  /** Of JSON-RPC. */
  readonly code: number
  /** The code with which the client was answered; undefined where the answer is a result that says so. */
  readonly answered: number | undefined
}

/** A call that is over. */
export interface CallRecord extends SettledCall {
  /** From when the door took it until the answer had left, or it was known that it would not. */
  readonly durationMs: number
  readonly delivery: Delivery
}

/** Takes finished records; never throws, never blocks. */
export interface Recorder {
  record(record: CallRecord): void
  /** A bug of ours: the stack, under the correlation id. */
  bug(call: Named, error: unknown): void
}
