import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Rig, redirectUri, startRig } from '../../test/doubles/authorization/rig.ts'
import type { Browser } from '../../test/peers/browser.ts'

describe('a client gets a token for one mount, by a person who signs in and allows it (E1)', () => {
  let rig: Rig
  /** Who has signed in once stays signed in. */
  let person: Browser
  beforeAll(async () => {
    rig = await startRig({ scopes: { tracker: ['tickets:read', 'tickets:write'] } })
    await rig.operator()
    person = rig.browser()
  })
  afterAll(() => rig.close())

  it('says what it can at the well-known addresses', async () => {
    for (const path of ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration']) {
      const answer = await rig.send(path)
      expect(answer.headers.get('access-control-allow-origin')).toBe('*')
      expect(await answer.json()).toMatchObject({
        issuer: rig.base,
        authorization_endpoint: `${rig.base}/oauth/authorize`,
        token_endpoint: `${rig.base}/oauth/token`,
        registration_endpoint: `${rig.base}/oauth/register`,
        jwks_uri: `${rig.base}/oauth/jwks`,
        response_types_supported: ['code'],
        code_challenge_methods_supported: ['S256'],
        authorization_response_iss_parameter_supported: true,
        client_id_metadata_document_supported: true,
      })
    }
  })

  it('issues an access token by RFC 9068 with the groups of the person, and `iss` beside the code', async () => {
    const client = await rig.client()
    const { at, pages } = await rig.authorize({ client_id: client, resource: `${rig.base}/mcp/tracker`, scope: 'tickets:read' })
    expect(pages.map(({ text }) => /<h1>([^<]+)/.exec(text)?.[1])).toEqual(['Sign in', 'Allow Probe?'])
    expect(Object.fromEntries(at.url.searchParams)).toEqual({ code: expect.any(String), state: 'state-1', iss: rig.base })

    const tokens = await rig.tokens(client, { resource: `${rig.base}/mcp/tracker`, scope: 'tickets:read' })
    const keys = createLocalJWKSet((await rig.server.issuer.keySet()) as unknown as JSONWebKeySet)
    const { protectedHeader, payload } = await jwtVerify(tokens.access, keys, { issuer: rig.server.issuer.issuer(), typ: 'at+jwt' })
    expect(protectedHeader.alg).toBe('ES256')
    expect(payload).toMatchObject({
      aud: `${rig.base}/mcp/tracker`,
      sub: expect.any(String),
      client_id: client,
      scope: 'mcp tickets:read',
      groups: ['operators'],
      jti: expect.any(String),
    })
    expect(Number(payload.exp) - Number(payload.iat)).toBe(300)
    const published = (await (await rig.send('/oauth/jwks')).json()) as { keys: { kid: string; d?: string }[] }
    expect(published.keys.map(({ kid }) => kid)).toContain(protectedHeader.kid)
    expect(published.keys.every(({ d }) => d === undefined)).toBe(true)
  })

  it('refuses a request without PKCE, and one with a plain challenge (A17)', async () => {
    const client = await rig.client()
    for (const request of [{ code_challenge: undefined, code_challenge_method: undefined }, { code_challenge_method: 'plain' }]) {
      const { at } = await rig.authorize({ client_id: client, ...request })
      expect(at.url.searchParams.get('error')).toBe('invalid_request')
      expect(at.url.searchParams.get('iss')).toBe(rig.base)
    }
  })

  it('takes a code once, from its client, with its verifier; used again it takes its tokens down (A17)', async () => {
    const client = await rig.client()
    const { code, verifier } = await rig.authorize({ client_id: client })
    const sent = { grant_type: 'authorization_code', code, client_id: client, redirect_uri: redirectUri }
    expect((await rig.token({ ...sent, code_verifier: 'x'.repeat(43) })).body.error).toBe('invalid_grant')
    expect((await rig.token({ ...sent, code_verifier: '' })).body.error).toMatch(/^invalid_(grant|request)$/)
    expect((await rig.token({ ...sent, code_verifier: verifier, redirect_uri: `${redirectUri}/x` })).body.error).toBe('invalid_grant')
    expect((await rig.token({ ...sent, code_verifier: verifier, client_id: await rig.client() })).body.error).toBe('invalid_grant')
    expect((await rig.token({ ...sent, code_verifier: verifier })).status).toBe(200)
    const second = await rig.authorize({ client_id: client })
    const good = { ...sent, code: second.code, code_verifier: second.verifier }
    const first = await rig.token(good)
    expect(first.status).toBe(200)
    expect((await rig.token(good)).body.error).toBe('invalid_grant')
    expect((await rig.refresh(client, first.body.refresh_token)).body.error).toBe('invalid_grant')
  })

  it('refuses a redirect address that is not the registered one, with a page and no redirect (E2A)', async () => {
    const client = await rig.client()
    for (const uri of [
      `${redirectUri}/x`,
      `${redirectUri}?x=1`,
      'https://evil.example/callback',
      'http://client.example/callback',
      'javascript:alert(1)',
    ]) {
      const { at } = await rig.authorize({ client_id: client, redirect_uri: uri })
      expect(at.status).toBe(400)
      expect(at.headers.get('location')).toBeNull()
      expect(at.text).toContain('invalid_redirect_uri')
      expect(at.text).not.toContain('evil.example')
      expect(at.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    }
    const nobody = await rig.authorize({ client_id: 'nobody' })
    expect(nobody.at.status).toBe(400)
    expect(nobody.at.text).toContain('invalid_client')
  })

  it('takes the answer at any port of the person’s own machine, and at no other path', async () => {
    const client = await rig.client({ redirect_uris: ['http://127.0.0.1/callback'] })
    const { at } = await rig.authorize({ client_id: client, redirect_uri: 'http://127.0.0.1:54321/callback' })
    expect(at.url.href).toMatch(/^http:\/\/127\.0\.0\.1:54321\/callback\?code=/)
    expect((await rig.authorize({ client_id: client, redirect_uri: 'http://127.0.0.1:54321/other' })).at.status).toBe(400)
    expect((await rig.authorize({ client_id: client, redirect_uri: 'http://127.0.0.2:54321/callback' })).at.status).toBe(400)
  })

  it('refuses a resource that is none of the gateway, and a token for another than was allowed', async () => {
    const client = await rig.client()
    const { at } = await rig.authorize({ client_id: client, resource: 'https://elsewhere.example/mcp' })
    expect(at.url.searchParams.get('error')).toBe('invalid_target')
    const tokens = await rig.tokens(client, { resource: `${rig.base}/mcp/tracker` })
    const other = await rig.refresh(client, tokens.refresh, { resource: `${rig.base}/mcp/files` })
    expect(other.body.error).toBe('invalid_target')
  })

  it('rotates refresh tokens, and takes all of a family down where one is used twice', async () => {
    const client = await rig.client()
    const tokens = await rig.tokens(client, {}, person)
    const second = await rig.refresh(client, tokens.refresh)
    expect(second.status).toBe(200)
    expect(second.body.refresh_token).not.toBe(tokens.refresh)
    expect((await rig.refresh(client, tokens.refresh)).body.error).toBe('invalid_grant')
    expect((await rig.refresh(client, second.body.refresh_token)).body.error).toBe('invalid_grant')
    const reuses = rig.decisions.filter(({ rule, principal }) => rule === 'reuse' && principal?.clientId === client)
    expect(reuses).toMatchObject([{ about: 'token', allowed: false, principal: { sub: tokens.claims.sub } }])
    expect(JSON.stringify(rig.decisions)).not.toContain(tokens.refresh)
  })

  it('lets one of many that come with one refresh token at the same moment through at most, and ends the family', async () => {
    const client = await rig.client()
    const tokens = await rig.tokens(client, {}, person)
    const answers = await Promise.all(Array.from({ length: 8 }, () => rig.refresh(client, tokens.refresh)))
    const through = answers.filter(({ status }) => status === 200)
    expect(through.length).toBeLessThanOrEqual(1)
    for (const { body } of through) expect((await rig.refresh(client, body.refresh_token)).body.error).toBe('invalid_grant')
  })

  it('tells a client that asks for no more who signed in, and gives it nothing that a tool would take', async () => {
    const client = await rig.client()
    const { code, verifier, pages } = await rig.authorize({ client_id: client, scope: 'openid', nonce: 'nonce-1' })
    expect(pages.at(-1)?.text).toContain('know who you are')
    expect(pages.at(-1)?.text).not.toContain('<dt>Tools of</dt>')
    const { body } = await rig.token({
      grant_type: 'authorization_code',
      code,
      code_verifier: verifier,
      client_id: client,
      redirect_uri: redirectUri,
    })
    const keys = createLocalJWKSet((await rig.server.issuer.keySet()) as unknown as JSONWebKeySet)
    const { payload } = await jwtVerify(String(body.id_token), keys, { issuer: rig.base, audience: client })
    const { claims } = await rig.tokens(client, {}, person)
    expect(payload).toMatchObject({ nonce: 'nonce-1', sub: claims.sub })
    expect(body.access_token?.split('.')).toHaveLength(1)
    expect(body.scope).toBe('openid')
  })

  it('revokes what a client gives back', async () => {
    const client = await rig.client()
    const tokens = await rig.tokens(client, {}, person)
    const answer = await rig.form('/oauth/revoke', { token: tokens.refresh ?? '', client_id: client })
    expect(answer.status).toBe(200)
    expect((await rig.refresh(client, tokens.refresh)).body.error).toBe('invalid_grant')
  })

  it('wrote nothing to the log that opens anything, and met no bug', () => {
    expect(rig.bugs).toEqual([])
    expect(rig.logged.filter(({ severity }) => severity === 'error')).toEqual([])
  })
})
