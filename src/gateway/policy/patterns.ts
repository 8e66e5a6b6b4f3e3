// Regular expressions of foreign schemas, run in linear time (re2), so that neither a hostile pattern nor a hostile string can stop
// the gateway. What linear time cannot express (lookaround, back references) is not enforced: the server judges it itself.
import { LRUCache } from 'lru-cache'
import { RE2JS } from 're2js'

/** Largest compiled program; a bounded repetition such as `(a{1000}){1000}` grows far beyond it. */
const largestProgram = 10_000
const longestPattern = 4_096

export interface Pattern {
  test(text: string): boolean
  toString(): string
}

const compiled = new LRUCache<string, { readonly pattern: Pattern; readonly enforced: boolean }>({ max: 2_000 })

/** Whether the text is a regular expression at all (ECMA-262, with or without the `u` flag). */
export function isPattern(text: string): boolean {
  return parses(text, 'u') || parses(text, '')
}

/** Whether `compilePattern` enforces it. */
export function isEnforced(text: string): boolean {
  return lookUp(text).enforced
}

/** A matcher for JSON Schema `pattern` and `patternProperties`; one that matches everything where it cannot be enforced. */
export function compilePattern(text: string): Pattern {
  return lookUp(text).pattern
}

function lookUp(text: string): { readonly pattern: Pattern; readonly enforced: boolean } {
  let found = compiled.get(text)
  if (found === undefined) {
    found = compile(text)
    compiled.set(text, found)
  }
  return found
}

function compile(text: string): { pattern: Pattern; enforced: boolean } {
  // ajv keys its cache of patterns by this text, so it must differ from pattern to pattern.
  const name = (): string => `re2:${text}`
  const program = linear(text)
  if (program === undefined) return { pattern: { test: () => true, toString: name }, enforced: false }
  return { pattern: { test: (value) => program.test(value), toString: name }, enforced: true }
}

function linear(text: string): RE2JS | undefined {
  if (text.length > longestPattern) return undefined
  try {
    const program = RE2JS.compile(RE2JS.translateRegExp(text))
    return program.programSize() > largestProgram ? undefined : program
  } catch {
    return undefined
  }
}

function parses(text: string, flags: string): boolean {
  try {
    new RegExp(text, flags)
    return true
  } catch {
    return false
  }
}
