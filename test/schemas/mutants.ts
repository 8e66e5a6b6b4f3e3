// Provers with one hole each: what the test of the promise has to notice.
import type { Rule, Rules } from '../../src/gateway/contracts/judge/prove.ts'
import { rules } from '../../src/gateway/contracts/judge/rules.ts'

const yes: Rule = () => true

const anyInstead: Rule = (prover, context, goal) => rules.anyOf?.(prover, context, { id: goal.id, anyOf: goal.oneOf ?? [] }) === true

const declared: Rule = (prover, context, goal) => (goal.required ?? []).every((name) => prover.facts(context).names.has(name))

export const mutants: Readonly<Record<string, Rules>> = {
  'names that nobody gives are not looked at below additionalProperties': { ...rules, 'additionalProperties.others': yes },
  'what is declared counts as required': { ...rules, required: declared },
  'oneOf is read as anyOf': { ...rules, oneOf: anyInstead },
  'not is ignored': { ...rules, not: yes },
  'dependentSchemas is ignored': { ...rules, dependentSchemas: yes },
  'what stands behind places is not looked at': { ...rules, items: yes },
}
