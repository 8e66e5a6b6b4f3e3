// Each kind of `servers.NAME.auth`, and what each of its keys changes in what is sent.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeJwt, decodeProtectedHeader, exportJWK, exportPKCS8, generateKeyPair, SignJWT } from 'jose'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { credentialRig, faultIn, leaseIn, tokenOf } from '../../../test/doubles/oauth/credentials-rig.ts'
import { type TestIssuer, testIssuer } from '../../../test/doubles/oauth/issuer.ts'
import { aPrincipal } from '../../../test/doubles/principal.ts'
import { scripted } from '../../../test/doubles/upstream/scripted-http.ts'
import type { Principal } from '../../core/call/principal.ts'
import { keepSubjectToken } from '../../core/call/subject-token.ts'
import { upstreamAuthSettings } from './settings.ts'

const folder = mkdtempSync(join(tmpdir(), 'signalbox-auth-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

const clock = new ManualClock(Date.now())

async function anIssuer(): Promise<TestIssuer> {
  const issuer = await testIssuer(clock)
  open.push(() => issuer.stop())
  return issuer
}

function rigOf(auth: Record<string, unknown>, more: Partial<Parameters<typeof credentialRig>[0]> = {}) {
  const rig = credentialRig({ clock, auth, ...more })
  open.push(() => rig.stop())
  return rig
}

const ann = aPrincipal({ sub: 'ann', groups: ['support', 'ops'], clientId: 'desk' })
const service = (issuer: TestIssuer, more: Record<string, unknown> = {}) => ({
  type: 'clientCredentials',
  issuer: issuer.url,
  clientId: 'gw',
  clientSecret: 'client secret',
  ...more,
})
const lastOf = (issuer: TestIssuer) => issuer.requests.at(-1) as TestIssuer['requests'][0]

/** As the door keeps it of a caller that came with a token. */
function withToken(value: string, change: Partial<Principal> = {}): Principal {
  const principal = aPrincipal({ sub: 'ann', ...change })
  keepSubjectToken(principal, { value, type: 'urn:ietf:params:oauth:token-type:access_token' })
  return principal
}

async function jwt(claims: Record<string, unknown>): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.alloc(32, 1))
}

describe('static', () => {
  it('sends secret in Authorization, or bare in the header that is named, with the scheme that is named', async () => {
    const headersOf = async (auth: Record<string, unknown>) =>
      leaseIn(await rigOf({ type: 'static', secret: 'k', ...auth }, { headers: { 'X-Fixed': 'f' } }).credentials.forCaller(ann)).headers()
    expect(await headersOf({})).toEqual({ authorization: 'Bearer k', 'x-fixed': 'f' })
    expect(await headersOf({ header: 'X-Api-Key' })).toEqual({ 'x-api-key': 'k', 'x-fixed': 'f' })
    expect(await headersOf({ scheme: 'Token' })).toEqual({ authorization: 'Token k', 'x-fixed': 'f' })
    expect(await headersOf({ scheme: '' })).toEqual({ authorization: 'k', 'x-fixed': 'f' })
  })

  it('takes what users has for the caller, and refuses others', async () => {
    const { credentials } = rigOf({
      type: 'static',
      users: [
        { sub: 'ann', secret: 'anns' },
        { sub: 'ben', iss: 'https://elsewhere.example', secret: 'b' },
      ],
    })
    expect(tokenOf(await credentials.forCaller(ann))).toBe('anns')
    expect(faultIn(await credentials.forCaller(aPrincipal({ sub: 'ben' }))).kind).toBe('upstream_auth_failed')
    expect(leaseIn(await credentials.forDiscovery()).headers()).toEqual({})
  })

  it('is replaced without a failed call, whether secretFile or the server learns of it first (A23)', async () => {
    const file = join(folder, 'key')
    writeFileSync(file, 'old\n')
    const { credentials, issued } = rigOf({ type: 'static', secretFile: file })
    let accepted = ['old']
    /** What a call does: once more with another, where there is one. */
    const call = (): boolean => {
      for (let attempt = 0; attempt < 2; attempt += 1) {
        const lease = leaseIn(credentials.forCaller(ann) as never)
        if (accepted.includes(String(lease.headers().authorization).slice(7))) return true
        if (!lease.reject({ status: 401, challenge: undefined })) return false
      }
      return false
    }
    expect(call()).toBe(true)
    // The file is first: the server does not know the new one yet.
    writeFileSync(file, 'second')
    await clock.advance(2_000)
    expect(call()).toBe(true)
    accepted = ['old', 'second']
    expect(call()).toBe(true)
    accepted = ['second']
    expect(call()).toBe(true)
    // The server is first: the refusal makes the file be read.
    accepted = ['third!']
    writeFileSync(file, 'third!')
    expect(call()).toBe(true)
    accepted = []
    expect(call()).toBe(false)
    expect(issued).toEqual(['up old', 'up second', 'up third!'])
  })
})

