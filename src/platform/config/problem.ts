// A problem of a configuration file: where it is, what is wrong and how to mend it. Every reader of files reports through this shape.

/** Keys and indexes from the root of the file, for example `['servers', 'github', 'args', 0]`. */
export type Path = readonly (string | number)[]

export interface Problem {
  readonly file: string
  /** 1-based; 0 where the problem has no place in the file (the file is missing). */
  readonly line: number
  /** 1-based, in UTF-16 code units, as editors count. */
  readonly column: number
  /** Dotted path of the key; '' is the file itself. */
  readonly key: string
  /** What is wrong. Never quotes the value of a reference. */
  readonly what: string
  /** What to do about it. */
  readonly mend: string
}

/** `file:line:column key: what; how to mend`, on one line. */
export function formatProblem(problem: Problem): string {
  const place = problem.line === 0 ? problem.file : `${problem.file}:${problem.line}:${problem.column}`
  const key = problem.key === '' ? '' : ` ${problem.key}`
  const mend = problem.mend === '' ? '' : `; ${problem.mend}`
  return `${place}${key}: ${problem.what}${mend}`.replace(/\s*\n\s*/g, ' ')
}

export function keyOf(path: Path): string {
  return path.map((part) => (typeof part === 'string' && part.includes('.') ? JSON.stringify(part) : String(part))).join('.')
}

/** What stands at the path; undefined where nothing does. */
export function valueAt(value: unknown, path: Path): unknown {
  let at = value
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined
    at = (at as Record<string | number, unknown>)[step]
  }
  return at
}

/** By place in the file, each one once. */
export function inOrder(problems: readonly Problem[]): Problem[] {
  const seen = new Set<string>()
  const once = problems.filter((problem) => {
    const text = formatProblem(problem)
    if (seen.has(text)) return false
    seen.add(text)
    return true
  })
  return once.sort((a, b) => a.line - b.line || a.column - b.column)
}
