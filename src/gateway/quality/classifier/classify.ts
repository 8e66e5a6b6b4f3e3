// Says what one result of a tool is by itself, without any history: an error, although it was given for a success; empty; cut; not of its
// schema; or nothing that is seen. Works on the bytes, in time that grows no faster than they do, and throws on none. Words that refuse a
// credential or limit a rate are heard where the server's answer comes in, before this.
import type { ResultFacts } from '../../../core/call/outcome.ts'
import { isLarge } from '../../../core/protocol/large.ts'
import { asBuffer, MalformedJson, skipSpace } from '../../../core/protocol/scan.ts'
import type { Format, Looked, ResultKind, RowCount } from '../looked.ts'
import { emptyHash, hashOf } from './answer-hash.ts'
import { excerptOf } from './excerpt.ts'
import type { Expected } from './expected.ts'
import { find, hashWithout } from './json-path.ts'
import { errorEnvelope, type Found, isEmptyJson, isMiss } from './json-rules.ts'
import { JsonScan } from './json-scan.ts'
import { type } from './json-tokens.ts'
import { looseHash, textNames, wrapperNames } from './names.ts'
import { ResultParts } from './result-parts.ts'
import { judgeText } from './text-rules.ts'
import { shapeOf, type TextShape } from './text-shape.ts'

/** What the history of the tool says of its answers, once there is any. */
export interface Learned {
  readonly format: Format
  /** 5 % of its answers have fewer bytes; 0: not known. */
  readonly usuallyAtLeast: number
}

/** Of a text the rules see so much. */
const headBytes = 2_048
/** Characters of JSON that show that a text is some, so that its end within is a cut. */
const leastLegal = 16
const mostRows = 4
const none: readonly never[] = []

// Every result is looked at in one turn, so that these serve them all.
const parts = new ResultParts()
const scan = new JsonScan()
const inner = new JsonScan()

/** `args`: the arguments of the call as bytes: what the caller said is no sign in an answer about it. */
export function classify(
  result: Uint8Array,
  facts: ResultFacts,
  expected: Expected,
  args: Uint8Array | undefined,
  learned: Learned | undefined,
): Looked {
  try {
    const looked = isLarge(result) ? ofLarge(result, facts, learned) : look(result, facts, expected, args, learned)
    return looked.kind === 'ok' && facts.bytes > expected.mostBytes ? { ...looked, ...isOversize } : looked
  } catch (error) {
    // Results are checked where they come in; of what is none all the same nothing can be said.
    if (error instanceof MalformedJson) return seen(fine, 'none', result.length, none, none, 0, emptyHash)
    throw error
  }
}

/** Of large results the content is not gone over, which would hold up all else: what is seen is whether they are errors, their size, and their hash. */
function ofLarge(b: Uint8Array, { isError }: ResultFacts, learned: Learned | undefined): Looked {
  const found: Judged = isError ? { kind: 'tool_error', rule: 'is_error', weak: false, excerpt: undefined } : fine
  return seen(found, learned?.format ?? 'prose', b.length, none, none, 0, hashOf(b, 0, b.length))
}

interface Judged extends Found {
  readonly kind: ResultKind
}
const fine: Judged = { kind: 'ok', rule: '', weak: false, excerpt: undefined }
const isEmpty: Judged = { kind: 'empty', rule: 'empty_json', weak: false, excerpt: undefined }
const hasNoRows: Judged = { kind: 'empty', rule: 'no_rows', weak: false, excerpt: undefined }
const hasNoContent: Judged = { kind: 'empty', rule: 'no_content', weak: false, excerpt: undefined }
const hasHeaderOnly: Judged = { kind: 'empty', rule: 'header_only', weak: false, excerpt: undefined }
const isCut: Judged = { kind: 'truncated', rule: 'json_cut', weak: false, excerpt: undefined }
const hasRowCut: Judged = { kind: 'truncated', rule: 'row_cut', weak: false, excerpt: undefined }
/** Weak: of a tool that never gave any it is how the tool is. */
const hasNoStructure: Judged = { kind: 'schema_violation', rule: 'no_structure', weak: true, excerpt: undefined }
const isOversize = { kind: 'oversize', rule: 'bytes' } as const

