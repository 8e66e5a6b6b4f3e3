// Reads `x-mcp-header` declarations of a tool's input schema (MCP 2026-07-28 §transports, "Schema extension"). One that breaks a rule makes
// the whole tool invalid: clients and the gateway could otherwise disagree on what a header says.

import type { HeaderParam } from '../call/item.ts'
import { isToken } from './headers.ts'
import { isObject } from './is-object.ts'
import { pointer } from './json-pointer.ts'
import { header } from './names.ts'

/** The first rule that a declaration breaks. */
export interface BrokenDeclaration {
  /** JSON Pointer (RFC 6901) into the tool's definition. */
  readonly path: string
  readonly reason: string
}

const keyword = 'x-mcp-header'
const permitted: ReadonlySet<unknown> = new Set(['string', 'integer', 'boolean'])
/** Deepest schema that is searched; a deeper one is refused by the schema gate anyway. */
const deepest = 64

/** Keywords whose subschemas an argument does not reach through `properties` alone. */
const single = [
  'items',
  'additionalProperties',
  'not',
  'if',
  'then',
  'else',
  'contains',
  'propertyNames',
  'unevaluatedItems',
  'unevaluatedProperties',
  'contentSchema',
]
const several = ['oneOf', 'anyOf', 'allOf', 'prefixItems', 'items']
const named = ['patternProperties', 'dependentSchemas', '$defs', 'definitions', 'dependencies']

/** The declared parameters, or the first rule that is broken. */
export function headerParams(inputSchema: Readonly<Record<string, unknown>>): readonly HeaderParam[] | BrokenDeclaration {
  const found: HeaderParam[] = []
  const broken = visit(inputSchema, [], ['inputSchema'], found)
  return broken ?? found
}

/** `path` is the property path, undefined where the schema is not statically reachable; `at` is where it stands. */
function visit(
  node: unknown,
  path: readonly string[] | undefined,
  at: readonly string[],
  found: HeaderParam[],
): BrokenDeclaration | undefined {
  if (!isObject(node) || at.length > 2 * deepest) return undefined
  if (Object.hasOwn(node, keyword)) {
    const broken = declare(node, path, at, found)
    if (broken !== undefined) return broken
  }
  for (const [key, child] of entries(node.properties)) {
    const broken = visit(child, path === undefined ? undefined : [...path, key], [...at, 'properties', key], found)
    if (broken !== undefined) return broken
  }
  for (const [where, child] of elsewhere(node)) {
    const broken = visit(child, undefined, [...at, ...where], found)
    if (broken !== undefined) return broken
  }
  return undefined
}

function declare(
  node: Readonly<Record<string, unknown>>,
  path: readonly string[] | undefined,
  at: readonly string[],
  found: HeaderParam[],
): BrokenDeclaration | undefined {
  const name = node[keyword]
  const where = pointer([...at, keyword])
  if (path === undefined || path.length === 0) return { path: where, reason: `${keyword} stands where no chain of properties leads` }
  if (typeof name !== 'string' || !isToken(name)) return { path: where, reason: `${keyword} is no header token` }
  const type = node.type
  if (type !== 'string' && type !== 'integer' && type !== 'boolean') {
    return { path: where, reason: `${keyword} needs a property of type ${[...permitted].join(', ')}` }
  }
  const full = `${header.paramPrefix}${name.toLowerCase()}`
  if (found.some((other) => other.header === full)) return { path: where, reason: `${keyword} ${JSON.stringify(name)} is given twice` }
  found.push({ path, header: full, type })
  return undefined
}

function* elsewhere(node: Readonly<Record<string, unknown>>): Iterable<[readonly string[], unknown]> {
  for (const key of single) if (isObject(node[key])) yield [[key], node[key]]
  for (const key of several) {
    const list = node[key]
    if (Array.isArray(list)) for (const [index, child] of list.entries()) yield [[key, String(index)], child]
  }
  for (const key of named) for (const [name, child] of entries(node[key])) yield [[key, name], child]
}

function entries(value: unknown): [string, unknown][] {
  return isObject(value) ? Object.entries(value) : []
}
