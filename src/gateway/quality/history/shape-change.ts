// The shape of a tool's results, in short: the family of their format, where their rows are, and members that are always there.
import { dayMs } from '../../../core/text/duration.ts'
import type { Format, Looked } from '../looked.ts'
import { failsNow } from './emptiness.ts'
import { isOpen, slot } from './episode.ts'
import type { Findings } from './findings.ts'
import {
  families,
  familyCount,
  keyCount,
  keyResults,
  keys,
  pathCount,
  pathResults,
  paths,
  shape,
  shapeNotes,
  shapeSince,
} from './layout.ts'
import { rateSize, strictness, sumOf } from './rate-change.ts'
import { follow, type Watched } from './rate-episode.ts'
import { countAt, hashOf, isJsonPath } from './row-path.ts'

export const watchedShape: Watched = { rate: shape, since: shapeSince, slot: slot.shape, during: 0.9, adoptMs: 7 * dayMs }

const learnedAfter = 60
/** What was less of the results is not how the tool answers. */
const seldom = 0.02
const leastKeys = 2
const leastOfFamilies = 30
const mostlyOne = 0.9
const mostSingle = 3
const noteAt = 8
const familyNames = ['JSON', 'a table', 'a text'] as const
const familyOf: Readonly<Record<Format, number>> = { none: -1, json: 0, jsonl: 0, csv: 1, table: 1, list: 2, prose: 2, markup: 2 }

interface Change {
  readonly rule: 'format' | 'rows_gone' | 'members'
  readonly usual: string
  readonly seen: string
}

/** True where it has its usual shape. `hasSameKeys`: of this one the members are those of the last that had. */
export function tookShape(
  f: Float32Array,
  looked: Looked,
  path: string | undefined,
  hasSameKeys: boolean,
  isLow: boolean,
  out: Findings,
): boolean {
  const known = f[keyResults] as number
  const change = known < learnedAfter ? undefined : changeOf(f, looked, path, hasSameKeys)
  if (change === undefined) learnShape(f, looked, hasSameKeys)
  if (known < learnedAfter) return true
  const wasOpen = isOpen(f, slot.shape)
  const isAlert = follow(f, watchedShape, 'result_shape', change !== undefined, out)
  if (change === undefined) return true
  // So long of another shape that it is the usual one now.
  if (wasOpen && !isOpen(f, slot.shape)) {
    forgetShape(f)
    return false
  }
  const isAccumulated = sumOf(f, shape) >= noteAt * strictness(f, shape)
  const isSingle = !isLow && ((f[shapeNotes] as number) < mostSingle || failsNow(f))
  if (!isAlert && !isAccumulated && !isSingle && !isOpen(f, slot.shape)) return false
  f[shapeNotes] = Math.min(mostSingle, (f[shapeNotes] as number) + 1)
  out.note({ kind: 'result_shape', rule: change.rule, usual: change.usual, seen: change.seen })
  return false
}

/** Of what has no shape of its own only the family of its format is counted. */
export function countFamily(f: Float32Array, { format }: Looked): void {
  const family = familyOf[format] ?? -1
  if (family >= 0) f[families + family] = (f[families + family] as number) + 1
}

/** So many answers are JSON, of those that have a format; -1 where there were few. */
export function jsonShare(f: Float32Array): number {
  let all = 0
  for (let i = families; i < families + familyCount; i += 1) all += f[i] as number
  return all < leastOfFamilies ? -1 : (f[families] as number) / all
}

/** It gives values of every kind, as a cache does. */
export function isMixed(f: Float32Array): boolean {
  const share = jsonShare(f)
  return share > 1 - mostlyOne && share < mostlyOne
}

/** What comes now is learned from the start. */
export function forgetShape(f: Float32Array): void {
  f.fill(0, keys, keys + keyCount)
  f.fill(0, families, families + familyCount)
  f.fill(0, paths, paths + pathCount * 2)
  f.fill(0, shape, shape + rateSize)
  f[pathResults] = 0
  f[keyResults] = 0
  f[shapeNotes] = 0
}

function changeOf(f: Float32Array, looked: Looked, path: string | undefined, hasSameKeys: boolean): Change | undefined {
  const family = familyOf[looked.format] ?? -1
  if (family < 0) return undefined
  let all = 0
  let usual = 0
  for (let i = 0; i < familyCount; i += 1) {
    all += f[families + i] as number
    if ((f[families + i] as number) > (f[families + usual] as number)) usual = i
  }
  if (all >= learnedAfter && (f[families + family] as number) < seldom * all)
    return { rule: 'format', usual: familyNames[usual] ?? '', seen: familyNames[family] ?? '' }
  if (family !== 0 || isMixed(f)) return undefined
  if (path !== undefined && isJsonPath(path) && countAt(looked, path) < 0)
    return { rule: 'rows_gone', usual: `rows at ${path}`, seen: 'no such rows' }
  if (hasSameKeys) return undefined
  let always = 0
  for (let i = keys; i < keys + keyCount; i += 1) if (f[i] !== 0) always += 1
  if (always < leastKeys) return undefined
  const missing = always - countPresent(f, looked, false)
  return missing * 2 < always
    ? undefined
    : { rule: 'members', usual: `${always} members that were always there`, seen: `${missing} of them missing or of another type` }
}

/** Always-present members that this one has; with `only` the others are no longer always there. */
function countPresent(f: Float32Array, looked: Looked, only: boolean): number {
  let isHere = 0
  for (const key of looked.keys) {
    // A member without a value is there all the same, whatever its type was.
    const isNull = key.endsWith(nullType)
    for (const type of isNull ? types : anyType) {
      const hash = hashOf(isNull ? `${key.slice(0, -nullType.length)}:${type}` : key)
      for (let i = 0; i < keyCount; i += 1) if (f[keys + i] === hash) isHere |= 1 << i
    }
  }
  let count = 0
  for (let i = 0; i < keyCount; i += 1) {
    if ((isHere & (1 << i)) !== 0) count += 1
    else if (only) f[keys + i] = 0
  }
  return count
}

const nullType = ':null'
const types = ['null', 'object', 'array', 'string', 'number', 'boolean']
const anyType = ['']

function learnShape(f: Float32Array, looked: Looked, hasSameKeys: boolean): void {
  const family = familyOf[looked.format] ?? -1
  if (family < 0) return
  countFamily(f, looked)
  const n = f[keyResults] as number
  if (n < 1_000_000) f[keyResults] = n + 1
  if (family !== 0) return
  if (n === 0) for (let i = 0; i < keyCount && i < looked.keys.length; i += 1) f[keys + i] = hashOf(looked.keys[i] ?? '')
  else if (!hasSameKeys) countPresent(f, looked, true)
}