describe('headers', () => {
  it('tell the server who calls, and nothing of it what the gateway asks by itself; no name adds a header', async () => {
    const auth = { type: 'static', secret: 'k', headers: { 'X-User': '{sub}@{tenant}', 'X-Groups': '{groups} {client} {iss} {other}' } }
    const { credentials } = rigOf(auth)
    const lease = leaseIn(await credentials.forCaller(ann))
    expect(lease.headers()).toMatchObject({ 'x-user': 'ann@default', 'x-groups': expect.stringContaining('support,ops desk') })
    expect(leaseIn(await credentials.forCaller(ann)).id).toBe(lease.id)
    const evil = leaseIn(await credentials.forCaller(aPrincipal({ sub: 'eve\r\nX-Admin: yes' })))
    expect(evil.headers()['x-user']).toBe('eve%0D%0AX-Admin: yes@default')
    expect(evil.id).not.toBe(lease.id)
    expect(leaseIn(await credentials.forDiscovery()).headers()).toEqual({ authorization: 'Bearer k' })
  })
})

describe('clientCredentials', () => {
  it('shows the client by clientAuth, or as the issuer takes it; asks for resource and scopes', async () => {
    const issuer = await anIssuer()
    await rigOf(service(issuer, { scopes: ['a', 'b'], resource: 'https://api.example/mcp' })).credentials.forCaller(ann)
    expect(Object.fromEntries(lastOf(issuer).params)).toMatchObject({ scope: 'a b', resource: 'https://api.example/mcp' })
    expect(lastOf(issuer).headers.authorization).toMatch(/^Basic /)
    issuer.metadata.token_endpoint_auth_methods_supported = ['client_secret_post']
    await rigOf(service(issuer)).credentials.forCaller(ann)
    expect(Object.fromEntries(lastOf(issuer).params)).toMatchObject({ client_id: 'gw', client_secret: 'client secret' })
    await rigOf(service(issuer, { clientAuth: 'basic' })).credentials.forCaller(ann)
    expect(lastOf(issuer).headers.authorization).toMatch(/^Basic /)
  })
})

describe('privateKeyJwt', () => {
  it('signs with key, keyId and algorithm, for the assertionAudience', async () => {
    const issuer = await anIssuer()
    const { privateKey } = await generateKeyPair('ES384', { extractable: true })
    const auth = { type: 'privateKeyJwt', issuer: issuer.url, clientId: 'gw', keyId: 'k1', algorithm: 'ES384' }
    const assertionOf = async (more: Record<string, unknown>) => {
      await rigOf({ ...auth, ...more }).credentials.forCaller(ann)
      const assertion = lastOf(issuer).params.get('client_assertion') ?? ''
      return { head: decodeProtectedHeader(assertion), claims: decodeJwt(assertion) }
    }
    const first = await assertionOf({ key: await exportPKCS8(privateKey) })
    expect(first.head).toMatchObject({ alg: 'ES384', kid: 'k1' })
    expect(first.claims).toMatchObject({ iss: 'gw', sub: 'gw', aud: issuer.url })
    expect(first.claims.jti).toBeDefined()
    expect((first.claims.exp ?? 0) - (first.claims.iat ?? 0)).toBeLessThanOrEqual(60)
    const second = await assertionOf({ key: JSON.stringify(await exportJWK(privateKey)), assertionAudience: 'tokenEndpoint' })
    expect(second.claims.aud).toBe(`${issuer.url}/token`)
    expect(second.claims.jti).not.toBe(first.claims.jti)
  })

  it('signs with a key of the gateway where none is configured; a key that is none is said', async () => {
    const issuer = await anIssuer()
    const auth = { type: 'privateKeyJwt', issuer: issuer.url, clientId: 'gw' }
    await rigOf(auth).credentials.forCaller(ann)
    expect(decodeProtectedHeader(lastOf(issuer).params.get('client_assertion') ?? '')).toMatchObject({
      alg: 'ES256',
      kid: expect.any(String),
    })
    expect(faultIn(await rigOf({ ...auth, key: 'none' }).credentials.forCaller(ann)).message).toContain('`key` is no private key')
  })
})

