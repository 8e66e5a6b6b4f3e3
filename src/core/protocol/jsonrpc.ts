// Reads one JSON-RPC 2.0 message of an upstream from its bytes: what kind it is, whose it is, and where its parts lie. The result
// is checked to be JSON in the same pass and stays unparsed.
import { isUtf8 } from 'node:buffer'
import type { ResultFacts } from '../call/outcome.ts'
import { type Payload, payload } from '../call/payload.ts'
import { asBuffer, MalformedJson, type Member, members, skipSpace, skipValue, text } from './scan.ts'

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

/** Reads one message. Throws `MalformedJson` on bytes that are no JSON, no UTF-8, or no JSON-RPC message. */
export function readMessage(bytes: Uint8Array): Incoming {
  if (!isUtf8(bytes)) throw new MalformedJson('invalid UTF-8', 0)
  const at = skipSpace(bytes, 0)
  const found = members(bytes, at)
  if (skipSpace(bytes, endOf(found, bytes, at)) !== bytes.length) throw new MalformedJson('text after the message', at)
  let id: Member | undefined
  let method: Member | undefined
  let params: Member | undefined
  let result: Member | undefined
  let error: Member | undefined
  let version: Member | undefined
  for (const member of found) {
    if (member.key === 'id') id = member
    else if (member.key === 'method') method = member
    else if (member.key === 'params') params = member
    else if (member.key === 'result') result = member
    else if (member.key === 'error') error = member
    else if (member.key === 'jsonrpc') version = member
  }
  if (version === undefined || raw(bytes, version) !== '"2.0"') throw new MalformedJson('no "jsonrpc": "2.0"', at)
  const rawId = id === undefined ? undefined : idText(bytes, id)
  if (method !== undefined) {
    if (bytes[method.start] !== 0x22) throw new MalformedJson('method is no string', method.start)
    const name = text(bytes, method.start, method.end)
    const body = params === undefined ? undefined : payload(bytes.subarray(params.start, params.end))
    if (id === undefined) return { kind: 'notification', method: name, params: body }
    if (rawId === undefined) throw new MalformedJson('request id is null', at)
    return { kind: 'request', id: rawId, method: name, params: body }
  }
  if (result !== undefined && rawId !== undefined) {
    const body = bytes.subarray(result.start, result.end)
    return { kind: 'result', id: rawId, result: payload(body), facts: resultFacts(body) }
  }
  if (error !== undefined) return readError(bytes, rawId, error)
  throw new MalformedJson('neither method, result nor error', at)
}

/** Facts of a result by a shallow scan. A result that is no object throws. */
export function resultFacts(result: Uint8Array): ResultFacts {
  let isError = false
  let resultType: string | undefined
  for (const member of members(result, skipSpace(result, 0))) {
    if (member.key === 'isError') isError = result[member.start] === 0x74
    else if (member.key === 'resultType' && result[member.start] === 0x22) resultType = text(result, member.start, member.end)
  }
  return { isError, resultType, bytes: result.length }
}

function readError(bytes: Uint8Array, id: RawId | undefined, error: Member): IncomingError {
  const body = payload(bytes.subarray(error.start, error.end))
  const value = body.json() as { code?: unknown; message?: unknown } | null
  if (typeof value !== 'object' || value === null || typeof value.code !== 'number')
    throw new MalformedJson('error has no code', error.start)
  return { kind: 'error', id, code: value.code, message: typeof value.message === 'string' ? value.message : '', error: body }
}

function endOf(found: readonly Member[], bytes: Uint8Array, at: number): number {
  const last = found[found.length - 1]
  if (last === undefined) return skipValue(bytes, at)
  return skipSpace(bytes, last.end) + 1
}

function raw(bytes: Uint8Array, member: Member): string {
  return asBuffer(bytes).toString('latin1', member.start, member.end)
}

function idText(bytes: Uint8Array, member: Member): RawId | undefined {
  const first = bytes[member.start]
  if (first === 0x6e) return undefined
  if (first !== 0x22 && first !== 0x2d && !(first !== undefined && first >= 0x30 && first <= 0x39)) {
    throw new MalformedJson('id is neither string nor number', member.start)
  }
  return asBuffer(bytes).toString('utf8', member.start, member.end)
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

/** An error response; `id` undefined becomes null (JSON-RPC 2.0 §5). */
export function errorBytes(id: RawId | undefined, error: { code: number; message: string; data?: unknown }): Buffer {
  return Buffer.from(`{"jsonrpc":"2.0","id":${id ?? 'null'},"error":${JSON.stringify(error)}}`)
}

function join(head: string, body: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(Buffer.byteLength(head) + body.length + 1)
  const at = out.write(head)
  out.set(body, at)
  out[at + body.length] = 0x7d
  return out
}
