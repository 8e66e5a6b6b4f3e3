// The issuers whose signed tokens are taken, each with its keys: those of the configuration and our own authorization server.
import type { Clock } from '../../core/ports/clock.ts'
import type { GuardedFetch } from '../../core/ports/guarded-fetch.ts'
import type { LocalIssuer } from '../../core/ports/local-issuer.ts'
import type { Report } from '../../core/ports/report.ts'
import type { TrustedIssuer } from './jwt.ts'
import { KeySet } from './key-set.ts'
import { keySetOf } from './metadata.ts'
import type { CallerSettings, IssuerSettings } from './settings.ts'

export interface IssuersParts {
  readonly settings: CallerSettings
  readonly fetch: GuardedFetch
  readonly clock: Clock
  readonly report: Report
  /** Our own authorization server. */
  readonly local?: LocalIssuer | undefined
  /** Who signs platform tokens. */
  readonly platform?: LocalIssuer | undefined
}

/** By what stands in `iss`. */
export function trustedIssuers(parts: IssuersParts): (issuer: string) => TrustedIssuer | undefined {
  const configured = new Map(parts.settings.issuers.map((one) => [one.issuer, configuredIssuer(parts, one)]))
  const own: { readonly at: LocalIssuer; readonly trusted: Omit<TrustedIssuer, 'issuer'> }[] = []
  if (parts.local !== undefined) own.push({ at: parts.local, trusted: ownIssuer(parts, parts.local, 'embedded') })
  if (parts.platform !== undefined) own.push({ at: parts.platform, trusted: ownIssuer(parts, parts.platform, 'platform') })
  return (issuer) => {
    const ours = own.find(({ at }) => at.issuer() === issuer)
    return ours === undefined ? configured.get(issuer) : { ...ours.trusted, issuer }
  }
}

export function configuredIssuer({ fetch, clock, report }: Omit<IssuersParts, 'settings'>, settings: IssuerSettings): TrustedIssuer {
  const { issuer, jwksUri, algorithms, claims, audience = [], requireTyp, dpop } = settings
  const keys = new KeySet({ issuer, load: keySetOf(fetch, issuer, jwksUri), clock, report })
  return { issuer, keys, algorithms, claims, audience, requireTyp, dpop, method: 'oauth' }
}

/** Its keys are at hand, so they are looked at often. */
const ownMaxAgeMs = 30_000
const ownCooldownMs = 1_000

function ownIssuer({ clock, report }: IssuersParts, own: LocalIssuer, what: 'embedded' | 'platform'): Omit<TrustedIssuer, 'issuer'> {
  const load = async () => (await own.keySet()) as never
  return {
    keys: new KeySet({ issuer: what, load, clock, report, maxAgeMs: ownMaxAgeMs, cooldownMs: ownCooldownMs }),
    algorithms: ['ES256'],
    claims: what === 'platform' ? { groups: 'groups', tenant: 'tenant' } : { groups: 'groups' },
    audience: [],
    requireTyp: true,
    dpop: 'optional',
    method: what === 'platform' ? 'platform' : 'oauth',
  }
}
