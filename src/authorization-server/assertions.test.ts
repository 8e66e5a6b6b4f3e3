import { exchangeJwtAuthGrant } from '@modelcontextprotocol/client'
import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type IdentityProvider, startIdentityProvider } from '../../test/doubles/authorization/identity-provider.ts'
import { type Rig, redirectUri, startRig } from '../../test/doubles/authorization/rig.ts'
import { ManualClock } from '../../test/doubles/manual-clock.ts'

const grant = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

describe('an identity assertion of a trusted issuer is exchanged for a token without a sign-in (E7)', () => {
  let idp: IdentityProvider
  let rig: Rig
  let client: { id: string; basic: string }
  const tracker = () => `${rig.base}/mcp/tracker`

  beforeAll(async () => {
    idp = await startIdentityProvider()
    rig = await startRig({
      scopes: { tracker: ['tickets:read', 'tickets:write'] },
      settings: { idJag: [{ issuer: idp.issuer, groups: 'roles' }] },
    })
    const { body } = await rig.register({ client_name: 'Agent', redirect_uris: [redirectUri], grant_types: [grant, 'authorization_code'] })
    const basic = Buffer.from(`${String(body.client_id)}:${String(body.client_secret)}`).toString('base64')
    client = { id: String(body.client_id), basic: `Basic ${basic}` }
  })
  afterAll(async () => {
    await rig.close()
    await idp.close()
  })

  const good = () => ({
    aud: rig.base,
    client_id: client.id,
    resource: tracker(),
    scope: 'tickets:read tickets:write made:up',
    roles: ['support'],
  })
  const exchange = (
    assertion: string,
    fields: Record<string, string> = {},
    headers: Record<string, string> = { authorization: client.basic },
  ) => rig.token({ grant_type: grant, assertion, ...fields }, headers)

  it('says in its metadata that it does so', async () => {
    const metadata = await (await rig.send('/.well-known/oauth-authorization-server')).json()
    expect(metadata).toMatchObject({
      authorization_grant_profiles_supported: ['urn:ietf:params:oauth:grant-profile:id-jag'],
      grant_types_supported: expect.arrayContaining([grant]),
    })
  })

  it('gives the scopes that assertion, request and resource agree on, to the person of the assertion', async () => {
    const { status, body } = await exchange(await idp.assertion(good()), { scope: 'tickets:read' })
    expect(status).toBe(200)
    expect(body).toMatchObject({ token_type: 'Bearer', scope: 'mcp tickets:read', expires_in: 300 })
    expect(body.refresh_token).toBeUndefined()
    const claims = decodeJwt(String(body.access_token))
    expect(claims).toMatchObject({ aud: tracker(), client_id: client.id, groups: ['support'], scope: 'mcp tickets:read', iss: rig.base })
    const all = await exchange(await idp.assertion(good()))
    expect(all.body.scope).toBe('mcp tickets:read tickets:write')
    expect(decodeJwt(String(all.body.access_token)).sub).toBe(claims.sub)
    expect(rig.decisions.at(-1)).toMatchObject({ about: 'token', allowed: true, rule: 'id_jag', principal: { sub: claims.sub } })
  })

  it('is what the client of SDK 2.4.0 does', async () => {
    const { body } = await rig.register({ client_name: 'SDK', redirect_uris: [], response_types: [], grant_types: [grant] })
    const tokens = await exchangeJwtAuthGrant({
      tokenEndpoint: `${rig.base}/oauth/token`,
      jwtAuthGrant: await idp.assertion({ ...good(), client_id: body.client_id }),
      clientId: String(body.client_id),
      clientSecret: String(body.client_secret),
    })
    expect(decodeJwt(tokens.access_token)).toMatchObject({ aud: tracker(), groups: ['support'] })
  })

  it('takes a client that authenticates by a key of its metadata document', async () => {
    const id = 'https://agent.example/client.json'
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
    const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'agent-1', alg: 'ES256', use: 'sig' }] }
    const document = {
      client_id: id,
      redirect_uris: [],
      response_types: [],
      grant_types: [grant],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks,
    }
    const other = await startRig({
      settings: { idJag: [{ issuer: idp.issuer }] },
      fetch: async (url, init) => (String(url) === id ? Response.json(document) : fetch(url, init)),
    })
    const client = await new SignJWT({})
      .setProtectedHeader({ alg: 'ES256', kid: 'agent-1' })
      .setIssuer(id)
      .setSubject(id)
      .setAudience(other.base)
      .setJti('assertion-1')
      .setIssuedAt()
      .setExpirationTime('1m')
      .sign(privateKey)
    const sent = {
      grant_type: grant,
      assertion: await idp.assertion({ aud: other.base, client_id: id }),
      client_id: id,
      client_assertion: client,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    }
    const answer = await other.token(sent)
    expect(answer.body).toMatchObject({ scope: 'mcp', token_type: 'Bearer' })
    expect((await other.token({ ...sent, assertion: await idp.assertion({ aud: other.base, client_id: id }) })).body.error).toBe(
      'invalid_client',
    )
    await other.close()
  })

  it('takes an assertion once', async () => {
    const assertion = await idp.assertion(good())
    expect((await exchange(assertion)).status).toBe(200)
    expect((await exchange(assertion)).body.error).toBe('invalid_grant')
  })

  it.each<[string, (claims: Record<string, unknown>) => void, Record<string, string>?]>([
    ['for another audience', (claims) => Object.assign(claims, { aud: 'https://other.example' })],
    ['for several audiences', (claims) => Object.assign(claims, { aud: [rig.base, 'https://other.example'] })],
    ['of another issuer', (claims) => Object.assign(claims, { iss: 'https://evil.example' })],
    ['for another client', (claims) => Object.assign(claims, { client_id: 'another' })],
    ['for another resource', (claims) => Object.assign(claims, { resource: 'https://other.example/mcp' })],
    ['that is over', (claims) => Object.assign(claims, { exp: 1_000, iat: 900 })],
    ['that was made too long ago', (claims) => Object.assign(claims, { iat: Math.floor(Date.now() / 1000) - 4_000 })],
    ['without an id', (claims) => Object.assign(claims, { jti: undefined })],
    ['without a subject', (claims) => Object.assign(claims, { sub: undefined })],
    ['without a client', (claims) => Object.assign(claims, { client_id: undefined })],
    ['of type JWT', () => undefined, { typ: 'JWT' }],
    ['that is an access token', () => undefined, { typ: 'at+jwt' }],
  ])('refuses one %s with `invalid_grant` and no reason', async (_what, turn, header) => {
    const claims: Record<string, unknown> = good()
    turn(claims)
    const { status, body } = await exchange(await idp.assertion(claims, header))
    expect([status, body.error]).toEqual([400, 'invalid_grant'])
    expect(JSON.stringify(body)).not.toMatch(/audience|trusted|client|used/)
    expect(rig.decisions.at(-1)).toMatchObject({ about: 'token', allowed: false, rule: 'invalid_grant' })
  })

  it('refuses one that another key signed, one without a signature, and what is none', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
    const forged = await idp.assertion(good(), {}, privateKey)
    const own = await new SignJWT(good())
      .setProtectedHeader({ alg: 'ES256', typ: 'oauth-id-jag+jwt', jwk: await exportJWK(publicKey) })
      .setIssuer(idp.issuer)
      .setJti('x')
      .setSubject('alice')
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(privateKey)
    const [, payload] = (await idp.assertion(good())).split('.')
    const none = `${Buffer.from('{"alg":"none","typ":"oauth-id-jag+jwt"}').toString('base64url')}.${payload}.`
    for (const assertion of [forged, own, none, 'x', '', 'a.b.c']) expect((await exchange(assertion)).body.error).toBe('invalid_grant')
  })

  it('refuses a request that names another resource than the assertion, and a client that does not authenticate', async () => {
    expect((await exchange(await idp.assertion(good()), { resource: `${rig.base}/mcp/files` })).body.error).toBe('invalid_grant')
    const open = await rig.client({ grant_types: [grant], response_types: [], redirect_uris: [] })
    const { body } = await exchange(await idp.assertion({ ...good(), client_id: open }), { client_id: open }, {})
    expect(body.error).toBe('unauthorized_client')
  })

  it('asks for keys where the configuration says that they are', async () => {
    for (const [jwksUri, status] of [
      [`${idp.issuer}/jwks`, 200],
      ['http://127.0.0.1:9/jwks', 400],
    ] as const) {
      const settings = { idJag: [{ issuer: idp.issuer, jwksUri }] }
      const other = await startRig({ settings })
      const { body } = await other.register({ client_name: 'Agent', redirect_uris: [], response_types: [], grant_types: [grant] })
      const basic = Buffer.from(`${String(body.client_id)}:${String(body.client_secret)}`).toString('base64')
      const assertion = await idp.assertion({ aud: other.base, client_id: body.client_id })
      const answer = await other.token({ grant_type: grant, assertion }, { authorization: `Basic ${basic}` })
      expect(answer.status).toBe(status)
      if (status === 400) expect(answer.body.error).toBe('temporarily_unavailable')
      await other.close()
    }
  })

  it('is judged by the keys that are known for an hour where the issuer publishes none, and then by nobody (A14)', async () => {
    const issuersClock = new ManualClock()
    let down = false
    const fetch = async (url: string | URL, init?: RequestInit) => {
      if (down) throw new TypeError('fetch failed')
      return globalThis.fetch(url, init)
    }
    const other = await startRig({ settings: { idJag: [{ issuer: idp.issuer }] }, fetch, issuersClock })
    const { body } = await other.register({ client_name: 'Agent', redirect_uris: [], response_types: [], grant_types: [grant] })
    const basic = Buffer.from(`${String(body.client_id)}:${String(body.client_secret)}`).toString('base64')
    const exchanged = async () => {
      const assertion = await idp.assertion({ aud: other.base, client_id: body.client_id })
      const answer = await other.token({ grant_type: grant, assertion }, { authorization: `Basic ${basic}` })
      return answer.body.error ?? answer.status
    }
    expect(await exchanged()).toBe(200)
    down = true
    await issuersClock.advance(3_599_999)
    expect(await exchanged()).toBe(200)
    await issuersClock.advance(1)
    expect(await exchanged()).toBe('temporarily_unavailable')
    await other.close()
  })

  it('is not offered where no issuer is trusted', async () => {
    const plain = await startRig()
    expect(await (await plain.send('/.well-known/oauth-authorization-server')).json()).not.toHaveProperty(
      'authorization_grant_profiles_supported',
    )
    expect((await plain.token({ grant_type: grant, assertion: 'x', client_id: await plain.client() })).body.error).toBe(
      'unsupported_grant_type',
    )
    await plain.close()
  })

  it('met no bug', () => {
    expect(rig.bugs).toEqual([])
    expect(rig.logged.filter(({ severity }) => severity === 'error')).toEqual([])
  })
})
