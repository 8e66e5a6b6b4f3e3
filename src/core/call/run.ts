// An agent's task (run) and the step of its model (turn) that a call belongs to. Limits, records and costs are told by them. What an agent
// states of itself counts within its principal alone.
import { holdsSecret } from '../secrets/without-secrets.ts'
import { type Principal, principalKey } from './principal.ts'
import { type TenantKey, tenantKey } from './tenant-key.ts'

/** Where the id of a run was taken from; the first that is there wins, in this order. */
export type RunSource = 'claim' | 'meta' | 'baggage' | 'header' | 'session' | 'made'

export interface Run {
  /** Unique within its principal; a client may choose it, up to `longestRunId` characters. */
  readonly id: string
  readonly source: RunSource
  /** As the client names it; undefined: the trace id stands for it. */
  readonly turn: string | undefined
  /** The agent's own words for what it does, up to `longestWhy` characters. */
  readonly why: string | undefined
  /** Whose cost it is: of a claim or of the rule of access; undefined where nothing says. */
  readonly team: string | undefined
}

export const longestRunId = 128
export const longestWhy = 500

/** What belongs to the run is kept under this. */
export function runKey(principal: Principal, run: Run): TenantKey {
  return tenantKey(principal.tenant, 'run', principalKey(principal), run.id)
}

const teamed = new WeakMap<Run, Run>()

/** The run as one of this team: one object as long as the team of the run is the same. */
export function inTeam(run: Run, team: string): Run {
  const known = teamed.get(run)
  if (known?.team === team) return known
  const { id, source, turn, why } = run
  const made = { id, source, turn, why, team }
  teamed.set(run, made)
  return made
}

/** Whether it can be the id of a run or turn: printable and no secret, since it stands in log lines, the audit, headers and commands. */
export function isRunId(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= longestRunId && !unprintable.test(value) && !holdsSecret(value)
}

/** Control and format characters (which turn the direction of a line), halves of pairs, ends of lines. */
const unprintable = /[\p{C}\p{Zl}\p{Zp}]/u
