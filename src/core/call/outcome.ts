// How a call ended: exactly one terminal value, whole. Success is judged once, from this value.
import { fault } from '../faults/catalogue.ts'
import type { Fault } from '../faults/fault.ts'
import type { Payload } from './payload.ts'

/** The few facts that a scan of the result bytes gives without parsing them. */
export interface ResultFacts {
  /** `CallToolResult.isError`. */
  readonly isError: boolean
  /** The result's own `resultType`, undefined where the server sent none (legacy revisions). */
  readonly resultType: string | undefined
  /** False where it surely has neither `_meta` nor a `resultType` that is none. */
  readonly hasMeta: boolean
  /** False where it surely has neither `ttlMs` nor `cacheScope`. */
  readonly hasCacheHints: boolean
  /** False where it surely has no `structuredContent`. */
  readonly hasStructure: boolean
  /** Size of the result in bytes. */
  readonly bytes: number
  /** What the judging of results found it to be; absent of `ok`, and of what was not judged. */
  readonly found?: string
  /** Why it is doubtful, in single words; absent where nothing is doubtful. */
  readonly suspect?: readonly string[]
  /** Blocks at the end of its content that are the gateway's own, and not the server's. */
  readonly ownBlocks?: number
  /** Before those stands the end of a mark around the content: what is added to the content belongs before it. */
  readonly isMarked?: true
}

/** Facts of a result that nobody scanned, such as those of the gateway's own. */
export function unscanned(bytes: number, isError = false, resultType?: string): ResultFacts {
  return { isError, resultType, hasMeta: true, hasCacheHints: true, hasStructure: true, bytes }
}

/** A remark of the gateway on a good result, for example a deprecation. */
export interface Annotation {
  readonly kind: string
  readonly text: string
}

export type Outcome =
  /** `isError: true` is a result: the tool ran and says so. */
  | { readonly kind: 'complete'; readonly result: Payload; readonly facts: ResultFacts; readonly annotations: readonly Annotation[] }
  /**
   * The server needs input (SEP-2322). `requests` is the whole InputRequiredResult with `inputRequests`, without `requestState`;
   * `continuation` names what must come back, and the `seal` stage turns it into the `requestState` in `sealed`, which doors send.
   */
  | { readonly kind: 'input_required'; readonly requests: Payload; readonly continuation: OpenContinuation; readonly sealed?: string }
  /**
   * A task handle of the tasks extension; `handle` is the upstream's own task id, `place` the endpoint where it is, of several, `asked` a number
   * of the arguments that made it, equal for equal ones, where results are judged.
   */
  | {
      readonly kind: 'task'
      readonly result: Payload
      readonly handle: string
      readonly place?: string | undefined
      readonly asked?: number | undefined
    }
  | { readonly kind: 'fault'; readonly fault: Fault }

/** What the exit asks to get back with the next leg; sealed before a client sees it. */
export type OpenContinuation =
  | { readonly kind: 'parked'; readonly park: string; readonly owner: string; readonly expiresAtMs: number }
  | { readonly kind: 'relayed'; readonly inner: string | undefined }

export type Complete = Extract<Outcome, { kind: 'complete' }>

export function complete(result: Payload, facts: ResultFacts): Outcome {
  return { kind: 'complete', result, facts, annotations: [] }
}

/** The outcome of a call that met a bug of ours. */
export function internal(correlationId: string): Outcome {
  return failed(fault('internal', { correlationId }, { sideEffect: 'unknown' }))
}

export function failed(fault: Fault): Outcome {
  return { kind: 'fault', fault }
}
