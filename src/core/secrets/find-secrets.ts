// Where secrets stand in JSON bytes, found without parsing: one pass that stops at bytes with which a secret may begin, or beside which one may
// stand, and reads from there. What is found lies within one string of the JSON, at whatever depth of JSON within texts, and never cuts an escape.
import { asBuffer } from '../protocol/scan.ts'
import { isEnvironmental, isTelling, mayBeTelling, threeTo } from './secret-names.ts'
import { isRandom, looksSecret } from './secret-values.ts'
import { type Form, forms, type MaskRule } from './token-forms.ts'

export interface Found {
  readonly start: number
  readonly end: number
  readonly rule: MaskRule
}

const quote = 0x22
const backslash = 0x5c
const colon = 0x3a
const equals = 0x3d
const dash = 0x2d

/** 1: the pass stops there. */
const stops = new Uint8Array(256)
/** The forms by the last three bytes of their beginning, and 1 where there are some. */
const formsAt = new Map<number, Form[]>()
const isMet = new Uint8Array(32_768)
for (const form of forms) {
  const last = form.prefix.charCodeAt(form.prefix.length - 1)
  const end = threeTo(Buffer.from(form.prefix), form.prefix.length - 1)
  formsAt.set(end, [...(formsAt.get(end) ?? []), form])
  isMet[end] = 1
  stops[last] = 1
}
for (const byte of ':=@~.-Bb') stops[byte.charCodeAt(0)] = 1

/** 1: may stand between a name and what separates it from its value. */
const besideNames = new Uint8Array(256)
for (const byte of ` "'\\`) besideNames[byte.charCodeAt(0)] = 1

/** 1: of words and tokens. */
const wordly = new Uint8Array(256)
for (let c = 0; c < 128; c += 1) if (/[A-Za-z0-9_-]/.test(String.fromCharCode(c))) wordly[c] = 1

const longestName = 64
const longestValue = 512
const longestJwt = 16_384

const at = (b: Uint8Array, i: number): number => b[i] as number

export function findSecrets(bytes: Uint8Array): readonly Found[] {
  const { length } = bytes
  let search: Search | undefined
  for (let i = 0; i < length; i += 1) {
    const c = bytes[i] as number
    if (stops[c] === 0) continue
    // Most stops are of the JSON itself: `":` behind a name that says nothing.
    if (c === colon || c === equals) {
      let j = i - 1
      while (besideNames[bytes[j] as number] === 1) j -= 1
      if (!mayBeTelling(bytes, j)) continue
      search ??= new Search(bytes)
      i = search.named(i, j + 1)
    } else if (c === 0x42 || c === 0x62) {
      if (bytes[i + 1] !== 0x65 || bytes[i + 2] !== 0x61 || bytes[i + 3] !== 0x72 || bytes[i + 4] !== 0x65 || bytes[i + 5] !== 0x72)
        continue
      search ??= new Search(bytes)
      i = search.bearer(i)
    } else if (c === 0x40) {
      search ??= new Search(bytes)
      i = search.passwordBefore(i)
    } else if (c === 0x7e) {
      if (bytes[i - 1] !== 0x51 || bytes[i - 2] !== 0x38) continue
      search ??= new Search(bytes)
      i = search.azureSecret(i)
    } else {
      if (c === dash) {
        if (bytes[i + 1] === dash && bytes[i - 1] !== dash && bytes[i + 5] === 0x42) {
          search ??= new Search(bytes)
          i = search.privateKey(i)
          continue
        }
      } else if (c === 0x2e && bytes[i + 1] === 0x65 && bytes[i + 2] === 0x79 && bytes[i + 3] === 0x4a) {
        search ??= new Search(bytes)
        i = search.jwt(i)
        continue
      }
      if (i < 2) continue
      const end = threeTo(bytes, i)
      if (isMet[end] === 0) continue
      search ??= new Search(bytes)
      i = search.form(i, formsAt.get(end) ?? [])
    }
  }
  return search?.found ?? none
}

const none: readonly Found[] = []

