// The face of the room: contracts of tools and what changes of them mean.
export { adapterText } from './adapters.ts'
export { translationOf } from './decided-translations.ts'
export { propose } from './judge/adapter-proposal.ts'
export { effectiveHints } from './judge/annotations.ts'
export { canonical } from './judge/canonical.ts'
export { digestsOf } from './judge/digests.ts'
export { createJudge, type Judge, judge, type Run } from './judge/judge.ts'
export { answerTo, createJudging, type Question, type Said, sameThread, threadAt } from './judge/judging.ts'
export { likeness } from './judge/likeness.ts'
export { rules } from './judge/rules.ts'
export {
  checkedLock,
  deprecationOf,
  emptyLock,
  type IgnoreRule,
  type LockedAdapter,
  type LockedDeprecation,
  type LockedServer,
  type LockedTool,
  type LockFile,
  lockedTool,
  readToolName,
  serialiseLock,
  withServer,
  withTool,
} from './lock/lock-file.ts'
export { lineOfTool, readLock } from './lock/lock-reading.ts'
export { isOver, screeningRule, withoutAccepted, withoutWaived } from './lock/waived.ts'
export { findingText, type Screening, screen } from './screening/screening.ts'
