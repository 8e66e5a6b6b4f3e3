// An episode of one kind of alert: it opens, is told of again when it has grown, and closes once, after good results in a row.
import type { Alert } from '../looked.ts'
import { episodeSize, episodes, setTime, timeAt } from './layout.ts'

/** Slots: what an alert can be about. Errors, cut results and violations share one. */
export const slot = { empty: 0, bad: 1, frozen: 2, shape: 3, latency: 4, size: 5, rows: 6 } as const

const state = 0
const kind = 1
const results = 2
const affected = 3
const good = 4
const tellAt = 5
/** What is usual, for the text: results before, and those that were so as well; of levels the usual value. */
const usual = 6
const since = 7

const isOpenState = 1
/** People know, and it is a fault: nothing more is told until it ends. */
const isKnownFault = 2

/** So many good results in a row end it. */
const goodToClose = 8
const growth = 10

export const kinds: readonly Alert['kind'][] = [
  'empty',
  'error_text',
  'truncated',
  'result_schema',
  'frozen',
  'result_shape',
  'latency',
  'size',
  'rows',
]
const slotOfKind = [slot.empty, slot.bad, slot.bad, slot.bad, slot.frozen, slot.shape, slot.latency, slot.size, slot.rows]

export function slotOf(which: Alert['kind']): number {
  return slotOfKind[kinds.indexOf(which)] ?? -1
}

const baseOf = (which: number): number => episodes + which * episodeSize

export function isOpen(f: Float32Array, which: number): boolean {
  return f[baseOf(which) + state] !== 0
}

export function isTold(f: Float32Array, which: number): boolean {
  return f[baseOf(which) + state] === isOpenState
}

export function open(
  f: Float32Array,
  which: number,
  what: Alert['kind'],
  count: number,
  hit: number,
  sinceMs: number,
  usually: number,
): void {
  const at = baseOf(which)
  f[at + state] = isOpenState
  f[at + kind] = kinds.indexOf(what)
  f[at + results] = count
  f[at + affected] = hit
  f[at + good] = 0
  f[at + tellAt] = growth
  while ((f[at + tellAt] as number) <= hit) f[at + tellAt] = (f[at + tellAt] as number) * growth
  f[at + usual] = usually
  setTime(f, at + since, sinceMs)
}

/** One more result; what is to be told of it, if anything. */
export function goOn(f: Float32Array, which: number, isAffected: boolean): 'updated' | 'closed' | undefined {
  const at = baseOf(which)
  f[at + results] = (f[at + results] as number) + 1
  if (!isAffected) {
    f[at + good] = (f[at + good] as number) + 1
    return (f[at + good] as number) >= goodToClose ? 'closed' : undefined
  }
  f[at + good] = 0
  f[at + affected] = (f[at + affected] as number) + 1
  if ((f[at + affected] as number) < (f[at + tellAt] as number)) return undefined
  f[at + tellAt] = (f[at + tellAt] as number) * growth
  return f[at + state] === isOpenState ? 'updated' : undefined
}

export function close(f: Float32Array, which: number): void {
  f[baseOf(which) + state] = 0
}

export function knowAsFault(f: Float32Array, which: number): void {
  f[baseOf(which) + state] = isKnownFault
}

export const kindOf = (f: Float32Array, which: number): Alert['kind'] => kinds[f[baseOf(which) + kind] as number] ?? 'empty'
export const resultsOf = (f: Float32Array, which: number): number => f[baseOf(which) + results] as number
export const affectedOf = (f: Float32Array, which: number): number => f[baseOf(which) + affected] as number
export const sinceOf = (f: Float32Array, which: number): number => timeAt(f, baseOf(which) + since)
export const usualOf = (f: Float32Array, which: number): number => f[baseOf(which) + usual] as number
/** Without the good ones that ended it. */
export const resultsToEnd = (f: Float32Array, which: number): number =>
  Math.max(affectedOf(f, which), resultsOf(f, which) - (f[baseOf(which) + good] as number))
