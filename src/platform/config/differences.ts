// What is another in one configuration than in another, key by key.
import { isDeepStrictEqual } from 'node:util'
import { isObject } from '../../core/protocol/is-object.ts'

export interface Difference {
  readonly path: readonly string[]
  /** Absent where the key is not there. */
  readonly before?: unknown
  readonly after?: unknown
}

/** In the order of the keys. Lists are compared as a whole. */
export function differences(before: unknown, after: unknown, path: readonly string[] = []): readonly Difference[] {
  if (isDeepStrictEqual(before, after)) return []
  if (!isObject(before) || !isObject(after)) {
    return [{ path, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) }]
  }
  const keys = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...keys].flatMap((key) => differences(own(before, key), own(after, key), [...path, key]))
}

/** The value at a path; undefined where there is none. */
export function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((at, key) => (isObject(at) ? own(at, key) : undefined), value)
}

function own(value: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(value, key) ? value[key] : undefined
}
