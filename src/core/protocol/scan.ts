// A strict JSON scanner over bytes. It finds where things are without building them, so that what nobody looks at is never
// parsed or re-serialised, and 64-bit integers, unknown fields and spellings survive (RFC 8259).

/** Thrown on bytes that are no JSON; `at` is the byte offset. */
export class MalformedJson extends Error {
  readonly at: number
  constructor(what: string, at: number) {
    super(`${what} at byte ${at}`)
    this.at = at
  }
}

/** Thrown on what may be JSON and is nested too deep. */
export class TooDeep extends MalformedJson {}

/** Deepest nesting that is scanned; more is refused as malformed. */
export const maxDepth = 512

export const quote = 0x22
export const backslash = 0x5c
export const comma = 0x2c
export const colon = 0x3a
export const openBrace = 0x7b
export const closeBrace = 0x7d
export const openBracket = 0x5b
export const closeBracket = 0x5d

/** 1: ends or interrupts the fast run of a string (quote, backslash, control character). */
export const stops = new Uint8Array(256)
stops.fill(1, 0, 0x20)
stops[quote] = 1
stops[backslash] = 1

export function skipSpace(b: Uint8Array, at: number): number {
  let i = at
  for (;;) {
    const c = b[i]
    if (c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09) i += 1
    else return i
  }
}

/**
 * Index just after the string that starts at `at`. An escape may be half of a surrogate pair, as JSON allows and `JSON.stringify` writes for
 * a text that was cut in an emoji; `paired` refuses it.
 */
export function skipString(b: Uint8Array, at: number, paired = false): number {
  if (b[at] !== quote) throw new MalformedJson('expected a string', at)
  let i = at + 1
  const end = b.length
  while (i < end) {
    const c = b[i] as number
    if (stops[c] === 0) {
      i += 1
      continue
    }
    if (c === quote) return i + 1
    if (c !== backslash) throw new MalformedJson('control character in a string', i)
    i = paired ? skipPair(b, i) : skipEscape(b, i)
  }
  throw new MalformedJson('unterminated string', at)
}

function skipEscape(b: Uint8Array, at: number): number {
  switch (b[at + 1]) {
    case quote:
    case backslash:
    case 0x2f: // /
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return at + 2
    case 0x75:
      hex4(b, at + 2)
      return at + 6
    default:
      throw new MalformedJson('bad escape', at)
  }
}

/** As `skipEscape`, and over both escapes of a surrogate pair. */
function skipPair(b: Uint8Array, at: number): number {
  const end = skipEscape(b, at)
  const unit = b[at + 1] === 0x75 ? hex4(b, at + 2) : 0
  if (unit < 0xd800 || unit > 0xdfff) return end
  const low = unit < 0xdc00 && b[end] === backslash && b[end + 1] === 0x75 ? hex4(b, end + 2) : 0
  if (low < 0xdc00 || low > 0xdfff) throw new MalformedJson('lone surrogate', at)
  return end + 6
}

function hex4(b: Uint8Array, at: number): number {
  let value = 0
  for (let i = at; i < at + 4; i += 1) {
    const c = b[i] as number
    const digit = c >= 0x30 && c <= 0x39 ? c - 0x30 : c >= 0x61 && c <= 0x66 ? c - 0x57 : c >= 0x41 && c <= 0x46 ? c - 0x37 : -1
    if (digit < 0) throw new MalformedJson('bad escape', at)
    value = value * 16 + digit
  }
  return value
}

function skipDigits(b: Uint8Array, at: number): number {
  let i = at
  for (;;) {
    const c = b[i] as number
    if (c >= 0x30 && c <= 0x39) i += 1
    else break
  }
  if (i === at) throw new MalformedJson('bad number', at)
  return i
}

function skipNumber(b: Uint8Array, at: number): number {
  let i = b[at] === 0x2d ? at + 1 : at
  i = b[i] === 0x30 ? i + 1 : skipDigits(b, i)
  if (b[i] === 0x2e) i = skipDigits(b, i + 1)
  if (b[i] === 0x65 || b[i] === 0x45) {
    i += 1
    if (b[i] === 0x2b || b[i] === 0x2d) i += 1
    i = skipDigits(b, i)
  }
  return i
}

