// How a call ended in two letters, as HAProxy tells of sessions (its "session state at disconnection"): who ended it, and what it was at. Both
// are `-` where the server answered and the client has the answer.
import type { Delivery, EndReason } from './exchange.ts'
import type { Outcome } from './outcome.ts'
import type { PhaseName } from './phases.ts'

/** Who ended it. */
export const enders = {
  '-': 'nobody: the server answered',
  C: 'the client: it went away or cancelled',
  c: 'the deadline that the client stated',
  S: 'the server: it refused, failed, or was lost',
  s: 'a deadline of the gateway, while it waited for the server',
  P: 'the gateway: it refused the call by a rule (access, schema, limits, an open circuit)',
  L: 'the gateway: it answered by itself (a kept answer, a list)',
  R: 'the gateway: it had no room (a full queue, a bound)',
  D: 'the gateway: it drains, or an operator took the server out',
  I: 'a bug of the gateway',
} as const
export type Ender = keyof typeof enders

/** What it was at. */
export const endedAt = {
  '-': 'nothing: it was over',
  R: 'the request was judged: credential, access, schema, limits',
  Q: 'it waited for a place',
  C: 'it waited for a credential or a connection',
  H: 'it was sent, and nothing had come back',
  D: 'events had come back',
  L: 'the answer was on its way to the client',
} as const
export type EndedAt = keyof typeof endedAt

const letters: Readonly<Record<PhaseName, EndedAt>> = {
  request: 'R',
  limits: 'R',
  queue: 'Q',
  credential: 'C',
  connect: 'C',
  pause: 'C',
  wait: 'H',
  stream: 'D',
}

/** Two letters. `local`: the gateway answered by itself; `delivery`: undefined while it is not known. */
export function terminationOf(
  outcome: Outcome,
  phase: PhaseName,
  why: EndReason | undefined,
  local: boolean,
  delivery: Delivery | undefined,
): string {
  if (outcome.kind !== 'fault') {
    if (delivery === 'client_gone' || delivery === 'unclaimed') return 'CL'
    if (delivery === 'failed') return 'IL'
    return local ? 'L-' : '--'
  }
  return enderOf(outcome.fault, why) + letters[phase]
}

function enderOf({ kind, evidence, category }: Extract<Outcome, { kind: 'fault' }>['fault'], why: EndReason | undefined): Ender {
  if (kind === 'internal' || why === 'failed') return 'I'
  if (why === 'client_gone' || why === 'cancelled') return 'C'
  if (why === 'drain' || kind === 'draining') return 'D'
  if (why === 'expired') return 'P'
  if (why === 'deadline') return evidence?.name === 'caller_deadline' ? 'c' : 's'
  if (kind === 'overloaded' || evidence?.name === 'no_place') return 'R'
  if (evidence === undefined || evidence.name === 'not_offered') return kind === 'upstream_unavailable' ? 'S' : 'P'
  if (evidence.name === 'caller_deadline') return 'c'
  if (evidence.name === 'deadline' || evidence.name === 'deadline_unsent' || evidence.name === 'connect_timeout') return 's'
  if (evidence.name === 'ended' || evidence.name === 'ended_unsent') return 'C'
  return category === 'configuration' && evidence.execution === 'not_sent' ? 'P' : 'S'
}
