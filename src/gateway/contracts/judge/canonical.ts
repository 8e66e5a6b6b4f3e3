// The canonical form of a schema: JSON Schema 2020-12, references written out, what means the same written the same. Two schemas with one
// form accept the same values; docs/contracts.md lists what is folded.
import { isObject } from '../../../core/protocol/is-object.ts'
import { fold } from './folds.ts'
import { modernize, speaksOlder } from './modernize.ts'
import { References } from './references.ts'
import { listsOfSchemas, mapsOfSchemas, oneSchema, readable, type Schema, type SchemaObject, unreadable } from './schema.ts'
import { inOrder, put, stable } from './stable.ts'

export interface Canonical {
  readonly schema: Schema
  readonly text: string
  /** Why it could not be read: then the text is that of the whole as it came, and nothing is known of what it accepts. */
  readonly problem?: string
}

export const limits = {
  /** Objects and arrays of the schema as it came. */
  nodes: 20_000,
  depth: 100,
  /** Subschemas with references written out; beyond it references stay. */
  expanded: 20_000,
  expandedDepth: 200,
} as const

class Expanded extends Error {}

export function canonical(raw: unknown): Canonical {
  const problem = excess(raw)
  if (problem !== undefined) {
    // Not walked by recursion: it may be deeper than the stack.
    const schema = { [unreadable]: true }
    return { schema, text: `${problem} ${inOrder(raw)}`, problem }
  }
  if (typeof raw === 'boolean') return { schema: raw, text: String(raw) }
  if (!isObject(raw)) return { schema: { [unreadable]: raw }, text: stable({ [unreadable]: raw }), problem: 'the schema is no object' }
  let schema: Schema
  try {
    schema = new Writer(raw, false).whole()
  } catch (error) {
    if (!(error instanceof Expanded)) throw error
    try {
      schema = new Writer(raw, true).whole()
    } catch (again) {
      if (!(again instanceof Expanded)) throw again
      const tooMany = `references that lead through more than ${limits.expanded} subschemas`
      return { schema: { [unreadable]: true }, text: `${tooMany} ${stable(raw)}`, problem: tooMany }
    }
  }
  return { schema, text: stable(schema) }
}

function excess(raw: unknown): string | undefined {
  let nodes = 0
  let level: unknown[] = [raw]
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > limits.depth) return `nested deeper than ${limits.depth}`
    const next: unknown[] = []
    for (const value of level) {
      if (typeof value !== 'object' || value === null) continue
      nodes += 1
      if (nodes > limits.nodes) return `more than ${limits.nodes} objects and arrays`
      for (const child of Object.values(value)) next.push(child)
    }
    level = next
  }
  return undefined
}

class Writer {
  private readonly root: Record<string, unknown>
  private readonly references: References
  private readonly older: boolean
  /** Every reference stays one. */
  private readonly named: boolean
  /** Whether `unevaluated*` stands anywhere: then some folds would change what it sees. */
  private readonly annotated: boolean
  private readonly names = new Map<object, string>()
  private readonly definitions = new Map<string, Schema>()
  private readonly recursive = new Map<object, boolean>()
  private written = 0
  private depth = 0

  constructor(root: Record<string, unknown>, named: boolean) {
    this.root = root
    this.named = named
    this.references = new References(root)
    this.older = speaksOlder(root)
    this.annotated = JSON.stringify(root).includes('"unevaluated')
  }

  whole(): Schema {
    const top = this.write(this.root, true)
    if (this.definitions.size === 0) return top
    return renamed(top, this.definitions)
  }

  private write(raw: unknown, isRoot = false): Schema {
    if (typeof raw === 'boolean') return raw
    if (!isObject(raw)) return { [unreadable]: raw }
    this.written += 1
    if (this.written > limits.expanded || this.depth > limits.expandedDepth) throw new Expanded()
    this.depth += 1
    const schema = this.writeObject(raw, isRoot)
    this.depth -= 1
    return schema
  }

