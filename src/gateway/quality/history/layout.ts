// Where what is known of one tool stands in its numbers: one typed array a tool, so that it has one size, whatever the tool sends.
import { levelSize } from './level-change.ts'
import { rateSize } from './rate-change.ts'

let size = 0
function space(count: number): number {
  const at = size
  size += count
  return at
}

/** Rates: results that are empty; that are errors in words, cut off or against their schema; the same answer to the same arguments; the same answer to others; another shape. */
export const empty = space(rateSize)
export const bad = space(rateSize)
export const same = space(rateSize)
export const shared = space(rateSize)
export const shape = space(rateSize)
/** When the sums of these left zero. Times take two numbers. */
export const emptySince = space(2)
export const badSince = space(2)
export const sameSince = space(2)
export const sharedSince = space(2)
export const shapeSince = space(2)

export const latency = space(levelSize)
export const bytes = space(levelSize)
export const rows = space(levelSize)
export const latencySince = space(2)
export const bytesSince = space(2)
export const rowsSince = space(2)

/** The first result that was taken in. */
export const born = space(2)
export const deployedAt = space(2)
/** Results, and empty ones among them: these are never halved. */
export const results = space(1)
export const empties = space(1)
/** By what the same arguments gave before (empty-context.ts): results, empty ones, and empty ones that may be a fault. */
export const contextCount = 8
export const contextResults = space(contextCount)
export const contextEmpties = space(contextCount)
export const contextPending = space(contextCount)
export const pendingContexts = space(1)
/** 1: results were falling when they came to be empty. */
export const emptyDeclined = space(1)
/** Notes of one run of them. */
export const emptyNotes = space(1)
/** Results that were surely faults among the last ones. */
export const faults = space(1)
/** Blank ones of the first results. */
export const blanks = space(1)
/** 1: the last empty one was noted, and none that is not came since. */
export const emptyNoted = space(1)
/** Results of weak rules among the first ones; 1 where weak rules are off. */
export const weakSeen = space(1)
export const weakOff = space(1)
/** Results of weak rules after which the next was well, and that no sure fault was near. */
export const weakAlone = space(1)

/** Low counts of rows, followed at once, and their mean over long. */
export const lowRows = space(1)
export const meanRows = space(1)
export const rowsSeen = space(1)
/** Of results with the same arguments: changes of ln(rows + 1), their squares, and the sum over changes downwards. */
export const changes = space(1)
export const changeSquares = space(1)
export const changeSum = space(1)
export const changeRun = space(1)
export const changeTotal = space(1)
/** The change before, and how much changes follow each other. */
export const changeBefore = space(1)
export const changeCorrelation = space(1)

/** Four paths of rows and the shares of the results that they took. */
export const pathCount = 4
export const paths = space(pathCount * 2)
export const pathResults = space(1)

/** Members that were in every result so far. */
export const keyCount = 12
export const keys = space(keyCount)
export const keyResults = space(1)
/** Results by the family of their format. */
export const familyCount = 3
export const families = space(familyCount)
export const shapeNotes = space(1)

/** The last answers and the arguments that they were given to. */
export const recentCount = 4
export const recentAnswers = space(recentCount * 2)
export const recentNext = space(1)
/** The first answer that others had before was told of. */
export const sharedTold = space(1)
export const frozenNotes = space(1)

/** Episodes: one of each kind of alert. */
export const episodeCount = 7
export const episodeSize = 9
export const episodes = space(episodeCount * episodeSize)

export const numberCount = size

/** Times are exact: a float of 32 bits has too few digits for one. */
const high = 1_048_576

export function timeAt(f: Float32Array, at: number): number {
  return (f[at] as number) * high + (f[at + 1] as number)
}

export function setTime(f: Float32Array, at: number, ms: number): void {
  f[at] = Math.floor(ms / high)
  f[at + 1] = Math.floor(ms % high)
}
