// Reads one JSON-RPC 2.0 message of an upstream from its bytes: what kind it is, whose it is, and where its parts lie. The result
// is checked to be JSON in the same pass and stays unparsed.
import { isUtf8 } from 'node:buffer'
import type { ResultFacts } from '../call/outcome.ts'
import { type Payload, payload } from '../call/payload.ts'
import { asBuffer, MalformedJson, MemberWalk, type Span, skipSpace, text } from './scan.ts'

/** A request id as JSON text (`7`, `"a"`), so that number and string never meet and 64-bit numbers survive. */
export type RawId = string

export interface IncomingRequest {
  readonly kind: 'request'
  readonly id: RawId
  readonly method: string
  readonly params: Payload | undefined
}

export interface IncomingNotification {
  readonly kind: 'notification'
  readonly method: string
  readonly params: Payload | undefined
}

export interface IncomingResult {
  readonly kind: 'result'
  readonly id: RawId
  readonly result: Payload
  readonly facts: ResultFacts
}

export interface IncomingError {
  readonly kind: 'error'
  /** Undefined where the peer could not tell the id (`null` or absent). */
  readonly id: RawId | undefined
  readonly code: number
  readonly message: string
  /** The error object whole, unknown members included. */
  readonly error: Payload
}

export type Incoming = IncomingRequest | IncomingNotification | IncomingResult | IncomingError

/**
 * Reads one message. Throws `MalformedJson` on bytes that are no JSON, no UTF-8, or no JSON-RPC message. `parsed` is the same message where
 * it was parsed before: then its bytes are known to be JSON and are not checked again, nor its params parsed again.
 */
export function readMessage(bytes: Uint8Array, parsed?: Readonly<Record<string, unknown>>): Incoming {
  const checked = parsed === undefined ? 'now' : 'before'
  if (checked === 'now' && !isUtf8(bytes)) throw new MalformedJson('invalid UTF-8', 0)
  const at = skipSpace(bytes, 0)
  let id: Span | undefined
  let method: Span | undefined
  let params: Span | undefined
  let result: Span | undefined
  let error: Span | undefined
  let versioned = false
  const walk = new MemberWalk(bytes, at, checked)
  while (walk.next()) {
    if (walk.keyIs('jsonrpc')) versioned = isVersion(bytes, walk)
    else if (walk.keyIs('id')) id = walk.span()
    else if (walk.keyIs('result')) result = walk.span()
    else if (walk.keyIs('method')) method = walk.span()
    else if (walk.keyIs('params')) params = walk.span()
    else if (walk.keyIs('error')) error = walk.span()
  }
  if (skipSpace(bytes, walk.end) !== bytes.length) throw new MalformedJson('text after the message', at)
  if (!versioned) throw new MalformedJson('no "jsonrpc": "2.0"', at)
  const rawId = id === undefined ? undefined : idText(bytes, id)
  if (method !== undefined) {
    if (bytes[method.start] !== quote) throw new MalformedJson('method is no string', method.start)
    const name = text(bytes, method.start, method.end)
    const body = params === undefined ? undefined : payload(bytes.subarray(params.start, params.end), parsed?.params)
    if (id === undefined) return { kind: 'notification', method: name, params: body }
    if (rawId === undefined) throw new MalformedJson('request id is null', at)
    return { kind: 'request', id: rawId, method: name, params: body }
  }
  if (result !== undefined && rawId !== undefined) {
    const body = bytes.subarray(result.start, result.end)
    return { kind: 'result', id: rawId, result: payload(body), facts: factsOf(body, 'before') }
  }
  if (error !== undefined) return readError(bytes, rawId, error)
  throw new MalformedJson('neither method, result nor error', at)
}

/** Facts of a result by a shallow scan. A result that is no object throws. */
export function resultFacts(result: Uint8Array): ResultFacts {
  return factsOf(result, 'now')
}

