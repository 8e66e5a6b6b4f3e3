// What no guard changes of a result: images and audio, and the addresses by which resources are read.
import { elements, MemberWalk, type Span, skipSpace } from '../../core/protocol/scan.ts'

/** Members that hold blocks, or a block. */
const holders: ReadonlySet<string> = new Set(['content', 'contents', 'messages', 'resource', 'result'])
const mostDepth = 8

/** In the order in which they stand. `bytes` is JSON that was checked before. */
export function untouched(bytes: Uint8Array): readonly Span[] {
  const spans: Span[] = []
  look(bytes, skipSpace(bytes, 0), 0, spans)
  return spans
}

function look(b: Uint8Array, start: number, depth: number, spans: Span[]): void {
  if (depth > mostDepth) return
  if (b[start] === 0x5b) for (const element of elements(b, start)) look(b, element.start, depth + 1, spans)
  if (b[start] !== 0x7b) return
  const walk = new MemberWalk(b, start, 'before')
  while (walk.next()) {
    const key = walk.key()
    if (b[walk.start] === 0x22) {
      if (depth > 0 && (key === 'data' || key === 'blob' || key === 'uri')) spans.push(walk.span())
    } else if (holders.has(key)) look(b, walk.start, depth + 1, spans)
  }
}
