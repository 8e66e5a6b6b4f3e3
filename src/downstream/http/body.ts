// The body of a POST: read once, capped, then checked to be UTF-8, JSON, of bounded depth and free of duplicate keys, and parsed once.
import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { fault } from '../../core/faults/catalogue.ts'
import type { Fault } from '../../core/faults/fault.ts'
import { ChunkBuffer } from '../../core/protocol/chunk-buffer.ts'
import { asBuffer, countParsed, MalformedJson, maxDepth, skipString } from '../../core/protocol/scan.ts'

export type Read = { readonly body: Buffer } | { readonly fault: Fault }

/**
 * Reads at most `limit` bytes; `done` is not called where the client goes away. What comes after is thrown away, so that it gets to read the
 * refusal.
 */
export function readBody(req: IncomingMessage, limit: number, done: (read: Read) => void): void {
  const told = Number(req.headers['content-length'] ?? 0)
  if (told > limit) {
    letPass(req, limit, done)
    return
  }
  let first: Buffer | undefined
  // Not an array of chunks: a client that sends byte by byte would make us hold an object a byte.
  let more: ChunkBuffer | undefined
  let size = 0
  req.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > limit) {
      first = undefined
      more = undefined
      req.removeAllListeners('data')
      letPass(req, limit, done)
    } else if (first === undefined) first = chunk
    else {
      if (more === undefined) {
        more = new ChunkBuffer()
        more.append(first)
      }
      more.append(chunk, told)
    }
  })
  req.on('end', () => {
    if (size <= limit) done({ body: more === undefined ? (first ?? Buffer.alloc(0)) : asBuffer(more.take()) })
  })
}

/** Where the connection closes after the answer, the body is let pass first: a reset would take the answer with it. */
function letPass(req: IncomingMessage, limit: number, done: (read: Read) => void): void {
  const read: Read = { fault: fault('body_too_large', { limit }) }
  req.resume()
  if (req.headers.connection?.toLowerCase() !== 'close' && req.httpVersion !== '1.0') done(read)
  else req.on('close', () => done(read))
}

export interface Parsed {
  readonly message?: unknown
  readonly fault?: Fault
}

/** A parsed message comes along with a fault where there is one, so that the refusal can name its id. */
export function parseBody(body: Buffer): Parsed {
  if (!isUtf8(body)) return { fault: fault('parse_error', { reason: 'it is not UTF-8' }) }
  try {
    // First, since it bounds the depth before anything recurses into the value.
    const written = tally(body)
    const message: unknown = JSON.parse(body.toString('utf8'))
    if (written === countParsed(message)) return { message }
    return { fault: fault('invalid_request', { reason: 'an object has the same key twice' }), message }
  } catch (error) {
    const reason = error instanceof MalformedJson ? error.message : body.length === 0 ? 'it is empty' : 'not JSON'
    return { fault: fault('parse_error', { reason }) }
  }
}

/**
 * How many object members the text holds, whatever their keys. Throws on strings that are none, on halves of surrogate pairs, which two readers of
 * UTF-8 would take for different names, and on nesting that is too deep.
 */
function tally(body: Buffer): number {
  let count = 0
  let depth = 0
  for (let i = 0; i < body.length; i += 1) {
    const c = body[i] as number
    if (c === 0x22) i = skipString(body, i, true) - 1
    else if (c === 0x3a) count += 1
    else if (c === 0x7b || c === 0x5b) {
      depth += 1
      if (depth > maxDepth) throw new MalformedJson(`nesting deeper than ${maxDepth}`, i)
    } else if (c === 0x7d || c === 0x5d) depth -= 1
  }
  return count
}

/** Why the body is not read, by its headers; undefined where it is. */
export function mediaFault({ headers }: IncomingMessage): Fault | undefined {
  const encoding = headers['content-encoding']?.trim().toLowerCase()
  if (encoding !== undefined && encoding !== '' && encoding !== 'identity') {
    const reason = `Content-Encoding ${encoding.slice(0, 80)} is not read here. Send it as it is, without Content-Encoding`
    return fault('unsupported_media', { reason, encoding: encoding.slice(0, 80) })
  }
  return isJson(headers['content-type']) ? undefined : fault('unsupported_media', { reason: 'its Content-Type must be application/json' })
}

/** `Content-Type` is `application/json`, whatever its parameters. */
function isJson(contentType: string | undefined): boolean {
  if (contentType === 'application/json') return true
  if (contentType === undefined) return false
  const end = contentType.indexOf(';')
  return (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase() === 'application/json'
}
