// How a fault looks on the wire: an `isError` result for `tools/call`, a JSON-RPC error for everything else (docs/faults.md).
import { vendorPrefix } from '../protocol/names.ts'
import type { Fault } from './fault.ts'

/** What a fault is of. `run`: id of the run that the call belongs to; undefined of what became no call. */
export interface FaultOf {
  readonly correlationId: string
  readonly run?: string | undefined
  /** As its client stated it. */
  readonly turn?: string | undefined
}

/** The typed fault that agents and programs read; never more than this leaves the gateway. */
function faultData(fault: Fault, { correlationId, run, turn }: FaultOf): Record<string, unknown> {
  return {
    kind: fault.kind,
    category: fault.category,
    retryable: fault.retryable,
    ...(fault.retryAfterMs === undefined ? {} : { retry_after_ms: fault.retryAfterMs }),
    side_effect: fault.sideEffect,
    correlation_id: correlationId,
    ...(run === undefined ? {} : { run }),
    ...(turn === undefined ? {} : { turn }),
    tell_user: fault.tellUser ?? fault.message,
    ...(fault.challenge === undefined ? {} : { challenge: fault.challenge }),
    ...(Object.keys(fault.detail).length === 0 ? {} : { detail: fault.detail }),
  }
}

/** JSON-RPC error object. Codes with `data` of their own in the specification carry it beside ours. */
export function faultError(fault: Fault, of: FaultOf): { code: number; message: string; data: unknown } {
  const wire = fault.detail.wire as { code: number; message: string; data?: unknown } | undefined
  const own = { [`${vendorPrefix}fault`]: faultData(withoutWire(fault), of) }
  if (wire !== undefined) {
    const data =
      typeof wire.data === 'object' && wire.data !== null && !Array.isArray(wire.data)
        ? { ...wire.data, ...own }
        : wire.data === undefined
          ? own
          : wire.data
    return { code: wire.code, message: wire.message, data }
  }
  const said = fault.said === undefined ? {} : { [`${vendorPrefix}said`]: fault.said }
  return { code: fault.entry.code, message: sentences(fault), data: { ...specData(fault), ...own, ...said } }
}

/** CallToolResult with `isError`; `structuredContent.error` only where the tool declares no output schema, since SDK 1.x validates it there. What a server said follows the sentence. */
export function faultResult(fault: Fault, of: FaultOf, declaresOutput: boolean): Record<string, unknown> {
  const data = faultData(withoutWire(fault), of)
  return {
    content: [{ type: 'text', text: sentences(fault) }, ...(fault.said ?? []).map((said) => ({ type: 'text', text: said }))],
    ...(declaresOutput ? {} : { structuredContent: { error: data } }),
    isError: true,
    _meta: { [`${vendorPrefix}fault`]: data },
  }
}

/** The sentence, and what the agent is to tell its user where that is something else. */
function sentences({ message, tellUser }: Fault): string {
  return tellUser === undefined ? message : `${message} Tell the user: ${tellUser}`
}

/** What the specification itself puts in `data`: -32022 `supported`, `requested`; -32021 `requiredCapabilities`; missing resource `uri`. */
function specData(fault: Fault): Record<string, unknown> {
  const { supported, requested, requiredCapabilities, uri } = fault.detail
  const data: Record<string, unknown> = {}
  if (supported !== undefined) data.supported = supported
  if (requested !== undefined) data.requested = requested
  if (requiredCapabilities !== undefined) data.requiredCapabilities = requiredCapabilities
  if (uri !== undefined) data.uri = uri
  return data
}

/** The fault as the gateway's own: the server's code and words are not told as they came. */
export function withoutWire(fault: Fault): Fault {
  if (fault.detail.wire === undefined) return fault
  const { wire: _, ...detail } = fault.detail
  return { ...fault, detail }
}
