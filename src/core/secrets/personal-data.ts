// Personal data in a text, known by its form: addresses of people, telephone numbers, payment cards, bank accounts, social security numbers.
// One pass that stops where one may begin and looks a bounded way from there, so that any text costs linear time. Addresses of machines are
// none of it: they are what operators look for, and versions and ranges are written alike.

export const personalKinds = ['email', 'phone', 'payment_card', 'iban', 'us_ssn'] as const
export type PersonalKind = (typeof personalKinds)[number]

export interface PersonalDatum {
  /** In UTF-16 units of the text. */
  readonly start: number
  readonly end: number
  readonly kind: PersonalKind
}

const at = 0x40
const plus = 0x2b
const longestLocal = 64

export function findPersonalData(text: string): readonly PersonalDatum[] {
  let found: PersonalDatum[] | undefined
  let done = 0
  for (let i = 0; i < text.length; i += 1) {
    const c = text.charCodeAt(i)
    let datum: PersonalDatum | undefined
    if (c === at) datum = email(text, i, done)
    else if (c >= 0x30 && c <= 0x39) {
      datum = numbers(text, i)
      // Of a run of digits in which nothing begins the rest is not looked at.
      if (datum === undefined) while (isDigit(text.charCodeAt(i + 1))) i += 1
    } else if (c === plus || c === 0x28) datum = numbers(text, i)
    else if (isLetter(c) && !isWordly(text.charCodeAt(i - 1)) && isDigit(text.charCodeAt(i + 2))) datum = iban(text, i)
    if (datum === undefined) continue
    found ??= []
    found.push(datum)
    done = datum.end
    i = datum.end - 1
  }
  return found ?? none
}

const none: readonly PersonalDatum[] = []

const local = /[\p{L}\p{N}.!#$%&'*+/=?^_{|}~-]/u
const domain = /(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,62}))(?:\.[\p{L}\p{N}-]{1,63}){0,6}\.\p{L}{2,24}(?![\p{L}\p{N}])/uy
/** `icon@2x.png`. */
const ofImage = /^\dx\./

function email(text: string, i: number, done: number): PersonalDatum | undefined {
  const least = Math.max(done, i - longestLocal)
  let start = i
  while (start > least && isLocal(text.charCodeAt(start - 1))) start -= 1
  // What separates it from what stands before: `to=a@b`, `'a@b'`, `?user=a@b&`.
  const name = text.slice(start, i)
  const cut = Math.max(name.lastIndexOf('='), name.lastIndexOf('/'), name.lastIndexOf('?'), name.lastIndexOf('&'))
  start += cut + 1
  if (text[start] === "'" || text[start] === '.') start += 1
  if (start >= i) return undefined
  domain.lastIndex = i + 1
  const match = domain.exec(text)
  if (match === null || ofImage.test(match[0])) return undefined
  const who = text.slice(start, i)
  // The user of a repository, and of what an address names: `git@host:path`, `ssh://user@host`.
  if (who === 'git' || text.startsWith('//', start - 2)) return undefined
  return { start, end: i + 1 + match[0].length, kind: 'email' }
}

function isLocal(c: number): boolean {
  return c > 0x7f || isDigit(c) || isLetter(c) || (c !== at && local.test(String.fromCharCode(c)))
}

