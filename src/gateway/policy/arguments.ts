// Bounds on arguments before any schema sees them: how deep, how many parts. Their size is the door's business.

export const argumentLimits = {
  depth: 128,
} as const

export interface Measure {
  /** Objects, arrays and their direct scalars. */
  readonly nodes: number
  readonly tooDeep: boolean
}

/** Counts the parts of a value and stops where it is nested too deep. */
export function measure(value: unknown): Measure {
  let nodes = 0
  const walk = (part: unknown, depth: number): boolean => {
    nodes += 1
    if (typeof part !== 'object' || part === null) return true
    if (depth > argumentLimits.depth) return false
    if (Array.isArray(part)) {
      for (const element of part) if (!walk(element, depth + 1)) return false
      return true
    }
    for (const key in part) if (!walk((part as Record<string, unknown>)[key], depth + 1)) return false
    return true
  }
  const tooDeep = !walk(value, 1)
  return { nodes, tooDeep }
}
