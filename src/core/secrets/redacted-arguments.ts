// The arguments of a call as they may be shown: their JSON, with words in the place of what is sensitive. Names, types and numbers of elements
// stay readable. One pass over the bytes, which copies what it finds nothing in; what is long, deep or much is cut, and said to be. Any bytes
// cost linear time.
import { isUtf8 } from 'node:buffer'
import { asBuffer, MalformedJson, passValue, skipSpace, skipValue, TooDeep, text } from '../protocol/scan.ts'
import { isCard } from './personal-data.ts'
import type { Redaction } from './redaction.ts'
import { mayBeTelling } from './secret-names.ts'
import { isIdentifying } from './sensitive-names.ts'
import { redactionOf } from './without-secrets.ts'

/** Bytes of UTF-8 that come out at most. */
export const mostRedactedBytes = 4_096
/** Of one text, in characters. */
const mostText = 512
/** Bytes that these take at most; a text that is long and harmless is decoded so far. */
const mostTextBytes = 1_536
/** Bytes of a text that are searched: the longest secret may begin in what is shown. */
const mostRead = 20_480
const deepest = 12
const mostMembers = 64
const longestKey = 64
const longestNumber = 40
/** For the ends of all levels, and what follows a look at the room that is left. */
const reserve = 704

/** JSON. Of what is no JSON its size alone; what is `checked` is known to be some. Never throws. */
export function redactedArguments(bytes: Uint8Array, redaction: Redaction, checked?: 'checked'): string {
  const problem = checked === undefined ? problemOf(bytes) : undefined
  if (problem !== undefined) return sizeAlone(bytes, problem)
  try {
    const whole = new Rewriting(bytes, redaction, false).whole()
    return isWithin(whole) ? whole : new Rewriting(bytes, redaction, true).whole()
  } catch (thrown) {
    if (thrown instanceof MalformedJson) return sizeAlone(bytes, 'no JSON')
    throw thrown
  }
}

function sizeAlone(bytes: Uint8Array, problem: string): string {
  return `"[${bytes.length} bytes: ${problem}]"`
}

function isWithin(whole: string): boolean {
  return whole.length * 3 <= mostRedactedBytes || (whole.length <= mostRedactedBytes && Buffer.byteLength(whole) <= mostRedactedBytes)
}

function problemOf(bytes: Uint8Array): string | undefined {
  if (!isUtf8(bytes)) return 'no UTF-8'
  try {
    return skipSpace(bytes, skipValue(bytes, skipSpace(bytes, 0))) === bytes.length ? undefined : 'no JSON'
  } catch (thrown) {
    if (thrown instanceof TooDeep) return 'nested too deep'
    if (thrown instanceof MalformedJson) return 'no JSON'
    throw thrown
  }
}

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const closeBrace = 0x7d
const closeBracket = 0x5d

/** What a byte of a text may be part of. */
const small = 1
const capital = 2
const digit = 3
const end = 4
const escaping = 5
const ofAddress = 6
const besideName = 7
const dash = 8
const kinds = new Uint8Array(256)
for (let c = 0; c < 128; c += 1) {
  const char = String.fromCharCode(c)
  kinds[c] = /[a-z_+/]/.test(char) ? small : /[A-Z]/.test(char) ? capital : /[0-9]/.test(char) ? digit : 0
}
kinds[quote] = end
kinds[backslash] = escaping
kinds[0x2d] = dash
kinds[0x40] = ofAddress
kinds[0x3a] = besideName
kinds[0x3d] = besideName

/** Characters of the shortest run that may be a token, and digits of the shortest number that may be somebody's. */
const shortestRun = 16
const leastDigits = 8
const leastCapitals = 4
/** 1: may stand between a name and its value. */
const besides = new Uint8Array(256)
for (const char of ` "'\\\``) besides[char.charCodeAt(0)] = 1

class Rewriting {
  private readonly b: Uint8Array
  private readonly buffer: Buffer
  private readonly redaction: Redaction
  /** Every text is looked at as a whole. */
  private readonly isWary: boolean
  /** Room is kept for the ends from the beginning, and not only where not all fits. */
  private readonly isStrict: boolean
  private out = ''
  private written = 0
  private from = 0
  /** Of the text that was passed last: whether what is read of it may hold something, and how far that is. */
  private isSuspect = false
  /** Nothing but its many digits asks for a look at it. */
  private isNumbered = false
  private readTo = 0

  constructor(bytes: Uint8Array, redaction: Redaction, isStrict: boolean) {
    this.b = bytes
    this.buffer = asBuffer(bytes)
    this.redaction = redaction
    this.isStrict = isStrict
    this.isWary = redaction.hasPatterns || redaction.isKnownIn(bytes)
  }

