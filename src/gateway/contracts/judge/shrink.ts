// A value made as small as it can be while something stays true of it.
import { isObject } from '../../../core/protocol/is-object.ts'
import { put } from './stable.ts'

const mostTries = 150

export function shrink(value: unknown, holds: (value: unknown) => boolean): unknown {
  let left = mostTries
  const smaller = (now: unknown, keep: (part: unknown) => unknown): unknown => {
    let best = now
    for (let again = true; again && left > 0; ) {
      again = false
      for (const next of steps(best)) {
        if (left <= 0) break
        left -= 1
        if (holds(keep(next))) {
          best = next
          again = true
          break
        }
      }
    }
    if (isObject(best)) {
      for (const name of Object.keys(best)) {
        const whole = best as Record<string, unknown>
        const part = smaller(whole[name], (inner) => keep(replaced(whole, name, inner)))
        best = replaced(whole, name, part)
      }
    } else if (Array.isArray(best)) {
      for (const index of best.keys()) {
        const whole: unknown[] = best as unknown[]
        const part = smaller(whole[index], (inner) => keep(whole.with(index, inner)))
        best = whole.with(index, part)
      }
    }
    return best
  }
  return smaller(value, (whole) => whole)
}

function replaced(object: Record<string, unknown>, name: string, value: unknown): Record<string, unknown> {
  const copy: Record<string, unknown> = {}
  for (const [key, old] of Object.entries(object)) put(copy, key, key === name ? value : old)
  return copy
}

function* steps(value: unknown): Iterable<unknown> {
  if (isObject(value)) {
    for (const name of Object.keys(value)) yield Object.fromEntries(Object.entries(value).filter(([key]) => key !== name))
  } else if (Array.isArray(value)) {
    for (const index of value.keys()) yield value.toSpliced(index, 1)
  } else if (typeof value === 'string' && value.length > 1) {
    yield ''
    yield value.slice(0, 1)
    yield value.slice(0, Math.floor(value.length / 2))
  }
}
