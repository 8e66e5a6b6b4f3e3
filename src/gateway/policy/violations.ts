// Turns the errors of the schema compiler into violations that an agent can act on: where, what was expected, what came. Values are
// quoted only where they are short and not named like a secret.

import type { ErrorObject } from 'ajv'
import type { Misfits, Violation } from '../../core/call/violation.ts'
import { escapeToken } from '../../core/protocol/json-pointer.ts'

const mostViolations = 8
const longestQuote = 40
const longestExpectation = 240
const secretName = /pass|secret|token|key|auth|credential|cookie|session|pin$/i

/** At most `mostViolations`, those of failed alternatives folded into one. */
export function violations(errors: readonly ErrorObject[]): readonly Violation[] {
  const found: Violation[] = []
  const seen = new Set<string>()
  for (const error of withoutBranches(errors)) {
    const violation = describe(error)
    const key = `${violation.path} ${violation.expected}`
    if (seen.has(key)) continue
    seen.add(key)
    found.push(violation)
    if (found.length === mostViolations) break
  }
  return found
}

/** Where a value of another type would do, or another value. */
export function addMisfits(errors: readonly ErrorObject[], misfits: Misfits): void {
  for (const { keyword, instancePath } of errors) {
    if (keyword === 'type' || keyword === 'enum' || keyword === 'const') misfits.places.add(instancePath)
    else if (keyword === 'anyOf' || keyword === 'oneOf' || keyword === 'if' || keyword === 'not' || keyword === 'contains')
      misfits.choice = true
  }
}

/** Errors of the branches of `anyOf` and `oneOf` say little; those that lie deeper than the choice itself tell which branch was meant. */
function withoutBranches(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  const kept: ErrorObject[] = []
  for (const error of errors) {
    if (error.keyword === 'if') continue
    if (error.keyword === 'anyOf' || error.keyword === 'oneOf') {
      const outside = kept.filter((other) => !belongs(other, error) || other.instancePath.length > error.instancePath.length)
      kept.length = 0
      kept.push(...outside)
    }
    kept.push(error)
  }
  return kept
}

function belongs(inner: ErrorObject, choice: ErrorObject): boolean {
  if (!inner.instancePath.startsWith(choice.instancePath)) return false
  return inner.schemaPath.startsWith(`${choice.schemaPath}/`) || (isReferred(inner.schemaPath) && !isReferred(choice.schemaPath))
}

function isReferred(schemaPath: string): boolean {
  return !schemaPath.startsWith('#/') || schemaPath.startsWith('#/$defs/') || schemaPath.startsWith('#/definitions/')
}

function describe(error: ErrorObject): Violation {
  const params = error.params as Record<string, unknown>
  const missing = params.missingProperty
  if (typeof missing === 'string') {
    const schema = (error.parentSchema as { properties?: Record<string, unknown> } | undefined)?.properties?.[missing]
    return { path: `${error.instancePath}/${escapeToken(missing)}`, expected: `${expectedOf(schema)} (required)`, got: 'nothing' }
  }
  const extra = params.additionalProperty ?? params.unevaluatedProperty
  if (typeof extra === 'string') return unknownProperty(error, extra)
  if (error.keyword === 'propertyNames') {
    return {
      path: error.instancePath,
      expected: 'other property names',
      got: `the name ${cut(JSON.stringify(params.propertyName), longestQuote)}`,
    }
  }
  return {
    path: error.instancePath,
    expected: cut(expectation(error, params), longestExpectation),
    got: gotten(error.instancePath, error.data),
  }
}

function unknownProperty(error: ErrorObject, name: string): Violation {
  const known = Object.keys((error.parentSchema as { properties?: object } | undefined)?.properties ?? {})
  const list = known.slice(0, 12).join(', ')
  const expected =
    known.length === 0 ? 'no property of this name' : `no property of this name; known are ${list}${known.length > 12 ? ', …' : ''}`
  const value = (error.data as Record<string, unknown> | undefined)?.[name]
  return { path: `${error.instancePath}/${cut(escapeToken(name), 80)}`, expected: cut(expected, longestExpectation), got: typeOf(value) }
}

function expectation(error: ErrorObject, params: Record<string, unknown>): string {
  switch (error.keyword) {
    case 'type':
      return listOf(params.type)
    case 'enum':
      return `one of ${quoteAll(error.schema)}`
    case 'const':
      return quote(error.schema)
    case 'pattern':
      return `text that matches ${String(error.schema)}`
    case 'minLength':
      return `at least ${params.limit} characters`
    case 'maxLength':
      return `at most ${params.limit} characters`
    case 'minItems':
      return `at least ${params.limit} elements`
    case 'maxItems':
      return `at most ${params.limit} elements`
    case 'minProperties':
      return `at least ${params.limit} properties`
    case 'maxProperties':
      return `at most ${params.limit} properties`
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      return `a number ${params.comparison} ${params.limit}`
    case 'multipleOf':
      return `a multiple of ${params.multipleOf}`
    case 'uniqueItems':
      return 'no element twice'
    case 'anyOf':
    case 'oneOf':
      return alternatives(error)
    case 'not':
      return 'something that the schema does not exclude'
    case 'false schema':
      return 'nothing here'
    default:
      return error.message ?? error.keyword
  }
}

function alternatives(error: ErrorObject): string {
  const passing = (error.params as { passingSchemas?: unknown }).passingSchemas
  if (Array.isArray(passing)) return 'exactly one of the alternatives, but several fit'
  const branches = Array.isArray(error.schema) ? error.schema : []
  const kinds = [...new Set(branches.map((branch) => expectedOf(branch)))]
  return kinds.every((kind) => kind === 'a value') ? `one of ${branches.length} alternatives` : kinds.join(', or ')
}

/** What a schema wants, in a few words. */
function expectedOf(schema: unknown): string {
  if (typeof schema !== 'object' || schema === null) return 'a value'
  const { type, enum: values, const: only, required } = schema as Record<string, unknown>
  if (only !== undefined) return quote(only)
  if (Array.isArray(values)) return cut(`one of ${quoteAll(values)}`, longestExpectation)
  if (type === undefined) return 'a value'
  const needs = Array.isArray(required) && required.length > 0 ? ` with ${required.slice(0, 6).join(', ')}` : ''
  return `${listOf(type)}${needs}`
}

function listOf(type: unknown): string {
  return Array.isArray(type) ? type.join(' or ') : String(type)
}

function quoteAll(values: unknown): string {
  return Array.isArray(values) ? values.slice(0, 20).map(quote).join(', ') + (values.length > 20 ? ', …' : '') : ''
}

function quote(value: unknown): string {
  return cut(JSON.stringify(value) ?? 'nothing', 80)
}

function gotten(path: string, value: unknown): string {
  const type = typeOf(value)
  if (secretName.test(path)) return type
  if (typeof value === 'string')
    return value.length <= longestQuote ? `${type} ${JSON.stringify(value)}` : `${type} of ${value.length} characters`
  if (Array.isArray(value)) return `${type} of ${value.length}`
  if (typeof value === 'number' || typeof value === 'boolean') return `${type} ${String(value)}`
  return type
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'array'
  return typeof value
}

function cut(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`
}
