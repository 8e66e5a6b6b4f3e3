// Values in MCP headers (MCP 2026-07-28 §transports, SEP-2243): how text stands in a header, how it is read back strictly, and how
// arguments are repeated in `Mcp-Param-*`.
import type { HeaderParam } from '../call/item.ts'
import { asBuffer, members, skipSpace } from './scan.ts'

const opening = '=?base64?'
const closing = '?='

/** The value as it may stand in a header: as is where it is plain visible ASCII, else base64 of its UTF-8 between the markers. */
export function encodeHeaderValue(value: string): string {
  return isPlain(value) ? value : `${opening}${Buffer.from(value, 'utf8').toString('base64')}${closing}`
}

/** The value that a header holds, optional whitespace trimmed; undefined where the marker stands around what is no strict base64 of UTF-8. */
export function decodeHeaderValue(raw: string): string | undefined {
  const value = trimOptionalSpace(raw)
  if (!isMarked(value)) return value
  const text = value.slice(opening.length, -closing.length)
  if (!strictBase64.test(text)) return undefined
  const bytes = Buffer.from(text, 'base64')
  // Unused bits of the last character must be zero (RFC 4648 §3.5), else one value has several spellings.
  if (bytes.toString('base64') !== text) return undefined
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

const strictBase64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function isMarked(value: string): boolean {
  return value.startsWith(opening) && value.endsWith(closing) && value.length >= opening.length + closing.length
}

function isPlain(value: string): boolean {
  const last = value.length - 1
  if (last < 0) return false
  for (let i = 0; i <= last; i += 1) {
    const c = value.charCodeAt(i)
    if (c > 0x7e || (c < 0x20 && c !== 0x09)) return false
    if ((i === 0 || i === last) && (c === 0x20 || c === 0x09)) return false
  }
  return !(value.startsWith(opening) && value.endsWith(closing))
}

/** Without the spaces and tabs round it (RFC 9110 §5.5). */
function trimOptionalSpace(value: string): string {
  let from = 0
  let to = value.length
  while (from < to && isOptionalSpace(value.charCodeAt(from))) from += 1
  while (to > from && isOptionalSpace(value.charCodeAt(to - 1))) to -= 1
  return from === 0 && to === value.length ? value : value.slice(from, to)
}

function isOptionalSpace(c: number): boolean {
  return c === 0x20 || c === 0x09
}

/** A header name part as `x-mcp-header` may give it (RFC 9110 §5.6.2). */
export function isToken(text: string): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text)
}

/** Whether two numbers in decimal are the same integer: `42`, `42.0`, `+0` no. Exact beyond 2^53; false where either is no integer. */
export function sameInteger(a: string, b: string): boolean {
  const left = integer(a)
  return left !== undefined && left === integer(b)
}

function integer(text: string): bigint | undefined {
  const found = /^(-?\d{1,400})(?:\.0{1,400})?$/.exec(text)
  return found?.[1] === undefined ? undefined : BigInt(found[1])
}

/**
 * The `Mcp-Param-*` headers of parsed arguments, names in lower case, values encoded. Absent, null and misshapen values have none. `raw` is the
 * JSON text of the arguments: it gives the digits of integers beyond 2^53, which are rounded in the parsed value.
 */
export function paramHeaders(params: readonly HeaderParam[], args: unknown, raw?: Uint8Array): Record<string, string> {
  const out: Record<string, string> = {}
  for (const param of params) {
    const value = paramText(param, args, raw)
    if (value !== undefined) out[param.header] = encodeHeaderValue(value)
  }
  return out
}

/** Why an `Mcp-Param-*` header (undefined: absent) does not repeat the argument, for people; undefined where it does. */
export function paramMismatch(param: HeaderParam, header: string | undefined, args: unknown, raw?: Uint8Array): string | undefined {
  const value = paramText(param, args, raw)
  if (value === undefined) {
    // A misshapen value is the business of the schema; only what is surely not there forbids the header.
    const there = valueAt(args, param.path)
    return header === undefined || (there !== undefined && there !== null) ? undefined : `${param.header} is there, but its argument is not`
  }
  if (header === undefined) return `${param.header} is missing`
  const decoded = decodeHeaderValue(header)
  if (decoded === undefined) return `${param.header} is not decodable`
  const same = param.type === 'integer' ? decoded === value || sameInteger(decoded, value) : decoded === value
  return same ? undefined : `${param.header} differs from its argument`
}

function paramText(param: HeaderParam, args: unknown, raw: Uint8Array | undefined): string | undefined {
  const value = valueAt(args, param.path)
  if (typeof value === 'string') return param.type === 'string' ? value : undefined
  if (typeof value === 'boolean') return param.type === 'boolean' ? String(value) : undefined
  if (typeof value !== 'number' || param.type !== 'integer' || !Number.isInteger(value)) return undefined
  if (Number.isSafeInteger(value)) return Object.is(value, -0) ? '0' : String(value)
  const digits = raw === undefined ? undefined : textAt(raw, param.path)
  return digits !== undefined && integer(digits) !== undefined ? String(integer(digits)) : BigInt(value).toString()
}

function valueAt(root: unknown, path: readonly string[]): unknown {
  let value = root
  for (const key of path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return value
}

function textAt(raw: Uint8Array, path: readonly string[]): string | undefined {
  let at = skipSpace(raw, 0)
  let end = raw.length
  for (const key of path) {
    if (raw[at] !== 0x7b) return undefined
    const found = members(raw, at).findLast((member) => member.key === key)
    if (found === undefined) return undefined
    at = found.start
    end = found.end
  }
  return asBuffer(raw).toString('latin1', at, end)
}
