// What the audit is told of requests that the admin door turned away: of nobody who is known, or of who may not do that. Anybody can send such.
import type { IncomingMessage } from 'node:http'
import type { FastifyRequest } from 'fastify'
import type { Principal } from '../../core/call/principal.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Decisions } from '../../core/ports/decisions.ts'
import { longestName } from './operations.ts'

/** Why, as `signalbox_admin_refused_total` counts it: nobody who is known, no role, too little of one, a host or origin that is not let in. */
export type WhyRefused = 'unauthenticated' | 'no_role' | 'role' | 'host'

export interface RefusedRequest {
  readonly why: WhyRefused
  /** Undefined where nobody is known. */
  readonly principal?: Principal | undefined
  /** Names it; '' where there is none. */
  readonly credential?: string
  /** For people. */
  readonly detail: string
}

export class RefusedRequests {
  private readonly decisions: Decisions
  private readonly clock: Clock

  constructor(decisions: Decisions, clock: Clock) {
    this.decisions = decisions
    this.clock = clock
  }

  /** `request`: absent where it was turned away before it had an address. What is in an address that there is not is whatever somebody sent. */
  note(raw: IncomingMessage, { why, principal, credential = '', detail }: RefusedRequest, request?: FastifyRequest): void {
    const { server, upstream = server, tool } = (request?.params ?? {}) as Readonly<Record<string, string | undefined>>
    const { remoteAddress } = raw.socket
    const { sub, iss } = principal ?? {}
    const who = sub === undefined ? 'nobody who is known' : `${sub} of ${iss}`
    this.decisions.note({
      id: '',
      atMs: this.clock.now(),
      about: why === 'unauthenticated' ? 'authenticate' : 'operation',
      allowed: false,
      principal,
      method: operationOf(raw, request),
      upstream: upstream?.slice(0, longestName),
      item: tool?.slice(0, longestName),
      rule: `admin_${why}`,
      credential,
      reason: `${who}${remoteAddress === undefined ? '' : ` (${remoteAddress})`}: ${detail}`,
      fromAnybody: true,
    })
  }
}

/** `POST /admin/v1/keys/{id}/actions`; of an address that there is not the method alone. */
export function operationOf({ method = '' }: IncomingMessage, request: FastifyRequest | undefined): string {
  const url = request?.routeOptions.url
  return url === undefined ? method : `${method} ${url.replace(/:(\w+)/g, '{$1}')}`
}
