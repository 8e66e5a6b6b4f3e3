// Reads all definitions of one kind from a server, page by page, each as its own bytes.
import type { ItemKind } from '../../core/call/item.ts'
import { kinds } from '../../core/call/item-kinds.ts'
import { type Payload, payload, payloadOf } from '../../core/call/payload.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { UpstreamFault } from '../../core/ports/upstream.ts'
import { code } from '../../core/protocol/names.ts'
import { elements, MalformedJson, members, skipSpace, text } from '../../core/protocol/scan.ts'
import type { Asked } from '../connection.ts'
import type { Context } from '../context.ts'

/** More pages than any real list has. */
const mostPages = 10_000

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

function readPage(context: Context, result: Payload, member: string, method: string): { items: Payload[]; cursor: string | undefined } {
  const { bytes } = result
  const broken = (reason: string): UpstreamFault =>
    new UpstreamFault(fault('upstream_protocol_error', { upstream: context.id, reason: `${method}: ${reason}` }))
  let items: Payload[] | undefined
  let cursor: string | undefined
  try {
    for (const found of members(bytes, skipSpace(bytes, 0))) {
      if (found.key === member) items = elements(bytes, found.start).map(({ start, end }) => payload(bytes.subarray(start, end)))
      else if (found.key === 'nextCursor' && bytes[found.start] === 0x22) cursor = text(bytes, found.start, found.end)
    }
  } catch (error) {
    if (error instanceof MalformedJson) throw broken(error.message)
    throw error
  }
  if (items === undefined) throw broken(`no ${member} in the result`)
  return { items, cursor }
}