/** Made at once, member by member: an object that is put together of others costs more than the look at a small result. */
function seen(
  { kind, rule, weak, excerpt }: Judged,
  format: Format,
  bytes: number,
  rows: readonly RowCount[],
  keys: readonly string[],
  form: number,
  hash: number,
): Looked {
  return { kind, rule, weak, excerpt, format, bytes, rows, keys, form, hash }
}

function look(b: Uint8Array, facts: ResultFacts, expected: Expected, args: Uint8Array | undefined, learned: Learned | undefined): Looked {
  parts.read(b, facts.hasStructure, scan)
  if (facts.isError) return toolError(b)
  if (parts.structuredAt >= 0) return ofStructure(b, expected, args, learned)
  const looked = ofTexts(b, expected, args, learned)
  if (expected.output === undefined) return looked
  return { ...looked, ...hasNoStructure }
}

function toolError(b: Uint8Array): Looked {
  if (parts.structuredAt >= 0) parts.readTexts(b)
  const words = parts.texts === 0 ? undefined : excerptOf(headOf(0, parts.firstEnd))
  const found: Judged = { kind: 'tool_error', rule: 'is_error', weak: false, excerpt: words }
  return seen(found, 'prose', parts.textBytes, none, none, 0, parts.contentHash(b))
}

function ofStructure(b: Uint8Array, expected: Expected, args: Uint8Array | undefined, learned: Learned | undefined): Looked {
  const { structuredAt: start, structuredEnd: end } = parts
  const { form } = scan
  const violation = expected.output?.violation(b, start, end, form)
  const text = onlyText(b)
  if (text >= 0 && violation === undefined) {
    // What a library makes of a tool that gives a text.
    const keys = keysOf(expected)
    parts.readString(b, text)
    const looked = ofTexts(b, expected, args, learned)
    return { ...looked, keys, form, hash: hashOf(b, start, end) }
  }
  const found: Judged =
    violation === undefined
      ? judgeJson(b, start, expected, args)
      : { kind: 'schema_violation', rule: 'schema', weak: false, excerpt: excerptOf(violation) }
  const hash = expected.ignored.length === 0 ? hashOf(b, start, end) : hashWithout(b, start, end, expected.ignored)
  return seen(found, 'json', end - start, jsonRows(b, start, expected), keysOf(expected), form, hash)
}

/** Where the text is that is all of the structured content. */
function onlyText(b: Uint8Array): number {
  const { members } = scan
  if (scan.count !== 1 || members.count !== 1 || members.type[0] !== type.string) return -1
  return textNames.has(looseHash(b, members.keyAt[0] as number, members.keyEnd[0] as number)) ? (members.start[0] as number) : -1
}

function keysOf(expected: Expected): readonly string[] {
  if (expected.keys === undefined || expected.keysHash !== scan.keysHash) {
    expected.keys = scan.keys()
    expected.keysHash = scan.keysHash
  }
  return expected.keys
}

/** Of what `scan` went over. */
function judgeJson(b: Uint8Array, from: number, expected: Expected, args: Uint8Array | undefined): Judged {
  const found = errorEnvelope(b, scan, args) ?? wrappedError(b, args)
  // Some tools say in this way, too, that there is none of what was asked for.
  if (found !== undefined) return isMiss(found) ? isEmpty : { kind: 'hidden_error', ...found }
  if (isEmptyJson(b, scan, from, args)) return isEmpty
  if (expected.rows === undefined) return fine
  const at = find(b, from, expected.rows)
  return at >= 0 && b[at] === 0x5b && b[skipSpace(b, at + 1)] === 0x5d ? hasNoRows : fine
}

