// What has to be shown of objects: of each name that they may have, given by a schema or not.
import { matches } from './evaluate.ts'
import type { Context } from './facts.ts'
import { bit, type Node } from './graph.ts'
import type { Prover, Rule } from './prove.ts'

/** Names that no schema gives: all that match a pattern of the context, or those that match none. */
interface Others {
  readonly pattern: string | undefined
  readonly value: Context
}

/** What the value under a name fits. */
export function propertyOf(prover: Prover, context: Context, name: string): Context {
  const { flat } = prover.facts(context)
  prover.charge(flat.length / 20)
  const found: Node[] = []
  for (const node of flat) {
    const own = node.properties?.get(name)
    let covered = own !== undefined
    if (own !== undefined) found.push(own)
    for (const [pattern, one] of node.patternProperties ?? []) {
      const hit = matches(pattern, name)
      if (hit === true) found.push(one)
      // It may be covered: then nothing is known of it.
      if (hit !== false) covered = true
    }
    if (!covered && node.additionalProperties !== undefined) found.push(node.additionalProperties)
    if (node.unevaluatedProperties !== undefined && !mayLookAt(prover, context, node, name, true)) found.push(node.unevaluatedProperties)
  }
  return prover.context(found)
}

/** Whether an object may have the name. */
export function mayHave(prover: Prover, context: Context, name: string): boolean {
  const facts = prover.facts(context)
  if (facts.banned.has(name) || (facts.maxProperties === facts.required.size && !facts.required.has(name))) return false
  if (facts.flat.some((node) => node.propertyNames !== undefined && prover.evaluator.test(node.propertyNames, name) === false)) return false
  return !prover.facts(propertyOf(prover, context, name)).dead
}

/** Every name that a schema gives, also one that counts in some cases alone. */
export function namesOf(prover: Prover, context: Context): ReadonlySet<string> {
  const facts = prover.facts(context)
  const closed = facts.flat.filter((node) => node.unevaluatedProperties !== undefined)
  if (closed.length === 0) return facts.names
  const names = new Set(facts.names)
  const seen = new Set<Node>()
  const add = (node: Node): void => {
    if (seen.has(node)) return
    seen.add(node)
    for (const name of node.properties?.keys() ?? []) names.add(name)
    for (const one of lookers(node, prover, context)) add(one)
  }
  for (const node of closed) add(node)
  return names
}

/** The names that no schema gives, by what their values fit; without those that cannot be. */
export function othersOf(prover: Prover, context: Context): Others[] {
  const { flat, maxProperties, required } = prover.facts(context)
  if (maxProperties === required.size || flat.some(({ propertyNames: names }) => names?.values !== undefined || names?.never === true))
    return []
  const patterns = new Set(flat.flatMap((node) => [...(node.patternProperties?.keys() ?? [])]))
  const others: Others[] = []
  for (const pattern of patterns) {
    const found: Node[] = []
    for (const node of flat) {
      const own = node.patternProperties?.get(pattern)
      if (own !== undefined) found.push(own)
      else if (node.patternProperties === undefined && node.additionalProperties !== undefined) found.push(node.additionalProperties)
    }
    others.push({ pattern, value: prover.context(found) })
  }
  const found: Node[] = []
  for (const node of flat) {
    if (node.additionalProperties !== undefined) found.push(node.additionalProperties)
    if (node.unevaluatedProperties !== undefined && !mayLookAt(prover, context, node, undefined, true)) {
      found.push(node.unevaluatedProperties)
    }
  }
  others.push({ pattern: undefined, value: prover.context(found) })
  return others.filter((one) => !prover.facts(one.value).dead)
}

/** Subschemas of the same value whose names may count as looked at: not those of a branch that is decided otherwise. */
function lookers(node: Node, prover: Prover, context: Context): Node[] {
  const found: Node[] = []
  if (node.ref !== undefined) found.push(node.ref)
  for (const list of [node.allOf, node.anyOf, node.oneOf]) if (list !== undefined) found.push(...list)
  if (node.if !== undefined) {
    const { ids } = prover.facts(context)
    const isNot = ids.has(prover.graph.make({ not: node.if }).id)
    // ajv counts what a condition names also where it does not hold.
    for (const one of isNot ? [node.if, node.else] : ids.has(node.if.id) ? [node.if, node.then] : [node.if, node.then, node.else]) {
      if (one !== undefined) found.push(one)
    }
  }
  if (node.dependentSchemas !== undefined) found.push(...node.dependentSchemas.values())
  return found
}

