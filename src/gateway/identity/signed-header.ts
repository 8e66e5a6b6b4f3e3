// A header in which the gateway in front signs whom it has identified (a JWT of an identity-aware proxy). Caller, groups and scopes are those that
// were signed, and no other header's.
import { errors } from 'jose'
import type { Clock } from '../../core/ports/clock.ts'
import type { Presented } from '../../core/ports/gateway.ts'
import { type KeySet, KeysAway } from '../../core/ports/issuers.ts'
import { claimAt, mapClaims } from './claims.ts'
import type { TrustedHeaderSettings } from './settings.ts'
import { skew } from './times.ts'
import type { Trusted } from './trusted.ts'
import { digestOf, VerifiedCache } from './verified-cache.ts'

export type SignedHeaderSettings = NonNullable<TrustedHeaderSettings['proof']['jwt']>

export interface SignedHeader {
  /** `subjectHeader`: has to say the same as what was signed, where it is there. */
  read(presented: Presented, subjectHeader: string | undefined): Trusted | Promise<Trusted>
}

export interface SignedHeaderParts {
  readonly settings: SignedHeaderSettings
  readonly keys: KeySet
  readonly clock: Clock
}

const longest = 8_192
const holdsMs = 60_000

export function createSignedHeader({ settings, keys, clock }: SignedHeaderParts): SignedHeader {
  const cache = new VerifiedCache(clock)
  const name = settings.header.toLowerCase()

  const verify = async (token: string, digest: string): Promise<Trusted> => {
    try {
      const { payload } = await keys.verify(token, {
        algorithms: [...settings.algorithms],
        issuer: settings.issuer,
        audience: [...settings.audience],
        clockTolerance: skew,
        currentDate: new Date(clock.now()),
        requiredClaims: ['exp'],
      })
      const sub = claimAt(payload, settings.claims.subject)
      const claims = { ...payload, sub: typeof sub === 'string' ? sub : '' }
      const mapped = mapClaims({ claims, settings: settings.claims, method: 'trustedHeader', digest })
      if ('refused' in mapped) return { refused: mapped.refused }
      const { principal } = mapped
      return cache.put(digest, { kind: 'good', principal, confirmation: undefined, mustBeBound: false, issuedAtMs: 0, holdsMs }).identified
    } catch (error) {
      if (error instanceof KeysAway) return { unavailable: 'the keys of the gateway in front cannot be had' }
      return { refused: error instanceof errors.JWTExpired ? 'it has expired' : 'it is not signed as it has to be' }
    }
  }

  const agreeing = (trusted: Trusted, { headers }: Presented, subjectHeader: string | undefined): Trusted => {
    if (trusted === undefined || !('principal' in trusted) || subjectHeader === undefined) return trusted
    const said = headers.get(subjectHeader)
    const { sub } = trusted.principal
    return said === undefined || (said.length === 1 && said[0] === sub) ? trusted : { malformed: 'names another caller than was signed' }
  }

  return {
    read: (presented, subjectHeader) => {
      const shown = presented.headers.get(name)
      if (shown === undefined) return undefined
      const [token = ''] = shown
      if (shown.length > 1) return { malformed: `has the header ${name} twice` }
      if (token.length > longest) return { refused: 'it is too long' }
      const digest = digestOf(token)
      const known = cache.get(digest)
      if (known !== undefined) return agreeing(known.identified, presented, subjectHeader)
      return verify(token, digest).then((trusted) => agreeing(trusted, presented, subjectHeader))
    },
  }
}
