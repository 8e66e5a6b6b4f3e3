// What a log line says of the call that it is about: with these it is found beside the line of its end, its spans, its row of the audit and
// what its server wrote down.
import type { Call } from './call.ts'

export type Named = Pick<Call, 'id' | 'run' | 'trace'>

/** As the line of the end of a call has them. */
export type CallFields = {
  readonly id: string
  readonly run: string
  readonly turn: string | undefined
  /** Of its trace. */
  readonly trace: string
}

export function callFields({ id, run, trace }: Named): CallFields {
  return { id, run: run.id, turn: run.turn, trace: trace.traceId }
}