  whole(): string {
    const start = skipSpace(this.b, 0)
    this.from = start
    const last = this.value(start, '', '', 1)
    if (this.out === '' && this.from === start) return this.buffer.toString('utf8', start, last)
    return this.out + this.buffer.toString('utf8', this.from, last)
  }

  /** `kind`: what it is by a name above it; `name`: of the nearest member. Index just after it. */
  private value(at: number, kind: string, name: string, depth: number): number {
    switch (this.b[at]) {
      case 0x7b:
        return this.object(at, kind, depth)
      case 0x5b:
        return this.array(at, kind, name, depth)
      case quote:
        return this.string(at, kind, name)
      case 0x74:
      case 0x66:
      case 0x6e:
        return passValue(this.b, at)
      default:
        return this.number(at, kind, name)
    }
  }

  private object(at: number, kind: string, depth: number): number {
    const { b } = this
    let i = skipSpace(b, at + 1)
    if (b[i] === closeBrace) return i + 1
    if (depth > deepest) return this.replace(at, passValue(b, at), '"[object]"')
    for (let count = 0; ; count += 1) {
      if (count === mostMembers || this.isFull(i)) return this.rest(i, closeBrace)
      const name = this.key(i)
      i = skipSpace(b, skipSpace(b, this.passed) + 1)
      i = skipSpace(b, this.value(i, kind === '' ? this.redaction.names.kindOf(name) : kind, name, depth + 1))
      if (b[i] === closeBrace) return i + 1
      i = skipSpace(b, i + 1)
    }
  }

  private array(at: number, kind: string, name: string, depth: number): number {
    const { b } = this
    let i = skipSpace(b, at + 1)
    if (b[i] === closeBracket) return i + 1
    if (depth > deepest) return this.replace(at, passValue(b, at), '"[array]"')
    for (let count = 0; ; count += 1) {
      if (count === mostMembers || this.isFull(i)) return this.rest(i, closeBracket)
      i = skipSpace(b, this.value(i, kind, name, depth + 1))
      if (b[i] === closeBracket) return i + 1
      i = skipSpace(b, i + 1)
    }
  }

  /** From the first member or element that is not shown: how many there are. Index just after the whole. */
  private rest(at: number, close: number): number {
    const { b } = this
    let count = 0
    for (let i = at; ; count += 1) {
      if (close === closeBrace) i = skipSpace(b, skipSpace(b, passValue(b, i)) + 1)
      i = skipSpace(b, passValue(b, i))
      if (b[i] === comma) {
        i = skipSpace(b, i + 1)
        continue
      }
      const more = `[${count + 1} more]`
      this.replace(at, i, close === closeBrace ? `"…":"${more}"` : `"… ${more}"`)
      return i + 1
    }
  }

  /** Where the key ends that was passed last. */
  private passed = 0

  /** The name at `at`, which is written as it is unless it says too much itself. */
  private key(at: number): string {
    const last = this.pass(at)
    this.passed = last
    const isLong = last - at - 2 > longestKey
    const name = isLong ? this.buffer.toString('latin1', last - 1 - longestKey, last - 1) : text(this.b, at, last)
    if (!isLong && !this.isSuspect) return name
    const whole = this.decoded(at, last)
    const said = this.isSuspect ? this.redaction.text(whole) : whole
    if (isLong) this.replace(at, last, JSON.stringify(`${cut(said, longestKey, 2 * longestKey)}…`))
    else if (said !== name) this.replace(at, last, JSON.stringify(said))
    return name
  }

  private string(at: number, kind: string, name: string): number {
    const last = this.pass(at)
    const length = last - at - 2
    if (length === 0) return last
    if (kind !== '') return this.replace(at, last, `"${redactionOf(kind)}"`)
    const room = this.room(at)
    if (!this.isSuspect && length <= mostText && (length <= room || this.fits())) return last
    const whole = this.decoded(at, last)
    const said = this.isSuspect ? this.clean(whole, name) : whole
    const shown = cut(said, mostText, this.fits() ? mostText * 6 : Math.max(room, 24))
    if (shown === said && this.readTo === last - 1) return said === whole ? last : this.replace(at, last, JSON.stringify(said))
    return this.replace(at, last, JSON.stringify(`${shown}…[${length} bytes]`))
  }

  private clean(whole: string, name: string): string {
    if (this.isNumbered) return this.redaction.numbered(whole)
    return isIdentifying(name) ? this.redaction.recognised(whole) : this.redaction.text(whole)
  }

  /** What is read of the text at `at`, without escapes. */
  private decoded(at: number, last: number): string {
    if (this.readTo === last - 1) return text(this.b, at, last)
    return JSON.parse(`${this.buffer.toString('utf8', at, this.readTo)}"`) as string
  }