/** Whether a schema may have looked at a name (one that none gives: undefined), so that its `unevaluatedProperties` is not about it. */
function mayLookAt(prover: Prover, context: Context, node: Node, name: string | undefined, isTop: boolean): boolean {
  if (node.opaque !== undefined || node.additionalProperties !== undefined) return true
  if (!isTop && node.unevaluatedProperties !== undefined) return true
  if (name !== undefined && node.properties?.has(name) === true) return true
  for (const pattern of node.patternProperties?.keys() ?? []) if (name === undefined || matches(pattern, name) !== false) return true
  const choices = new Set([...(node.anyOf ?? []), ...(node.oneOf ?? [])])
  return lookers(node, prover, context).some(
    (one) => mayLookAt(prover, context, one, name, false) && !(choices.has(one) && isPlainlyEmpty(prover, prover.with(context, one))),
  )
}

/** Without a proof: by what is said of the object and of the names that it must have. */
function isPlainlyEmpty(prover: Prover, context: Context): boolean {
  const facts = prover.facts(context)
  if (facts.dead) return true
  if (facts.types !== bit.object) return false
  for (const name of facts.required) {
    const found = facts.flat.flatMap((node) => node.properties?.get(name) ?? [])
    if (found.length > 1 && prover.facts(prover.context(found)).dead) return true
  }
  return false
}

/** Whether a goal that holds has surely looked at the name, or at all names of a class. */
function looksAt(prover: Prover, context: Context, goal: Node, name: string | undefined, pattern: string | undefined): boolean {
  if (goal.additionalProperties !== undefined || goal.unevaluatedProperties !== undefined) return true
  return looksInside(prover, context, goal, name, pattern)
}

function looksInside(prover: Prover, context: Context, goal: Node, name: string | undefined, pattern: string | undefined): boolean {
  const inner = (one: Node): boolean => looksAt(prover, context, one, name, pattern)
  if (goal.additionalProperties !== undefined) return true
  if (name !== undefined && goal.properties?.has(name) === true) return true
  for (const own of goal.patternProperties?.keys() ?? [])
    if (name === undefined ? own === pattern : matches(own, name) === true) return true
  if (goal.ref !== undefined && inner(goal.ref)) return true
  if (goal.allOf?.some(inner) === true) return true
  for (const choices of [goal.anyOf, goal.oneOf]) {
    if (choices?.every(inner) === true || choices?.some((one) => inner(one) && prover.implies(context, one)) === true) return true
  }
  if (goal.if !== undefined) {
    // Not what the condition itself names: readers differ there.
    const yes = goal.then !== undefined && inner(goal.then)
    const no = goal.else !== undefined && inner(goal.else)
    if (yes && no) return true
    if (yes && prover.implies(context, goal.if)) return true
    if (no && prover.isEmpty(prover.with(context, goal.if))) return true
  }
  const { required } = prover.facts(context)
  return [...(goal.dependentSchemas ?? [])].some(([given, one]) => required.has(given) && inner(one))
}

function of(rule: Rule): Rule {
  return (prover, context, goal) => (prover.facts(context).types & bit.object) === 0 || rule(prover, context, goal)
}

const properties: Rule = (prover, context, goal) =>
  [...(goal.properties ?? [])].every(
    ([name, one]) => !mayHave(prover, context, name) || prover.impliesBelow(propertyOf(prover, context, name), one),
  )

const patternProperties: Rule = (prover, context, goal) =>
  [...(goal.patternProperties ?? [])].every(([pattern, one]) => {
    for (const name of namesOf(prover, context)) {
      if (matches(pattern, name) === false || !mayHave(prover, context, name)) continue
      if (!prover.impliesBelow(propertyOf(prover, context, name), one)) return false
    }
    // Where the context has the same pattern, what matches it is that class and no other.
    const others = othersOf(prover, context)
    const same = prover.facts(context).flat.some((node) => node.patternProperties?.has(pattern) === true)
    return others.every((other) => (same && other.pattern !== pattern) || prover.impliesBelow(other.value, one))
  })

