// What went wrong on HTTP, in words and as faults. Neither bodies nor header values are quoted, since both reach agents.
import { fault } from '../../core/faults/catalogue.ts'
import { type Evidence, evidence } from '../../core/faults/evidence.ts'
import type { Fault } from '../../core/faults/fault.ts'
import { BadEncoding } from './content-encoding.ts'
import { ProxyFailure } from './proxied-origin.ts'

interface Coded {
  readonly code?: unknown
  readonly errors?: readonly unknown[]
}

/** The request never left: no connection could be had. */
export function unreachable(upstream: string, error: Error, connectTimeoutMs: number): Fault {
  if (error instanceof ProxyFailure) return proxyFailed(upstream, error, connectTimeoutMs)
  const code = codeOf(error)
  if (code === 'UND_ERR_INVALID_ARG') {
    return fault('config_error', { upstream, item: upstream, reason: error.message }, { evidence: evidence.not_configured })
  }
  if (connectTimeouts.has(code)) {
    const layer = 'connect time limit of the gateway'
    const detail = { upstream, afterMs: connectTimeoutMs, layer, phase: 'connect', code }
    return fault('upstream_timeout', detail, { evidence: evidence.connect_timeout })
  }
  const [phase, reason, found] = connectPhase(code)
  return fault('upstream_unavailable', { upstream, reason, phase, code }, { evidence: found })
}

/** No way through the proxy: none of the request has reached the upstream. */
function proxyFailed(upstream: string, { proxy, status, cause }: ProxyFailure, connectTimeoutMs: number): Fault {
  if (status === 407) {
    const reason = `the proxy ${proxy.label} answered with HTTP 407: it wants ${proxy.authorization === undefined ? 'a' : 'another'} credential`
    return fault('upstream_unavailable', { upstream, reason, phase: 'connect', status }, { evidence: evidence.proxy_credential })
  }
  if (status !== undefined) {
    const reason = `the proxy ${proxy.label} opened no tunnel and answered with HTTP ${status}`
    return fault('upstream_unavailable', { upstream, reason, phase: 'connect', status }, { evidence: evidence.proxy_refused })
  }
  const code = codeOf(cause as Error)
  if (connectTimeouts.has(code)) {
    const layer = `connect time limit of the gateway, towards the proxy ${proxy.label}`
    const detail = { upstream, afterMs: connectTimeoutMs, layer, phase: 'connect', code }
    return fault('upstream_timeout', detail, { evidence: evidence.connect_timeout })
  }
  const [phase, why, found] = connectPhase(code)
  const reason = `the proxy ${proxy.label} cannot be used: ${why}`
  return fault('upstream_unavailable', { upstream, reason, phase, code }, { evidence: found })
}

/** The last is that of a proxy's answer to CONNECT. */
const connectTimeouts = new Set(['UND_ERR_CONNECT_TIMEOUT', 'ETIMEDOUT', 'UND_ERR_HEADERS_TIMEOUT'])

function connectPhase(code: string): [phase: string, reason: string, found: Evidence] {
  if (code === 'ECONNREFUSED') return ['connect', 'connection refused', evidence.connection_refused]
  if (code === 'ENOTFOUND' || code === 'ENODATA' || code.startsWith('EAI_')) {
    return ['dns', `host name not resolved (${code})`, evidence.dns_failed]
  }
  if (/^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_|EPROTO)/.test(code))
    return ['tls', `TLS failed (${code})`, evidence.tls_failed]
  if (code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED')
    return ['closed', 'the connection was closed here', evidence.connection_ended]
  return ['connect', `no connection (${code})`, evidence.connection_refused]
}

/** Whether a fault says that no connection could be had, by `unreachable`. */
export function isUnreachable({ detail }: Fault): boolean {
  return detail.phase === 'connect' || detail.phase === 'dns' || detail.phase === 'tls'
}

/** The connection ended after the request was sent and before the answer was whole. */
export function cut(upstream: string, item: string, error: Error | undefined): Fault {
  if (error instanceof BadEncoding) return offProtocol(upstream, unreadable('it is not packed as its Content-Encoding says'))
  const code = error === undefined ? '' : codeOf(error)
  if (error !== undefined && isNoHttp(error, code)) return offProtocol(upstream, 'no valid HTTP')
  const what = error instanceof ProxyFailure ? error.message : code
  const reason = error === undefined ? 'the stream ended without an answer' : `connection lost (${what})`
  return fault('outcome_unknown', { upstream, item, reason, code }, { evidence: evidence.connection_lost })
}

/** The wire was closed on our side. */
export function closedHere(upstream: string): Fault {
  return fault('upstream_unavailable', { upstream, reason: 'the connection was closed here' }, { evidence: evidence.connection_ended })
}

/** The origin has no place left for one more request. */
export function noPlace(upstream: string, limit: number): Fault {
  return fault('overloaded', { upstream, limit, retryAfterMs: 1_000 }, { evidence: evidence.no_place, retryAfterMs: 1_000 })
}

/** A body whose `Content-Encoding` is a problem, in the words of `encodingProblem`. */
export function unreadable(problem: string): string {
  return `the answer cannot be read: ${problem}`
}

export function offProtocol(upstream: string, reason: string): Fault {
  return fault('upstream_protocol_error', { upstream, reason }, { evidence: evidence.answer_invalid })
}

function isNoHttp(error: Error, code: string): boolean {
  // An early end of a chunked body is a parser error too, but it is a cut connection.
  return code === 'UND_ERR_HEADERS_OVERFLOW' || (error.name === 'HTTPParserError' && !error.message.includes('EOF'))
}

export function tooLarge(upstream: string, item: string, limit: number): Fault {
  return fault('result_too_large', { upstream, item, limit }, { evidence: evidence.answer_too_large })
}

/** An error's code, or that of the first of several addresses tried. */
function codeOf(error: Error): string {
  const { code, errors } = error as Coded
  if (typeof code === 'string') return code
  const first = errors?.[0]
  return first instanceof Error ? codeOf(first) : error.name
}
