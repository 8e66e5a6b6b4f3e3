// Large messages, checked a part per turn of the event loop. Where their large values end is kept, so that whoever goes over the same bytes
// later leaps over them: no message of any size keeps the others waiting.
import { isUtf8 } from 'node:buffer'
import {
  backslash,
  closeBrace,
  closeBracket,
  colon,
  comma,
  keepEnd,
  largeBytes,
  leapBytes,
  MalformedJson,
  maxDepth,
  openBrace,
  openBracket,
  quote,
  skipScalar,
  skipSpace,
  stops,
  TooDeep,
} from './scan.ts'
import { withoutBom } from './utf8.ts'

/** Bytes that are checked in one turn of the loop, of all large messages together: about a millisecond, and ten until the code is compiled. */
export const partBytes = 262_144

class NotUtf8 extends MalformedJson {}

/** Where the check stands: before a value, before a key, within a string (which may be of any length), or behind a value. */
type Place = 'value' | 'key' | 'first_key' | 'string' | 'behind' | 'done'

/** The check of one JSON value, in parts. It refuses what `skipValue` and `isUtf8` refuse. */
export class LargeCheck {
  private readonly b: Uint8Array
  private readonly start: number
  private at: number
  private checkedUtf8 = 0
  private place: Place = 'value'
  /** Whether the string is a key, and where it began. */
  private isKey = false
  private stringAt = 0
  private depth = 0
  private readonly isObject = new Uint8Array(maxDepth + 1)
  private readonly startedAt = new Float64Array(maxDepth + 1)

  constructor(b: Uint8Array) {
    this.b = b
    this.start = skipSpace(b, 0)
    this.at = this.start
  }

  /** Checks a part; true once all is. Throws `MalformedJson`. */
  step(bytes = partBytes): boolean {
    const { b } = this
    const limit = Math.min(b.length, this.at + bytes)
    this.checkUtf8(limit)
    while (this.place !== 'done') {
      if (this.at >= limit && limit < b.length) return false
      this.advance(limit)
    }
    this.checkUtf8(b.length)
    if (skipSpace(b, this.at) !== b.length) throw new MalformedJson('text after the message', this.at)
    keepEnd(b, this.start, this.at)
    return true
  }

  private advance(limit: number): void {
    if (this.place === 'string') this.string(limit)
    else if (this.place === 'value') this.value()
    else if (this.place === 'behind') this.behind()
    else this.key()
  }

  /** Characters may be cut by the end of a part, and are checked with the next. */
  private checkUtf8(limit: number): void {
    const { b } = this
    let end = limit
    if (end < b.length) while (end > this.checkedUtf8 && ((b[end] as number) & 0xc0) === 0x80) end -= 1
    if (end <= this.checkedUtf8) return
    if (!isUtf8(b.subarray(this.checkedUtf8, end))) throw new NotUtf8('invalid UTF-8', this.checkedUtf8)
    this.checkedUtf8 = end
  }

  private value(): void {
    const { b } = this
    const c = b[this.at]
    if (c === openBrace || c === openBracket) {
      if (this.depth >= maxDepth) throw new TooDeep(`nesting deeper than ${maxDepth}`, this.at)
      this.depth += 1
      this.isObject[this.depth] = c === openBrace ? 1 : 0
      this.startedAt[this.depth] = this.at
      this.at = skipSpace(b, this.at + 1)
      if (b[this.at] === (c === openBrace ? closeBrace : closeBracket)) this.place = 'behind'
      else this.place = c === openBrace ? 'first_key' : 'value'
    } else if (c === quote) this.opened(false)
    else {
      this.at = skipScalar(b, this.at)
      this.place = 'behind'
    }
  }

  private key(): void {
    if (this.b[this.at] !== quote) throw new MalformedJson('expected a string', this.at)
    this.opened(true)
  }

  private opened(isKey: boolean): void {
    this.isKey = isKey
    this.stringAt = this.at
    this.at += 1
    this.place = 'string'
  }

  private string(limit: number): void {
    const { b } = this
    let i = this.at
    for (;;) {
      while (i < limit && stops[b[i] as number] === 0) i += 1
      if (i >= limit) break
      if (b[i] === quote) {
        this.closed(i + 1)
        return
      }
      if (b[i] !== backslash) throw new MalformedJson('control character in a string', i)
      i = this.escape(i)
    }
    this.at = i
    if (i >= b.length) throw new MalformedJson('unterminated string', this.stringAt)
  }

