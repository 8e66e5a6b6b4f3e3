// A schema changed in one place, as servers change theirs.
import { type Focus, type Generated, type Json, literals, names, schema } from './generate.ts'
import type { Chance } from './random.ts'

type Place = { readonly holder: Record<string, Json> | Json[]; readonly key: string | number; readonly at: Generated }

export function edited(original: Record<string, Json>, by: Chance, focus: Focus): Record<string, Json> {
  const copy = structuredClone(original)
  const times = 1 + by.int(3)
  for (let time = 0; time < times; time += 1) edit(copy, by, focus)
  return copy
}

function edit(root: Record<string, Json>, by: Chance, focus: Focus): void {
  const places = placesOf(root)
  const place = by.pick([{ holder: [root] as Json[], key: 0, at: root as Generated }, ...places])
  const { at } = place
  if (typeof at === 'boolean') {
    ;(place.holder as Record<string | number, Json>)[place.key] = schema(by, 1, focus)
    return
  }
  const kind = by.int(12)
  if (kind === 0 && place.at !== root) (place.holder as Record<string | number, Json>)[place.key] = schema(by, 1, focus)
  else if (kind <= 2) addName(at, by, focus)
  else if (kind === 3) dropName(at, by)
  else if (kind <= 5) turnRequired(at, by)
  else if (kind === 6) widen(at, by)
  else if (kind === 7) drop(at, by)
  else if (kind === 8) at.additionalProperties = by.percent(50) ? false : schema(by, 1, focus)
  else if (kind === 9) values(at, by)
  else if (kind === 10) Object.assign(at, picked(schema(by, 1, focus), by))
  else rearrange(at, by, focus)
}

function properties(at: Record<string, Json>): Record<string, Generated> {
  return (typeof at.properties === 'object' && at.properties !== null ? at.properties : {}) as Record<string, Generated>
}

function addName(at: Record<string, Json>, by: Chance, focus: Focus): void {
  const name = by.pick([...names, 'e'])
  at.properties = { ...properties(at), [name]: schema(by, 1, focus) }
}

function dropName(at: Record<string, Json>, by: Chance): void {
  const given = Object.keys(properties(at))
  if (given.length === 0) return
  const gone = by.pick(given)
  at.properties = Object.fromEntries(Object.entries(properties(at)).filter(([name]) => name !== gone))
  if (Array.isArray(at.required) && by.percent(70)) at.required = at.required.filter((name) => name !== gone)
}

function turnRequired(at: Record<string, Json>, by: Chance): void {
  const required = new Set(Array.isArray(at.required) ? (at.required as string[]) : [])
  const name = by.pick(names)
  if (required.has(name) || by.percent(40)) required.delete(name)
  else required.add(name)
  at.required = [...required]
}

function widen(at: Record<string, Json>, by: Chance): void {
  if (at.type === 'integer') at.type = 'number'
  else if (typeof at.type === 'string' && at.type !== 'object')
    at.type = [at.type, by.pick(['null', 'string', 'boolean'].filter((one) => one !== at.type))]
  for (const key of ['minimum', 'minLength', 'minItems', 'exclusiveMinimum'])
    if (typeof at[key] === 'number' && by.percent(70)) at[key] = Math.max(0, (at[key] as number) - 1)
  for (const key of ['maximum', 'maxLength', 'maxItems', 'exclusiveMaximum'])
    if (typeof at[key] === 'number' && by.percent(70)) at[key] = (at[key] as number) + 1
}

function drop(at: Record<string, Json>, by: Chance): void {
  const keys = Object.keys(at)
  if (keys.length > 0) delete at[by.pick(keys)]
}

function values(at: Record<string, Json>, by: Chance): void {
  if (Array.isArray(at.enum)) {
    if (by.percent(60)) at.enum = [...new Set([...at.enum, by.pick(literals)])]
    else if (at.enum.length > 1) at.enum = at.enum.slice(1)
  } else if ('const' in at) {
    at.enum = [...new Set([at.const, by.pick(literals)])]
    delete at.const
  } else at.description = 'said otherwise'
}

function picked(from: Generated, by: Chance): Record<string, Json> {
  if (typeof from === 'boolean') return {}
  return Object.fromEntries(Object.entries(from).filter(() => by.percent(50)))
}

/** What mostly means the same, written otherwise; and alternatives that come and go. */
function rearrange(at: Record<string, Json>, by: Chance, focus: Focus): void {
  for (const key of ['anyOf', 'oneOf'] as const) {
    const list = at[key]
    if (!Array.isArray(list)) continue
    const kind = by.int(4)
    if (kind === 0) at[key] = [...list, schema(by, 1, focus)]
    else if (kind === 1 && list.length > 1) at[key] = list.slice(1)
    else if (kind === 2) {
      delete at[key]
      at[key === 'anyOf' ? 'oneOf' : 'anyOf'] = list
    } else at[key] = [...list].reverse()
    return
  }
  const inner = { ...at }
  for (const key of Object.keys(at)) delete at[key]
  const kind = by.int(3)
  if (kind === 0) at.allOf = [inner]
  else if (kind === 1) at.anyOf = [inner, schema(by, 1, focus)]
  else at.oneOf = [inner, schema(by, 1, focus)]
  if (inner.type === 'object') at.type = 'object'
}

function placesOf(root: Record<string, Json>): Place[] {
  const found: Place[] = []
  const add = (holder: Record<string, Json> | Json[], key: string | number, value: Json): void => {
    if (typeof value === 'boolean') found.push({ holder, key, at: value })
    else if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      found.push({ holder, key, at: value as Record<string, Json> })
      visit(value as Record<string, Json>)
    }
  }
  const visit = (at: Record<string, Json>): void => {
    for (const key of ['items', 'additionalProperties', 'not', 'if', 'then', 'else', 'contains', 'unevaluatedProperties']) {
      if (at[key] !== undefined) add(at, key, at[key])
    }
    for (const key of ['properties', 'patternProperties', 'dependentSchemas']) {
      const map = at[key]
      if (typeof map === 'object' && map !== null)
        for (const [name, one] of Object.entries(map)) add(map as Record<string, Json>, name, one)
    }
    for (const key of ['allOf', 'anyOf', 'oneOf', 'prefixItems']) {
      const list = at[key]
      if (Array.isArray(list)) for (const [index, one] of list.entries()) add(list, index, one)
    }
  }
  visit(root)
  return found
}
