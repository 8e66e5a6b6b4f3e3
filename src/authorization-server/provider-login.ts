// Signing in at an OpenID provider of the team: authorization code with PKCE, state and nonce. What it vouches for is an account here.
import * as client from 'openid-client'
import type { GuardedFetch } from '../core/ports/guarded-fetch.ts'
import type { Issuers } from '../core/ports/issuers.ts'
import type { Account, Accounts } from './accounts.ts'
import { listAt } from './claims.ts'
import type { AuthorizationObjects } from './objects.ts'
import type { EmbeddedSettings } from './settings.ts'

export type ProviderSettings = NonNullable<EmbeddedSettings['login']['oidc']>

export interface ProviderLogin {
  /** Host of the provider, for people. */
  readonly host: string
  /** Where the browser goes. `browser`: what tells it from another when it comes back. */
  begin(uid: string, browser: string): Promise<URL>
  /** The account and the sign-in that it is for. Rejects with `LoginFailed` where the answer is not good. */
  finish(answer: URL, browser: string): Promise<{ readonly uid: string; readonly account: Account }>
}

export class LoginFailed extends Error {
  override readonly name = 'LoginFailed'
}

export interface ProviderLoginParts {
  readonly settings: ProviderSettings
  readonly fetch: GuardedFetch
  readonly issuers: Issuers
  readonly objects: AuthorizationObjects
  readonly accounts: Accounts
  /** `{publicUrl}/oauth/login/callback`. */
  redirectUri(): string
}

const model = 'ProviderLogin'
const loginMs = 10 * 60_000

export function createProviderLogin({ settings, fetch, issuers, objects, accounts, redirectUri }: ProviderLoginParts): ProviderLogin {
  /** As its metadata say now: an endpoint may move. */
  const configuration = async (): Promise<client.Configuration> => {
    const metadata = await issuers.metadata(settings.issuer)
    const { clientId, clientSecret } = settings
    const authentication = clientSecret === undefined ? client.None() : client.ClientSecretPost(clientSecret)
    const config = new client.Configuration(metadata as client.ServerMetadata, clientId, undefined, authentication)
    config[client.customFetch] = fetch as client.CustomFetch
    if (settings.issuer.startsWith('http:')) client.allowInsecureRequests(config)
    return config
  }

  return {
    host: new URL(settings.issuer).host,
    begin: async (uid, browser) => {
      const config = await configuration()
      const verifier = client.randomPKCECodeVerifier()
      const [state, nonce] = [client.randomState(), client.randomNonce()]
      await objects.put(model, state, { uid, browser, verifier, nonce }, {}, loginMs)
      return client.buildAuthorizationUrl(config, {
        redirect_uri: redirectUri(),
        scope: settings.scopes.join(' '),
        state,
        nonce,
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      })
    },
    finish: async (answer, browser) => {
      const state = answer.searchParams.get('state') ?? ''
      const begun = await objects.take(model, state)
      if (begun === undefined) throw new LoginFailed('the answer belongs to no sign-in that was begun')
      if (begun.browser !== browser) throw new LoginFailed('the answer came in another browser')
      const tokens = await client
        .authorizationCodeGrant(await configuration(), answer, {
          pkceCodeVerifier: String(begun.verifier),
          expectedState: state,
          expectedNonce: String(begun.nonce),
          idTokenExpected: true,
        })
        .catch((error: unknown) => {
          // What the provider says of it is not for the page: anybody could have written it there.
          throw new LoginFailed(error instanceof Error ? `${error.name}: ${error.message}` : 'unknown')
        })
      const claims = tokens.claims()
      if (claims === undefined) throw new LoginFailed('there is no ID token')
      const name = [claims.preferred_username, claims.email, claims.name].find((one) => typeof one === 'string')
      const groups = listAt(claims, settings.groups)
      const account = await accounts.vouched(settings.issuer, claims.sub, typeof name === 'string' ? name : claims.sub, groups)
      return { uid: String(begun.uid), account }
    },
  }
}
