// Checks a definition against what every revision's clients accept of it, since one that they refuse makes them drop the whole list.
// What can be mended without changing its meaning is mended in the published bytes; the rest names path and reason.

import { z } from 'zod'
import type { ItemKind } from '../../core/call/item.ts'
import type { Edit } from '../../core/call/payload.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { pointer } from '../../core/protocol/json-pointer.ts'

export interface Misfit {
  /** JSON Pointer into the definition. */
  readonly path: string
  readonly reason: string
}

type Path = readonly (string | number)[]

/** Judges a value; may add edits that make it fit. */
type Check = (value: unknown, path: Path, mends: Edit[]) => Misfit | undefined

/** The first thing wrong with a definition; `mends` receives the edits that its published form needs. */
export function misfitOf(kind: ItemKind, definition: unknown, mends: Edit[]): Misfit | undefined {
  return shapes[kind](definition, [], mends)
}

function wrong(path: Path, reason: string): Misfit {
  return { path: pointer(path), reason }
}

function type(name: 'string' | 'number' | 'boolean'): Check {
  return (value, path) => (typeof value === name ? undefined : wrong(path, `must be a ${name}`))
}

const text = type('string')
const flag = type('boolean')

function label(longest: number): Check {
  return (value, path) => {
    if (typeof value !== 'string' || value === '') return wrong(path, 'must be a string that is not empty')
    return value.length > longest ? wrong(path, `must not be longer than ${longest} characters`) : undefined
  }
}

function oneOf(...values: readonly string[]): Check {
  return (value, path) => (values.includes(value as string) ? undefined : wrong(path, `must be one of ${values.join(', ')}`))
}

const object: Check = (value, path) => (isObject(value) ? undefined : wrong(path, 'must be an object'))

function list(of: Check): Check {
  return (value, path, mends) => {
    if (!Array.isArray(value)) return wrong(path, 'must be an array')
    for (const [index, element] of value.entries()) {
      const misfit = of(element, [...path, index], mends)
      if (misfit !== undefined) return misfit
    }
    return undefined
  }
}

/** An object with these members where they are present. An optional null is taken out: some servers write one for what they mean to leave out. */
function shape(optional: Readonly<Record<string, Check>>, required: Readonly<Record<string, Check>> = {}): Check {
  const needed = Object.entries(required)
  const others = Object.entries(optional)
  return (value, path, mends) => {
    if (!isObject(value)) return wrong(path, 'must be an object')
    for (const [key, check] of needed) {
      if (!Object.hasOwn(value, key)) return wrong([...path, key], 'is missing')
      const misfit = check(value[key], [...path, key], mends)
      if (misfit !== undefined) return misfit
    }
    for (const [key, check] of others) {
      if (!Object.hasOwn(value, key)) continue
      if (value[key] === null) {
        mends.push({ path: [...path, key], value: undefined })
        continue
      }
      const misfit = check(value[key], [...path, key], mends)
      if (misfit !== undefined) return misfit
    }
    return undefined
  }
}

/** What only adorns an item is taken out where it is wrong; the item stays. */
function adornment(check: Check): Check {
  return (value, path, mends) => {
    const inner: Edit[] = []
    if (check(value, path, inner) === undefined) mends.push(...inner)
    else mends.push({ path, value: undefined })
    return undefined
  }
}

/**
 * The root of an argument schema: always an object, since arguments are. Boolean property schemas are spelled as objects (same meaning); what
 * is no schema becomes one that takes anything, and the server judges it.
 */
const inputSchema: Check = (value, path, mends) => {
  if (!isObject(value)) return wrong(path, 'must be an object')
  if (mayBeObject(value.type)) mends.push({ path: [...path, 'type'], value: '"object"' })
  else if (value.type !== 'object') return wrong([...path, 'type'], 'must be "object"')
  propertySchemas(value.properties, [...path, 'properties'], mends)
  return members(value, path, mends)
}

/** What says in another way than by `"object"` alone that an object is taken. */
function mayBeObject(type: unknown): boolean {
  return type === undefined || type === null || type === 'any' || (Array.isArray(type) && type.includes('object'))
}

