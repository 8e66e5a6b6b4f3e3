// What went wrong on HTTP, in words and as faults. Neither bodies nor header values are quoted, since both reach agents.
import { fault } from '../../core/faults/catalogue.ts'
import type { Fault } from '../../core/faults/fault.ts'

interface Coded {
  readonly code?: unknown
  readonly errors?: readonly unknown[]
}

/** The request never left: no connection could be had. */
export function unreachable(upstream: string, error: Error, connectTimeoutMs: number): Fault {
  const code = codeOf(error)
  if (code === 'UND_ERR_INVALID_ARG') return fault('config_error', { upstream, item: upstream, reason: error.message })
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT') {
    const layer = 'connect time limit of the gateway'
    return fault('upstream_timeout', {
      upstream,
      afterMs: connectTimeoutMs,
      layer,
      effect: 'known: it was never sent',
      phase: 'connect',
      code,
    })
  }
  const [phase, reason] = connectPhase(code)
  return fault('upstream_unavailable', { upstream, reason, phase, code })
}

function connectPhase(code: string): [phase: string, reason: string] {
  if (code === 'ECONNREFUSED') return ['connect', 'connection refused']
  if (code === 'ENOTFOUND' || code === 'ENODATA' || code.startsWith('EAI_')) return ['dns', `host name not resolved (${code})`]
  if (/^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_|EPROTO)/.test(code)) return ['tls', `TLS failed (${code})`]
  if (code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED') return ['closed', 'the connection was closed here']
  return ['connect', `no connection (${code})`]
}

/** Whether a fault says that no connection could be had, by `unreachable`. */
export function isUnreachable({ detail }: Fault): boolean {
  return detail.phase === 'connect' || detail.phase === 'dns' || detail.phase === 'tls'
}

/** The connection ended after the request was sent and before the answer was whole. */
export function cut(upstream: string, item: string, error: Error | undefined): Fault {
  const code = error === undefined ? '' : codeOf(error)
  if (error !== undefined && isNoHttp(error, code)) return offProtocol(upstream, 'no valid HTTP')
  const reason = error === undefined ? 'the stream ended without an answer' : `connection lost (${code})`
  return fault('outcome_unknown', { upstream, item, reason, code })
}

/** The wire was closed on our side. */
export function closedHere(): Fault {
  return fault('cancelled', { reason: 'the connection was closed here' })
}

export function offProtocol(upstream: string, reason: string): Fault {
  return fault('upstream_protocol_error', { upstream, reason })
}

function isNoHttp(error: Error, code: string): boolean {
  // An early end of a chunked body is a parser error too, but it is a cut connection.
  return code === 'UND_ERR_HEADERS_OVERFLOW' || (error.name === 'HTTPParserError' && !error.message.includes('EOF'))
}

export function tooLarge(upstream: string, item: string, limit: number): Fault {
  return fault('result_too_large', { upstream, item, limit })
}

/** A status in place of an answer, where nothing more is known of the request. */
export function statusFault(upstream: string, status: number, retryAfterMs: number | undefined): Fault {
  if (status === 401 || status === 403) return fault('upstream_auth_failed', { upstream, status })
  if (status === 429 || status === 503) {
    const after = retryAfterMs ?? 1_000
    return fault('upstream_busy', { upstream, status, retryAfterMs: after }, { retryAfterMs: after })
  }
  return fault('upstream_http_error', { upstream, status })
}

/** An error's code, or that of the first of several addresses tried. */
function codeOf(error: Error): string {
  const { code, errors } = error as Coded
  if (typeof code === 'string') return code
  const first = errors?.[0]
  return first instanceof Error ? codeOf(first) : error.name
}
