// From outcomes to the JSON-RPC answers of a legacy client: what its revision cannot read is translated or noted, and bytes that
// nothing has to change pass untouched.

import type { Complete, Outcome, ResultFacts } from '../../core/call/outcome.ts'
import type { Edit, Payload } from '../../core/call/payload.ts'
import { fault as faultOf } from '../../core/faults/catalogue.ts'
import type { Fault } from '../../core/faults/fault.ts'
import { faultError, faultResult } from '../../core/faults/wire-form.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { errorBytes, type RawId, resultBytes } from '../../core/protocol/jsonrpc.ts'
import { locate } from '../../core/protocol/locate.ts'
import { code, type LegacyRevision, vendorPrefix } from '../../core/protocol/names.ts'
import { asBuffer, elements, skipSpace } from '../../core/protocol/scan.ts'
import { shown } from '../../core/text/hidden-characters.ts'
import type { Message } from '../modern/envelope.ts'
import { oneLine } from '../modern/line.ts'

export interface Asked {
  readonly id: RawId
  readonly method: string
  readonly revision: LegacyRevision
  readonly correlationId: string
  /** Id of the run that the call belongs to; absent of what became no call. */
  readonly run?: string
  /** As its client stated it. */
  readonly turn?: string | undefined
  /** Of the params. */
  readonly meta?: Message | undefined
}

/** The whole JSON-RPC response, on one line. */
export function legacyAnswer(asked: Asked, outcome: Outcome, declaresOutput: boolean): Buffer {
  switch (outcome.kind) {
    case 'complete':
      return oneLine(resultBytes(asked.id, legacyResult(asked, outcome)))
    case 'fault':
      return legacyFault(asked, outcome.fault, declaresOutput)
    // The multi-round-trip answers the one, and no legacy client is offered the other: both are refused rather than passed on unread.
    case 'input_required':
    case 'task':
      return legacyFault(asked, faultOf('upstream_protocol_error', { upstream: 'the server', reason: `unexpected ${outcome.kind}` }), true)
  }
}

/** `isError` result for `tools/call`, JSON-RPC error for the rest and for requests that are themselves bad. */
export function legacyFault(asked: Asked, fault: Fault, declaresOutput: boolean): Buffer {
  if (asked.method === 'tools/call' && !fault.entry.protocol && fault.detail.wire === undefined) {
    return resultBytes(asked.id, Buffer.from(JSON.stringify(faultResult(fault, asked, declaresOutput))))
  }
  return errorBytes(asked.id, legacyError(asked, fault))
}

/** A missing resource is -32602 with `data.uri` inside and -32002 for legacy clients. */
function legacyError({ method, correlationId, run, turn }: Asked, fault: Fault): { code: number; message: string; data: unknown } {
  const error = faultError(fault, { correlationId, run, turn })
  if (method !== 'resources/read' || error.code !== code.invalidParams) return error
  if (isObject(error.data) && typeof error.data.uri === 'string') return { ...error, code: code.resourceNotFound }
  if (fault.kind !== 'unknown_tool') return error
  return { ...error, code: code.resourceNotFound, data: { uri: fault.detail.name, ...(isObject(error.data) ? error.data : {}) } }
}

function legacyResult(asked: Asked, outcome: Complete): Uint8Array {
  const { result, facts, annotations } = outcome
  const edits: Edit[] = []
  if (facts.resultType !== undefined) edits.push({ path: ['resultType'], value: undefined })
  if (annotations.length > 0) edits.push({ path: ['_meta', `${vendorPrefix}annotations`], value: JSON.stringify(annotations) })
  if (facts.hasCacheHints) edits.push({ path: ['ttlMs'], value: undefined }, { path: ['cacheScope'], value: undefined })
  if (asked.method === 'tools/list') edits.push(...toolEdits(result))
  if (asked.method === 'tools/call') edits.push(...callResultEdits(result, facts, asked.revision))
  if (asked.method === 'prompts/get') edits.push(...promptEdits(result, asked.revision))
  return edits.length === 0 ? result.bytes : result.edit(edits).bytes
}

/** An `outputSchema` that is no object schema, and what a tool says of tasks, are unknown to the legacy revisions. */
function toolEdits(result: Payload): Edit[] {
  if (!mentions(result, 'outputSchema') && !mentions(result, 'taskSupport')) return []
  const list = result.json()
  if (!isObject(list) || !Array.isArray(list.tools)) return []
  return list.tools.flatMap((tool: unknown, i): Edit[] => {
    if (!isObject(tool)) return []
    const edits: Edit[] = []
    if (tool.outputSchema !== undefined && !(isObject(tool.outputSchema) && tool.outputSchema.type === 'object')) {
      edits.push({ path: ['tools', i, 'outputSchema'], value: undefined })
    }
    if (isObject(tool.execution) && tool.execution.taskSupport !== undefined) {
      edits.push({ path: ['tools', i, 'execution', 'taskSupport'], value: undefined })
    }
    return edits
  })
}

