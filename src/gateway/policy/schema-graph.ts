// Reads a foreign JSON Schema as a graph. Refuses one that would be dear or impossible to compile or to run: too large, too deep, cycles
// that consume nothing, references that multiply. Single keywords that cannot be enforced are named: references that lead nowhere or out
// of the document, patterns. It fetches nothing, ever.
import { escapeToken, unescapeToken } from '../../core/protocol/json-pointer.ts'
import { isEnforced } from '../../core/text/patterns.ts'

const schemaLimits = {
  bytes: 65_536,
  /** Objects and arrays. */
  nodes: 2_000,
  depth: 64,
  /** Subschemas applied to one value when every reference is written out. */
  expansion: 100_000,
} as const

export type Dialect = 'draft-07' | '2019-09' | '2020-12'

export type SchemaObject = Readonly<Record<string, unknown>>

export interface SchemaGraph {
  /** The schema as JSON text. */
  readonly text: string
  readonly nodes: number
  /** Every object that stands where a schema stands, with those below it; what is data (`enum`, `default`, …) is not among them. */
  readonly schemas: ReadonlyMap<SchemaObject, readonly SchemaObject[]>
  /** Targets of references. */
  readonly targets: ReadonlySet<SchemaObject>
  readonly unenforced: readonly Unenforced[]
}

/** A keyword that cannot be enforced, or one entry of it (of `properties`, `patternProperties`, …). */
export interface Unenforced {
  readonly schema: SchemaObject
  readonly keyword: string
  readonly entry: string | undefined
  readonly path: string
  readonly reason: string
}

/** Why a schema is not taken: where (JSON Pointer) and what. */
export interface Refusal {
  readonly path: string
  readonly reason: string
}

/** Keywords whose subschemas apply to the same value: a cycle through them alone would never end. */
const inPlaceOne = ['not', 'if', 'then', 'else']
const inPlaceMany = ['allOf', 'anyOf', 'oneOf']
const inPlaceNamed = ['dependentSchemas', 'dependencies']
/** Keywords whose subschemas apply to a part of the value. */
const partOne = [
  'items',
  'additionalItems',
  'contains',
  'additionalProperties',
  'unevaluatedItems',
  'unevaluatedProperties',
  'propertyNames',
]
const partMany = ['prefixItems', 'items']
const partNamed = ['properties', 'patternProperties']
/** Subschemas that apply only where something refers to them. */
const idleOne = ['contentSchema']
const idleNamed = ['$defs', 'definitions']

interface Site {
  readonly schema: SchemaObject
  readonly path: string
  readonly base: string
  readonly inPlace: Site[]
  readonly parts: Site[]
}

class Refused extends Error {
  readonly refusal: Refusal
  constructor(path: string, reason: string) {
    super(reason)
    this.refusal = { path, reason }
  }
}

/** The graph of a schema, or why it is refused. */
export function readSchema(schema: unknown): SchemaGraph | { readonly refused: Refusal } {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) {
    return { refused: { path: '', reason: 'the schema is no object' } }
  }
  try {
    return new Reader(schema as SchemaObject).read()
  } catch (error) {
    if (error instanceof Refused) return { refused: error.refusal }
    throw error
  }
}

class Reader {
  private readonly root: SchemaObject
  private readonly sites = new Map<SchemaObject, Site>()
  private readonly targets = new Set<SchemaObject>()
  private readonly unenforced: Unenforced[] = []
  /** Absolute URIs (with anchor fragments) that the document itself defines. */
  private readonly defined = new Map<string, SchemaObject>()
  private readonly dynamic = new Map<string, SchemaObject[]>()
  private readonly pending: Site[] = []
  private nodes = 0

  constructor(root: SchemaObject) {
    this.root = root
  }

