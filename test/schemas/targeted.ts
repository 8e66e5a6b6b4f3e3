// Pairs in which `not`, `oneOf`, `dependentSchemas`, names that nobody gives or items decide: plain objects, one such rule more or another.
import type { Json } from './generate.ts'
import type { Chance } from './random.ts'

const names = ['a', 'b', 'c', 'd'] as const
const values = ['x', 'y', 'z'] as const

export function targeted(by: Chance): { old: Record<string, Json>; now: Record<string, Json> } {
  const given = names.filter(() => by.percent(75))
  const properties = Object.fromEntries(
    given.map((name) => [name, by.percent(50) ? { enum: [...values].slice(0, 2) } : { type: 'string', maxLength: 3 }]),
  )
  const old: Record<string, Json> = { type: 'object', properties, required: given.filter(() => by.percent(45)) }
  if (by.percent(30)) old.additionalProperties = false
  if (by.percent(40)) Object.assign(old, rule(by))
  const now: Record<string, Json> = { ...old, ...rule(by) }
  if (by.percent(30)) now.properties = { ...properties, e: { type: 'string' } }
  if (by.percent(30)) {
    old.properties = { ...properties, l: list(by) }
    now.properties = { ...(now.properties as object), l: list(by) }
  }
  return { old, now }
}

function list(by: Chance): Json {
  return { type: 'array', items: by.pick([true, { type: 'string' }, { enum: ['x'] }]) }
}

function rule(by: Chance): Record<string, Json> {
  const kind = by.int(5)
  if (kind === 0) return { not: part(by) }
  if (kind === 1) return { oneOf: by.percent(70) ? [part(by), part(by)] : [part(by), part(by), part(by)] }
  if (kind === 3) return { additionalProperties: by.pick([true, { type: 'string' }, { enum: ['x', 'y'] }, { enum: ['x'] }]) }
  if (kind === 4) return { patternProperties: { '^[ab]': by.pick([{ type: 'string' }, { enum: ['x'] }]) } }
  return { dependentSchemas: { [by.pick(names)]: part(by) } }
}

function part(by: Chance): Json {
  const name = by.pick(names)
  const kind = by.int(6)
  if (kind === 0) return { required: [name] }
  if (kind === 1) return { properties: { [name]: { const: by.pick(values) } } }
  if (kind === 2) return { properties: { [name]: { const: by.pick(values) } }, required: [name] }
  if (kind === 3) return { properties: { [name]: { type: 'string' } } }
  if (kind === 4) return { required: [name, by.pick(names)] }
  return { not: { required: [name] } }
}
