// What the event streams have in common: reading the messages of one event, and how long to wait before the next attempt.
import type { Random } from '../../core/ports/clock.ts'
import { readListing } from '../../core/protocol/deep-items.ts'
import type { Incoming } from '../../core/protocol/jsonrpc.ts'
import type { Checked } from '../../core/protocol/large.ts'
import { elements, MalformedJson, skipSpace } from '../../core/protocol/scan.ts'
import { notUtf8, replacedUtf8, withoutBom } from '../../core/protocol/utf8.ts'
import { backoffCapMs, backoffMs } from '../pool/backoff.ts'
import type { WireAnomaly } from '../wire/wire.ts'

/** The message of a body, or what is wrong with it. */
export function messageOf(data: Uint8Array, wire: Anomalies): Incoming | string {
  return readText(data, wire, messageIn)
}

/** The messages of one event: one, or those of a batch (MCP 2025-03-26 §transports). What is wrong with them, as text, otherwise. */
export function messagesOf(data: Uint8Array, wire: Anomalies): readonly Incoming[] | string {
  return readText(data, wire, messagesIn)
}

/** As `messagesOf`, of large bytes that were checked. */
export function messagesOfLarge({ bytes, why, isReplaced }: Checked, wire: Anomalies): readonly Incoming[] | string {
  if (why !== undefined) return why.message
  if (isReplaced) wire.anomaly('utf8', notUtf8)
  return messagesIn(bytes)
}

export interface Anomalies {
  anomaly(type: WireAnomaly, detail: string): void
}

/** As `read` does, past a byte order mark; a text that is not UTF-8 is counted and read all the same. */
function readText<T>(sent: Uint8Array, wire: Anomalies, read: (data: Uint8Array) => T | string): T | string {
  const data = withoutBom(sent)
  const found = read(data)
  const replaced = typeof found === 'string' ? replacedUtf8(data) : undefined
  if (replaced === undefined) return found
  wire.anomaly('utf8', notUtf8)
  return read(replaced)
}

function messageIn(data: Uint8Array): Incoming | string {
  try {
    return readListing(data)
  } catch (error) {
    return wrong(error)
  }
}

function messagesIn(data: Uint8Array): readonly Incoming[] | string {
  try {
    const at = skipSpace(data, 0)
    if (data[at] !== 0x5b) return [readListing(data)]
    return elements(data, at).map((element) => readListing(data.subarray(element.start, element.end)))
  } catch (error) {
    return wrong(error)
  }
}

function wrong(error: unknown): string {
  if (error instanceof MalformedJson) return error.message
  throw error
}

const shortestMs = 20

/** How long to wait after `failed` attempts in vain, in ms: at least what the server asked for by `retry:`, more with each failure. */
export function reopenMs(random: Random, failed: number, retryMs: number | undefined): number {
  const asked = Math.min(backoffCapMs, Math.max(shortestMs, retryMs ?? 0))
  return failed === 0 && retryMs !== undefined ? asked : Math.max(asked, backoffMs(failed, random))
}
