// Writes a regular expression of ECMA-262 as one of RE2 that means the same, construct by construct. What is not known to mean the same in
// both (a back reference, a look around, a flag of another language) makes no translation: two engines that read one pattern differently
// would refuse what the server takes.

/** Undefined where the pattern has no such form, or is no regular expression of ECMA-262. */
export function linearForm(pattern: string): string | undefined {
  const unicode = parses(pattern, 'u')
  if (!unicode && !parses(pattern, '')) return undefined
  try {
    return new Translation(pattern, unicode).whole()
  } catch (error) {
    if (error instanceof NoSuchForm) return undefined
    throw error
  }
}

class NoSuchForm extends Error {}

const everything = '\\x00-\\x{10FFFF}'
/** `WhiteSpace` and `LineTerminator` of ECMA-262, as ranges of a class. */
const space = '\\x09-\\x0D\\x20\\x{A0}\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}\\x{205F}\\x{3000}\\x{FEFF}'
const noSpace =
  '\\x00-\\x08\\x0E-\\x1F\\x21-\\x{9F}\\x{A1}-\\x{167F}\\x{1681}-\\x{1FFF}\\x{200B}-\\x{2027}\\x{202A}-\\x{202E}\\x{2030}-\\x{205E}\\x{2060}-\\x{2FFF}\\x{3001}-\\x{FEFE}\\x{FF00}-\\x{10FFFF}'
/** Escapes that stand for several characters, as members of a class. */
const sets: Readonly<Record<string, string>> = {
  d: '0-9',
  D: '\\x00-/:-\\x{10FFFF}',
  w: '0-9A-Za-z_',
  W: '\\x00-/:-@\\[-\\x5E`\\{-\\x{10FFFF}',
  s: space,
  S: noSpace,
}
const controls: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13 }
const quantifier = /\{(\d+)(,?)(\d*)\}/y
/** General categories, and scripts by their long names: both engines know them by these. */
const property = /\{(?:(?:Script|sc)=([A-Z][A-Za-z_]{2,30})|([A-Z][a-z]?))\}/y

class Translation {
  private readonly source: string
  private readonly unicode: boolean
  private at = 0

  constructor(source: string, unicode: boolean) {
    this.source = source
    this.unicode = unicode
  }

  whole(): string {
    let out = ''
    while (this.at < this.source.length) out += this.term()
    return out === '' ? '(?:)' : out
  }

  private term(): string {
    const char = this.source[this.at] as string
    switch (char) {
      case '|':
      case ')':
        return this.skip(1, char)
      case '(':
        return this.open()
      case '^':
        return this.assertion(1, '\\A')
      case '$':
        return this.assertion(1, '\\z')
      case '.':
        this.needsCodePoints()
        return this.skip(1, '[^\\x0A\\x0D\\x{2028}\\x{2029}]')
      case '[':
        return this.set()
      case '*':
      case '+':
      case '?':
        return this.skip(1, char)
      case '{':
        return this.repeat()
      case '\\':
        return this.escape()
      default:
        return this.literal()
    }
  }

  private skip(length: number, out: string): string {
    this.at += length
    return out
  }

