// What came with a message of a session beside its bytes.
import type { CallId } from '../../core/call/call.ts'
import type { Principal } from '../../core/call/principal.ts'
import type { RunHeaders } from '../../core/ports/gateway.ts'
import type { TraceHeaders } from '../modern/trace.ts'

export interface Arrival {
  readonly correlationId: CallId
  readonly principal: Principal
  readonly atMs: number
  readonly headers: Readonly<Record<string, string>> | undefined
  /** What they say of the run. */
  readonly runHeaders: RunHeaders | undefined
  /** `Signalbox-Tool-Versions`. */
  readonly toolVersions: string | undefined
  readonly userAgent?: string | undefined
  /** What they say of the trace. */
  readonly traceHeaders: TraceHeaders | undefined
  /** When it came and when it was known whose it is, in monotonic ms. */
  readonly times: { readonly at: number; readonly identifiedAt: number }
}
