// Where one token of JSON ends, in a text that may be cut anywhere and may be no JSON at all.

/** Types of values; integers are told from other numbers, since schemas do. */
export const type = { object: 1, array: 2, string: 3, number: 4, integer: 5, boolean: 6, null: 7 } as const

export const quote = 0x22
export const comma = 0x2c
export const colon = 0x3a
export const openBrace = 0x7b
export const closeBrace = 0x7d
export const openBracket = 0x5b
export const closeBracket = 0x5d
export const backslash = 0x5c
const zero = 0x30
export const dot = 0x2e

/** Instead of an end: the token has none before the text ends, or is none. */
export const cutOff = -1
export const wrong = -2

/** Of a value that is neither string, object nor list: just after it, or `cutOff` or `wrong`. */
export function scalarEnd(b: Uint8Array, at: number, to: number): number {
  const c = b[at] as number
  if (c === 0x2d || isDigit(c)) return numberEnd(b, at, to)
  if (c === 0x74) return spelt(b, at, to, 0x72, 0x75, 0x65, 0)
  if (c === 0x6e) return spelt(b, at, to, 0x75, 0x6c, 0x6c, 0)
  return c === 0x66 ? spelt(b, at, to, 0x61, 0x6c, 0x73, 0x65) : wrong
}

/** Type of such a value, by its bytes. */
export function scalarType(b: Uint8Array, start: number, end: number): number {
  const c = b[start] as number
  if (c === 0x6e) return type.null
  if (c === 0x74 || c === 0x66) return type.boolean
  for (let i = start + 1; i < end; i += 1) {
    const d = b[i] as number
    if (d === 0x2e || d === 0x65 || d === 0x45) return type.number
  }
  return type.integer
}

/** Null or zero. */
export function isVoidScalar(b: Uint8Array, start: number, end: number): boolean {
  return b[start] === 0x6e || (b[start] === zero && end === start + 1)
}

export function isDigit(c: number): boolean {
  return c >= zero && c <= 0x39
}

function numberEnd(b: Uint8Array, at: number, to: number): number {
  let i = b[at] === 0x2d ? at + 1 : at
  const digits = i
  while (i < to && isDigit(b[i] as number)) i += 1
  if (i === digits || (i - digits > 1 && b[digits] === zero)) return i >= to && i === digits ? cutOff : wrong
  if (i === to) return i
  let c = b[i] as number
  if (c === 0x2e) {
    i += 1
    const fraction = i
    while (i < to && isDigit(b[i] as number)) i += 1
    if (i === fraction) return i >= to ? cutOff : wrong
    if (i === to) return i
    c = b[i] as number
  }
  if (c === 0x65 || c === 0x45) {
    i += 1
    if (i < to && (b[i] === 0x2b || b[i] === 0x2d)) i += 1
    const exponent = i
    while (i < to && isDigit(b[i] as number)) i += 1
    if (i === exponent) return i >= to ? cutOff : wrong
  }
  return i
}

function spelt(b: Uint8Array, at: number, to: number, second: number, third: number, fourth: number, fifth: number): number {
  const size = fifth === 0 ? 4 : 5
  if (at + size <= to) {
    const isSpelt = b[at + 1] === second && b[at + 2] === third && b[at + 3] === fourth && (fifth === 0 || b[at + 4] === fifth)
    return isSpelt ? at + size : wrong
  }
  if (at + 1 < to && b[at + 1] !== second) return wrong
  if (at + 2 < to && b[at + 2] !== third) return wrong
  return at + 3 < to && b[at + 3] !== fourth ? wrong : cutOff
}

export function spaceFrom(b: Uint8Array, at: number, to: number): number {
  let i = at
  while (i < to) {
    const c = b[i] as number
    if (c > 0x20) return i
    if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return i
    i += 1
  }
  return i
}

/** Just after the string that starts at `at`, or `cutOff`. Control characters are let pass, as servers send them. */
export function stringEnd(b: Uint8Array, at: number, to: number): number {
  let i = at + 1
  while (i < to) {
    const c = b[i] as number
    if (c === quote) return i + 1
    i += c === backslash ? 2 : 1
  }
  return cutOff
}
