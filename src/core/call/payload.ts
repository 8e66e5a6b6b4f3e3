// One JSON value as bytes that are parsed at most once and edited in place: there is one truth, the bytes.
import { asBuffer, elements, MalformedJson, members, skipSpace, skipValue } from '../protocol/scan.ts'

/** Sets (JSON text) or removes (undefined) what stands at `path`. Missing objects on the way are made when setting; array indices must exist. */
export interface Edit {
  readonly path: readonly (string | number)[]
  readonly value: string | Uint8Array | undefined
}

export interface Payload {
  /** JSON text, UTF-8. Edits are applied on first access. */
  readonly bytes: Uint8Array
  /** Size in bytes before pending edits; asking does not apply them. */
  readonly size: number
  /** The parsed value, cached; treat as frozen. Integers beyond 2^53 are rounded here, never in `bytes`. */
  json(): unknown
  /** A payload with the edits applied; this one is unchanged. A later edit of the same path wins. */
  edit(edits: readonly Edit[]): Payload
}

/** Wraps JSON text that is known to be valid; `parsed` saves the parse where the caller has it. */
export function payload(bytes: Uint8Array, parsed?: unknown): Payload {
  return new Whole(bytes, parsed)
}

/** Serialises a value of our own. */
export function payloadOf(value: unknown): Payload {
  return new Whole(Buffer.from(JSON.stringify(value)), value)
}

class Whole implements Payload {
  readonly bytes: Uint8Array
  private parsed: unknown

  constructor(bytes: Uint8Array, parsed: unknown) {
    this.bytes = bytes
    this.parsed = parsed
  }

  get size(): number {
    return this.bytes.length
  }

  json(): unknown {
    if (this.parsed === undefined) this.parsed = JSON.parse(asBuffer(this.bytes).toString('utf8'))
    return this.parsed
  }

  edit(edits: readonly Edit[]): Payload {
    return edits.length === 0 ? this : new Edited(this, edits)
  }
}

/** Keeps its edits until somebody wants the bytes, so that the edits of several stages cost one pass. */
class Edited implements Payload {
  private readonly base: Whole
  private readonly edits: readonly Edit[]
  private made: Uint8Array | undefined
  private parsed: unknown

  constructor(base: Whole, edits: readonly Edit[]) {
    this.base = base
    this.edits = edits
  }

  get bytes(): Uint8Array {
    this.made ??= rewrite(this.base.bytes, plan(this.edits))
    return this.made
  }

  get size(): number {
    return this.made?.length ?? this.base.size
  }

  json(): unknown {
    this.parsed ??= apply(this.base.json(), plan(this.edits))
    return this.parsed
  }

  edit(edits: readonly Edit[]): Payload {
    return edits.length === 0 ? this : new Edited(this.base, [...this.edits, ...edits])
  }
}

export const emptyObject: Payload = new Whole(Buffer.from('{}'), {})

/** Few and looked up often: a list is quicker than a map. */
interface Child {
  readonly key: string | number
  readonly node: Node
}

interface Node {
  /** Set: replaces whatever stands here. */
  value: Uint8Array | undefined
  removed: boolean
  children: Child[] | undefined
}

function plan(edits: readonly Edit[]): Node {
  const root: Node = { value: undefined, removed: false, children: undefined }
  for (const edit of edits) place(root, edit, 0)
  return root
}

function place(node: Node, edit: Edit, depth: number): void {
  const key = edit.path[depth]
  if (key === undefined) {
    node.value = typeof edit.value === 'string' ? Buffer.from(edit.value) : edit.value
    node.removed = edit.value === undefined
    node.children = undefined
    return
  }
  // Below a value that an earlier edit set (or removed), the new edit applies to that value.
  if (node.removed) {
    if (edit.value === undefined) return
    node.removed = false
    node.value = Buffer.from('{}')
  }
  if (node.value !== undefined) {
    node.value = rewrite(node.value, plan([{ path: edit.path.slice(depth), value: edit.value }]))
    return
  }
  node.children ??= []
  let child = childOf(node.children, key)
  if (child === undefined) {
    child = { value: undefined, removed: false, children: undefined }
    node.children.push({ key, node: child })
  }
  place(child, edit, depth + 1)
}

function childOf(children: readonly Child[], key: string | number): Node | undefined {
  for (const child of children) if (child.key === key) return child.node
  return undefined
}

