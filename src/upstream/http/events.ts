// What the event streams have in common: reading the messages of one event, and how long to wait before the next attempt.
import type { Random } from '../../core/ports/clock.ts'
import { type Incoming, readMessage } from '../../core/protocol/jsonrpc.ts'
import { elements, MalformedJson, skipSpace } from '../../core/protocol/scan.ts'
import { backoffCapMs, backoffMs } from '../pool/backoff.ts'

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

const shortestMs = 20

/** How long to wait after `failed` attempts in vain, in ms: at least what the server asked for by `retry:`, more with each failure. */
export function reopenMs(random: Random, failed: number, retryMs: number | undefined): number {
  const asked = Math.min(backoffCapMs, Math.max(shortestMs, retryMs ?? 0))
  return failed === 0 && retryMs !== undefined ? asked : Math.max(asked, backoffMs(failed, random))
}