/** An error that is all there is of what an answer is wrapped in. */
function wrappedError(b: Uint8Array, args: Uint8Array | undefined): Found | undefined {
  const { members } = scan
  if (scan.count !== 1) return undefined
  let at = -1
  if (scan.root === type.object && members.type[0] === type.object) {
    if (wrapperNames.has(looseHash(b, members.keyAt[0] as number, members.keyEnd[0] as number))) at = members.start[0] as number
  } else if (scan.root === type.array && scan.row.count > 0) at = skipBack(b, scan.row.keyAt[0] as number)
  if (at < 0) return undefined
  inner.scan(b, at, Math.min(b.length, at + mostWrapped), true, false)
  return inner.ending === 'whole' ? errorEnvelope(b, inner, args) : undefined
}

const mostWrapped = 16_384

/** Where the object starts whose first name is at `at`. */
function skipBack(b: Uint8Array, at: number): number {
  let i = at - 2
  while (i >= 0 && b[i] !== 0x7b) i -= 1
  return i
}

function jsonRows(b: Uint8Array, from: number, expected: Expected): readonly RowCount[] {
  if (expected.rows !== undefined && expected.rowsPath !== undefined) {
    const at = find(b, from, expected.rows)
    if (at < 0 || b[at] !== 0x5b) return none
    inner.scan(b, at, b.length, true, false)
    return [{ path: expected.rowsPath, count: inner.count, bytes: inner.end - at }]
  }
  const { lists } = scan
  if (lists.count === 0) return none
  const rows: RowCount[] = []
  for (let list = 0; list < lists.count; list += 1) {
    const bytes = lists.bytes[list] as number
    let at = rows.length
    while (at > 0 && (rows[at - 1] as RowCount).bytes < bytes) at -= 1
    if (at === mostRows) continue
    rows.splice(at, 0, { path: scan.listPath(list), count: lists.elements[list] as number, bytes })
    if (rows.length > mostRows) rows.pop()
  }
  return rows
}

function ofTexts(b: Uint8Array, expected: Expected, args: Uint8Array | undefined, learned: Learned | undefined): Looked {
  const hash = parts.contentHash(b)
  if (parts.texts === 0) {
    const bytes = parts.others === 0 ? 0 : parts.contentEnd - parts.contentAt
    return seen(parts.others === 0 ? hasNoContent : fine, 'none', bytes, none, none, 0, hash)
  }
  const from = startOfText()
  const first = parts.text[from]
  if (first === 0x7b || first === 0x5b) {
    const looked = ofJsonText(from, expected, args, hash)
    if (looked !== undefined) return looked
  }
  return ofWords(from, expected, args, learned, hash)
}

/** After white space, a byte order mark, and the opening of a block of code that has JSON in it. */
function startOfText(): number {
  const { text, firstEnd } = parts
  let at = skipSpace(text, text[0] === 0xef && text[1] === 0xbb && text[2] === 0xbf ? 3 : 0)
  if (text[at] !== 0x60 || text[at + 1] !== 0x60 || text[at + 2] !== 0x60) return Math.min(at, firstEnd)
  const line = text.indexOf(0x0a, at)
  if (line < 0 || line > at + 20) return at
  const within = skipSpace(text, line)
  if (text[within] === 0x7b || text[within] === 0x5b) at = within
  return Math.min(at, firstEnd)
}