describe('jwtBearer', () => {
  it('brings assertion, or what assertionFile holds at that moment; a refusal is not tried again', async () => {
    const issuer = await anIssuer()
    await rigOf({ type: 'jwtBearer', issuer: issuer.url, assertion: 'a.b.c' }).credentials.forCaller(ann)
    expect(Object.fromEntries(lastOf(issuer).params)).toMatchObject({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion: 'a.b.c',
    })
    const file = join(folder, 'workload')
    const { credentials } = rigOf({ type: 'jwtBearer', issuer: issuer.url, assertionFile: file })
    expect(faultIn(await credentials.forCaller(ann)).message).toContain('cannot be read')
    writeFileSync(file, 'd.e.f\n')
    await clock.advance(1_000)
    await credentials.forCaller(ann)
    expect(lastOf(issuer).params.get('assertion')).toBe('d.e.f')
  })
})

describe('tokenExchange (U12)', () => {
  const auth = (issuer: TestIssuer, more: Record<string, unknown> = {}) => ({ ...service(issuer), type: 'tokenExchange', ...more })

  it("sends the caller's token to the configured issuer alone, with the gateway's own client, and keeps what it gets by caller", async () => {
    const issuer = await anIssuer()
    const { credentials, decisions, issued } = rigOf(auth(issuer, { audience: 'backend' }))
    issuer.bend = async ({ params }) => ({
      body: {
        access_token: await jwt({
          aud: params.get('audience'),
          sub: params.get('subject_token'),
          act: { sub: 'gateway', act: { sub: 'desk' } },
        }),
        token_type: 'Bearer',
        issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        expires_in: 60,
      },
    })
    const anns = withToken('token-of-ann')
    const first = tokenOf(await credentials.forCaller(anns))
    expect(decodeJwt(first)).toMatchObject({ sub: 'token-of-ann', aud: 'backend' })
    expect(Object.fromEntries(lastOf(issuer).params)).toMatchObject({
      subject_token: 'token-of-ann',
      audience: 'backend',
      resource: 'http://127.0.0.1:9/mcp',
    })
    expect(lastOf(issuer).headers.authorization).toMatch(/^Basic /)
    expect(tokenOf(credentials.forCaller(anns) as never)).toBe(first)
    const second = tokenOf(await credentials.forCaller(withToken('token-of-ben', { sub: 'ben' })))
    expect(issued).toEqual([`up ${first}`, `up ${second}`])
    // Less is asked for with less.
    await credentials.forCaller(withToken('narrow token of ann', { scopes: ['read'] }))
    expect(issuer.requests.map(({ params }) => params.get('subject_token'))).toEqual([
      'token-of-ann',
      'token-of-ben',
      'narrow token of ann',
    ])
    expect(decisions.at(0)).toMatchObject({ about: 'credential', allowed: true, upstream: 'up', reason: 'acting: gateway for desk' })
    expect(decisions.at(0)?.principal?.sub).toBe('ann')
    expect(JSON.stringify(decisions)).not.toContain('token-of')
  })

  it.each([
    ['a token for another audience', { aud: 'elsewhere' }, /another audience/],
    [
      'a chain that is longer than maxActors',
      { aud: 'http://127.0.0.1:9/mcp', act: { sub: '1', act: { sub: '2', act: { sub: '3' } } } },
      /3 actors/,
    ],
  ])('refuses %s, and names the hop (A20)', async (_what, claims, why) => {
    const issuer = await anIssuer()
    const { credentials } = rigOf(auth(issuer, { maxActors: 2 }))
    issuer.bend = async () => ({ body: { access_token: await jwt(claims), token_type: 'Bearer', expires_in: 60 } })
    const fault = faultIn(await credentials.forCaller(withToken('t')))
    expect(fault).toMatchObject({ kind: 'upstream_auth_failed', detail: { hop: 'up' }, sideEffect: 'none' })
    expect(fault.message).toMatch(why)
  })

  it('refuses the very token of the caller, a caller without one, and one behind too many actors', async () => {
    const issuer = await anIssuer()
    const { credentials } = rigOf(auth(issuer, { maxActors: 1 }))
    issuer.bend = ({ params }) => ({ body: { access_token: params.get('subject_token'), token_type: 'Bearer' } })
    expect(faultIn(await credentials.forCaller(withToken('t'))).message).toContain('passed on to nobody')
    expect(faultIn(await credentials.forCaller(aPrincipal({ sub: 'bare' }))).message).toContain('no token')
    const before = issuer.requests.length
    expect(faultIn(await credentials.forCaller(withToken('u', { sub: 'far', actors: ['a', 'b'] }))).message).toContain('2 actors')
    expect(issuer.requests).toHaveLength(before)
  })

  it('has a discovery identity of its own', async () => {
    const issuer = await anIssuer()
    const discovery = { type: 'clientCredentials', issuer: issuer.url, clientId: 'lister', clientSecret: 's', scopes: ['list'] }
    const { credentials } = rigOf(auth(issuer, { discovery }))
    expect(issuer.isGood(tokenOf(await credentials.forDiscovery()))).toBe(true)
    expect(lastOf(issuer).params.get('scope')).toBe('list')
    expect(leaseIn(await rigOf(auth(issuer)).credentials.forDiscovery()).headers()).toEqual({})
  })
})

