// Finds in the bytes of a result what is judged of it: where the structured content lies, or the texts of its blocks, decoded as UTF-8 into
// memory that every result uses again. The bytes were checked before.
import { MalformedJson, passValue, skipSpace, skipString } from '../../../core/protocol/scan.ts'
import { emptyHash, hashOf } from './answer-hash.ts'
import type { JsonScan } from './json-scan.ts'
import { firstOf, stopsIn, wordsOf } from './words-of.ts'

/** Of a text so many bytes are looked at: of JSON to see its end, of others what comes first. */
export const mostJsonBytes = 262_144
export const mostTextBytes = 65_536
const mostLines = 4_096

const quote = 0x22
const backslash = 0x5c
const openBrace = 0x7b
const openBracket = 0x5b
const closeBracket = 0x5d
const comma = 0x2c
const lineFeed = 0x0a

export class ResultParts {
  /** Structured content, `-1` where there is none. */
  structuredAt = -1
  structuredEnd = -1
  contentAt = -1
  contentEnd = -1
  /** Blocks of content; those that are texts with more than white space; those that are no texts. */
  blocks = 0
  texts = 0
  others = 0
  /** The texts, one after the other with a line's end between; what is beyond `textEnd` is of earlier results. */
  readonly text = Buffer.alloc(mostJsonBytes + 8)
  private readonly written = new DataView(this.text.buffer, this.text.byteOffset)
  textEnd = 0
  /** Where the first text with more than white space ends. */
  firstEnd = 0
  /** The first text is longer than what stands here of it. */
  isPart = false
  /** Bytes of all texts, in JSON. */
  textBytes = 0
  /** Last character of the first text, as it stands in JSON; 0 where it has none. */
  lastByte = 0
  /** Ends of the first lines. */
  readonly lineEnds = new Int32Array(mostLines)
  lines = 0

  /** Structured content is scanned on the way, so that nothing goes over it twice; texts are read where there is none. */
  read(b: Uint8Array, mayHaveStructure: boolean, scan: JsonScan): void {
    this.structuredAt = -1
    this.structuredEnd = -1
    this.contentAt = -1
    this.contentEnd = -1
    this.clear()
    let hasRead = false
    const walk = new MemberPosition(b)
    while (walk.next()) {
      if (walk.is(structuredName) && b[walk.at] !== 0x6e) {
        this.structuredAt = walk.at
        scan.scan(b, walk.at, Math.min(b.length, walk.at + mostJsonBytes), true, true)
        if (scan.ending === 'whole') walk.end = scan.end
        else walk.pass()
        this.structuredEnd = walk.end
        continue
      }
      if (walk.is(contentName)) {
        this.contentAt = walk.at
        if (!mayHaveStructure) {
          this.clear()
          this.contentEnd = this.readBlocks(b, walk.at)
          walk.end = this.contentEnd
          hasRead = true
          continue
        }
      }
      walk.pass()
      if (walk.at === this.contentAt) this.contentEnd = walk.end
    }
    if (!hasRead && this.structuredAt < 0 && this.contentAt >= 0) this.readBlocks(b, this.contentAt)
  }

  /** Of a result with structured content as well. */
  readTexts(b: Uint8Array): void {
    this.clear()
    if (this.contentAt >= 0) this.readBlocks(b, this.contentAt)
  }

  /** One string of JSON in place of the texts. */
  readString(b: Uint8Array, at: number): void {
    this.clear()
    this.blocks = 1
    this.readText(b, at)
  }

  /** Of what was not judged by its structured content: all blocks, whatever they are. */
  contentHash(b: Uint8Array): number {
    return this.contentAt < 0 ? emptyHash : hashOf(b, this.contentAt, this.contentEnd)
  }

  private clear(): void {
    this.blocks = 0
    this.texts = 0
    this.others = 0
    this.textEnd = 0
    this.firstEnd = 0
    this.isPart = false
    this.textBytes = 0
    this.lastByte = 0
    this.lines = 0
  }

  /** Just after the content. */
  private readBlocks(b: Uint8Array, at: number): number {
    if (b[at] !== openBracket) return passValue(b, at)
    let i = skipSpace(b, at + 1)
    while (b[i] !== closeBracket) {
      this.blocks += 1
      i = b[i] === openBrace ? this.readBlock(b, i) : passValue(b, i)
      i = skipSpace(b, i)
      if (b[i] === comma) i = skipSpace(b, i + 1)
      else if (b[i] !== closeBracket) throw new MalformedJson('expected , or ]', i)
    }
    return i + 1
  }

