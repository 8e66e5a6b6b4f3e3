// What is known of a value that fits several schemas at once: what each says for certain, with references and `allOf` followed.
import type { Evaluator } from './evaluate.ts'
import { isMultiple, matches, typeBit } from './evaluate.ts'
import { anyNumber, bit, everyType, type Graph, type Node } from './graph.ts'
import { negated } from './negation.ts'
import { stable } from './stable.ts'

/** Schemas that one value fits, each once. Equal sets are one context. */
export interface Context {
  readonly key: string
  readonly nodes: readonly Node[]
  facts: Facts | undefined
}

/** Several ways to fit: at least one of these holds. Each is a list of nodes. */
export type Alternatives = readonly (readonly Node[])[]

export interface Facts {
  /** No value fits. */
  readonly dead: boolean
  readonly types: number
  /** All values that may fit, where they are few. */
  readonly values: readonly unknown[] | undefined
  /** Nodes that hold, each once. */
  readonly flat: readonly Node[]
  readonly ids: ReadonlySet<number>
  readonly nots: readonly Node[]
  readonly low: Bound
  readonly high: Bound
  readonly multiples: readonly number[]
  readonly minLength: number
  readonly maxLength: number
  readonly patterns: readonly string[]
  readonly formats: readonly string[]
  readonly minItems: number
  readonly maxItems: number
  readonly unique: boolean
  readonly prefix: number
  readonly minProperties: number
  readonly maxProperties: number
  readonly required: ReadonlySet<string>
  /** Names that an object cannot have. */
  readonly banned: ReadonlySet<string>
  /** Names that any of the schemas gives. */
  readonly names: ReadonlySet<string>
  readonly alternatives: readonly Alternatives[]
}

export interface Bound {
  readonly value: number
  readonly exclusive: boolean
}

const mostValues = 64

interface Draft {
  types: number
  low: Bound
  high: Bound
  minLength: number
  maxLength: number
  minItems: number
  maxItems: number
  minProperties: number
  maxProperties: number
}

export function factsOf(nodes: readonly Node[], graph: Graph, evaluator: Evaluator): Facts {
  const flat = flatten(nodes, graph)
  const ids = new Set(flat.map((node) => node.id))
  const draft: Draft = {
    types: everyType,
    low: { value: Number.NEGATIVE_INFINITY, exclusive: false },
    high: { value: Number.POSITIVE_INFINITY, exclusive: false },
    minLength: 0,
    maxLength: Number.POSITIVE_INFINITY,
    minItems: 0,
    maxItems: Number.POSITIVE_INFINITY,
    minProperties: 0,
    maxProperties: Number.POSITIVE_INFINITY,
  }
  const required = new Set<string>()
  const banned = new Set<string>()
  const names = new Set<string>()
  const nots: Node[] = []
  const multiples: number[] = []
  const patterns: string[] = []
  const formats: string[] = []
  const lists: (readonly unknown[])[] = []
  let never = false
  let unique = false
  let prefix = 0
  for (const node of flat) {
    if (node.never === true) never = true
    narrow(draft, node)
    if (node.values !== undefined) lists.push(node.values)
    if (node.multipleOf !== undefined) multiples.push(node.multipleOf)
    if (node.pattern !== undefined) patterns.push(node.pattern)
    if (node.format !== undefined) formats.push(node.format)
    if (node.uniqueItems === true) unique = true
    prefix = Math.max(prefix, node.prefixItems?.length ?? 0)
    for (const name of node.required ?? []) required.add(name)
    for (const name of node.properties?.keys() ?? []) names.add(name)
    for (const name of finiteNames(node)) names.add(name)
    if (node.not !== undefined) refuse(node.not, nots, banned, draft)
  }
  for (const node of flat) {
    for (const [name, needed] of node.dependentRequired ?? []) if (required.has(name)) for (const one of needed) required.add(one)
  }
  for (const name of required) names.add(name)
  if ([...required].some((name) => banned.has(name))) draft.types &= ~bit.object
  if (required.size > draft.minProperties) draft.minProperties = required.size
  const values = valuesOf(draft, lists, flat, multiples, evaluator)
  impossible(draft, multiples, patterns)
  if ((draft.types & bit.fraction) === 0) whole(draft)
  return {
    dead: never || draft.types === 0 || values?.length === 0,
    ...draft,
    values,
    flat,
    ids,
    nots,
    multiples,
    patterns,
    formats,
    unique,
    prefix,
    required,
    banned,
    names,
    alternatives: alternativesOf(flat, ids, draft.types, required, banned, graph),
  }
}

