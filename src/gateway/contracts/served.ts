// What is known of one server whose tools are kept, and the parts that all who work on them share.
import type { Digests, Reading, ToolContract } from '../../core/call/contract.ts'
import type { UpstreamId } from '../../core/call/item.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { ContractJudge } from '../../core/ports/contract-judge.ts'
import type { Decisions } from '../../core/ports/decisions.ts'
import type { Report } from '../../core/ports/report.ts'
import type { Admit, DriftPolicy } from './admission.ts'
import type { History, ToolKey } from './history.ts'
import type { IgnoreRule, LockedAdapter } from './lock/lock-file.ts'
import type { screen } from './screening/screening.ts'
import type { ToolsByName } from './tools-by-name.ts'
import type { TrackedTool } from './tracked.ts'
import type { CompileSchema } from './translations.ts'

/** Of one server, by configuration. */
export interface Governance {
  readonly admit: Admit
  readonly owner: string | undefined
  readonly environment: string
  /** Host names that are the server's own. */
  readonly addresses: readonly string[]
}

export interface Served extends Governance {
  readonly id: UpstreamId
  readonly tools: ToolsByName
  /** Their rulings are new, and not in force yet. */
  readonly news: Set<TrackedTool>
  /** Work on its tools, one after the other. */
  queue: Promise<unknown>
  /** Names of the last list that all are shown. */
  listed: ReadonlySet<string>
}

/** A tool of the lock file. */
export interface Locked {
  readonly definition: ToolContract
  readonly digests: Pick<Digests, 'contract' | 'hints' | 'prose'>
  readonly rejected: boolean
  readonly by: string | null
  readonly reason: string | null
  readonly adapter: LockedAdapter | null
}

export interface RegistryParts {
  readonly servers: ReadonlyMap<UpstreamId, Governance>
  readonly drift: DriftPolicy
  readonly reading: Reading
  readonly judge: ContractJudge
  readonly screen: typeof screen
  readonly compile: CompileSchema
  readonly locked: ((upstream: UpstreamId, tool: string) => Locked | undefined) | undefined
  /** What the lock file accepts for a while; over or not. */
  readonly accepts: ((upstream: UpstreamId, tool: string) => readonly IgnoreRule[]) | undefined
  /** Undefined: nothing outlives the process. */
  readonly history: History | undefined
  readonly clock: Clock
  readonly report: Report
  readonly decisions: Decisions
}

export function toolKey(served: Served, tool: TrackedTool): ToolKey {
  return { upstream: served.id, environment: served.environment, tool: tool.name }
}