  private writeObject(raw: Record<string, unknown>, isRoot: boolean): Schema {
    if (!isRoot && typeof raw.$id === 'string' && !raw.$id.startsWith('#')) return this.leftAlone(raw)
    if (raw.$dynamicRef !== undefined || raw.$recursiveRef !== undefined) return this.leftAlone(raw)
    const now = modernize(raw, this.older)
    const out: Record<string, unknown> = {}
    const lost: Record<string, unknown> = {}
    // A canonical form that is read again stays what it is.
    if (Object.hasOwn(now, unreadable)) out[unreadable] = now[unreadable]
    for (const [key, value] of Object.entries(now)) {
      const reads = Object.hasOwn(readable, key) ? readable[key] : undefined
      if (reads === undefined || key === '$ref') continue
      if (reads(value)) out[key] = value
      else lost[key] = value
    }
    for (const key of oneSchema) if (out[key] !== undefined) out[key] = this.write(out[key])
    for (const key of listsOfSchemas) if (out[key] !== undefined) out[key] = (out[key] as unknown[]).map((one) => this.write(one))
    for (const key of mapsOfSchemas) {
      if (out[key] === undefined) continue
      const map: Record<string, unknown> = {}
      for (const [name, one] of Object.entries(out[key] as Record<string, unknown>)) put(map, name, this.write(one))
      out[key] = map
    }
    if (Object.keys(lost).length > 0) out[unreadable] = out[unreadable] === undefined ? lost : [out[unreadable], lost]
    if (typeof now.$ref === 'string') this.follow(now.$ref, out)
    return fold(out, this.annotated)
  }

  private follow(reference: string, out: Record<string, unknown>): void {
    const target = this.references.target(reference)
    if (typeof target === 'boolean') {
      if (!target) out.allOf = [...((out.allOf as Schema[] | undefined) ?? []), false]
    } else if (!isObject(target)) {
      out.$ref = reference
    } else if (this.named || this.isRecursive(target)) {
      out.$ref = `#/$defs/${this.nameOf(target)}`
    } else {
      out.allOf = [...((out.allOf as Schema[] | undefined) ?? []), this.write(target, target === this.root)]
    }
  }

  private isRecursive(target: object): boolean {
    let known = this.recursive.get(target)
    if (known === undefined) {
      known = this.references.isRecursive(target)
      this.recursive.set(target, known)
    }
    return known
  }

  private nameOf(target: Record<string, unknown>): string {
    const known = this.names.get(target)
    if (known !== undefined) return known
    const name = `t${this.names.size}`
    this.names.set(target, name)
    this.definitions.set(name, true)
    this.definitions.set(name, this.write(target, target === this.root))
    return name
  }

  /** What it means depends on more of the document than stands in it. */
  private leftAlone(raw: SchemaObject): Schema {
    return { [unreadable]: { schema: raw, $defs: this.root.$defs ?? this.root.definitions ?? null } }
  }
}

/** Definitions are named by their first use, so that the order of the document counts for nothing. */
function renamed(top: Schema, definitions: ReadonlyMap<string, Schema>): Schema {
  const prefix = '#/$defs/'
  const names = new Map<string, string>()
  const order: string[] = []
  const rename = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value
    if (Array.isArray(value)) return value.map(rename)
    const out: Record<string, unknown> = {}
    for (const key of Object.keys(value).sort()) {
      const child = (value as Record<string, unknown>)[key]
      const isData = key === 'enum' || key === unreadable
      if (key === '$ref' && typeof child === 'string' && definitions.has(child.slice(prefix.length))) {
        const old = child.slice(prefix.length)
        if (!names.has(old)) {
          names.set(old, `r${names.size}`)
          order.push(old)
        }
        out.$ref = prefix + names.get(old)
      } else put(out, key, isData ? child : rename(child))
    }
    return out
  }
  const renamedTop = rename(top)
  const $defs: Record<string, unknown> = {}
  for (let index = 0; index < order.length; index += 1) {
    const old = order[index] as string
    $defs[names.get(old) as string] = rename(definitions.get(old))
  }
  if (typeof renamedTop !== 'object' || renamedTop === null) return renamedTop as Schema
  return order.length === 0 ? (renamedTop as Schema) : { ...(renamedTop as SchemaObject), $defs }
}
