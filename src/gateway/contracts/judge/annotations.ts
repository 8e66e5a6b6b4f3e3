// What a definition says beside what it accepts: hints that clients and the gateway act on, and texts that models read.

import type { ToolContract } from '../../../core/call/contract.ts'
import { isObject } from '../../../core/protocol/is-object.ts'
import { escapeToken, readPointer } from '../../../core/protocol/json-pointer.ts'
import { versionsMeta } from '../../../core/protocol/names.ts'
import { equal, stable } from './stable.ts'

/** By JSON Pointer into the definition. */
export type Said = ReadonlyMap<string, unknown>

export type TaskSupport = 'forbidden' | 'optional' | 'required'

export interface EffectiveHints {
  readonly readOnly: boolean
  readonly destructive: boolean
  readonly idempotent: boolean
  readonly openWorld: boolean
}

/** What is not said is what the protocol takes it for; what contradicts itself is not trusted. */
export function effectiveHints(contract: ToolContract): EffectiveHints {
  const said = isObject(contract.annotations) ? contract.annotations : {}
  const readOnly = said.readOnlyHint === true && said.destructiveHint !== true
  return {
    readOnly,
    destructive: !readOnly && said.destructiveHint !== false,
    idempotent: readOnly || said.idempotentHint === true,
    openWorld: said.openWorldHint !== false,
  }
}

export function taskSupport(contract: ToolContract): TaskSupport {
  const said = isObject(contract.execution) ? contract.execution.taskSupport : undefined
  return said === 'optional' || said === 'required' ? said : 'forbidden'
}

const hintKeywords: ReadonlySet<string> = new Set([
  ...['default', 'deprecated', 'readOnly', 'writeOnly', 'contentMediaType', 'contentEncoding', 'contentSchema'],
])
const proseKeywords: ReadonlySet<string> = new Set(['title', 'description', 'examples'])

/** Hints that are no annotations: of the schemas, and what `_meta` says. */
export function otherHints(contract: ToolContract): Said {
  const found = ofSchemas(contract, hintKeywords)
  for (const [key, value] of metaOf(contract)) if (!ofGateways.has(key)) found.set(`/_meta/${escapeToken(key)}`, value)
  return found
}

function metaOf(contract: ToolContract): [string, unknown][] {
  return isObject(contract._meta) ? Object.entries(contract._meta) : []
}

/** What many clients act on, and would fail without. All else in `_meta` is what a vendor claims under a name of its own. */
function isActedOn(key: string): boolean {
  return key === 'ui' || key === 'ui/resourceUri' || key.startsWith('openai/')
}

/** What a Signalbox behind this gateway says of versions and their end: it changes with the calendar, and claims nothing. */
const ofGateways: ReadonlySet<string> = new Set([versionsMeta.version, versionsMeta.deprecation])

/** Members of `_meta` that a vendor has for itself. */
function isVendors(key: string): boolean {
  return !isActedOn(key) && !ofGateways.has(key)
}

export function hasVendorMeta(contract: ToolContract): boolean {
  return metaOf(contract).some(([key]) => isVendors(key))
}

/** Whether a change at this place is one of a vendor's claim. */
export function isVendorMeta(pointer: string): boolean {
  const [member, key] = readPointer(pointer)
  return member === '_meta' && key !== undefined && isVendors(key)
}

/** Vendors' members of `contract` that `other` has not, or has with another value. */
export function vendorMetaBeside(contract: ToolContract, other: ToolContract): string[] {
  const known = new Map(metaOf(other))
  return metaOf(contract).flatMap(([key, value]) => (isVendors(key) && !(known.has(key) && equal(value, known.get(key))) ? [key] : []))
}

export function proseOf(contract: ToolContract): Said {
  const found = new Map<string, unknown>()
  for (const key of ['title', 'description'] as const) {
    if (contract[key] !== undefined) found.set(`/${key}`, normalized(contract[key]))
  }
  const title = isObject(contract.annotations) ? contract.annotations.title : undefined
  if (title !== undefined) found.set('/annotations/title', normalized(title))
  if (contract.icons !== undefined) found.set('/icons', contract.icons)
  for (const [pointer, value] of ofSchemas(contract, proseKeywords)) found.set(pointer, normalized(value))
  return found
}

/** Equal for texts that read alike. Invisible characters stay: they are what to look at. */
function normalized(value: unknown): unknown {
  if (typeof value !== 'string') return value
  return value
    .normalize('NFC')
    .replaceAll('\r\n', '\n')
    .replace(/[ \t]+$/gm, '')
    .trimEnd()
}

const maps: ReadonlySet<string> = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas', 'dependencies'])
const deepest = 100
const most = 20_000

/** Keywords of every subschema, where they stand in the definition as it came. */
function ofSchemas(contract: ToolContract, keywords: ReadonlySet<string>): Map<string, unknown> {
  const found = new Map<string, unknown>()
  let visited = 0
  const visit = (schema: unknown, pointer: string, depth: number): void => {
    visited += 1
    if (depth > deepest || visited > most) return
    if (Array.isArray(schema)) {
      for (const [index, one] of schema.entries()) visit(one, `${pointer}/${index}`, depth + 1)
      return
    }
    if (!isObject(schema)) return
    for (const [key, value] of Object.entries(schema)) {
      const at = `${pointer}/${escapeToken(key)}`
      if (keywords.has(key)) {
        found.set(at, value)
      } else if (maps.has(key) && isObject(value)) {
        for (const [name, one] of Object.entries(value)) visit(one, `${at}/${escapeToken(name)}`, depth + 1)
      } else if (!isData.has(key)) visit(value, at, depth + 1)
    }
  }
  visit(contract.inputSchema, '/inputSchema', 0)
  visit(contract.outputSchema, '/outputSchema', 0)
  return found
}

const isData: ReadonlySet<string> = new Set(['enum', 'const', 'default', 'examples', 'required', 'type'])

/** Sorted, so that the order of a document counts for nothing. */
export function textOf(said: Said): string {
  return stable(Object.fromEntries([...said].sort(([a], [b]) => (a < b ? -1 : 1))))
}
