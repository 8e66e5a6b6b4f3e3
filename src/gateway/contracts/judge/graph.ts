// Canonical schemas as a graph of nodes: equal ones are one node, also of two documents, and a reference is an edge.
import { isObject } from '../../../core/protocol/is-object.ts'
import { type Schema, type SchemaObject, unreadable } from './schema.ts'
import { put, stable } from './stable.ts'

/** Types as bits; a number is an integer or a fraction. */
export const bit = { null: 1, boolean: 2, object: 4, array: 8, fraction: 16, integer: 32, string: 64 } as const
export const anyNumber = bit.fraction | bit.integer
export const everyType = 127

const bitsOf: Readonly<Record<string, number>> = { ...bit, number: anyNumber }

export interface Node {
  readonly id: number
  /** Accepts nothing. */
  never?: boolean
  /** Something of it cannot be read: what it refuses is not known. The text is equal for what is equal. */
  opaque?: string
  types?: number
  values?: readonly unknown[]
  minimum?: number
  maximum?: number
  exclusiveMinimum?: number
  exclusiveMaximum?: number
  multipleOf?: number
  minLength?: number
  maxLength?: number
  pattern?: string
  format?: string
  minItems?: number
  maxItems?: number
  uniqueItems?: boolean
  prefixItems?: readonly Node[]
  items?: Node
  contains?: Node
  minContains?: number
  maxContains?: number
  unevaluatedItems?: Node
  minProperties?: number
  maxProperties?: number
  required?: readonly string[]
  properties?: ReadonlyMap<string, Node>
  patternProperties?: ReadonlyMap<string, Node>
  additionalProperties?: Node
  propertyNames?: Node
  dependentRequired?: ReadonlyMap<string, readonly string[]>
  dependentSchemas?: ReadonlyMap<string, Node>
  unevaluatedProperties?: Node
  allOf?: readonly Node[]
  anyOf?: readonly Node[]
  oneOf?: readonly Node[]
  not?: Node
  if?: Node
  then?: Node
  else?: Node
  ref?: Node
}

export type Fields = Omit<Node, 'id'>

export function isTrue(node: Node): boolean {
  for (const key in node) if (key !== 'id') return false
  return true
}

const plain = [
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'minLength', 'maxLength', 'pattern', 'format'],
  ...['minItems', 'maxItems', 'uniqueItems', 'minContains', 'maxContains', 'minProperties', 'maxProperties', 'required'],
] as const
const single = ['items', 'contains', 'unevaluatedItems', 'additionalProperties', 'propertyNames', 'unevaluatedProperties', 'not'] as const
const branches = ['if', 'then', 'else'] as const
const lists = ['prefixItems', 'allOf', 'anyOf', 'oneOf'] as const
const maps = ['properties', 'patternProperties', 'dependentSchemas'] as const

/** Makes nodes; one for all documents that are compared. */
export class Graph {
  private readonly known = new Map<string, Node>()
  /** Of schemas that stand for themselves, by identity: versions of one document share most. */
  private readonly byObject = new WeakMap<object, Node>()
  private count = 0
  readonly anything = this.make({})
  readonly nothing = this.make({ never: true })

  /** The node with these fields. */
  make(fields: Fields): Node {
    const key = keyOf(fields)
    const known = this.known.get(key)
    if (known !== undefined) return known
    const node: Node = { id: this.count, ...fields }
    this.count += 1
    this.known.set(key, node)
    return node
  }

  /** A node whose target is told later: the way in which a schema holds itself. */
  reference(): Node {
    const node: Node = { id: this.count }
    this.count += 1
    return node
  }

  read(document: Schema): Node {
    const alone = !isObject(document) || !isObject(document.$defs)
    const definitions = isObject(document) && isObject(document.$defs) ? document.$defs : {}
    const references = new Map<string, Node>()
    const walk = (schema: unknown): Node => {
      if (schema === true) return this.anything
      if (schema === false) return this.nothing
      if (!isObject(schema)) return this.make({ opaque: stable(schema) })
      const known = alone ? this.byObject.get(schema) : undefined
      if (known !== undefined) return known
      const node = this.make(fieldsOf(schema, walk, refer))
      if (alone) this.byObject.set(schema, node)
      return node
    }
    const refer = (reference: string): Node | undefined => {
      const name = reference.slice('#/$defs/'.length)
      if (!reference.startsWith('#/$defs/') || !Object.hasOwn(definitions, name)) return undefined
      const known = references.get(name)
      if (known !== undefined) return known
      const node = this.reference()
      references.set(name, node)
      node.ref = walk(definitions[name])
      return node
    }
    const root = walk(document)
    for (const node of references.values()) if (isEndless(node)) breakUp(node)
    return root
  }
}

