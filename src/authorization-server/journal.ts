// What the authorization server decided, as decisions of the gateway.
import type { Principal } from '../core/call/principal.ts'
import type { Clock } from '../core/ports/clock.ts'
import type { Decision, Decisions } from '../core/ports/decisions.ts'
import { tenant } from './domain.ts'

export interface Noted {
  readonly about: Decision['about']
  readonly allowed: boolean
  readonly rule: string
  readonly reason?: string | undefined
  readonly clientId?: string | undefined
  readonly subject?: string | undefined
  /** With spaces between. */
  readonly scopes?: string | undefined
  /** Id of what was issued or used; never its value. */
  readonly credential?: string | undefined
}

export interface Journal {
  note(noted: Noted): void
}

export function createJournal(decisions: Decisions, clock: Clock, issuer: () => string): Journal {
  const principalOf = ({ subject, clientId, scopes, credential = '' }: Noted): Principal | undefined =>
    subject === undefined
      ? undefined
      : {
          tenant,
          iss: issuer(),
          sub: subject,
          clientId,
          kind: 'user',
          groups: [],
          scopes: scopes?.split(' ') ?? [],
          credential,
          actors: [],
          run: undefined,
          team: undefined,
          expiresAt: undefined,
          method: 'oauth',
        }
  return {
    note: (noted) =>
      decisions.note({
        id: '',
        atMs: clock.now(),
        about: noted.about,
        allowed: noted.allowed,
        principal: principalOf(noted),
        method: undefined,
        upstream: undefined,
        item: undefined,
        rule: noted.rule,
        credential: noted.credential ?? '',
        reason: noted.reason,
      }),
  }
}
