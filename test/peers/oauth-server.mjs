// A real authorization server: oidc-provider on a free port of loopback, in this process. It issues access tokens for the resources that it is
// asked for (RFC 8707), signed as RFC 9068 has it, and lets everybody in as the account that the test names.
import { createServer } from 'node:http'
import { exportJWK, generateKeyPair } from 'jose'
import { createMemoryAdapter } from 'oidc-provider/lib/adapters/memory_adapter.js'
// Not the face of the package, which speaks of the version of Node.js as soon as it is loaded.
import { Provider } from 'oidc-provider/lib/provider.js'

export const client = { id: 'test-client', secret: 'test-client-secret-canary' }

/** @param {import('./oauth-server.d.mts').OAuthServerOptions} options */
export async function startOAuthServer(options = {}) {
  const { accountId = 'alice', scopes = ['tools:read', 'tools:write'], ttlS = 300, format = 'jwt', claims = {}, alg = 'ES256' } = options
  const requests = []
  let provider
  const server = createServer((req, res) => {
    requests.push(`${req.method} ${req.url?.split('?')[0]}`)
    const failure = options.failing?.(req)
    if (failure !== undefined) return void res.writeHead(failure).end()
    handle(req, res).catch((error) => res.destroy(error))
  })
  await new Promise((resolve) => server.listen(options.port ?? 0, '127.0.0.1', () => resolve(undefined)))
  const issuer = `http://127.0.0.1:${server.address().port}`
  const { privateKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = { ...(await exportJWK(privateKey)), kid: `key-${alg}`, alg, use: 'sig' }
  provider = new Provider(issuer, {
    adapter: createMemoryAdapter(0),
    clientDefaults: { id_token_signed_response_alg: alg },
    jwks: { keys: [jwk] },
    cookies: { keys: ['cookie-key'] },
    clients: [
      {
        client_id: client.id,
        client_secret: client.secret,
        grant_types: ['client_credentials', 'authorization_code', 'refresh_token'],
        redirect_uris: ['http://127.0.0.1/callback'],
        application_type: 'native',
        token_endpoint_auth_method: 'client_secret_post',
      },
      ...(options.clients ?? []),
    ],
    scopes: ['openid', 'offline_access', ...scopes],
    findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    pkce: { required: () => true },
    ttl: { AccessToken: ttlS, ClientCredentials: ttlS, Interaction: 600, Session: 600, Grant: 86_400, RefreshToken: 86_400, IdToken: 300 },
    extraTokenClaims: () => claims,
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    issueRefreshToken: async () => true,
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true },
      dPoP: { enabled: true },
      registration: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => options.defaultResource,
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, resource) => ({
          scope: scopes.join(' '),
          audience: resource,
          accessTokenTTL: ttlS,
          accessTokenFormat: format,
          ...(format === 'jwt' ? { jwt: { sign: { alg } } } : {}),
        }),
      },
      ...options.features,
    },
    ...options.configuration,
  })

  async function handle(req, res) {
    const found = /^\/interaction\/([\w-]+)$/.exec(req.url?.split('?')[0] ?? '')
    if (found === null) return provider.callback()(req, res)
    const details = await provider.interactionDetails(req, res)
    if (details.prompt.name === 'login') return provider.interactionFinished(req, res, { login: { accountId } })
    const grant = new provider.Grant({ accountId, clientId: details.params.client_id })
    grant.addOIDCScope(`openid offline_access ${scopes.join(' ')}`)
    for (const resource of [details.params.resource ?? []].flat()) grant.addResourceScope(resource, details.params.scope ?? '')
    return provider.interactionFinished(req, res, { consent: { grantId: await grant.save() } })
  }

  return {
    issuer,
    provider,
    requests,
    privateJwk: jwk,
    async token({ resource, scope = scopes.join(' '), headers = {} }) {
      const answer = await fetch(`${issuer}/token`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          client_id: client.id,
          client_secret: client.secret,
          resource,
          scope,
        }),
      })
      const body = await answer.json()
      if (answer.status !== 200) throw new Error(`no token: ${JSON.stringify(body)}`)
      return body.access_token
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve(undefined))
        server.closeAllConnections()
      }),
  }
}
