// Values that come near to what a schema accepts, by its words alone and without the product's reading of them.
import { type Generated, type Json, literals, names } from './generate.ts'
import type { Chance } from './random.ts'

const texts = ['x', 'xy', 'ab', 'abc', 'y', '', 'b', 'xb', 'a@example.com', '1999-12-31', 'abcab', 'xyzzy']
const wanderers = ['e', 'z', 'az', 'cc']

export function valueNear(schema: Generated, by: Chance, depth = 4): Json {
  if (typeof schema === 'boolean' || depth <= 0 || by.percent(4)) return anything(by, depth)
  const choices = [schema.anyOf, schema.oneOf].filter(Array.isArray) as Generated[][]
  const parts: Record<string, Json>[] = [schema]
  for (const list of choices) parts.push(plain(by.pick(list)))
  if (Array.isArray(schema.allOf)) for (const one of schema.allOf as Generated[]) parts.push(plain(one))
  if (schema.if !== undefined && schema.then !== undefined && by.percent(50))
    parts.push(plain(schema.then as Generated), plain(schema.if as Generated))
  else if (schema.else !== undefined) parts.push(plain(schema.else as Generated))
  for (const one of Object.values((schema.dependentSchemas as Record<string, Generated> | undefined) ?? {})) {
    if (by.percent(50)) parts.push(plain(one))
  }
  const deeper = parts.slice(1).find((part) => part.anyOf !== undefined || part.oneOf !== undefined || part.allOf !== undefined)
  if (deeper !== undefined && by.percent(50)) return valueNear({ ...without(schema), ...deeper }, by, depth - 1)
  const values = parts.flatMap((part) => (Array.isArray(part.enum) ? part.enum : 'const' in part ? [part.const] : []))
  if (values.length > 0 && by.percent(90)) return by.pick(values)
  const type = typeOf(parts, by)
  if (type === 'object') return objectNear(parts, by, depth)
  if (type === 'array') return arrayNear(parts, by, depth)
  if (type === 'string') return by.pick(texts)
  if (type === 'integer') return by.int(9) - 2
  if (type === 'number') return by.percent(50) ? by.int(9) - 2 : (by.int(20) - 4) / 2
  if (type === 'boolean') return by.percent(50)
  if (type === 'null') return null
  return anything(by, depth)
}

function without(schema: Record<string, Json>): Record<string, Json> {
  const { anyOf: _any, oneOf: _one, allOf: _all, ...rest } = schema
  return rest
}

function plain(one: Generated): Record<string, Json> {
  return typeof one === 'boolean' ? {} : one
}

function typeOf(parts: readonly Record<string, Json>[], by: Chance): string {
  for (const part of parts) {
    if (typeof part.type === 'string') return part.type
    if (Array.isArray(part.type)) return by.pick(part.type as string[])
  }
  if (parts.some((part) => part.properties !== undefined || part.required !== undefined)) return 'object'
  if (parts.some((part) => part.items !== undefined || part.contains !== undefined)) return 'array'
  return by.pick(['object', 'string', 'integer', 'null', 'array'])
}

function anything(by: Chance, depth: number): Json {
  const kind = by.int(10)
  if (kind < 7 || depth <= 0) return by.pick([...literals, ...texts])
  if (kind < 9) return Object.fromEntries(names.filter(() => by.percent(40)).map((name) => [name, anything(by, depth - 2)]))
  return Array.from({ length: by.int(3) }, () => anything(by, depth - 2))
}

function objectNear(parts: readonly Record<string, Json>[], by: Chance, depth: number): Json {
  const given = new Map<string, Generated>()
  for (const part of parts) {
    for (const [name, one] of Object.entries((part.properties as Record<string, Generated> | undefined) ?? {})) given.set(name, one)
  }
  const required = new Set(parts.flatMap((part) => (Array.isArray(part.required) ? (part.required as string[]) : [])))
  const share = by.pick([0, 30, 60, 100])
  const made: Record<string, Json> = {}
  for (const name of new Set([...given.keys(), ...required])) {
    if (!required.has(name) && !by.percent(share)) continue
    if (required.has(name) && by.percent(2)) continue
    made[name] = valueNear(given.get(name) ?? true, by, depth - 1)
  }
  if (by.percent(12)) {
    const rest = parts.map((part) => part.additionalProperties).find((one) => one !== undefined) as Generated | undefined
    made[by.pick([...names, ...wanderers])] = valueNear(rest ?? true, by, depth - 1)
  }
  return made
}

function arrayNear(parts: readonly Record<string, Json>[], by: Chance, depth: number): Json {
  const items = (parts.map((part) => part.items).find((one) => one !== undefined) ?? true) as Generated
  const contains = parts.map((part) => part.contains).find((one) => one !== undefined) as Generated | undefined
  const prefix = (parts.map((part) => part.prefixItems).find(Array.isArray) ?? []) as Generated[]
  const length = by.int(4) + (by.percent(30) ? prefix.length : 0)
  return Array.from({ length }, (_, index) => {
    if (contains !== undefined && by.percent(30)) return valueNear(contains, by, depth - 1)
    return valueNear(prefix[index] ?? items, by, depth - 1)
  })
}
