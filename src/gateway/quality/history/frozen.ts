// Answers that do not change: the same one again to the same arguments where it used to change, and the same one to different arguments.
import { dayMs } from '../../../core/text/duration.ts'
import type { Seen } from '../looked.ts'
import type { ArgumentMemory } from './argument-memory.ts'
import { isOpen, slot } from './episode.ts'
import type { Findings } from './findings.ts'
import { frozenNotes, recentAnswers, recentCount, recentNext, same, sameSince, shared, sharedSince, sharedTold } from './layout.ts'
import { learnedOf, learnRate, pendingOf, pendingYesOf, strictness, sumOf, yesOf } from './rate-change.ts'
import { follow, type Watched } from './rate-episode.ts'
import { outOf } from './words.ts'

const adoptMs = 7 * dayMs
// Each question may have the answer that it had, as at night, when nothing goes on; one answer to all questions is a fault.
export const watchedSame: Watched = {
  rate: same,
  since: sameSince,
  slot: slot.frozen,
  during: 0.98,
  adoptMs,
  learnsRuns: true,
  informs: true,
}
export const watchedShared: Watched = { rate: shared, since: sharedSince, slot: slot.frozen, during: 0.9, adoptMs, learnsRuns: true }

/** Asked again sooner it may well be the same. */
export const comparedAfterMs = 60_000
const onlyLearned = 20
const noteSameAt = 10
const noteSharedAt = 8
const firstAfter = 100
/** Shorter answers are easily the same. */
const leastBytes = 64
/** Of one episode: who has not heard it by then does not want to. */
const mostNotes = 3
const mask = 0xffffff

/** `at`: where the same arguments are kept, or -1. */
export function tookAnswer(
  f: Float32Array,
  seen: Seen,
  memory: ArgumentMemory,
  at: number,
  isPayload: boolean,
  isLow: boolean,
  out: Findings,
): void {
  const { hash } = seen.looked
  let isSame = false
  let isShared = false
  if (at !== -1 && memory.answerAt(at) !== 0 && memory.ageMs(at, out.nowMs) >= comparedAfterMs) {
    isSame = memory.answerAt(at) === hash >>> 0
    compare(f, watchedSame, isSame, out)
  }
  const others = countOthers(f, seen.asked & mask, hash & mask)
  let isFirst = false
  if (others !== none) {
    isShared = others === equal
    const nobodyYet = yesOf(f, shared) + pendingYesOf(f, shared) === 0
    isFirst = isShared && nobodyYet && learnedOf(f, shared) >= firstAfter && f[sharedTold] === 0 && seen.looked.bytes >= leastBytes
    if (isFirst) f[sharedTold] = 1
    compare(f, watchedShared, isShared, out)
  }
  if (isSame || isShared) note(f, isSame, isShared, isFirst && !isPayload && !isLow, out)
  else if (sumOf(f, same) === 0 && sumOf(f, shared) === 0 && !isOpen(f, slot.frozen)) f[frozenNotes] = 0
}

function compare(f: Float32Array, watched: Watched, isYes: boolean, out: Findings): void {
  const { rate } = watched
  if (learnedOf(f, rate) + pendingOf(f, rate) < onlyLearned && !isOpen(f, watched.slot)) learnRate(f, rate, isYes)
  else follow(f, watched, 'frozen', isYes, out)
}

const none = 0
const different = 1
const equal = 2

/** Among the last answers to other arguments; notes this one. */
function countOthers(f: Float32Array, asked: number, hash: number): number {
  let found = none
  let isNoted = false
  for (let i = recentAnswers; i < recentAnswers + recentCount * 2; i += 2) {
    // 0 is a free place.
    if (f[i] === 0) continue
    if (f[i] === asked + 1) {
      f[i + 1] = hash
      isNoted = true
    } else if (f[i + 1] === hash) found = equal
    else if (found === none) found = different
  }
  if (!isNoted) {
    const next = f[recentNext] as number
    f[recentAnswers + next * 2] = asked + 1
    f[recentAnswers + next * 2 + 1] = hash
    f[recentNext] = (next + 1) % recentCount
  }
  return found
}

function note(f: Float32Array, isSame: boolean, isShared: boolean, isFirst: boolean, out: Findings): void {
  const isRepeated = isSame && sumOf(f, same) >= noteSameAt * strictness(f, same)
  const isCopied = isShared && sumOf(f, shared) >= noteSharedAt * strictness(f, shared)
  const rule = isRepeated || isCopied ? 'accumulated' : isOpen(f, slot.frozen) ? 'open' : isFirst ? 'single' : undefined
  if (rule === undefined || (f[frozenNotes] as number) >= mostNotes) return
  f[frozenNotes] = (f[frozenNotes] as number) + 1
  const rate = isShared ? shared : same
  const usual = `${outOf(yesOf(f, rate), learnedOf(f, rate))} answers were the same as ${isShared ? 'one to other arguments' : 'the one before'}`
  out.note({ kind: 'frozen', rule, usual, seen: isShared ? 'the same answer as to other arguments' : 'the same answer as before' })
}
