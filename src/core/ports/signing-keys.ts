// Keys with which the gateway signs: tokens of the platform and of its own authorization server, and proofs towards issuers. Replicas share
// them through the store; a key is published before it signs and after it did, so that what it signed stays verifiable.

/** Each purpose has keys of its own: what is signed for one passes for no other. */
export type SigningPurpose = 'platform' | 'authorization-server' | 'client'

/** A public key as a JSON Web Key (RFC 7517), with `kid`, `alg` and `use`. */
export type PublicJwk = Readonly<Record<string, unknown>> & { readonly kid: string; readonly alg: string }

export interface SigningKey {
  readonly kid: string
  readonly alg: 'ES256'
  /** Private key as JWK. Never leaves the process. */
  readonly privateJwk: Readonly<Record<string, unknown>>
  readonly publicJwk: PublicJwk
}

export interface SigningKeys {
  /** The key to sign with now; made on first use, and anew when it is due. Rejects where the store cannot be read or written. */
  current(purpose: SigningPurpose): Promise<SigningKey>
  /** All keys of a purpose, private ones included: the one to sign with first. For libraries that choose by themselves. */
  all(purpose: SigningPurpose): Promise<readonly SigningKey[]>
  /** What verifiers may see: keys that sign, will sign, or signed what may still be valid. */
  published(purpose: SigningPurpose): Promise<readonly PublicJwk[]>
}