  private readBlock(b: Uint8Array, at: number): number {
    const walk = new MemberPosition(b, at)
    let isText = false
    while (walk.next()) {
      // Of two members `text` the last counts for who parses; no honest server sends them.
      if (!isText && walk.is(textName) && b[walk.at] === quote) {
        isText = true
        walk.end = this.readText(b, walk.at)
      } else walk.pass()
    }
    if (!isText) this.others += 1
    return walk.end
  }

  /** Just after the string. */
  private readText(b: Uint8Array, at: number): number {
    const before = this.textEnd
    const isFirst = this.texts === 0
    if (!isFirst && before < mostTextBytes) {
      this.text[this.textEnd] = lineFeed
      this.textEnd += 1
      this.endLine()
    }
    const begin = this.textEnd
    const end = this.decode(b, at)
    this.textBytes += end - at - 2
    if (!hasInk(this.text, begin, this.textEnd)) {
      if (isFirst) this.lines = 0
      this.textEnd = before
      return end
    }
    this.texts += 1
    if (isFirst) {
      this.firstEnd = this.textEnd
      this.lastByte = lastByteOf(b, at, end)
    }
    return end
  }

  /** Writes the string at `at` to the end of the text, as much as there is room for. Gives where the string ends. */
  private decode(b: Uint8Array, at: number): number {
    const out = this.text
    const begin = this.textEnd
    let o = begin
    let i = at + 1
    // Texts after a long one are not read: the first says what they are.
    let most = Math.max(begin, mostTextBytes)
    const words = wordsOf(b)
    const { written } = this
    const from = b.byteOffset
    for (;;) {
      // What needs no look of its own. With each escape there is room for one byte more than was counted on.
      let limit = Math.min(b.length, i + most - o)
      // Bytes of the next word at which it may stop: not at the quote that was escaped, which is written with what follows it.
      let mayStop = -1
      while (i + 5 <= limit) {
        const word = words.getInt32(i + from, true)
        written.setInt32(o, word, true)
        const stops = stopsIn(word) & mayStop
        mayStop = -1
        if (stops === 0) {
          i += 4
          o += 4
          continue
        }
        const plain = firstOf(stops)
        i += plain
        o += plain
        // Most escapes of JSON in a text.
        if (words.getInt16(i + from, true) !== escapedQuote) break
        i += 1
        mayStop = ~0xff
      }
      if (mayStop !== -1) {
        out[o] = quote
        o += 1
        i += 1
      }
      limit = Math.min(b.length, i + most - o)
      while (i < limit) {
        const plain = b[i] as number
        if (plain === quote || plain === backslash) break
        out[o] = plain
        o += 1
        i += 1
      }
      const c = b[i]
      if (c === undefined) throw new MalformedJson('unterminated string', at)
      if (c === quote) break
      if (o >= most) {
        // JSON is looked at further, since only its end shows whether it was cut.
        if (most < mostJsonBytes && startsAsJson(out, begin)) {
          most = mostJsonBytes
          continue
        }
        if (this.texts === 0) this.isPart = true
        this.endText(o)
        return passRest(b, i, at)
      }
      const escaped = b[i + 1]
      i += 2
      // Most escapes of JSON in a text.
      if (escaped === quote) {
        out[o] = quote
        o += 1
        continue
      }
      if (escaped === 0x75) {
        const unit = hex4(b, i)
        i += 4
        let code = unit
        if (unit >= 0xd800 && unit <= 0xdfff) {
          const low = unit < 0xdc00 && b[i] === backslash && b[i + 1] === 0x75 ? hex4(b, i + 2) : 0
          const isPair = low >= 0xdc00 && low <= 0xdfff
          if (isPair) i += 6
          code = isPair ? 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00) : 0xfffd
        }
        o = writeCode(out, o, code)
        continue
      }
      const plain = unescaped[escaped as number]
      out[o] = plain as number
      o += 1
      if (plain === lineFeed) {
        this.textEnd = o
        this.endLine()
      }
    }
    this.endText(o)
    return i + 1
  }

  /** What an earlier result left is nothing that stands after a text. */
  private endText(at: number): void {
    this.textEnd = at
    this.written.setInt32(at, 0)
  }

  /** A line ends just before what stands last. */
  private endLine(): void {
    if (this.lines < mostLines) this.lineEnds[this.lines] = this.textEnd - 1
    this.lines += 1
  }
}