/** With what references and `allOf` lead to, and what a negation says in plain. */
function flatten(nodes: readonly Node[], graph: Graph): readonly Node[] {
  const found = new Set<Node>()
  const add = (node: Node): void => {
    if (found.has(node)) return
    found.add(node)
    if (node.ref !== undefined) add(node.ref)
    for (const one of node.allOf ?? []) add(one)
    if (node.not === undefined) return
    const [only, ...others] = negated(node.not, graph) ?? []
    if (only !== undefined && others.length === 0) for (const one of only) add(one)
  }
  for (const node of nodes) add(node)
  return [...found]
}

function narrow(draft: Draft, node: Node): void {
  if (node.types !== undefined) draft.types &= node.types
  const low = (value: number | undefined, exclusive: boolean): void => {
    if (value !== undefined && (value > draft.low.value || (value === draft.low.value && exclusive))) draft.low = { value, exclusive }
  }
  const high = (value: number | undefined, exclusive: boolean): void => {
    if (value !== undefined && (value < draft.high.value || (value === draft.high.value && exclusive))) draft.high = { value, exclusive }
  }
  low(node.minimum, false)
  low(node.exclusiveMinimum, true)
  high(node.maximum, false)
  high(node.exclusiveMaximum, true)
  for (const key of ['minLength', 'minItems', 'minProperties'] as const) draft[key] = Math.max(draft[key], node[key] ?? 0)
  for (const key of ['maxLength', 'maxItems', 'maxProperties'] as const) {
    draft[key] = Math.min(draft[key], node[key] ?? Number.POSITIVE_INFINITY)
  }
  if (node.contains !== undefined) draft.minItems = Math.max(draft.minItems, node.minContains ?? 1)
  if (node.items?.never === true) draft.maxItems = Math.min(draft.maxItems, node.prefixItems?.length ?? 0)
}

/** The names that `propertyNames` lists. */
export function finiteNames(node: Node): readonly string[] {
  const values = node.propertyNames?.values
  return values === undefined ? [] : (values.filter((one) => typeof one === 'string') as string[])
}

/** What a negation says in plain: a type that is out, a name that is. */
function refuse(not: Node, nots: Node[], banned: Set<string>, draft: Draft): void {
  nots.push(not)
  const keys = Object.keys(not).filter((key) => key !== 'id' && not[key as keyof Node] !== undefined)
  if (keys.length === 1 && not.types !== undefined) draft.types &= ~not.types
  if (keys.length === 1 && not.required?.length === 1) {
    // Said of objects alone: what is none has no names.
    draft.types &= bit.object
    banned.add(not.required[0] as string)
  }
}

function valuesOf(
  draft: Draft,
  lists: readonly (readonly unknown[])[],
  flat: readonly Node[],
  multiples: readonly number[],
  evaluator: Evaluator,
): readonly unknown[] | undefined {
  const [first, ...others] = [...lists].sort((a, b) => a.length - b.length)
  let values: readonly unknown[] | undefined = first
  if (values !== undefined) {
    for (const other of others) {
      const allowed = new Set(other.map(stable))
      values = values.filter((value) => allowed.has(stable(value)))
    }
    values = values.filter((value) => (draft.types & typeBit(value)) !== 0)
    draft.types &= values.reduce((mask: number, value) => mask | typeBit(value), 0)
  } else values = few(draft, multiples)
  return values?.filter((value) => flat.every((node) => evaluator.test(node, value) !== false))
}

