// One schema, whose subschemas are canonical, folded: each fold leaves what it accepts as it is. Where the document looks at annotations
// (`unevaluated*`), those that would change them are left out.
import { isObject } from '../../../core/protocol/is-object.ts'
import { groups, type Schema, type SchemaObject, type TypeName, typeNames, typeOfKeyword } from './schema.ts'
import { distinct, equal, stable } from './stable.ts'
import { foldUnion } from './unions.ts'

type Draft = Record<string, unknown>

/** `draft` is changed. */
export function fold(draft: Draft, annotated: boolean): Schema {
  // Each round either takes a keyword away or is the last but one.
  for (let round = 0; round < 8; round += 1) {
    const before = stable(draft)
    if (foldOnce(draft, annotated) === false) return false
    if (stable(draft) === before) break
  }
  return Object.keys(draft).length === 0 ? true : draft
}

function foldOnce(draft: Draft, annotated: boolean): boolean {
  if (typeof draft.type === 'string') draft.type = [draft.type]
  trivial(draft, annotated)
  if (draft.not === true) return false
  if (!conjunction(draft)) return false
  for (const key of ['anyOf', 'oneOf'] as const) {
    const branches = draft[key] as Schema[] | undefined
    if (branches === undefined) continue
    const union = foldUnion(key, branches, annotated)
    if (union.branches.length === 0) return false
    if (union.key !== key && draft[union.key] !== undefined) {
      draft[key] = union.branches
      continue
    }
    delete draft[key]
    const [only] = union.branches
    if (union.branches.length === 1 && only !== undefined) {
      if (only !== true) draft.allOf = [...((draft.allOf as Schema[] | undefined) ?? []), only]
    } else draft[union.key] = union.branches
  }
  if (!conjunction(draft)) return false
  return valuesAndTypes(draft)
}

/** Off with what says nothing. */
function trivial(draft: Draft, annotated: boolean): void {
  for (const key of ['minLength', 'minItems', 'minProperties'] as const) if (draft[key] === 0) delete draft[key]
  if (draft.uniqueItems === false) delete draft.uniqueItems
  for (const key of ['properties', 'patternProperties', 'dependentSchemas', 'dependentRequired'] as const) {
    if (isObject(draft[key]) && Object.keys(draft[key]).length === 0) delete draft[key]
  }
  if (Array.isArray(draft.required)) {
    draft.required = distinct(draft.required)
    if ((draft.required as unknown[]).length === 0) delete draft.required
  }
  if (isObject(draft.dependentRequired)) {
    const kept = Object.entries(draft.dependentRequired).filter(([, names]) => (names as string[]).length > 0)
    draft.dependentRequired = Object.fromEntries(kept.map(([name, names]) => [name, distinct(names as string[])]))
  }
  if (draft.propertyNames === true || saysOnlyText(draft.propertyNames)) delete draft.propertyNames
  if (draft.not === false) delete draft.not
  if (draft.minContains === 1 || draft.contains === undefined) delete draft.minContains
  if (draft.contains === undefined) delete draft.maxContains
  if (draft.if === undefined) {
    delete draft.then
    delete draft.else
  }
  if (draft.then === true) delete draft.then
  if (draft.else === true) delete draft.else
  if (annotated) return
  if (draft.items === true) delete draft.items
  // Beside no names it says that any name is wanted.
  if (draft.additionalProperties === true && draft.properties !== undefined) delete draft.additionalProperties
  if (draft.if !== undefined && draft.then === undefined && draft.else === undefined) delete draft.if
  if (draft.contains !== undefined && draft.minContains === 0 && draft.maxContains === undefined) {
    delete draft.contains
    delete draft.minContains
  }
}

function saysOnlyText(schema: unknown): boolean {
  return isObject(schema) && equal(schema, { type: 'string' })
}

