// What of a schema is left out where some of it cannot be enforced, so that what is left takes everything that the whole would take: the
// server judges the rest. Leaving a keyword out below `not`, `if` or `oneOf` would refuse more and not less, so these give way too.

import type { Dialect, SchemaGraph, SchemaObject, Unenforced } from './schema-graph.ts'

export interface Relaxation {
  /** Keywords that are left out. */
  readonly omitted: ReadonlySet<string>
  /** Entries of keywords in place of which anything is taken. */
  readonly open: ReadonlyMap<string, ReadonlySet<string>>
  /** `oneOf` is read as `anyOf`. */
  readonly anyBranch: boolean
}

interface Growing extends Relaxation {
  readonly omitted: Set<string>
  readonly open: Map<string, Set<string>>
  anyBranch: boolean
}

/** Keywords that say less, or the opposite, without another. */
const companions: Readonly<Record<string, readonly string[]>> = {
  properties: ['additionalProperties'],
  patternProperties: ['additionalProperties'],
  prefixItems: ['items', 'additionalItems'],
  items: ['additionalItems'],
  minContains: ['contains'],
  if: ['then', 'else'],
}

export function relax(graph: SchemaGraph, unenforced: readonly Unenforced[], dialect: Dialect): ReadonlyMap<SchemaObject, Relaxation> {
  const relaxed = new Map<SchemaObject, Growing>()
  const of = (schema: SchemaObject): Growing => {
    let found = relaxed.get(schema)
    if (found === undefined) {
      found = { omitted: new Set(), open: new Map(), anyBranch: false }
      relaxed.set(schema, found)
    }
    return found
  }
  for (const { schema, keyword, entry } of unenforced) {
    const relaxation = of(schema)
    if (entry === undefined) omit(relaxation, keyword)
    else opened(relaxation.open, keyword).add(entry)
    if (keyword === 'oneOf' && entry !== undefined) relaxation.anyBranch = true
    // There a reference stands for the whole schema.
    if (dialect === 'draft-07' && keyword === '$ref') for (const other of Object.keys(schema)) omit(relaxation, other, true)
  }
  const touched = above(graph, relaxed.keys())
  for (const schema of touched) giveWay(of(schema), schema, touched)
  return relaxed
}

function omit({ omitted }: Growing, keyword: string, judgingOnly = false): void {
  if (judgingOnly && (keyword === '$defs' || keyword === 'definitions')) return
  omitted.add(keyword)
  for (const other of companions[keyword] ?? []) omitted.add(other)
}

function opened(open: Map<string, Set<string>>, keyword: string): Set<string> {
  const entries = open.get(keyword) ?? new Set<string>()
  open.set(keyword, entries)
  return entries
}

/** Schemas from which one of these is reached, and these. */
function above({ schemas }: SchemaGraph, below: Iterable<SchemaObject>): ReadonlySet<SchemaObject> {
  const parents = new Map<SchemaObject, SchemaObject[]>()
  for (const [schema, children] of schemas) {
    for (const child of children) {
      const known = parents.get(child)
      if (known === undefined) parents.set(child, [schema])
      else known.push(schema)
    }
  }
  const found = new Set(below)
  // Grows while it is walked.
  for (const schema of found) for (const parent of parents.get(schema) ?? []) found.add(parent)
  return found
}

function giveWay(relaxation: Growing, schema: SchemaObject, touched: ReadonlySet<SchemaObject>): void {
  const isTouched = (value: unknown): boolean => touched.has(value as SchemaObject)
  if (isTouched(schema.not)) omit(relaxation, 'not')
  if (isTouched(schema.if)) omit(relaxation, 'if')
  if (Array.isArray(schema.oneOf) && schema.oneOf.some(isTouched)) relaxation.anyBranch = true
  if (isTouched(schema.contains)) omit(relaxation, 'maxContains')
  // What a keyword that was left out would have evaluated is not known.
  omit(relaxation, 'unevaluatedProperties')
  omit(relaxation, 'unevaluatedItems')
}
