// The URIs that results give a caller to read next. Which server gave one is kept, since a URI that no list shows does not tell it; and one
// that another server lists is given with the name of its server in the path, since server and URI together say what is meant.
import type { Call, UpstreamId } from '../../core/call/call.ts'
import type { Complete, Outcome } from '../../core/call/outcome.ts'
import { payload } from '../../core/call/payload.ts'
import { carriedSpans } from '../../core/protocol/carriers.ts'
import { type Span, text } from '../../core/protocol/scan.ts'
import type { GivenLinks } from './given-links.ts'
import type { Mounts } from './mounts.ts'
import type { Selection } from './selection.ts'

interface Parts {
  readonly mounts: Mounts
  readonly links: GivenLinks
}

/** In each content block that links to a resource or holds one: the value or the member. */
const mark = Buffer.from('"resource')

/** Links of one result whose server is kept. */
const mostKept = 1_000

/** An outcome of a server as the mount gives it to its caller. */
export function withLinks({ mounts, links }: Parts, call: Call, selection: Selection, server: UpstreamId, outcome: Outcome): Outcome {
  // On the mount of one server every URI is that server's.
  if (outcome.kind !== 'complete' || selection.server !== undefined) return outcome
  const { bytes } = outcome.result
  if (Buffer.prototype.indexOf.call(bytes, mark) < 0) return outcome
  const spans = carriedSpans(call.method, 'link', bytes)
  // A member that stands twice has two readings; such links are left as they came, and lead where others do.
  if (spans === undefined) return outcome
  const view = mounts.viewFor(selection, call.caller)
  let kept = 0
  return replaced(outcome, spans, (own) => {
    const visible = view.linkOf(server, own)
    if (kept < mostKept) links.note(call, visible, { upstream: server, own })
    kept += 1
    return visible
  })
}

/** The result with the strings at these places, in their order, as `change` has them. */
export function replaced(outcome: Complete, spans: readonly Span[], change: (value: string) => string): Complete {
  const { bytes } = outcome.result
  const pieces: Uint8Array[] = []
  let from = 0
  for (const { start, end } of spans) {
    const before = text(bytes, start, end)
    const after = change(before)
    if (after === before) continue
    pieces.push(bytes.subarray(from, start), Buffer.from(JSON.stringify(after)))
    from = end
  }
  return from === 0 ? outcome : { ...outcome, result: payload(Buffer.concat([...pieces, bytes.subarray(from)])) }
}