const literals: Readonly<Record<number, Uint8Array>> = {
  116: Buffer.from('true'),
  102: Buffer.from('false'),
  110: Buffer.from('null'),
}

export function skipScalar(b: Uint8Array, at: number): number {
  const c = b[at]
  if (c === quote) return skipString(b, at)
  if (c === 0x2d || (c !== undefined && c >= 0x30 && c <= 0x39)) return skipNumber(b, at)
  const literal = c === undefined ? undefined : literals[c]
  if (literal === undefined) throw new MalformedJson(c === undefined ? 'unexpected end' : 'unexpected character', at)
  for (let i = 0; i < literal.length; i += 1) if (b[at + i] !== literal[i]) throw new MalformedJson('bad literal', at)
  return at + literal.length
}

/** Messages that are longer are checked in parts (large.ts). */
export const largeBytes = 2_097_152
/** Ends of values that are longer are kept; nothing is looked up for shorter bytes. */
export const leapBytes = 65_536

/** Where the long values of large messages end that were checked: offsets into the memory that the message lies in. */
export const known = new WeakMap<ArrayBufferLike, Map<number, number>>()

export function keepEnd(b: Uint8Array, start: number, end: number): void {
  let ends = known.get(b.buffer)
  if (ends === undefined) {
    ends = new Map()
    known.set(b.buffer, ends)
  }
  ends.set(b.byteOffset + start, b.byteOffset + end)
}

/** Whether the bytes are of a large message that was checked. */
export function wasChecked(b: Uint8Array): boolean {
  return b.length > largeBytes && known.has(b.buffer)
}

/** What was found of `from` between `start` and `end` holds of `to`, whose copy of it begins at `at`. */
export function carryEnds(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): void {
  const ends = known.get(from.buffer)
  if (ends === undefined) return
  const first = from.byteOffset + start
  const last = from.byteOffset + end
  for (const [begun, ended] of ends) if (begun >= first && ended <= last) keepEnd(to, begun - first + at, ended - first + at)
}

/** Just after the value at `at`; 0 where that is not kept. */
function knownEnd(b: Uint8Array, at: number): number {
  const end = known.get(b.buffer)?.get(b.byteOffset + at)
  return end === undefined || end > b.byteOffset + b.length ? 0 : end - b.byteOffset
}

/** Whether the level is an object, for each level of the value being skipped; `skipValue` never calls itself. */
const isObjectAt = new Uint8Array(maxDepth + 1)

/** Index just after the value that starts at `at` (no leading space). Checks the whole value. */
export function skipValue(b: Uint8Array, at: number): number {
  const first = b[at]
  const end = b.length > leapBytes ? knownEnd(b, at) : 0
  if (end > 0) return end
  if (first !== openBrace && first !== openBracket) return skipScalar(b, at)
  let depth = 0
  let i = at
  for (;;) {
    const c = b[i]
    if (c === openBrace || c === openBracket) {
      if (depth >= maxDepth) throw new TooDeep(`nesting deeper than ${maxDepth}`, i)
      depth += 1
      isObjectAt[depth] = c === openBrace ? 1 : 0
      i = skipSpace(b, i + 1)
      if (b[i] !== (c === openBrace ? closeBrace : closeBracket)) {
        if (c === openBrace) i = toMemberValue(b, i)
        continue
      }
    } else {
      i = skipScalar(b, i)
    }
    // After a value: close as many levels as end here, or go to the next member or element.
    for (;;) {
      const inObject = isObjectAt[depth] === 1
      i = skipSpace(b, i)
      const d = b[i]
      if (d === (inObject ? closeBrace : closeBracket)) {
        depth -= 1
        i += 1
        if (depth === 0) return i
        continue
      }
      if (d !== comma) throw new MalformedJson(d === undefined ? 'unexpected end' : 'expected , or a closing bracket', i)
      i = skipSpace(b, i + 1)
      if (inObject) i = toMemberValue(b, i)
      break
    }
  }
}

