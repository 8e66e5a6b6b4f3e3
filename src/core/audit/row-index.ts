// Rows of calls are mostly alike in what they are found by: who called what. That is read from a row once, and of each later one the numbers alone.
import type { Indexed, IndexRow, RowSums } from '../ports/audit-store.ts'
import type { auditKey } from './audit-key.ts'

/** What a row is found by, and what it adds up to. */
export interface FoundRow {
  /** The same object for rows that are found by the same. */
  readonly keys: readonly number[]
  /** Undefined of what counts nowhere. */
  readonly usage: RowUsage | undefined
}

export interface RowUsage {
  /** `runUsageKey`: what it is added to, as a text and one by one. */
  readonly place: string
  readonly key: readonly (string | number)[]
  readonly atMs: number
  /** `usageSums`. */
  readonly sums: readonly number[]
}

export type RowIndex = (line: string) => FoundRow

/**
 * `indexRow` says what a row is; what is made here of the text of a row is what it would say. Stands by itself, with no name from outside its
 * body: a thread is given its text.
 */
export function createRowIndex(indexRow: IndexRow, keyOf: typeof auditKey): RowIndex {
  const hourMs = 3_600_000
  /** Of texts that are kept, in characters. */
  const mostChars = 2_000_000
  const [quote, comma, backslash, open, close] = [0x22, 0x2c, 0x5c, 0x5b, 0x5d]

  interface Known {
    readonly who: string
    readonly what: string
    readonly keys: readonly number[]
    readonly place: string
    readonly key: readonly (string | number)[]
    readonly hour: number
  }
  /** By the text of who called in which run, then of what. */
  const known = new Map<string, Map<string, Known>>()
  let chars = 0

  const hourOf = (atMs: number): number => Math.floor(atMs / hourMs) * hourMs
  const keyOfSums = ({ run, tenant, issuer, subject, atMs, team, client, upstream, item, fault }: RowSums): (string | number)[] => [
    run,
    tenant,
    issuer,
    subject,
    hourOf(atMs),
    team,
    client,
    upstream,
    item,
    fault,
  ]
  const whole = ({ keys, sums }: Indexed): FoundRow => {
    const numbers = keys.map((text) => keyOf(text))
    if (sums === undefined) return { keys: numbers, usage: undefined }
    const { atMs, faults, denied, suspects, attempts, tokensSent, tokensGot, costNano, us, bytesIn, bytesOut } = sums
    const key = keyOfSums(sums)
    const added = [1, faults, denied, suspects, attempts, tokensSent, tokensGot, costNano, us, bytesIn, bytesOut]
    return { keys: numbers, usage: { place: key.join('\u0000'), key, atMs, sums: added } }
  }

  /** Index just after the text that begins at `at`; -1 where it does not end. */
  const pastText = (line: string, at: number): number => {
    for (let i = at + 1; ; ) {
      const end = line.indexOf('"', i)
      if (end < 0) return -1
      let before = end
      while (line.charCodeAt(before - 1) === backslash) before -= 1
      if ((end - before) % 2 === 0) return end + 1
      i = end + 1
    }
  }
  /** Index just after the value at `at`, which what follows it says no more of; -1 where it does not end. */
  const past = (line: string, at: number): number => {
    let depth = 0
    for (let i = at; i < line.length; ) {
      const c = line.charCodeAt(i)
      if (c === quote) {
        i = pastText(line, i)
        if (i < 0) return -1
        if (depth === 0) return i
        continue
      }
      if (c === open || c === 0x7b) depth += 1
      else if (c === close || c === 0x7d) {
        // The end of the row.
        if (depth === 0) return i
        depth -= 1
        if (depth === 0) return i + 1
      } else if (c === comma && depth === 0) return i
      i += 1
    }
    return -1
  }
  /** A text of its own, which keeps no other alive. */
  const own = (text: string): string => Buffer.from(text).toString()

  /** Where the walk is: at the member that is read next. */
  let at = 0
  /** Passes the member there, and the comma after it. */
  const pass = (line: string): boolean => {
    const end = past(line, at)
    if (end < 0 || line.charCodeAt(end) !== comma) return false
    at = end + 1
    return true
  }
  const passAll = (line: string, count: number): boolean => {
    for (let n = 0; n < count; n += 1) if (!pass(line)) return false
    return true
  }
  const isNull = (line: string): boolean => {
    if (!line.startsWith('null,', at)) return false
    at += 5
    return true
  }
  /** The number there; NaN where there is none. A plain whole one without the way through a text. */
  const number = (line: string): number => {
    let value = 0
    let i = at
    for (; i < at + 15; i += 1) {
      const digit = line.charCodeAt(i) - 0x30
      if (!(digit >= 0 && digit <= 9)) break
      value = value * 10 + digit
    }
    const c = line.charCodeAt(i)
    if (i > at && (c === comma || c === close)) {
      at = i + 1
      return value
    }
    const end = past(line, at)
    const text = line.slice(at, end)
    at = end + 1
    return end < 0 || !/^-?\d/.test(text) ? Number.NaN : Number(text)
  }

  /** Of a call that went as most do; undefined of every other row, and of what is not written as a row of today is. */
  const quick = (line: string): FoundRow | undefined => {
    if (!line.startsWith('[1,"call",')) return undefined
    at = 10
    const atMs = number(line)
    // A call is found by the time in its id, and by its id where that has none.
    const isTimed = line.charCodeAt(at) === quote && line.charCodeAt(at + 15) === 0x37 && line.startsWith('",', at + 37)
    if (!isTimed || !Number.isSafeInteger(atMs) || line.charCodeAt(at + 36) === backslash) return undefined
    at += 39
    // Callers that are alike follow each other.
    const fromWho = at
    const isLastWho = line.startsWith(last.who, at)
    if (isLastWho) at += last.who.length
    else if (!passAll(line, 3)) return undefined
    const toWho = at
    if (!pass(line)) return undefined
    // What was called, and whether that was allowed.
    const fromWhat = at
    const isLastWhat = isLastWho && line.startsWith(last.what, at)
    if (isLastWhat) at += last.what.length
    else if (!passAll(line, 2)) return undefined
    const toWhat = at
    if (!passAll(line, 3)) return undefined
    const faults = line.startsWith('"tool_error",', at) ? 1 : 0
    if (!pass(line) || !isNull(line) || !passAll(line, 2)) return undefined
    let bytesOut = 0
    if (!isNull(line)) {
      if (line.charCodeAt(at) !== open) return undefined
      const end = past(line, at)
      at += 1
      bytesOut = number(line)
      if (end < 0 || line.charCodeAt(end) !== comma) return undefined
      at = end + 1
    }
    let [sent, got, cost] = [0, 0, 0]
    if (!isNull(line)) {
      if (line.charCodeAt(at) !== open) return undefined
      at += 1
      sent = number(line)
      got = number(line)
      cost = number(line)
      if (line.charCodeAt(at - 1) !== close || line.charCodeAt(at) !== comma) return undefined
      at += 1
    }
    const attempts = number(line)
    if (!pass(line)) return undefined
    const ms = number(line)
    // The wait of its user, phases, events, what was found; no suspicion, nothing masked; what was coerced.
    if (!passAll(line, 4) || !isNull(line) || !isNull(line) || !pass(line)) return undefined
    const bytesIn = number(line)
    if (past(line, at) !== line.length - 1 || line.charCodeAt(line.length - 1) !== close) return undefined
    const us = Math.round(ms * 1_000)
    const costNano = Math.round(cost * 1e9)
    // NaN where a number was none.
    if (!Number.isFinite(attempts + bytesOut + sent + got + costNano + us + bytesIn)) return undefined

    const hour = hourOf(atMs)
    if (!isLastWhat || last.hour !== hour) {
      const found = knownOf(line, line.slice(fromWho, toWho), line.slice(fromWhat, toWhat), hour)
      if (found === undefined) return undefined
      last = found
    }
    const { keys, place, key } = last
    const denied = line.startsWith('0,', toWhat - 2) ? 1 : 0
    const [tokensSent, tokensGot] = [Math.round(sent), Math.round(got)]
    const sums = [
      1,
      faults,
      denied,
      0,
      Math.round(attempts),
      tokensSent,
      tokensGot,
      costNano,
      us,
      Math.round(bytesIn),
      Math.round(bytesOut),
    ]
    return { keys, usage: { place, key, atMs, sums } }
  }

  const noneYet: Known = { keys: [], who: ' ', what: ' ', place: '', key: [], hour: 0 }
  let last = noneYet

  const knownOf = (line: string, who: string, what: string, hour: number): Known | undefined => {
    const there = known.get(who)?.get(what)
    if (there?.hour === hour) return there
    const { keys, usage } = whole(indexRow(line))
    if (usage === undefined) return undefined
    const made = { keys, who: own(who), what: own(what), place: usage.place, key: usage.key, hour }
    if (chars > mostChars) {
      known.clear()
      chars = 0
    }
    let ofWho = known.get(made.who)
    if (ofWho === undefined) {
      ofWho = new Map()
      known.set(made.who, ofWho)
      chars += who.length + 100
    }
    ofWho.set(made.what, made)
    chars += what.length + usage.place.length + 400
    return made
  }

  return (line) => quick(line) ?? whole(indexRow(line))
}
