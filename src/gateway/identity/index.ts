// Who is calling, as the assembly composes it.
export { type Callers, type CallersParts, callerMethods, createCallers, type MountScopes, noScopes } from './callers.ts'
export { proofAlgorithms } from './proof.ts'
