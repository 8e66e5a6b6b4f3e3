// Reads what one line of a server's stdout holds: a message, a batch, messages glued to noise, or noise alone. Never throws, and costs
// a few passes over the line at most, whatever stands in it.
import { readListing } from '../../core/protocol/deep-items.ts'
import { type Incoming, readMessage } from '../../core/protocol/jsonrpc.ts'
import type { Checked } from '../../core/protocol/large.ts'
import { asBuffer, elements, MalformedJson, skipSpace, skipValue } from '../../core/protocol/scan.ts'
import { notUtf8, replacedUtf8, withoutBom } from '../../core/protocol/utf8.ts'
import type { WireAnomaly } from '../wire/wire.ts'

export interface LineContent {
  readonly messages: readonly Incoming[]
  /** What was wrong with the line: `glued` or `utf8` and messages go together, `stdout` and `malformed` mean that (a part of) it was lost. */
  readonly anomaly: { readonly type: Extract<WireAnomaly, 'stdout' | 'glued' | 'malformed' | 'utf8'>; readonly why: string } | undefined
}

const openBrace = 0x7b
const openBracket = 0x5b

/** A failed attempt costs some 10 µs, however little it read. */
const maxAttempts = 1_000

export function readLine(written: Uint8Array): LineContent {
  const line = withoutBom(written)
  const content = readUtf8(line)
  const replaced = content.anomaly === undefined ? undefined : replacedUtf8(line)
  if (replaced === undefined) return content
  const again = readUtf8(replaced)
  return again.anomaly === undefined ? { messages: again.messages, anomaly: { type: 'utf8', why: notUtf8 } } : again
}

/** As `readLine`, of a large line that was checked. Messages are not looked for in large noise. */
export function readLargeLine({ bytes, why, isReplaced }: Checked): LineContent {
  if (why !== undefined)
    return { messages: [], anomaly: { type: bytes[skipSpace(bytes, 0)] === openBrace ? 'malformed' : 'stdout', why: why.message } }
  const content = readUtf8(bytes)
  return isReplaced && content.anomaly === undefined ? { ...content, anomaly: { type: 'utf8', why: notUtf8 } } : content
}

function readUtf8(line: Uint8Array): LineContent {
  const at = skipSpace(line, 0)
  if (at === line.length) return { messages: [], anomaly: undefined }
  if (line[at] === openBracket) return readBatch(line, at) ?? readGlued(line, at, 'no JSON')
  if (line[at] !== openBrace) return readGlued(line, at, 'no JSON')
  try {
    return { messages: [readListing(line)], anomaly: undefined }
  } catch (error) {
    return readGlued(line, at, reasonOf(error))
  }
}

/**
 * The id that a line which is no valid message meant to answer, as far as it is certain: where the object begins or ends with it, as
 * all common writers do. `'unknown'` where the line looks like an answer and its id cannot be told; undefined where it looks like none.
 */
export function idOfBroken(line: Uint8Array): number | 'unknown' | undefined {
  const bytes = asBuffer(withoutBom(line))
  const head = bytes.toString('latin1', 0, 120)
  if (!/^\s*\{/.test(head) || /^\s*\{\s*("jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"method"/.test(head)) return undefined
  if (bytes.indexOf('"jsonrpc"') < 0) return undefined
  const first = /^\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"id"\s*:\s*(\d{1,15})\s*,/.exec(head)
  if (first !== null) return Number(first[1])
  const tail = bytes.toString('latin1', Math.max(0, bytes.length - 120))
  const last = /,\s*"jsonrpc"\s*:\s*"2\.0"\s*,\s*"id"\s*:\s*(\d{1,15})\s*\}\s*$/.exec(tail)
  return last === null ? 'unknown' : Number(last[1])
}

/** JSON-RPC batches, which servers of 2024-11-05 and 2025-03-26 may send. Undefined where the line is no JSON array. */
function readBatch(line: Uint8Array, at: number): LineContent | undefined {
  let parts: { readonly start: number; readonly end: number }[]
  try {
    if (skipSpace(line, skipValue(line, at)) !== line.length) return undefined
    parts = elements(line, at)
  } catch {
    return undefined
  }
  const messages: Incoming[] = []
  let why: string | undefined = parts.length === 0 ? 'empty batch' : undefined
  for (const part of parts) {
    try {
      messages.push(readMessage(line.subarray(part.start, part.end)))
    } catch (error) {
      why = `in a batch: ${reasonOf(error)}`
    }
  }
  return { messages, anomaly: why === undefined ? undefined : { type: 'malformed', why } }
}

/**
 * Looks for messages behind or before noise. A run of messages counts only if it reaches to one end of the line: an object in the middle
 * may be a part of somebody's data (which would be delivered as an answer).
 */
function readGlued(line: Uint8Array, start: number, why: string): LineContent {
  const bytes = asBuffer(line)
  const mark = bytes.lastIndexOf('"jsonrpc"')
  if (mark < 0) return { messages: [], anomaly: { type: 'stdout', why } }
  // What failed attempts may read in all, so that nested openings cannot make it quadratic.
  let budget = 4 * bytes.length
  let at = bytes.indexOf(openBrace, start)
  for (let attempts = 0; at >= 0 && at < mark && budget > 0 && attempts < maxAttempts; attempts += 1) {
    const run = readRun(bytes, at)
    if (run.messages.length > 0 && (at === start || run.end === bytes.length)) {
      return { messages: run.messages, anomaly: { type: 'glued', why: 'a message shares its line with other text' } }
    }
    budget -= run.readTo - at
    at = bytes.indexOf(openBrace, run.resume)
  }
  return { messages: [], anomaly: { type: bytes[start] === openBrace ? 'malformed' : 'stdout', why } }
}

interface Run {
  readonly messages: readonly Incoming[]
  /** Just after the last message and the space behind it. */
  readonly end: number
  /** Where to look for the next run. Past a whole object that is no message: it is noise, and so is all within it. */
  readonly resume: number
  /** How far the bytes were read. */
  readonly readTo: number
}

/** Whole messages that follow each other from `from` on, with nothing but space between. */
function readRun(bytes: Buffer, from: number): Run {
  const messages: Incoming[] = []
  let end = from
  while (bytes[end] === openBrace) {
    const object = readObject(bytes, end)
    if (object.next === undefined) return { messages, end, resume: end + 1, readTo: object.readTo }
    const after = skipSpace(bytes, object.next)
    if (object.message === undefined) return { messages, end, resume: after, readTo: after }
    messages.push(object.message)
    end = after
  }
  return { messages, end, resume: end, readTo: end }
}

/** `next`: just after the object that starts at `from`, undefined where it is no whole JSON object. */
function readObject(bytes: Buffer, from: number): { next: number | undefined; message: Incoming | undefined; readTo: number } {
  let next: number
  try {
    next = skipValue(bytes, from)
  } catch (error) {
    return { next: undefined, message: undefined, readTo: error instanceof MalformedJson ? error.at : bytes.length }
  }
  try {
    return { next, message: readMessage(bytes.subarray(from, next)), readTo: next }
  } catch {
    return { next, message: undefined, readTo: next }
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof MalformedJson) return error.message
  throw error
}
