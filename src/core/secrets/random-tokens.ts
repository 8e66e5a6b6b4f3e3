// Tokens that nothing tells of but that they were made by chance. What is one: a run of at least 24 characters of base 62 or base 64, at least an
// eighth of them small letters and an eighth capitals, with a digit, which change from one kind to the next nearly as often as chance has it
// (words that are written together do so seldom), with the entropy of such a run, and which is no text in base 64. Digests, UUIDs and all else
// in hexadecimal is none.

/** In UTF-16 units of the text. */
export interface Token {
  readonly start: number
  readonly end: number
}

export const shortestToken = 24
/** Of a longer run the beginning is judged. */
const longestJudged = 256
/** Of all steps between letters and digits those to another kind, without that from a capital to a small letter, as in names: 0.44 by chance. */
const leastChanges = 0.26
const leastShare = 1 / 8
const leastBits = 3.6

export function findRandomTokens(text: string): readonly Token[] {
  let found: Token[] | undefined
  let start = 0
  for (let i = 0; i <= text.length; i += 1) {
    if (i < text.length && kinds[text.charCodeAt(i)] !== undefined && kinds[text.charCodeAt(i)] !== 0) continue
    if (i - start >= shortestToken && isMadeByChance(text.slice(start, Math.min(i, start + longestJudged)))) {
      found ??= []
      found.push({ start, end: i })
    }
    start = i + 1
  }
  return found ?? none
}

const none: readonly Token[] = []

/** 1: small letter, 2: capital, 3: digit, 4: may be in a token too; 0: ends one. */
const kinds = new Uint8Array(128)
for (let c = 0; c < 128; c += 1) {
  const char = String.fromCharCode(c)
  kinds[c] = /[a-z]/.test(char) ? 1 : /[A-Z]/.test(char) ? 2 : /\d/.test(char) ? 3 : /[-_+/=]/.test(char) ? 4 : 0
}

export function isMadeByChance(run: string): boolean {
  const counts = [0, 0, 0, 0, 0]
  let changes = 0
  let steps = 0
  let before = 0
  for (let i = 0; i < run.length; i += 1) {
    const kind = kinds[run.charCodeAt(i)] as number
    counts[kind] = (counts[kind] as number) + 1
    if (kind === 4) before = 0
    else {
      if (before !== 0) {
        steps += 1
        if (kind !== before && !(before === 2 && kind === 1)) changes += 1
      }
      before = kind
    }
  }
  const [, small = 0, capitals = 0, digits = 0, others = 0] = counts
  const least = run.length * leastShare
  if (small < least || capitals < least || digits < 1 || others > run.length / 4 || hexadecimal.test(run)) return false
  if (changes < leastChanges * steps || bits(run) < leastBits) return false
  return !isText(run)
}

const seen = new Uint16Array(128)

/** Entropy of its characters, in bits each; they are ASCII. */
function bits(run: string): number {
  seen.fill(0)
  for (let i = 0; i < run.length; i += 1) seen[run.charCodeAt(i)] = (seen[run.charCodeAt(i)] as number) + 1
  let sum = 0
  for (const n of seen) if (n > 0) sum -= (n / run.length) * Math.log2(n / run.length)
  return sum
}

const hexadecimal = /^(?:0x)?[\dA-Fa-f]+$/

/** Base 64 of what people read. */
function isText(run: string): boolean {
  const bytes = Buffer.from(run, 'base64')
  if (bytes.length < 12) return false
  let printable = 0
  for (const c of bytes) if ((c >= 0x20 && c < 0x7f) || c === 0x0a || c === 0x0d || c === 0x09) printable += 1
  return printable >= bytes.length - 1
}
