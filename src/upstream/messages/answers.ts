// Judges what a wire brought back: one place that turns answers, statuses and losses into faults with an honest side effect.

import type { RoutedCall, TargetedCall } from '../../core/call/call.ts'
import { type Exchange, endReason } from '../../core/call/exchange.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { endedBy } from '../../core/faults/ended.ts'
import type { Fault, SideEffect } from '../../core/faults/fault.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { code } from '../../core/protocol/names.ts'
import type { IncomingError, WireAnswer } from '../wire/wire.ts'

/** What is known of a request when its answer has to be judged. */
export interface Asking {
  readonly upstream: string
  /** For people: the item, else the method. */
  readonly item: string
  /** Changes nothing upstream: reads, lists, tools that say so. */
  readonly readOnly: boolean
  /** May be repeated: the above, and tools that say so. */
  readonly repeatable: boolean
}

export function askingOf(call: TargetedCall): Asking {
  const item = 'item' in call ? (call as RoutedCall).item : undefined
  const readOnly = call.method === 'tools/call' ? item?.traits.readOnly === true : !call.method.startsWith('tasks/')
  const repeatable = readOnly || call.method.startsWith('tasks/') || item?.traits.idempotent === true
  return { upstream: call.upstream, item: item?.name ?? call.target ?? call.method, readOnly, repeatable }
}

/** A request of the gateway itself. */
export function askingFor(upstream: string, method: string): Asking {
  return { upstream, item: method, readOnly: true, repeatable: true }
}

/** A JSON-RPC error of the upstream. Codes that describe this hop alone are not relayed. */
export function errorFault(asking: Asking, error: IncomingError, target?: string): Fault {
  const { message } = error
  const data = (error.error.json() as { data?: unknown }).data
  const own = error.code
  const detail = { upstream: asking.upstream, reason: message === '' ? `error ${own}` : message, code: own }
  if (own <= code.headerMismatch && own >= code.unsupportedProtocolVersion) return fault('upstream_error', detail)
  const refused = own === code.invalidParams || own === code.methodNotFound || own === code.invalidRequest || own === code.resourceNotFound
  const change = { sideEffect: asking.readOnly || refused ? 'none' : 'unknown' } as const
  if (own !== code.resourceNotFound) return fault('upstream_error', { ...detail, wire: { code: own, message, data } }, change)
  const uri = { ...(target === undefined ? {} : { uri: target }), ...(isObject(data) ? data : {}) }
  return fault('upstream_error', { ...detail, wire: { code: code.invalidParams, message, data: uri } }, change)
}

/** A status without an answer. */
export function statusFault(asking: Asking, answer: Extract<WireAnswer, { kind: 'status' }>): Fault {
  const { status } = answer
  const detail = { upstream: asking.upstream, status, ...(answer.body === undefined ? {} : { reason: answer.body.message }) }
  if (status === 401 || status === 403) return fault('upstream_auth_failed', detail)
  if (status === 429 || status === 503) {
    const retryAfterMs = answer.retryAfterMs ?? 1_000
    return fault('upstream_busy', { ...detail, retryAfterMs }, { retryAfterMs })
  }
  const sideEffect = asking.readOnly || status < 500 ? 'none' : 'unknown'
  return fault('upstream_http_error', detail, { sideEffect, retryable: asking.repeatable && status >= 500 })
}

/** A lost answer: what surely was not executed, what may be repeated, and what nobody knows. */
export function lostFault(asking: Asking, answer: Extract<WireAnswer, { kind: 'lost' }>): Fault {
  const found = answer.fault
  if (answer.executed === 'no') return withEffect(found, 'none')
  const sideEffect = asking.readOnly ? 'none' : 'unknown'
  // What the wire says of the answer itself (too large, no MCP, too slow) stays said; only a plain loss is judged by the item.
  if (found.kind !== 'upstream_unavailable' && found.kind !== 'upstream_start_failed' && found.kind !== 'outcome_unknown') {
    return withEffect(found, sideEffect)
  }
  const reason = typeof found.detail.reason === 'string' ? found.detail.reason : found.message
  const detail = { upstream: asking.upstream, reason }
  if (asking.repeatable) return fault('upstream_unavailable', detail, { sideEffect })
  return fault('outcome_unknown', { ...detail, item: asking.item }, { sideEffect: 'unknown' })
}

function withEffect(found: Fault, sideEffect: SideEffect): Fault {
  return found.sideEffect === sideEffect ? found : { ...found, sideEffect }
}

/** The connection was closed on our side while the call ran; its caller still waits. */
export function cutLooseFault(asking: Asking, sent: boolean): Fault {
  const closed = fault('upstream_unavailable', { upstream: asking.upstream, reason: 'the connection was closed' })
  return lostFault(asking, { kind: 'lost', executed: sent ? 'maybe' : 'no', fault: closed })
}

/**
 * Why a call ended before its answer: its exchange ended, or else the gateway cut it loose, which nobody has cancelled. `sent` tells
 * whether a byte of it may have reached the upstream.
 */
export function endedFault(asking: Asking, exchange: Exchange, elapsedMs: number, sent: boolean): Fault {
  const reason = endReason(exchange.signal)
  if (reason === undefined) return cutLooseFault(asking, sent)
  const sideEffect: SideEffect = sent && !asking.readOnly ? 'unknown' : 'none'
  if (reason !== 'deadline') return endedBy(reason, asking.item, sideEffect)
  const detail = {
    upstream: asking.upstream,
    afterMs: Math.round(elapsedMs),
    layer: 'call deadline of the gateway',
    effect: sideEffect === 'unknown' ? 'unknown' : sent ? 'of no matter, it only reads' : 'known: it was never sent',
  }
  return fault('upstream_timeout', detail, { sideEffect, retryable: asking.repeatable || sideEffect === 'none' })
}
