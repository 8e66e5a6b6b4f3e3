// The end of a grant, told to the issuer that gave it (RFC 7009): the refresh token first, since all that was made with it ends with it at most
// issuers. Here the grant is over before anybody is asked, whatever the issuer answers.
import type { Clock } from '../../core/ports/clock.ts'
import type { GuardedFetch } from '../../core/ports/guarded-fetch.ts'
import type { Clients, ConfiguredClient } from './clients.ts'
import type { Discovery } from './discovery.ts'
import { asFailure } from './failure.ts'
import type { GrantFilter } from './grant-list.ts'
import type { Grant, GrantKey, Grants } from './grants.ts'
import { TokenEndpoint } from './token-endpoint.ts'

export interface RevocationParts {
  readonly grants: Grants
  readonly clients: Clients
  readonly discovery: Discovery
  readonly fetch: GuardedFetch
  readonly clock: Clock
  /** What the configuration says of the client that the gateway is for this grant; undefined where it says nothing any more. */
  client(key: GrantKey): ConfiguredClient | undefined
  /** Told of each grant, once its issuer has answered or will not. */
  readonly told: (ended: EndedGrant) => void
}

/** `told`: it knows. `noEndpoint`: it can be told nothing. `failed`: it was asked in vain, and may take the tokens until they end. */
export type IssuerKnows = 'told' | 'noEndpoint' | 'noToken' | 'failed'

export interface EndedGrant {
  readonly grant: Grant
  /** Why it is over, for people. */
  readonly because: string
  readonly issuer: IssuerKnows
  /** Of `failed`. */
  readonly reason?: string
}

/** Issuers that are asked at the same time. */
const mostAtOnce = 8

export class Revocation {
  private readonly parts: RevocationParts

  constructor(parts: RevocationParts) {
    this.parts = parts
  }

  /** Ends what the filter finds. Rejects with `CredentialFailure` where the store cannot be had; never for an issuer. */
  async end(filter: GrantFilter, because: string): Promise<readonly EndedGrant[]> {
    const grants = await this.parts.grants.takenBack(filter, because)
    const ended: EndedGrant[] = []
    const waiting = [...grants]
    const next = async (): Promise<void> => {
      for (let grant = waiting.shift(); grant !== undefined; grant = waiting.shift()) ended.push(await this.tell(grant, because))
    }
    await Promise.all(Array.from({ length: Math.min(mostAtOnce, grants.length) }, next))
    return ended
  }

  /** Tells the issuer of a grant that is over here already. Never rejects. */
  async tell(grant: Grant, because: string): Promise<EndedGrant> {
    const ended = { grant, because, ...(await this.asked(grant)) }
    this.parts.told(ended)
    return ended
  }

  private async asked({ key, token, clientId }: Grant): Promise<Pick<EndedGrant, 'issuer' | 'reason'>> {
    // Of one of the gateway itself the issuer may be known to its server alone; such a token has no refresh token, and ends soon.
    if (token === undefined || key.issuer === '') return { issuer: 'noToken' }
    const { clients, discovery, fetch, clock } = this.parts
    try {
      const metadata = await discovery.issuer(key.issuer)
      if (metadata.revocation_endpoint === undefined) return { issuer: 'noEndpoint' }
      const configured = this.parts.client(key) ?? { assertionAudience: 'issuer' as const }
      const identity = await clients.known(key.server, metadata.issuer, configured, clientId)
      const endpoint = new TokenEndpoint({ metadata, identity, fetch, clock })
      if (token.refresh === undefined) await endpoint.revoke(token.access, 'access_token')
      else {
        await endpoint.revoke(token.refresh, 'refresh_token')
        // It ends with the refresh token where issuers can end it at all (RFC 7009 §2.1); those that cannot say so.
        await endpoint.revoke(token.access, 'access_token').catch(() => undefined)
      }
      return { issuer: 'told' }
    } catch (error) {
      return { issuer: 'failed', reason: asFailure(error, 'the revocation').message }
    }
  }
}