function fieldsOf(schema: SchemaObject, walk: (schema: unknown) => Node, refer: (reference: string) => Node | undefined): Fields {
  const out: Record<string, unknown> = {}
  if (Object.hasOwn(schema, unreadable)) out.opaque = stable(schema[unreadable])
  if (schema.type !== undefined) {
    const types = Array.isArray(schema.type) ? schema.type : [schema.type]
    out.types = types.reduce((mask: number, type) => mask | (bitsOf[String(type)] ?? 0), 0)
  }
  if (schema.enum !== undefined) out.values = schema.enum
  for (const key of plain) if (schema[key] !== undefined) out[key] = schema[key]
  for (const key of single) if (schema[key] !== undefined) out[key] = walk(schema[key])
  if (schema.if !== undefined) for (const key of branches) if (schema[key] !== undefined) out[key] = walk(schema[key])
  for (const key of lists) if (schema[key] !== undefined) out[key] = (schema[key] as unknown[]).map(walk)
  for (const key of maps) {
    if (schema[key] !== undefined) out[key] = new Map(Object.entries(schema[key] as object).map(([name, one]) => [name, walk(one)]))
  }
  if (schema.dependentRequired !== undefined) out.dependentRequired = new Map(Object.entries(schema.dependentRequired as object))
  if (typeof schema.$ref === 'string') {
    const target = refer(schema.$ref)
    if (target === undefined) out.opaque = `${out.opaque ?? ''}$ref ${schema.$ref}`
    else out.ref = target
  }
  return out as Fields
}

function keyOf(fields: Fields): string {
  const parts: string[] = []
  for (const key of Object.keys(fields).sort()) {
    const value = (fields as Record<string, unknown>)[key]
    if (value !== undefined) parts.push(`${key}=${textOf(value, key)}`)
  }
  return parts.join(';')
}

function textOf(value: unknown, key: string): string {
  if (key === 'values' || key === 'required') return stable(value)
  if (value instanceof Map) return `{${[...value].map(([name, one]) => `${JSON.stringify(name)}:${textOf(one, '')}`).join()}}`
  if (Array.isArray(value)) return `[${value.map((one) => textOf(one, '')).join()}]`
  return isObject(value) ? `#${value.id}` : (JSON.stringify(value) ?? '')
}

/** Nodes that apply to the same value. */
export function inPlace(node: Node): readonly Node[] {
  const found: Node[] = []
  if (node.ref !== undefined) found.push(node.ref)
  for (const list of [node.allOf, node.anyOf, node.oneOf]) if (list !== undefined) found.push(...list)
  for (const one of [node.not, node.if, node.then, node.else]) if (one !== undefined) found.push(one)
  if (node.dependentSchemas !== undefined) found.push(...node.dependentSchemas.values())
  return found
}

/** Whether it applies to its own value again. */
function isEndless(start: Node): boolean {
  const seen = new Set<Node>()
  const waiting = [...inPlace(start)]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (next === start) return true
    if (seen.has(next)) continue
    seen.add(next)
    waiting.push(...inPlace(next))
  }
  return false
}

function breakUp(node: Node): void {
  delete node.ref
  node.opaque = `endless ${node.id}`
}

/** The node as a schema again, for who runs it: every shared node that holds itself has a name. */
export function written(root: Node): Schema {
  const names = new Map<Node, string>()
  const definitions: Record<string, unknown> = {}
  const write = (node: Node): Schema => {
    if (node.never === true) return false
    const out: Record<string, unknown> = {}
    if (node.opaque !== undefined) out[unreadable] = node.opaque
    if (node.types !== undefined) out.type = typeList(node.types)
    if (node.values !== undefined) out.enum = node.values
    for (const key of plain) if (node[key] !== undefined) out[key] = node[key]
    for (const key of [...single, ...branches]) if (node[key] !== undefined) out[key] = write(node[key])
    for (const key of lists) if (node[key] !== undefined) out[key] = node[key].map(write)
    for (const key of maps) {
      if (node[key] === undefined) continue
      const map: Record<string, unknown> = {}
      for (const [name, one] of node[key]) put(map, name, write(one))
      out[key] = map
    }
    if (node.dependentRequired !== undefined) out.dependentRequired = Object.fromEntries(node.dependentRequired)
    if (node.ref !== undefined) {
      let name = names.get(node)
      if (name === undefined) {
        name = `n${names.size}`
        names.set(node, name)
        definitions[name] = true
        definitions[name] = write(node.ref)
      }
      out.$ref = `#/$defs/${name}`
    }
    return Object.keys(out).length === 0 ? true : out
  }
  const top = write(root)
  return names.size === 0 || typeof top === 'boolean' ? top : { ...top, $defs: definitions }
}

function typeList(types: number): string[] {
  const list: string[] = []
  for (const type of ['null', 'boolean', 'object', 'array', 'string'] as const) if ((types & bit[type]) !== 0) list.push(type)
  if ((types & bit.fraction) !== 0) list.push('number')
  else if ((types & bit.integer) !== 0) list.push('integer')
  return list
}
