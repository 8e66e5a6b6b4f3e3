// What the negation of a schema says, in plain schemas: one of its keywords does not hold.
import { anyNumber, bit, everyType, type Fields, type Graph, type Node } from './graph.ts'

/** Undefined where nothing plainer is known than the negation itself. Each alternative is a list of nodes that hold together. */
export function negated(node: Node, graph: Graph): readonly (readonly Node[])[] | undefined {
  // What looks at annotations stays whole.
  if (node.unevaluatedProperties !== undefined || node.unevaluatedItems !== undefined) return undefined
  const known = byNode.get(node)
  if (known !== undefined) return known.alternatives
  const alternatives = derive(node, graph)
  byNode.set(node, { alternatives })
  return alternatives
}

const byNode = new WeakMap<Node, { readonly alternatives: readonly (readonly Node[])[] | undefined }>()

function derive(node: Node, graph: Graph): readonly (readonly Node[])[] | undefined {
  const found: Node[][] = []
  let plain = false
  const add = (...fields: Fields[]): void => {
    found.push(fields.map((one) => graph.make(one)))
    plain = true
  }
  for (const key in node) {
    if (key === 'id' || node[key as keyof Node] === undefined || partsOfOthers.has(key)) continue
    const rule = rules[key]
    if (rule !== undefined) rule(node, add, graph)
    else found.push([graph.make({ not: graph.make(together(node, key)) })])
  }
  return plain || found.length > 1 ? found : undefined
}

const partsOfOthers: ReadonlySet<string> = new Set(['then', 'else', 'minContains', 'maxContains'])
const companions: Readonly<Record<string, readonly (keyof Fields)[]>> = {
  if: ['then', 'else'],
  contains: ['minContains', 'maxContains'],
  additionalProperties: ['properties', 'patternProperties'],
  items: ['prefixItems'],
}

/** A keyword with those that change what it means. */
function together(node: Node, key: string): Fields {
  const fields: Record<string, unknown> = {}
  for (const one of [key as keyof Fields, ...(companions[key] ?? [])]) if (node[one] !== undefined) fields[one] = node[one]
  return fields as Fields
}

type Rule = (node: Node, add: (...fields: Fields[]) => void, graph: Graph) => void

function bound(key: keyof Fields, types: number, opposite: (value: number) => Fields): Rule {
  return (node, add) => add({ types, ...opposite(node[key] as number) })
}

const rules: Readonly<Record<string, Rule>> = {
  never: (_node, add) => add({}),
  types: (node, add) => add({ types: everyType & ~(node.types ?? 0) }),
  required: (node, add, graph) => {
    const [only] = node.required ?? []
    // The negation itself: a name that an object lacks.
    if (node.required?.length === 1 && only !== undefined) add({ types: bit.object, not: graph.make({ required: [only] }) })
    else for (const name of node.required ?? []) add({ types: bit.object, not: graph.make({ required: [name] }) })
  },
  properties: (node, add, graph) => {
    for (const [name, one] of node.properties ?? []) {
      add({ types: bit.object, required: [name], properties: new Map([[name, graph.make({ not: one })]]) })
    }
  },
  not: (node, add) => {
    if (node.not !== undefined) add({ allOf: [node.not] })
  },
  allOf: (node, add) => {
    for (const one of node.allOf ?? []) add({ not: one })
  },
  anyOf: (node, add) => add(...(node.anyOf ?? []).map((one) => ({ not: one }))),
  ref: (node, add) => {
    if (node.ref !== undefined) add({ not: node.ref })
  },
  minimum: bound('minimum', anyNumber, (exclusiveMaximum) => ({ exclusiveMaximum })),
  maximum: bound('maximum', anyNumber, (exclusiveMinimum) => ({ exclusiveMinimum })),
  exclusiveMinimum: bound('exclusiveMinimum', anyNumber, (maximum) => ({ maximum })),
  exclusiveMaximum: bound('exclusiveMaximum', anyNumber, (minimum) => ({ minimum })),
  minLength: bound('minLength', bit.string, (least) => ({ maxLength: least - 1 })),
  maxLength: bound('maxLength', bit.string, (most) => ({ minLength: most + 1 })),
  minItems: bound('minItems', bit.array, (least) => ({ maxItems: least - 1 })),
  maxItems: bound('maxItems', bit.array, (most) => ({ minItems: most + 1 })),
  minProperties: bound('minProperties', bit.object, (least) => ({ maxProperties: least - 1 })),
  maxProperties: bound('maxProperties', bit.object, (most) => ({ minProperties: most + 1 })),
  dependentRequired: (node, add, graph) => {
    for (const [name, needed] of node.dependentRequired ?? []) {
      for (const one of needed) add({ types: bit.object, required: [name], not: graph.make({ required: [one] }) })
    }
  },
  dependentSchemas: (node, add) => {
    for (const [name, one] of node.dependentSchemas ?? []) add({ types: bit.object, required: [name], not: one })
  },
}
