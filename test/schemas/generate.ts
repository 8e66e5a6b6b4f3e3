// Schemas that use every keyword that judges, small and with few names, so that what is said in one place meets what is said in another.
import type { Chance } from './random.ts'

export type Json = unknown
export type Generated = boolean | Record<string, Json>

export const names = ['a', 'b', 'c', 'd'] as const
export const literals: readonly Json[] = ['x', 'y', 'ab', '', 0, 1, 2, 5, 1.5, -1, true, false, null]
export const patterns = ['^x', 'b$', '^[a-c]+$', 'y'] as const
export const namePatterns = ['^a', '^[cd]', 'z'] as const
export const formats = ['email', 'date'] as const

/** What a run looks at more than at the rest. */
export type Focus = 'all' | 'declared' | 'logic'

export function schema(by: Chance, depth: number, focus: Focus): Generated {
  if (by.percent(3)) return by.percent(60)
  const kind = by.int(100)
  const out: Record<string, Json> =
    depth <= 0 || kind < 35 ? scalar(by) : kind < 80 ? object(by, depth, focus) : kind < 92 ? array(by, depth, focus) : {}
  if (depth > 0 && by.percent(focus === 'logic' ? 60 : 18)) logic(out, by, depth, focus)
  return out
}

/** An input schema: an object. */
export function input(by: Chance, focus: Focus): Record<string, Json> {
  const out = object(by, 3, focus)
  if (by.percent(focus === 'logic' ? 70 : 25)) logic(out, by, 2, focus)
  return out
}

function some<T>(by: Chance, list: readonly T[], percent: number): T[] {
  return list.filter(() => by.percent(percent))
}

function scalar(by: Chance): Record<string, Json> {
  const kind = by.int(9)
  if (kind === 0) return { enum: [...new Set([by.pick(literals), by.pick(literals), by.pick(literals)])] }
  if (kind === 1) return { const: by.pick(literals) }
  if (kind === 2) return { type: 'boolean' }
  if (kind === 3) return { type: by.percent(50) ? ['string', 'null'] : ['integer', 'string'] }
  const out: Record<string, Json> = {}
  if (kind < 7) {
    if (by.percent(90)) out.type = 'string'
    if (by.percent(25)) out.minLength = by.int(3)
    if (by.percent(25)) out.maxLength = 1 + by.int(4)
    if (by.percent(15)) out.pattern = by.pick(patterns)
    if (by.percent(8)) out.format = by.pick(formats)
    return out
  }
  if (by.percent(90)) out.type = by.percent(50) ? 'integer' : 'number'
  if (by.percent(30)) out[by.percent(70) ? 'minimum' : 'exclusiveMinimum'] = by.int(4) - 1
  if (by.percent(30)) out[by.percent(70) ? 'maximum' : 'exclusiveMaximum'] = 1 + by.int(6)
  if (by.percent(15)) out.multipleOf = by.pick([1, 2, 3, 4, 6, 0.5])
  return out
}

function object(by: Chance, depth: number, focus: Focus): Record<string, Json> {
  const out: Record<string, Json> = {}
  if (by.percent(92)) out.type = 'object'
  const given = some(by, names, 60)
  if (given.length > 0) out.properties = Object.fromEntries(given.map((name) => [name, schema(by, depth - 1, focus)]))
  if (by.percent(50)) out.required = some(by, by.percent(90) ? given : names, 50)
  const open = by.int(100)
  if (focus === 'declared') {
    if (open < 12) out.additionalProperties = by.percent(70) ? false : schema(by, depth - 1, focus)
    return out
  }
  if (open < 20) out.additionalProperties = false
  else if (open < 32) out.additionalProperties = schema(by, depth - 2, focus)
  if (by.percent(12)) out.patternProperties = { [by.pick(namePatterns)]: schema(by, depth - 2, focus) }
  if (by.percent(6)) out.propertyNames = by.percent(50) ? { enum: some(by, names, 70) } : { [by.pick(['maxLength', 'minLength'])]: 1 }
  if (by.percent(6)) out.minProperties = by.int(3)
  if (by.percent(6)) out.maxProperties = 1 + by.int(4)
  if (by.percent(focus === 'logic' ? 15 : 6)) out.dependentRequired = { [by.pick(names)]: [by.pick(names)] }
  if (by.percent(focus === 'logic' ? 20 : 6)) out.dependentSchemas = { [by.pick(names)]: schema(by, depth - 1, focus) }
  if (by.percent(5)) out.unevaluatedProperties = by.percent(70) ? false : schema(by, depth - 2, focus)
  return out
}

function array(by: Chance, depth: number, focus: Focus): Record<string, Json> {
  const out: Record<string, Json> = {}
  if (by.percent(92)) out.type = 'array'
  if (by.percent(70)) out.items = schema(by, depth - 1, focus)
  if (by.percent(20)) out.prefixItems = Array.from({ length: 1 + by.int(2) }, () => schema(by, depth - 1, focus))
  if (by.percent(20)) out.minItems = by.int(3)
  if (by.percent(20)) out.maxItems = by.int(4)
  if (by.percent(12)) out.uniqueItems = true
  if (by.percent(12)) {
    out.contains = schema(by, depth - 1, focus)
    if (by.percent(30)) out.minContains = by.int(3)
    if (by.percent(30)) out.maxContains = 1 + by.int(2)
  }
  if (by.percent(5)) out.unevaluatedItems = by.percent(70) ? false : schema(by, depth - 1, focus)
  return out
}

function logic(out: Record<string, Json>, by: Chance, depth: number, focus: Focus): void {
  const kind = by.int(focus === 'logic' ? 7 : 6)
  const one = (): Generated => schema(by, depth - 1, focus)
  if (kind === 0) out.allOf = [one(), one()]
  else if (kind === 1) out.anyOf = [one(), one()]
  else if (kind === 2) out.oneOf = by.percent(50) ? [one(), one()] : [one(), one(), one()]
  else if (kind === 3 || kind === 6) out.not = by.percent(40) ? { required: [by.pick(names)] } : one()
  else if (kind === 4) {
    out.if = by.percent(50) ? { properties: { [by.pick(names)]: { const: by.pick(literals) } } } : one()
    const yes = 'then'
    if (by.percent(80)) out[yes] = by.percent(50) ? { required: [by.pick(names)] } : one()
    if (by.percent(50)) out.else = one()
  } else if (out.enum === undefined && out.const === undefined) {
    out.anyOf = [{ const: by.pick(literals) }, { type: by.pick(['string', 'integer', 'null', 'object']) }]
  }
}
