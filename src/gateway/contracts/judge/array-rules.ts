// What has to be shown of arrays: of each place that they may have.
import type { Context, Facts } from './facts.ts'
import { bit, inPlace, type Node } from './graph.ts'
import type { Prover, Rule } from './prove.ts'

/** More places than this are not looked at one by one. */
const mostPlaces = 32

/** What the item at a place fits; of a place behind every list of places: those behind. */
export function itemOf(prover: Prover, context: Context, place: number): Context {
  const { flat } = prover.facts(context)
  prover.charge(flat.length / 20)
  const found: Node[] = []
  for (const node of flat) {
    const own = node.prefixItems?.[place] ?? node.items
    if (own !== undefined) found.push(own)
    if (own === undefined && node.unevaluatedItems !== undefined && !mayLookAt(node, place, true)) found.push(node.unevaluatedItems)
  }
  return prover.context(found)
}

function mayLookAt(node: Node, place: number, isTop: boolean): boolean {
  if (node.opaque !== undefined || node.items !== undefined || node.contains !== undefined) return true
  if (!isTop && node.unevaluatedItems !== undefined) return true
  if (place < (node.prefixItems?.length ?? 0)) return true
  return inPlace(node).some((one) => one !== node.not && mayLookAt(one, place, false))
}

/** Whether a goal that holds has surely looked at the place. */
function looksAt(prover: Prover, context: Context, goal: Node, place: number, isTop: boolean): boolean {
  if (goal.items !== undefined || place < (goal.prefixItems?.length ?? 0)) return true
  if (!isTop && goal.unevaluatedItems !== undefined) return true
  const inner = (one: Node): boolean => looksAt(prover, context, one, place, false)
  if ((goal.ref !== undefined && inner(goal.ref)) || goal.allOf?.some(inner) === true) return true
  for (const choices of [goal.anyOf, goal.oneOf]) {
    if (choices?.every(inner) === true || choices?.some((one) => inner(one) && prover.implies(context, one)) === true) return true
  }
  if (goal.if === undefined) return false
  // Not what the condition itself looks at: readers differ there.
  const yes = goal.then !== undefined && inner(goal.then)
  return yes && ((goal.else !== undefined && inner(goal.else)) || prover.implies(context, goal.if))
}

/** Places that differ: one by one up to where all are alike. */
function placesFrom(facts: Facts, from: number, also: number): number[] | undefined {
  const alike = Math.max(facts.prefix, also, from)
  if (alike - from > mostPlaces) return undefined
  const places: number[] = []
  for (let place = from; place <= alike; place += 1) if (place < facts.maxItems) places.push(place)
  return places
}

function all(prover: Prover, context: Context, goal: Node, from: number): boolean {
  const places = placesFrom(prover.facts(context), from, from)
  return places?.every((place) => prover.impliesBelow(itemOf(prover, context, place), goal)) === true
}

const prefixItems: Rule = (prover, context, goal) =>
  (goal.prefixItems ?? []).every(
    (one, place) => place >= prover.facts(context).maxItems || prover.impliesBelow(itemOf(prover, context, place), one),
  )

const items: Rule = (prover, context, goal) => goal.items === undefined || all(prover, context, goal.items, goal.prefixItems?.length ?? 0)

const unevaluatedItems: Rule = (prover, context, goal) => {
  const { unevaluatedItems: schema } = goal
  if (schema === undefined) return true
  const places = placesFrom(prover.facts(context), 0, longest(goal))
  return (
    places?.every((place) => looksAt(prover, context, goal, place, true) || prover.impliesBelow(itemOf(prover, context, place), schema)) ===
    true
  )
}

/** How many places a schema lists, with those that apply to the same value. */
function longest(node: Node): number {
  return inPlace(node).reduce((most, one) => Math.max(most, longest(one)), node.prefixItems?.length ?? 0)
}

const contains: Rule = (prover, context, goal) => {
  const { contains: schema, minContains = 1, maxContains } = goal
  if (schema === undefined) return true
  return hasEnough(prover, context, schema, minContains) && (maxContains === undefined || hasFew(prover, context, schema, maxContains))
}

function hasEnough(prover: Prover, context: Context, schema: Node, least: number): boolean {
  if (least === 0) return true
  const facts = prover.facts(context)
  // Some of them are as the context wants; what these are else is told by what all are.
  const behind = itemOf(prover, context, facts.prefix)
  for (const node of facts.flat) {
    if (node.contains === undefined || (node.minContains ?? 1) < least || facts.prefix > 0) continue
    if (prover.impliesBelow(prover.with(behind, node.contains), schema)) return true
  }
  if (facts.minItems < least) return false
  let sure = 0
  for (let place = 0; place < Math.min(facts.minItems, facts.prefix, mostPlaces); place += 1) {
    if (prover.impliesBelow(itemOf(prover, context, place), schema)) sure += 1
    if (sure >= least) return true
  }
  return sure + Math.max(0, facts.minItems - facts.prefix) >= least && prover.impliesBelow(behind, schema)
}

function hasFew(prover: Prover, context: Context, schema: Node, most: number): boolean {
  const facts = prover.facts(context)
  if (facts.maxItems <= most) return true
  for (const node of facts.flat) {
    if (node.contains === undefined || (node.maxContains ?? Number.POSITIVE_INFINITY) > most) continue
    if (prover.impliesBelow(prover.context([schema]), node.contains)) return true
  }
  const places = placesFrom(facts, 0, 0)
  if (places === undefined) return false
  const others = places.filter((place) => !prover.impliesBelow(prover.with(itemOf(prover, context, place), schema), prover.graph.nothing))
  return others.length <= most && !others.includes(facts.prefix)
}

/** Whether an array cannot hold what it must. */
function isEmpty(prover: Prover, context: Context): boolean {
  const facts = prover.facts(context)
  for (let place = 0; place < Math.min(facts.minItems, facts.prefix + 1, mostPlaces); place += 1) {
    if (prover.impliesBelow(itemOf(prover, context, place), prover.graph.nothing)) return true
  }
  return facts.flat.some((node) => {
    if (node.contains === undefined || node.minContains === 0) return false
    const wanted = node.contains
    const places = placesFrom(facts, 0, 0)
    return places?.every((place) => prover.impliesBelow(prover.with(itemOf(prover, context, place), wanted), prover.graph.nothing)) === true
  })
}

function of(rule: Rule): Rule {
  return (prover, context, goal) => (prover.facts(context).types & bit.array) === 0 || rule(prover, context, goal)
}

export const arrayRules = {
  isEmpty,
  rules: {
    minItems: of((prover, context, goal) => prover.facts(context).minItems >= (goal.minItems ?? 0)),
    maxItems: of((prover, context, goal) => prover.facts(context).maxItems <= (goal.maxItems ?? 0)),
    uniqueItems: of((prover, context) => prover.facts(context).unique || prover.facts(context).maxItems <= 1),
    prefixItems: of(prefixItems),
    items: of(items),
    contains: of(contains),
    unevaluatedItems: of(unevaluatedItems),
  },
} as const
