// The face of the room, as the assembly composes it.
export { Episodes } from './judge/episodes.ts'
export { JudgedTools } from './judge/judged-tools.ts'
export { KeptHistories, toolHistoriesDomain } from './judge/kept-histories.ts'
export { QualityOperators } from './judge/operators.ts'
export { results } from './judge/stage.ts'
export { taskResults } from './judge/task-results.ts'
