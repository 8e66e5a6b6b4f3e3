// A real authorization server that exchanges tokens (RFC 8693): oidc-provider with that grant, for clients that are gateways. A client exchanges
// only what was given for itself, and acts for its subject from then on.
import { createLocalJWKSet, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { type OAuthServer, startOAuthServer } from './oauth-server.mjs'

const grantType = 'urn:ietf:params:oauth:grant-type:token-exchange'

export interface Exchanging extends OAuthServer {
  readonly keys: JWTVerifyGetKey
  /** Clients for which nothing is exchanged any more. */
  readonly refuses: Set<string>
  secretOf(client: string): string
}

interface Asked {
  readonly oidc: { readonly client: { readonly clientId: string }; readonly params: Readonly<Record<string, string | undefined>> }
  status: number
  body: unknown
}

/** `audiences`: what the tokens are for that a client exchanges. */
export async function startExchanging(audiences: Readonly<Record<string, string>>): Promise<Exchanging> {
  const acting = new WeakMap<object, unknown>()
  const refuses = new Set<string>()
  const secretOf = (client: string): string => `${client}-secret-canary`
  const clients = Object.keys(audiences).map((id) => ({
    client_id: id,
    client_secret: secretOf(id),
    grant_types: ['client_credentials', grantType],
    redirect_uris: [],
    response_types: [],
  }))
  const server = await startOAuthServer({ clients, configuration: { extraTokenClaims: (ctx: object) => acting.get(ctx) } })
  const { provider, issuer, privateJwk } = server
  const { d: _, ...jwk } = privateJwk as { readonly d: string }
  const keys = createLocalJWKSet({ keys: [jwk as never] })

  async function exchange(ctx: Asked): Promise<void> {
    const { client, params } = ctx.oidc
    const audience = audiences[client.clientId] as string
    const refused = refuses.has(client.clientId)
    const subject = refused ? undefined : await jwtVerify(params.subject_token ?? '', keys, { issuer, audience }).catch(() => undefined)
    if (subject === undefined) {
      ctx.status = 400
      ctx.body = { error: 'invalid_grant', error_description: 'the subject token is none for this client' }
      return
    }
    const { sub, act } = subject.payload
    acting.set(ctx, { act: { sub: client.clientId, ...(act === undefined ? {} : { act }) } })
    const token = new provider.AccessToken({ accountId: sub, client, gty: 'token-exchange', scope: params.scope })
    token.resourceServer = new provider.ResourceServer(params.resource, {
      scope: 'tools:read tools:write',
      audience: params.resource,
      accessTokenTTL: 300,
      accessTokenFormat: 'jwt',
      jwt: { sign: { alg: 'ES256' } },
    })
    const issued = { issued_token_type: 'urn:ietf:params:oauth:token-type:access_token', token_type: 'Bearer', expires_in: 300 }
    ctx.body = { access_token: await token.save(), ...issued }
  }
  const more = ['subject_token', 'subject_token_type', 'requested_token_type', 'resource', 'scope', 'audience']
  provider.registerGrantType(grantType, exchange, more)
  return { ...server, keys, refuses, secretOf }
}
