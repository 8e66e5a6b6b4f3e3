// What peers say of themselves: metadata that name another, that lead inwards, or that a browser would run, give no token and no link.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { credentialRig, faultIn, tokenOf } from '../../../test/doubles/oauth/credentials-rig.ts'
import { type TestIssuer, testIssuer } from '../../../test/doubles/oauth/issuer.ts'
import { aPrincipal } from '../../../test/doubles/principal.ts'
import { bearerChallenge } from '../../core/protocol/bearer-challenge.ts'
import { soundAnswer } from './answer-forms.ts'

const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})
const clock = new ManualClock()
const ann = aPrincipal({ sub: 'ann' })

async function anIssuer(): Promise<TestIssuer> {
  const issuer = await testIssuer(clock)
  open.push(() => issuer.stop())
  return issuer
}

/** A server that asks for a token, with metadata at these paths. */
async function protectedBy(documents: Record<string, unknown>, challenge?: (origin: string) => string) {
  const asked: string[] = []
  const server = createServer((req, res) => {
    asked.push(`${req.method} ${req.url}`)
    req.resume()
    const document = documents[req.url ?? '']
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    if (req.method === 'POST')
      return void res.writeHead(401, challenge === undefined ? {} : { 'www-authenticate': challenge(origin) }).end()
    if (document === undefined) return void res.writeHead(404).end()
    const text = JSON.stringify(document).replaceAll('ORIGIN', origin)
    res.writeHead(200, { 'content-type': 'application/json' }).end(text)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  open.push(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, asked }
}

function rigAt(address: string, auth: Record<string, unknown> = {}) {
  const rig = credentialRig({ clock, address, auth: { type: 'clientCredentials', clientId: 'gw', clientSecret: 's', ...auth } })
  open.push(() => rig.stop())
  return rig
}

const reasonAt = async (address: string, auth: Record<string, unknown> = {}) =>
  faultIn(await rigAt(address, auth).credentials.forCaller(ann)).message

describe('the metadata of a server', () => {
  it('is found at the path, at the root, and where its challenge says; scopes of the challenge come first', async () => {
    const issuer = await anIssuer()
    const document = (more = {}) => ({ resource: 'ORIGIN/mcp', authorization_servers: [issuer.url], scopes_supported: ['all'], ...more })
    const places: [Record<string, unknown>, ((origin: string) => string) | undefined, string][] = [
      [{ '/.well-known/oauth-protected-resource/mcp': document() }, undefined, 'all'],
      [{ '/.well-known/oauth-protected-resource': document({ resource: 'ORIGIN' }) }, undefined, 'all'],
      [{ '/elsewhere': document() }, (origin) => `Bearer resource_metadata="${origin}/elsewhere", scope="first second"`, 'first second'],
    ]
    for (const [documents, challenge, scope] of places) {
      const { url } = await protectedBy(documents, challenge)
      expect(issuer.isGood(tokenOf(await rigAt(url).credentials.forCaller(ann)))).toBe(true)
      expect(issuer.requests.at(-1)?.params.get('scope')).toBe(scope)
    }
  })

  it('of another resource are refused, and no token is asked for', async () => {
    const issuer = await anIssuer()
    for (const resource of ['https://elsewhere.example/mcp', 'ORIGIN/other', 'ORIGIN/mcp#part', 17]) {
      const { url } = await protectedBy({ '/.well-known/oauth-protected-resource/mcp': { resource, authorization_servers: [issuer.url] } })
      expect(await reasonAt(url)).toContain('another resource')
    }
    expect(issuer.requests).toEqual([])
  })

  it.each([
    'http://169.254.169.254/latest/meta-data',
    'https://10.0.0.1/issuer',
    'https://[::ffff:10.0.0.1]/issuer',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'https://user:pw@issuer.example',
  ])('that name %s as issuer lead nowhere (A16)', async (issuer) => {
    const { url } = await protectedBy({
      '/.well-known/oauth-protected-resource/mcp': { resource: 'ORIGIN/mcp', authorization_servers: [issuer] },
    })
    const fault = faultIn(await rigAt(url).credentials.forCaller(ann))
    expect(fault).toMatchObject({ kind: 'upstream_auth_failed', sideEffect: 'none' })
    expect(fault.message).toMatch(/may not be fetched|address of the web/)
  })
})

describe('the metadata of an issuer', () => {
  it('of another issuer are refused, whatever small the difference (U4A)', async () => {
    const issuer = await anIssuer()
    for (const other of [`${issuer.url}/`, issuer.url.toUpperCase(), 'https://evil.example']) {
      issuer.metadata.issuer = other
      expect(await reasonAt('http://127.0.0.1:9/mcp', { issuer: issuer.url })).toContain('of another issuer')
    }
    expect(issuer.requests).toEqual([])
  })

  it.each([
    ['authorization_endpoint', 'javascript:alert(document.domain)'],
    ['authorization_endpoint', 'file:///bin/sh'],
    ['authorization_endpoint', 'http://evil.example/authorize'],
    ['authorization_endpoint', '$(touch /tmp/pwned)'],
    ['token_endpoint', 'http://elsewhere.example/token'],
    ['registration_endpoint', 17],
  ])('with %s %s are refused (U5A, A16)', async (name, value) => {
    const issuer = await anIssuer()
    issuer.metadata[name] = value
    expect(await reasonAt('http://127.0.0.1:9/mcp', { issuer: issuer.url })).toContain(name)
    expect(issuer.requests).toEqual([])
  })

  it('is never asked where a redirect leads, nor is the token endpoint', async () => {
    const issuer = await anIssuer()
    issuer.bend = () => ({ status: 307, headers: { location: 'http://169.254.169.254/' }, body: '' })
    expect(await reasonAt('http://127.0.0.1:9/mcp', { issuer: issuer.url })).toMatch(/HTTP 307|failed/)
  })
})

describe('answers of services in use', () => {
  it.each([
    [
      'Slack: the token of the user is nested, scopes have commas',
      {
        ok: true,
        access_token: 'xoxb-app',
        token_type: 'bot',
        scope: 'app',
        authed_user: { id: 'U1', access_token: 'xoxp-user', token_type: 'user', scope: 'chat:write,users:read' },
      },
      { access_token: 'xoxp-user', token_type: 'bearer', scope: 'chat:write users:read' },
    ],
    ['Slack: an error that looks like success', { ok: false, error: 'invalid_refresh_token' }, { error: 'invalid_grant' }],
    [
      'GitHub: a token without an end',
      { access_token: 'gho_1', token_type: 'bearer', scope: 'repo,user' },
      { access_token: 'gho_1', scope: 'repo user' },
    ],
    ['GitHub: an error that looks like success', { error: 'bad_refresh_token', error_description: 'x' }, { error: 'invalid_grant' }],
    [
      'no token type, life as text',
      { access_token: 'a', expires_in: '3600' },
      { access_token: 'a', token_type: 'bearer', expires_in: '3600' },
    ],
    ['an end that is none', { access_token: 'a', expires_in: 0, refresh_token: null }, { access_token: 'a', token_type: 'bearer' }],
    [
      'Google: an ID token that nobody needs',
      { access_token: 'a', id_token: 'x.y.z', token_type: 'Bearer' },
      { access_token: 'a', token_type: 'bearer' },
    ],
  ])('%s', (_what, body, sound) => {
    expect(soundAnswer(body as Record<string, unknown>)).toMatchObject(sound)
    expect(soundAnswer(body as Record<string, unknown>)).not.toHaveProperty('id_token')
  })

  it('are used as they come: HTTP 200 with an error ends a grant, a form is read, no end means none', async () => {
    const issuer = await anIssuer()
    const rig = rigAt('http://127.0.0.1:9/mcp', { issuer: issuer.url })
    issuer.bend = () => ({
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'access_token=gho_2&token_type=bearer&scope=repo%2Cuser',
    })
    expect(tokenOf(await rig.credentials.forCaller(ann))).toBe('gho_2')
    await clock.advance(400 * 86_400_000)
    expect(tokenOf(rig.credentials.forCaller(ann) as never)).toBe('gho_2')
    const other = rigAt('http://127.0.0.1:9/mcp', { issuer: issuer.url })
    issuer.bend = () => ({ body: { ok: false, error: 'invalid_client_id secret-in-words' } })
    const fault = faultIn(await other.credentials.forCaller(ann))
    expect(fault.kind).toBe('upstream_auth_failed')
    expect(JSON.stringify(fault)).not.toContain('secret')
  })

  it.each([
    ['{"access_token":"canary-token","token_type":'],
    ['{"access_token":["canary-token"],"token_type":"bearer"}'],
    ['{"error":"canary token of\\nsomebody","error_description":"canary-token"}'],
    ['<html>canary-token</html>'],
    ['{"access_token":"canary-token","token_type":"bearer","expires_in":"soon","refresh_token":{"canary":1}}'],
  ])('that are none, such as %s, show nothing of themselves anywhere', async (body) => {
    const issuer = await anIssuer()
    issuer.bend = () => ({ headers: { 'content-type': 'application/json' }, body })
    const rig = rigAt('http://127.0.0.1:9/mcp', { issuer: issuer.url })
    const got = await rig.credentials.forCaller(ann)
    const told = JSON.stringify([rig.report.lines, rig.decisions, 'message' in got ? got : null, [...rig.report.counts]])
    expect(told).not.toContain('canary')
  })
})

describe('a challenge', () => {
  it.each([
    ['Bearer', { scheme: 'bearer', scope: undefined }],
    ['Basic realm="x", Bearer scope="a b", error="insufficient_scope"', { scope: 'a b', error: 'insufficient_scope' }],
    ['DPoP error="use_dpop_nonce", algs="ES256"', { scheme: 'dpop', error: 'use_dpop_nonce' }],
    [
      'bearer resource_metadata=https://a.example/m , scope="with \\"quotes\\""',
      { resourceMetadata: 'https://a.example/m', scope: 'with "quotes"' },
    ],
  ])('%s is read', (header, found) => {
    expect(bearerChallenge(header)).toMatchObject(found)
  })

  it.each([undefined, '', 'Basic realm="Bearer of news"x', 'x'.repeat(9_000)])('%s is none', (header) => {
    expect(bearerChallenge(header)?.scope).toBeUndefined()
  })
})