function rewrite(b: Uint8Array, root: Node): Uint8Array {
  if (root.value !== undefined) return root.value
  const start = skipSpace(b, 0)
  const out: Uint8Array[] = []
  emit(b, start, skipValue(b, start), root, out)
  return Buffer.concat(out)
}

const bytesOf = {
  openBrace: Buffer.from('{'),
  closeBrace: Buffer.from('}'),
  openBracket: Buffer.from('['),
  closeBracket: Buffer.from(']'),
  comma: Buffer.from(','),
}

function emit(b: Uint8Array, start: number, end: number, node: Node, out: Uint8Array[]): void {
  if (node.value !== undefined) {
    out.push(node.value)
    return
  }
  if (node.children === undefined) {
    out.push(b.subarray(start, end))
    return
  }
  if (b[start] === 0x5b) emitArray(b, start, node.children, out)
  else if (b[start] === 0x7b) emitObject(b, start, node.children, out)
  else if (hasValue(node)) emitFresh(node, out)
  else out.push(b.subarray(start, end))
}

function emitObject(b: Uint8Array, start: number, children: readonly Child[], out: Uint8Array[]): void {
  out.push(bytesOf.openBrace)
  let first = true
  let runFrom = -1
  let runTo = -1
  const flush = (): void => {
    if (runFrom < 0) return
    if (!first) out.push(bytesOf.comma)
    first = false
    out.push(b.subarray(runFrom, runTo))
    runFrom = -1
  }
  const seen: string[] = []
  for (const member of members(b, start)) {
    const child = childOf(children, member.key)
    if (child === undefined) {
      if (runFrom < 0) runFrom = member.keyAt
      runTo = member.end
      continue
    }
    flush()
    if (seen.includes(member.key)) throw new MalformedJson(`duplicate key ${JSON.stringify(member.key)}`, member.keyAt)
    seen.push(member.key)
    if (child.removed) continue
    if (!first) out.push(bytesOf.comma)
    first = false
    out.push(b.subarray(member.keyAt, member.start))
    emit(b, member.start, member.end, child, out)
  }
  flush()
  for (const { key, node: child } of children) {
    if (typeof key !== 'string' || seen.includes(key) || !hasValue(child)) continue
    if (!first) out.push(bytesOf.comma)
    first = false
    out.push(Buffer.from(`${JSON.stringify(key)}:`))
    emitFresh(child, out)
  }
  out.push(bytesOf.closeBrace)
}

function emitArray(b: Uint8Array, start: number, children: readonly Child[], out: Uint8Array[]): void {
  out.push(bytesOf.openBracket)
  let first = true
  elements(b, start).forEach((element, index) => {
    const child = childOf(children, index)
    if (child?.removed === true) return
    if (!first) out.push(bytesOf.comma)
    first = false
    if (child === undefined) out.push(b.subarray(element.start, element.end))
    else emit(b, element.start, element.end, child, out)
  })
  out.push(bytesOf.closeBracket)
}

function hasValue(node: Node): boolean {
  if (node.value !== undefined) return true
  for (const child of node.children ?? []) if (hasValue(child.node)) return true
  return false
}

function emitFresh(node: Node, out: Uint8Array[]): void {
  if (node.value !== undefined) {
    out.push(node.value)
    return
  }
  out.push(bytesOf.openBrace)
  let first = true
  for (const { key, node: child } of node.children ?? []) {
    if (!hasValue(child)) continue
    if (!first) out.push(bytesOf.comma)
    first = false
    out.push(Buffer.from(`${JSON.stringify(String(key))}:`))
    emitFresh(child, out)
  }
  out.push(bytesOf.closeBrace)
}

function apply(value: unknown, node: Node): unknown {
  if (node.value !== undefined) return JSON.parse(asBuffer(node.value).toString('utf8'))
  if (node.children === undefined) return value
  if (Array.isArray(value)) {
    return value.flatMap((element, index) => {
      const child = childOf(node.children ?? [], index)
      return child === undefined ? [element] : child.removed ? [] : [apply(element, child)]
    })
  }
  const object = typeof value === 'object' && value !== null ? value : undefined
  if (object === undefined && !hasValue(node)) return value
  const copy: Record<string, unknown> = { ...object }
  for (const { key, node: child } of node.children) {
    if (child.removed) delete copy[key]
    else if (Object.hasOwn(copy, key) || hasValue(child)) copy[key] = apply(copy[key], child)
  }
  return copy
}
