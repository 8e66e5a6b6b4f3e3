// Judges structured content by the output schema of its tool. That needs a parse, which costs more than all else that is looked at: so it is
// done once for each form (names and types at every depth), since a schema of names and types is broken by the form or not at all.
//
// A schema may also speak of values (`enum`, `minimum`, `pattern`, …), which break it in a form that was fine before. With such a schema every
// small answer is judged, and of larger ones each of a new form and one in eight: what breaks it in values usually goes on doing so. That
// costs a small answer some microseconds more, and only where a schema has such words.
import type { Violation } from '../../../core/call/violation.ts'
import { asBuffer } from '../../../core/protocol/scan.ts'

/** Larger answers are not judged. */
const mostBytes = 131_072
/** Where a schema speaks of values, answers up to here are judged always. */
const alwaysBytes = 2_048
const oneIn = 8
/** Forms that are known; with more of them the names are data, and one in eight of the answers is judged. */
const mostForms = 64

export class OutputCheck {
  private readonly validate: (value: unknown) => readonly Violation[]
  private readonly hasValueWords: boolean
  /** Forms of answers that were of the schema. */
  private readonly good = new Set<number>()
  private passed = 0

  constructor(schema: unknown, validate: (value: unknown) => readonly Violation[]) {
    this.validate = validate
    this.hasValueWords = speaksOfValues(schema, 0)
  }

  /** The first violation, in words; undefined where there is none, or where it was not looked at. */
  violation(b: Uint8Array, start: number, end: number, form: number): string | undefined {
    const size = end - start
    if (size > mostBytes || !this.isDue(size, form)) return undefined
    let value: unknown
    try {
      value = JSON.parse(asBuffer(b).toString('utf8', start, end))
    } catch {
      return undefined
    }
    const [first] = this.validate(value)
    if (first === undefined) {
      if (this.good.size < mostForms) this.good.add(form)
      return undefined
    }
    this.good.delete(form)
    return `${first.path === '' ? 'the result' : first.path}: expected ${first.expected}, got ${first.got}`
  }

  private isDue(size: number, form: number): boolean {
    const isKnown = this.good.has(form)
    if (!isKnown && this.good.size < mostForms) return true
    if (this.hasValueWords && size <= alwaysBytes) return true
    if (isKnown && !this.hasValueWords) return false
    this.passed = (this.passed + 1) % oneIn
    return this.passed === 0
  }
}

/** Words that are about values, or about which and how many members there are, which the form does not hold. */
const valueWords: ReadonlySet<string> = new Set(
  (
    'enum const minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength pattern format minItems maxItems uniqueItems contains ' +
    'minContains maxContains minProperties maxProperties patternProperties propertyNames prefixItems if not oneOf dependentSchemas dependentRequired ' +
    'dependencies additionalItems unevaluatedItems unevaluatedProperties discriminator'
  ).split(' '),
)
const deepest = 32

function speaksOfValues(schema: unknown, depth: number): boolean {
  if (typeof schema !== 'object' || schema === null) return false
  if (depth > deepest) return true
  if (Array.isArray(schema)) return schema.some((one) => speaksOfValues(one, depth + 1))
  return Object.entries(schema).some(
    ([word, value]) => valueWords.has(word) || (word !== 'default' && word !== 'examples' && speaksOfValues(value, depth + 1)),
  )
}