  read(): SchemaGraph {
    this.measure(this.root, '', 1)
    const text = JSON.stringify(this.root)
    if (Buffer.byteLength(text) > schemaLimits.bytes) throw new Refused('', `larger than ${schemaLimits.bytes} bytes`)
    const root = this.site(this.root, '', 'schema://local/')
    // References are followed once every name of the document is known; what they reach may hold more of both.
    for (let site = this.pending.pop(); site !== undefined; site = this.pending.pop()) this.follow(site)
    refuseEndless(this.sites.values())
    refuseExplosion(root)
    const schemas = new Map(
      [...this.sites].map(([schema, { inPlace, parts }]) => [schema, [...inPlace, ...parts].map((one) => one.schema)]),
    )
    return { text, nodes: this.nodes, schemas, targets: this.targets, unenforced: this.unenforced }
  }

  private measure(value: unknown, path: string, depth: number): void {
    if (typeof value !== 'object' || value === null) return
    if (depth > schemaLimits.depth) throw new Refused(path, `nested deeper than ${schemaLimits.depth}`)
    this.nodes += 1
    if (this.nodes > schemaLimits.nodes) throw new Refused('', `more than ${schemaLimits.nodes} objects and arrays`)
    for (const [key, child] of Object.entries(value)) this.measure(child, `${path}/${escapeToken(key)}`, depth + 1)
  }

  private site(schema: SchemaObject, path: string, base: string): Site {
    const known = this.sites.get(schema)
    if (known !== undefined) return known
    const own = schema.$id
    const here = typeof own === 'string' && !own.startsWith('#') ? absolute(own, base) : base
    if (here === undefined) throw new Refused(`${path}/$id`, notUri)
    const site: Site = { schema, path, base: here, inPlace: [], parts: [] }
    this.sites.set(schema, site)
    this.name(schema, path, here)
    this.pending.push(site)
    this.children(site)
    return site
  }

  private name(schema: SchemaObject, path: string, base: string): void {
    const id = schema.$id
    if (path === '' || (typeof id === 'string' && !id.startsWith('#'))) this.define(base, schema, path)
    // A fragment as `$id` is how draft-07 writes `$anchor`.
    if (typeof id === 'string' && id.startsWith('#')) this.define(`${base}${id}`, schema, path)
    if (typeof schema.$anchor === 'string') this.define(`${base}#${schema.$anchor}`, schema, path)
    if (typeof schema.$dynamicAnchor === 'string') {
      this.define(`${base}#${schema.$dynamicAnchor}`, schema, path)
      const all = this.dynamic.get(schema.$dynamicAnchor) ?? []
      all.push(schema)
      this.dynamic.set(schema.$dynamicAnchor, all)
    }
  }

  private define(uri: string, schema: SchemaObject, path: string): void {
    const other = this.defined.get(uri)
    if (other !== undefined && other !== schema) throw new Refused(path, 'its id or anchor is given twice')
    this.defined.set(uri, schema)
  }

  private children(site: Site): void {
    const { schema } = site
    const add = (value: unknown, path: string, into: Site[] | undefined): void => {
      if (!isSchemaObject(value)) return
      const child = this.site(value, path, site.base)
      into?.push(child)
    }
    const one = (keys: readonly string[], into: Site[] | undefined): void => {
      for (const key of keys) add(schema[key], `${site.path}/${key}`, into)
    }
    const many = (keys: readonly string[], into: Site[]): void => {
      for (const key of keys) {
        const list = schema[key]
        if (!Array.isArray(list)) continue
        for (const [index, value] of list.entries()) add(value, `${site.path}/${key}/${index}`, into)
      }
    }
    const named = (keys: readonly string[], into: Site[] | undefined): void => {
      for (const key of keys) {
        const map = schema[key]
        if (!isSchemaObject(map)) continue
        for (const [name, value] of Object.entries(map)) add(value, `${site.path}/${key}/${escapeToken(name)}`, into)
      }
    }
    one(inPlaceOne, site.inPlace)
    many(inPlaceMany, site.inPlace)
    named(inPlaceNamed, site.inPlace)
    one(partOne, site.parts)
    many(partMany, site.parts)
    named(partNamed, site.parts)
    one(idleOne, undefined)
    named(idleNamed, undefined)
    this.collectPatterns(site)
  }