const members = shape({ required: adornment(list(text)) })

function propertySchemas(properties: unknown, path: Path, mends: Edit[]): void {
  if (properties === undefined) return
  // Languages with one type for lists and maps write an empty map as [].
  if (!isObject(properties)) return void mends.push({ path, value: undefined })
  for (const [name, schema] of Object.entries(properties)) {
    if (schema === false) mends.push({ path: [...path, name], value: '{"not":{}}' })
    else if (!isObject(schema)) mends.push({ path: [...path, name], value: '{}' })
  }
}

const icons = adornment(list(shape({ mimeType: text, sizes: list(text), theme: oneOf('light', 'dark') }, { src: text })))

const share: Check = (value, path) =>
  typeof value === 'number' && value >= 0 && value <= 1 ? undefined : wrong(path, 'must be a number from 0 to 1')

const instant = z.iso.datetime({ offset: true })
const time: Check = (value, path) => (instant.safeParse(value).success ? undefined : wrong(path, 'must be an ISO 8601 time'))

const contentAnnotations = adornment(
  shape({ audience: adornment(list(oneOf('user', 'assistant'))), priority: adornment(share), lastModified: adornment(time) }),
)

const longestName = 512
const longestUri = 8_192
const adorning = adornment(text)
const common = { title: adorning, description: adorning, icons, _meta: adornment(object) }
const hint = adornment(flag)
const hints = adornment(shape({ title: adorning, readOnlyHint: hint, destructiveHint: hint, idempotentHint: hint, openWorldHint: hint }))

/** Never published: tasks of the 2025-11-25 form end inside the gateway, so no client may be asked to start one. */
const execution: Check = (value, path, mends) => {
  mends.push({ path: isObject(value) ? [...path, 'taskSupport'] : path, value: undefined })
  return undefined
}

const digest: Check = (value, path) =>
  typeof value === 'string' && /^sha256:[0-9a-f]{64}$/.test(value)
    ? undefined
    : wrong(path, 'must be sha256: and 64 lowercase hexadecimal digits')

const bytes: Check = (value, path) =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? undefined : wrong(path, 'must be a number of bytes')

/** Parsed from YAML; a member of this name is refused by the SDKs. */
const frontmatter: Check = (value, path, mends) =>
  isObject(value) && Object.hasOwn(value, '__proto__')
    ? wrong([...path, '__proto__'], 'is no field of a frontmatter')
    : shape({}, { name: text, description: text })(value, path, mends)

const skillFiles = list(shape({}, { uri: label(longestUri), digest, size: bytes }))
/** All files of a skill, or that they are made when they are read (SEP-2640). */
const manifest: Check = (value, path, mends) => (value === 'dynamic' ? undefined : skillFiles(value, path, mends))

/** A resource that has no name is known by its URI anyway. */
function named(key: 'uri' | 'uriTemplate', check: Check): Check {
  return (value, path, mends) => {
    const misfit = check(value, path, mends)
    if (misfit === undefined && isObject(value) && typeof value.name !== 'string') {
      mends.push({ path: [...path, 'name'], value: JSON.stringify(value[key]) })
    }
    return misfit
  }
}

const shapes: Readonly<Record<ItemKind, Check>> = {
  tool: shape(
    { ...common, annotations: hints, outputSchema: adornment(shape({ $schema: text })), execution },
    { name: label(longestName), inputSchema },
  ),
  prompt: shape(
    { ...common, arguments: list(shape({ description: adorning, required: hint, title: adorning }, { name: text })) },
    { name: label(longestName) },
  ),
  resource: named(
    'uri',
    shape({ ...common, mimeType: adorning, size: adornment(type('number')), annotations: contentAnnotations }, { uri: label(longestUri) }),
  ),
  template: named(
    'uriTemplate',
    shape({ ...common, mimeType: adorning, annotations: contentAnnotations }, { uriTemplate: label(longestUri) }),
  ),
  skill: shape({ _meta: adornment(object) }, { uri: label(longestUri), frontmatter, resources: manifest }),
}
