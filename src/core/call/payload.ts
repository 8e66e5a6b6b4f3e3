// One JSON value as bytes that are parsed at most once and edited in place: there is one truth, the bytes.
import { asBuffer, elements, MalformedJson, members, passValue, skipSpace } from '../protocol/scan.ts'

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
  private planned: Node | undefined
  private made: Uint8Array | undefined
  private parsed: unknown

  constructor(base: Whole, edits: readonly Edit[]) {
    this.base = base
    this.edits = edits
  }

  private get plan(): Node {
    this.planned ??= plan(this.edits)
    return this.planned
  }

  get bytes(): Uint8Array {
    this.made ??= rewrite(this.base.bytes, this.plan)
    return this.made
  }

  get size(): number {
    return this.made?.length ?? this.base.size
  }

  json(): unknown {
    this.parsed ??= apply(this.base.json(), this.plan)
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
  value: string | Uint8Array | undefined
  removed: boolean
  /** What stood here was removed before the children were set. */
  fresh: boolean
  children: Child[] | undefined
}

function plan(edits: readonly Edit[]): Node {
  const root: Node = { value: undefined, removed: false, fresh: false, children: undefined }
  for (const edit of edits) place(root, edit, 0)
  return root
}

function place(node: Node, edit: Edit, depth: number): void {
  const key = edit.path[depth]
  if (key === undefined) {
    node.value = edit.value
    node.removed = edit.value === undefined
    node.fresh = false
    node.children = undefined
    return
  }
  // Below a value that an earlier edit set (or removed), the new edit applies to that value.
  if (node.removed) {
    if (edit.value === undefined) return
    node.removed = false
    node.fresh = true
  }
  if (node.value !== undefined) {
    const below = typeof node.value === 'string' ? Buffer.from(node.value) : node.value
    node.value = rewrite(below, plan([{ path: edit.path.slice(depth), value: edit.value }]))
    return
  }
  node.children ??= []
  let child = childOf(node.children, key)
  if (child === undefined) {
    child = { value: undefined, removed: false, fresh: false, children: undefined }
    node.children.push({ key, node: child })
  }
  place(child, edit, depth + 1)
}

function childOf(children: readonly Child[], key: string | number): Node | undefined {
  for (const child of children) if (child.key === key) return child.node
  return undefined
}

function rewrite(b: Uint8Array, root: Node): Uint8Array {
  if (root.value !== undefined) return typeof root.value === 'string' ? Buffer.from(root.value) : root.value
  const out = new Pieces(b)
  const start = skipSpace(b, 0)
  const end = root.children !== undefined && (b[start] === openBrace || b[start] === openBracket) ? start : passValue(b, start)
  emit(b, start, end, root, out)
  return out.join()
}

const openBrace = 0x7b
const openBracket = 0x5b

/** What the result is put together from: runs of the source, and text of our own. Joined by one allocation and no views. */
class Pieces {
  private readonly source: Buffer
  private readonly runs: number[] = []
  private readonly parts: (string | Uint8Array | undefined)[] = []
  private size = 0

  constructor(source: Uint8Array) {
    this.source = asBuffer(source)
  }

  run(start: number, end: number): void {
    this.runs.push(start, end)
    this.parts.push(undefined)
    this.size += end - start
  }

  own(part: string | Uint8Array): void {
    this.parts.push(part)
    this.size += typeof part === 'string' ? Buffer.byteLength(part) : part.length
  }

  join(): Buffer {
    const out = Buffer.allocUnsafe(this.size)
    let at = 0
    let run = 0
    for (const part of this.parts) {
      if (part === undefined) {
        at += this.source.copy(out, at, this.runs[run], this.runs[run + 1])
        run += 2
      } else if (typeof part === 'string') at += out.write(part, at)
      else {
        out.set(part, at)
        at += part.length
      }
    }
    return out
  }
}