/** `\"`, as two bytes of a word. */
const escapedQuote = 0x225c

/** What an escape of one character stands for; of what is none, itself. */
const unescaped = Uint8Array.from({ length: 256 }, (_, escaped) => escaped)
unescaped[0x6e] = lineFeed
unescaped[0x74] = 0x09
unescaped[0x72] = 0x0d
unescaped[0x62] = 0x20
unescaped[0x66] = 0x20

const structuredName = Buffer.from('"structuredContent"')
const contentName = Buffer.from('"content"')
const textName = Buffer.from('"text"')

/** Goes over the members of an object that was checked before, and leaves it to the caller to go over each value. */
class MemberPosition {
  /** Where the value of the member starts. */
  at = 0
  /** Just after it, and after the last member just after the object. */
  end: number
  private readonly b: Uint8Array
  private keyAt = 0
  private keyEnd = 0

  constructor(b: Uint8Array, at = skipSpace(b, 0)) {
    if (b[at] !== openBrace) throw new MalformedJson('expected an object', at)
    this.b = b
    this.end = at + 1
  }

  next(): boolean {
    const { b } = this
    let i = skipSpace(b, this.end)
    if (b[i] === comma) i = skipSpace(b, i + 1)
    if (b[i] !== quote) {
      this.end = i + 1
      return false
    }
    this.keyAt = i
    this.keyEnd = skipString(b, i)
    i = skipSpace(b, this.keyEnd)
    this.at = skipSpace(b, i + 1)
    return true
  }

  /** The name, with its quotes; names that are spelt with escapes are none that are looked for. */
  is(name: Uint8Array): boolean {
    if (this.keyEnd - this.keyAt !== name.length) return false
    for (let i = 1; i < name.length; i += 1) if (this.b[this.keyAt + i] !== name[i]) return false
    return true
  }

  pass(): void {
    this.end = passValue(this.b, this.at)
  }
}

/** White space of Unicode that is no ASCII is ink here: nobody sends it alone. */
function hasInk(b: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i += 1) if ((b[i] as number) > 0x20) return true
  return false
}

function startsAsJson(b: Uint8Array, at: number): boolean {
  const first = b[skipSpace(b, at)]
  return first === openBrace || first === openBracket
}

/** As it stands in JSON; of a text that ends in white space the last that is none. */
function lastByteOf(b: Uint8Array, start: number, end: number): number {
  for (let i = end - 2; i > start; i -= 1) {
    const c = b[i] as number
    if (c <= 0x20) continue
    const isSpace = (c === 0x6e || c === 0x72 || c === 0x74) && b[i - 1] === backslash && b[i - 2] !== backslash
    if (!isSpace) return c
    i -= 1
  }
  return 0
}

/** Just after the string, from within it. */
function passRest(b: Uint8Array, from: number, at: number): number {
  for (let i = from; ; i += 1) {
    const c = b[i]
    if (c === quote) return i + 1
    if (c === backslash) i += 1
    else if (c === undefined) throw new MalformedJson('unterminated string', at)
  }
}

function hex4(b: Uint8Array, at: number): number {
  let value = 0
  for (let i = at; i < at + 4; i += 1) {
    const c = b[i] as number
    const digit = c >= 0x30 && c <= 0x39 ? c - 0x30 : (c | 0x20) >= 0x61 && (c | 0x20) <= 0x66 ? (c | 0x20) - 0x57 : -1
    if (digit < 0) throw new MalformedJson('bad escape', at)
    value = value * 16 + digit
  }
  return value
}

function writeCode(out: Uint8Array, at: number, code: number): number {
  if (code < 0x80) {
    out[at] = code
    return at + 1
  }
  if (code < 0x800) {
    out[at] = 0xc0 | (code >> 6)
    out[at + 1] = 0x80 | (code & 0x3f)
    return at + 2
  }
  if (code < 0x10000) {
    out[at] = 0xe0 | (code >> 12)
    out[at + 1] = 0x80 | ((code >> 6) & 0x3f)
    out[at + 2] = 0x80 | (code & 0x3f)
    return at + 3
  }
  out[at] = 0xf0 | (code >> 18)
  out[at + 1] = 0x80 | ((code >> 12) & 0x3f)
  out[at + 2] = 0x80 | ((code >> 6) & 0x3f)
  out[at + 3] = 0x80 | (code & 0x3f)
  return at + 4
}
