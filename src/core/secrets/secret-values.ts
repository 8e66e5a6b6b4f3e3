// Whether a value that stands beside a telling name is a secret, or a word that stands in place of one, as in documentation and sources.

/** Words of samples, and of values that are to be filled in. */
const standIn =
  /example|sample|changeme|change[_-]me|placeholder|dummy|redacted|masked|your|xxx|\*\*\*|\.\.\.|insert|replace|todo|passw|pass$|^pass|secret|token|api_?key|required|optional|string|undefined|null|foobar|user|test|fake|mock|demo|hidden|default|none|true|false|1234567|abcdef|qwerty|deadbeef/i
/** References to what is elsewhere, and expressions. */
const reference =
  /\$\{|\{\{|\$\(|%\(|<[^>]*>|^\$[A-Za-z_]|^%[A-Za-z_]+%|^[@!&*{]|^AWS4-HMAC|=>|\(\)|^sha\d{1,3}[:-]|^(?:ref|arn|urn|op|vault|ssm|file|env):/i
const place = /^(?:\.{0,2}\/|~|[A-Za-z]:\\|[a-z][a-z0-9+.-]{1,20}:\/\/)/
const expression = /^[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)+$/
const word = /^[A-Za-z]+(?:[-_ ][A-Za-z]+)*(?:[-_]\d{0,2})?$/

export type Writing =
  /** Between quotes, or a variable of the environment. */
  | 'value'
  /** Anywhere in a text, where it may be an expression as well. */
  | 'text'

const longest = 1_024

/** `value` without the backslashes of JSON. */
export function looksSecret(value: string, writing: Writing, least = 6): boolean {
  const { length } = value
  if (length < least || length > longest || !/^[!-~]*$/.test(value)) return false
  if (standInOf(value) || reference.test(value) || place.test(value)) return false
  const digits = count(value, /\d/g)
  if (digits === length) return false
  if (word.test(value) && length < 24) return false
  // What is all letters is the name of something.
  if (digits === 0 && !(writing === 'value' && length >= 10 && /.[!#$%^&*+=]/.test(value))) return false
  if (!/[A-Za-z]/.test(value)) return false
  if (bits(value) < (length >= 16 ? 3 : 2)) return false
  if (writing === 'value') return true
  return !expression.test(value) && (length < 16 || digits >= 2)
}

/** A long value has such a word by chance alone, or is one of documentation that says so. */
function standInOf(value: string): boolean {
  if (value.includes('EXAMPLE')) return true
  return value.length <= 40 ? standIn.test(value) : /example|sample|placeholder|changeme|secret|password|your[_-]|x{6}|\*{3}/i.test(value)
}

/** Whether what has the form of a token was made by chance, and not written to show that form. */
export function isRandom(token: string): boolean {
  return !/EXAMPLE|example|xxxxx|XXXXX|12345678|abcdefgh|ABCDEFGH|00000000/.test(token) && bits(token) >= 3
}

/** Entropy of its characters, in bits each. */
export function bits(text: string): number {
  const counts = new Map<string, number>()
  for (const one of text) counts.set(one, (counts.get(one) ?? 0) + 1)
  let sum = 0
  for (const n of counts.values()) sum -= (n / text.length) * Math.log2(n / text.length)
  return sum
}

function count(text: string, what: RegExp): number {
  return text.match(what)?.length ?? 0
}
