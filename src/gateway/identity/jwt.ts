// Access tokens that are signed (RFC 9068): by an issuer of the configuration or our own authorization server, for the address that is called.
import { decodeProtectedHeader, errors, type JWTPayload } from 'jose'
import type { CallerMethod } from '../../core/call/principal.ts'
import type { Clock } from '../../core/ports/clock.ts'
import { type KeySet, KeysAway } from '../../core/ports/issuers.ts'
import type { PublicAddress } from '../../core/ports/public-address.ts'
import { type Checked, refused, verdictMs } from './checked.ts'
import { mapClaims } from './claims.ts'
import { confirmationOf } from './confirmation.ts'
import type { ClaimSettings } from './settings.ts'
import { skew, unfitTimes } from './times.ts'
import type { TokenKind, TokenToCheck } from './token-kind.ts'

export interface TrustedIssuer {
  readonly issuer: string
  readonly keys: KeySet
  readonly algorithms: readonly string[]
  readonly claims: ClaimSettings
  /** Audiences beside the address that is called. */
  readonly audience: readonly string[]
  readonly requireTyp: boolean
  readonly dpop: 'optional' | 'required'
  readonly method: CallerMethod
}

export interface JwtParts {
  readonly address: PublicAddress
  readonly clock: Clock
  /** Longest lifetime in ms; undefined where it does not matter. */
  readonly maxLifetimeMs: number | undefined
}

/** `find`: by what stands in `iss`. */
export function jwtTokens(parts: JwtParts, find: (issuer: string) => TrustedIssuer | undefined): TokenKind {
  const issuerOf = ({ issuer }: TokenToCheck): TrustedIssuer | undefined => (issuer === undefined ? undefined : find(issuer))
  return {
    takes: (token) => issuerOf(token) !== undefined,
    check: async (token) => {
      const trusted = issuerOf(token)
      return trusted === undefined ? refused('its issuer is not known') : check(parts, trusted, token)
    },
  }
}

async function check(parts: JwtParts, trusted: TrustedIssuer, { token, digest, mount }: TokenToCheck): Promise<Checked> {
  const now = parts.clock.now()
  let payload: JWTPayload
  try {
    const verified = await trusted.keys.verify(token, {
      algorithms: [...trusted.algorithms],
      issuer: trusted.issuer,
      audience: [parts.address.resource(mount), ...trusted.audience],
      clockTolerance: skew,
      currentDate: new Date(now),
      requiredClaims: trusted.requireTyp ? ['exp', 'iat', 'sub', 'jti', 'client_id'] : ['exp', 'sub'],
      ...(trusted.requireTyp ? { typ: 'at+jwt' } : {}),
    })
    payload = verified.payload
  } catch (error) {
    if (error instanceof KeysAway) return { kind: 'unavailable', reason: 'the keys of its issuer cannot be had' }
    return refused(reasonOf(error))
  }
  const isForUs = [payload.aud].flat().includes(parts.address.resource(mount))
  if (!trusted.requireTyp && !mayBeAccessToken(token, payload, isForUs)) return refused('it is no access token')
  const unfit = unfitTimes({ exp: payload.exp ?? 0, iat: payload.iat }, now / 1_000, parts.maxLifetimeMs)
  if (unfit !== undefined) return refused(unfit)
  const confirmation = confirmationOf(payload.cnf)
  if (confirmation === 'unknown') return refused('it is bound to a key in a way that is not known here')
  const mapped = mapClaims({ claims: payload, settings: trusted.claims, method: trusted.method, digest })
  if ('refused' in mapped) return refused(mapped.refused)
  return {
    kind: 'good',
    principal: mapped.principal,
    confirmation,
    mustBeBound: trusted.dpop === 'required',
    issuedAtMs: (payload.iat ?? 0) * 1_000,
    holdsMs: verdictMs,
  }
}

/**
 * Where an issuer does not mark its access tokens: everything that is known to be something else is refused. `isForUs`: it names the address that
 * is called, which no ID token does; the audience of one is an application, and may be one that is configured.
 */
function mayBeAccessToken(token: string, payload: JWTPayload, isForUs: boolean): boolean {
  const { typ } = decodeProtectedHeader(token)
  const kind = typ?.toLowerCase().replace(/^application\//, '')
  if (kind !== undefined && kind !== 'jwt' && kind !== 'at+jwt') return false
  // Of ID tokens alone (OpenID Connect Core §2, §3.3.2.11), of logout tokens and security events, of Keycloak's other tokens.
  const others = ['nonce', 'at_hash', 'c_hash', 's_hash', 'events']
  // Access tokens name the client that they were issued to, or what it may do.
  const own = ['client_id', 'azp', 'cid', 'appid', 'scope', 'scp']
  return (
    (isForUs || own.some((name) => Object.hasOwn(payload, name))) &&
    !others.some((name) => Object.hasOwn(payload, name)) &&
    (payload.typ === undefined || payload.typ === 'Bearer' || payload.typ === 'DPoP')
  )
}

/** In words of ours: messages of the library may repeat what the token holds. */
function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'it has expired'
  if (error instanceof errors.JWTClaimValidationFailed) return claimReasons[error.claim] ?? 'its claims are not those of an access token'
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'its signature is wrong'
  if (error instanceof errors.JWKSNoMatchingKey) return 'it was signed with a key that its issuer does not publish'
  if (error instanceof errors.JOSEAlgNotAllowed) return 'its algorithm is not taken'
  return 'it cannot be read'
}

const claimReasons: Readonly<Record<string, string>> = {
  aud: 'it was issued for another resource',
  nbf: 'it is not valid yet',
  iat: 'it is of the future',
  typ: 'it is no access token',
}
