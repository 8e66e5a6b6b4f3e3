// One definition as an upstream gave it, judged by itself: admitted, with what calls need to know of it, or quarantined with path and
// reason. A bad one never touches its neighbours.

import { createHash } from 'node:crypto'
import type { UpstreamId } from '../../core/call/call.ts'
import type { ItemContract } from '../../core/call/contract.ts'
import type { HeaderParam, ItemKind, Traits } from '../../core/call/item.ts'
import { kinds } from '../../core/call/item-kinds.ts'
import { type Edit, type Payload, payload } from '../../core/call/payload.ts'
import { type ToolSettings, unconfigured } from '../../core/call/tool-settings.ts'
import type { Validate } from '../../core/call/violation.ts'
import type { ConfiguredTools } from '../../core/ports/configured-tools.ts'
import { itemDepth, tooDeepKey } from '../../core/protocol/deep-items.ts'
import { headerParams } from '../../core/protocol/header-params.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { countMembers, countParsed } from '../../core/protocol/scan.ts'
import { misfitOf } from './shape.ts'
import { strayFile } from './skills.ts'
import { parseTemplate, type Template } from './template.ts'
import { isWellFormed, mayBeCut, wholeCharacters } from './whole-characters.ts'

/**
 * Judges a tool's input schema at once and compiles it on the first `validate`; given by the assembly (gateway/policy `createSchemaGate`).
 * `notes` say what of the schema is not enforced.
 */
export type Compile = (inputSchema: unknown) => { readonly validate: Validate; readonly notes?: readonly string[] }

export interface Definition {
  readonly kind: ItemKind
  readonly upstream: UpstreamId
  readonly name: string
  /** As sent, byte for byte. */
  readonly sent: Payload
  /** What its published form must change so that every client can read it. */
  readonly mends: readonly Edit[]
  /** Equal for equal bytes, now and after a restart; changes when the definition does. */
  readonly version: number
  readonly traits: Traits
  readonly settings: ToolSettings
  readonly headers: readonly HeaderParam[]
  readonly validate: Validate | undefined
  readonly declaresOutput: boolean
  /** `_meta.ui.resourceUri` of a tool (SEP-1865): a resource that need not be listed. */
  readonly ui: string | undefined
  readonly template: Template | undefined
  /** URIs of the files of a skill, as its entry lists them (SEP-2640). */
  readonly files: readonly string[]
  /** Remarks for the operator. */
  readonly notes: readonly string[]
  /** Of a tool whose contract is kept. */
  readonly contract: ItemContract | undefined
}

/** A definition that is not served, and why. */
export interface Quarantined {
  readonly kind: ItemKind
  /** Undefined where it has no name that could be read. */
  readonly name: string | undefined
  /** JSON Pointer into the definition. */
  readonly path: string
  readonly reason: string
  /** A tool that could be served, and is held back until an operator admits it. */
  readonly held?: true
}

/** Equal for what is set aside for the same reason. */
export function quarantinedKey(one: Quarantined): string {
  return `${one.kind}\0${one.name ?? ''}\0${one.path}\0${one.reason}`
}

export function sameQuarantined(a: readonly Quarantined[], b: readonly Quarantined[]): boolean {
  return a.length === b.length && a.every((one, index) => quarantinedKey(one) === quarantinedKey(b[index] as Quarantined))
}

/** What a definition is judged with. */
export interface Judging {
  readonly compile: Compile
  readonly tools: ConfiguredTools
}

/** The content version of a definition: 48 bits of its digest. */
export function versionOf(bytes: Uint8Array): number {
  return createHash('sha256').update(bytes).digest().readUIntBE(0, 6)
}

export function isQuarantined(judged: Definition | Quarantined): judged is Quarantined {
  return 'reason' in judged
}

/** Judges one definition. Never throws for what a server sent. */
export function readDefinition(
  kind: ItemKind,
  upstream: UpstreamId,
  raw: Payload,
  version: number,
  { compile, tools }: Judging,
): Definition | Quarantined {
  const bytes = raw.bytes
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'))
  } catch (error) {
    return { kind, name: undefined, path: '', reason: `is no JSON: ${message(error)}` }
  }
  const name = nameOf(kind, value)
  const bad = (path: string, reason: string): Quarantined => ({ kind, name, path, reason })
  if (isObject(value) && value[tooDeepKey] === true) return bad('', `is nested deeper than ${itemDepth} levels`)
  if (countMembers(bytes) !== countParsed(value)) return bad('', 'has a duplicate key')
  if (name !== undefined && !isWellFormed(name)) return bad(`/${kinds[kind].key}`, 'holds half of a character')
  const mends = mayBeCut(bytes) ? wholeCharacters(value) : []
  const misfit = misfitOf(kind, value, mends)
  if (misfit !== undefined) return bad(misfit.path, misfit.reason)
  // Both hold by the shape just checked; the types do not know.
  if (!isObject(value) || name === undefined) return bad('', 'has no name')

  // Parsed values of thousands of definitions would stay in memory: keep the bytes alone.
  const sent = payload(bytes)
  const base = { kind, upstream, name, sent, mends, version, contract: undefined }
  if (kind === 'template') {
    const template = parseTemplate(name)
    return typeof template === 'string' ? bad('/uriTemplate', template) : { ...base, ...inert, template }
  }
  if (kind === 'skill') {
    const files = filesOf(value.resources)
    const stray = strayFile(name, files)
    return stray === undefined ? { ...base, ...inert, files } : bad(stray.path, stray.reason)
  }
  if (kind !== 'tool') return { ...base, ...inert }

  const schema = { ...(value.inputSchema as Record<string, unknown>), type: 'object' }
  const params = headerParams(schema)
  if ('reason' in params) return bad(params.path, params.reason)
  const gated = compile(schema)
  return {
    ...base,
    traits: traitsOf(value.annotations),
    settings: tools.settingsOf(upstream, name),
    headers: params,
    validate: gated.validate,
    declaresOutput: isObject(value.outputSchema),
    ui: uiOf(value._meta),
    template: undefined,
    files: [],
    notes: gated.notes ?? [],
  }
}

/** What is not called with arguments of a schema is only read. */
const inert = {
  traits: { readOnly: true, destructive: false, idempotent: true },
  settings: unconfigured,
  headers: [],
  validate: undefined,
  declaresOutput: false,
  ui: undefined,
  template: undefined,
  files: [],
  notes: [],
} as const

/** Absent is the cautious value, and so is a contradiction. */
function traitsOf(annotations: unknown): Traits {
  const hints = isObject(annotations) ? annotations : {}
  const readOnly = hints.readOnlyHint === true && hints.destructiveHint !== true
  return { readOnly, destructive: !readOnly && hints.destructiveHint !== false, idempotent: readOnly || hints.idempotentHint === true }
}

function uiOf(meta: unknown): string | undefined {
  if (!isObject(meta)) return undefined
  const uri = isObject(meta.ui) ? meta.ui.resourceUri : meta['ui/resourceUri']
  return typeof uri === 'string' ? uri : undefined
}

/** Of an entry that has its shape; a skill whose content is made when it is read lists none. */
function filesOf(resources: unknown): string[] {
  return Array.isArray(resources) ? resources.map(({ uri }: { uri: string }) => uri) : []
}

function nameOf(kind: ItemKind, value: unknown): string | undefined {
  const name = isObject(value) ? value[kinds[kind].key] : undefined
  return typeof name === 'string' && name !== '' ? name : undefined
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
