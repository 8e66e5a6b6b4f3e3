// What `tools lock` writes: the contracts as they are now, with what people said of those that did not change.
import { digestsOf, type LockedServer, type LockedTool, type LockFile, lockedTool, withServer } from '../../gateway/contracts/index.ts'
import type { Comparison } from './compare.ts'
import type { ServerContracts } from './contracts.ts'

export interface LockRequest {
  /** Changes up to this are taken; `all`: whatever is there now. */
  readonly update: 'additive' | 'all'
  readonly by: string | null
  readonly reason: string | null
}

export interface Locked {
  readonly lock: LockFile
  /** Tools by what became of them. */
  readonly added: readonly string[]
  readonly changed: readonly string[]
  readonly removed: readonly string[]
  /** Changes that were not taken. */
  readonly kept: readonly string[]
}

/** `comparison`: from the server of the file to the one that is there now. */
export function lockServer(lock: LockFile, name: string, now: ServerContracts, comparison: Comparison, request: LockRequest): Locked {
  const before = lock.servers.get(name)
  const tools = new Map<string, LockedTool>()
  const told = { added: [] as string[], changed: [] as string[], removed: [] as string[], kept: [] as string[] }
  for (const report of comparison.tools) {
    const label = `${name}.${report.name}`
    const old = before?.tools.get(report.name)
    const definition = now.tools.get(report.name)
    const taken = request.update === 'all' || report.verdict === 'same' || report.verdict === 'additive'
    if (definition === undefined) {
      if (taken || old === undefined) told.removed.push(label)
      else {
        told.kept.push(label)
        tools.set(report.name, old)
      }
    } else if (old === undefined) {
      told.added.push(label)
      tools.set(report.name, lockedTool(definition, digestsOf(definition), { status: 'admitted', by: request.by, reason: request.reason }))
    } else if (!taken) {
      told.kept.push(label)
      tools.set(report.name, old)
    } else tools.set(report.name, refreshed(old, definition, report.changes.length > 0, label, told.changed, request))
  }
  // The version of who serves it says nothing of what was kept.
  const identity = told.kept.length > 0 && before !== undefined ? before.identity : now.identity
  const server: LockedServer = { identity, tools, unknown: before?.unknown ?? {} }
  return { lock: withServer(lock, name, server), ...told }
}

function refreshed(
  old: LockedTool,
  definition: LockedTool['definition'],
  hasChanged: boolean,
  label: string,
  changed: string[],
  { by, reason }: LockRequest,
): LockedTool {
  const { contract, hints, prose } = digestsOf(definition)
  if (!hasChanged) return { ...old, contract, hints, prose, definition }
  changed.push(label)
  // An adapter leads to the contract that it was made for.
  return { ...old, contract, hints, prose, definition, status: 'admitted', by, reason, adapter: null }
}
