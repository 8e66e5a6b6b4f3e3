// What another configuration does to each server: which come, which go, which are served by another exit, and which stay as they are, whatever else is
// another of them.
import { isDeepStrictEqual } from 'node:util'
import type { UpstreamId } from '../core/call/call.ts'
import type { LockFile } from '../gateway/contracts/index.ts'
import type { Settings } from './settings.ts'

type Server = Settings['servers'][string]

export interface ServerPlan {
  readonly added: readonly UpstreamId[]
  readonly removed: readonly UpstreamId[]
  /** By another exit. */
  readonly replaced: readonly UpstreamId[]
  /** What is another of them does not concern their exit. */
  readonly adjusted: readonly UpstreamId[]
}

/** Why a server cannot even be tried, by server. */
export type Broken = ReadonlyMap<UpstreamId, string>

/** Asked by those who stand before the exit, whenever they need it. */
const besideTheExit: ReadonlySet<string> = new Set(['owner', 'rate', 'concurrency', 'objective', 'bareNames'])

export function planOf(before: Settings, after: Settings, brokenBefore: Broken, brokenAfter: Broken): ServerPlan {
  const old = servedOf(before)
  const next = servedOf(after)
  const both = [...next].filter(([id]) => old.has(id))
  const keys = (id: UpstreamId): readonly string[] => differing(old.get(id), next.get(id))
  const isReplaced = (id: UpstreamId): boolean =>
    brokenBefore.get(id) !== brokenAfter.get(id) || keys(id).some((key) => !besideTheExit.has(key))
  return {
    added: [...next.keys()].filter((id) => !old.has(id)),
    removed: [...old.keys()].filter((id) => !next.has(id)),
    replaced: both.map(([id]) => id).filter(isReplaced),
    adjusted: both.map(([id]) => id).filter((id) => !isReplaced(id) && keys(id).length > 0),
  }
}

/** Why the lock file of now cannot be put into force beside the servers that stay; none where it can. */
export function lockProblems(
  before: LockFile | undefined,
  after: LockFile | undefined,
  { added, replaced, removed }: ServerPlan,
): readonly string[] {
  if ((before === undefined) !== (after === undefined))
    return ['versions.lock: there is a lock file where there was none, or none any more; that needs a restart']
  if (before === undefined || after === undefined) return []
  const problems = isDeepStrictEqual(before.ignore, after.ignore)
    ? []
    : ['versions.lock: what the lock file ignores is another; that needs a restart']
  const touched = new Set([...added, ...replaced, ...removed])
  for (const id of new Set([...before.servers.keys(), ...after.servers.keys()])) {
    if (touched.has(id) || isDeepStrictEqual(before.servers.get(id), after.servers.get(id))) continue
    problems.push(`versions.lock: the lock file has other contracts of ${id}, which is served as before; that needs a restart`)
  }
  return problems
}

function servedOf({ servers }: Settings): ReadonlyMap<UpstreamId, Server> {
  return new Map(Object.entries(servers).filter(([, { enabled }]) => enabled))
}

function differing(before: Server | undefined, after: Server | undefined): readonly string[] {
  const keys = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})]) as ReadonlySet<keyof Server>
  return [...keys].filter((key) => !isDeepStrictEqual(before?.[key], after?.[key]))
}
