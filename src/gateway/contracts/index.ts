// The face of the room: contracts of tools and what changes of them mean.
export { propose } from './adapter-proof.ts'
export { effectiveHints } from './annotations.ts'
export { canonical } from './canonical.ts'
export { digestsOf } from './digests.ts'
export { createJudge, type Judge, judge, type Run } from './judge.ts'
export { answerTo, createJudging, type Question, type Said, sameThread, threadAt } from './judging.ts'
export { likeness } from './likeness.ts'
export {
  checkedLock,
  deprecationOf,
  emptyLock,
  type IgnoreRule,
  type LockedDeprecation,
  type LockedServer,
  type LockedTool,
  type LockFile,
  lockedTool,
  readToolName,
  serialiseLock,
  withServer,
  withTool,
} from './lock-file.ts'
export { largestLock, lineOfTool, readLock } from './lock-reading.ts'
export { resultWatch } from './result-watch.ts'
export { rules } from './rules.ts'
export { findingText, type Screening, screen } from './screening.ts'
export { isOver, withoutWaived } from './waived.ts'
