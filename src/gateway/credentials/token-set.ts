// What an issuer gave: a token with what is needed to use and to renew it. It is kept sealed and never logged.
import { isObject } from '../../core/protocol/is-object.ts'

export interface TokenSet {
  readonly access: string
  readonly refresh: string | undefined
  /** Milliseconds since the epoch; undefined where the issuer does not say: it is used until it is refused. */
  readonly expiresAt: number | undefined
  /** When it was got, in ms since the epoch. */
  readonly issuedAt: number
  /** Granted; undefined where the issuer does not say, which means as asked for (RFC 6749 §5.1). */
  readonly scopes: readonly string[] | undefined
  /** Private key (JWK) that the token is bound to (RFC 9449); undefined for a bearer token. */
  readonly boundTo: Readonly<Record<string, unknown>> | undefined
}

export function writeTokenSet(token: TokenSet): Uint8Array {
  return Buffer.from(JSON.stringify(token))
}

/** Undefined where it is none. */
export function readTokenSet(bytes: Uint8Array): TokenSet | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'))
    if (!isObject(value) || typeof value.access !== 'string' || typeof value.issuedAt !== 'number') return undefined
    const { access, refresh, expiresAt, issuedAt, scopes, boundTo } = value
    return {
      access,
      refresh: typeof refresh === 'string' ? refresh : undefined,
      expiresAt: typeof expiresAt === 'number' ? expiresAt : undefined,
      issuedAt,
      scopes: Array.isArray(scopes) ? scopes.map(String) : undefined,
      boundTo: isObject(boundTo) ? boundTo : undefined,
    }
  } catch {
    return undefined
  }
}
