// A change of a level: a cumulative sum (CUSUM) over the ranks of values among those that were learned, whatever their distribution. Values are
// learned eight results late, so that a fault is told of before it is learned. State is `levelSize` numbers at `at` of the tool's numbers.

const up = 0
const down = 1
/** How much a value follows the one before. */
const correlation = 2
const total = 3
const largest = 4
const smallest = 5
/** Results since the sum left zero, upwards and downwards. */
const upRun = 6
const downRun = 7
/** Of the last values: how many there are, and where the next goes. */
const lateCount = 8
const lateNext = 9
/** Values far beyond all others that were not learned. */
const leftOut = 10
const bins = 11
const binCount = 40
const late = bins + binCount
export const lateSize = 8
export const levelSize = late + lateSize

const mostLearned = 2_000
/** Fewer values say nothing of what is usual. */
const leastLearned = 20
/** With fewer values their range is not known. */
const clippedFrom = 30
/** So many that are far beyond all others are left out; more of them are how the tool is. One in so many others is forgotten. */
const mostLeftOut = 16
const leftOutEvery = 200
const farBeyond = 3
const slack = 0.5
const alertAt = 12
const jump = 2
const littleSum = 2.5
/** Of every fourth value, for it costs more than all else. */
const correlationRate = 0.02
const correlatedEvery = 4

/** Two bins for each doubling. */
function binOf(value: number, base: number): number {
  const bin = Math.floor(2 * Math.log2(value / base))
  return bin > 0 ? Math.min(binCount - 1, bin) : 0
}

/**
 * Adds a value; true where there is enough to say something of it. `base`: smaller ones are all alike. `leavesOut`: single ones far beyond all
 * others are not learned, as they are told of.
 */
export function feed(f: Float32Array, at: number, value: number, base: number, leavesOut = false): boolean {
  const n = f[at + total] as number
  const isKnown = n >= leastLearned
  if (isKnown) {
    const z = scoreOf(f, at, value, base)
    const before = f[at + up] as number
    const upwards = Math.max(0, before + z - slack)
    const downwards = Math.max(0, (f[at + down] as number) - z - slack)
    f[at + up] = upwards
    f[at + down] = downwards
    // What began with a jump did not begin with the little that came before it.
    f[at + upRun] = upwards === 0 ? 0 : z >= jump && before < littleSum ? 1 : (f[at + upRun] as number) + 1
    f[at + downRun] = downwards > 0 ? (f[at + downRun] as number) + 1 : 0
  }
  const next = f[at + lateNext] as number
  if ((f[at + lateCount] as number) < lateSize) f[at + lateCount] = (f[at + lateCount] as number) + 1
  else {
    const oldest = f[at + late + next] as number
    if (!leavesOut || !isLeftOut(f, at, oldest, base)) learn(f, at, oldest, f[at + late + ((next + 1) % lateSize)] as number, base)
  }
  f[at + late + next] = value
  f[at + lateNext] = (next + 1) % lateSize
  return isKnown
}

/** Quantile of the standard normal distribution at the value's rank; far beyond all that was seen, by how far. */
function scoreOf(f: Float32Array, at: number, value: number, base: number): number {
  const most = f[at + largest] as number
  if (value > 2 * most) return Math.min(5, 3 + Math.log2(value / most))
  return normalQuantile(rankOf(f, at, binOf(value, base)))
}

function rankOf(f: Float32Array, at: number, bin: number): number {
  let below = 0
  const first = at + bins
  for (let i = first; i < first + bin; i += 1) below += f[i] as number
  return (below + (f[first + bin] as number) / 2 + 0.5) / ((f[at + total] as number) + 1)
}

/** Abramowitz and Stegun 26.2.23, within ±3. */
function normalQuantile(p: number): number {
  const q = p < 0.5 ? p : 1 - p
  if (q < 0.00135) return p < 0.5 ? -3 : 3
  const t = Math.sqrt(-2 * Math.log(q))
  const z = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)))
  return p < 0.5 ? -z : z
}

function isLeftOut(f: Float32Array, at: number, value: number, base: number): boolean {
  const count = f[at + leftOut] as number
  if (value > 2 * (f[at + largest] as number) && (f[at + total] as number) >= clippedFrom) {
    if (count >= mostLeftOut || value < farBeyond * quantile(f, at, 0.95, base)) return false
    f[at + leftOut] = count + 1
    return true
  }
  if (count > 0) f[at + leftOut] = Math.max(0, count - 1 / leftOutEvery)
  return false
}

function learn(f: Float32Array, at: number, given: number, following: number, base: number): void {
  const n = f[at + total] as number
  // One value far beyond all others is often a fault, and must not make the next of its kind usual: what goes on is learned in steps.
  const value = n >= clippedFrom ? Math.min(given, 2 * (f[at + largest] as number)) : given
  const bin = binOf(value, base)
  if (n >= leastLearned && (f[at + lateNext] as number) % correlatedEvery === 0) {
    const product = normalQuantile(rankOf(f, at, bin)) * normalQuantile(rankOf(f, at, binOf(following, base)))
    const r = f[at + correlation] as number
    f[at + correlation] = r + correlationRate * (Math.max(-2, Math.min(2, product)) - r)
  }
  f[at + bins + bin] = (f[at + bins + bin] as number) + 1
  f[at + total] = n + 1
  if (n === 0 || value > (f[at + largest] as number)) f[at + largest] = value
  if (n === 0 || value < (f[at + smallest] as number)) f[at + smallest] = value
  if (n >= mostLearned) halve(f, at, base)
}