  private number(at: number, kind: string, name: string): number {
    const last = passValue(this.b, at)
    const length = last - at
    // How many there are of something: `tokens: 1200`.
    if (kind !== '' && !/[^s]s$/i.test(name)) return this.replace(at, last, `"${redactionOf(kind)}"`)
    if (length > longestNumber) return this.replace(at, last, `"[number of ${length} characters]"`)
    if (length < 14 || length > 16 || !isCard(this.buffer.toString('latin1', at, last))) return last
    return this.replace(at, last, `"${redactionOf('payment_card')}"`)
  }

  /** Index just after the text that starts at `at`; notes whether something may stand in it. */
  private pass(at: number): number {
    const { b } = this
    let isSuspect = this.isWary
    let run = 0
    let isMixed = false
    let capitals = 0
    let digits = 0
    let i = at + 1
    /** Where it may be cut, not within a character or an escape. */
    let shownTo = 0
    this.readTo = 0
    for (let mark = i + mostTextBytes; ; i += 1) {
      if (i >= mark && ((b[i] as number) & 0xc0) !== 0x80) {
        if (shownTo !== 0) {
          this.readTo = i
          i = this.passRest(i)
          break
        }
        shownTo = i
        mark = at + 1 + mostRead
      }
      const kind = kinds[b[i] as number] as number
      if (kind <= digit && kind !== 0) {
        run += 1
        if (kind === digit) {
          digits += 1
          isMixed = true
        } else if (kind === capital) {
          capitals += 1
          if (capitals === leastCapitals) isMixed = true
        }
        if (run >= shortestRun && isMixed) isSuspect = true
        continue
      }
      if (kind === dash) {
        run += 1
        // An option of a command.
        if (b[i - 1] === 0x20 || b[i - 1] === quote) isSuspect = true
        continue
      }
      run = 0
      capitals = 0
      isMixed = false
      if (kind === 0) continue
      if (kind === end) break
      if (kind === escaping) {
        i += 1
        if (b[i] === 0x75) {
          isSuspect = true
          i += 4
        }
      } else if (kind === ofAddress) isSuspect = true
      else if (!isSuspect) {
        let j = i - 1
        while (besides[b[j] as number] === 1) j -= 1
        isSuspect = mayBeTelling(b, j)
      }
    }
    if (this.readTo === 0) this.readTo = i
    this.isNumbered = !isSuspect
    if (digits >= leastDigits) isSuspect = true
    this.isSuspect = isSuspect && (this.isWary || !this.isPlain(at + 1, i))
    if (!this.isSuspect && shownTo !== 0) this.readTo = shownTo
    return i + 1
  }

  /** Index of the quote that ends the text. */
  private passRest(from: number): number {
    const { b } = this
    let i = from
    while (b[i] !== quote) i += b[i] === backslash ? 2 : 1
    return i
  }

  /** A time or a UUID, which most arguments that look suspicious are. */
  private isPlain(start: number, last: number): boolean {
    const length = last - start
    if (length > 36 || length < 10 || (this.b[start + 4] !== 0x2d && this.b[start + 8] !== 0x2d)) return false
    return plain.test(this.buffer.toString('latin1', start, last))
  }

  /** Bytes that may still come. */
  private room(at: number): number {
    return mostRedactedBytes - reserve - this.written - (at - this.from)
  }

  /** All that is left can be copied as it is. */
  private fits(): boolean {
    return !this.isStrict && this.written + this.b.length - this.from <= mostRedactedBytes
  }

  private isFull(at: number): boolean {
    return this.room(at) < 0 && !this.fits()
  }

  private replace(start: number, last: number, word: string): number {
    this.out += this.buffer.toString('utf8', this.from, start) + word
    this.written += start - this.from + Buffer.byteLength(word)
    this.from = last
    return last
  }
}

const plain =
  /^(?:\d{4}-\d\d-\d\d(?:[T ][\d:.]{5,16}(?:Z|[+-]\d\d:?\d\d)?)?|[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}|[\dA-F]{8}-(?:[\dA-F]{4}-){3}[\dA-F]{12})$/

/** At most so many characters, and so many bytes as JSON. */
function cut(said: string, most: number, mostBytes: number): string {
  let shown = said.length > most ? said.slice(0, most) : said
  if (shown.length * 6 <= mostBytes) return shown
  while (shown.length > 0 && Buffer.byteLength(JSON.stringify(shown)) - 2 > mostBytes) {
    shown = shown.slice(0, Math.min(shown.length - 1, Math.floor(shown.length * 0.8)))
  }
  return shown
}