function factsOf(result: Uint8Array, checked: 'now' | 'before'): ResultFacts {
  let isError = false
  let resultType: string | undefined
  let hasMeta = false
  let hasCacheHints = false
  let hasStructure = false
  const walk = new MemberWalk(result, skipSpace(result, 0), checked)
  while (walk.next()) {
    if (walk.keyIs('isError')) isError = result[walk.start] === 0x74
    else if (walk.keyIs('resultType')) resultType = result[walk.start] === quote ? text(result, walk.start, walk.end) : undefined
    else if (walk.keyIs('_meta')) hasMeta = true
    else if (walk.keyIs('structuredContent')) hasStructure = true
    else if (walk.keyIs('ttlMs') || walk.keyIs('cacheScope')) hasCacheHints = true
  }
  return { isError, resultType, hasMeta, hasCacheHints, hasStructure, bytes: result.length }
}

const quote = 0x22

/** `"2.0"`, in that spelling. */
function isVersion(bytes: Uint8Array, { start, end }: Span): boolean {
  return end - start === 5 && bytes[start] === quote && bytes[start + 1] === 0x32 && bytes[start + 2] === 0x2e && bytes[start + 3] === 0x30
}

function readError(bytes: Uint8Array, id: RawId | undefined, error: Span): IncomingError {
  const body = payload(bytes.subarray(error.start, error.end))
  const value = body.json() as { code?: unknown; message?: unknown } | null
  if (typeof value !== 'object' || value === null || typeof value.code !== 'number')
    throw new MalformedJson('error has no code', error.start)
  return { kind: 'error', id, code: value.code, message: typeof value.message === 'string' ? value.message : '', error: body }
}

function idText(bytes: Uint8Array, { start, end }: Span): RawId | undefined {
  const first = bytes[start]
  if (first === 0x6e) return undefined
  if (first !== quote && first !== 0x2d && !(first !== undefined && first >= 0x30 && first <= 0x39)) {
    throw new MalformedJson('id is neither string nor number', start)
  }
  return asBuffer(bytes).toString('utf8', start, end)
}

/** `{"jsonrpc":"2.0","id":…,"method":…,"params":…}` around params that stay bytes. */
export function requestBytes(id: RawId | number, method: string, params: Uint8Array | undefined): Buffer {
  const head = `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)}`
  return params === undefined ? Buffer.from(`${head}}`) : join(`${head},"params":`, params)
}

export function notificationBytes(method: string, params: Uint8Array | undefined): Buffer {
  const head = `{"jsonrpc":"2.0","method":${JSON.stringify(method)}`
  return params === undefined ? Buffer.from(`${head}}`) : join(`${head},"params":`, params)
}

export function resultBytes(id: RawId, result: Uint8Array): Buffer {
  return join(`{"jsonrpc":"2.0","id":${id},"result":`, result)
}

/** An error response. Without an id it has no such member: MCP allows that and forbids null (`JSONRPCErrorResponse`), other than JSON-RPC 2.0. */
export function errorBytes(id: RawId | undefined, error: { code: number; message: string; data?: unknown }): Buffer {
  const member = id === undefined ? '' : `"id":${id},`
  return Buffer.from(`{"jsonrpc":"2.0",${member}"error":${JSON.stringify(error)}}`)
}

/**
 * What stands for the id of a request whose id could not be read, in an error that travels as a message: nothing, but null in the revisions
 * that had `id` as required and leave the rest to JSON-RPC 2.0 §5. The body of an HTTP error has none in any revision.
 */
export function unreadId(revision: string | undefined): RawId | undefined {
  return revision !== undefined && idRequired.has(revision) ? 'null' : undefined
}

const idRequired: ReadonlySet<string> = new Set(['2024-11-05', '2025-03-26', '2025-06-18'])

function join(head: string, body: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(Buffer.byteLength(head) + body.length + 1)
  const at = out.write(head)
  out.set(body, at)
  out[at + body.length] = 0x7d
  return out
}