  private open(): string {
    if (this.source.startsWith('(?:', this.at)) return this.skip(3, '(?:')
    if (this.source[this.at + 1] !== '?') return this.skip(1, '(?:')
    const name = /\(\?<(?![=!])[^>]*>/y
    name.lastIndex = this.at
    const found = name.exec(this.source)
    if (found === null) throw new NoSuchForm()
    return this.skip(found[0].length, '(?:')
  }

  /** Repeated assertions mean something else in each engine. */
  private assertion(length: number, out: string): string {
    const after = this.source[this.at + length]
    if (after === '*' || after === '+' || after === '?' || after === '{') throw new NoSuchForm()
    return this.skip(length, out)
  }

  private repeat(): string {
    quantifier.lastIndex = this.at
    const found = quantifier.exec(this.source)
    return found === null ? this.skip(1, '\\{') : this.skip(found[0].length, found[0])
  }

  private literal(): string {
    return written(this.character())
  }

  /** The code point here, whole. */
  private character(): number {
    const code = this.source.codePointAt(this.at) as number
    if (code > 0xffff) this.needsCodePoints()
    this.at += code > 0xffff ? 2 : 1
    return scalar(code)
  }

  /** A pattern that is only one without the `u` flag takes the halves of a character beyond the basic plane as two. */
  private needsCodePoints(): void {
    if (!this.unicode) throw new NoSuchForm()
  }

  private escape(): string {
    const char = this.source[this.at + 1] as string
    if (char === 'b') return this.assertion(2, '\\b')
    // V8 finds one between the halves of a character beyond the basic plane, with the `u` flag too.
    if (char === 'B') throw new NoSuchForm()
    const set = this.escapedSet()
    return set === undefined ? written(this.escapedCharacter()) : `[${set}]`
  }

  /** An escape of several characters, as members of a class; undefined where the escape here is of one. */
  private escapedSet(): string | undefined {
    const char = this.source[this.at + 1] as string
    const set = Object.hasOwn(sets, char) ? sets[char] : undefined
    if (set !== undefined) {
      if (char < 'a') this.needsCodePoints()
      return this.skip(2, set)
    }
    if (char !== 'p' && char !== 'P') return undefined
    property.lastIndex = this.at + 2
    const found = this.unicode ? property.exec(this.source) : null
    if (found === null) throw new NoSuchForm()
    return this.skip(2 + found[0].length, `\\${char}{${found[1] ?? found[2]}}`)
  }

  private escapedCharacter(): number {
    const char = this.source[this.at + 1] as string
    const control = Object.hasOwn(controls, char) ? controls[char] : undefined
    if (control !== undefined) return this.passed(2, control)
    if (char === 'c') {
      const letter = /^[A-Za-z]$/.test(this.source[this.at + 2] ?? '') ? this.source.charCodeAt(this.at + 2) : undefined
      if (letter === undefined) throw new NoSuchForm()
      return this.passed(3, letter % 32)
    }
    if (char === '0' && !/\d/.test(this.source[this.at + 2] ?? '')) return this.passed(2, 0)
    if (char === 'x' || char === 'u') return this.hexadecimal()
    if (/[A-Za-z0-9]/.test(char)) throw new NoSuchForm()
    this.at += 1
    return this.character()
  }

  private hexadecimal(): number {
    const form = this.unicode
      ? /\\(?:x([0-9A-Fa-f]{2})|u\{([0-9A-Fa-f]+)\}|u([0-9A-Fa-f]{4}))/y
      : /\\(?:x([0-9A-Fa-f]{2})|u()([0-9A-Fa-f]{4}))/y
    form.lastIndex = this.at
    const found = form.exec(this.source)
    if (found === null) throw new NoSuchForm()
    const code = Number.parseInt(found[1] || found[2] || found[3] || '', 16)
    this.at += found[0].length
    if (code < 0xd800 || code > 0xdbff) return scalar(code)
    const half = /\\u([Dd][C-Fc-f][0-9A-Fa-f]{2})/y
    half.lastIndex = this.at
    const low = half.exec(this.source)
    if (low === null) throw new NoSuchForm()
    return this.passed(6, 0x10000 + (code - 0xd800) * 0x400 + (Number.parseInt(low[1] as string, 16) - 0xdc00))
  }

  private passed(length: number, code: number): number {
    this.at += length
    return code
  }

  private set(): string {
    const negated = this.source[this.at + 1] === '^'
    if (negated) this.needsCodePoints()
    this.at += negated ? 2 : 1
    let members = ''
    while (this.source[this.at] !== ']') members += this.member()
    this.at += 1
    if (members === '') return negated ? `[${everything}]` : `[^${everything}]`
    return `[${negated ? '^' : ''}${members}]`
  }

  /** A character, a range or an escape of several characters; a hyphen beside the latter is one of the characters. */
  private member(): string {
    const first = this.single()
    if (typeof first === 'string' || !this.ranges()) return typeof first === 'string' ? first : written(first)
    this.at += 1
    const last = this.single()
    return typeof last === 'string' ? `${written(first)}\\x2D${last}` : `${written(first)}-${written(last)}`
  }

  private ranges(): boolean {
    return this.source[this.at] === '-' && this.source[this.at + 1] !== ']'
  }

  private single(): number | string {
    if (this.source[this.at] !== '\\') return this.character()
    if (this.source[this.at + 1] === 'b') return this.passed(2, 8)
    return this.escapedSet() ?? this.escapedCharacter()
  }
}

/** Halves of surrogate pairs are code points to one engine and none to the other. */
function scalar(code: number): number {
  if (code >= 0xd800 && code <= 0xdfff) throw new NoSuchForm()
  return code
}

function written(code: number): string {
  const char = String.fromCodePoint(code)
  return /^[A-Za-z0-9]$/.test(char) ? char : `\\x{${code.toString(16).toUpperCase()}}`
}

function parses(text: string, flags: string): boolean {
  try {
    new RegExp(text, flags)
    return true
  } catch {
    return false
  }
}
