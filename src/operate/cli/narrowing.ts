// How commands that look back are narrowed, by time and by who and what.
import { momentIn, noMoment } from '../../core/text/moment.ts'
import type { AuditFilter } from '../../observe/audit/index.ts'
import { systemClock } from '../../platform/clock/system-clock.ts'

export interface AuditOptions {
  readonly config?: string
  readonly json?: boolean
}

export interface FilterOptions extends AuditOptions {
  readonly principal?: string
  readonly tool?: string
  readonly run?: string
  readonly call?: string
  readonly team?: string
  readonly client?: string
  readonly about?: string
  readonly fault?: string
  readonly from?: string
  readonly to?: string
  readonly denied?: boolean
  readonly suspect?: boolean
}

/** A sentence where an option is not what it has to be. */
export function filterOf(options: FilterOptions): AuditFilter | string {
  const now = systemClock.now()
  const { from, to, call, principal, tool, run, team, client, about, fault, denied, suspect } = options
  const fromMs = from === undefined ? undefined : momentIn(from, now)
  const toMs = to === undefined ? undefined : momentIn(to, now)
  if (from !== undefined && fromMs === undefined) return `--from is ${noMoment}`
  if (to !== undefined && toMs === undefined) return `--to is ${noMoment}`
  return { fromMs, toMs, id: call, principal, tool, run, team, client, about, fault, denied, suspect }
}