/** Names that the context gives and the goal does not. */
const additionalProperties: Rule = (prover, context, goal) => {
  const { additionalProperties: schema } = goal
  if (schema === undefined) return true
  for (const name of namesOf(prover, context)) {
    if (goal.properties?.has(name) === true) continue
    if ([...(goal.patternProperties?.keys() ?? [])].some((pattern) => matches(pattern, name) === true)) continue
    if (!mayHave(prover, context, name)) continue
    if (!prover.impliesBelow(propertyOf(prover, context, name), schema)) return false
  }
  return true
}

/**
 * Names that nobody gives. With those that somebody does: what the whole context does not give, one of its alternatives may, and each of
 * these is asked for both.
 */
const otherProperties: Rule = (prover, context, goal) => {
  const { additionalProperties: schema } = goal
  if (schema === undefined) return true
  if (!additionalProperties(prover, context, goal)) return false
  return othersOf(prover, context).every(
    ({ pattern, value }) => (pattern !== undefined && goal.patternProperties?.has(pattern) === true) || prover.impliesBelow(value, schema),
  )
}

const unevaluatedProperties: Rule = (prover, context, goal) => {
  const { unevaluatedProperties: schema } = goal
  if (schema === undefined) return true
  for (const name of namesOf(prover, context)) {
    if (!mayHave(prover, context, name) || looksInside(prover, context, goal, name, undefined)) continue
    if (!prover.impliesBelow(propertyOf(prover, context, name), schema)) return false
  }
  return othersOf(prover, context).every(
    ({ pattern, value }) => looksInside(prover, context, goal, undefined, pattern) || prover.impliesBelow(value, schema),
  )
}

const propertyNames: Rule = (prover, context, goal) => {
  const { propertyNames: schema } = goal
  if (schema === undefined) return true
  const facts = prover.facts(context)
  for (const name of namesOf(prover, context)) {
    if (mayHave(prover, context, name) && prover.evaluator.test(schema, name) !== true) return false
  }
  const named = facts.flat.flatMap((node) => node.propertyNames ?? [])
  return othersOf(prover, context).every(({ pattern }) => {
    const text = prover.graph.make({ types: bit.string, ...(pattern === undefined ? {} : { pattern }) })
    return prover.impliesBelow(prover.context([text, ...named]), schema)
  })
}

const maxProperties: Rule = (prover, context, goal) => {
  const most = goal.maxProperties ?? 0
  if (prover.facts(context).maxProperties <= most) return true
  if (othersOf(prover, context).length > 0) return false
  return [...namesOf(prover, context)].filter((name) => mayHave(prover, context, name)).length <= most
}

const dependentRequired: Rule = (prover, context, goal) =>
  [...(goal.dependentRequired ?? [])].every(([name, needed]) => {
    if (!mayHave(prover, context, name)) return true
    const present = prover.with(context, prover.graph.make({ types: bit.object, required: [name] }))
    return prover.implies(present, prover.graph.make({ required: needed }))
  })

const dependentSchemas: Rule = (prover, context, goal) =>
  [...(goal.dependentSchemas ?? [])].every(([name, one]) => {
    if (!mayHave(prover, context, name)) return true
    return prover.implies(prover.with(context, prover.graph.make({ types: bit.object, required: [name] })), one)
  })

/** Whether an object cannot have what it must. */
function isEmpty(prover: Prover, context: Context): boolean {
  const facts = prover.facts(context)
  for (const name of facts.required) {
    if (!mayHave(prover, context, name)) return true
    if (prover.impliesBelow(propertyOf(prover, context, name), prover.graph.nothing)) return true
  }
  return facts.minProperties > facts.required.size && maxProperties(prover, context, { id: -1, maxProperties: facts.minProperties - 1 })
}

export const objectRules = {
  isEmpty,
  rules: {
    required: of((prover, context, goal) => (goal.required ?? []).every((name) => prover.facts(context).required.has(name))),
    minProperties: of((prover, context, goal) => prover.facts(context).minProperties >= (goal.minProperties ?? 0)),
    maxProperties: of(maxProperties),
    properties: of(properties),
    patternProperties: of(patternProperties),
    additionalProperties: of(additionalProperties),
    'additionalProperties.others': of(otherProperties),
    unevaluatedProperties: of(unevaluatedProperties),
    propertyNames: of(propertyNames),
    dependentRequired: of(dependentRequired),
    dependentSchemas: of(dependentSchemas),
  },
} as const
