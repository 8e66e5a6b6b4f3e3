// The few response headers that matter, read from what undici gives.
import type { IncomingHttpHeaders } from 'node:http'
import type { Clock } from '../../core/ports/clock.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { header } from '../../core/protocol/names.ts'
import { ofHeaders, ofRetryAfter } from '../../core/protocol/retry-times.ts'
import { contentEncoding } from './content-encoding.ts'

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

/** And of an answer that is limited. */
const ofLimits = [...known, 'ratelimit', 'ratelimit-reset', 'x-ratelimit-reset'] as const

/** Of a flat list of names and values only those that somebody reads; several of one name as a list. */
export function knownHeaders(raw: readonly Buffer[], status = 200): IncomingHttpHeaders {
  const names = isLimited(status) ? ofLimits : known
  const headers: IncomingHttpHeaders = {}
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = knownName(raw[i] as Buffer, names)
    if (name === undefined) continue
    const value = (raw[i + 1] as Buffer).toString('latin1')
    const before = headers[name]
    headers[name] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value]
  }
  return headers
}

function isLimited(status: number): boolean {
  return status === 429 || status === 503
}

function knownName(bytes: Buffer, names: readonly string[]): string | undefined {
  for (const name of names) if (name.length === bytes.length && isName(bytes, name)) return name
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

/** When the peer wants to be asked again, in ms from now: `Retry-After`, else the headers of a rate limit that has nothing left. */
export function retryAfter(status: number, headers: IncomingHttpHeaders, clock: Clock): number | undefined {
  const said = headers['retry-after']
  if (!isLimited(status)) return said === undefined ? undefined : ofRetryAfter(first(said), clock.now())
  return ofHeaders((name) => {
    const value = headers[name]
    return Array.isArray(value) ? value.join(',') : value
  }, clock.now())
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
