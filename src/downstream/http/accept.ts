// What a client takes as an answer (`Accept`, RFC 9110 §12.5.1): a JSON body, an event stream, or both.

export interface Accepted {
  readonly json: boolean
  readonly sse: boolean
  /** Both, but the stream is named first: who wants to be able to resume gets a stream from the start. */
  readonly streamFirst: boolean
}

/** What both SDKs send. */
const usual = 'application/json, text/event-stream'

const both: Accepted = { json: true, sse: true, streamFirst: false }

/** Lenient: no header, or an empty one, is everything. */
export function accepted(accept: string | undefined): Accepted {
  if (accept === undefined || accept === usual) return both
  const ranges = accept.toLowerCase().split(',').map(rangeOf)
  const named = ranges.filter(({ type }) => type !== '')
  if (named.length === 0) return both
  const [json, sse] = [placeOf(named, 'application/json', 'application/*'), placeOf(named, 'text/event-stream', 'text/*')]
  // Only where both are named in full does their order say anything.
  const exact = json !== undefined && sse !== undefined && json.exact && sse.exact
  return { json: json !== undefined, sse: sse !== undefined, streamFirst: exact && sse.at < json.at }
}

interface Range {
  readonly type: string
  readonly refused: boolean
}

function rangeOf(text: string): Range {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim())
  return { type, refused: parameters.some((parameter) => /^q\s*=\s*0(\.0*)?$/.test(parameter)) }
}

/** The most specific range decides. */
function placeOf(ranges: readonly Range[], type: string, group: string): { readonly at: number; readonly exact: boolean } | undefined {
  for (const name of [type, group, '*/*']) {
    const at = ranges.findIndex((range) => range.type === name)
    if (at >= 0) return ranges[at]?.refused === true ? undefined : { at, exact: name === type }
  }
  return undefined
}
