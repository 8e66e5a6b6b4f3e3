// Versions of tools with what they stand on: who uses them, what is planned for their end, and what configuration pins.
import type { Clock } from '../core/ports/clock.ts'
import type { Durable } from '../core/ports/durable.ts'
import type { Report } from '../core/ports/report.ts'
import { deprecationOf, type LockFile } from '../gateway/contracts/index.ts'
import { toolsBySelector } from '../gateway/tools/by-selector.ts'
import { EndsOfTools, type LockedPlans } from '../gateway/versions/ends.ts'
import { VersionsOfTools } from '../gateway/versions/operators.ts'
import { Plans } from '../gateway/versions/plans.ts'
import { ToolUsage } from '../gateway/versions/usage.ts'
import { configuredPins } from './configured-pins.ts'
import type { Settings } from './settings.ts'

export interface AssembledVersions {
  readonly usage: ToolUsage
  readonly plans: Plans
  /** The end of tools, whoever planned it. */
  readonly ends: EndsOfTools
  readonly operators: VersionsOfTools
  /** Another lock file is in force. */
  relock(lock: LockFile | undefined): void
}

export interface VersionsParts {
  readonly settings: Settings
  /** Read with the configuration. */
  readonly lock: LockFile | undefined
  readonly durable: Durable
  readonly clock: Clock
  readonly report: Report
  listed(upstream: string): readonly string[] | undefined
}

export function assembleVersions({ settings, lock, durable, clock, report, listed }: VersionsParts): AssembledVersions {
  const usage = new ToolUsage(durable, clock, report)
  const plans = new Plans(durable, report)
  const locked = new Map(lock === undefined ? [] : lockedPlans(lock))
  const ends = plannedEnds(settings, plans, locked)
  return {
    usage,
    plans,
    ends,
    operators: new VersionsOfTools({
      usage,
      ends,
      plans,
      get pins() {
        return configuredPins(settings)
      },
      clock,
      listed,
    }),
    relock: (next) => {
      locked.clear()
      for (const [server, found] of next === undefined ? [] : lockedPlans(next)) locked.set(server, found)
    },
  }
}

export function plannedEnds({ tools }: Pick<Settings, 'tools'>, plans?: Plans, locked?: LockedPlans): EndsOfTools {
  // It is asked of each tool of each list; settings that say nothing of an end need not be looked at.
  const ending = Object.entries(tools).filter(([, { versions, deprecated }]) => versions !== undefined || deprecated !== undefined)
  return new EndsOfTools({ configured: toolsBySelector(Object.fromEntries(ending)), plans, locked })
}

function lockedPlans({ servers }: LockFile): LockedPlans {
  return new Map(
    [...servers].map(([server, { tools }]) => [
      server,
      new Map([...tools].flatMap(([tool, { deprecated }]) => (deprecated === null ? [] : [[tool, deprecationOf(deprecated)] as const]))),
    ]),
  )
}
