// Reads one JSON-RPC 2.0 message of an upstream from its bytes: what kind it is, whose it is, and where its parts lie. The result
// is checked to be JSON in the same pass and stays unparsed.
import { isUtf8 } from 'node:buffer'
import type { ResultFacts } from '../call/outcome.ts'
import { type Payload, payload } from '../call/payload.ts'
import { code, metaKey, vendorPrefix } from './names.ts'
import {
  asBuffer,
  countMembers,
  countParsed,
  Keys,
  MalformedJson,
  MemberWalk,
  repeated,
  type Span,
  skipSpace,
  text,
  wasChecked,
} from './scan.ts'

/** A request id as JSON text (`7`, `"a"`), so that number and string never meet and 64-bit numbers survive. */
export type RawId = string

export interface IncomingRequest {
  readonly kind: 'request'
  readonly id: RawId
  readonly method: string
  /** Undefined also where it is ambiguous. */
  readonly params: Payload | undefined
  /** What stands twice in it, so that two readers could read it differently: it can only be refused. */
  readonly ambiguous: string | undefined
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

/** An answer or a notification of which two readers could read different things, since a member that is read or edited stands twice. */
export interface IncomingAmbiguous {
  readonly kind: 'ambiguous'
  readonly of: 'answer' | 'notification'
  /** Undefined also where the id itself stands twice. */
  readonly id: RawId | undefined
  /** For people: what stands twice. */
  readonly what: string
}

export type Incoming = IncomingRequest | IncomingNotification | IncomingResult | IncomingError | IncomingAmbiguous

/** The members of a message, in the order of `readMessage`. */
const messageKeys = new Keys(['id', 'jsonrpc', 'result', 'method', 'params', 'error'])
/** The members that are read or edited in the params of what a server says, in results and in `_meta`. */
const paramKeys = new Keys([
  ...['_meta', 'progressToken', 'progress', 'level', 'uri', 'taskId', 'task', 'status', 'requestId', 'notifications'],
  ...['elicitationId', 'mode', 'url', 'tools'],
])
const resultKeys = new Keys([
  ...['_meta', 'isError', 'resultType', 'structuredContent', 'ttlMs', 'cacheScope', 'content', 'contents', 'messages'],
  ...['requestState', 'inputRequests', 'taskId', 'task', 'status', 'result', 'error', 'pollInterval', 'pollIntervalMs'],
  ...['tools', 'prompts', 'resources', 'resourceTemplates', 'nextCursor'],
  ...['protocolVersion', 'supportedVersions', 'capabilities', 'serverInfo', 'instructions'],
])
const metaKeys = new Keys([
  ...Object.values(metaKey),
  ...['progressToken', 'traceparent', 'tracestate'],
  ...['annotations', 'fault', 'spilled', 'error', 'budget'].map((name) => `${vendorPrefix}${name}`),
])

/**
 * Reads one message. Throws `MalformedJson` on bytes that are no JSON, no UTF-8, or no JSON-RPC message. `parsed` is the same message where
 * it was parsed before: then its bytes are known to be JSON and are not checked again, nor its params parsed again.
 */
export function readMessage(bytes: Uint8Array, parsed?: Readonly<Record<string, unknown>>): Incoming {
  const checked = parsed === undefined ? 'now' : 'before'
  if (checked === 'now' && !wasChecked(bytes) && !isUtf8(bytes)) throw new MalformedJson('invalid UTF-8', 0)
  const at = skipSpace(bytes, 0)
  let id: Span | undefined
  let method: Span | undefined
  let params: Span | undefined
  let result: Span | undefined
  let error: Span | undefined
  let versioned = false
  let seen = 0
  let twice: string | undefined
  const walk = new MemberWalk(bytes, at, checked)
  while (walk.next()) {
    const key = walk.indexIn(messageKeys)
    if (key < 0) continue
    if ((seen & (1 << key)) !== 0) twice ??= messageKeys.names[key]
    seen |= 1 << key
    if (key === 0) id = walk.span()
    else if (key === 1) versioned = isVersion(bytes, walk)
    else if (key === 2) result = walk.span()
    else if (key === 3) method = walk.span()
    else if (key === 4) params = walk.span()
    else error = walk.span()
  }
  if (skipSpace(bytes, walk.end) !== bytes.length) throw new MalformedJson('text after the message', at)
  if (!versioned) throw new MalformedJson('no "jsonrpc": "2.0"', at)
  const rawId = id === undefined || twice === 'id' ? undefined : idText(bytes, id)
  if (method !== undefined) {
    if (bytes[method.start] !== quote) throw new MalformedJson('method is no string', method.start)
    if (checked === 'now' && twice === undefined && params !== undefined) twice = repeatedInParams(bytes, params.start)
    const name = text(bytes, method.start, method.end)
    // No request of MCP may have null for its id, and some clients write it into notifications.
    if (id === undefined || twice === 'id' || (rawId === undefined && name.startsWith('notifications/'))) {
      if (twice !== undefined) return ambiguous('notification', undefined, twice)
      return { kind: 'notification', method: name, params: paramsOf(bytes, params, parsed) }
    }
    if (rawId === undefined) throw new MalformedJson('request id is null', at)
    if (twice !== undefined) return { kind: 'request', id: rawId, method: name, params: undefined, ambiguous: said(twice) }
    return { kind: 'request', id: rawId, method: name, params: paramsOf(bytes, params, parsed), ambiguous: undefined }
  }
  if (twice !== undefined) return ambiguous('answer', rawId, twice)
  // Some write both members, as JSON-RPC 1.0 has it: the one that is null says nothing.
  if (error !== undefined && (result === undefined || rawId === undefined || (isNull(bytes, result) && !isNull(bytes, error)))) {
    return readError(bytes, rawId, error)
  }
  if (result !== undefined && rawId !== undefined) {
    const body = bytes.subarray(result.start, result.end)
    const facts = factsOf(body, 'before')
    return typeof facts === 'string' ? ambiguous('answer', rawId, facts) : { kind: 'result', id: rawId, result: payload(body), facts }
  }
  throw new MalformedJson('neither method, result nor error', at)
}

function paramsOf(bytes: Uint8Array, params: Span | undefined, parsed: Readonly<Record<string, unknown>> | undefined): Payload | undefined {
  // Null is how some write that there are none.
  if (params === undefined || bytes[params.start] === letterN) return undefined
  return payload(bytes.subarray(params.start, params.end), parsed?.params)
}

function ambiguous(of: IncomingAmbiguous['of'], id: RawId | undefined, twice: string): IncomingAmbiguous {
  return { kind: 'ambiguous', of, id, what: said(twice) }
}

function said(twice: string): string {
  return `${twice} stands twice in one object`
}

function repeatedInParams(bytes: Uint8Array, at: number): string | undefined {
  if (bytes[at] !== openBrace) return undefined
  return repeated(bytes, at, paramKeys) ?? repeatedInMeta(bytes, at)
}

function repeatedInMeta(bytes: Uint8Array, at: number): string | undefined {
  const walk = new MemberWalk(bytes, at, 'before')
  while (walk.next()) if (walk.keyIs('_meta')) return bytes[walk.start] === openBrace ? repeated(bytes, walk.start, metaKeys) : undefined
  return undefined
}

/** Facts of a result by a shallow scan, or what of it is ambiguous. What is no object throws. */
export function resultFacts(result: Uint8Array): ResultFacts | { readonly ambiguous: string } {
  const facts = factsOf(result, 'now')
  return typeof facts === 'string' ? { ambiguous: said(facts) } : facts
}

/** Or the member that stands twice. */
function factsOf(result: Uint8Array, checked: 'now' | 'before'): ResultFacts | string {
  let isError = false
  let resultType: string | undefined
  let hasMeta = false
  let hasCacheHints = false
  let hasStructure = false
  let seen = 0
  let twice: string | undefined
  const walk = new MemberWalk(result, skipSpace(result, 0), checked)
  while (walk.next()) {
    const key = walk.indexIn(resultKeys)
    if (key < 0) continue
    if ((seen & (1 << key)) !== 0) twice ??= resultKeys.names[key]
    seen |= 1 << key
    if (key === 0) {
      hasMeta = true
      if (result[walk.start] === openBrace) twice ??= repeated(result, walk.start, metaKeys)
    } else if (key === 1) isError = result[walk.start] === 0x74
    else if (key === 2) {
      if (result[walk.start] === quote) resultType = text(result, walk.start, walk.end)
      // What is there and no type has to be replaced, which nobody does who sees nothing to change.
      else hasMeta = true
    } else if (key === 3) hasStructure = true
    else if (key === 4 || key === 5) hasCacheHints = true
  }
  return twice ?? { isError, resultType, hasMeta, hasCacheHints, hasStructure, bytes: result.length }
}

const openBrace = 0x7b
const quote = 0x22
/** No JSON value but null begins with it. */
const letterN = 0x6e

/** `"2.0"`, in that spelling. */
function isVersion(bytes: Uint8Array, { start, end }: Span): boolean {
  return end - start === 5 && bytes[start] === quote && bytes[start + 1] === 0x32 && bytes[start + 2] === 0x2e && bytes[start + 3] === 0x30
}

/**
 * A server's words are kept however it says that it failed: an error without a code, with one that is no integer, or that is no object at
 * all (JSON-RPC 2.0 §5.1) is an internal error with what it says.
 */
function readError(bytes: Uint8Array, id: RawId | undefined, error: Span): IncomingError | IncomingAmbiguous {
  const body = payload(bytes.subarray(error.start, error.end))
  const value = body.json()
  if (value === null) throw new MalformedJson('error is null', error.start)
  if (typeof value !== 'object') return { kind: 'error', id, code: code.internal, message: wordsOf(value), error: body }
  if (countMembers(body.bytes) !== countParsed(value)) return ambiguous('answer', id, 'a member of the error')
  const { code: own, message } = value as { code?: unknown; message?: unknown }
  const integer = typeof own === 'string' && /^-?\d{1,9}$/.test(own) ? Number(own) : own
  if (typeof integer !== 'number' || !Number.isSafeInteger(integer)) {
    return {
      kind: 'error',
      id,
      code: code.internal,
      message: wordsOf(typeof message === 'string' && message !== '' ? message : value),
      error: body,
    }
  }
  return { kind: 'error', id, code: integer, message: typeof message === 'string' ? message : '', error: body }
}

/** Longest text that is made of an error without a message, in characters. */
const mostWords = 1_000

function wordsOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value).slice(0, mostWords)
}

function isNull(bytes: Uint8Array, { start, end }: Span): boolean {
  return end - start === 4 && bytes[start] === 0x6e
}

function idText(bytes: Uint8Array, { start, end }: Span): RawId | undefined {
  const first = bytes[start]
  if (first === letterN) return undefined
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
