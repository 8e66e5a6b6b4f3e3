// What is told of renewals: a count, a row of the audit with what the token may do more or less than before, a line of the log where that is
// amiss. The token itself is in none of them.
import type { Principal } from '../../core/call/principal.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Decisions } from '../../core/ports/decisions.ts'
import type { Report } from '../../core/ports/report.ts'
import type { KeeperEvent, ScopeChange } from './keeper.ts'
import { actorsIn } from './sources.ts'
import type { TokenSet } from './token-set.ts'

export interface RenewalParts {
  readonly report: Report
  readonly decisions: Decisions
  readonly clock: Clock
}

export interface RenewedOf {
  readonly upstream: string
  /** Its id. */
  readonly credential: string
  /** Undefined: the gateway itself. */
  readonly principal: Principal | undefined
}

export function tellRenewal(parts: RenewalParts, of: RenewedOf, event: Exclude<KeeperEvent, { kind: 'rescoped' }>): void {
  const { report, decisions, clock } = parts
  const { upstream, credential, principal } = of
  const isRenewed = event.kind === 'renewed'
  report.counters.add('credential_renewals', { upstream, outcome: isRenewed ? 'renewed' : event.failure.kind })
  const reason = isRenewed ? renewalText(event.token, event.scopes) : event.failure.message
  decisions.note({
    id: '',
    atMs: clock.now(),
    about: 'credential',
    allowed: isRenewed,
    principal,
    method: undefined,
    upstream,
    item: undefined,
    rule: `servers.${upstream}.auth`,
    credential,
    reason,
  })
  if (isRenewed) return
  const severity = event.failure.kind === 'consent' ? 'info' : 'warn'
  const detail = { upstream, credential, reason, stillValidMs: event.stillValidMs }
  report.log(severity, 'A credential of a server could not be renewed', detail)
}

export function logScopes(report: Report, of: Pick<RenewedOf, 'upstream' | 'credential'>, { lost, gained }: ScopeChange): void {
  if (lost.length > 0) report.log('warn', 'A renewed credential has fewer scopes than before', { ...of, lost })
  else report.log('info', 'A renewed credential has more scopes than before', { ...of, gained })
}

/** Undefined where there is nothing to say. */
function renewalText(token: TokenSet, { lost, gained }: ScopeChange): string | undefined {
  const acting = actorsIn(token.access)
  const said = [
    ...(acting.length === 0 ? [] : [`acting: ${acting.join(' for ')}`]),
    ...(lost.length === 0 ? [] : [`scopes lost: ${lost.join(' ')}`]),
    ...(gained.length === 0 ? [] : [`scopes gained: ${gained.join(' ')}`]),
  ]
  return said.length === 0 ? undefined : said.join('; ')
}
