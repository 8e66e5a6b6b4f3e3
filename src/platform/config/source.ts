// The text of a configuration file, parsed strictly, that can say where each key stands. YAML 1.2 (and so JSON); nothing is guessed:
// duplicate keys, several documents, unknown tags, merge keys and alias bombs are refused.
import { isUtf8 } from 'node:buffer'
import { type Document, isAlias, isMap, isPair, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml'
import { keyOf, type Path, type Problem } from './problem.ts'

/** Larger files are refused: a thousand servers fit into a tenth of it. */
const largestFile = 4_194_304

export interface Source {
  readonly file: string
  /** The plain value; undefined where the text could not be parsed. References are not yet resolved. */
  readonly value: unknown
  /** Problems of syntax, located. */
  readonly problems: readonly Problem[]
  /** Where a key (`'key'`) or its value (`'value'`) stands; the nearest existing ancestor where there is none. */
  locate(path: Path, part?: 'key' | 'value'): { readonly line: number; readonly column: number }
  /** Whether the file itself says something there. */
  has(path: Path): boolean
  /** The characters of a number or of true and false, as the file has them: `1.10`, `0x10`. Undefined for all other values. */
  written(path: Path): string | undefined
  problem(path: Path, what: string, mend: string, part?: 'key' | 'value'): Problem
}

/** Reads bytes as text. Returns what is wrong with them where they are no text. */
export function decode(bytes: Uint8Array): { readonly text: string } | { readonly wrong: string; readonly mend: string } {
  if (bytes.length > largestFile) return { wrong: `is larger than ${largestFile} bytes`, mend: 'this is no configuration file' }
  if (!isUtf8(bytes)) return { wrong: 'is not UTF-8 text', mend: 'save it as UTF-8' }
  return {
    text: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      .toString('utf8')
      .replace(/^\uFEFF/, ''),
  }
}

export function parseSource(file: string, text: string): Source {
  const lineCounter = new LineCounter()
  const place = (offset: number) => {
    const { line, col } = lineCounter.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const problems: Problem[] = []
  const complain = (offset: number, what: string, mend: string) => {
    problems.push({ file, ...place(offset), key: '', what, mend })
  }

  let document: Document.Parsed | undefined
  let value: unknown
  try {
    document = parseDocument(text, { lineCounter, uniqueKeys: true, strict: true, merge: false, stringKeys: true, prettyErrors: false })
    for (const error of [...document.errors, ...document.warnings]) {
      const [what, mend] = explain(error.code, error.message)
      complain(error.pos[0], what, mend)
    }
    if (problems.length === 0) value = document.toJS({ maxAliasCount: 100 }) ?? {}
  } catch (thrown) {
    value = undefined
    const bomb = thrown instanceof ReferenceError
    complain(
      0,
      bomb ? 'its aliases expand to too much' : 'is nested too deeply to be read',
      bomb ? 'write the values out in place of `*aliases`' : 'this is no configuration file',
    )
  }

  const locate: Source['locate'] = (path, part = 'value') => place(offsetOf(document, path, part))
  return {
    file,
    value,
    problems,
    locate,
    has: (path) => document?.hasIn(path) === true,
    written: (path) => writtenAt(document, path),
    problem: (path, what, mend, part) => ({ file, ...locate(path, part), key: keyOf(path), what, mend }),
  }
}

function explain(code: string, message: string): [what: string, mend: string] {
  if (message.startsWith('Maximum call stack')) return ['is nested too deeply to be read', 'this is no configuration file']
  switch (code) {
    case 'DUPLICATE_KEY':
      return ['the same key stands here twice', 'keep one of them']
    case 'MULTIPLE_DOCS':
      return ['a second document begins here', 'remove the `---` line or move what follows to its own file']
    case 'TAG_RESOLVE_FAILED':
      return [`unknown tag (${message})`, 'remove the `!tag`; write plain values']
    case 'TAB_AS_INDENT':
      return ['a tab is used for indentation', 'use spaces']
    case 'NON_STRING_KEY':
      return ['a key is not text', 'write the key in quotes']
    case 'BAD_INDENT':
      if (message.startsWith('Flow'))
        return ['the syntax is broken (a bracket or brace is not closed)', 'close it here or on the line before']
      return [`the indentation does not fit (${message})`, 'align it with its neighbours']
    case 'MISSING_CHAR':
    case 'UNEXPECTED_TOKEN':
      return [`the syntax is broken (${message})`, 'check quotes, brackets and colons here and on the line before']
    default:
      return [`is not valid YAML (${message})`, 'check quotes, brackets and indentation here']
  }
}

function offsetOf(document: Document.Parsed | undefined, path: Path, part: 'key' | 'value'): number {
  let node: unknown = document?.contents
  let offset = start(node) ?? 0
  for (const [index, step] of path.entries()) {
    if (isAlias(node) && document !== undefined) node = node.resolve(document)
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(step))
      if (pair === undefined) return offset
      const keyOffset = start(pair.key) ?? offset
      const last = index === path.length - 1
      node = pair.value
      offset = last && part === 'key' ? keyOffset : (start(node) ?? keyOffset)
      // A nested block begins on a later line than the key that people look for.
      if (last && part === 'value' && (isMap(node) || isSeq(node))) offset = keyOffset
      continue
    }
    if (isSeq(node)) {
      const item = node.items[Number(step)]
      if (item === undefined) return offset
      node = item
      offset = start(item) ?? offset
      continue
    }
    return offset
  }
  return offset
}

function writtenAt(document: Document.Parsed | undefined, path: Path): string | undefined {
  let node: unknown = document?.contents
  const resolved = (): unknown => (isAlias(node) && document !== undefined ? node.resolve(document) : node)
  for (const step of path) {
    const parent = resolved()
    if (isMap(parent)) node = parent.items.find((item) => isScalar(item.key) && String(item.key.value) === String(step))?.value
    else node = isSeq(parent) ? parent.items[Number(step)] : undefined
  }
  const scalar = resolved()
  if (!isScalar(scalar) || (typeof scalar.value !== 'number' && typeof scalar.value !== 'boolean')) return undefined
  return scalar.source ?? String(scalar.value)
}

function start(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0]
}
