// The stage that lets a call go on only where a rule of `access` grants it: before any byte goes upstream, and before anything is counted
// against a limit. The row of the call has what was decided; what a rule that is not in force would have said is a row of its own.
import '../../core/call/facts.ts'
import { type Call, ofRun, type TargetedCall } from '../../core/call/call.ts'
import type { Exchange } from '../../core/call/exchange.ts'
import type { Item } from '../../core/call/item.ts'
import { failed } from '../../core/call/outcome.ts'
import { inTeam } from '../../core/call/run.ts'
import type { Pass } from '../../core/call/stage.ts'
import { fault } from '../../core/faults/catalogue.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Decisions } from '../../core/ports/decisions.ts'
import type { Counters } from '../../core/ports/report.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import type { Policy } from './access.ts'
import type { Verdict } from './rights.ts'
import { nounOf } from './rules.ts'

export { createPolicy, type Policy } from './access.ts'

export interface AuthorizeParts {
  readonly policy: Policy
  readonly decisions: Decisions
  readonly counters: Counters
  readonly clock: Clock
  /** Value of `WWW-Authenticate` that names the scopes (RFC 6750 §3.1); undefined for callers that cannot ask for any. */
  challenge(call: Call, scopes: readonly string[]): string | undefined
}

/** Tasks pass: their handles are sealed for the principal that was let in when they began. */
export function authorize(parts: AuthorizeParts): Pass<TargetedCall> {
  const now = (): Date => new Date(parts.clock.now())
  return {
    name: 'authorize',
    run: (call, exchange, next) => {
      const item = itemOf(call, exchange)
      if (item === undefined) return next(call, exchange)
      const from = parts.clock.mono()
      const rights = parts.policy.of(call.caller.principal)
      const args = (): unknown => argumentsOf(call)
      const own = rights.decide(item, args, now)
      const verdict = own.kind === 'allowed' || item.partOf === undefined ? own : rights.decide(item.partOf, args, now)
      const shadows = rights.shadows(item, args, now)
      for (const rule of shadows) {
        const effect = verdict.kind === 'allowed' ? 'none' : 'would_allow'
        parts.counters.add('access_shadow', { rule: rule.name, effect })
        if (effect === 'would_allow') noteShadow(parts, call, item, rule.name)
      }
      const allowed = verdict.kind === 'allowed'
      const rule = verdict.kind === 'denied' ? 'default' : verdict.rule.name
      exchange.note('decided', { allowed, rule, from, to: parts.clock.mono() })
      if (verdict.kind === 'allowed') return next(ofTeam(call, exchange, verdict.rule.team), exchange)
      const refused = refusal(parts, call, item, verdict)
      parts.counters.add('access_denied', { upstream: item.upstream, kind: refused.kind })
      return Promise.resolve(failed(refused))
    },
  }
}

/** Which rule grants a call is known here and no sooner. What the token says of its caller goes before what the rule says of many. */
function ofTeam<C extends TargetedCall>(call: C, exchange: Exchange, team: string | undefined): C {
  if (team === undefined || call.run.team !== undefined) return call
  const run = inTeam(call.run, team)
  exchange.note('run', run)
  return ofRun(call, run)
}

/** A completion is about an item, but goes to the server by itself. */
function itemOf(call: TargetedCall, exchange: Exchange): Item | undefined {
  return 'item' in call ? (call.item as Item) : exchange.fact('item')
}

function argumentsOf(call: Call): unknown {
  const params = call.params.json()
  return isObject(params) ? params.arguments : undefined
}

function refusal(parts: AuthorizeParts, call: Call, item: Item, verdict: Exclude<Verdict, { kind: 'allowed' }>): Fault {
  const named = `the ${nounOf(item.kind)} ${item.visible}`
  if (verdict.kind === 'denied') {
    const reason = verdict.why ?? 'no rule of this gateway grants it to you'
    return fault('forbidden', { item: named, upstream: item.upstream, reason })
  }
  const { rule, missing } = verdict
  const detail = { item: named, upstream: item.upstream, scopes: missing.join(' '), required: rule.scopes }
  // All that the operation needs in one challenge: a client that asked for the missing ones alone would lose those that it has.
  return fault('insufficient_scope', detail, { challenge: parts.challenge(call, rule.scopes) })
}

function noteShadow({ decisions, clock }: AuthorizeParts, call: TargetedCall, item: Item, rule: string): void {
  const { principal } = call.caller
  decisions.note({
    id: call.id,
    atMs: clock.now(),
    about: 'shadow',
    allowed: true,
    principal,
    method: call.method,
    upstream: item.upstream,
    item: item.name,
    version: item.version?.number,
    contract: item.contract?.digest,
    rule,
    credential: principal.credential,
    run: call.run,
    reason: undefined,
  })
}
