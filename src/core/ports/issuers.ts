// What issuers publish of themselves: their metadata (RFC 8414, OpenID Connect Discovery) and the keys that verify what they signed. Read in one
// place for the check of callers, for credentials towards servers and for the authorization server, so that all of them know the same.
import type { JWTVerifyOptions, JWTVerifyResult } from 'jose'
import type { LocalIssuer } from './local-issuer.ts'

/** Its `issuer` is the text that was asked for. All else is what a peer wrote. */
export type IssuerMetadata = Readonly<Record<string, unknown>> & { readonly issuer: string }

export interface KeySet {
  /** Rejects with an error of jose where the token is not good, and with `KeysAway`. */
  verify(token: string, options: JWTVerifyOptions): Promise<JWTVerifyResult>
}

export interface Issuers {
  /** What was read within ten minutes, or within an hour where it cannot be read now. Rejects with `MetadataFailure`. */
  metadata(issuer: string): Promise<IssuerMetadata>
  /** `jwksUri`: where its metadata are not asked. The same set for everybody who asks for the same. */
  keys(issuer: string, jwksUri: string | undefined): KeySet
  /** Keys that are at hand. `name`: for log and metrics. */
  ownKeys(name: string, own: LocalIssuer): KeySet
}

/** The keys cannot be had, so nothing can be said about a token. */
export class KeysAway extends Error {
  override readonly name = 'KeysAway'
}

/** `unavailable`: a later attempt may fare better. `refused`: what is there is not the metadata of this issuer, or may not be asked for. */
export class MetadataFailure extends Error {
  override readonly name = 'MetadataFailure'
  readonly kind: 'unavailable' | 'refused'

  constructor(kind: 'unavailable' | 'refused', reason: string) {
    super(reason)
    this.kind = kind
  }
}
