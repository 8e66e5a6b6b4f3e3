// Judges what a wire brought back: one place that turns answers, statuses and losses into faults, each with its evidence.
import { isRepeatable } from '../../core/call/again.ts'
import type { RoutedCall, TargetedCall } from '../../core/call/call.ts'
import { type Exchange, endReason } from '../../core/call/exchange.ts'
import { catalogue, fault, type Kind } from '../../core/faults/catalogue.ts'
import { endedBy } from '../../core/faults/ended.ts'
import { beforeSending, type Evidence, evidence, withoutRenewal } from '../../core/faults/evidence.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { CredentialLease } from '../../core/ports/credentials.ts'
import { lackedScopes } from '../../core/protocol/bearer-challenge.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { code, isOfOneHop } from '../../core/protocol/names.ts'
import { ofData } from '../../core/protocol/retry-times.ts'
import type { IncomingError, WireAnswer } from '../wire/wire.ts'
import { dataOf, supportedIn } from './errors.ts'

/** What is told where a status that asks to wait names no time, in ms. */
const unnamedMs = 1_000

/** What is known of a request when its answer has to be judged. */
export interface Asking {
  readonly upstream: string
  readonly method: string
  /** For people: the item, else the method. */
  readonly item: string
  /** Executing it twice is as good as once. */
  readonly repeatable: boolean
}

export function askingOf(call: TargetedCall): Asking {
  const item = 'item' in call ? (call as RoutedCall).item.name : undefined
  return { upstream: call.upstream, method: call.method, item: item ?? call.target ?? call.method, repeatable: isRepeatable(call) }
}

/** A request of the gateway itself. */
export function askingFor(upstream: string, method: string): Asking {
  return { upstream, method, item: method, repeatable: true }
}

/** A fault of this request. An agent is told to try again only where that cannot execute twice what must not be. */
export function judged(
  kind: Kind,
  asking: Asking,
  found: Evidence,
  detail: Readonly<Record<string, unknown>> = {},
  retryAfterMs?: number,
): Fault {
  const safe = found.execution !== 'unknown' || asking.repeatable
  const retryable = safe && (catalogue[kind].retryable || found.again === 'paused')
  return fault(kind, { upstream: asking.upstream, ...detail }, { evidence: found, retryable, retryAfterMs })
}

/** A JSON-RPC error of the upstream; `found` where the connection knows more of it than the code says. Codes that describe this hop alone are not relayed. */
export function errorFault(
  asking: Asking,
  error: IncomingError,
  target?: string,
  found = evidenceOfError(error.code, asking),
  retryAfterMs?: number,
): Fault {
  if (isOfOneHop(error.code)) return judged('upstream_error', asking, found, detailOf(error))
  return saidByServer(asking, error, target, found, retryAfterMs)
}

/** The same of a server with `initialize`: its revisions keep no codes for one hop, so whatever it says is its own. */
export function sessionErrorFault(asking: Asking, error: IncomingError, target?: string, loss?: Evidence, retryAfterMs?: number): Fault {
  const found = loss ?? (isOfOneHop(error.code) ? evidence.error_answer : evidenceOfError(error.code, asking))
  return saidByServer(asking, error, target, found, retryAfterMs)
}

/** When an error says to come back, in ms from now: the headers of its answer, or its data. */
export function retryAfterOf(answer: Extract<WireAnswer, { kind: 'answer' }>, error: IncomingError, clock: Clock): number | undefined {
  return answer.retryAfterMs ?? ofData(dataOf(error), clock.now())
}

/** The same error where the status of its answer is one that asks to wait, with a time: further calls are held to that. */
export function heldTo(found: Fault, answer: Extract<WireAnswer, { kind: 'answer' }>): Fault {
  const { status } = answer
  if (status !== 429 && status !== 503) return found
  return { ...found, detail: { ...found.detail, status, ...namedBy(answer) } }
}

/** `named`: the time is one that further calls can be held to. */
function namedBy({ retryAfterMs }: { readonly retryAfterMs?: number | undefined }): { readonly named?: true } {
  return retryAfterMs === undefined ? {} : { named: true }
}

/** A server with `initialize` was exchanged for one without. The code alone may be a tool's own (MCP 2026-07-28 has `supported` in its `data`). */
export function refusesRevision(error: IncomingError): boolean {
  if (error.code !== code.unsupportedProtocolVersion) return false
  return supportedIn(error) !== undefined
}

