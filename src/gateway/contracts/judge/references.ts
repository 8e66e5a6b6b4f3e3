// References within one document: where each leads, and which lead back to themselves. Nothing is ever fetched.
import { isObject } from '../../../core/protocol/is-object.ts'
import { readPointer } from '../../../core/protocol/json-pointer.ts'

/** What is data or stands apart, so that no reference in it counts. */
const apart: ReadonlySet<string> = new Set(['enum', 'const', 'default', 'examples', '$defs', 'definitions'])

export class References {
  private readonly root: Record<string, unknown>
  private readonly anchors = new Map<string, unknown>()
  private readonly from = new Map<object, ReadonlySet<object>>()

  constructor(root: Record<string, unknown>) {
    this.root = root
    this.collect(root)
  }

  /** The schema that it leads to; undefined for one of another document, or for nothing. */
  target(reference: string): unknown {
    const id = this.root.$id ?? this.root.id
    const local = typeof id === 'string' && reference.startsWith(id) ? reference.slice(id.length) : reference
    if (local === '' || local === '#') return this.root
    if (!local.startsWith('#')) return undefined
    let fragment: string
    try {
      fragment = decodeURIComponent(local.slice(1))
    } catch {
      return undefined
    }
    if (!fragment.startsWith('/')) return this.anchors.get(fragment)
    let at: unknown = this.root
    for (const key of readPointer(fragment)) {
      if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined
      at = (at as Record<string, unknown>)[key]
    }
    return at
  }

  /** Whether a schema leads back to itself. */
  isRecursive(schema: object): boolean {
    const seen = new Set<object>()
    const waiting = [...this.leads(schema)]
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (next === schema) return true
      if (seen.has(next)) continue
      seen.add(next)
      waiting.push(...this.leads(next))
    }
    return false
  }

  private leads(schema: object): ReadonlySet<object> {
    const known = this.from.get(schema)
    if (known !== undefined) return known
    const found = new Set<object>()
    const look = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return
      for (const [key, child] of Object.entries(value)) {
        if (key === '$ref' && typeof child === 'string') {
          const target = this.target(child)
          if (isObject(target)) found.add(target)
        } else if (!apart.has(key)) look(child)
      }
    }
    look(schema)
    this.from.set(schema, found)
    return found
  }

  private collect(value: unknown): void {
    if (typeof value !== 'object' || value === null) return
    if (!Array.isArray(value)) {
      const { $anchor, $id } = value as Record<string, unknown>
      if (typeof $anchor === 'string') this.anchors.set($anchor, value)
      if (typeof $id === 'string' && $id.startsWith('#')) this.anchors.set($id.slice(1), value)
    }
    for (const child of Object.values(value)) this.collect(child)
  }
}
