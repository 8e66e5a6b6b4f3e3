// Reads all definitions of one kind from a server, page by page, each as its own bytes.
import { createHash } from 'node:crypto'
import type { ItemKind } from '../../core/call/item.ts'
import { kinds } from '../../core/call/item-kinds.ts'
import { type Payload, payload, payloadOf } from '../../core/call/payload.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { EndlessList, UpstreamFault } from '../../core/ports/upstream.ts'
import { code } from '../../core/protocol/names.ts'
import { MalformedJson, members, passValue, skipSpace, text } from '../../core/protocol/scan.ts'
import type { Asked } from '../connection.ts'
import type { Context } from '../context.ts'

/** More pages than any real list has. */
const mostPages = 500
/** Pages in a row with nothing that was not listed before: the list goes nowhere. */
const mostBarren = 8
/** Bytes of a cursor; each is remembered as long as the list is read. */
const longestCursor = 4_096

/** Ends by throwing `UpstreamFault` if a page fails, `EndlessList` where there would be no end. */
export async function* readItems(
  context: Context,
  kind: ItemKind,
  ask: (method: string, params: Payload | undefined) => Promise<Asked>,
): AsyncGenerator<Payload> {
  const { method, member } = kinds[kind]
  const cursors = new Set<string>()
  const known = new Set<string>()
  let cursor: string | undefined
  let barren = 0
  for (let page = 0; page < mostPages; page += 1) {
    const asked = await ask(method, cursor === undefined ? undefined : payloadOf({ cursor }))
    if (asked.kind !== 'result') {
      // Servers that offer resources may have no templates; they say so only when asked.
      if (kind === 'template' && page === 0 && asked.fault.detail.code === code.methodNotFound) return
      throw new UpstreamFault(asked.fault)
    }
    const found = readPage(context, context.withoutOwn?.(asked.result) ?? asked.result, member, method)
    cursor = found.cursor
    if (page === 0 && cursor === undefined && found.lost === undefined) return yield* found.items
    const before = known.size
    for (const item of found.items) {
      known.add(createHash('sha256').update(item.bytes).digest('base64url'))
      yield item
    }
    if (found.lost !== undefined) throw new EndlessList(`${method}: ${found.lost}`)
    if (cursor === undefined) return
    if (cursors.has(cursor)) throw new EndlessList(`${method} gives a cursor a second time`)
    cursors.add(cursor)
    barren = known.size > before ? 0 : barren + 1
    if (barren === mostBarren) throw new EndlessList(`${method} goes on for ${mostBarren} pages with nothing new`)
  }
  throw new EndlessList(`${method} goes on after ${mostPages} pages`)
}

interface Page {
  /** One by one: a page may hold millions. */
  readonly items: Iterable<Payload>
  readonly cursor: string | undefined
  /** Why the page after this one cannot be asked for, though there is one. */
  readonly lost: string | undefined
}

function readPage(context: Context, result: Payload, member: string, method: string): Page {
  const { bytes } = result
  const broken = (reason: string): UpstreamFault =>
    new UpstreamFault(fault('upstream_protocol_error', { upstream: context.id, reason: `${method}: ${reason}` }))
  let at: number | undefined
  let cursor: string | undefined
  let lost: string | undefined
  try {
    for (const found of members(bytes, skipSpace(bytes, 0))) {
      if (found.key === member) at = found.start
      else if (found.key !== 'nextCursor') continue
      else if (found.end - found.start > longestCursor) lost = `nextCursor is longer than ${longestCursor} bytes`
      // An empty one is how some servers say that there is no more.
      else if (bytes[found.start] === quote) cursor = text(bytes, found.start, found.end) || undefined
      else if (!nothing.has(Buffer.from(bytes.subarray(found.start, found.end)).toString())) lost = 'nextCursor is no text'
    }
  } catch (error) {
    if (error instanceof MalformedJson) throw broken(error.message)
    throw error
  }
  if (at === undefined) throw broken(`no ${member} in the result`)
  if (bytes[at] !== openBracket) throw broken(`${member} is no array`)
  return { items: elementsOf(bytes, at), cursor, lost }
}

/** What stands for no further page, beside the empty text. */
const nothing = new Set(['null', 'false', '0'])
const quote = 0x22
const openBracket = 0x5b
const closeBracket = 0x5d

/** The elements of an array that is known to be JSON. */
function* elementsOf(bytes: Uint8Array, start: number): Generator<Payload> {
  let at = skipSpace(bytes, start + 1)
  while (bytes[at] !== closeBracket) {
    const end = passValue(bytes, at)
    yield payload(bytes.subarray(at, end))
    at = skipSpace(bytes, end)
    // A comma, since the array is known to be JSON.
    if (bytes[at] !== closeBracket) at = skipSpace(bytes, at + 1)
  }
}