describe('discovery', () => {
  it.each([
    ['static', { type: 'static', secret: 's' }, 's'],
    ['static, of a file', { type: 'static', secretFile: join(folder, 'lister') }, 'from the file'],
  ])('is %s', async (_what, discovery, token) => {
    writeFileSync(join(folder, 'lister'), 'from the file')
    expect(tokenOf(await rigOf({ type: 'authorizationCode', discovery }).credentials.forDiscovery())).toBe(token)
  })

  it('is an assertion, a signed client, or the grant of the principal that iss and sub name', async () => {
    const issuer = await anIssuer()
    const of = (discovery: Record<string, unknown>) => rigOf({ type: 'authorizationCode', discovery: { issuer: issuer.url, ...discovery } })
    writeFileSync(join(folder, 'own'), 'file.of.workload')
    for (const [discovery, sent] of [
      [{ type: 'jwtBearer', assertion: 'x.y.z' }, ['assertion', 'x.y.z']],
      [{ type: 'jwtBearer', assertionFile: join(folder, 'own') }, ['assertion', 'file.of.workload']],
      [{ type: 'clientCredentials', clientId: 'c', clientSecret: 's', clientAuth: 'post' }, ['client_secret', 's']],
    ] as const) {
      await of(discovery).credentials.forDiscovery()
      expect(lastOf(issuer).params.get(sent[0])).toBe(sent[1])
    }
    const { privateKey } = await generateKeyPair('ES384', { extractable: true })
    const signed = {
      type: 'privateKeyJwt',
      clientId: 'c',
      key: await exportPKCS8(privateKey),
      keyId: 'own',
      algorithm: 'ES384',
      assertionAudience: 'tokenEndpoint',
    }
    await of(signed).credentials.forDiscovery()
    const assertion = lastOf(issuer).params.get('client_assertion') ?? ''
    expect(decodeProtectedHeader(assertion)).toMatchObject({ kid: 'own', alg: 'ES384' })
    expect(decodeJwt(assertion).aud).toBe(`${issuer.url}/token`)
    const rig = of({ type: 'principal', iss: 'https://idp.example', sub: 'operator' })
    expect(faultIn(await rig.credentials.forDiscovery())).toMatchObject({
      kind: 'reauth_required',
      detail: { link: expect.stringContaining('up-operator') },
    })
  })
})

