import type { Archetype } from '../archetype.ts'
import { lists } from './tuned-lists.ts'
import { others } from './tuned-others.ts'

export const tuned: readonly Archetype[] = [...lists, ...others]
export { queries } from './tuned-lists.ts'
export { untuned } from './untuned.ts'
export { untunedSecond } from './untuned-2.ts'
