// What has to be shown of a value for each keyword of a goal: what concerns values as a whole, numbers, texts and the combinators. Objects
// and arrays have files of their own.

import { arrayRules } from './array-rules.ts'
import { isMultiple } from './evaluate.ts'
import type { Context } from './facts.ts'
import { anyNumber, bit, type Node } from './graph.ts'
import { objectRules } from './object-rules.ts'
import type { Prover, Rule, Rules } from './prove.ts'

/** Of a value that need not have the type there is nothing to show. */
function of(type: number, rule: Rule): Rule {
  return (prover, context, goal) => (prover.facts(context).types & type) === 0 || rule(prover, context, goal)
}

/** Some branch holds of all values. */
function anyOf(prover: Prover, context: Context, branches: readonly Node[]): boolean {
  return branches.some((branch) => prover.implies(context, branch))
}

/** One branch holds of all values, the others of none. */
function oneOf(prover: Prover, context: Context, branches: readonly Node[]): boolean {
  return branches.some(
    (branch, at) =>
      prover.implies(context, branch) && branches.every((other, index) => index === at || prover.isEmpty(prover.with(context, other))),
  )
}

/** Whether the values of the context are none: here by what an object must have, an array hold, a negation leave. */
const never: Rule = (prover, context) => {
  const facts = prover.facts(context)
  if (facts.nots.some((not) => prover.implies(context, not))) return true
  if (facts.types === bit.object) return objectRules.isEmpty(prover, context)
  return facts.types === bit.array && arrayRules.isEmpty(prover, context)
}

export const rules: Rules = {
  never,
  opaque: () => false,
  types: (prover, context, goal) => (prover.facts(context).types & ~(goal.types ?? 0)) === 0,
  // Contexts of few values are tried value by value.
  values: () => false,
  ref: (prover, context, goal) => goal.ref === undefined || prover.implies(context, goal.ref),
  allOf: (prover, context, goal) => (goal.allOf ?? []).every((one) => prover.implies(context, one)),
  anyOf: (prover, context, goal) => anyOf(prover, context, goal.anyOf ?? []),
  oneOf: (prover, context, goal) => oneOf(prover, context, goal.oneOf ?? []),
  not: (prover, context, goal) => goal.not === undefined || prover.isEmpty(prover.with(context, goal.not)),
  if: (prover, context, goal) => {
    if (goal.if === undefined) return true
    const no = prover.graph.make({ not: goal.if })
    return (
      (goal.then === undefined || prover.implies(prover.with(context, goal.if), goal.then)) &&
      (goal.else === undefined || prover.implies(prover.with(context, no), goal.else))
    )
  },

  minimum: of(anyNumber, (prover, context, goal) => prover.facts(context).low.value >= (goal.minimum ?? 0)),
  exclusiveMinimum: of(anyNumber, (prover, context, goal) => {
    const { low } = prover.facts(context)
    const wanted = goal.exclusiveMinimum ?? 0
    return low.value > wanted || (low.value === wanted && low.exclusive)
  }),
  maximum: of(anyNumber, (prover, context, goal) => prover.facts(context).high.value <= (goal.maximum ?? 0)),
  exclusiveMaximum: of(anyNumber, (prover, context, goal) => {
    const { high } = prover.facts(context)
    const wanted = goal.exclusiveMaximum ?? 0
    return high.value < wanted || (high.value === wanted && high.exclusive)
  }),
  multipleOf: of(anyNumber, (prover, context, goal) => {
    const facts = prover.facts(context)
    const wanted = goal.multipleOf ?? 1
    if ((facts.types & bit.fraction) === 0 && wanted === 1) return true
    return facts.multiples.some((one) => one === wanted || (Number.isInteger(one) && Number.isInteger(wanted) && isMultiple(one, wanted)))
  }),

  minLength: of(bit.string, (prover, context, goal) => prover.facts(context).minLength >= (goal.minLength ?? 0)),
  maxLength: of(bit.string, (prover, context, goal) => prover.facts(context).maxLength <= (goal.maxLength ?? 0)),
  pattern: of(bit.string, (prover, context, goal) => prover.facts(context).patterns.includes(goal.pattern ?? '')),
  format: of(bit.string, (prover, context, goal) => prover.facts(context).formats.includes(goal.format ?? '')),

  ...objectRules.rules,
  ...arrayRules.rules,
}
