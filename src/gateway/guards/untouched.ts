// What no guess changes of a result: images and audio, the addresses by which resources are read, and those that a question sends its user to.
import { elements, MemberWalk, members, type Span, skipSpace } from '../../core/protocol/scan.ts'

/** Members that hold blocks, or a block. */
const holders: ReadonlySet<string> = new Set(['content', 'contents', 'messages', 'resource', 'result', 'params'])
const mostDepth = 8

/** In the order in which they stand. `bytes` is JSON that was checked before. */
export function untouched(bytes: Uint8Array, asks: boolean): readonly Span[] {
  const spans: Span[] = []
  look(bytes, skipSpace(bytes, 0), asks ? 1 : 0, asks, spans)
  return spans
}

/** `asks`: below the questions of a server, which are members of an object, each under a name of its own. */
function look(b: Uint8Array, start: number, depth: number, asks: boolean, spans: Span[]): void {
  if (depth > mostDepth) return
  if (b[start] === 0x5b) for (const element of elements(b, start)) look(b, element.start, depth + 1, asks, spans)
  if (b[start] !== 0x7b) return
  const walk = new MemberWalk(b, start, 'before')
  while (walk.next()) {
    const key = walk.key()
    if (b[walk.start] === 0x22) {
      if (depth > 0 && (key === 'data' || key === 'blob' || key === 'uri' || (asks && key === 'url'))) spans.push(walk.span())
    } else if (holders.has(key)) look(b, walk.start, depth + 1, asks, spans)
    else if (key === 'inputRequests' && b[walk.start] === 0x7b) {
      for (const { start: question } of members(b, walk.start)) look(b, question, depth + 1, true, spans)
    }
  }
}