/** Each look gives the index at which the pass goes on, which is never before the one that it was made at. */
class Search {
  readonly found: Found[] = []
  private readonly b: Uint8Array
  private readonly text: Buffer
  /** Behind what was found, or read in vain: nothing begins before it. */
  private done = 0
  /** Of the run of characters that was last read in vain as a value. */
  private vain = 0

  constructor(bytes: Uint8Array) {
    this.b = bytes
    this.text = asBuffer(bytes)
  }

  private take(start: number, end: number, rule: MaskRule): number {
    this.found.push({ start, end, rule })
    this.done = end
    return end - 1
  }

  private latin(start: number, end: number): string {
    return this.text.toString('latin1', start, end)
  }

  /** A word goes on to the left; the letter of an escape is none. */
  private isInWord(start: number): boolean {
    const { b } = this
    if (start === 0 || wordly[at(b, start - 1)] === 0) return false
    if (b[start - 2] === backslash) return false
    return !(b[start - 6] === backslash && b[start - 5] === 0x75)
  }

  form(i: number, those: readonly Form[]): number {
    for (const { prefix, body, most, rule } of those) {
      const start = i - prefix.length + 1
      if (start < this.done || !this.begins(start, prefix) || this.isInWord(start)) continue
      const found = body.exec(this.latin(i + 1, i + 2 + most))
      if (found === null || !isRandom(found[0])) continue
      return this.take(start, i + 1 + found[0].length, rule)
    }
    return i
  }

  private begins(start: number, prefix: string): boolean {
    if (start < 0) return false
    for (let k = 0; k < prefix.length; k += 1) if (this.b[start + k] !== prefix.charCodeAt(k)) return false
    return true
  }

  /** The form that a value begins with names it better than its name does. */
  private ruleOf(start: number, end: number): MaskRule | undefined {
    const value = this.latin(start, end)
    if (/^eyJ[\w-]{8,}\.eyJ/.test(value)) return 'jwt'
    if (azure.test(value)) return 'azure_secret'
    if (!isRandom(value)) return undefined
    return forms.find(({ prefix, body }) => value.startsWith(prefix) && body.test(value.slice(prefix.length)))?.rule
  }

  /** `.eyJ`: the second part of a JWT. */
  jwt(i: number): number {
    const { b } = this
    let start = i
    while (start > this.done && wordly[at(b, start - 1)] === 1 && i - start < longestJwt) start -= 1
    if (b[start - 1] === backslash && start < i) start += 1
    const header = b[start] === 0x65 && b[start + 1] === 0x79 && b[start + 2] === 0x4a
    if (!header || i - start < 12) return i
    let end = i + 1
    const limit = Math.min(b.length, i + longestJwt)
    while (end < limit && wordly[at(b, end)] === 1) end += 1
    const payload = end
    if (b[end] !== 0x2e || end - i < 12) return i
    end += 1
    while (end < limit && wordly[at(b, end)] === 1) end += 1
    // The token that documentation of the format shows everywhere: {"sub":"1234567890", …
    if (end - payload < 20 || this.latin(i, i + 40).startsWith('.eyJzdWIiOiIxMjM0NTY3ODkw')) return i
    return this.take(start, end, 'jwt')
  }

  bearer(i: number): number {
    const { b } = this
    let start = i + 6
    if (b[start] !== 0x20 || i < this.done || this.isInWord(i)) return i
    while (b[start] === 0x20) start += 1
    const end = this.runEnd(start, tokenly)
    if (end - start < 16) return i
    const value = this.latin(start, end)
    if (!looksSecret(value, 'text', 16) && this.ruleOf(start, end) === undefined) return i
    return this.take(start, end, this.ruleOf(start, end) ?? 'bearer_token')
  }

  /** `8Q~`: secrets of applications in Entra ID have it as their fourth to sixth characters. */
  azureSecret(i: number): number {
    const start = i - 5
    if (start < this.done || this.isInWord(start)) return i
    const found = azure.exec(this.latin(start, start + 41))
    return found === null || !isRandom(found[0]) ? i : this.take(start, start + found[0].length, 'azure_secret')
  }

