// A text of the gateway's own behind the content of a result, for the model that reads it: content and structured content stay as they are.
import { locate } from '../protocol/locate.ts'
import { asBuffer, skipSpace } from '../protocol/scan.ts'
import type { Complete } from './outcome.ts'
import type { Edit } from './payload.ts'

const contentPath = ['content']
const openBracket = 0x5b
const closeBracket = 0x5d
/** No JSON value but null begins with it. */
const letterN = 0x6e

/** `more`: what stands in `_meta` for programs. */
export function withNote(outcome: Complete, text: string, ...more: readonly Edit[]): Complete {
  const content = locate(outcome.result.bytes, contentPath)
  const { facts } = outcome
  // Content that is no list has no place for a text.
  if (content !== undefined && content[0] !== openBracket && content[0] !== letterN)
    return { ...outcome, result: outcome.result.edit(more), facts: { ...facts, hasMeta: true } }
  const value = withBlock(content, JSON.stringify({ type: 'text', text }))
  return {
    ...outcome,
    result: outcome.result.edit([{ path: contentPath, value }, ...more]),
    facts: { ...facts, hasMeta: true, ownBlocks: (facts.ownBlocks ?? 0) + 1 },
  }
}

function withBlock(content: Uint8Array | undefined, block: string): string | Uint8Array {
  if (content === undefined || content[0] !== openBracket) return `[${block}]`
  const last = content.lastIndexOf(closeBracket)
  const isEmpty = skipSpace(content, 1) === last
  return Buffer.concat([asBuffer(content.subarray(0, last)), Buffer.from(`${isEmpty ? '' : ','}${block}]`)])
}
