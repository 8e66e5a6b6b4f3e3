// Names of arguments that callers send though the schema that is shown does not declare them: a field that is added under one of them breaks
// who sends it. Callers choose the names, so all of this is bounded; of too many the latest are kept.
import { LRUCache } from 'lru-cache'
import { breaks, type Change, type Judgement, type UndeclaredArguments } from '../../core/call/contract.ts'
import type { TenantKey } from '../../core/call/tenant-key.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { readPointer } from '../../core/protocol/json-pointer.ts'
import { matches } from './judge/evaluate.ts'
import { readable } from './judge/schema.ts'

const mostTools = 1_000
const mostNames = 64
const longestName = 128
/** Undeclared names of one call that are looked at. */
const mostOfCall = 256
/** Schemas of the arguments themselves (`allOf` and the like) that are read for names, and patterns of names. */
const mostSchemas = 200
const mostPatterns = 32

/** What a schema declares; undefined where it says itself what other names hold, or refuses them. */
export interface Declared {
  readonly names: ReadonlySet<string>
  readonly patterns: readonly string[]
}

export class UndeclaredNames {
  /** By tool; the latest name is the last. */
  private readonly tools = new LRUCache<TenantKey, Set<string>>({ max: mostTools })

  of(tool: TenantKey): readonly string[] {
    return [...(this.tools.peek(tool) ?? [])]
  }

  note(tool: TenantKey, name: string): void {
    let names = this.tools.get(tool)
    if (names === undefined) {
      names = new Set()
      this.tools.set(tool, names)
    }
    names.delete(name)
    names.add(name)
    if (names.size <= mostNames) return
    for (const oldest of names) {
      names.delete(oldest)
      return
    }
  }

  /** For calls by the contract that `schema` gives the input schema of; it is read at the first call. */
  watch(tool: TenantKey, schema: () => unknown): UndeclaredArguments {
    return new Watch(this, tool, schema)
  }
}

class Watch implements UndeclaredArguments {
  private readonly store: UndeclaredNames
  private readonly tool: TenantKey
  private schema: (() => unknown) | undefined
  private declared: Declared | undefined

  constructor(store: UndeclaredNames, tool: TenantKey, schema: () => unknown) {
    this.store = store
    this.tool = tool
    this.schema = schema
  }

  note(args: object): void {
    if (this.schema !== undefined) {
      this.declared = declaredBy(this.schema())
      this.schema = undefined
    }
    const { declared } = this
    if (declared === undefined) return
    let looked = 0
    for (const name in args) {
      if (declared.names.has(name)) continue
      looked += 1
      if (looked > mostOfCall) return
      // A cut name would be another one.
      if (name.length <= longestName && !fitsPattern(name, declared.patterns)) this.store.note(this.tool, name)
    }
  }
}

/** Whether a schema that declares this gives a name to all of them; of one of which it cannot be said, it does. */
export function declaresAll(declared: Declared | undefined, args: object): boolean {
  return declared === undefined || Object.keys(args).every((name) => declared.names.has(name) || fitsPattern(name, declared.patterns))
}

/** Whether the judgement was made without a name that its change declares and that callers were seen to send since. */
export function isOverSince({ verdict, changes }: Judgement, sent: readonly string[]): boolean {
  return !breaks(verdict) && meets(changes, sent)
}

/** Whether arguments came under names that callers were seen to send. */
export function meets(changes: readonly Change[], sent: readonly string[]): boolean {
  if (sent.length === 0) return false
  return changes.some((change) => {
    const name = nameThatCame(change)
    return name !== undefined && sent.includes(name)
  })
}

function nameThatCame({ kind, side, pointer, to }: Change): string | undefined {
  const [parent, name, ...below] = readPointer(pointer)
  if (side !== 'input' || parent !== 'properties' || below.length > 0) return undefined
  if (kind === 'property.renamed') return to
  return kind === 'property.added' || kind === 'property.added.required' ? name : undefined
}

/** As the declared reading takes it: `if` gives no names. Undefined also of what cannot be read. */
export function declaredBy(root: unknown): Declared | undefined {
  if (!isObject(root) || isRefused(root.additionalProperties) || isRefused(root.unevaluatedProperties)) return undefined
  const names = new Set<string>()
  const patterns: string[] = []
  const seen = new Set<unknown>([root])
  for (const schema of seen) {
    if (!isObject(schema)) continue
    if (seen.size > mostSchemas || saysOfOthers(schema.additionalProperties) || saysOfOthers(schema.unevaluatedProperties)) return undefined
    if ('$dynamicRef' in schema || '$recursiveRef' in schema) return undefined
    if (isObject(schema.properties)) for (const name in schema.properties) names.add(name)
    if (isObject(schema.patternProperties)) patterns.push(...Object.keys(schema.patternProperties).slice(0, mostPatterns + 1))
    if (patterns.length > mostPatterns) return undefined
    for (const part of beside(schema)) seen.add(part)
    if (schema.$ref === undefined) continue
    const target = targetOf(root, schema.$ref)
    if (target === undefined) return undefined
    seen.add(target)
  }
  return { names, patterns }
}

/** Schemas of the same value, which may give it names. */
function beside(schema: Readonly<Record<string, unknown>>): unknown[] {
  const found: unknown[] = [schema.then, schema.else]
  for (const list of [schema.allOf, schema.anyOf, schema.oneOf]) if (Array.isArray(list)) found.push(...list.slice(0, mostSchemas))
  for (const map of [schema.dependentSchemas, schema.dependencies])
    if (isObject(map)) found.push(...Object.values(map).slice(0, mostSchemas))
  return found
}

function targetOf(root: unknown, reference: unknown): unknown {
  // Escapes, anchors and other documents are left to others.
  if (typeof reference !== 'string' || (reference !== '#' && !/^#\/[^%]*$/.test(reference))) return undefined
  let at = root
  for (const key of readPointer(reference.slice(1))) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined
    at = (at as Record<string, unknown>)[key]
  }
  return at
}

function isRefused(others: unknown): boolean {
  return others === false
}

/** Such a schema is read as it stands: whether a field that is added breaks anybody is proved. */
function saysOfOthers(others: unknown): boolean {
  return isObject(others) && Object.keys(others).some((keyword) => Object.hasOwn(readable, keyword))
}

function fitsPattern(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => matches(pattern, name) !== false)
}
