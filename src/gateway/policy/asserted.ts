// Compares the `Mcp-Param-*` headers that a door read with the arguments that they repeat (MCP 2026-07-28, x-mcp-header). A policy
// in front of the gateway may have decided by the headers, so a header that says something else than the body is refused.
import type { Call } from '../../core/call/call.ts'
import type { HeaderParam } from '../../core/call/item.ts'
import { encodeHeaderValue, paramMismatch } from '../../core/protocol/headers.ts'
import { locate } from '../../core/protocol/locate.ts'

/** What is wrong with the headers, for people and without any value; undefined where they agree. Headers nobody declared are ignored. */
export function disagreement(call: Call, declared: readonly HeaderParam[]): string | undefined {
  const params = call.params.json() as { readonly arguments?: unknown } | null | undefined
  for (const param of declared) {
    const sent = call.asserted?.get(param.header)
    // Large integers are rounded once parsed, so their digits are read from the bytes.
    const raw = param.type === 'integer' && sent !== undefined ? locate(call.params.bytes, ['arguments']) : undefined
    // Doors hand over decoded values; the comparison is the one that reads them as sent.
    const reason = paramMismatch(param, sent === undefined ? undefined : encodeHeaderValue(sent), params?.arguments, raw)
    if (reason !== undefined) return reason
  }
  return undefined
}