/** Every value of the types that are left, where all have few. */
function few(draft: Draft, multiples: readonly number[]): unknown[] | undefined {
  const values: unknown[] = []
  for (const type of Object.values(bit)) {
    if ((draft.types & type) === 0) continue
    if (type === bit.null) values.push(null)
    else if (type === bit.boolean) values.push(true, false)
    else if (type === bit.integer) {
      const from = Math.ceil(draft.low.value)
      const to = Math.floor(draft.high.value)
      if (!(to - from < mostValues) || !Number.isSafeInteger(from) || !Number.isSafeInteger(to)) return undefined
      for (let value = from; value <= to; value += 1) {
        if ((value === draft.low.value && draft.low.exclusive) || (value === draft.high.value && draft.high.exclusive)) continue
        if (multiples.every((of) => isMultiple(value, of))) values.push(value === 0 ? 0 : value)
      }
    } else if (type === bit.string && draft.maxLength === 0) values.push('')
    else if (type === bit.array && draft.maxItems === 0) values.push([])
    else return undefined
  }
  return values
}

/** Of integers a bound that is excluded is the next one included. */
function whole(draft: Draft): void {
  const { low, high } = draft
  if (Number.isSafeInteger(Math.floor(low.value))) {
    draft.low = { value: low.exclusive ? Math.floor(low.value) + 1 : Math.ceil(low.value), exclusive: false }
  }
  if (Number.isSafeInteger(Math.floor(high.value))) {
    draft.high = { value: high.exclusive ? Math.ceil(high.value) - 1 : Math.floor(high.value), exclusive: false }
  }
}

/** Off with types of which nothing can fit. */
function impossible(draft: Draft, multiples: readonly number[], patterns: readonly string[]): void {
  const { low, high } = draft
  if (low.value > high.value || (low.value === high.value && (low.exclusive || high.exclusive))) draft.types &= ~anyNumber
  if (multiples.some((of) => Number.isInteger(of))) draft.types &= ~bit.fraction
  if (draft.minLength > draft.maxLength) draft.types &= ~bit.string
  if (draft.maxLength === 0 && patterns.some((pattern) => matches(pattern, '') === false)) draft.types &= ~bit.string
  if (draft.minItems > draft.maxItems) draft.types &= ~bit.array
  if (draft.minProperties > draft.maxProperties) draft.types &= ~bit.object
}

function alternativesOf(
  flat: readonly Node[],
  ids: ReadonlySet<number>,
  types: number,
  required: ReadonlySet<string>,
  banned: ReadonlySet<string>,
  graph: Graph,
): readonly Alternatives[] {
  const found: Alternatives[] = []
  const holds = (node: Node): boolean => ids.has(node.id)
  for (const node of flat) {
    if (node.anyOf !== undefined && !node.anyOf.some(holds)) found.push(node.anyOf.map((one) => [one]))
    const { oneOf } = node
    if (oneOf !== undefined && !(oneOf.some(holds) && oneOf.some((one) => holds(graph.make({ not: one }))))) {
      found.push(oneOf.map((one, at) => [one, ...oneOf.filter((_, index) => index !== at).map((not) => graph.make({ not }))]))
    }
    if (node.if !== undefined) {
      const no = graph.make({ not: node.if })
      const whereYes = node.then ?? graph.anything
      const whereNo = node.else ?? graph.anything
      const decided = (holds(node.if) && holds(whereYes)) || (holds(no) && holds(whereNo))
      if (!decided) {
        found.push([
          [node.if, whereYes],
          [no, whereNo],
        ])
      }
    }
    if ((types & bit.object) === 0) continue
    for (const [name, one] of node.dependentSchemas ?? []) {
      if (banned.has(name) || holds(one)) continue
      const present = graph.make({ types: bit.object, required: [name] })
      const absent = graph.make({ not: graph.make({ required: [name] }) })
      found.push(required.has(name) ? [[one]] : [[present, one], [absent], [graph.make({ types: everyType & ~bit.object })]])
    }
    for (const [name, needed] of node.dependentRequired ?? []) {
      if (banned.has(name) || required.has(name)) continue
      const present = graph.make({ types: bit.object, required: [name, ...needed].sort() })
      const absent = graph.make({ not: graph.make({ required: [name] }) })
      found.push([[present], [absent], [graph.make({ types: everyType & ~bit.object })]])
    }
  }
  // Last, since these are many and rarely what matters.
  for (const { not } of flat) {
    const ways = not === undefined ? undefined : negated(not, graph)
    if (ways !== undefined && ways.length > 1 && !ways.some((way) => way.every(holds))) found.push(ways)
  }
  return found
}