  /** What stands between `-----BEGIN … PRIVATE KEY-----` and its end, or the end of the string. */
  privateKey(i: number): number {
    const head = /^-----BEGIN (?:[A-Z0-9]{2,12} ){0,2}PRIVATE KEY(?: BLOCK)?-----/.exec(this.latin(i, i + 72))
    if (head === null) return i
    const { b } = this
    const start = i + head[0].length
    let end = start
    let dashes = 0
    for (; end < b.length && b[end] !== quote; end += 1) {
      if (b[end] === backslash) {
        const before = end
        while (b[end + 1] === backslash) end += 1
        // The end of a string within a text.
        if (b[end + 1] === quote) {
          end = before
          break
        }
        end += 1
        dashes = 0
      } else if (b[end] === dash) {
        dashes += 1
        if (dashes === 5) break
      } else dashes = 0
    }
    if (b[end] === dash) end -= 4
    end = Math.min(end, b.length)
    // A mention of the line without a key.
    const body = this.latin(start, Math.min(end, start + 4_096)).replace(/\\+[nrt]|\s/g, '')
    if (!/^[A-Za-z0-9+/=:,.()-]{64}/.test(body)) return i
    return this.take(start, end, 'private_key')
  }

  /** `://user:password@`. */
  passwordBefore(i: number): number {
    const { b } = this
    const least = Math.max(this.done, i - 256)
    let start = i
    while (start > least && isOfUserinfo(at(b, start - 1)) && b[start - 1] !== colon) start -= 1
    if (b[start - 1] !== colon || i - start < 4) return i
    let user = start - 1
    while (user > least && isOfUserinfo(at(b, user - 1)) && b[user - 1] !== colon) user -= 1
    if (b[user - 1] !== 0x2f || b[user - 2] !== 0x2f || b[user - 3] !== colon || !isOfHost(at(b, i + 1))) return i
    const value = this.latin(start, i)
    const isLong = value.length >= 10 && !/pass|secret|user|example|your|change|placeholder|[<>{}$*]|x{4}/i.test(value)
    if (!isLong && !looksSecret(value, 'value', 5)) return i
    return this.take(start, i, 'url_password')
  }

  /** `name: value`, `name=value`, `"name": "value"`; `nameEnd` is just behind the name. */
  named(i: number, nameEnd: number): number {
    const { b } = this
    let from = nameEnd
    while (from > 0 && nameEnd - from < longestName && (wordly[at(b, from - 1)] === 1 || b[from - 1] === 0x2e)) from -= 1
    // The letter of an escape.
    if (b[from - 1] === backslash && from < nameEnd) from += 1
    const name = this.latin(from, nameEnd)
    if (!isTelling(name) || this.isOfResource(i, from)) return i
    const isQuotedName = nameEnd < i && b[nameEnd] !== 0x20
    let start = i + 1
    while (b[start] === 0x20) start += 1
    // `==`, `=>`, `:=` and the like compare, or make expressions.
    if (b[start] === equals && b[i] === colon && !isQuotedName) while (b[start] === equals || b[start] === 0x20) start += 1
    let slashes = 0
    while (b[start + slashes] === backslash && slashes < 16) slashes += 1
    const opening = at(b, start + slashes)
    if (opening === quote) {
      // A quote by itself, where no name stood between quotes, is the end of the string that both stand in.
      if (slashes === 0 && !(isQuotedName && b[nameEnd] === quote)) return i
      return this.quoted(i, start + slashes + 1, slashes, name)
    }
    if (slashes > 0) return i
    if (opening === 0x27 || opening === 0x60) return this.unquoted(i, start + 1, name, 'value')
    // A member whose value is no string.
    if (isQuotedName && b[nameEnd] === quote) return i
    const isVariable = b[i] === equals && start === i + 1 && isEnvironmental(name)
    return this.unquoted(i, start, name, isVariable ? 'value' : 'text')
  }

  /** `arn:…:secret:` and the like say where a secret is. */
  private isOfResource(i: number, from: number): boolean {
    const { b } = this
    return b[i] === colon && b[from - 1] === colon && /(?:^|\W)[au]rn:[\w:/.-]*$/.test(this.latin(Math.max(0, from - 96), from))
  }