/** `allOf`: its own `allOf`s are written out, a single one is merged where neither sees the other; false where nothing is accepted. */
function conjunction(draft: Draft): boolean {
  if (draft.allOf === undefined) return true
  const all = (draft.allOf as Schema[]).flatMap((one) =>
    isObject(one) && Object.keys(one).join() === 'allOf' ? (one.allOf as Schema[]) : [one],
  )
  if (all.includes(false)) return false
  const kept = distinct(all.filter((one) => one !== true)) as SchemaObject[]
  delete draft.allOf
  const [only] = kept
  if (kept.length === 1 && only !== undefined && mergeable(draft, only)) merge(draft, only)
  else if (kept.length > 0) draft.allOf = kept
  return true
}

function asTypes(type: unknown): readonly TypeName[] {
  return (Array.isArray(type) ? type : [type]) as TypeName[]
}

function mergeable(draft: Draft, other: SchemaObject): boolean {
  const sees = (schema: SchemaObject): boolean => 'unevaluatedItems' in schema || 'unevaluatedProperties' in schema
  if (sees(draft) || sees(other)) return false
  for (const group of groups) {
    const here = group.filter((key) => key in draft)
    const there = group.filter((key) => key in other)
    if (here.length === 0 || there.length === 0) continue
    if (here.join() !== there.join() || !here.every((key) => equal(draft[key], other[key]))) return false
  }
  return Object.keys(other).every(
    (key) => !(key in draft) || key === 'type' || key === 'required' || key === 'enum' || equal(draft[key], other[key]),
  )
}

function merge(draft: Draft, other: SchemaObject): void {
  for (const [key, value] of Object.entries(other)) {
    if (!(key in draft)) draft[key] = value
    else if (key === 'type') draft.type = common(asTypes(draft.type), asTypes(value))
    else if (key === 'required') draft.required = distinct([...(draft.required as string[]), ...(value as string[])])
    else if (key === 'enum') {
      const allowed = new Set((value as unknown[]).map(stable))
      draft.enum = (draft.enum as unknown[]).filter((one) => allowed.has(stable(one)))
    }
  }
}

/** An integer is a number. */
function common(a: readonly TypeName[], b: readonly TypeName[]): TypeName[] {
  const includes = (list: readonly TypeName[], type: TypeName): boolean =>
    list.includes(type) || (type === 'integer' && list.includes('number'))
  return typeNames.filter((type) => includes(a, type) && includes(b, type))
}

export function typeOfValue(value: unknown): TypeName {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value as TypeName
}

function valuesAndTypes(draft: Draft): boolean {
  if (draft.type !== undefined) {
    const types = asTypes(draft.type)
    const all = typeNames.filter((type) => types.includes(type) && !(type === 'integer' && types.includes('number')))
    if (all.length === 0) return false
    if (all.length === typeNames.length - 1) delete draft.type
    else draft.type = all.length === 1 ? all[0] : all
  }
  if (draft.enum !== undefined) {
    const types = draft.type === undefined ? undefined : asTypes(draft.type)
    const fits = (value: unknown): boolean => {
      const type = typeOfValue(value)
      return types === undefined || types.includes(type) || (type === 'integer' && types.includes('number'))
    }
    draft.enum = distinct((draft.enum as unknown[]).filter(fits))
    if ((draft.enum as unknown[]).length === 0) return false
    delete draft.type
  }
  const types =
    draft.enum !== undefined ? (draft.enum as unknown[]).map(typeOfValue) : draft.type === undefined ? undefined : asTypes(draft.type)
  if (types !== undefined) impossible(draft, types)
  return true
}

/** Off with the keywords of types that no value has, and with what a number of JSON keeps anyway. */
function impossible(draft: Draft, types: readonly TypeName[]): void {
  for (const key of Object.keys(draft)) {
    const about = typeOfKeyword(key)
    if (about === undefined || (types as readonly string[]).includes(about)) continue
    if (about === 'number' && types.includes('integer')) continue
    delete draft[key]
  }
  if (!types.includes('integer') || types.includes('number')) return
  if (draft.minimum === Number.MIN_SAFE_INTEGER) delete draft.minimum
  if (draft.maximum === Number.MAX_SAFE_INTEGER) delete draft.maximum
}