/** As `skipValue`, for JSON that was checked before: it looks for nothing but the end. */
export function passValue(b: Uint8Array, at: number): number {
  const first = b[at]
  const end = b.length > leapBytes ? knownEnd(b, at) : 0
  if (end > 0) return end
  if (first === quote) return passString(b, at)
  if (first !== openBrace && first !== openBracket) return skipScalar(b, at)
  let depth = 0
  for (let i = at; ; i += 1) {
    const c = b[i]
    if (c === quote) i = passString(b, i) - 1
    else if (c === openBrace || c === openBracket) depth += 1
    else if (c === closeBrace || c === closeBracket) {
      depth -= 1
      if (depth === 0) return i + 1
    } else if (c === undefined) throw new MalformedJson('unexpected end', i)
  }
}

function passString(b: Uint8Array, at: number): number {
  for (let i = at + 1; ; i += 1) {
    const c = b[i]
    if (c === quote) return i + 1
    if (c === backslash) i += 1
    else if (c === undefined) throw new MalformedJson('unterminated string', at)
  }
}

function toMemberValue(b: Uint8Array, keyAt: number): number {
  const i = skipSpace(b, skipString(b, keyAt))
  if (b[i] !== colon) throw new MalformedJson('expected :', i)
  return skipSpace(b, i + 1)
}

/** Where a value lies: offsets into the scanned bytes, `end` just after it. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** 1: interrupts the fast run of a key: also what is no ASCII. */
const keyStops = new Uint8Array(256)
keyStops.set(stops)
keyStops.fill(1, 0x80)

/** Names that are looked for among the members of an object; a walk tells by the length of its key that it stands on none of them. */
export class Keys {
  readonly names: readonly string[]
  /** Indices into `names` by length. */
  private readonly byLength: readonly (readonly number[])[]

  /** At most 31, so that a bit each fits in one number. */
  constructor(names: readonly string[]) {
    if (names.length > 31) throw new RangeError('too many names for one look')
    this.names = names
    const longest = Math.max(...names.map((name) => name.length))
    this.byLength = Array.from({ length: longest + 1 }, (_, length) => names.flatMap((name, at) => (name.length === length ? [at] : [])))
  }

  ofLength(length: number): readonly number[] {
    return length < this.byLength.length ? (this.byLength[length] as readonly number[]) : none
  }
}

const none: readonly number[] = []

/**
 * Goes over the members of one object without building anything: `next()` stands it on the next member, then the offsets are those of
 * its key (with quotes) and its value. Each value is checked, unless it was `before`.
 */
export class MemberWalk {
  keyAt = 0
  keyEnd = 0
  start = 0
  end: number
  private readonly b: Uint8Array
  private readonly checked: 'now' | 'before'
  private began = false
  /** The key is plain ASCII without escapes, so that its bytes are its characters. */
  private plain = true

  /** Throws unless an object starts at `at`. */
  constructor(b: Uint8Array, at: number, checked: 'now' | 'before' = 'now') {
    if (b[at] !== openBrace) throw new MalformedJson('expected an object', at)
    this.b = b
    this.checked = checked
    this.end = at + 1
  }

  /** False where there is no further member; `end` is then just after the object. */
  next(): boolean {
    const { b } = this
    let i = skipSpace(b, this.end)
    if (b[i] === closeBrace) {
      this.end = i + 1
      return false
    }
    if (this.began) {
      if (b[i] !== comma) throw new MalformedJson(b[i] === undefined ? 'unexpected end' : 'expected , or }', i)
      i = skipSpace(b, i + 1)
    }
    this.began = true
    this.keyAt = i
    this.keyEnd = this.passKey(i)
    i = skipSpace(b, this.keyEnd)
    if (b[i] !== colon) throw new MalformedJson('expected :', i)
    this.start = skipSpace(b, i + 1)
    this.end = this.checked === 'now' ? skipValue(b, this.start) : passValue(b, this.start)
    return true
  }

  private passKey(at: number): number {
    const { b } = this
    let i = at + 1
    while (keyStops[b[i] as number] === 0) i += 1
    this.plain = b[i] === quote && b[at] === quote
    return this.plain ? i + 1 : skipString(b, at)
  }

