import type { Archetype } from '../archetype.ts'
import { seenLists } from './seen-lists.ts'
import { seenOthers } from './seen-others.ts'
import { lists } from './tuned-lists.ts'
import { others } from './tuned-others.ts'
import { untuned } from './untuned.ts'

/** `untuned` was that once: what came out for it was looked at, and constants were changed. */
export const tuned: readonly Archetype[] = [...lists, ...others, ...untuned, ...seenLists, ...seenOthers]
export { queries } from './tuned-lists.ts'
export { untunedSecond } from './untuned-2.ts'
