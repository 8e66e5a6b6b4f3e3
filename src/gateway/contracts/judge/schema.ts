// The keywords of JSON Schema 2020-12 that judge, and what of a foreign schema is one of them in a form that can be read.
import { isObject } from '../../../core/protocol/is-object.ts'

export type SchemaObject = Readonly<Record<string, unknown>>
export type Schema = boolean | SchemaObject

/** Holds what could not be read: nothing is known of what it accepts. */
export const unreadable = 'x-unreadable'

export const typeNames = ['array', 'boolean', 'integer', 'null', 'number', 'object', 'string'] as const
export type TypeName = (typeof typeNames)[number]

/** Keywords that say something of values of one type alone. */
const keywordsOf: Readonly<Record<'number' | 'string' | 'array' | 'object', readonly string[]>> = {
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  string: ['minLength', 'maxLength', 'pattern', 'format'],
  array: ['minItems', 'maxItems', 'uniqueItems', 'prefixItems', 'items', 'contains', 'minContains', 'maxContains', 'unevaluatedItems'],
  object: [
    ...['minProperties', 'maxProperties', 'required', 'properties', 'patternProperties', 'additionalProperties', 'propertyNames'],
    ...['dependentRequired', 'dependentSchemas', 'unevaluatedProperties'],
  ],
}

const typeByKeyword = new Map(Object.entries(keywordsOf).flatMap(([type, keywords]) => keywords.map((keyword) => [keyword, type])))

/** The type whose values a keyword is about; undefined for one that is about all. */
export function typeOfKeyword(keyword: string): string | undefined {
  return typeByKeyword.get(keyword)
}

/** Keywords that change what others among them mean. */
export const groups: readonly (readonly string[])[] = [
  ['properties', 'patternProperties', 'additionalProperties'],
  ['prefixItems', 'items'],
  ['contains', 'minContains', 'maxContains'],
  ['if', 'then', 'else'],
]

export const oneSchema = [
  ...['items', 'contains', 'unevaluatedItems', 'additionalProperties', 'propertyNames', 'unevaluatedProperties'],
  ...['not', 'if', 'then', 'else'],
] as const
export const listsOfSchemas = ['prefixItems', 'allOf', 'anyOf', 'oneOf'] as const
export const mapsOfSchemas = ['properties', 'patternProperties', 'dependentSchemas'] as const

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === 'string')
}

const isNumber = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value)
const isText = (value: unknown): boolean => typeof value === 'string'
const isAny = (): boolean => true
const isList = (value: unknown): boolean => Array.isArray(value) && value.length > 0

function isTypes(value: unknown): boolean {
  const list = Array.isArray(value) ? value : [value]
  return list.length > 0 && list.every((one) => typeNames.includes(one as TypeName))
}

/** Every keyword that judges, with what its value has to be. */
export const readable: Readonly<Record<string, (value: unknown) => boolean>> = {
  $ref: isText,
  type: isTypes,
  enum: Array.isArray,
  const: isAny,
  minimum: isNumber,
  maximum: isNumber,
  exclusiveMinimum: isNumber,
  exclusiveMaximum: isNumber,
  multipleOf: (value) => isNumber(value) && (value as number) > 0,
  minLength: isCount,
  maxLength: isCount,
  pattern: isText,
  format: isText,
  minItems: isCount,
  maxItems: isCount,
  uniqueItems: (value) => typeof value === 'boolean',
  minContains: isCount,
  maxContains: isCount,
  minProperties: isCount,
  maxProperties: isCount,
  required: isTexts,
  dependentRequired: (value) => isObject(value) && Object.values(value).every(isTexts),
  ...Object.fromEntries(oneSchema.map((keyword) => [keyword, isAny])),
  ...Object.fromEntries(listsOfSchemas.map((keyword) => [keyword, isList])),
  ...Object.fromEntries(mapsOfSchemas.map((keyword) => [keyword, isObject])),
}
