// How often results of a tool are empty, by what the same arguments gave before: after 20 rows hardly ever, after one often, and after none
// nearly always. Empty ones that may be a fault are counted only once it is known that they were none.
import { contextCount, contextEmpties, contextPending, contextResults, pendingContexts } from './layout.ts'
import { upper } from './rate-change.ts'

/** Never asked, or nothing that counts is known of it. */
export const fresh = 0
const rowless = 1
const oneRow = 2
/** The last answer was empty as well. */
export const still = 7

const mostCounted = 4_000
/** Fewer may be faults. */
const leastEmpties = 3
/** So many results stand in for what is not known of a context: with the share of all, or this one where all are often empty. */
const weightOfAll = 20
const mostOfAll = 0.05

/** `before`: as the memory of arguments has it, -2 where nothing counts. */
export function contextOf(before: number): number {
  if (before < 0) return before === -1 ? rowless : fresh
  const rows = Math.exp(before) - 1
  return rows < 1.5 ? oneRow : rows < 3.5 ? oneRow + 1 : rows < 7.5 ? oneRow + 2 : rows < 15.5 ? oneRow + 3 : oneRow + 4
}

/** The rate, where enough of them were empty to know one; else 0. */
export function knownRate(f: Float32Array, context: number): number {
  const empties = f[contextEmpties + context] as number
  return empties < leastEmpties ? 0 : upper(empties, f[contextResults + context] as number)
}

/** Share of empty ones, near the share of all where there were few. */
export function shareIn(f: Float32Array, context: number, ofAll: number): number {
  return (
    ((f[contextEmpties + context] as number) +
      (f[contextPending + context] as number) +
      weightOfAll * (context === fresh ? ofAll : Math.min(mostOfAll, ofAll))) /
    ((f[contextResults + context] as number) + (f[contextPending + context] as number) + weightOfAll)
  )
}

export function countAnswer(f: Float32Array, context: number): void {
  const n = (f[contextResults + context] as number) + 1
  f[contextResults + context] = n
  if (n <= mostCounted) return
  f[contextResults + context] = n / 2
  f[contextEmpties + context] = (f[contextEmpties + context] as number) / 2
}

/** `isLearned`: it is no fault. */
export function countEmpty(f: Float32Array, context: number, isLearned: boolean): void {
  if (isLearned) {
    f[contextEmpties + context] = (f[contextEmpties + context] as number) + 1
    countAnswer(f, context)
    return
  }
  f[contextPending + context] = (f[contextPending + context] as number) + 1
  f[pendingContexts] = 1
}

/** What is pending is how the tool is, or it was a fault and is forgotten. */
export function endPending(f: Float32Array, isLearned: boolean): void {
  if (f[pendingContexts] === 0) return
  for (let context = 0; context < contextCount; context += 1) {
    const count = f[contextPending + context] as number
    if (isLearned) {
      f[contextEmpties + context] = (f[contextEmpties + context] as number) + count
      f[contextResults + context] = (f[contextResults + context] as number) + count
    }
    f[contextPending + context] = 0
  }
  f[pendingContexts] = 0
}

/** One that was counted was a fault after all. */
export function uncountEmpty(f: Float32Array, context: number): void {
  const at = (f[contextPending + context] as number) > 0 ? contextPending : contextEmpties
  if ((f[at + context] as number) < 1) return
  f[at + context] = (f[at + context] as number) - 1
  if (at === contextEmpties) f[contextResults + context] = Math.max(f[at + context] as number, (f[contextResults + context] as number) - 1)
}
