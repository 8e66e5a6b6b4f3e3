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

/** The root of an argument schema: always an object, since arguments are. Boolean property schemas are spelled as objects (same meaning). */
const inputSchema: Check = (value, path, mends) => {
  if (!isObject(value)) return wrong(path, 'must be an object')
  if (!Object.hasOwn(value, 'type')) mends.push({ path: [...path, 'type'], value: '"object"' })
  else if (value.type !== 'object') return wrong([...path, 'type'], 'must be "object"')
  return schemaMembers(value, path, mends)
}

const members = shape({ required: list(text) })

function schemaMembers(value: Record<string, unknown>, path: Path, mends: Edit[]): Misfit | undefined {
  const { properties } = value
  if (properties === null) mends.push({ path: [...path, 'properties'], value: undefined })
  else if (properties !== undefined) {
    if (!isObject(properties)) return wrong([...path, 'properties'], 'must be an object')
    for (const [name, schema] of Object.entries(properties)) {
      const at = [...path, 'properties', name]
      if (typeof schema === 'boolean') mends.push({ path: at, value: schema ? '{}' : '{"not":{}}' })
      else if (!isObject(schema)) return wrong(at, 'must be a schema (an object or a boolean)')
    }
  }
  return members(value, path, mends)
}

const icons = adornment(list(shape({ mimeType: text, sizes: list(text), theme: oneOf('light', 'dark') }, { src: text })))

const share: Check = (value, path) =>
  typeof value === 'number' && value >= 0 && value <= 1 ? undefined : wrong(path, 'must be a number from 0 to 1')

const instant = z.iso.datetime({ offset: true })
const time: Check = (value, path) => (instant.safeParse(value).success ? undefined : wrong(path, 'must be an ISO 8601 time'))

const annotations = adornment(
  shape({ audience: adornment(list(oneOf('user', 'assistant'))), priority: adornment(share), lastModified: adornment(time) }),
)

const longestName = 512
const longestUri = 8_192
const common = { title: text, description: text, icons, _meta: object }

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

const shapes: Readonly<Record<ItemKind, Check>> = {
  tool: shape(
    {
      ...common,
      annotations: shape({ title: text, readOnlyHint: flag, destructiveHint: flag, idempotentHint: flag, openWorldHint: flag }),
      outputSchema: shape({ $schema: text }),
      execution,
    },
    { name: label(longestName), inputSchema },
  ),
  prompt: shape(
    { ...common, arguments: list(shape({ description: text, required: flag, title: text }, { name: text })) },
    { name: label(longestName) },
  ),
  resource: shape({ ...common, mimeType: text, size: adornment(type('number')), annotations }, { uri: label(longestUri), name: text }),
  template: shape({ ...common, mimeType: text, annotations }, { uriTemplate: label(longestUri), name: text }),
  skill: shape({ _meta: object }, { uri: label(longestUri), frontmatter, resources: manifest }),
}