/** Undefined where it is no JSON after all. */
function ofJsonText(from: number, expected: Expected, args: Uint8Array | undefined, hash: number): Looked | undefined {
  const { text, firstEnd: to, isPart } = parts
  scan.scan(text, from, to, isPart, false)
  const endsWithin =
    scan.ending === 'cut' || (scan.ending === 'part' && parts.lastByte !== 0x7d && parts.lastByte !== 0x5d && parts.lastByte !== 0x60)
  if (scan.ending === 'illegal' || (endsWithin && to - from < leastLegal)) return undefined
  const { end } = scan
  let values = 1
  let ending = scan.ending
  if (ending === 'whole') {
    // Values one after the other, each on its line; anything else after a value makes no JSON of the whole.
    let at = end
    for (;;) {
      const next = skipSpace(text, at)
      if (next >= to || isFence(next, to)) break
      if ((text[next] !== 0x7b && text[next] !== 0x5b) || !text.subarray(at, next).includes(0x0a)) return undefined
      inner.scan(text, next, to, isPart, false)
      if (inner.ending === 'illegal' || inner.end <= next) return undefined
      values += 1
      ending = inner.ending
      at = inner.end
      if (ending !== 'whole') break
    }
  }
  const isWhole = ending === 'whole'
  const keys = keysOf(expected)
  if (values > 1) {
    const rows = [{ path: 'lines', count: values, bytes: to - from }]
    return seen(ending === 'cut' ? isCut : fine, 'jsonl', parts.textBytes, rows, keys, 0, hash)
  }
  const found = endsWithin ? isCut : isWhole ? judgeJson(text, from, expected, args) : fine
  const rows = parts.blocks > 1 ? blockRows() : isWhole ? jsonRows(text, from, expected) : partRows()
  const isPicked = isWhole && expected.ignored.length > 0 && parts.blocks === 1
  const ofAnswer = isPicked ? hashWithout(text, from, end, expected.ignored) : hash
  return seen(found, 'json', parts.textBytes, rows, keys, 0, ofAnswer)
}

function isFence(at: number, to: number): boolean {
  return parts.text[at] === 0x60 && to - at <= 4
}

/** Of a text of which only a part was looked at: rows as there would be if the rest is alike. */
function partRows(): readonly RowCount[] {
  const { lists } = scan
  if (lists.count === 0) return none
  let most = 0
  for (let list = 1; list < lists.count; list += 1) if ((lists.bytes[list] as number) > (lists.bytes[most] as number)) most = list
  const bytes = lists.bytes[most] as number
  const more = Math.max(1, parts.textBytes / Math.max(1, scan.end))
  return [{ path: scan.listPath(most), count: Math.round((lists.elements[most] as number) * more), bytes: Math.round(bytes * more) }]
}

function blockRows(): readonly RowCount[] {
  return [{ path: 'blocks', count: parts.blocks, bytes: parts.textBytes }]
}

function ofWords(from: number, expected: Expected, args: Uint8Array | undefined, learned: Learned | undefined, hash: number): Looked {
  const shape = shapeOf(parts, learned?.format)
  const rows = parts.blocks > 1 ? blockRows() : shape.rows
  return seen(wordsFound(from, shape, expected, args, learned), shape.format, parts.textBytes, rows, none, 0, hash)
}

function wordsFound(
  from: number,
  shape: TextShape,
  expected: Expected,
  args: Uint8Array | undefined,
  learned: Learned | undefined,
): Judged {
  const { textEnd: end, isPart } = parts
  // With a picture or a file beside it, a text is not all that was given.
  if (parts.others > 0) return fine
  if (shape.hasHeaderOnly) return hasHeaderOnly
  if (shape.isCut) return hasRowCut
  const head = headOf(from, end)
  const found = judgeText({
    head,
    isWhole: !isPart && end - from <= headBytes,
    lines: parts.lines + 1,
    bytes: parts.textBytes,
    isPayload: expected.isPayload,
    learned: learned?.format,
    usuallyAtLeast: learned?.usuallyAtLeast ?? 0,
    args,
  })
  return found ?? fine
}

function headOf(from: number, end: number): string {
  return asBuffer(parts.text)
    .toString('utf8', from, Math.min(end, from + headBytes))
    .trim()
}

/** For who makes a number of the arguments of a call, as the history needs one. */
export function argumentsHash(args: Uint8Array | undefined): number {
  return args === undefined ? emptyHash : hashOf(args, 0, args.length)
}

export { Expected, isPayloadName, type ToolGiven } from './expected.ts'
export { parsePath } from './json-path.ts'
export { OutputCheck } from './output-check.ts'
