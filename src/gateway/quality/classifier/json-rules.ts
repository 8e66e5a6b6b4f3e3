// What JSON says without any history: that it is nothing but an error, or that nothing is in it.
import { asBuffer } from '../../../core/protocol/scan.ts'
import { excerptOf } from './excerpt.ts'
import type { JsonScan } from './json-scan.ts'
import { type } from './json-tokens.ts'
import {
  countNames,
  dataName,
  envelopeNames,
  errorNames,
  errorsName,
  flagNames,
  looseHash,
  mayTrigger,
  messageNames,
  metaNames,
  statusNames,
} from './names.ts'

export interface Found {
  readonly rule: string
  readonly weak: boolean
  readonly excerpt: string | undefined
}

/** An error is small, and has few members. */
const mostBytes = 16_384
const mostMembers = 14

/** Whether the root object is an error and nothing else: with other members it is data that tells of one, as a line of a log does. */
export function errorEnvelope(b: Uint8Array, scan: JsonScan, args: Uint8Array | undefined): Found | undefined {
  const { members } = scan
  if (scan.root !== type.object || scan.count === 0 || scan.count > mostMembers) return undefined
  if (scan.count === 1) {
    const found = onlyMessage(b, scan, args)
    if (found !== undefined) return found
  }
  if ((members.end[members.count - 1] as number) - (members.start[0] as number) > mostBytes || !triggers(b, scan)) return undefined
  let error = -1
  let errors = -1
  let failed = false
  let status = -1
  let message = -1
  let data = -1
  /** Members that are none of an error, but were asked with. */
  let asked = 0
  for (let at = 0; at < members.count; at += 1) {
    if (isNothing(b, scan, at)) {
      if (flagNames.has(nameOf(b, scan, at)) && members.type[at] === type.boolean) failed = true
      continue
    }
    const name = nameOf(b, scan, at)
    if (errorNames.has(name)) {
      // What is said of it counts for more than its code.
      if (error < 0 || members.type[error] !== type.object) error = at
    } else if (errorsName.has(name)) errors = at
    else if (statusNames.has(name) && isBadStatus(b, scan, at)) status = at
    else if (messageNames.has(name)) message = message < 0 || members.type[message] !== type.string ? at : message
    else if (dataName.has(name) && errors < 0) data = at
    else if (dataName.has(name)) data = at
    else if (!envelopeNames.has(name)) {
      if (!wasAsked(b, scan, at, args)) return undefined
      asked += 1
    }
  }
  const found = ofErrors(b, scan, errors, data, error, args)
  if (found !== undefined || data >= 0) return found
  if (error >= 0 && asked === 0) {
    if (isTrueOnly(b, scan, error) && message < 0) return undefined
    return said(b, scan, isTrueOnly(b, scan, error) ? message : error, 'error_member', false, args)
  }
  if (message < 0 || members.type[message] === type.array) return undefined
  if (error >= 0) return said(b, scan, error, 'error_member', false, args)
  if (failed) return said(b, scan, message, 'not_successful', false, args)
  return status < 0 ? undefined : said(b, scan, message, 'error_status', false, args)
}

const failed =
  /^"(?:internal (?:server )?error|service (?:temporarily )?unavailable|bad gateway|gateway time-?out|endpoint request timed out|(?:the )?(?:request|operation) timed out|too many requests|something went wrong|upstream request timeout|an? (?:unexpected |internal )?error (?:has )?occurred)\b/i

/** What gateways and frameworks answer with where they fail: one message. */
function onlyMessage(b: Uint8Array, scan: JsonScan, args: Uint8Array | undefined): Found | undefined {
  const { members } = scan
  if (members.type[0] !== type.string || !messageNames.has(nameOf(b, scan, 0))) return undefined
  const start = members.start[0] as number
  const isFailure = failed.test(asBuffer(b).toString('latin1', start, Math.min(members.end[0] as number, start + 60)))
  return isFailure ? said(b, scan, 0, 'error_message', false, args) : undefined
}

