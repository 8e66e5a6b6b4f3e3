// The shape of a result: names and types without values, and where two of them differ.
import { isObject } from '../../core/protocol/is-object.ts'
import { escapeToken } from '../../core/protocol/json-pointer.ts'

export interface Difference {
  /** JSON Pointer; `*` stands for every element of a list. */
  readonly pointer: string
  /** Undefined where it is not there. */
  readonly from?: string
  readonly to?: string
}

/** Places of a result that are looked at. */
const mostPlaces = 20_000
const deepest = 60
/** Characters of a value that are told. */
const longestValue = 120

/** Types by place. Elements of one list are of one shape: what some of them have, and with which types. */
export function shapeOf(value: unknown): ReadonlyMap<string, string> {
  const types = new Map<string, Set<string>>()
  walk(value, '', 0, types)
  return new Map([...types].map(([pointer, found]) => [pointer, [...found].sort().join(' or ')]))
}

function walk(value: unknown, pointer: string, depth: number, types: Map<string, Set<string>>): void {
  if (types.size >= mostPlaces || depth > deepest) return
  const found = types.get(pointer) ?? new Set<string>()
  types.set(pointer, found.add(typeOf(value)))
  if (Array.isArray(value)) for (const one of value) walk(one, `${pointer}/*`, depth + 1, types)
  else if (isObject(value)) for (const [key, one] of Object.entries(value)) walk(one, `${pointer}/${escapeToken(key)}`, depth + 1, types)
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

/** An empty list says nothing of what its elements are, and is not told beside one that has some. */
export function shapeDifferences(from: unknown, to: unknown): Difference[] {
  const [before, after] = [shapeOf(from), shapeOf(to)]
  const isBelowEmpty = (pointer: string, other: ReadonlyMap<string, string>): boolean => {
    const list = /^(.*)\/\*/.exec(pointer)?.[1]
    return list !== undefined && other.get(list) === 'array' && !other.has(`${list}/*`)
  }
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((pointer): Difference[] => {
    const [was, is] = [before.get(pointer), after.get(pointer)]
    if (was === is || (was === undefined && isBelowEmpty(pointer, before)) || (is === undefined && isBelowEmpty(pointer, after))) return []
    // What is below something that differs itself is not told again.
    const parent = pointer.slice(0, pointer.lastIndexOf('/'))
    if (pointer !== '' && (was === undefined || is === undefined) && before.get(parent) !== after.get(parent)) return []
    return [{ pointer, ...(was === undefined ? {} : { from: was }), ...(is === undefined ? {} : { to: is }) }]
  })
}

/** Where values of one shape differ. */
export function valueDifferences(from: unknown, to: unknown): Difference[] {
  const found: Difference[] = []
  compare(from, to, '', 0, found)
  return found
}

function compare(from: unknown, to: unknown, pointer: string, depth: number, found: Difference[]): void {
  if (found.length >= mostPlaces || depth > deepest) return
  if (Array.isArray(from) && Array.isArray(to)) {
    if (from.length !== to.length) found.push({ pointer, from: `${from.length} elements`, to: `${to.length} elements` })
    for (const [index, one] of from.slice(0, to.length).entries()) compare(one, to[index], `${pointer}/${index}`, depth + 1, found)
  } else if (isObject(from) && isObject(to)) {
    for (const key of Object.keys(from))
      if (Object.hasOwn(to, key)) compare(from[key], to[key], `${pointer}/${escapeToken(key)}`, depth + 1, found)
  } else if (typeOf(from) === typeOf(to) && from !== to) found.push({ pointer, from: shown(from), to: shown(to) })
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > longestValue ? `${text.slice(0, longestValue)}…` : text
}