/** Longest: a card of 19 digits in groups, a number with its country and area. */
const longestNumber = 32
const numeric = /[+(]?\d(?:[ ./()-]{0,3}\d){6,24}/y

/** From the first character of a number in groups. */
function numbers(text: string, i: number): PersonalDatum | undefined {
  const before = text.charCodeAt(i - 1)
  if (
    isWordly(before) ||
    before === plus ||
    ((before === 0x2e || before === 0x2d || before === 0x2f || before === 0x3a) && isWordly(text.charCodeAt(i - 2)))
  ) {
    if (!(before === 0x3a && !isDigit(text.charCodeAt(i - 2)))) return undefined
  }
  numeric.lastIndex = i
  const run = numeric.exec(text)?.[0]
  if (run === undefined || run.length > longestNumber + 8) return undefined
  const end = i + run.length
  const after = text.charCodeAt(end)
  if (isWordly(after)) return undefined
  const kind = kindOfNumber(run)
  return kind === undefined ? undefined : { start: i, end, kind }
}

const ssn = /^(?!000|666|9)\d{3}([ -])(?!00)\d\d\1(?!0000)\d{4}$/
const international = /^\+[1-9]\d{0,2}(?:[ .\-/]{0,2}\(?\d{1,5}\)?){1,6}$/
const northAmerican = /^(?:1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[-.])[2-9]\d\d[-. ]\d{4}$/
/** With the zero that is dialled before an area. */
const national = /^\(?0[1-9]\d{1,4}\)?(?:[ /-]\d{2,8}){1,3}$/
const cardGroups = /^(?:\d{14,16}|(?:\d{4}([ -])){3}\d{4}|\d{4}([ -])\d{6}\2\d{4,5})$/

function kindOfNumber(run: string): PersonalKind | undefined {
  if (ssn.test(run)) return 'us_ssn'
  const digits = run.replace(/\D/g, '')
  if (cardGroups.test(run) && isCard(digits)) return 'payment_card'
  if (digits.length < 8 || digits.length > 15) return undefined
  if (run.startsWith('+')) return international.test(run) ? 'phone' : undefined
  if (northAmerican.test(run)) return 'phone'
  return digits.length >= 10 && national.test(run) ? 'phone' : undefined
}

/** Of one of the large brands, by its first digits, its length and its check digit (ISO/IEC 7812). */
export function isCard(digits: string): boolean {
  return brand.test(digits) && luhn(digits)
}

const brand =
  /^(?:4\d{15}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}|6(?:011|5\d\d|4[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|3(?:0[0-5]|[689]\d)\d{11}|62\d{14})$/

function luhn(digits: string): boolean {
  let sum = 0
  for (let n = 0; n < digits.length; n += 1) {
    let digit = digits.charCodeAt(digits.length - 1 - n) - 0x30
    if (n % 2 === 1) digit = digit > 4 ? digit * 2 - 9 : digit * 2
    sum += digit
  }
  return sum % 10 === 0 && !/^(\d)\1*$/.test(digits)
}

const account = /[A-Za-z]{2}\d\d(?: ?[A-Za-z0-9]{1,4}){2,8}(?![A-Za-z0-9])/y
/** Length of an account number by its country (the registry of ISO 13616). */
const lengths: Readonly<Record<string, number>> = Object.fromEntries(
  'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SE24 SI19 SK24 SM27 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20'
    .split(' ')
    .map((one) => [one.slice(0, 2), Number(one.slice(2))]),
)

function iban(text: string, i: number): PersonalDatum | undefined {
  const wanted = lengths[text.slice(i, i + 2).toUpperCase()]
  if (wanted === undefined) return undefined
  account.lastIndex = i
  const match = account.exec(text)?.[0]
  if (match === undefined) return undefined
  // A word may stand behind it.
  let end = 0
  for (let count = 0; end < match.length && count < wanted; end += 1) if (match[end] !== ' ') count += 1
  const whole = match.slice(0, end).replaceAll(' ', '').toUpperCase()
  if (whole.length !== wanted || isWordly(text.charCodeAt(i + end)) || remainder(whole) !== 1) return undefined
  return { start: i, end: i + end, kind: 'iban' }
}

/** Of the rearranged number by 97 (ISO 7064). */
function remainder(whole: string): number {
  let rest = 0
  for (const char of whole.slice(4) + whole.slice(0, 4)) {
    const value = Number.parseInt(char, 36)
    rest = (value > 9 ? rest * 100 + value : rest * 10 + value) % 97
  }
  return rest
}

function isDigit(c: number): boolean {
  return c >= 0x30 && c <= 0x39
}

function isLetter(c: number): boolean {
  return (c >= 0x41 && c <= 0x5a) || (c >= 0x61 && c <= 0x7a)
}

function isWordly(c: number): boolean {
  return isDigit(c) || isLetter(c) || c === 0x5f
}
