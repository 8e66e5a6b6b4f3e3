// The registry of tools with what it stands on: the settings, the lock file, the judge and the store of what was seen.
import type { UpstreamId } from '../core/call/item.ts'
import type { Clock } from '../core/ports/clock.ts'
import type { ContractJudge } from '../core/ports/contract-judge.ts'
import type { Decisions } from '../core/ports/decisions.ts'
import type { Durable } from '../core/ports/durable.ts'
import type { Report } from '../core/ports/report.ts'
import { createHistory } from '../gateway/contracts/history.ts'
import { type IgnoreRule, type LockFile, screen } from '../gateway/contracts/index.ts'
import { Operators } from '../gateway/contracts/operators.ts'
import { Registry } from '../gateway/contracts/registry.ts'
import type { Governance, Locked } from '../gateway/contracts/served.ts'
import { createSchemaGate } from '../gateway/policy/schema-gate.ts'
import type { Settings } from './settings.ts'

/** Of contracts that are no longer shown, and of translations that are not proved: few are called by. */
const mostCompiled = 200

export interface AssembledRegistry {
  readonly registry: Registry
  readonly operators: Operators
  /** Brings back what was stood for; before the first list is taken in. Never rejects. */
  start(): Promise<void>
  end(): Promise<void>
  /** As `Registry.changing`, with the lock file of then. */
  changing(settings: Settings, lock: LockFile | undefined): Promise<() => void>
}

export interface RegistrySources {
  readonly settings: Settings
  /** Undefined where there is none. */
  readonly lock: LockFile | undefined
  readonly judge: ContractJudge
  readonly durable: Durable
  readonly clock: Clock
  readonly report: Report
  readonly decisions: Decisions
}

export function assembleRegistry({ settings, lock, judge, durable, clock, report, decisions }: RegistrySources): AssembledRegistry {
  let inForce = lock
  const history = createHistory(durable, clock, report)
  const { drift, reading } = settings.versions
  const registry = new Registry({
    servers: governanceOf(settings, lock !== undefined),
    drift,
    reading,
    judge,
    screen,
    compile: createSchemaGate({ most: mostCompiled }),
    locked: lock === undefined ? undefined : (upstream, tool) => lockedIn(inForce ?? lock, upstream, tool),
    accepts: lock === undefined || lock.ignore.length === 0 ? undefined : acceptedBy(lock),
    history,
    clock,
    report,
    decisions,
  })
  return {
    registry,
    operators: new Operators(registry, history, () => clock.now()),
    start: () => registry.start(),
    changing: async (next, nextLock) => {
      const apply = await registry.changing(governanceOf(next, nextLock !== undefined))
      return () => {
        inForce = nextLock
        apply()
      }
    },
    end: async () => {
      registry.end()
      await judge.close()
    },
  }
}

function governanceOf({ servers, profile }: Settings, hasLock: boolean): ReadonlyMap<UpstreamId, Governance> {
  const usual = profile === 'production' && hasLock ? 'locked' : 'firstUse'
  return new Map(
    Object.entries(servers)
      .filter(([, { enabled }]) => enabled)
      .map(([id, { admit = usual, owner, environment, url, endpoints }]) => [
        id,
        { admit, owner, environment, addresses: hostsOf([url, ...(endpoints ?? [])]) },
      ]),
  )
}

function hostsOf(urls: readonly (string | undefined)[]): readonly string[] {
  return urls.flatMap((url) => (url === undefined ? [] : [new URL(url).hostname]))
}

/** Its digests are those of now: the file was checked when it was read. */
function lockedIn(lock: LockFile, upstream: UpstreamId, tool: string): Locked | undefined {
  const found = lock.servers.get(upstream)?.tools.get(tool)
  if (found === undefined) return undefined
  const { definition, contract, hints, prose, status, by, reason, adapter } = found
  const digests = { contract: contract as `c1:${string}`, hints: hints as `h1:${string}` | `h2:${string}`, prose: prose as `p1:${string}` }
  return { definition, digests, rejected: status === 'rejected', by, reason, adapter }
}

/** Of servers names without a dot. */
function acceptedBy({ ignore }: LockFile): (upstream: UpstreamId, tool: string) => readonly IgnoreRule[] {
  const rules = new Map<string, IgnoreRule[]>()
  for (const rule of ignore) {
    const name = `${rule.server}.${rule.tool}`
    const known = rules.get(name)
    if (known === undefined) rules.set(name, [rule])
    else known.push(rule)
  }
  return (upstream, tool) => rules.get(`${upstream}.${tool}`) ?? none
}

const none: readonly IgnoreRule[] = []
