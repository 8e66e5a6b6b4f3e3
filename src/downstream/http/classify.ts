// Whose message is this, and which door takes it? (docs/protocol-notes.md). The body decides, the header is the cross-check. Pure; every cell has a test.

import { fault } from '../../core/faults/catalogue.ts'
import type { Fault } from '../../core/faults/fault.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { metaKey } from '../../core/protocol/names.ts'
import { hasClaim, hasValidModernClaim, isModernRevision, type Message, metaOf } from '../modern/envelope.ts'

export type Classification =
  /** A request for the modern door, which checks the rest of it. */
  | { readonly to: 'modern' }
  /** A ping that is nobody's: go-sdk sends it bare to servers of MCP 2026-07-28, which has none. It asks whether anybody is there. */
  | { readonly to: 'pong' }
  /** A modern notification: 202 and dropped. */
  | { readonly to: 'accepted' }
  | { readonly to: 'legacy' }
  | { readonly to: 'refused'; readonly fault: Fault }

/** `revision` and `method` are the headers `MCP-Protocol-Version` and `Mcp-Method`. */
export function classify(message: unknown, revision: string | undefined, method: string | undefined): Classification {
  if (Array.isArray(message)) return classifyBatch(message, revision)
  if (!isObject(message)) return refused('the body must be a JSON-RPC message')
  if (message.jsonrpc !== '2.0') return refused('jsonrpc must be "2.0"')
  if (typeof message.method !== 'string') return isResponse(message) ? legacy : refused('method must be a string')
  if (message.params !== undefined && typeof message.params !== 'object') return refused('params must be an object')
  const modernHeader = revision !== undefined && isModernRevision(revision)
  if (!hasId(message)) return classifyNotification(message, modernHeader, revision, method)
  if (typeof message.id !== 'string' && !Number.isInteger(message.id)) return refused('id must be a string or an integer')
  if (message.method === 'initialize' && !hasValidModernClaim(message)) {
    return modernHeader ? mismatch(`initialize belongs to earlier revisions, MCP-Protocol-Version names ${revision}`) : legacy
  }
  if (hasClaim(message)) return modern
  if (!modernHeader) return legacy
  return message.method === 'ping' ? pong : modern
}

/** Null is the id of no request, and some clients write it into notifications. */
export function hasId(message: Message): boolean {
  return message.id === null ? !isNotification(message) : Object.hasOwn(message, 'id')
}

function isNotification({ method }: Message): boolean {
  return typeof method === 'string' && method.startsWith('notifications/')
}

const modern: Classification = { to: 'modern' }
const pong: Classification = { to: 'pong' }
const legacy: Classification = { to: 'legacy' }
const accepted: Classification = { to: 'accepted' }

function classifyBatch(batch: readonly unknown[], revision: string | undefined): Classification {
  if (batch.length === 0) return refused('the batch is empty')
  if (revision !== undefined && isModernRevision(revision)) return refused(`revision ${revision} has no batches`)
  for (const element of batch) {
    if (hasClaim(element)) return refused('messages of 2026-07-28 cannot stand in a batch')
    if (!isMessage(element)) return refused('the batch holds what is no JSON-RPC message')
  }
  return legacy
}

function classifyNotification(
  message: Message,
  modernHeader: boolean,
  revision: string | undefined,
  method: string | undefined,
): Classification {
  const claimed = hasClaim(message)
  if (!claimed && !modernHeader) return legacy
  if (claimed) {
    const claim = metaOf(message)?.[metaKey.protocolVersion]
    if (typeof claim !== 'string') {
      const key = metaKey.protocolVersion
      return { to: 'refused', fault: fault('invalid_params', { reason: `_meta["${key}"] must be a string`, key }) }
    }
    if (revision !== undefined && revision !== claim) return mismatch(`MCP-Protocol-Version is ${revision}, the body says ${claim}`)
  }
  if (method !== undefined && method !== message.method) return mismatch(`Mcp-Method is ${method}, the body says ${message.method}`)
  return accepted
}

function isMessage(value: unknown): boolean {
  if (!isObject(value) || value.jsonrpc !== '2.0') return false
  return typeof value.method === 'string' || isResponse(value)
}

function isResponse(message: Message): boolean {
  return (Object.hasOwn(message, 'result') || Object.hasOwn(message, 'error')) && Object.hasOwn(message, 'id')
}

function refused(reason: string): Classification {
  return { to: 'refused', fault: fault('invalid_request', { reason }) }
}

function mismatch(reason: string): Classification {
  return { to: 'refused', fault: fault('header_mismatch', { reason }) }
}
