// Alternatives (`anyOf`, `oneOf`) folded: what is a list of types or of values is written as one.
import { type Schema, type SchemaObject, type TypeName, typeNames, typeOfKeyword } from './schema.ts'
import { distinct, stable } from './stable.ts'

interface Union {
  readonly key: 'anyOf' | 'oneOf'
  /** None: nothing is accepted. */
  readonly branches: readonly Schema[]
}

export function foldUnion(key: 'anyOf' | 'oneOf', given: readonly Schema[], annotated: boolean): Union {
  const branches = given.filter((one) => one !== false)
  if (key === 'oneOf' && !areApart(branches)) return { key, branches: sorted(branches) }
  // Where no value fits two of them, one and any are the same.
  const flat = branches.flatMap((one) => (typeof one === 'object' && Object.keys(one).join() === 'anyOf' ? (one.anyOf as Schema[]) : [one]))
  if (!annotated && flat.includes(true)) return { key: 'anyOf', branches: [true] }
  return { key: 'anyOf', branches: once(sorted(withNull(withTypes(withValues(flat))))) }
}

/** References have no order of their own. */
function sorted(branches: readonly Schema[]): Schema[] {
  const place = (one: Schema): string => stable(one).replace(/"#\/\$defs\/[tr]\d+"/g, '"#"')
  return branches
    .map((one) => ({ one, text: place(one) }))
    .sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0))
    .map(({ one }) => one)
}

/** Of sorted ones. */
function once(branches: readonly Schema[]): Schema[] {
  return branches.filter((one, index) => index === 0 || stable(one) !== stable(branches[index - 1]))
}

function has(one: Schema, keyword: string): one is SchemaObject {
  return typeof one === 'object' && Object.keys(one).join() === keyword
}

function typesOf(one: Schema): readonly TypeName[] | undefined {
  if (typeof one !== 'object') return undefined
  if (one.type !== undefined) return (Array.isArray(one.type) ? one.type : [one.type]) as TypeName[]
  return undefined
}

/** Whether no value can fit two of them, by their types or by their values alone. */
function areApart(branches: readonly Schema[]): boolean {
  const seen = new Set<string>()
  const values = new Set<string>()
  for (const one of branches) {
    const types = typesOf(one)
    if (types !== undefined) {
      for (const type of types.flatMap((name) => (name === 'number' ? ['number', 'integer'] : [name]))) {
        if (seen.has(type)) return false
        seen.add(type)
      }
    } else if (typeof one === 'object' && Array.isArray(one.enum)) {
      for (const value of one.enum) {
        const text = stable(value)
        if (values.has(text)) return false
        values.add(text)
      }
    } else return false
  }
  return [...values].every((text) => {
    const value: unknown = JSON.parse(text)
    const type = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
    return !seen.has(type) && !(type === 'number' && seen.has('integer'))
  })
}

/** Branches that are lists of values become one. */
function withValues(branches: readonly Schema[]): readonly Schema[] {
  const lists = branches.filter((one) => has(one, 'enum'))
  if (lists.length < 2) return branches
  const all = distinct(lists.flatMap((one) => (one as SchemaObject).enum as unknown[]))
  return [...branches.filter((one) => !has(one, 'enum')), { enum: all }]
}

/** Branches that are bare types become one. */
function withTypes(branches: readonly Schema[]): readonly Schema[] {
  const bare = branches.filter((one) => has(one, 'type'))
  if (bare.length < 2) return branches
  const named = bare.flatMap((one) => typesOf(one) ?? [])
  const types = typeNames.filter((type) => named.includes(type) && !(type === 'integer' && named.includes('number')))
  return [...branches.filter((one) => !has(one, 'type')), { type: types.length === 1 ? types[0] : types }]
}

/** A bare type beside one other schema joins its types, or null its values, where the rest says nothing of it. */
function withNull(branches: readonly Schema[]): readonly Schema[] {
  if (branches.length !== 2) return branches
  const bare = branches.find((one) => has(one, 'type'))
  const other = branches.find((one) => one !== bare)
  if (bare === undefined || typeof other !== 'object') return branches
  const added = typesOf(bare) ?? []
  if (has(other, 'enum') && added.join() === 'null') return [{ enum: distinct([...(other.enum as unknown[]), null]) }]
  const types = typesOf(other)
  if (types === undefined || added.some((type) => overlaps(type, types))) return branches
  const keywords = Object.keys(other).filter((key) => key !== 'type')
  const quiet = keywords.every((key) => {
    const about = typeOfKeyword(key)
    return about !== undefined && !added.some((type) => type === about || (about === 'number' && type === 'integer'))
  })
  if (!quiet) return branches
  return [{ ...other, type: typeNames.filter((type) => types.includes(type) || added.includes(type)) }]
}

function overlaps(type: TypeName, types: readonly TypeName[]): boolean {
  return types.includes(type) || (type === 'integer' && types.includes('number')) || (type === 'number' && types.includes('integer'))
}
