// The sentences of a definition: of its titles, descriptions and examples, and of the words that stand where data does, which models read
// as well (names of arguments, defaults, listed values). Some clients show all that a definition has, so that no member of it is left out.
import type { ToolContract } from '../../../core/call/contract.ts'
import { isObject } from '../../../core/protocol/is-object.ts'
import { escapeToken } from '../../../core/protocol/json-pointer.ts'
import { proseOf } from '../judge/annotations.ts'

export interface Text {
  /** JSON Pointer into the definition. */
  readonly pointer: string
  readonly text: string
}

export interface Texts {
  readonly texts: readonly Text[]
  /** There is more than is looked at. */
  readonly cut: boolean
}

/** UTF-16 units of all texts of one definition; no published server comes near. To read so many takes some tens of ms, beside calls. */
const mostText = 32 * 1_024
const deepest = 100
const mostValues = 20_000

/** Never throws for what a server sent. */
export function textsOf(contract: ToolContract): Texts {
  const reader = new Reader()
  for (const [pointer, value] of proseOf(contract)) reader.strings(value, pointer, 0)
  for (const side of ['inputSchema', 'outputSchema'] as const) reader.words(contract[side], `/${side}`, 0)
  for (const [key, value] of Object.entries(contract)) if (!readElsewhere.has(key)) reader.member(key, value)
  return reader
}

const readElsewhere: ReadonlySet<string> = new Set(['name', 'title', 'description', 'icons', 'inputSchema', 'outputSchema'])

/** Of a schema: where names stand, and where values do. */
const maps: ReadonlySet<string> = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas'])
const data: ReadonlySet<string> = new Set(['enum', 'const', 'default', 'type', 'required'])
/** Keywords that are no words themselves. */
const structure: ReadonlySet<string> = new Set([
  ...['format', 'pattern', '$ref', '$id', '$schema', '$anchor', '$comment', '$dynamicRef', '$dynamicAnchor', '$vocabulary'],
  ...['items', 'prefixItems', 'additionalItems', 'unevaluatedItems', 'contains', 'minContains', 'maxContains', 'minItems', 'maxItems'],
  ...[
    'uniqueItems',
    'additionalProperties',
    'unevaluatedProperties',
    'propertyNames',
    'minProperties',
    'maxProperties',
    'dependentRequired',
  ],
  ...['dependencies', 'allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else', 'minLength', 'maxLength', 'minimum', 'maximum', 'multipleOf'],
  ...['exclusiveMinimum', 'exclusiveMaximum', 'deprecated', 'readOnly', 'writeOnly', 'nullable', 'contentMediaType', 'contentEncoding'],
  ...['contentSchema', 'id', 'definitions'],
])
/** The dialects of JSON Schema are no addresses to send anything to. */
const dialect = /^https?:\/\/json-schema\.org\/[\w./-]{1,60}#?$/
/** Pictures are shown to people. */
const picture = /^data:image\/[\w.+-]{1,40};base64,[A-Za-z0-9+/=\s]*$/
/** As vendors call members of `_meta`: `com.example/effects`. */
const identifier = /^[\w.-]{1,100}(?:\/[\w./-]{1,100})?$/
/** Read by `proseOf`. */
const prose: ReadonlySet<string> = new Set(['title', 'description', 'examples'])

class Reader implements Texts {
  readonly texts: Text[] = []
  cut = false
  private left = mostText
  private values = mostValues

  strings(value: unknown, pointer: string, depth: number): void {
    if (typeof value === 'string') this.add(value, pointer)
    if (typeof value !== 'object' || value === null || !this.enters(depth)) return
    for (const [key, one] of Object.entries(value)) {
      if (!Array.isArray(value)) this.add(key, `${pointer}/${escapeToken(key)}`)
      this.strings(one, `${pointer}/${escapeToken(key)}`, depth + 1)
    }
  }

  /** One that is not read by what it is. */
  member(key: string, value: unknown): void {
    if (!identifier.test(key)) this.add(key, `/${escapeToken(key)}`)
    if (!isObject(value) || (key !== '_meta' && key !== 'annotations')) {
      this.strings(value, `/${escapeToken(key)}`, 0)
      return
    }
    for (const [name, one] of Object.entries(value)) {
      const at = `/${key}/${escapeToken(name)}`
      if (!identifier.test(name)) this.add(name, at)
      if (at !== '/annotations/title') this.strings(one, at, 1)
    }
  }

  words(schema: unknown, pointer: string, depth: number): void {
    // Of a keyword whose value is a text.
    if (typeof schema === 'string') this.add(schema, pointer)
    if (typeof schema !== 'object' || schema === null || !this.enters(depth)) return
    if (Array.isArray(schema)) {
      for (const [index, one] of schema.entries()) this.words(one, `${pointer}/${index}`, depth + 1)
      return
    }
    for (const [key, value] of Object.entries(schema)) {
      const at = `${pointer}/${escapeToken(key)}`
      if (data.has(key)) this.strings(value, at, depth + 1)
      else if (maps.has(key) && isObject(value)) {
        for (const [name, one] of Object.entries(value)) {
          this.add(name, `${at}/${escapeToken(name)}`)
          this.words(one, `${at}/${escapeToken(name)}`, depth + 2)
        }
      } else if (!prose.has(key)) {
        if (!structure.has(key)) this.add(key, at)
        this.words(value, at, depth + 1)
      }
    }
  }

  private enters(depth: number): boolean {
    this.values -= 1
    if (depth <= deepest && this.values > 0) return true
    this.cut = true
    return false
  }

  private add(text: string, pointer: string): void {
    if (text.length > this.left) this.cut = true
    else if (text !== '' && !dialect.test(text) && !picture.test(text)) {
      this.left -= text.length
      this.texts.push({ pointer, text })
    }
  }
}

/** Ends of sentences, blank lines, and items of lists. A line alone is broken anywhere. */
const breaks = /(?<=[.!?。！？])[ \t\r\n]+|\r?\n[ \t]*\r?\n|\r?\n[ \t]*(?=[-*•#|]|\d{1,3}[.)])/

export function sentencesOf(text: string): string[] {
  return text.split(breaks).filter((sentence) => sentence.trim() !== '')
}

/** Equal for sentences that read alike. Characters that cannot be seen are kept apart. */
export function keyOf(sentence: string): string {
  return sentence
    .normalize('NFC')
    .replace(/[ \t\r\n]+/g, ' ')
    .replace(/^[ .,;:!?*_`#-]+|[ .,;:!?*_`-]+$/g, '')
    .toLowerCase()
}
