// Which rows of a tool's results are what it gives: the path whose rows take most of the bytes of its first results.
import type { Looked, RowCount } from '../looked.ts'
import { pathCount, pathResults, paths } from './layout.ts'

/** So many results decide; until then it may still be another. */
const decidedAfter = 200
const leastShare = 0.4
/** A path that took less so far gives its place to a new one. */
const hardlyAny = 0.02

export function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length && i < 128; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return ((hash ^ (hash >>> 24)) & 0xffffff) | 1
}

/** The path after one more result that was not empty; undefined: none takes enough. `before`: as it was. */
export function learnPath(f: Float32Array, looked: Looked, before: string | undefined): string | undefined {
  const n = f[pathResults] as number
  if (n >= decidedAfter) return before
  f[pathResults] = n + 1
  for (const row of looked.rows) if (row.count > 0) add(f, row, looked.bytes, n)
  let best = paths
  for (let i = paths; i < paths + pathCount * 2; i += 2) if ((f[i + 1] as number) > (f[best + 1] as number)) best = i
  if ((f[best + 1] as number) < leastShare * (n + 1)) return undefined
  const wanted = f[best] as number
  if (before !== undefined && hashOf(before) === wanted) return before
  for (const { path } of looked.rows) if (hashOf(path) === wanted) return path.slice(0, 128)
  return before
}

function add(f: Float32Array, { path, bytes }: RowCount, all: number, results: number): void {
  const share = amountOf(all) > 0 ? Math.min(1, amountOf(bytes) / amountOf(all)) : 0
  const hash = hashOf(path)
  let least = paths
  for (let i = paths; i < paths + pathCount * 2; i += 2) {
    if (f[i] === hash) {
      f[i + 1] = (f[i + 1] as number) + share
      return
    }
    if ((f[i + 1] as number) < (f[least + 1] as number)) least = i
  }
  if ((f[least + 1] as number) > hardlyAny * results) return
  f[least] = hash
  f[least + 1] = share
}

const mostAmount = 1e12

/** Of what is counted or measured; what is none is nothing. */
export function amountOf(value: number): number {
  return value >= 0 ? Math.min(mostAmount, value) : 0
}

/** Rows at a path; -1: it is not there. */
export function countAt(looked: Looked, path: string): number {
  for (const row of looked.rows) if (row.path === path) return row.count >= 0 ? amountOf(row.count) : -1
  return -1
}

/** Of a path into JSON; of others a text may have few. */
export function isJsonPath(path: string): boolean {
  return path.startsWith('$')
}
