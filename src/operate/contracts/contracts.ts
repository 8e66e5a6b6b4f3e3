// Tools by server and name, wherever they were read.
import type { ToolContract } from '../../core/call/contract.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { formatProblem, type Problem } from '../../platform/config/index.ts'

export interface ServerContracts {
  readonly identity: string | null
  readonly tools: ReadonlyMap<string, ToolContract>
  /** Why its tools are not known. */
  readonly unreachable?: string
}

export interface Contracts {
  readonly label: string
  readonly servers: ReadonlyMap<string, ServerContracts>
  /** What is odd and did not keep anything from being read, a sentence each. */
  readonly notes: readonly string[]
}

/** Stops the command with a sentence: it cannot tell. */
export class CannotTell extends Error {}

/** What was read; throws `CannotTell` with all that is wrong with it, a line each. */
export function orTell<T extends object>(read: T | { readonly problems: readonly Problem[] }): T {
  if ('problems' in read) throw new CannotTell(read.problems.map(formatProblem).join('\n'))
  return read
}

/** Definitions that somebody listed, by their names. */
export function byName(
  server: string,
  list: readonly unknown[],
): { readonly tools: ReadonlyMap<string, ToolContract>; readonly notes: readonly string[] } {
  const tools = new Map<string, ToolContract>()
  const notes: string[] = []
  for (const tool of list) {
    const own = isObject(tool) ? tool.name : undefined
    if (!isObject(tool) || typeof own !== 'string' || own === '') notes.push(`${server}: a tool without a name is listed; it was left out`)
    else if (tools.has(own)) notes.push(`${server}.${own} is listed twice; the first counts`)
    else tools.set(own, tool)
  }
  return { tools, notes }
}