  /** Which of the names the key is, however it is spelt; -1 for none. */
  indexIn(keys: Keys): number {
    if (!this.plain) return keys.names.indexOf(this.key())
    for (const at of keys.ofLength(this.keyEnd - this.keyAt - 2)) if (this.spells(keys.names[at] as string)) return at
    return -1
  }

  keyIs(name: string): boolean {
    if (!this.plain) return this.key() === name
    return this.keyEnd - this.keyAt - 2 === name.length && this.spells(name)
  }

  private spells(name: string): boolean {
    const { b, keyAt } = this
    for (let i = 0; i < name.length; i += 1) if (b[keyAt + 1 + i] !== name.charCodeAt(i)) return false
    return true
  }

  /** Where the value of this member lies. */
  span(): Span {
    return { start: this.start, end: this.end }
  }

  /** The key, decoded. */
  key(): string {
    return this.plain ? asBuffer(this.b).toString('latin1', this.keyAt + 1, this.keyEnd - 1) : text(this.b, this.keyAt, this.keyEnd)
  }
}

/** The first of the names that stands twice in the object at `at`, which was checked before; undefined where none does. */
export function repeated(b: Uint8Array, at: number, keys: Keys): string | undefined {
  const walk = new MemberWalk(b, at, 'before')
  let seen = 0
  while (walk.next()) {
    const index = walk.indexIn(keys)
    if (index < 0) continue
    const bit = 1 << index
    if ((seen & bit) !== 0) return keys.names[index]
    seen |= bit
  }
  return undefined
}

/** One member of an object: `key` decoded, the span that of its value. */
export interface Member extends Span {
  readonly key: string
  readonly keyAt: number
}

/** The members of the object that starts at `at`, each value checked. Throws unless it is an object. */
export function members(b: Uint8Array, at: number): Member[] {
  const walk = new MemberWalk(b, at)
  const found: Member[] = []
  while (walk.next()) found.push({ key: walk.key(), keyAt: walk.keyAt, start: walk.start, end: walk.end })
  return found
}

/** Start and end of each element of the array that starts at `at`. */
export function elements(b: Uint8Array, at: number): Span[] {
  if (b[at] !== openBracket) throw new MalformedJson('expected an array', at)
  const found: Span[] = []
  let i = skipSpace(b, at + 1)
  if (b[i] === closeBracket) return found
  for (;;) {
    const end = skipValue(b, i)
    found.push({ start: i, end })
    i = skipSpace(b, end)
    if (b[i] === closeBracket) return found
    if (b[i] !== comma) throw new MalformedJson(b[i] === undefined ? 'unexpected end' : 'expected , or ]', i)
    i = skipSpace(b, i + 1)
  }
}

/** The string whose quotes stand at `start` and `end - 1`, decoded. */
export function text(b: Uint8Array, start: number, end: number): string {
  for (let i = start + 1; i < end - 1; i += 1) {
    const c = b[i] as number
    if (c === backslash || c > 0x7e) return JSON.parse(asBuffer(b).toString('utf8', start, end)) as string
  }
  return asBuffer(b).toString('latin1', start + 1, end - 1)
}

/** The same memory as a Buffer, for its string functions. */
export function asBuffer(b: Uint8Array): Buffer {
  return Buffer.isBuffer(b) ? b : Buffer.from(b.buffer, b.byteOffset, b.byteLength)
}

/**
 * How many object members the JSON text holds, strings skipped. Compared with the members of the parsed value it shows duplicate keys,
 * which policy and server could read differently.
 */
export function countMembers(b: Uint8Array): number {
  let count = 0
  for (let i = 0; i < b.length; i += 1) {
    const c = b[i]
    if (c === quote) i = skipString(b, i) - 1
    else if (c === colon) count += 1
  }
  return count
}

/** Members of a parsed value, all levels together. */
export function countParsed(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  let count = 0
  if (Array.isArray(value)) {
    for (const element of value) if (typeof element === 'object') count += countParsed(element)
    return count
  }
  for (const key in value) {
    count += 1
    const child = (value as Record<string, unknown>)[key]
    if (typeof child === 'object') count += countParsed(child)
  }
  return count
}
