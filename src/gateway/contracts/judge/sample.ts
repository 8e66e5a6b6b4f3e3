// Values that fit all schemas of a context, made from what is known of them: the edges, what must be there, what may be left out.

import { itemOf } from './array-rules.ts'
import type { Context, Facts } from './facts.ts'
import { anyNumber, bit, type Node } from './graph.ts'
import { mayHave, namesOf, othersOf, propertyOf } from './object-rules.ts'
import { patternSamples } from './pattern-samples.ts'
import type { Prover } from './prove.ts'
import { numbers, strings } from './scalars.ts'
import { put, stable } from './stable.ts'

/** Parts below this are not made: a schema that must hold itself has no value. */
const deepest = 7
const mostItems = 40

export class Sampler {
  readonly prover: Prover

  constructor(prover: Prover) {
    this.prover = prover
  }

  /** Whether a value surely fits. */
  fits(context: Context, value: unknown): boolean {
    return context.nodes.every((node) => this.prover.evaluator.test(node, value) === true)
  }

  /** At most `most` values that fit; `hints`: schemas whose edges are tried too. */
  values(context: Context, hints: readonly Node[], depth = 0, most = 24): unknown[] {
    if (depth > deepest) return []
    this.prover.charge(1)
    const found = new Map<string, unknown>()
    const quota = depth === 0 ? most : Math.max(3, Math.ceil(most / 2))
    for (const variant of this.variants(context, depth === 0 ? 12 : 4)) {
      let added = 0
      for (const value of this.ofTypes(variant, expanded(hints), depth)) {
        if (added >= quota) break
        if (!this.fits(context, value)) continue
        const text = stable(value)
        if (found.has(text)) continue
        found.set(text, value)
        added += 1
      }
    }
    return [...found.values()]
  }

  /** One value that fits, if one is found. */
  one(context: Context, depth: number): { readonly value: unknown } | undefined {
    for (const value of this.values(context, [], depth + 1, 1)) return { value }
    return undefined
  }

  /** The context with its alternatives decided, in at most so many ways. */
  variants(context: Context, most: number): Context[] {
    let open: Context[] = [context]
    for (let round = 0; round < 4; round += 1) {
      const next: Context[] = []
      let changed = false
      for (const one of open) {
        const choice = this.prover.facts(one).alternatives[0]
        if (choice === undefined) {
          next.push(one)
          continue
        }
        changed = true
        for (const branch of choice.slice(0, most)) next.push(this.prover.with(one, ...branch))
      }
      open = next.filter((one) => !this.prover.facts(one).dead).slice(0, most)
      if (!changed) break
    }
    return open
  }

  private *ofTypes(context: Context, hints: readonly Node[], depth: number): Iterable<unknown> {
    const facts = this.prover.facts(context)
    if (facts.dead) return
    if (facts.values !== undefined) {
      yield* facts.values.slice(0, 64)
      return
    }
    // In turn, so that no type takes all places.
    const sources: Iterator<unknown>[] = []
    if ((facts.types & bit.object) !== 0) sources.push(this.objects(context, facts, hints, depth)[Symbol.iterator]())
    if ((facts.types & bit.array) !== 0) sources.push(this.arrays(context, facts, hints, depth)[Symbol.iterator]())
    if ((facts.types & bit.string) !== 0) sources.push(strings(facts, hints)[Symbol.iterator]())
    if ((facts.types & anyNumber) !== 0) sources.push(numbers(facts, hints)[Symbol.iterator]())
    if ((facts.types & bit.null) !== 0) sources.push([null][Symbol.iterator]())
    if ((facts.types & bit.boolean) !== 0) sources.push([true, false][Symbol.iterator]())
    while (sources.length > 0) {
      for (const source of [...sources]) {
        const next = source.next()
        if (next.done === true) sources.splice(sources.indexOf(source), 1)
        else yield next.value
      }
    }
  }

  private *objects(context: Context, facts: Facts, hints: readonly Node[], depth: number): Iterable<unknown> {
    const names = [...namesOf(this.prover, context)].filter((name) => mayHave(this.prover, context, name))
    const least = this.object(context, new Map(), depth)
    if (least !== undefined) yield least
    const inner = (name: string): unknown[] =>
      this.values(propertyOf(this.prover, context, name), hintsUnder(hints, name), depth + 1, depth === 0 ? 8 : 4)
    const optional = names.filter((name) => !facts.required.has(name)).slice(0, mostItems)
    const full = this.object(context, new Map(optional.flatMap((name) => this.first(context, name, depth))), depth)
    if (full !== undefined) yield full
    for (const name of names.slice(0, mostItems)) {
      for (const value of inner(name)) {
        const made = this.object(context, new Map([[name, value]]), depth)
        if (made !== undefined) yield made
      }
    }
    for (const name of optional) {
      const others = optional.filter((one) => one !== name).flatMap((one) => this.first(context, one, depth))
      const made = this.object(context, new Map(others), depth)
      if (made !== undefined) yield made
    }
    for (const name of this.strangers(context, hints, new Set(names))) {
      const [value] = this.values(propertyOf(this.prover, context, name), hintsUnder(hints, name), depth + 1, 3)
      if (value === undefined) continue
      const made = this.object(context, new Map([[name, value]]), depth)
      if (made !== undefined) yield made
    }
  }

  private first(context: Context, name: string, depth: number): [string, unknown][] {
    const found = this.one(propertyOf(this.prover, context, name), depth)
    return found === undefined ? [] : [[name, found.value]]
  }