/** Values of long ago count less, and single ones of long ago not at all. */
function halve(f: Float32Array, at: number, base: number): void {
  let n = 0
  let last = 0
  for (let i = 0; i < binCount; i += 1) {
    const half = (f[at + bins + i] as number) / 2
    const kept = half < 0.25 ? 0 : half
    f[at + bins + i] = kept
    n += kept
    if (kept > 0) last = i
  }
  f[at + total] = n
  if (last < binCount - 1) f[at + largest] = Math.min(f[at + largest] as number, base * 2 ** ((last + 1) / 2))
}

/** What is learned at a share of the values, between the edges of its bin. */
export function quantile(f: Float32Array, at: number, share: number, base: number): number {
  const wanted = share * (f[at + total] as number)
  let below = 0
  for (let i = 0; i < binCount; i += 1) {
    const here = f[at + bins + i] as number
    if (here > 0 && below + here >= wanted) {
      const value = base * 2 ** ((i + (wanted - below) / here) / 2)
      return Math.max(f[at + smallest] as number, Math.min(f[at + largest] as number, value))
    }
    below += here
  }
  return f[at + largest] as number
}

/** How often a value is as large or larger, by the tail of those that were learned taken for a power law. */
export function tailShare(f: Float32Array, at: number, value: number, base: number): number {
  return 0.1 * (value / quantile(f, at, 0.9, base)) ** -tailExponent(f, at, 0.9, base)
}

/** Of the power law that the values above a quantile are taken for; 0: nothing is known of it. */
export function tailExponent(f: Float32Array, at: number, share: number, base: number): number {
  const from = binOf(quantile(f, at, share, base), base)
  let count = 0
  let logs = 0
  for (let i = from; i < binCount; i += 1) {
    const here = f[at + bins + i] as number
    count += here
    logs += here * (i - from + 0.5) * (Math.LN2 / 2)
  }
  if (count <= 0) return 0
  // Of few values the tail may be heavier than they show.
  return (count / logs) * Math.max(0.3, 1 - 1 / Math.sqrt(count))
}

const scratch = new Float64Array(lateSize)

/** Median of the last values, at most eight. */
export function recentMedian(f: Float32Array, at: number, wanted: number): number {
  const count = Math.min(wanted, f[at + lateCount] as number)
  if (count <= 0) return 0
  for (let i = 0; i < count; i += 1) {
    const value = recent(f, at, i)
    let j = i
    for (; j > 0 && (scratch[j - 1] as number) > value; j -= 1) scratch[j] = scratch[j - 1] as number
    scratch[j] = value
  }
  const half = count >> 1
  return count % 2 === 1 ? (scratch[half] as number) : ((scratch[half - 1] as number) + (scratch[half] as number)) / 2
}

/** The `back`th before the last. */
export function recent(f: Float32Array, at: number, back: number): number {
  return f[at + late + (((f[at + lateNext] as number) - 1 - back + 2 * lateSize) % lateSize)] as number
}

/** The sum is as high as it comes to be once in very many results; higher of values that follow each other. */
export function isHigh(f: Float32Array, at: number): boolean {
  return (f[at + up] as number) >= barOf(f[at + correlation] as number)
}

export function isLow(f: Float32Array, at: number): boolean {
  return (f[at + down] as number) >= barOf(f[at + correlation] as number)
}

/** Of values that follow each other the sum comes to be higher by itself. */
export function barOf(correlated: number): number {
  const r = Math.max(0, Math.min(0.9, correlated))
  return (alertAt * (1 + r)) / (1 - r)
}

/** The last values stay, for what is told of them. */
export function clearSums(f: Float32Array, at: number): void {
  f[at + up] = 0
  f[at + down] = 0
  f[at + upRun] = 0
  f[at + downRun] = 0
}

/** The values that are not learned yet are forgotten. */
export function dropLate(f: Float32Array, at: number): void {
  clearSums(f, at)
  f[at + lateCount] = 0
  f[at + lateNext] = 0
}

/** Only the last values are known. */
export function adoptLate(f: Float32Array, at: number, base: number): void {
  const count = f[at + lateCount] as number
  const kept: number[] = []
  for (let i = 0; i < count; i += 1) kept.push(recent(f, at, i))
  f.fill(0, at, at + levelSize)
  for (const value of kept) learn(f, at, value, value, base)
}

/** While an alert is open: the last values are kept for what is told of them, none is learned. */
export function keepLate(f: Float32Array, at: number, value: number): void {
  const next = f[at + lateNext] as number
  f[at + late + next] = value
  f[at + lateNext] = (next + 1) % lateSize
  f[at + lateCount] = Math.min(lateSize, (f[at + lateCount] as number) + 1)
}

export const knownOf = (f: Float32Array, at: number): number => f[at + total] as number
export const largestOf = (f: Float32Array, at: number): number => f[at + largest] as number
export const correlationOf = (f: Float32Array, at: number): number => f[at + correlation] as number
export const upRunOf = (f: Float32Array, at: number): number => f[at + upRun] as number
export const downRunOf = (f: Float32Array, at: number): number => f[at + downRun] as number

/** The one number of a level that may be below zero. */
export const signedOf = (at: number): number => at + correlation

/** What cannot be is no state. */
export function isSaneLevel(f: Float32Array, at: number): boolean {
  let n = 0
  for (let i = at + bins; i < at + late; i += 1) n += f[i] as number
  const next = f[at + lateNext] as number
  const count = f[at + lateCount] as number
  return (
    Math.abs(n - (f[at + total] as number)) <= 0.5 &&
    Number.isInteger(next) &&
    next < lateSize &&
    Number.isInteger(count) &&
    count <= lateSize
  )
}
