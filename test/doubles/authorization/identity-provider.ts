// An identity provider that does what a test says: an OpenID provider that lets everybody in, and an issuer of identity assertions (ID-JAG).
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose'

export interface IdentityProvider {
  readonly issuer: string
  /** Claims of the next ID tokens. */
  claims: Record<string, unknown>
  /** Turns what it answers. */
  twist: { readonly answer?: (query: URLSearchParams) => void; readonly idToken?: (claims: Record<string, unknown>) => void }
  /** Of each token request. */
  readonly tokenRequests: URLSearchParams[]
  /** The browser's way through it: from the authorization address to the client's callback. */
  signIn(address: URL): Promise<URL>
  /** A signed assertion; `undefined` takes a claim away. */
  assertion(claims: Record<string, unknown>, header?: Record<string, string>, key?: CryptoKey): Promise<string>
  close(): Promise<void>
}

export async function startIdentityProvider(): Promise<IdentityProvider> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), kid: 'idp-1', alg: 'ES256', use: 'sig' }
  const codes = new Map<string, URLSearchParams>()
  const tokenRequests: URLSearchParams[] = []
  const server = createServer((req, res) => {
    const url = new URL(req.url ?? '/', issuer)
    const json = (value: unknown): void => void res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    if (url.pathname.startsWith('/.well-known/')) {
      return json({
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
        response_types_supported: ['code'],
        id_token_signing_alg_values_supported: ['ES256'],
        authorization_response_iss_parameter_supported: true,
      })
    }
    if (url.pathname === '/jwks') return json({ keys: [jwk] })
    let body = ''
    req.on('data', (chunk) => {
      body += chunk
    })
    req.on('end', async () => {
      const form = new URLSearchParams(body)
      tokenRequests.push(form)
      const asked = codes.get(form.get('code') ?? '')
      if (asked === undefined) return res.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"invalid_grant"}')
      const claims: Record<string, unknown> = { sub: 'alice', nonce: asked.get('nonce'), ...provider.claims }
      provider.twist.idToken?.(claims)
      const id_token = await new SignJWT(claims)
        .setProtectedHeader({ alg: 'ES256', kid: 'idp-1' })
        .setIssuer(String(claims.iss ?? issuer))
        .setAudience(asked.get('client_id') ?? '')
        .setIssuedAt()
        .setExpirationTime('5m')
        .sign(privateKey)
      json({ access_token: 'idp-access-token-canary', token_type: 'Bearer', expires_in: 300, id_token })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const provider: IdentityProvider = {
    issuer,
    claims: {},
    twist: {},
    tokenRequests,
    signIn: async (address) => {
      const code = `code-${codes.size}`
      codes.set(code, address.searchParams)
      const back = new URL(address.searchParams.get('redirect_uri') ?? '')
      const query = new URLSearchParams({ code, state: address.searchParams.get('state') ?? '', iss: issuer })
      provider.twist.answer?.(query)
      back.search = query.toString()
      return back
    },
    assertion: (claims, header = {}, key = privateKey) => {
      const now = Math.floor(Date.now() / 1000)
      const all = { iss: issuer, sub: 'alice', jti: crypto.randomUUID(), iat: now, exp: now + 300, ...claims }
      return new SignJWT(JSON.parse(JSON.stringify(all)))
        .setProtectedHeader({ alg: 'ES256', kid: 'idp-1', typ: 'oauth-id-jag+jwt', ...header })
        .sign(key)
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return provider
}
