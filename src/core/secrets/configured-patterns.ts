// Patterns of configuration that redact (`redact.patterns`): regular expressions of ECMA-262 that are matched in linear time, whatever text comes.
import { RE2JS, RE2Set } from 're2js'
import { linearForm } from '../text/linear-pattern.ts'

/** Largest compiled program of one. */
const largestProgram = 2_000
const longestPattern = 1_000
/** In front of a pattern: letters of either case. */
const anyCase = '(?i)'

/** What is wrong with it, for people; undefined where it can be matched in linear time. */
export function problemOfPattern(pattern: string): string | undefined {
  const compiled = compile(pattern)
  return typeof compiled === 'string' ? compiled : undefined
}

export class ConfiguredPatterns {
  private readonly set = new RE2Set()
  private readonly programs: readonly RE2JS[]

  /** Throws on what has a problem: it was asked for before. */
  constructor(patterns: readonly string[]) {
    this.programs = patterns.map((pattern) => {
      const compiled = compile(pattern)
      if (typeof compiled === 'string') throw new RangeError(`${pattern} ${compiled}`)
      this.set.add(compiled.form)
      return compiled.program
    })
    this.set.compile()
  }

  /** `word` in the place of all that one of them matches. */
  replace(text: string, word: string): string {
    let clean = text
    for (const id of this.set.match(text)) clean = (this.programs[id] as RE2JS).matcher(clean).replaceAll(word)
    return clean
  }
}

function compile(pattern: string): { readonly form: string; readonly program: RE2JS } | string {
  if (pattern.length > longestPattern) return `is longer than ${longestPattern} characters`
  const isAnyCase = pattern.startsWith(anyCase)
  const body = isAnyCase ? pattern.slice(anyCase.length) : pattern
  const form = linearForm(body)
  if (form === undefined) return reasonAgainst(body)
  const whole = isAnyCase ? `${anyCase}${form}` : form
  try {
    const program = RE2JS.compile(whole)
    if (program.programSize() > largestProgram) return 'is too large once its repetitions are written out'
    if (program.matcher('').find()) return 'matches the empty text, so it would redact nothing and everything'
    return { form: whole, program }
  } catch {
    return 'is no regular expression that can be matched in linear time'
  }
}

function reasonAgainst(pattern: string): string {
  if (/\(\?<?[=!]/.test(pattern)) return 'looks ahead or behind, which cannot be matched in linear time'
  if (/\\(?:[1-9]|k<)/.test(pattern)) return 'refers back to a group, which cannot be matched in linear time'
  try {
    new RegExp(pattern)
  } catch (thrown) {
    return `is no regular expression (${(thrown as Error).message.replace(/^Invalid regular expression: /, '')})`
  }
  return 'has a construct that is not known to mean the same where it is matched in linear time'
}
