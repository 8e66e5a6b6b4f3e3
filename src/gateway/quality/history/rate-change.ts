// A change of a rate: a cumulative sum (CUSUM) over yes and no, against what was learned of the tool. What raises it is learned only once it
// is back at zero, so that a fault is never taken for what is usual while it begins. State is eleven numbers at `at` of the tool's numbers.

const sum = 0
const total = 1
const yes = 2
/** Results after a yes, and those of them that were one as well. */
const afterYes = 3
const yesAfterYes = 4
const runs = 5
/** The same five, since the sum left zero. */
const pending = 5
const before = 11
export const rateSize = 12

const mostLearned = 5_000
const mostCounted = 1_000_000
const least = 0.002
/** From such a rate on nothing is to be seen: only learned. */
const blindFrom = 0.6
/** What others said is worth less with each that says nothing. */
const fading = 0.9
const littleSum = 0.5
/** So many after one another are a run, also of one that came once. */
const longRun = 20
const mostFor = 3
const mostAgainst = -4
const alertAt = 12

/** Upper end of Wilson's interval, of 90 %. */
export function upper(k: number, n: number): number {
  const z = 1.645
  const z2 = z * z
  if (n <= 0) return 1
  const p = Math.min(1, k / n)
  return Math.min(1, (p + z2 / (2 * n) + z * Math.sqrt((p * (1 - p)) / n + z2 / (4 * n * n))) / (1 + z2 / n))
}

/**
 * Adds one result; the sum that follows. `floor`: the rate is taken for this at least. `during`: the rate of what is looked for. `known`: the
 * rate of results such as this one; where it is high, this one says nothing, and what others said fades.
 */
export function weigh(f: Float32Array, at: number, isYes: boolean, during: number, floor: number, known = 0): number {
  const n = f[at + total] as number
  const was = f[at + before] === 1
  // Nothing is pending then, and the sum stays where it is: so it is nearly always.
  if (!isYes && !was && f[at + sum] === 0) {
    f[at + total] = n + 1
    if (n >= mostLearned) age(f, at)
    return 0
  }
  let usual = Math.max(upper(f[at + yes] as number, n), floor, least)
  // Of what comes in runs the second one says less than the first. Single ones are no runs.
  if (was && (((f[at + runs] as number) >= 3 && (f[at + yesAfterYes] as number) >= 2) || (f[at + yesAfterYes] as number) >= longRun))
    usual = Math.max(usual, upper((f[at + yesAfterYes] as number) + 0.5, (f[at + afterYes] as number) + 1))
  let s = f[at + sum] as number
  if (usual >= blindFrom) s = 0
  else if (known < blindFrom) {
    usual = Math.max(usual, known)
    const evidence = isYes ? Math.min(mostFor, Math.log(during / usual)) : Math.max(mostAgainst, Math.log((1 - during) / (1 - usual)))
    s = Math.max(0, s + evidence)
  } else s = s < littleSum ? 0 : s * fading
  f[at + sum] = s
  const p = at + pending
  f[p + total] = (f[p + total] as number) + 1
  if (isYes) {
    f[p + yes] = (f[p + yes] as number) + 1
    if (!was) f[p + runs] = (f[p + runs] as number) + 1
  }
  if (was) {
    f[p + afterYes] = (f[p + afterYes] as number) + 1
    if (isYes) f[p + yesAfterYes] = (f[p + yesAfterYes] as number) + 1
  }
  f[at + before] = isYes ? 1 : 0
  if (s === 0) commit(f, at)
  return s
}

/** Only learns. */
export function learnRate(f: Float32Array, at: number, isYes: boolean): void {
  weigh(f, at, isYes, 0.9, 1)
}

/** What is pending is how the tool is. */
export function commit(f: Float32Array, at: number): void {
  const p = at + pending
  for (let i = total; i <= runs; i += 1) {
    f[at + i] = Math.min(mostCounted, (f[at + i] as number) + (f[p + i] as number))
    f[p + i] = 0
  }
  f[at + sum] = 0
  if ((f[at + total] as number) > mostLearned) age(f, at)
}

function age(f: Float32Array, at: number): void {
  for (let i = total; i < runs; i += 1) f[at + i] = (f[at + i] as number) / 2
}

/** What is pending is forgotten. */
export function drop(f: Float32Array, at: number): void {
  for (let i = total; i <= runs; i += 1) f[at + pending + i] = 0
  f[at + sum] = 0
  f[at + before] = 0
}

/** A short episode is learned as one run: that is how some tools are. */
export function learnRun(f: Float32Array, at: number, results: number, affected: number): void {
  f[at + total] = (f[at + total] as number) + results
  f[at + yes] = (f[at + yes] as number) + affected
  f[at + afterYes] = (f[at + afterYes] as number) + affected
  f[at + yesAfterYes] = (f[at + yesAfterYes] as number) + Math.max(0, affected - 1)
  f[at + runs] = (f[at + runs] as number) + 1
}

/** What an episode showed is what is usual from now on. */
export function adoptRate(f: Float32Array, at: number, results: number, affected: number): void {
  for (let i = 0; i < rateSize; i += 1) f[at + i] = 0
  learnRun(f, at, Math.max(results, affected), affected)
}

export const sumOf = (f: Float32Array, at: number): number => f[at + sum] as number
export const learnedOf = (f: Float32Array, at: number): number => f[at + total] as number
export const yesOf = (f: Float32Array, at: number): number => f[at + yes] as number
export const pendingOf = (f: Float32Array, at: number): number => f[at + pending + total] as number
export const pendingYesOf = (f: Float32Array, at: number): number => f[at + pending + yes] as number

export function shareOf(f: Float32Array, at: number): number {
  const n = f[at + total] as number
  return n > 0 ? (f[at + yes] as number) / n : 0
}

/** Of a tool that shows it now and then, more is asked for. */
export function strictness(f: Float32Array, at: number): number {
  const share = shareOf(f, at)
  return share >= 0.2 ? 3 : share >= 0.01 ? 1.5 : 1
}

/** `strict`: of this so many times as much is asked for. */
export function isAlert(f: Float32Array, at: number, strict = 1): boolean {
  return sumOf(f, at) >= alertAt * Math.max(strict, strictness(f, at))
}

/** So many that were learned were none after all. */
export function unlearn(f: Float32Array, at: number, count: number): void {
  const ofPending = Math.min(count, f[at + pending + yes] as number)
  f[at + pending + yes] = (f[at + pending + yes] as number) - ofPending
  f[at + yes] = Math.max(0, (f[at + yes] as number) - (count - ofPending))
}

/** What cannot be is no state. */
export function isSaneRate(f: Float32Array, at: number): boolean {
  return (f[at + yes] as number) <= (f[at + total] as number) && (f[at + yesAfterYes] as number) <= (f[at + afterYes] as number)
}
