// Who a browser's user is, shown by a sign-in at the very issuer that vouches for the caller (OpenID Connect, code flow with PKCE). It makes no
// session at the issuer's expense: what it learns is one subject.
import { createHash } from 'node:crypto'
import type { Clock, Random } from '../../core/ports/clock.ts'
import type { GuardedFetch } from '../../core/ports/guarded-fetch.ts'
import type { Issuers } from '../../core/ports/issuers.ts'
import { webAddress } from '../../core/text/web-address.ts'
import type { Clients } from './clients.ts'
import type { Discovery } from './discovery.ts'
import { asFailure, CredentialFailure } from './failure.ts'

export interface SignInParts {
  readonly discovery: Discovery
  readonly issuers: Issuers
  readonly clients: Clients
  readonly fetch: GuardedFetch
  readonly clock: Clock
  readonly random: Random
  /** Clients that an operator registered at issuers. */
  readonly configured: readonly { readonly issuer: string; readonly clientId: string; readonly clientSecret?: string | undefined }[]
}

/** What has to come back with the browser. */
export interface SignInBegun {
  readonly issuer: string
  readonly clientId: string
  readonly state: string
  readonly nonce: string
  readonly verifier: string
}

const idTokenAlgorithms = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'] as const

export class SignIn {
  private readonly parts: SignInParts

  constructor(parts: SignInParts) {
    this.parts = parts
  }

  get redirectUrl(): string {
    return this.parts.clients.signInUrl
  }

  /** Rejects with `CredentialFailure` where nobody can sign in there by a browser. */
  async begin(issuer: string): Promise<{ readonly url: URL; readonly begun: SignInBegun }> {
    const { random } = this.parts
    if (webAddress(issuer) === undefined) throw new CredentialFailure('refused', 'callers of this kind cannot sign in by a browser')
    const metadata = await this.parts.discovery.issuer(issuer)
    if (metadata.authorization_endpoint === undefined) throw new CredentialFailure('refused', `${issuer} has no page to sign in at`)
    const { clientId } = await this.client(issuer)
    const secret = (): string => Buffer.from(random.bytes(32)).toString('base64url')
    const begun = { issuer, clientId, state: secret(), nonce: secret(), verifier: secret() }
    const url = new URL(metadata.authorization_endpoint)
    const parameters = {
      response_type: 'code',
      client_id: clientId,
      redirect_uri: this.redirectUrl,
      scope: 'openid',
      state: begun.state,
      nonce: begun.nonce,
      code_challenge: createHash('sha256').update(begun.verifier).digest('base64url'),
      code_challenge_method: 'S256',
    }
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
    return { url, begun }
  }

  /** The subject. Rejects with `CredentialFailure`. */
  async finish(begun: SignInBegun, query: URLSearchParams): Promise<string> {
    try {
      const client = await import('openid-client')
      const metadata = await this.parts.discovery.issuer(begun.issuer)
      const { clientId, secret } = await this.client(begun.issuer)
      const config = new client.Configuration(
        metadata,
        clientId,
        {},
        secret === undefined ? client.None() : client.ClientSecretBasic(secret),
      )
      config[client.customFetch] = ((url: string, init: RequestInit) => this.parts.fetch(url, init)) as never
      // What may be asked in clear text is decided by the fetch.
      client.allowInsecureRequests(config)
      const checks = { pkceCodeVerifier: begun.verifier, expectedState: begun.state, expectedNonce: begun.nonce, idTokenExpected: true }
      const tokens = await client.authorizationCodeGrant(config, new URL(`${this.redirectUrl}?${query}`), checks)
      const subject = tokens.claims()?.sub
      if (subject === undefined || tokens.id_token === undefined)
        throw new CredentialFailure('refused', 'the issuer did not say who signed in')
      // It came from the issuer itself, but who may connect an account hangs on it: its signature is checked as that of any token.
      const keys = this.parts.issuers.keys(begun.issuer, undefined)
      const currentDate = new Date(this.parts.clock.now())
      await keys.verify(tokens.id_token, {
        algorithms: [...idTokenAlgorithms],
        issuer: begun.issuer,
        audience: clientId,
        clockTolerance: 30,
        currentDate,
      })
      return subject
    } catch (error) {
      throw asFailure(error, 'the sign-in')
    }
  }

  private async client(issuer: string): Promise<{ readonly clientId: string; readonly secret: string | undefined }> {
    const { configured, clients, discovery } = this.parts
    const own = configured.find((one) => one.issuer === issuer)
    if (own !== undefined) return { clientId: own.clientId, secret: own.clientSecret }
    const wanted = { assertionAudience: 'issuer' as const, registration: ['cimd', 'dcr'] as const }
    return clients.at('', await discovery.issuer(issuer), wanted, [])
  }
}
