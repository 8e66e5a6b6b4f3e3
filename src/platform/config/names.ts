// Names of servers and toolsets that a person wrote by hand, made fit like those of client files: `my_server` is my-server, with a warning.
// Two that become one are an error, since a person can choose. Behind the view the file still has its own names, so that problems are found.
import { isObject } from '../../core/protocol/is-object.ts'
import { normaliseNames } from './mcp-json-names.ts'
import type { Path, Problem } from './problem.ts'
import type { Source } from './source.ts'

const fit = /^[a-z0-9-]{1,24}$/

export interface Named {
  /** The source under the fit names. */
  readonly source: Source
  /** Fit names by those of the file, where they differ; by group. */
  readonly renamed: Readonly<Record<string, ReadonlyMap<string, string>>>
  readonly problems: readonly Problem[]
  readonly warnings: readonly Problem[]
}

/** `groups` are keys at the top that hold mappings by name. */
export function withFitNames(source: Source, groups: readonly string[]): Named {
  const root = source.value
  if (!isObject(root)) return { source, renamed: {}, problems: [], warnings: [] }
  const problems: Problem[] = []
  const warnings: Problem[] = []
  const renamed: Record<string, ReadonlyMap<string, string>> = {}
  const value = { ...root }
  for (const group of groups) {
    const entries = root[group]
    if (!isObject(entries)) continue
    const originals = new Map<string, string>()
    const names = new Map<string, string>()
    const out: Record<string, unknown> = {}
    for (const [original, entry] of Object.entries(entries)) {
      const name = fitName(original)
      const other = originals.get(name)
      if (other !== undefined) {
        const what = `the names ${JSON.stringify(other)} and ${JSON.stringify(original)} are both ${name} here`
        problems.push(source.problem([group, original], what, 'rename one of them', 'key'))
        continue
      }
      originals.set(name, original)
      out[name] = entry
      if (name === original) continue
      names.set(original, name)
      const what = `the name ${JSON.stringify(original)} becomes ${name} here`
      warnings.push(source.problem([group, original], what, 'names have 1 to 24 characters: a-z, 0-9, -', 'key'))
    }
    if (names.size === 0) continue
    renamed[group] = names
    value[group] = out
  }
  return { source: Object.keys(renamed).length === 0 ? source : viewOf(source, value, renamed), renamed, problems, warnings }
}

function fitName(original: string): string {
  return fit.test(original) ? original : (normaliseNames([original]).get(original) ?? original)
}

function viewOf(source: Source, value: unknown, renamed: Named['renamed']): Source {
  const originals = new Map(
    Object.entries(renamed).map(([group, names]) => [group, new Map([...names].map(([original, name]) => [name, original]))]),
  )
  const inFile = ([group, name, ...rest]: Path): Path => {
    if (group === undefined || name === undefined) return group === undefined ? [] : [group]
    return [group, originals.get(String(group))?.get(String(name)) ?? name, ...rest]
  }
  return {
    file: source.file,
    value,
    problems: source.problems,
    locate: (path, part) => source.locate(inFile(path), part),
    has: (path) => source.has(inFile(path)),
    written: (path) => source.written(inFile(path)),
    problem: (path, what, mend, part) => source.problem(inFile(path), what, mend, part),
  }
}
