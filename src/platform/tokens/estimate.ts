// Tokens of a text by the kinds of its characters, within some microseconds: pieces of letters, groups of digits, runs of signs, characters
// of other scripts. The weights were fitted to the vocabulary o200k by least squares of the relative error, over results of real servers and
// texts of other kinds; how far they are off is measured in test/tokens/ and told in docs/cost.md.

/** Texts up to this are looked at whole; of larger ones so many windows, spread over them. */
const wholeBytes = 2_048
const windows = 8
const windowBytes = wholeBytes / windows

const weights = {
  /** A piece of letters: capital ones, then small ones. */
  word: 1.15,
  /** Each letter of it after the sixth. */
  longer: 0.05,
  /** Each capital letter of it after the first. */
  capital: 0.4,
  /** Up to three digits. */
  digits: 1.15,
  /** Two white spaces or more. */
  spaces: 2.45,
  /** A line end, or a space before a digit. */
  space: 1.2,
  /** Line ends and tabs as JSON writes them, one after the other. */
  escapes: 0.8,
  /** A run of signs, and each of them after the second. */
  signs: 0.45,
  sign: 0.35,
}

const sign = 0
const small = 1
const capital = 2
const digit = 3
const space = 4
const other = 5
/** The kind of each byte. */
const kinds = new Uint8Array(256).fill(other)
for (let c = 0; c < 128; c += 1) {
  if (c >= 97 && c <= 122) kinds[c] = small
  else if (c >= 65 && c <= 90) kinds[c] = capital
  else if (c >= 48 && c <= 57) kinds[c] = digit
  else if (c === 32 || c === 9 || c === 10 || c === 13) kinds[c] = space
  else kinds[c] = sign
}

/** A character that is not ASCII, by its first byte; nothing for the bytes that follow it. */
function otherWeight(byte: number): number {
  if (byte < 0xc0) return 0
  // Latin with accents, Greek, Cyrillic; Hebrew and Arabic; the scripts of India; the others, Chinese and Japanese among them; emoji.
  if (byte < 0xd7) return 0.33
  if (byte < 0xe0) return 0.5
  if (byte === 0xe0) return 0.4
  return byte < 0xf0 ? 0.68 : 1.2
}

const backslash = 92

/** Of UTF-8; a whole number, at least 1 where there is any text. */
export function estimateTokens(text: Uint8Array): number {
  const { length } = text
  if (length <= wholeBytes) return Math.ceil(tokensIn(text, 0, length))
  let tokens = 0
  const step = (length - windowBytes) / (windows - 1)
  for (let n = 0; n < windows; n += 1) {
    const from = Math.floor(n * step)
    tokens += tokensIn(text, from, from + windowBytes)
  }
  return Math.ceil((tokens * length) / wholeBytes)
}

function tokensIn(text: Uint8Array, from: number, to: number): number {
  let tokens = 0
  let at = from
  while (at < to) {
    const began = at
    switch (kinds[text[at] as number]) {
      case other:
        tokens += otherWeight(text[at] as number)
        at += 1
        break
      case small:
      case capital: {
        at = after(capital, text, at, to)
        const capitals = at - began
        at = after(small, text, at, to)
        const letters = at - began
        tokens += weights.word
        if (letters > 6) tokens += (letters - 6) * weights.longer
        if (capitals > 1) tokens += (capitals - 1) * weights.capital
        break
      }
      case digit:
        at = after(digit, text, at, to)
        tokens += Math.ceil((at - began) / 3) * weights.digits
        break
      case space:
        at = after(space, text, at, to)
        if (at - began > 1) tokens += weights.spaces
        else if (text[began] !== 32 || (at < to && kinds[text[at] as number] === digit)) tokens += weights.space
        break
      default:
        if (isEscape(text, at, to)) {
          while (isEscape(text, at, to)) at += 2
          tokens += weights.escapes
        } else {
          do at += 1
          while (at < to && kinds[text[at] as number] === sign && !isEscape(text, at, to))
          tokens += weights.signs
          if (at - began > 2) tokens += (at - began - 2) * weights.sign
        }
    }
  }
  return tokens
}

/** Where bytes of the kind end. */
function after(kind: number, text: Uint8Array, from: number, to: number): number {
  let at = from
  while (at < to && kinds[text[at] as number] === kind) at += 1
  return at
}

/** `\n`, `\r` or `\t`. */
function isEscape(text: Uint8Array, at: number, to: number): boolean {
  if (at + 1 >= to || text[at] !== backslash) return false
  const next = text[at + 1]
  return next === 110 || next === 114 || next === 116
}
