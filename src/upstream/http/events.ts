// What the event streams have in common: reading the messages of one event, and how long to wait before the next attempt.
import type { Random } from '../../core/ports/clock.ts'
import { type Incoming, readMessage } from '../../core/protocol/jsonrpc.ts'
import { elements, MalformedJson, skipSpace } from '../../core/protocol/scan.ts'

/** The messages of one event: one, or those of a batch (MCP 2025-03-26 §transports). What is wrong with them, as text, otherwise. */
export function messagesOf(data: Uint8Array): readonly Incoming[] | string {
  try {
    const at = skipSpace(data, 0)
    if (data[at] !== 0x5b) return [readMessage(data)]
    return elements(data, at).map((element) => readMessage(data.subarray(element.start, element.end)))
  } catch (error) {
    if (error instanceof MalformedJson) return error.message
    throw error
  }
}

const firstMs = 500
const longestMs = 30_000
const shortestMs = 20

/** How long to wait before attempt `failed` + 1, in ms: what the server asked for by `retry:`, growing with failures, and spread. */
export function backoffMs(random: Random, failed: number, retryMs: number | undefined): number {
  const asked = Math.min(longestMs, Math.max(shortestMs, retryMs ?? 0))
  if (failed === 0 && retryMs !== undefined) return asked
  const grown = Math.min(longestMs, firstMs * 2 ** Math.min(failed, 10))
  return Math.max(asked, grown * (0.5 + random.fraction() / 2))
}