function emit(b: Uint8Array, start: number, end: number, node: Node, out: Pieces): void {
  if (node.value !== undefined) out.own(node.value)
  else if (node.fresh) emitFresh(node, out)
  else if (node.children === undefined) out.run(start, end)
  else if (b[start] === openBracket) emitArray(b, start, node.children, out)
  else if (b[start] === openBrace) emitObject(b, start, node.children, out)
  else if (hasValue(node)) emitFresh(node, out)
  else out.run(start, end)
}

function emitObject(b: Uint8Array, start: number, children: readonly Child[], out: Pieces): void {
  let separator = '{'
  let runFrom = -1
  let runTo = -1
  const seen: string[] = []
  for (const member of members(b, start, 'before')) {
    const child = childOf(children, member.key)
    if (child === undefined) {
      if (runFrom < 0) runFrom = member.keyAt
      runTo = member.end
      continue
    }
    if (runFrom >= 0) {
      out.own(separator)
      out.run(runFrom, runTo)
      separator = ','
      runFrom = -1
    }
    if (seen.includes(member.key)) throw new MalformedJson(`duplicate key ${JSON.stringify(member.key)}`, member.keyAt)
    seen.push(member.key)
    if (child.removed) continue
    out.own(separator)
    separator = ','
    out.run(member.keyAt, member.start)
    emit(b, member.start, member.end, child, out)
  }
  if (runFrom >= 0) {
    out.own(separator)
    out.run(runFrom, runTo)
    separator = ','
  }
  for (const { key, node: child } of children) {
    if (typeof key !== 'string' || seen.includes(key) || !hasValue(child)) continue
    out.own(`${separator}${JSON.stringify(key)}:`)
    separator = ','
    emitFresh(child, out)
  }
  out.own(separator === '{' ? '{}' : '}')
}

function emitArray(b: Uint8Array, start: number, children: readonly Child[], out: Pieces): void {
  let separator = '['
  elements(b, start).forEach((element, index) => {
    const child = childOf(children, index)
    if (child?.removed === true) return
    out.own(separator)
    separator = ','
    if (child === undefined) out.run(element.start, element.end)
    else emit(b, element.start, element.end, child, out)
  })
  out.own(separator === '[' ? '[]' : ']')
}

function hasValue(node: Node): boolean {
  if (node.value !== undefined) return true
  for (const child of node.children ?? []) if (hasValue(child.node)) return true
  return false
}

function emitFresh(node: Node, out: Pieces): void {
  if (node.value !== undefined) {
    out.own(node.value)
    return
  }
  let separator = '{'
  for (const { key, node: child } of node.children ?? []) {
    if (!hasValue(child)) continue
    out.own(`${separator}${JSON.stringify(String(key))}:`)
    separator = ','
    emitFresh(child, out)
  }
  out.own(separator === '{' ? '{}' : '}')
}

function apply(value: unknown, node: Node): unknown {
  if (node.value !== undefined) return JSON.parse(typeof node.value === 'string' ? node.value : asBuffer(node.value).toString('utf8'))
  if (node.children === undefined) return value
  if (Array.isArray(value) && !node.fresh) {
    return value.flatMap((element, index) => {
      const child = childOf(node.children ?? [], index)
      return child === undefined ? [element] : child.removed ? [] : [apply(element, child)]
    })
  }
  const object = typeof value === 'object' && value !== null && !node.fresh ? value : undefined
  if (object === undefined && !hasValue(node)) return value
  // Member by member: a spread or a `delete` is slower by far, and every call comes this way.
  const copy: Record<string, unknown> = {}
  for (const key in object) {
    const child = childOf(node.children, key)
    if (child?.removed === true || key === '__proto__') continue
    const member = (object as Record<string, unknown>)[key]
    copy[key] = child === undefined ? member : apply(member, child)
  }
  for (const { key, node: child } of node.children) {
    if (!Object.hasOwn(copy, key) && hasValue(child)) copy[key] = apply(undefined, child)
  }
  return copy
}
