// Parts of schemas and values in few words.
import { isObject } from '../../../core/protocol/is-object.ts'
import { readPointer } from '../../../core/protocol/json-pointer.ts'
import type { Schema } from './schema.ts'
import { stable } from './stable.ts'

const longest = 60

export function short(value: unknown): string {
  const text = stable(value)
  return text.length > longest ? `${text.slice(0, longest)}…` : text
}

/** What a schema wants: "string or null", "one of "a", "b"". */
export function wanted(schema: Schema | undefined): string {
  if (schema === undefined || schema === true) return 'anything'
  if (schema === false) return 'nothing'
  if (Array.isArray(schema.enum)) return schema.enum.length === 1 ? short(schema.enum[0]) : `one of ${list(schema.enum.map(short))}`
  if (typeof schema.type === 'string') {
    return schema.type === 'array' && isObject(schema.items) ? `array of ${wanted(schema.items)}` : schema.type
  }
  if (Array.isArray(schema.type)) return schema.type.join(' or ')
  for (const key of ['anyOf', 'oneOf'] as const) if (Array.isArray(schema[key])) return `one of ${schema[key].length} forms`
  return 'another form'
}

const mostNamed = 5

export function list(texts: readonly string[]): string {
  return texts.length <= mostNamed ? texts.join(', ') : `${texts.slice(0, mostNamed).join(', ')} and ${texts.length - mostNamed} more`
}

const silent: ReadonlySet<string> = new Set(['properties', 'anyOf', 'oneOf', 'allOf', 'prefixItems', '$defs', 'patternProperties'])

/** A place as agents name it: `filter.tags[]`; of a result `result.id`. */
export function placeOf(pointer: string, side: string): string {
  const parts: string[] = []
  let isName = false
  for (const part of readPointer(pointer)) {
    if (!isName && part === 'items') parts[parts.length - 1] = `${parts.at(-1) ?? ''}[]`
    else if (!isName && silent.has(part)) {
      isName = part === 'properties' || part === 'patternProperties' || part === '$defs'
      continue
    } else if (isName || Number.isNaN(Number(part))) parts.push(part)
    isName = false
  }
  const path = parts.join('.')
  if (side === 'output') return path === '' ? 'the result' : `result.${path}`
  return path === '' ? 'the arguments' : path
}
