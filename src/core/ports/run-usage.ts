// Runs that use many times the tokens that runs of their kind usually use, for whoever alerts of them.
import type { Principal } from '../call/principal.ts'

export interface UnusualRun {
  /** Id of the run, unique within its principal. */
  readonly run: string
  readonly principal: Principal
  /** As the client names itself; undefined where it does not. */
  readonly client: string | undefined
  readonly team: string | undefined
  /** Used until now: the run goes on. */
  readonly tokens: number
  readonly calls: number
  /** The median of runs of the same client and team that are over. */
  readonly usual: number
  /** From so many tokens on it is unusual. */
  readonly limit: number
  /** Milliseconds since the epoch. */
  readonly atMs: number
}

export interface UnusualRuns {
  /** Called once a run, in the turn in which it is noticed; what it throws is a bug that is told and ends nothing. */
  onUnusual(listener: (found: UnusualRun) => void): void
}
