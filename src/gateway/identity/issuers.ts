// The issuers whose signed tokens are taken, each with its keys: those of the configuration and our own authorization server.
import type { Issuers } from '../../core/ports/issuers.ts'
import type { LocalIssuer } from '../../core/ports/local-issuer.ts'
import type { TrustedIssuer } from './jwt.ts'
import type { CallerSettings, IssuerSettings } from './settings.ts'

export interface TrustedIssuersParts {
  readonly settings: CallerSettings
  readonly issuers: Issuers
  /** Our own authorization server. */
  readonly local?: LocalIssuer | undefined
  /** Who signs platform tokens. */
  readonly platform?: LocalIssuer | undefined
}

/** By what stands in `iss`. */
export function trustedIssuers({ settings, issuers, local, platform }: TrustedIssuersParts): (issuer: string) => TrustedIssuer | undefined {
  const configured = new Map(settings.issuers.map((one) => [one.issuer, configuredIssuer(issuers, one)]))
  const own: { readonly at: LocalIssuer; readonly trusted: Omit<TrustedIssuer, 'issuer'> }[] = []
  if (local !== undefined) own.push({ at: local, trusted: ownIssuer(issuers, local, 'embedded') })
  if (platform !== undefined) own.push({ at: platform, trusted: ownIssuer(issuers, platform, 'platform') })
  return (issuer) => {
    const ours = own.find(({ at }) => at.issuer() === issuer)
    return ours === undefined ? configured.get(issuer) : { ...ours.trusted, issuer }
  }
}

function configuredIssuer(issuers: Issuers, settings: IssuerSettings): TrustedIssuer {
  const { issuer, jwksUri, algorithms, claims, audience = [], requireTyp, dpop } = settings
  return { issuer, keys: issuers.keys(issuer, jwksUri), algorithms, claims, audience, requireTyp, dpop, method: 'oauth' }
}

function ownIssuer(issuers: Issuers, own: LocalIssuer, what: 'embedded' | 'platform'): Omit<TrustedIssuer, 'issuer'> {
  return {
    keys: issuers.ownKeys(what, own),
    algorithms: ['ES256'],
    claims: what === 'platform' ? { groups: 'groups', tenant: 'tenant', run: 'run', team: 'team' } : { groups: 'groups' },
    audience: [],
    requireTyp: true,
    dpop: 'optional',
    method: what === 'platform' ? 'platform' : 'oauth',
  }
}
