// The shape of a result in a few words, for people: names of members, types, how many elements; no value. One pass over JSON, which builds
// nothing of it.
import { locate } from '../protocol/locate.ts'
import { MalformedJson, MemberWalk, passValue, skipSpace, skipValue, text } from '../protocol/scan.ts'
import { isMadeByChance, shortestToken } from './random-tokens.ts'

/** Characters that come out at most. */
export const longestShape = 200
const deepest = 5
const mostNames = 16
const longestName = 32
/** Names of members; others are data, as ids, dates and addresses are. */
const ofMember = /^[A-Za-z_$@][\w$.:-]{0,63}$/
const manyDigits = /\d{4}/
/** In the place of a name that is data. */
const anyName = '*'
const cutOff = '…'

/**
 * `{items:[{id:n,name:s}×37],next:s}`: `s` a text, `n` a number, `b` true or false, `null`; of a list the shape of its first element and their
 * number. Of what is no JSON its size. Never throws.
 */
export function shapeOf(bytes: Uint8Array): string {
  const start = skipSpace(bytes, 0)
  try {
    if (skipSpace(bytes, skipValue(bytes, start)) !== bytes.length) return sizeOf(bytes)
  } catch (thrown) {
    if (thrown instanceof MalformedJson) return sizeOf(bytes)
    throw thrown
  }
  const shape = new Shape(bytes)
  shape.value(start, 1)
  return shape.text
}

/** Of the result of a tool: of its structured content, else of its texts and whatever else is in it: `text(120),image`. */
export function shapeOfToolResult(bytes: Uint8Array): string {
  try {
    const structured = locate(bytes, ['structuredContent'])
    if (structured !== undefined) return shapeOf(structured)
    const content = locate(bytes, ['content'])
    return content?.[0] === 0x5b ? shapeOfContent(content) : shapeOf(bytes)
  } catch (thrown) {
    if (thrown instanceof MalformedJson) return sizeOf(bytes)
    throw thrown
  }
}

/** The name of a member as a shape has it. */
export function memberInShape(name: string): string {
  if (!ofMember.test(name) || manyDigits.test(name) || (name.length >= shortestToken && isMadeByChance(name))) return anyName
  return name.length > longestName ? `${name.slice(0, longestName)}${cutOff}` : name
}

function sizeOf(bytes: Uint8Array): string {
  return `[${bytes.length} bytes]`
}

const mostBlocks = 8
const longestText = 65_536
const blockTypes: readonly string[] = ['text', 'image', 'audio', 'resource', 'resource_link']

function shapeOfContent(content: Uint8Array): string {
  const blocks: string[] = []
  let i = skipSpace(content, 1)
  for (; content[i] !== 0x5d && blocks.length < mostBlocks; i = skipSpace(content, passValue(content, i))) {
    if (content[i] === 0x2c) i = skipSpace(content, i + 1)
    blocks.push(content[i] === 0x7b ? shapeOfBlock(content, i) : typeAt(content[i]))
  }
  const whole = `${blocks.join(',')}${content[i] === 0x5d ? '' : `,${cutOff}`}`
  return whole.length <= longestShape ? whole : `${whole.slice(0, longestShape - 1)}${cutOff}`
}

function shapeOfBlock(content: Uint8Array, at: number): string {
  const block = new MemberWalk(content, at, 'before')
  let type = ''
  let inner = ''
  while (block.next()) {
    const isText = content[block.start] === 0x22
    if (isText && block.keyIs('type') && block.end - block.start <= longestName) type = text(content, block.start, block.end)
    else if (isText && block.keyIs('text')) inner = shapeOfText(content, block.start, block.end)
  }
  const known = blockTypes.includes(type) ? type : anyName
  return inner === '' ? known : `${known}(${inner})`
}

/** Of a text that is JSON its shape, else its size. */
function shapeOfText(content: Uint8Array, start: number, end: number): string {
  const size = String(end - start - 2)
  if (end - start > longestText) return size
  const said = text(content, start, end).trim()
  if (!said.startsWith('{') && !said.startsWith('[')) return size
  const shape = shapeOf(Buffer.from(said))
  return shape.endsWith(' bytes]') ? size : shape
}

function typeAt(first: number | undefined): string {
  if (first === 0x22) return 's'
  if (first === 0x6e) return 'null'
  return first === 0x74 || first === 0x66 ? 'b' : 'n'
}

class Shape {
  text = ''
  private readonly b: Uint8Array

  constructor(bytes: Uint8Array) {
    this.b = bytes
  }

  /** Index just after it; wherever in it, once there is no room. */
  value(at: number, depth: number): number {
    const first = this.b[at]
    if (first === 0x7b) return this.object(at, depth)
    if (first === 0x5b) return this.array(at, depth)
    this.put(typeAt(first))
    return passValue(this.b, at)
  }

  private object(at: number, depth: number): number {
    const { b } = this
    let i = skipSpace(b, at + 1)
    if (b[i] === 0x7d || depth > deepest) {
      this.put(b[i] === 0x7d ? '{}' : `{${cutOff}}`)
      return passValue(b, at)
    }
    this.put('{')
    let hasAny = false
    for (let count = 0, shown = 0; b[i] !== 0x7d; count += 1) {
      if (this.isFull) return i
      const keyEnd = passValue(b, i)
      const name = this.nameOf(i, keyEnd)
      i = skipSpace(b, skipSpace(b, keyEnd) + 1)
      // Members whose names are data are alike.
      const isShown = shown < mostNames && !(name === anyName && hasAny)
      if (isShown) {
        this.put(`${shown === 0 ? '' : ','}${name}:`)
        shown += 1
        i = this.value(i, depth + 1)
      } else i = passValue(b, i)
      if (name === anyName) hasAny = true
      i = skipSpace(b, i)
      if (b[i] === 0x2c) i = skipSpace(b, i + 1)
      if (count === mostNames) this.put(`,${cutOff}`)
    }
    this.put('}')
    return i + 1
  }

  private array(at: number, depth: number): number {
    const { b } = this
    let i = skipSpace(b, at + 1)
    if (b[i] === 0x5d || depth > deepest) {
      this.put(b[i] === 0x5d ? '[]' : `[${cutOff}]`)
      return passValue(b, at)
    }
    this.put('[')
    i = skipSpace(b, this.value(i, depth + 1))
    let count = 1
    for (; b[i] === 0x2c && !this.isFull; count += 1) i = skipSpace(b, passValue(b, skipSpace(b, i + 1)))
    this.put(`×${count}]`)
    return i + 1
  }

  private nameOf(at: number, end: number): string {
    if (end - at - 2 > 64) return anyName
    return memberInShape(text(this.b, at, end))
  }

  private get isFull(): boolean {
    return this.text.length >= longestShape
  }

  private put(piece: string): void {
    if (this.isFull && this.text.endsWith(cutOff)) return
    const whole = this.text + piece
    this.text = whole.length <= longestShape ? whole : `${whole.slice(0, longestShape - 1)}${cutOff}`
  }
}
