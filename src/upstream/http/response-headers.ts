// The few response headers that matter, read from what undici gives.
import type { IncomingHttpHeaders } from 'node:http'
import type { Clock } from '../../core/ports/clock.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { header } from '../../core/protocol/names.ts'
import { contentEncoding } from './content-encoding.ts'

const longestRetryMs = 24 * 3_600_000

const known = [
  'content-type',
  'content-length',
  'content-encoding',
  'retry-after',
  'www-authenticate',
  'location',
  'dpop-nonce',
  header.sessionId,
] as const

/** Of a flat list of names and values only those that somebody reads; several of one name as a list. */
export function knownHeaders(raw: readonly Buffer[]): IncomingHttpHeaders {
  const headers: IncomingHttpHeaders = {}
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = knownName(raw[i] as Buffer)
    if (name === undefined) continue
    const value = (raw[i + 1] as Buffer).toString('latin1')
    const before = headers[name]
    headers[name] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value]
  }
  return headers
}

function knownName(bytes: Buffer): string | undefined {
  for (const name of known) if (name.length === bytes.length && isName(bytes, name)) return name
  return undefined
}

/** `name` in lower case, the bytes in any. */
function isName(bytes: Buffer, name: string): boolean {
  for (let i = 0; i < name.length; i += 1) {
    const c = bytes[i] as number
    if ((c >= 0x41 && c <= 0x5a ? c + 0x20 : c) !== name.charCodeAt(i)) return false
  }
  return true
}

/** `application/json` of `application/json; charset=utf-8`, lower case; '' where there is none. */
export function mediaType(headers: IncomingHttpHeaders): string {
  const value = headers['content-type']
  if (value === undefined) return ''
  if (value === 'application/json' || value === 'text/event-stream') return value
  const end = first(value).indexOf(';')
  return (end === -1 ? first(value) : first(value).slice(0, end)).trim().toLowerCase()
}

/** Of the body as it is read, in bytes; 0 where not told. */
export function contentLength(headers: IncomingHttpHeaders): number {
  if (contentEncoding(headers) !== undefined) return 0
  const value = Number(headers['content-length'])
  return Number.isSafeInteger(value) && value > 0 ? value : 0
}

/** `Retry-After` in ms from now, seconds or HTTP date (RFC 9110 §10.2.3), at most a day. */
export function retryAfter(headers: IncomingHttpHeaders, clock: Clock): number | undefined {
  const value = headers['retry-after']
  if (value === undefined) return undefined
  const text = first(value).trim()
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - clock.now()
  return Number.isNaN(ms) ? undefined : Math.min(longestRetryMs, Math.max(0, ms))
}

/** `WWW-Authenticate`, several joined. */
export function challenge(headers: IncomingHttpHeaders): string | undefined {
  const value: string | string[] | undefined = headers['www-authenticate']
  return Array.isArray(value) ? value.join(', ') : value
}

/** The same from a body that has the parameters of a challenge in place of the header, as token endpoints write errors (RFC 6749 §5.2). */
export function challengeIn(body: Uint8Array): string | undefined {
  try {
    const said: unknown = JSON.parse(Buffer.from(body).toString())
    if (!isObject(said) || said.error !== 'insufficient_scope') return undefined
    const { scope } = said
    const named = typeof scope === 'string' && !/["\\]/.test(scope) ? `, scope="${scope}"` : ''
    return `Bearer error="insufficient_scope"${named}`
  } catch {
    return undefined
  }
}

/** `mcp-session-id`, where it is one: visible ASCII of a sane length. */
export function sessionId(headers: IncomingHttpHeaders): string | undefined {
  const value = headers['mcp-session-id']
  if (value === undefined) return undefined
  return /^[\x21-\x7e]{1,4096}$/.test(first(value)) ? first(value) : undefined
}

// A header sent twice comes as an array.
function first(value: string | string[]): string {
  return typeof value === 'string' ? value : (value[0] ?? '')
}