function detailOf({ code: own, message }: IncomingError): { readonly reason: string; readonly code: number } {
  return { reason: message === '' ? `error ${own}` : message, code: own }
}

function saidByServer(
  asking: Asking,
  error: IncomingError,
  target: string | undefined,
  said: Evidence,
  retryAfterMs: number | undefined,
): Fault {
  const found = retryAfterMs !== undefined && said === evidence.error_answer ? evidence.asked_to_wait : said
  const { message } = error
  const own = error.code
  const data = dataOf(error)
  const detail = detailOf(error)
  // Of a resource alone it says the same in both eras under two codes; what else a server means by it is its own.
  if (own !== code.resourceNotFound || asking.method !== 'resources/read')
    return judged('upstream_error', asking, found, { ...detail, wire: { code: own, message, data } }, retryAfterMs)
  const uri = { ...(target === undefined ? {} : { uri: target }), ...(isObject(data) ? data : {}) }
  return judged('upstream_error', asking, found, { ...detail, wire: { code: code.invalidParams, message, data: uri } })
}

function evidenceOfError(own: number, { method }: Asking): Evidence {
  switch (own) {
    case code.methodNotFound:
      return evidence.method_not_found
    case code.invalidParams:
    case code.invalidRequest:
    case code.parse:
      return evidence.invalid_request
    case code.resourceNotFound:
      return method === 'resources/read' ? evidence.resource_not_found : evidence.error_answer
    case code.headerMismatch:
      return evidence.header_mismatch
    case code.missingClientCapability:
      return evidence.capability_missing
    case code.unsupportedProtocolVersion:
      return evidence.unsupported_revision
    case code.urlElicitationRequired:
      return evidence.url_required
    default:
      return evidence.error_answer
  }
}

/**
 * A status without an answer; `more` where the connection knows more of it than the status says. The lease that the request went with is
 * told of its refusal, and says whether there could be another.
 */
export function statusFault(
  asking: Asking,
  answer: Extract<WireAnswer, { kind: 'status' }>,
  lease: CredentialLease | undefined,
  more?: Evidence,
): Fault {
  const { status } = answer
  const found = more ?? evidenceOfStatus(answer, lease)
  const detail = { status, ...(answer.body === undefined ? {} : { reason: answer.body.message }) }
  if (status === 401 || status === 403) {
    const lacked = found.name === evidence.scope_missing.name ? lackedScopes(answer.challenge) : undefined
    const refused = lacked === undefined ? refusedOf(status, lease) : lackingOf(lacked)
    return judged('upstream_auth_failed', asking, found, { ...detail, hop: asking.upstream, ...refused })
  }
  const { proxy } = answer
  if (proxy !== undefined && isOfGateways(answer)) {
    const reason = `the proxy ${proxy}, or what stands behind it, answered with HTTP ${status}`
    return judged('upstream_unavailable', asking, found, { ...detail, reason })
  }
  if (status === 429 || status === 503) {
    const retryAfterMs = answer.retryAfterMs ?? unnamedMs
    return judged('upstream_busy', asking, found, { ...detail, retryAfterMs, ...namedBy(answer) }, retryAfterMs)
  }
  const { location } = answer
  if (location !== undefined) return judged('upstream_redirected', asking, found, { ...detail, location })
  return judged('upstream_http_error', asking, found, detail)
}

/** A status that proxies answer with where they reach nobody (RFC 9110 §15.6). */
function isOfGateways({ status, body, retryAfterMs }: Extract<WireAnswer, { kind: 'status' }>): boolean {
  return body === undefined && (status === 502 || status === 504 || (status === 503 && retryAfterMs === undefined))
}

/** What was refused, and what an operator can do about it. */
function refusedOf(status: number, lease: CredentialLease | undefined): { readonly failure: string; readonly remedy: string } {
  const refused = (what: string): string => `it refused ${what} (HTTP ${status})`
  for (const _ in lease?.headers()) return { failure: refused('the credential of the gateway'), remedy: 'renew it' }
  return { failure: refused('a request without a credential'), remedy: 'configure one (`auth`, `headers`) or check the address' }
}

/** The same of one that lacks scopes. `scopes`: none where the server names none. */
function lackingOf(scopes: readonly string[]): { readonly failure: string; readonly remedy: string; readonly scopes: readonly string[] } {
  const named = scopes.length === 0 ? 'a scope that it does not name' : `the scope ${scopes.join(' ')}`
  return { failure: `it wants ${named}, which the credential of the gateway does not have (HTTP 403)`, remedy: 'grant it', scopes }
}

