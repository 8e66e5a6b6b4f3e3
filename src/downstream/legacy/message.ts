// Reads what a legacy client sends: one message or a batch, from the bytes, so that ids and params keep their spelling.

import { isObject } from '../../core/protocol/is-object.ts'
import type { Incoming, IncomingAmbiguous } from '../../core/protocol/jsonrpc.ts'
import { readMessage } from '../../core/protocol/jsonrpc.ts'
import { elements, MalformedJson, skipSpace } from '../../core/protocol/scan.ts'

/** Most messages of one batch. */
export const mostInBatch = 100

/** What is wrong with a message, for a -32600. */
export interface Unreadable {
  readonly kind: 'unreadable'
  readonly reason: string
}

export type ClientMessage = Exclude<Incoming, IncomingAmbiguous>

/** Reads one message. `parsed` is the same message parsed, where the caller has it: its params are not parsed again. */
export function readClientMessage(bytes: Uint8Array, parsed?: unknown): ClientMessage | Unreadable {
  try {
    const message = readMessage(bytes, isObject(parsed) ? parsed : undefined)
    return message.kind === 'ambiguous' ? { kind: 'unreadable', reason: message.what } : message
  } catch (error) {
    if (error instanceof MalformedJson) return { kind: 'unreadable', reason: error.message }
    throw error
  }
}

/** The bytes of each element of a JSON array. */
export function splitBatch(bytes: Uint8Array): Uint8Array[] {
  return elements(bytes, skipSpace(bytes, 0)).map(({ start, end }) => bytes.subarray(start, end))
}

/** `[a,b]` around messages that stay bytes. */
export function joinBatch(messages: readonly Uint8Array[]): Buffer {
  const parts: Uint8Array[] = []
  for (const message of messages) parts.push(parts.length === 0 ? openBracket : comma, message)
  return Buffer.concat([...(parts.length === 0 ? [openBracket] : parts), closeBracket])
}

const openBracket = Buffer.from('[')
const comma = Buffer.from(',')
const closeBracket = Buffer.from(']')
