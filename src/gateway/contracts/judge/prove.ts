// The prover: whether every value that fits all schemas of a context fits a goal. A goal falls into obligations, each of which must be
// proved. What is not understood in a context is dropped, which makes the claim harder; in a goal it fails. So a wrong yes is a bug, and a
// missing one costs precision only.
import { Evaluator, Spent, Steps } from './evaluate.ts'
import { type Context, type Facts, factsOf } from './facts.ts'
import { bit, type Graph, isTrue, type Node } from './graph.ts'

/** One obligation: proved or not. */
export type Rule = (prover: Prover, context: Context, goal: Node) => boolean

export type Rules = Readonly<Record<string, Rule>>

export const limits = {
  steps: 6_000,
  /** How many alternatives may be taken one after another. */
  splits: 5,
  /** Larger choices are not taken apart. */
  branches: 24,
  depth: 150,
} as const

/** An obligation that may hold of each type by itself, though not of all together. */
const splitByType: ReadonlySet<string> = new Set(['anyOf', 'oneOf', 'not', 'if', 'values', 'opaque'])

export class Prover {
  readonly graph: Graph
  readonly evaluator: Evaluator
  private readonly rules: Rules
  private readonly steps: Steps
  private readonly contexts = new Map<string, Context>()
  /** Proved: Infinity; else the splits that were left when it could not be proved. */
  private readonly known = new Map<string, number>()
  private readonly open = new Map<string, { readonly level: number; readonly at: number }>()
  /** How far below the whole value the part lies that is spoken of. */
  private level = 0
  private splits: number = limits.splits
  /** The outermost open claim that the present proof leans on. */
  private lean = Number.POSITIVE_INFINITY

  constructor(graph: Graph, rules: Rules, steps: Steps = new Steps(limits.steps)) {
    this.graph = graph
    this.rules = rules
    this.steps = steps
    this.evaluator = new Evaluator(steps)
  }

  /** Undefined where the steps are over. */
  proves(given: readonly Node[], goal: Node): boolean | undefined {
    try {
      return this.implies(this.context(given), goal)
    } catch (error) {
      if (error instanceof Spent) return undefined
      throw error
    }
  }

  /** Work that is done beside a proof. */
  charge(steps: number): void {
    this.steps.take(steps)
  }

  /** Whether a value surely fits. */
  fits(node: Node, value: unknown): boolean {
    try {
      return this.evaluator.test(node, value) === true
    } catch (error) {
      if (error instanceof Spent) return false
      throw error
    }
  }

  context(nodes: readonly Node[]): Context {
    const kept = [...new Set(nodes)].filter((node) => !isTrue(node)).sort((a, b) => a.id - b.id)
    const key = kept.map((node) => node.id).join()
    let context = this.contexts.get(key)
    if (context === undefined) {
      context = { key, nodes: kept, facts: undefined }
      this.contexts.set(key, context)
    }
    return context
  }

  with(context: Context, ...nodes: readonly Node[]): Context {
    return this.context([...context.nodes, ...nodes])
  }

  facts(context: Context): Facts {
    if (context.facts === undefined) {
      const facts = factsOf(context.nodes, this.graph, this.evaluator)
      const branches = facts.alternatives.reduce((sum, one) => sum + one.length, 0)
      this.charge(1 + (facts.flat.length + branches) / 10)
      context.facts = facts
    }
    return context.facts
  }

  implies(context: Context, goal: Node): boolean {
    if (isTrue(goal)) return true
    const key = `${context.key}>${goal.id}`
    const known = this.known.get(key)
    if (known !== undefined && known >= this.splits) return known === Number.POSITIVE_INFINITY
    const open = this.open.get(key)
    if (open !== undefined) {
      // What is claimed of all values may be used for smaller ones. Of the same value it would prove itself.
      this.lean = Math.min(this.lean, open.at)
      return this.level > open.level
    }
    this.steps.take()
    const at = this.open.size
    if (at > limits.depth) return false
    this.open.set(key, { level: this.level, at })
    const before = this.lean
    this.lean = Number.POSITIVE_INFINITY
    const proved = this.prove(context, goal)
    this.open.delete(key)
    // Who leans on a claim that is still open is true only if that turns out to be.
    if (this.lean >= at) {
      this.known.set(key, proved ? Number.POSITIVE_INFINITY : this.splits)
      this.lean = before
    } else this.lean = Math.min(this.lean, before)
    return proved
  }

  /** The same of a part of the value. */
  impliesBelow(context: Context, goal: Node): boolean {
    this.level += 1
    const proved = this.implies(context, goal)
    this.level -= 1
    return proved
  }

  /** Whether no value fits. */
  isEmpty(context: Context): boolean {
    return this.facts(context).dead || this.implies(context, this.graph.nothing)
  }

  private prove(context: Context, goal: Node): boolean {
    const facts = this.facts(context)
    if (facts.dead || facts.ids.has(goal.id)) return true
    if (facts.values !== undefined) return facts.values.every((value) => this.evaluator.test(goal, value) === true)
    for (const name of obligationsOf(goal)) {
      const rule = this.rules[name]
      if (rule === undefined || !this.holds(context, goal, name, rule)) return goal.never !== true && this.isEmpty(context)
    }
    return true
  }

  private holds(context: Context, goal: Node, name: string, rule: Rule): boolean {
    const facts = this.facts(context)
    if (facts.dead) return true
    if (facts.values !== undefined) return facts.values.every((value) => this.evaluator.test(goal, value) === true)
    if (rule(this, context, goal)) return true
    if (this.splits === 0) return false
    this.splits -= 1
    const proved = this.apart(context, goal, name, rule)
    this.splits += 1
    return proved
  }

  /** By the types of the value, or by the alternatives that the context leaves: of each the obligation holds, or it is none. */
  private apart(context: Context, goal: Node, name: string, rule: Rule): boolean {
    const facts = this.facts(context)
    const each = (inner: Context): boolean => {
      this.steps.take()
      return this.holds(inner, goal, name, rule) || (goal.never !== true && this.isEmpty(inner))
    }
    const types = typesIn(facts.types)
    if (types.length > 1 && (splitByType.has(name) || goal.never === true)) {
      if (types.every((type) => each(this.with(context, this.graph.make({ types: type }))))) return true
    }
    const choice = facts.alternatives.find((one) => one.length <= limits.branches)
    return choice?.every((branch) => each(this.with(context, ...branch))) === true
  }
}

/** Fractions and integers are not told apart: most that is said is said of both. */
function typesIn(mask: number): number[] {
  const groups = [bit.null, bit.boolean, bit.object, bit.array, bit.fraction | bit.integer, bit.string]
  return groups.map((group) => mask & group).filter((type) => type !== 0)
}

const byGoal = new WeakMap<Node, readonly string[]>()

/** The names of the rules that a goal has to keep. */
function obligationsOf(goal: Node): readonly string[] {
  const known = byGoal.get(goal)
  if (known !== undefined) return known
  const names: string[] = []
  for (const key in goal) {
    if (key === 'id' || goal[key as keyof Node] === undefined || inOthers.has(key)) continue
    names.push(key)
    // Names that nobody gives are a claim of their own.
    if (key === 'additionalProperties') names.push('additionalProperties.others')
  }
  // A reference is filled in after it is made.
  if (goal.ref !== undefined || names.length > 0) byGoal.set(goal, names)
  return names
}

/** What the rules of other keywords look at. */
const inOthers: ReadonlySet<string> = new Set(['then', 'else', 'minContains', 'maxContains'])