function callResultEdits(result: Payload, facts: ResultFacts, revision: LegacyRevision): Edit[] {
  const edits: Edit[] = []
  const blocks: string[] = []
  if (facts.hasStructure) {
    const value = locate(result.bytes, ['structuredContent'])
    if (value !== undefined && value[skipSpace(value, 0)] !== 0x7b) {
      edits.push({ path: ['structuredContent'], value: undefined })
      const text = asBuffer(value).toString('utf8')
      // Null says in these revisions that there is none.
      if (text.trim() !== 'null' && !holdsText(result, text))
        blocks.push(JSON.stringify({ type: 'text', text: facts.isMarked ? shown(text).text : text }))
    }
  }
  if (foreignTypes(revision).some((type) => mentions(result, type))) {
    const content = contentOf(result)
    content.forEach((block, i) => {
      const note = noteFor(block, revision)
      if (note !== undefined) edits.push({ path: ['content', i], value: JSON.stringify(note) })
    })
  }
  if (blocks.length > 0) {
    // What a server gave stands within the marks of such content, and before what the gateway says of it.
    const last = (facts.ownBlocks ?? 0) + (facts.isMarked ? 1 : 0)
    edits.push({ path: ['content'], value: appended(result.edit(edits), blocks, last) })
  }
  return edits
}

function promptEdits(result: Payload, revision: LegacyRevision): Edit[] {
  if (!foreignTypes(revision).some((type) => mentions(result, type))) return []
  const prompt = result.json()
  if (!isObject(prompt) || !Array.isArray(prompt.messages)) return []
  return prompt.messages.flatMap((message: unknown, i): Edit[] => {
    const note = isObject(message) ? noteFor(message.content, revision) : undefined
    return note === undefined ? [] : [{ path: ['messages', i, 'content'], value: JSON.stringify(note) }]
  })
}

/** Content types that clients of a revision reject: audio came with 2025-03-26, resource links with 2025-06-18. */
function foreignTypes(revision: LegacyRevision): readonly string[] {
  if (revision === '2024-11-05') return ['audio', 'resource_link']
  return revision === '2025-03-26' ? ['resource_link'] : []
}

function noteFor(block: unknown, revision: LegacyRevision): { type: 'text'; text: string } | undefined {
  if (!isObject(block) || typeof block.type !== 'string' || !foreignTypes(revision).includes(block.type)) return undefined
  if (block.type === 'audio') {
    return { type: 'text', text: `[Audio (${String(block.mimeType ?? 'unknown type')}): this client's protocol revision has no audio.]` }
  }
  const name = typeof block.title === 'string' ? block.title : String(block.name ?? 'resource')
  const about = typeof block.description === 'string' ? `: ${block.description}` : ''
  return { type: 'text', text: `[Resource link] ${name} <${String(block.uri)}>${about}` }
}

function holdsText(result: Payload, text: string): boolean {
  const compact = JSON.stringify(JSON.parse(text))
  return contentOf(result).some(
    (block) => isObject(block) && block.type === 'text' && (block.text === text || block.text === compact || sameJson(block.text, compact)),
  )
}

function sameJson(text: unknown, compact: string): boolean {
  if (typeof text !== 'string' || text.length > 4 * compact.length + 64) return false
  try {
    return JSON.stringify(JSON.parse(text)) === compact
  } catch {
    return false
  }
}

function contentOf(result: Payload): readonly unknown[] {
  const value = result.json()
  return isObject(value) && Array.isArray(value.content) ? value.content : []
}

/** The content array with more blocks, before so many at its end; what stands in it stays bytes. */
function appended(result: Payload, blocks: readonly string[], last: number): Uint8Array {
  const content = locate(result.bytes, ['content'])
  const all: Uint8Array[] = content?.[0] === 0x5b ? elements(content, 0).map(({ start, end }) => content.subarray(start, end)) : []
  all.splice(Math.max(0, all.length - last), 0, ...blocks.map((block) => Buffer.from(block)))
  return Buffer.concat([Buffer.from('['), ...all.flatMap((block, i) => (i === 0 ? [block] : [comma, block])), Buffer.from(']')])
}

const comma = Buffer.from(',')

/** Whether a string can stand in the JSON text. Escaped spellings count, so that a false answer is certain. */
function mentions(result: Payload, word: string): boolean {
  const text = asBuffer(result.bytes)
  return text.includes(`"${word}"`) || text.includes('\\u00')
}
