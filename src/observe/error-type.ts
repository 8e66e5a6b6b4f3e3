// `error.type` and `rpc.response.status_code` of the OpenTelemetry conventions for MCP: of a call as its client saw it, and of an attempt as
// the server answered it.
import type { AttemptRecord, SettledCall } from '../core/call/record.ts'
import { code } from '../core/protocol/names.ts'

export interface ErrorAttributes {
  /** `error.type`; '' where there is none. */
  readonly type: string
  /** Of a JSON-RPC error; '' where there was none. */
  readonly code: string
}

const none: ErrorAttributes = { type: '', code: '' }
const toolError: ErrorAttributes = { type: 'tool_error', code: '' }

/** Codes of requests that nobody could serve: the server did not fail (conventions, "mcp.server" spans). */
const refusedCodes: ReadonlySet<number> = new Set([
  code.parse,
  code.invalidRequest,
  code.methodNotFound,
  code.invalidParams,
  code.resourceNotFound,
])

/** A fault of `tools/call` is told in a result, unless the request itself is bad. */
export function errorOfCall({ outcome, fault }: Pick<SettledCall, 'outcome' | 'fault'>): ErrorAttributes {
  if (outcome === 'tool_error') return toolError
  if (fault === undefined) return none
  if (fault.answered === undefined) return toolError
  const answered = String(fault.answered)
  return { type: refusedCodes.has(fault.answered) ? '' : answered, code: answered }
}

/** What is no JSON-RPC error of the server has the kind of its fault. */
export function errorOfAttempt({ fault, isError }: Pick<AttemptRecord, 'fault' | 'isError'>): ErrorAttributes {
  if (isError) return toolError
  if (fault === undefined) return none
  if (fault.answered === undefined) return { type: fault.kind, code: '' }
  return { type: String(fault.answered), code: String(fault.answered) }
}
