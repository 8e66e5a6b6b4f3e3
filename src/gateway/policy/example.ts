// Builds a small example of arguments from a schema, for the fault that tells an agent what was wrong. It shows the required
// properties only, prefers what the schema itself offers (examples, defaults), and is a hint: it need not satisfy every keyword.

const deepest = 5
const longest = 1_024

/** An example, or undefined where none of bounded size can be made. */
export function exampleOf(schema: unknown): unknown {
  const example = build(schema, schema, 0)
  return example === undefined || JSON.stringify(example).length > longest ? undefined : example
}

function build(schema: unknown, root: unknown, depth: number): unknown {
  if (!isObject(schema) || depth > deepest) return undefined
  const offered = offer(schema)
  if (offered !== undefined) return offered
  if (typeof schema.$ref === 'string') return build(follow(schema.$ref, root), root, depth + 1)
  for (const key of ['allOf', 'anyOf', 'oneOf']) {
    const branch = Array.isArray(schema[key]) ? schema[key] : []
    if (schema.type === undefined && branch.length > 0) return build(branch[0], root, depth + 1)
  }
  return byType(schema, root, depth)
}

function offer(schema: Record<string, unknown>): unknown {
  if (schema.const !== undefined) return schema.const
  if (Array.isArray(schema.examples) && schema.examples.length > 0) return schema.examples[0]
  if (schema.default !== undefined) return schema.default
  if (Array.isArray(schema.enum) && schema.enum.length > 0) return schema.enum[0]
  return undefined
}

function byType(schema: Record<string, unknown>, root: unknown, depth: number): unknown {
  const type = Array.isArray(schema.type) ? schema.type[0] : (schema.type ?? (isObject(schema.properties) ? 'object' : undefined))
  switch (type) {
    case 'object':
      return object(schema, root, depth)
    case 'array':
      return array(schema, root, depth)
    case 'string':
      return text(schema)
    case 'integer':
    case 'number':
      return number(schema, type === 'integer')
    case 'boolean':
      return true
    case 'null':
      return null
    default:
      return undefined
  }
}

function object(schema: Record<string, unknown>, root: unknown, depth: number): unknown {
  const required = Array.isArray(schema.required) ? schema.required.filter((name) => typeof name === 'string') : []
  const properties = isObject(schema.properties) ? schema.properties : {}
  const out: Record<string, unknown> = {}
  for (const name of required.slice(0, 20)) {
    const value = Object.hasOwn(properties, name) ? build(properties[name], root, depth + 1) : undefined
    if (name !== '__proto__') out[name] = value ?? '…'
  }
  return out
}

function array(schema: Record<string, unknown>, root: unknown, depth: number): unknown[] {
  const element = build(schema.items, root, depth + 1)
  const least = typeof schema.minItems === 'number' ? schema.minItems : 1
  return element === undefined ? [] : Array.from({ length: Math.min(Math.max(least, 1), 3) }, () => element)
}

const formats: Readonly<Record<string, string>> = {
  'date-time': '1999-12-31T12:00:00Z',
  date: '1999-12-31',
  time: '12:00:00Z',
  email: 'someone@example.com',
  uri: 'https://example.com/',
  uuid: '00000000-0000-4000-8000-000000000000',
}

function text(schema: Record<string, unknown>): string {
  const plain = (typeof schema.format === 'string' ? formats[schema.format] : undefined) ?? 'text'
  const least = typeof schema.minLength === 'number' ? schema.minLength : 0
  const most = typeof schema.maxLength === 'number' ? schema.maxLength : plain.length
  return plain.padEnd(Math.min(least, 64), 'x').slice(0, Math.max(most, least))
}

function number(schema: Record<string, unknown>, whole: boolean): number {
  const { minimum, exclusiveMinimum, maximum } = schema
  if (typeof minimum === 'number') return whole ? Math.ceil(minimum) : minimum
  if (typeof exclusiveMinimum === 'number') return Math.floor(exclusiveMinimum) + 1
  return typeof maximum === 'number' && maximum < 1 ? Math.floor(maximum) : 1
}

function follow(reference: string, root: unknown): unknown {
  if (reference === '#') return root
  if (!reference.startsWith('#/')) return undefined
  let value = root
  for (const part of reference.slice(2).split('/')) {
    const key = unescapeToken(part)
    if (!isObject(value) || !Object.hasOwn(value, key)) return undefined
    value = value[key]
  }
  return value
}

import { isObject } from '../../core/protocol/is-object.ts'
import { unescapeToken } from '../../core/protocol/json-pointer.ts'