  private escape(at: number): number {
    const c = this.b[at + 1]
    if (c !== 0x75) {
      if (c === undefined || !escapes.includes(c)) throw new MalformedJson('bad escape', at)
      return at + 2
    }
    for (let k = 2; k < 6; k += 1) if (!isHex(this.b[at + k])) throw new MalformedJson('bad escape', at + 2)
    return at + 6
  }

  private closed(end: number): void {
    const { b } = this
    if (!this.isKey) {
      if (end - this.stringAt > leapBytes) keepEnd(b, this.stringAt, end)
      this.at = end
      this.place = 'behind'
      return
    }
    const at = skipSpace(b, end)
    if (b[at] !== colon) throw new MalformedJson('expected :', at)
    this.at = skipSpace(b, at + 1)
    this.place = 'value'
  }

  private behind(): void {
    if (this.depth === 0) {
      this.place = 'done'
      return
    }
    const { b } = this
    const inObject = this.isObject[this.depth] === 1
    const i = skipSpace(b, this.at)
    const d = b[i]
    if (d === (inObject ? closeBrace : closeBracket)) {
      const from = this.startedAt[this.depth] as number
      this.depth -= 1
      this.at = i + 1
      if (this.at - from > leapBytes) keepEnd(b, from, this.at)
      return
    }
    if (d !== comma) throw new MalformedJson(d === undefined ? 'unexpected end' : 'expected , or a closing bracket', i)
    this.at = skipSpace(b, i + 1)
    this.place = inObject ? 'key' : 'value'
  }
}

const escapes = Buffer.from('"\\/bfnrt')

function isHex(c: number | undefined): boolean {
  return c !== undefined && ((c >= 0x30 && c <= 0x39) || (c >= 0x41 && c <= 0x46) || (c >= 0x61 && c <= 0x66))
}

/** What became of large bytes. */
export interface Checked {
  /** As they are to be read: other ones where some were no UTF-8. */
  readonly bytes: Uint8Array
  /** What is wrong with them; undefined: they are one JSON value, and reading them takes little time. */
  readonly why: MalformedJson | undefined
  /** U+FFFD stands for what was no UTF-8. */
  readonly isReplaced: boolean
}

/** One message under way. */
class LargeMessage {
  private bytes: Uint8Array
  private check: LargeCheck
  private isReplaced = false
  /** Of a message that is not UTF-8: its parts, decoded. */
  private parts: Buffer[] | undefined
  private decoded = 0
  private readonly decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  private readonly done: (checked: Checked) => void

  constructor(bytes: Uint8Array, done: (checked: Checked) => void) {
    this.bytes = withoutBom(bytes)
    this.check = new LargeCheck(this.bytes)
    this.done = done
  }

  /** Undefined while there is more to do. */
  step(): Checked | undefined {
    if (this.parts !== undefined) return this.decode(this.parts)
    try {
      return this.check.step() ? { bytes: this.bytes, why: undefined, isReplaced: this.isReplaced } : undefined
    } catch (error) {
      if (!(error instanceof MalformedJson)) throw error
      if (!(error instanceof NotUtf8)) return { bytes: this.bytes, why: error, isReplaced: this.isReplaced }
      this.parts = []
      return undefined
    }
  }

  tell(checked: Checked): void {
    this.done(checked)
  }

  private decode(parts: Buffer[]): undefined {
    const end = Math.min(this.bytes.length, this.decoded + partBytes)
    const text = this.decoder.decode(this.bytes.subarray(this.decoded, end), { stream: end < this.bytes.length })
    parts.push(Buffer.from(text))
    this.decoded = end
    if (end < this.bytes.length) return
    this.parts = undefined
    this.isReplaced = true
    this.bytes = Buffer.concat(parts)
    this.check = new LargeCheck(this.bytes)
  }
}

/** Those under way: each has its part in turn, one a turn of the loop, so that many cost a turn no more than one. */
const waiting: LargeMessage[] = []

/** How many large messages are being checked. */
export function largeUnderWay(): number {
  return waiting.length
}

export function isLarge(bytes: Uint8Array): boolean {
  return bytes.length > largeBytes
}

/** Checks large bytes; `done` hears in a later turn what became of them. It must not throw. */
export function checkLarge(bytes: Uint8Array, done: (checked: Checked) => void): void {
  waiting.push(new LargeMessage(bytes, done))
  if (waiting.length === 1) setImmediate(turn)
}

function turn(): void {
  const one = waiting.shift()
  if (one === undefined) return
  let checked: Checked | undefined
  try {
    checked = one.step()
    if (checked === undefined) waiting.push(one)
  } finally {
    // A bug in the check of one holds up no other.
    if (waiting.length > 0) setImmediate(turn)
  }
  if (checked !== undefined) one.tell(checked)
}