function ofErrors(
  b: Uint8Array,
  scan: JsonScan,
  errors: number,
  data: number,
  error: number,
  args: Uint8Array | undefined,
): Found | undefined {
  const { members } = scan
  if (errors < 0) return undefined
  const start = members.start[errors] as number
  const isList = members.type[errors] === type.array
  const slice = asBuffer(b).toString('utf8', start, Math.min(members.end[errors] as number, start + 400))
  const tells = /^\[\s*\{[^{}[\]]{0,300}"message"\s*:/.test(slice)
  if (data >= 0 || scan.members.count > 1) {
    // GraphQL 16: `errors` beside `data`, which may be null.
    for (let at = 0; at < members.count; at += 1) {
      if (dataName.has(nameOf(b, scan, at)) && isList && tells) return said(b, scan, errors, 'graphql_errors', false, args)
    }
    if (data >= 0) return undefined
  }
  // Linters and validators report what they found so.
  return error >= 0 ? undefined : said(b, scan, errors, 'errors_member', true, args)
}

function said(b: Uint8Array, scan: JsonScan, at: number, rule: string, weak: boolean, args: Uint8Array | undefined): Found | undefined {
  const { members } = scan
  const start = members.start[at] as number
  const raw = asBuffer(b).toString('utf8', start, Math.min(members.end[at] as number, start + 600))
  const words = wordsIn(raw)
  // The caller gave it: the answer is about it.
  if (words.length > 3 && args !== undefined && asBuffer(args).includes(JSON.stringify(words).slice(1, -1))) return undefined
  return { rule, weak, excerpt: excerptOf(words) }
}

const miss =
  /^(?:[\w '"#:@./-]{1,80} )?(?:(?:was|is|were|could) )?not (?:be )?found[.!]?$|^(?:found )?no (?:results?|match(?:es)?|records?|rows?|items?|entries)(?: (?:were )?found)?[.!]?$/i
/** What is lacking is none of what was asked for. */
const plumbing =
  /\b(?:page|route|path|url|endpoint|method|tool|command|host|server|service|database|schema|table|relation|column|function|module|package|class|driver|key|token|session|tenant|resource)\b/i

/** An error that only says that there is none of what was asked for, as some tools say it. */
export function isMiss({ rule, excerpt = '' }: Found): boolean {
  if (rule !== 'error_member' && rule !== 'not_successful') return false
  return miss.test(excerpt) && !plumbing.test(excerpt)
}

const told = /"(?:message|msg|detail|description|error_description|reason|errorMessage|error|title)"\s*:\s*"((?:[^"\\]|\\.){1,300})/i

/** What a member says: a text, or the first words of an object. */
function wordsIn(raw: string): string {
  const within = raw.startsWith('"') ? raw.slice(1, raw.endsWith('"') && raw.length > 1 ? -1 : undefined) : (told.exec(raw)?.[1] ?? raw)
  return within.includes('\\') ? within.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/g, unescaped) : within
}

function unescaped(_: string, unit: string | undefined, other: string | undefined): string {
  if (unit !== undefined) return String.fromCharCode(Number.parseInt(unit, 16))
  return other === 'n' || other === 't' || other === 'r' ? ' ' : (other ?? '')
}

function triggers(b: Uint8Array, { members }: JsonScan): boolean {
  for (let at = 0; at < members.count; at += 1) {
    const keyAt = members.keyAt[at] as number
    if (mayTrigger[b[keyAt] as number] === 0) continue
    const name = looseHash(b, keyAt, members.keyEnd[at] as number)
    if (errorNames.has(name) || errorsName.has(name) || flagNames.has(name) || statusNames.has(name)) return true
  }
  return false
}

function nameOf(b: Uint8Array, { members }: JsonScan, at: number): number {
  return looseHash(b, members.keyAt[at] as number, members.keyEnd[at] as number)
}

/** Null, false, 0, and what has no characters or members. */
function isNothing(b: Uint8Array, { members }: JsonScan, at: number): boolean {
  const start = members.start[at] as number
  const size = (members.end[at] as number) - start
  switch (members.type[at]) {
    case type.null:
      return true
    case type.boolean:
      return size === 5
    case type.integer:
      return size === 1 && b[start] === 0x30
    case type.string:
      return size === 2
    default:
      return isVoid(b, start, members.end[at] as number)
  }
}

/** `[]`, `{}`, `[ ]` */
function isVoid(b: Uint8Array, start: number, end: number): boolean {
  for (let i = start + 1; i < end - 1; i += 1) if ((b[i] as number) > 0x20) return false
  return true
}

function isTrueOnly(b: Uint8Array, { members }: JsonScan, at: number): boolean {
  return members.type[at] === type.boolean || (members.type[at] === type.integer && b[members.start[at] as number] === 0x31)
}

/** 400 and above, codes of JSON-RPC, or in words. */
function isBadStatus(b: Uint8Array, { members }: JsonScan, at: number): boolean {
  const raw = asBuffer(b).toString('latin1', members.start[at], Math.min(members.end[at] as number, (members.start[at] as number) + 24))
  return /^(?:"?[45]\d\d"?$|-32\d{3}$|"(?:error|err|fail|failed|failure|exception|fatal|internal)"$)/i.test(raw)
}

/** A member that stood in the arguments, with its value. */
function wasAsked(b: Uint8Array, { members }: JsonScan, at: number, args: Uint8Array | undefined): boolean {
  if (args === undefined || members.type[at] === type.object || members.type[at] === type.array) return false
  const begin = (members.keyAt[at] as number) - 1
  const size = (members.end[at] as number) - begin
  return size <= 300 && asBuffer(args).includes(asBuffer(b).subarray(begin, members.end[at]))
}

const quote = 0x22

const data = 0
/** Tells only of the answer. */
const neutral = 1
const empty = 2

/** So many values are looked at; what has more is not empty. */
const mostValues = 120
const deepest = 8