  private collectPatterns({ schema, path }: Site): void {
    const judge = (pattern: string, keyword: string, entry: string | undefined, at: string): void => {
      if (isEnforced(pattern)) return
      const reason = `the pattern ${shortened(pattern)} cannot be run in linear time with one meaning everywhere`
      this.unenforced.push({ schema, keyword, entry, path: at, reason })
    }
    if (typeof schema.pattern === 'string') judge(schema.pattern, 'pattern', undefined, `${path}/pattern`)
    if (!isSchemaObject(schema.patternProperties)) return
    for (const key of Object.keys(schema.patternProperties)) {
      judge(key, 'patternProperties', key, `${path}/patternProperties/${escapeToken(key)}`)
    }
  }

  private follow(site: Site): void {
    for (const keyword of ['$ref', '$dynamicRef', '$recursiveRef'] as const) {
      const reference = site.schema[keyword]
      if (typeof reference !== 'string') continue
      const path = `${site.path}/${keyword}`
      const targets = this.resolve(reference, keyword === '$dynamicRef', site, path)
      if (typeof targets === 'string') {
        this.unenforced.push({ schema: site.schema, keyword, entry: undefined, path, reason: targets })
        continue
      }
      for (const target of targets) {
        this.targets.add(target.schema)
        site.inPlace.push(target)
      }
    }
  }

  /** What a reference leads to, or why to nothing. */
  private resolve(reference: string, isDynamic: boolean, site: Site, at: string): readonly Site[] | string {
    const uri = absolute(reference, site.base)
    if (uri === undefined) return notUri
    const hash = uri.indexOf('#')
    const document = hash < 0 ? uri : uri.slice(0, hash)
    const fragment = hash < 0 ? '' : decode(uri.slice(hash + 1))
    if (fragment === undefined) return notUri
    if (isDynamic && this.dynamic.has(fragment)) {
      return (this.dynamic.get(fragment) ?? []).map((schema) => this.site(schema, at, site.base))
    }
    const root = this.defined.get(document)
    if (root === undefined) return 'it refers to another document, which is never fetched'
    const found = fragment === '' ? root : fragment.startsWith('/') ? pointer(root, fragment) : this.defined.get(`${document}#${fragment}`)
    if (typeof found === 'boolean') return []
    if (!isSchemaObject(found)) return 'it refers to nothing in this document'
    return [this.site(found, fragment.startsWith('/') ? fragment : at, document)]
  }
}

/** A cycle of references and combinators that never descends into the value would not end. */
function refuseEndless(sites: Iterable<Site>): void {
  const state = new Map<Site, 'open' | 'done'>()
  const visit = (site: Site): void => {
    const seen = state.get(site)
    if (seen === 'done') return
    if (seen === 'open') throw new Refused(site.path, 'it refers to itself without end')
    state.set(site, 'open')
    for (const next of site.inPlace) visit(next)
    state.set(site, 'done')
  }
  for (const site of sites) visit(site)
}

/** Doubling references make 2^n subschemas of n lines. Recursion through parts of the value is counted once here and bounded when run. */
function refuseExplosion(root: Site): void {
  const sizes = new Map<Site, number>()
  const size = (site: Site): number => {
    const known = sizes.get(site)
    if (known !== undefined) return known
    sizes.set(site, 1)
    let total = 1
    for (const next of site.inPlace) total += size(next)
    for (const next of site.parts) total += size(next)
    if (total > schemaLimits.expansion)
      throw new Refused(site.path, `its references expand to more than ${schemaLimits.expansion} subschemas`)
    sizes.set(site, total)
    return total
  }
  size(root)
}

function isSchemaObject(value: unknown): value is SchemaObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const notUri = 'it is no URI reference'

function absolute(reference: string, base: string): string | undefined {
  if (!URL.canParse(reference, base)) return undefined
  const { href } = new URL(reference, base)
  return href.endsWith('#') ? href.slice(0, -1) : href
}

function decode(fragment: string): string | undefined {
  try {
    return decodeURIComponent(fragment)
  } catch {
    return undefined
  }
}

function shortened(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}

function pointer(root: SchemaObject, path: string): unknown {
  let value: unknown = root
  for (const part of path.slice(1).split('/')) {
    const key = unescapeToken(part)
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return value
}
