// Edits of JSON bytes in one pass: what no edit touches is copied as it stands, so that 64-bit integers, unknown members and spellings
// survive.
import { asBuffer, carryEnds, elements, leapBytes, MemberWalk, passValue, skipSpace } from '../protocol/scan.ts'

/** Sets (JSON text) or removes (undefined) what stands at `path`. Missing objects on the way are made when setting; array indices must exist. */
export interface Edit {
  readonly path: readonly (string | number)[]
  readonly value: string | Uint8Array | undefined
}

/** Few and looked up often: a list is quicker than a map. */
interface Child {
  readonly key: string | number
  readonly node: Plan
}

/** Edits as a tree over the value that they change. */
export interface Plan {
  /** Set: replaces whatever stands here. */
  value: string | Uint8Array | undefined
  removed: boolean
  /** What stood here was removed before the children were set. */
  fresh: boolean
  children: Child[] | undefined
}

/** A later edit of the same path wins. */
export function plan(edits: readonly Edit[]): Plan {
  const root: Plan = { value: undefined, removed: false, fresh: false, children: undefined }
  for (const edit of edits) place(root, edit, 0)
  return root
}

function place(node: Plan, edit: Edit, depth: number): void {
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

function childOf(children: readonly Child[], key: string | number): Plan | undefined {
  for (const child of children) if (child.key === key) return child.node
  return undefined
}

/** The edited text of a value that is known to be JSON. Of duplicates of an edited key the last is edited and the others go, as in the parsed view. */
export function rewrite(b: Uint8Array, root: Plan): Uint8Array {
  if (root.value !== undefined) return typeof root.value === 'string' ? Buffer.from(root.value) : root.value
  const start = skipSpace(b, 0)
  const end = root.children !== undefined && (b[start] === openBrace || b[start] === openBracket) ? start : passValue(b, start)
  let out = new Pieces(b, false)
  emit(b, start, end, root, out)
  if (out.repeats) {
    out = new Pieces(b, true)
    emit(b, start, end, root, out)
  }
  return out.join()
}

const openBrace = 0x7b
const openBracket = 0x5b

/** What the result is put together from: runs of the source, and text of our own. Joined by one allocation and no views. */
class Pieces {
  /** Each object is looked through for duplicates first: slower, and only needed once one was met. */
  readonly careful: boolean
  /** An edited key stands twice. */
  repeats = false
  private readonly source: Buffer
  private readonly runs: number[] = []
  private readonly parts: (string | Uint8Array | undefined)[] = []
  /** Text that waits for more of it. */
  private text = ''
  private size = 0

  constructor(source: Uint8Array, careful: boolean) {
    this.source = asBuffer(source)
    this.careful = careful
  }

  run(start: number, end: number): void {
    this.close()
    this.runs.push(start, end)
    this.parts.push(undefined)
    this.size += end - start
  }

  own(part: string | Uint8Array): void {
    if (typeof part === 'string') {
      this.text += part
      return
    }
    this.close()
    this.parts.push(part)
    this.size += part.length
  }

  private close(): void {
    if (this.text === '') return
    this.parts.push(this.text)
    this.size += Buffer.byteLength(this.text)
    this.text = ''
  }

  join(): Buffer {
    this.close()
    const out = Buffer.allocUnsafe(this.size)
    let at = 0
    let run = 0
    for (const part of this.parts) {
      if (part === undefined) {
        const copied = this.source.copy(out, at, this.runs[run], this.runs[run + 1])
        if (copied > leapBytes) carryEnds(this.source, this.runs[run] as number, this.runs[run + 1] as number, out, at)
        at += copied
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

function emit(b: Uint8Array, start: number, end: number, node: Plan, out: Pieces): void {
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
  const seen: Child[] = []
  const last = out.careful ? lastPlaces(b, start, children) : undefined
  const walk = new MemberWalk(b, start, 'before')
  while (walk.next()) {
    const child = childAt(children, walk)
    if (child === undefined) {
      if (runFrom < 0) runFrom = walk.keyAt
      runTo = walk.end
      continue
    }
    if (runFrom >= 0) {
      out.own(separator)
      out.run(runFrom, runTo)
      separator = ','
      runFrom = -1
    }
    if (last !== undefined && last.get(child) !== walk.keyAt) continue
    if (seen.includes(child)) out.repeats = true
    else seen.push(child)
    const { node } = child
    if (node.removed) continue
    out.own(separator)
    separator = ','
    if (node.value === undefined) out.run(walk.keyAt, walk.start)
    else out.own(`${quoted(child.key)}:`)
    emit(b, walk.start, walk.end, node, out)
  }
  if (runFrom >= 0) {
    out.own(separator)
    out.run(runFrom, runTo)
    separator = ','
  }
  for (const child of children) {
    if (typeof child.key !== 'string' || seen.includes(child) || !hasValue(child.node)) continue
    out.own(`${separator}${quoted(child.key)}:`)
    separator = ','
    emitFresh(child.node, out)
  }
  out.own(separator === '{' ? '{}' : '}')
}

/** Where each edited key stands last. */
function lastPlaces(b: Uint8Array, start: number, children: readonly Child[]): Map<Child, number> {
  const places = new Map<Child, number>()
  const walk = new MemberWalk(b, start, 'before')
  while (walk.next()) {
    const child = childAt(children, walk)
    if (child !== undefined) places.set(child, walk.keyAt)
  }
  return places
}

function childAt(children: readonly Child[], walk: MemberWalk): Child | undefined {
  for (const child of children) if (typeof child.key === 'string' && walk.keyIs(child.key)) return child
  return undefined
}

/** Keys come from a few stages and are met again on every call. */
const quotedKeys = new Map<string | number, string>()
const mostQuoted = 512

function quoted(key: string | number): string {
  let text = quotedKeys.get(key)
  if (text === undefined) {
    text = JSON.stringify(String(key))
    if (quotedKeys.size >= mostQuoted) quotedKeys.clear()
    quotedKeys.set(key, text)
  }
  return text
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

function hasValue(node: Plan): boolean {
  if (node.value !== undefined) return true
  for (const child of node.children ?? []) if (hasValue(child.node)) return true
  return false
}

function emitFresh(node: Plan, out: Pieces): void {
  if (node.value !== undefined) {
    out.own(node.value)
    return
  }
  let separator = '{'
  for (const { key, node: child } of node.children ?? []) {
    if (!hasValue(child)) continue
    out.own(`${separator}${quoted(key)}:`)
    separator = ','
    emitFresh(child, out)
  }
  out.own(separator === '{' ? '{}' : '}')
}

/** The edits applied to the parsed value, which stays as it is. */
export function apply(value: unknown, node: Plan): unknown {
  if (node.value !== undefined) return JSON.parse(typeof node.value === 'string' ? node.value : asBuffer(node.value).toString('utf8'))
  if (node.children === undefined) return value
  if (Array.isArray(value) && !node.fresh) {
    return value.flatMap((element, index) => {
      const child = childOf(node.children ?? [], index)
      return child === undefined ? [element] : child.removed ? [] : [apply(element, child)]
    })
  }
  const object = typeof value === 'object' && value !== null && !node.fresh ? value : undefined
  if (object === undefined && !node.fresh && !hasValue(node)) return value
  // Member by member: a spread or a `delete` is slower by far, and every call comes this way.
  const copy: Record<string, unknown> = {}
  for (const key in object) {
    const child = childOf(node.children, key)
    if (child?.removed === true) continue
    const member = (object as Record<string, unknown>)[key]
    put(copy, key, child === undefined ? member : apply(member, child))
  }
  for (const { key, node: child } of node.children) {
    if (!Object.hasOwn(copy, key) && hasValue(child)) put(copy, key, apply(undefined, child))
  }
  return copy
}

/** As JSON.parse does: `__proto__` is a member like any other, where an assignment would change the prototype. */
function put(copy: Record<string, unknown>, key: string | number, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(copy, key, { value, enumerable: true, configurable: true, writable: true })
  else copy[key] = value
}