function evidenceOfStatus({ status, challenge }: Extract<WireAnswer, { kind: 'status' }>, lease: CredentialLease | undefined): Evidence {
  if (status === 401 || (status === 403 && challenge !== undefined)) {
    if (lease?.reject({ status, challenge }) === true) return evidence.credential_refused
    return status === 403 && lackedScopes(challenge) !== undefined ? evidence.scope_missing : withoutRenewal(evidence.credential_refused)
  }
  if (status === 307 || status === 308) return evidence.redirected
  if (status === 429) return evidence.too_many_requests
  if (status === 503) return evidence.service_unavailable
  if (status >= 500) return evidence.server_error
  return status === 408 || status === 425 ? evidence.try_again_status : evidence.other_status
}

/** A status on a message that has no answer; `said`: what its body holds. */
export function deliveryFault(upstream: string, status: number, retryAfterMs: number | undefined, location?: string, said?: string): Fault {
  const found = statusFault(
    askingFor(upstream, 'the message'),
    { kind: 'status', status, retryAfterMs, challenge: undefined, location, body: undefined },
    undefined,
  )
  return said === undefined || said === '' ? found : { ...found, detail: { ...found.detail, said } }
}

/** A lost answer. What the wire says of the answer itself (too large, no MCP) stays said; a plain loss is judged by the request. */
export function lostFault(asking: Asking, answer: Extract<WireAnswer, { kind: 'lost' }>): Fault {
  const { kind, detail, retryAfterMs, evidence: found = evidence.connection_lost } = answer.fault
  const plain = kind === 'upstream_unavailable' || kind === 'upstream_start_failed' || kind === 'outcome_unknown'
  if (found.execution !== 'unknown' || !plain) return judged(kind as Kind, asking, found, detail, retryAfterMs)
  const reason = typeof detail.reason === 'string' ? detail.reason : answer.fault.message
  return lossFault(asking, found, reason)
}

function lossFault(asking: Asking, found: Evidence, reason: string): Fault {
  if (asking.repeatable) return judged('upstream_unavailable', asking, found, { reason })
  return judged('outcome_unknown', asking, found, { reason, item: asking.item })
}

/** The gateway closed the connection under a request whose caller still waits. */
export function cutLooseFault(asking: Asking, sent: boolean): Fault {
  const reason = 'the connection was closed'
  return sent
    ? lossFault(asking, evidence.closed_here, reason)
    : judged('upstream_unavailable', asking, evidence.connection_ended, { reason })
}

/**
 * Why a call ended before its answer: its exchange ended, or else the gateway closed its connection, which nobody has cancelled. `sent`
 * tells whether a byte of it may have reached the upstream.
 */
export function endedFault(asking: Asking, exchange: Exchange, elapsedMs: number, sent: boolean): Fault {
  const reason = endReason(exchange.signal)
  if (reason === undefined) return cutLooseFault(asking, sent)
  if (reason === 'deadline') {
    const { isOfCaller } = exchange.deadline
    const detail = {
      afterMs: Math.round(elapsedMs),
      layer: isOfCaller ? 'deadline that the caller stated' : 'call deadline of the gateway',
    }
    const found = isOfCaller ? evidence.caller_deadline : evidence.deadline
    const unsent = isOfCaller ? evidence.ended_unsent : evidence.deadline_unsent
    return judged('upstream_timeout', asking, sent ? found : unsent, detail)
  }
  const found = sent ? evidence.ended : evidence.ended_unsent
  return endedBy(reason, asking.item, 'none', found)
}

/** The server had begun with the request (it asked, or made a task of it), whatever it says of it afterwards. */
export function begunFault(asking: Asking, found: Fault): Fault {
  if (found.sideEffect !== 'none') return found
  // The connection that would have had the rest is gone.
  if (found.evidence?.again === 'once') return cutLooseFault(asking, true)
  return judged(found.kind as Kind, asking, evidence.error_answer, found.detail, found.retryAfterMs)
}

/** There was no connection for the request. */
export function unsentFault(found: Fault): Fault {
  const { kind, detail, retryable, retryAfterMs } = found
  return fault(kind as Kind, detail, { evidence: beforeSending(found.evidence ?? evidence.no_connection), retryable, retryAfterMs })
}
