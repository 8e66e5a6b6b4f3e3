// Whether the caller holds the key that its token is bound to: a proof for this request (DPoP, RFC 9449 §4.3), or the certificate of the
// connection (RFC 8705 §3). A token that is bound is worth nothing without it, and a proof is good for one request.
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose'
import { gatewayKey } from '../../core/call/tenant-key.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Ephemeral } from '../../core/ports/ephemeral.ts'
import type { Presented } from '../../core/ports/gateway.ts'
import type { PublicAddress } from '../../core/ports/public-address.ts'
import type { Confirmation } from './confirmation.ts'
import type { Nonces } from './nonces.ts'
import type { PresentedToken } from './presented-token.ts'
import { digestOf } from './verified-cache.ts'

export const proofAlgorithms = ['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519', 'RS256', 'PS256'] as const

/** Seconds that a proof may be old, and by which clocks may differ. */
const oldest = 60
const skew = 5
const longestProof = 8_192

export interface ProofParts {
  readonly address: PublicAddress
  readonly clock: Clock
  /** Keeps which proofs were used. */
  readonly ephemeral: Ephemeral
  /** Absent where a proof needs none. */
  readonly nonces?: Nonces | undefined
}

/** What is wrong: a reason that completes "the access token is refused: …" or "the proof is refused: …". */
interface Unproven {
  readonly wrong: 'token' | 'proof' | 'nonce'
  readonly reason: string
}

/** `nonce`: for the next proof, where it is time for another. */
export type Possession = { readonly nonce?: string | undefined } | Unproven

export interface PossessionOf {
  readonly presented: Presented
  readonly shown: PresentedToken
  readonly digest: string
  readonly confirmation: Confirmation | undefined
  readonly mustBeBound: boolean
}

/** Whether the caller may use the token. */
export async function possession(parts: ProofParts, of: PossessionOf): Promise<Possession> {
  const { presented, shown, digest, confirmation, mustBeBound } = of
  if (confirmation?.certificate !== undefined && confirmation.certificate !== certificateOf(presented)) {
    return { wrong: 'token', reason: 'it is bound to another certificate than that of the connection' }
  }
  const jkt = confirmation?.jkt
  if (jkt === undefined) {
    if (shown.scheme === 'dpop') return { wrong: 'token', reason: 'it is not bound to a key, so it is no token of the scheme DPoP' }
    return mustBeBound && confirmation === undefined ? { wrong: 'token', reason: 'it has to be bound to a key (DPoP)' } : {}
  }
  if (shown.scheme !== 'dpop') return { wrong: 'token', reason: 'it is bound to a key and has to come with the scheme DPoP' }
  return byProof(parts, presented, digest, jkt)
}

async function byProof(
  { address, clock, ephemeral, nonces }: ProofParts,
  presented: Presented,
  ath: string,
  jkt: string,
): Promise<Possession> {
  const [proof, ...others] = presented.headers.get('dpop') ?? []
  if (proof === undefined) return badProof('it is missing')
  if (others.length > 0 || proof.length > longestProof) return badProof('it cannot be read')
  let claims: Readonly<Record<string, unknown>>
  let thumbprint: string
  try {
    const verified = await jwtVerify(proof, EmbeddedJWK, {
      typ: 'dpop+jwt',
      algorithms: [...proofAlgorithms],
      requiredClaims: ['jti', 'htm', 'htu', 'iat', 'ath'],
      maxTokenAge: oldest,
      clockTolerance: skew,
      currentDate: new Date(clock.now()),
    })
    claims = verified.payload
    thumbprint = await calculateJwkThumbprint(verified.protectedHeader.jwk as never)
  } catch {
    return badProof('it cannot be verified, or is too old')
  }
  if (thumbprint !== jkt) return badProof('it was made with another key than that of the token')
  if (claims.htm !== presented.verb) return badProof('it is for another method')
  if (targetOf(claims.htu) !== targetOf(`${address.url}${presented.path ?? ''}`)) return badProof('it is for another address')
  if (claims.ath !== ath) return badProof('it is for another token')
  if (typeof claims.jti !== 'string') return badProof('it cannot be read')
  const nonce = nonces?.state(claims.nonce)
  if (nonce === 'wrong') return { wrong: 'nonce', reason: 'it needs the nonce of this answer' }
  const key = gatewayKey('dpop', digestOf(`${jkt}.${claims.jti}`))
  const isNew = await ephemeral.put(key, new Uint8Array(), { ttlMs: (oldest + 2 * skew) * 1_000, ifVersion: 'absent' })
  if (!isNew) return badProof('it was used before')
  return nonce === 'ageing' ? { nonce: nonces?.fresh() } : {}
}

function badProof(reason: string): Unproven {
  return { wrong: 'proof', reason }
}

/** Scheme, host and path (RFC 9449 §4.3: less query and fragment). */
function targetOf(text: unknown): string | undefined {
  if (typeof text !== 'string' || !URL.canParse(text)) return undefined
  const { origin, pathname } = new URL(text)
  return `${origin}${pathname}`
}

function certificateOf({ certificate }: Presented): string | undefined {
  return certificate === undefined ? undefined : Buffer.from(certificate.fingerprint, 'hex').toString('base64url')
}
