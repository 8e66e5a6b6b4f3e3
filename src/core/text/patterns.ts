// Regular expressions of foreign schemas, run in linear time (re2), so that neither a hostile pattern nor a hostile string can stop
// the gateway. What linear time cannot express (lookaround, back references), and what is no regular expression of ECMA-262, is not
// enforced: the server judges it itself.
import { LRUCache } from 'lru-cache'
import { RE2JS } from 're2js'
import { linearForm } from './linear-pattern.ts'

/** Largest compiled program; a bounded repetition such as `(a{1000}){1000}` grows far beyond it. */
const largestProgram = 10_000
const longestPattern = 4_096

export interface Pattern {
  test(text: string): boolean
  toString(): string
}

const compiled = new LRUCache<string, { readonly pattern: Pattern; readonly enforced: boolean }>({ max: 2_000 })

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
  const form = text.length > longestPattern ? undefined : linearForm(text)
  if (form === undefined) return undefined
  try {
    const program = RE2JS.compile(form)
    return program.programSize() > largestProgram ? undefined : program
  } catch {
    return undefined
  }
}
