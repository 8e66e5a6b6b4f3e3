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
  readonly local?: LocalIssuer | undefined
}

/** By what stands in `iss`. */
export function trustedIssuers(parts: IssuersParts): (issuer: string) => TrustedIssuer | undefined {
  const { settings, local } = parts
  const configured = new Map(settings.issuers.map((one) => [one.issuer, configuredIssuer(parts, one)]))
  const own = local === undefined ? undefined : ownIssuer(parts, local)
  return (issuer) => {
    const known = configured.get(issuer)
    if (known !== undefined || local === undefined || own === undefined || issuer !== local.issuer()) return known
    return { ...own, issuer }
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

function ownIssuer({ clock, report }: IssuersParts, local: LocalIssuer): Omit<TrustedIssuer, 'issuer'> {
  const load = async () => (await local.keySet()) as never
  return {
    keys: new KeySet({ issuer: 'embedded', load, clock, report, maxAgeMs: ownMaxAgeMs, cooldownMs: ownCooldownMs }),
    algorithms: ['ES256'],
    claims: { groups: 'groups' },
    audience: [],
    requireTyp: true,
    dpop: 'optional',
    method: 'oauth',
  }
}
