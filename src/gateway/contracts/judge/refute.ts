// A value that fits a context and not a goal, made small: what was accepted before and is refused now.
import { itemOf } from './array-rules.ts'
import { Spent } from './evaluate.ts'
import type { Context } from './facts.ts'
import { anyNumber, bit, isTrue, type Node } from './graph.ts'
import { mayHave, namesOf, propertyOf } from './object-rules.ts'
import type { Prover } from './prove.ts'
import { expanded, Sampler } from './sample.ts'
import { shrink } from './shrink.ts'

export interface Found {
  readonly value: unknown
}

const deepest = 6
const mostItems = 40

/** The prover's steps count for it too: undefined where none was found within them. */
export function refute(prover: Prover, given: readonly Node[], goal: Node): Found | undefined {
  const refuter = new Refuter(prover)
  const context = prover.context(given)
  let best: Found | undefined
  try {
    best = refuter.find(context, goal, 0)
    if (best === undefined) return undefined
    return { value: shrink(best.value, (value) => refuter.refutes(context, goal, value)) }
  } catch (error) {
    if (error instanceof Spent) return best
    throw error
  }
}

class Refuter {
  private readonly prover: Prover
  private readonly sampler: Sampler
  private readonly busy = new Set<string>()

  constructor(prover: Prover) {
    this.prover = prover
    this.sampler = new Sampler(prover)
  }

  refutes(context: Context, goal: Node, value: unknown): boolean {
    // What could not be made is no value.
    if (value === undefined) return false
    return this.prover.evaluator.test(goal, value) === false && this.sampler.fits(context, value)
  }

  find(context: Context, goal: Node, depth: number): Found | undefined {
    if (depth > deepest || isTrue(goal)) return undefined
    const key = `${context.key}>${goal.id}`
    if (this.busy.has(key)) return undefined
    this.busy.add(key)
    const found = this.search(context, goal, depth)
    this.busy.delete(key)
    return found
  }

  private search(context: Context, goal: Node, depth: number): Found | undefined {
    const goals = expanded([goal])
    const facts = this.prover.facts(context)
    if (facts.dead) return undefined
    const variants = this.sampler.variants(context, 12)
    for (const variant of variants) {
      for (const value of this.directed(variant, goals, depth)) if (this.refutes(context, goal, value)) return { value }
    }
    for (const value of this.sampler.values(context, [goal], depth, depth === 0 ? 80 : 30)) {
      if (this.refutes(context, goal, value)) return { value }
    }
    return undefined
  }

  /** Straight to what a goal wants of a part, or of a name. */
  private *directed(context: Context, goals: readonly Node[], depth: number): Iterable<unknown> {
    const { types } = this.prover.facts(context)
    if ((types & bit.object) !== 0) yield* this.objects(context, goals, depth)
    if ((types & bit.array) !== 0) yield* this.arrays(context, goals, depth)
    if ((types & anyNumber) !== 0 && goals.some((goal) => goal.multipleOf !== undefined)) yield* [1, 0.5, 3, 7]
  }

  private *objects(context: Context, goals: readonly Node[], depth: number): Iterable<unknown> {
    const make = (members: [string, unknown][], without?: string): unknown => this.sampler.object(context, new Map(members), depth, without)
    yield make([])
    const names = [...namesOf(this.prover, context)]
    for (const goal of goals) {
      for (const [name, wanted] of goal.properties ?? []) {
        if (!mayHave(this.prover, context, name)) continue
        const found = this.find(propertyOf(this.prover, context, name), wanted, depth + 1)
        if (found !== undefined) yield make([[name, found.value]])
      }
      const rest = goal.additionalProperties ?? goal.unevaluatedProperties
      if (rest !== undefined || goal.propertyNames !== undefined || goal.patternProperties !== undefined) {
        const strangers = this.sampler.strangers(context, goals, new Set(names))
        for (const name of [...names, ...strangers]) {
          if (goal.properties?.has(name) === true && goal.propertyNames === undefined && goal.patternProperties === undefined) continue
          if (!mayHave(this.prover, context, name)) continue
          const value = propertyOf(this.prover, context, name)
          for (const wanted of new Set([...(rest === undefined ? [] : [rest]), ...(goal.patternProperties?.values() ?? [])])) {
            const found = this.find(value, wanted, depth + 1)
            if (found !== undefined) yield make([[name, found.value]])
          }
          const any = this.sampler.one(value, depth)
          if (any !== undefined) yield make([[name, any.value]])
        }
      }
      for (const name of [...(goal.dependentRequired?.keys() ?? []), ...(goal.dependentSchemas?.keys() ?? [])]) {
        if (!mayHave(this.prover, context, name)) continue
        for (const value of this.sampler.values(propertyOf(this.prover, context, name), [], depth + 1, 2)) yield make([[name, value]])
      }
    }
  }

  private *arrays(context: Context, goals: readonly Node[], depth: number): Iterable<unknown> {
    const facts = this.prover.facts(context)
    if (facts.minItems > mostItems) return
    for (const goal of goals) {
      const places = Math.max(facts.prefix, goal.prefixItems?.length ?? 0)
      for (let place = 0; place <= Math.min(places, 16) && place < facts.maxItems; place += 1) {
        const wanted = goal.prefixItems?.[place] ?? goal.items ?? goal.unevaluatedItems
        if (wanted === undefined) continue
        const found = this.find(itemOf(this.prover, context, place), wanted, depth + 1)
        if (found === undefined) continue
        const length = Math.max(facts.minItems, place + 1)
        yield this.sampler.array(context, new Map([[place, found.value]]), length, depth)
      }
      if (goal.uniqueItems === true && facts.maxItems > 1) {
        const item = this.sampler.one(itemOf(this.prover, context, 0), depth)
        if (item !== undefined) {
          const length = Math.max(2, facts.minItems)
          yield this.sampler.array(
            context,
            new Map([
              [0, item.value],
              [1, item.value],
            ]),
            length,
            depth,
          )
          yield Array.from({ length }, () => item.value)
        }
      }
      if (goal.contains !== undefined) {
        for (const value of this.sampler.values(itemOf(this.prover, context, 0), [goal.contains], depth + 1, 10)) {
          yield Array.from({ length: Math.max(1, facts.minItems) }, () => value)
          yield Array.from({ length: Math.max(Math.min(goal.maxContains ?? 0, mostItems) + 1, facts.minItems) }, () => value)
        }
      }
    }
  }
}