/** Whether nothing is in a whole value: it is empty, or all its members are, but for what tells only of the answer. */
export function isEmptyJson(b: Uint8Array, scan: JsonScan, from: number, args: Uint8Array | undefined): boolean {
  if (!scan.hasVoid) return scan.root === type.null
  if (scan.root === type.null) return true
  if (scan.root !== type.object && scan.root !== type.array) return false
  const emptiness = new Emptiness(b, args)
  return emptiness.of(from, 0) === empty && (!emptiness.hasZero || emptiness.hasBlank)
}

class Emptiness {
  private readonly b: Uint8Array
  private readonly args: Uint8Array | undefined
  /** Zeros and `false`, which are values, and texts without a character: where all texts are blank, zeros are none either. */
  hasZero = false
  hasBlank = false
  private at = 0
  private values = 0

  constructor(b: Uint8Array, args: Uint8Array | undefined) {
    this.b = b
    this.args = args
  }

  /** Of an object or a list; leaves `at` just after it, unless it is data. */
  of(from: number, depth: number): number {
    const { b } = this
    if (depth > deepest) return data
    const isObject = b[from] === 0x7b
    let i = this.space(from + 1)
    const close = isObject ? 0x7d : 0x5d
    if (b[i] === close) {
      this.at = i + 1
      return empty
    }
    let all = neutral
    for (let count = 0; ; count += 1) {
      this.values += 1
      if (this.values > mostValues || (!isObject && count > 0)) return data
      let keyAt = 0
      let keyEnd = 0
      if (isObject) {
        keyAt = i + 1
        keyEnd = this.stringEnd(i) - 1
        i = this.space(this.space(keyEnd + 1) + 1)
      }
      const one = this.member(i, keyAt, keyEnd, depth)
      // A list of one thing in which nothing is has nothing in it, as `[[]]`; one that has only what tells of the answer is a row.
      if (one === data || (!isObject && one === neutral)) return data
      if (one === empty) all = empty
      i = this.space(this.at)
      if (b[i] === close) {
        this.at = i + 1
        return all
      }
      i = this.space(i + 1)
    }
  }

  private member(i: number, keyAt: number, keyEnd: number, depth: number): number {
    const { b } = this
    const c = b[i]
    const name = keyEnd === 0 ? 0 : looseHash(b, keyAt, keyEnd)
    if (c === 0x7b || c === 0x5b) {
      const inner = this.of(i, depth + 1)
      if (inner !== data) return inner === empty && metaNames.has(name) ? neutral : inner
      if (!metaNames.has(name) || errorNames.has(name) || errorsName.has(name)) return data
      return this.pass(i) ? neutral : data
    }
    const end = c === quote ? this.stringEnd(i) : this.scalarEnd(i)
    this.at = end
    const isZero = (c === 0x30 && end === i + 1) || (c === 0x66 && end === i + 5)
    const isBlank = c === quote && end - i === 2
    if (countNames.has(name)) {
      if (c === 0x66 && isZero) this.hasBlank = true
      return c === 0x6e || isZero ? empty : this.scalarOf(i, end, name)
    }
    if (c === 0x6e || isBlank) {
      if (metaNames.has(name)) return neutral
      if (isBlank) this.hasBlank = true
      return empty
    }
    const found = this.scalarOf(i, end, name)
    // What a command or a request ended with is what it says.
    if (found !== data || !isZero || envelopeNames.has(name)) return found
    this.hasZero = true
    return neutral
  }

  private scalarOf(i: number, end: number, name: number): number {
    const { b, args } = this
    if (statusNames.has(name)) return isGoodStatus(asBuffer(b).toString('latin1', i, Math.min(end, i + 16))) ? neutral : data
    if (metaNames.has(name)) return neutral
    if (args === undefined || b[i] !== quote || end - i > 200) return data
    // What was asked for and is given back.
    return end - i > 4 && asBuffer(args).includes(asBuffer(b).subarray(i, end)) ? neutral : data
  }

  /** Passes a value of what only tells of the answer. */
  private pass(from: number): boolean {
    const { b } = this
    let depth = 0
    for (let i = from; i < b.length && i - from < mostBytes; i += 1) {
      const c = b[i]
      if (c === quote) i = this.stringEnd(i) - 1
      else if (c === 0x7b || c === 0x5b) depth += 1
      else if (c === 0x7d || c === 0x5d) {
        depth -= 1
        if (depth === 0) {
          this.at = i + 1
          return true
        }
      }
    }
    return false
  }

  private space(from: number): number {
    let i = from
    while ((this.b[i] as number) <= 0x20) i += 1
    return i
  }

  private stringEnd(from: number): number {
    const { b } = this
    let i = from + 1
    while (i < b.length && b[i] !== quote) i += b[i] === 0x5c ? 2 : 1
    return i + 1
  }

  private scalarEnd(from: number): number {
    const { b } = this
    let i = from
    while (i < b.length && b[i] !== 0x2c && b[i] !== 0x7d && b[i] !== 0x5d && (b[i] as number) > 0x20) i += 1
    return i
  }
}

function isGoodStatus(raw: string): boolean {
  return /^(?:"?2\d\d"?|0|"(?:ok|success|succeeded|successful|done|completed?|empty|no_results)")$/i.test(raw)
}
