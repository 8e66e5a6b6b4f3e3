// Platform tokens: short-lived, for one address, signed with keys that the gateways of one store share and publish. Minted by an operator or a
// pipeline (`signalbox token mint`), or in exchange for a token of the platform that a workload runs on.
import { type CryptoKey, importJWK, type JWK, SignJWT } from 'jose'
import { defaultTenant } from '../../core/call/tenant-key.ts'
import type { Clock, Random } from '../../core/ports/clock.ts'
import type { LocalIssuer } from '../../core/ports/local-issuer.ts'
import type { PublicAddress } from '../../core/ports/public-address.ts'
import type { SigningKeys } from '../../core/ports/signing-keys.ts'

export interface PlatformClaims {
  readonly subject: string
  /** '' for the aggregate. */
  readonly mount: string
  /** Default: the only one. */
  readonly tenant?: string | undefined
  /** Default: the subject, which is a program then. */
  readonly clientId?: string | undefined
  readonly scopes: readonly string[]
  readonly groups: readonly string[]
  /** The run that it is for, and the team whose cost its calls are. */
  readonly run?: string | undefined
  readonly team?: string | undefined
  readonly ttlMs: number
}

export interface MintedToken {
  readonly token: string
  /** Its `jti`: names it in the audit and when it is revoked. */
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

export interface PlatformIssuer extends LocalIssuer {
  /** Where workload tokens are exchanged. */
  tokenEndpoint(): string
  /** Where its keys are published. */
  jwksUri(): string
  /** Rejects where the store of the signing keys cannot be used. */
  mint(claims: PlatformClaims): Promise<MintedToken>
}

export interface PlatformParts {
  readonly address: PublicAddress
  readonly keys: SigningKeys
  readonly clock: Clock
  readonly random: Random
}

/** Path below the public address. */
export const platformPath = '/oauth/platform'

export function createPlatformIssuer({ address, keys, clock, random }: PlatformParts): PlatformIssuer {
  const issuer = (): string => `${address.url}${platformPath}`
  let ready: { readonly kid: string; readonly key: CryptoKey } | undefined
  const signing = async () => {
    const { kid, privateJwk, alg } = await keys.current('platform')
    if (ready?.kid !== kid) ready = { kid, key: (await importJWK(privateJwk as JWK, alg)) as CryptoKey }
    return ready
  }
  return {
    issuer,
    tokenEndpoint: () => `${issuer()}/token`,
    jwksUri: () => `${issuer()}/jwks`,
    keySet: async () => ({ keys: await keys.published('platform') }),
    mint: async (claims) => {
      const { kid, key } = await signing()
      const now = Math.floor(clock.now() / 1_000)
      const exp = now + Math.max(1, Math.floor(claims.ttlMs / 1_000))
      const id = random.id()
      const token = await new SignJWT({
        iss: issuer(),
        sub: claims.subject,
        aud: address.resource(claims.mount),
        client_id: claims.clientId ?? claims.subject,
        tenant: claims.tenant ?? defaultTenant,
        ...(claims.scopes.length === 0 ? {} : { scope: claims.scopes.join(' ') }),
        ...(claims.groups.length === 0 ? {} : { groups: [...claims.groups] }),
        ...(claims.run === undefined ? {} : { run: claims.run }),
        ...(claims.team === undefined ? {} : { team: claims.team }),
        jti: id,
        iat: now,
        exp,
      })
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid })
        .sign(key)
      return { token, id, expiresAt: exp * 1_000 }
    },
  }
}
