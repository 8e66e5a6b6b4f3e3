// Paths of configuration into answers: `$.rows`, `$.data.items`, `$["a b"]`, and `[*]` for what holds of all elements of a list.
import { asBuffer, passValue, skipSpace, text } from '../../../core/protocol/scan.ts'
import { emptyHash, hashOf } from './answer-hash.ts'

/** Names on the way; `undefined` stands for each element of a list. */
export type JsonPath = readonly (string | undefined)[]

const step = /\.([A-Za-z_$][\w$-]*)|\[\s*(?:"((?:[^"\\]|\\.)*)"|'([^'\\]*)'|(\*))\s*\]/y
const mostSteps = 16

/** Undefined where it is no such path. */
export function parsePath(path: string): JsonPath | undefined {
  if (!path.startsWith('$')) return undefined
  const steps: (string | undefined)[] = []
  step.lastIndex = 1
  while (step.lastIndex < path.length) {
    const found = step.exec(path)
    if (found === null || steps.length === mostSteps) return undefined
    const [, plain, double, single, all] = found
    steps.push(all !== undefined ? undefined : (plain ?? single ?? (double ?? '').replaceAll(/\\(.)/g, '$1')))
  }
  return steps
}

/** Where the value at the path starts, in a value that was checked before; -1 where there is none. */
export function find(b: Uint8Array, from: number, path: JsonPath): number {
  let at = from
  for (const name of path) {
    if (name === undefined || b[at] !== openBrace) return -1
    let found = -1
    eachMember(b, at, (key, start) => {
      if (key === name) found = start
      return passValue(b, start)
    })
    if (found < 0) return -1
    at = found
  }
  return at
}

/** As `hashOf`, without the values at these paths. */
export function hashWithout(b: Uint8Array, from: number, to: number, paths: readonly JsonPath[]): number {
  const walk = new Without(b, from)
  walk.value(from, paths, 0)
  return walk.rest(to)
}

const openBrace = 0x7b
const closeBrace = 0x7d
const openBracket = 0x5b
const closeBracket = 0x5d
const comma = 0x2c
const colon = 0x3a
const quote = 0x22

class Without {
  private readonly b: Uint8Array
  private hash = emptyHash
  private kept: number

  constructor(b: Uint8Array, from: number) {
    this.b = b
    this.kept = from
  }

  /** Just after the value. */
  value(at: number, paths: readonly JsonPath[], depth: number): number {
    const { b } = this
    if (paths.length === 0) return passValue(b, at)
    if (paths.some((path) => path.length === depth)) {
      this.hash = hashOf(b, this.kept, at, this.hash)
      this.kept = passValue(b, at)
      return this.kept
    }
    if (b[at] === openBrace) {
      return eachMember(b, at, (key, start) =>
        this.value(
          start,
          paths.filter((path) => path[depth] === key),
          depth + 1,
        ),
      )
    }
    if (b[at] !== openBracket) return passValue(b, at)
    const within = paths.filter((path) => path[depth] === undefined)
    let i = skipSpace(b, at + 1)
    while (b[i] !== closeBracket && i < b.length) {
      i = skipSpace(b, this.value(i, within, depth + 1))
      if (b[i] === comma) i = skipSpace(b, i + 1)
    }
    return i + 1
  }

  rest(to: number): number {
    return hashOf(this.b, this.kept, to, this.hash)
  }
}

/** `visit` gives where the value ends. */
function eachMember(b: Uint8Array, at: number, visit: (key: string, start: number) => number): number {
  let i = skipSpace(b, at + 1)
  while (b[i] === quote) {
    const keyEnd = passValue(b, i)
    const key = nameOf(b, i, keyEnd)
    i = skipSpace(b, keyEnd)
    i = skipSpace(b, b[i] === colon ? i + 1 : i)
    i = skipSpace(b, visit(key, i))
    if (b[i] === comma) i = skipSpace(b, i + 1)
  }
  return b[i] === closeBrace ? i + 1 : i
}

/** A text that only looks like JSON may have names that are spelt as none can be: of those, what stands there. */
function nameOf(b: Uint8Array, start: number, end: number): string {
  try {
    return text(b, start, end)
  } catch {
    return asBuffer(b).toString('latin1', start, end)
  }
}