  /** Names that the context does not give and lets pass. */
  strangers(context: Context, hints: readonly Node[], known: ReadonlySet<string>): string[] {
    if (othersOf(this.prover, context).length === 0) return []
    const { flat } = this.prover.facts(context)
    const given = hints.flatMap((hint) => [...(hint.properties?.keys() ?? []), ...(hint.required ?? [])])
    const patterns = [...flat, ...hints].flatMap((node) => [...(node.patternProperties?.keys() ?? [])])
    const named = [...flat, ...hints].flatMap((node) => node.propertyNames ?? []).flatMap((node) => node.pattern ?? [])
    const names = new Set([...given, ...[...patterns, ...named].flatMap(patternSamples), 'extra', 'x', 'UPPER', 'a b'])
    return [...names].filter((name) => !known.has(name) && mayHave(this.prover, context, name)).slice(0, mostItems)
  }

  /** An object with these members, and what else it must have. */
  object(context: Context, members: ReadonlyMap<string, unknown>, depth: number, without?: string): unknown {
    this.prover.charge(0.5)
    const facts = this.prover.facts(context)
    if (facts.minProperties > mostItems && facts.minProperties > facts.required.size) return undefined
    const made = new Map(members)
    const waiting = [...facts.required]
    for (const name of made.keys()) waiting.push(...this.needed(facts, name))
    for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
      if (made.has(name) || name === without) continue
      const found = this.one(propertyOf(this.prover, context, name), depth)
      if (found === undefined) return undefined
      made.set(name, found.value)
      waiting.push(...this.needed(facts, name))
    }
    if (made.size < facts.minProperties) this.fill(context, made, facts.minProperties, depth)
    const object: Record<string, unknown> = {}
    for (const [name, value] of made) put(object, name, value)
    return object
  }

  private needed(facts: Facts, name: string): readonly string[] {
    return facts.flat.flatMap((node) => node.dependentRequired?.get(name) ?? [])
  }

  private fill(context: Context, made: Map<string, unknown>, least: number, depth: number): void {
    const names = [...namesOf(this.prover, context), ...this.strangers(context, [], new Set()), 'y', 'z', 'w', 'v']
    for (const name of names) {
      if (made.size >= least) return
      if (made.has(name) || !mayHave(this.prover, context, name)) continue
      for (const [, value] of this.first(context, name, depth)) made.set(name, value)
    }
  }

  private *arrays(context: Context, facts: Facts, hints: readonly Node[], depth: number): Iterable<unknown> {
    const lengths = new Set<number>([facts.minItems, facts.prefix, facts.minItems + 1, 2, facts.maxItems])
    for (const hint of hints) {
      if (hint.minItems !== undefined) lengths.add(hint.minItems - 1).add(hint.minItems)
      if (hint.maxItems !== undefined) lengths.add(hint.maxItems + 1).add(hint.maxItems)
      if (hint.prefixItems !== undefined) lengths.add(hint.prefixItems.length).add(hint.prefixItems.length + 1)
    }
    const wanted = [...lengths].filter((length) => length >= facts.minItems && length <= facts.maxItems && length <= mostItems)
    for (const length of wanted) {
      const made = this.array(context, new Map(), length, depth)
      if (made !== undefined) yield made
    }
    for (let place = 0; place <= Math.min(facts.prefix, 4) && place < facts.maxItems; place += 1) {
      const under = hints.flatMap((hint) => hint.prefixItems?.[place] ?? hint.items ?? [])
      const also = hints.flatMap((hint) => hint.contains ?? [])
      for (const value of this.values(itemOf(this.prover, context, place), [...under, ...also], depth + 1, 6)) {
        for (const length of [Math.max(place + 1, facts.minItems), place + 2]) {
          if (length > facts.maxItems) continue
          const made = this.array(context, new Map([[place, value]]), length, depth)
          if (made !== undefined) yield made
        }
      }
    }
  }

  /** An array with these items at their places. */
  array(context: Context, items: ReadonlyMap<number, unknown>, length: number, depth: number): unknown {
    if (length > mostItems) return undefined
    const facts = this.prover.facts(context)
    const made: unknown[] = []
    const wanted = facts.flat.flatMap((node) => (node.contains === undefined ? [] : [node.contains]))
    for (let place = 0; place < length; place += 1) {
      if (items.has(place)) {
        made.push(items.get(place))
        continue
      }
      const item = itemOf(this.prover, context, place)
      const special = wanted[length - 1 - place]
      const choices = this.values(
        special === undefined ? item : this.prover.with(item, special),
        [],
        depth + 1,
        facts.unique ? length + 2 : 1,
      )
      const taken = facts.unique ? new Set([...made, ...items.values()].map(stable)) : undefined
      const index = choices.findIndex((value) => taken?.has(stable(value)) !== true)
      if (index < 0) return undefined
      made.push(choices[index])
    }
    return made
  }
}

/** Every schema of the same value in a goal. */
export function expanded(hints: readonly Node[]): readonly Node[] {
  const found = new Set<Node>()
  const add = (node: Node): void => {
    if (found.size > 60 || found.has(node)) return
    found.add(node)
    for (const list of [node.allOf, node.anyOf, node.oneOf]) for (const one of list ?? []) add(one)
    for (const one of [node.ref, node.not, node.if, node.then, node.else]) if (one !== undefined) add(one)
    for (const one of node.dependentSchemas?.values() ?? []) add(one)
  }
  for (const hint of hints) add(hint)
  return [...found]
}

export function hintsUnder(hints: readonly Node[], name: string): readonly Node[] {
  return hints.flatMap((hint) => hint.properties?.get(name) ?? hint.additionalProperties ?? hint.unevaluatedProperties ?? [])
}
