// Reads all definitions of one kind from a server, page by page, each as its own bytes.
import type { ItemKind } from '../../core/call/item.ts'
import { kinds } from '../../core/call/item-kinds.ts'
import { type Payload, payload, payloadOf } from '../../core/call/payload.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { UpstreamFault } from '../../core/ports/upstream.ts'
import { code } from '../../core/protocol/names.ts'
import { MalformedJson, members, passValue, skipSpace, text } from '../../core/protocol/scan.ts'
import type { Asked } from '../connection.ts'
import type { Context } from '../context.ts'

/** More pages than any real list has. */
const mostPages = 10_000
/** Bytes of a cursor; each is remembered as long as the list is read. */
const longestCursor = 4_096

/** Ends by throwing `UpstreamFault` if a page fails. A cursor that comes twice ends the list with a warning. */
export async function* readItems(
  context: Context,
  kind: ItemKind,
  ask: (method: string, params: Payload | undefined) => Promise<Asked>,
): AsyncGenerator<Payload> {
  const { method, member } = kinds[kind]
  const seen = new Set<string>()
  let cursor: string | undefined
  for (let page = 0; page < mostPages; page += 1) {
    const asked = await ask(method, cursor === undefined ? undefined : payloadOf({ cursor }))
    if (asked.kind !== 'result') {
      // Servers that offer resources may have no templates; they say so only when asked.
      if (kind === 'template' && page === 0 && asked.fault.detail.code === code.methodNotFound) return
      throw new UpstreamFault(asked.fault)
    }
    const found = readPage(context, asked.result, member, method)
    yield* found.items
    cursor = found.cursor
    if (cursor === undefined) return
    if (seen.has(cursor)) break
    seen.add(cursor)
  }
  context.report.log('warn', 'An upstream repeats the cursor of a list; the list was ended there', { upstream: context.id, method })
}

interface Page {
  /** One by one: a page may hold millions. */
  readonly items: Iterable<Payload>
  readonly cursor: string | undefined
}

function readPage(context: Context, result: Payload, member: string, method: string): Page {
  const { bytes } = result
  const broken = (reason: string): UpstreamFault =>
    new UpstreamFault(fault('upstream_protocol_error', { upstream: context.id, reason: `${method}: ${reason}` }))
  let at: number | undefined
  let cursor: string | undefined
  try {
    for (const found of members(bytes, skipSpace(bytes, 0))) {
      if (found.key === member) at = found.start
      else if (found.key === 'nextCursor' && bytes[found.start] === 0x22) {
        if (found.end - found.start > longestCursor) throw broken(`nextCursor is longer than ${longestCursor} bytes`)
        cursor = text(bytes, found.start, found.end)
      }
    }
  } catch (error) {
    if (error instanceof MalformedJson) throw broken(error.message)
    throw error
  }
  if (at === undefined) throw broken(`no ${member} in the result`)
  if (bytes[at] !== openBracket) throw broken(`${member} is no array`)
  return { items: elementsOf(bytes, at), cursor }
}

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
