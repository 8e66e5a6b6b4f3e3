// The room of access rules, for those who check and explain a configuration.
export { createPolicy, type Policy } from './access.ts'
export { askedPrincipal, askedTool, explainAsked, readAskedJson, readAskedPrincipal } from './asked.ts'
export { ConditionProblem, readCondition } from './condition.ts'
export { type Explained, explain, type LookedAt } from './explain.ts'