  /** Up to the quote that has as many backslashes as the one that opened it, whatever JSON within JSON it is. */
  private quoted(i: number, start: number, slashes: number, name: string): number {
    const { b } = this
    if (start < this.vain) return i
    const limit = Math.min(b.length, start + 2 * longestValue)
    let run = 0
    let end = start
    for (; end < limit; end += 1) {
      const c = at(b, end)
      if (c === backslash) run += 1
      else if (c === quote && (run < slashes || (run - slashes) % (2 * (slashes + 1)) === 0)) break
      else if (c <= 0x20 && !isHeader(this.latin(start, end))) {
        this.vain = end
        return i
      } else run = 0
    }
    if (end === limit) {
      this.vain = end
      return i
    }
    return this.judge(i, start, end - Math.min(run, slashes), name, 'value')
  }

  private unquoted(i: number, from: number, name: string, writing: 'value' | 'text'): number {
    const { b } = this
    let start = from
    // The scheme of a header.
    const scheme = /^(?:bearer|basic|token) /i.exec(this.latin(start, start + 8))
    if (scheme !== null) start += scheme[0].length
    if (start < this.vain) return i
    const strict = this.runEnd(start, valuely)
    const end = writing === 'value' ? this.runEnd(start, variably) : strict
    // A call, an index, a template: code.
    if (writing === 'text' && isOfCode(at(b, end))) {
      this.vain = strict
      return i
    }
    return this.judge(i, start, end, name, writing)
  }

  private judge(i: number, from: number, end: number, name: string, writing: 'value' | 'text'): number {
    let start = from
    const scheme = isHeader(this.latin(start, Math.min(end, start + 8)))
    if (scheme !== undefined) start += scheme
    const { b } = this
    const rule = this.ruleOf(start, end)
    // Passwords are shorter than what machines make; addresses have short tokens that open nothing.
    const isOfAddress = b[i] === equals && (b[i - name.length - 1] === 0x3f || b[i - name.length - 1] === 0x26)
    const least = /pass|pwd/i.test(name) ? 6 : isOfAddress ? 16 : 8
    const value = this.latin(start, end).replaceAll('\\', '')
    if (rule === undefined && !looksSecret(value, isOfAddress ? 'value' : writing, least)) {
      this.vain = Math.max(this.vain, this.runEnd(start, valuely))
      return i
    }
    if (start < this.done || end <= start) return i
    return this.take(start, end, rule ?? 'named_secret')
  }

  private runEnd(start: number, of: Uint8Array): number {
    const { b } = this
    const limit = Math.min(b.length, start + longestValue)
    let end = start
    while (end < limit && of[at(b, end)] === 1) end += 1
    return end
  }
}

const azure = /^[A-Za-z0-9_~.-]{3}8Q~[A-Za-z0-9_~.-]{34}(?![A-Za-z0-9_~.-])/

/** Length of the scheme that a value of `Authorization` begins with. */
function isHeader(value: string): number | undefined {
  return /^(?:bearer|basic|token) ?/i.exec(value)?.[0].length
}

function tableOf(pattern: RegExp): Uint8Array {
  const table = new Uint8Array(256)
  for (let c = 0x21; c < 0x7f; c += 1) if (pattern.test(String.fromCharCode(c))) table[c] = 1
  return table
}

const tokenly = tableOf(/[A-Za-z0-9_.~+/=-]/)
/** Of a value in a text. */
const valuely = tableOf(/[^\s"'`\\,;&()[\]{}<>|]/)
/** Of a variable of the environment, which ends with its line. */
const variably = tableOf(/[^\s"'`\\]/)

function isOfUserinfo(c: number): boolean {
  return c > 0x20 && c < 0x7f && c !== quote && c !== backslash && c !== 0x2f && c !== 0x40 && c !== 0x27 && c !== 0x3c && c !== 0x3e
}

function isOfHost(c: number): boolean {
  return (c >= 0x30 && c <= 0x39) || (c >= 0x41 && c <= 0x5a) || (c >= 0x61 && c <= 0x7a) || c === 0x5b
}

function isOfCode(c: number): boolean {
  return c === 0x28 || c === 0x5b || c === 0x7b || c === 0x3c || c === 0x60
}
