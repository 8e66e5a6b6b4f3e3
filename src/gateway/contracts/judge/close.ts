// The declared form of a schema: what callers send who read it. Objects have the names that it gives and no others.
import type { Graph, Node } from './graph.ts'

type Mode = 'whole' | 'inner'

interface Draft extends Omit<Node, 'id'> {}

/**
 * Each object that declares names is shut; one that says what further names hold is not, and neither is what stands below `not`, `if`,
 * `contains` and `propertyNames`, where shutting would turn the meaning round. The root of an input is shut in any case.
 */
export function close(root: Node, graph: Graph, isInput: boolean): Node {
  const done = memory.get(graph) ?? new Map<string, Node>()
  memory.set(graph, done)
  const shut = (node: Node, mode: Mode, open: ReadonlySet<string>, isRoot = false): Node => {
    if (node.never === true) return node
    const key = `${node.id} ${mode} ${isRoot} ${[...open].sort().join('\0')}`
    const known = done.get(key)
    if (known !== undefined) return known
    // Only a schema that holds itself comes by here twice before it is done.
    const place = graph.reference()
    done.set(key, place)
    const names = mode === 'whole' ? repeated(node) : open
    const draft: Draft = { ...fieldsOf(node) }
    const below = (one: Node): Node => shut(one, 'whole', none)
    const beside = (one: Node): Node => shut(one, 'inner', names)
    if (node.properties !== undefined) {
      draft.properties = new Map([...node.properties].map(([name, one]) => [name, names.has(name) ? one : below(one)]))
    }
    const all = names.has(everyName)
    if (node.patternProperties !== undefined && !all) {
      draft.patternProperties = new Map([...node.patternProperties].map(([name, one]) => [name, below(one)]))
    }
    if (node.additionalProperties !== undefined && !all) draft.additionalProperties = below(node.additionalProperties)
    if (node.unevaluatedProperties !== undefined && !all) draft.unevaluatedProperties = below(node.unevaluatedProperties)
    if (!names.has(everyItem)) {
      if (node.items !== undefined) draft.items = below(node.items)
      if (node.prefixItems !== undefined) draft.prefixItems = node.prefixItems.map(below)
      if (node.unevaluatedItems !== undefined) draft.unevaluatedItems = below(node.unevaluatedItems)
    }
    for (const list of ['allOf', 'anyOf', 'oneOf'] as const) if (node[list] !== undefined) draft[list] = node[list].map(beside)
    // `oneOf` refuses what fits two: shut branches overlap less, so that alone they could accept more.
    if (draft.oneOf?.some((one, index) => one !== node.oneOf?.[index]) === true && node.oneOf !== undefined) {
      draft.allOf = [...(draft.allOf ?? []), graph.make({ anyOf: draft.oneOf })]
      draft.oneOf = node.oneOf
    }
    for (const branch of ['then', 'else'] as const) if (node[branch] !== undefined) draft[branch] = beside(node[branch])
    if (node.dependentSchemas !== undefined) {
      draft.dependentSchemas = new Map([...node.dependentSchemas].map(([name, one]) => [name, beside(one)]))
    }
    if (node.ref !== undefined) draft.ref = beside(node.ref)
    const isOpen = node.additionalProperties !== undefined || node.unevaluatedProperties !== undefined
    if (
      mode === 'whole' &&
      !(isOpen && !(isRoot && node.additionalProperties === graph.anything)) &&
      (isRoot || declares(node, new Set()))
    ) {
      if (hasBeside(node)) draft.unevaluatedProperties = graph.nothing
      else draft.additionalProperties = graph.nothing
    }
    const made = graph.make(draft)
    place.ref = made
    done.set(key, made)
    return made
  }
  return shut(root, 'whole', none, isInput)
}

/** Versions of one document share most. */
const memory = new WeakMap<Graph, Map<string, Node>>()
const none: ReadonlySet<string> = new Set()
const everyName = '\0names'
const everyItem = '\0items'

function fieldsOf(node: Node): Draft {
  const { id: _, ...fields } = node
  return fields
}

function hasBeside(node: Node): boolean {
  return beside(node).length > 0
}

/** Subschemas of the same value that can give it names. */
function beside(node: Node): Node[] {
  return [...together(node), ...(node.anyOf ?? []), ...(node.oneOf ?? [])]
}

/** Those that hold beside the schema itself, and not in place of another. */
function together(node: Node): Node[] {
  const found: Node[] = [...(node.allOf ?? []), ...(node.dependentSchemas?.values() ?? [])]
  for (const one of [node.ref, node.then, node.else]) if (one !== undefined) found.push(one)
  return found
}

function declares(node: Node, seen: Set<Node>): boolean {
  if (seen.has(node)) return false
  seen.add(node)
  return (node.properties?.size ?? 0) > 0 || beside(node).some((one) => declares(one, seen))
}

/**
 * Names that several schemas of one value are about at once. Each says a part of what is below: shut by itself, one would refuse what
 * another declares, so they stay open.
 */
function repeated(node: Node): ReadonlySet<string> {
  const found = new Set<string>()
  collect(node, new Set(), found)
  return found
}

/** What a schema is about; into `twice` what two of those that hold at once are. */
function collect(node: Node, above: ReadonlySet<Node>, twice: Set<string>): Set<string> {
  const about = new Set<string>()
  if (above.has(node)) return about
  const seen = new Set([...above, node])
  const add = (names: Iterable<string>): void => {
    for (const name of names) {
      if (about.has(name)) twice.add(name)
      about.add(name)
    }
  }
  const own = new Set(node.properties?.keys() ?? [])
  if (node.patternProperties !== undefined || node.additionalProperties !== undefined || node.unevaluatedProperties !== undefined) {
    own.add(everyName)
  }
  if (node.items !== undefined || node.prefixItems !== undefined || node.unevaluatedItems !== undefined) own.add(everyItem)
  // A pattern may be about a name that is given as well.
  if (node.patternProperties !== undefined && own.size + node.patternProperties.size > 2) for (const name of own) twice.add(name)
  add(own)
  for (const one of together(node)) add(collect(one, seen, twice))
  for (const choices of [node.anyOf, node.oneOf]) {
    // Of alternatives each is enough by itself.
    if (choices !== undefined) add(new Set(choices.flatMap((one) => [...collect(one, seen, twice)])))
  }
  if (about.has(everyName) && about.size > own.size) for (const name of about) if (name !== everyItem) twice.add(name)
  return about
}