describe('idJag (enterprise-managed authorization)', () => {
  it('gets an assertion of the identityProvider for the issuer, and with it a token of the issuer', async () => {
    const [provider, issuer] = [await anIssuer(), await anIssuer()]
    provider.bend = async ({ params }) => ({
      body: {
        access_token: await jwt({ jag: params.get('audience') }),
        token_type: 'N_A',
        issued_token_type: 'urn:ietf:params:oauth:token-type:id-jag',
        expires_in: 60,
      },
    })
    const identityProvider = { issuer: provider.url, clientId: 'at-idp', clientSecret: 'idp secret' }
    const { credentials } = rigOf({ ...service(issuer), type: 'idJag', identityProvider, scopes: ['read'] })
    expect(issuer.isGood(tokenOf(await credentials.forCaller(withToken('sso'))))).toBe(true)
    expect(Object.fromEntries(lastOf(provider).params)).toMatchObject({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      requested_token_type: 'urn:ietf:params:oauth:token-type:id-jag',
      audience: issuer.url,
      resource: 'http://127.0.0.1:9/mcp',
      scope: 'read',
      subject_token: 'sso',
    })
    const [{ params }] = issuer.requests as [TestIssuer['requests'][0]]
    expect(params.get('grant_type')).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer')
    expect(decodeJwt(params.get('assertion') ?? '')).toEqual({ jag: issuer.url })
    // The caller's token went to the provider alone.
    expect(params.toString()).not.toContain('sso')
  })

  it('fills the catalogue with what the token of one user is exchanged for, once that user is there, and by no other', async () => {
    const [provider, issuer] = [await anIssuer(), await anIssuer()]
    const identityProvider = { issuer: provider.url, clientId: 'at-idp' }
    const discovery = { type: 'principal', iss: ann.iss, sub: 'ann' }
    const { credentials, upstream, relisted } = rigOf({ ...service(issuer), type: 'idJag', identityProvider, discovery })
    expect(faultIn(await credentials.forDiscovery()).message).toContain('no token')
    upstream.callerSeen(withToken('of-ben', { sub: 'ben' }))
    upstream.callerSeen(withToken('of-another-ann', { iss: 'https://elsewhere.example' }))
    upstream.callerSeen(withToken('of-anns-namesake', { tenant: 'another' }))
    expect([relisted, provider.requests]).toEqual([[], []])
    upstream.callerSeen(withToken('of-ann', { clientId: 'desk', scopes: ['read'] }))
    expect(relisted).toEqual(['up'])
    expect(issuer.isGood(tokenOf(await credentials.forDiscovery()))).toBe(true)
    expect(lastOf(provider).params.get('subject_token')).toBe('of-ann')
  })
})

describe('dpop', () => {
  it('binds tokens to a key of their own where always or the server says so, and not where never', async () => {
    const issuer = await anIssuer()
    const server = await scripted(({ verb }) => {
      if (verb !== 'GET') return { status: 401 }
      return { raw: JSON.stringify({ resource: server.url, authorization_servers: [issuer.url], dpop_bound_access_tokens_required: true }) }
    })
    open.push(() => server.stop())
    issuer.bend = ({ headers }) =>
      headers.dpop === undefined ? undefined : { body: { access_token: 'bound', token_type: 'DPoP', expires_in: 60 } }
    const of = async (dpop: string, address?: string) => {
      const rig = rigOf(service(issuer, { dpop }), address === undefined ? {} : { address })
      return leaseIn(await rig.credentials.forCaller(ann))
    }
    const lease = await of('always')
    expect(lease.headers()).toEqual({ authorization: 'DPoP bound' })
    const proven = await lease.proof?.headers('POST', 'https://api.example/mcp?a=b', undefined)
    const proof = decodeProtectedHeader(proven?.dpop ?? '')
    expect(proof).toMatchObject({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty: 'EC' } })
    expect(JSON.stringify(proof)).not.toContain('"d"')
    expect((await of('auto', server.url)).proof).toBeDefined()
    expect((await of('auto')).proof).toBeUndefined()
    expect((await of('never', server.url)).proof).toBeUndefined()
  })
})

describe('the settings', () => {
  it.each([
    [{ type: 'static' }, 'secret'],
    [{ type: 'clientCredentials', clientId: 'c' }, 'clientSecret'],
    [{ type: 'tokenExchange', clientId: 'c' }, 'issuer'],
    [{ type: 'idJag', clientId: 'c' }, 'identityProvider'],
    [{ type: 'jwtBearer' }, 'assertionFile'],
    [{ type: 'none', secret: 'k' }, 'secret'],
    [{ type: 'clientCredentials', clientId: 'c', clientSecret: 's', users: [{ sub: 'a', secret: 'b' }] }, 'users'],
    [{ type: 'static', secret: 's', discovery: { type: 'none' } }, 'discovery'],
  ])('of %j miss, or do not know, %s', (auth, key) => {
    const parsed = upstreamAuthSettings.safeParse(auth)
    expect(parsed.error?.issues.map(({ path }) => path[0])).toEqual([key])
  })
})
