// Option (a): a gateway in front has identified the caller. Its headers count from it alone.
import { request } from 'node:http'
import { connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/platform/clock/system-clock.ts'
import { type Claims, startIssuer } from '../doubles/issuer.ts'
import { testIssuer } from '../doubles/oauth/issuer.ts'
import { admitting, type Closers, list, resource } from '../peers/admitting.ts'
import type { UnderTest } from '../peers/gateway.ts'
import { eventually } from '../peers/processes.ts'
import { startProtected } from '../peers/protected.ts'
import { legacy, modern, openSession } from '../peers/raw.ts'
import { plainTool, startScripted } from '../peers/scripted.ts'
import { promise } from './promise.ts'

const closers: Closers = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const secret = 'a-secret-of-the-front-gateway'
const front = { 'signalbox-proof': secret }
const trustedHeader = {
  subject: 'X-User',
  groups: 'X-Groups',
  scopes: 'X-Scopes',
  proof: { from: ['127.0.0.0/8'], sharedSecret: secret },
}
const status = async (at: UnderTest, headers: Record<string, string>) => (await list(at, headers)).status

promise(['R30', 'R31'], 'a caller whom the gateway in front names is let in as that one, with its groups and scopes', async () => {
  const upstream = await startScripted({ tools: [plainTool('get_x'), plainTool('set_x')] })
  closers.push(upstream.close)
  const access = [
    { groups: ['support'], use: ['up/get_*'] },
    { groups: ['support'], scopes: ['write'], use: ['up/*'] },
  ]
  const servers = { up: { url: upstream.url, era: 'legacy' } }
  const at = await admitting(closers, { trustedHeader }, { access, servers })
  const call = async (name: string, headers: Record<string, string>) =>
    (await modern(at.base, 'tools/call', { name, arguments: {} }, { mount: '/up', headers: { ...front, 'x-user': 'alice', ...headers } }))
      .text
  expect(await call('get_x', { 'x-groups': 'sales, support' })).toContain('was called')
  expect(await call('set_x', { 'x-groups': 'support', 'x-scopes': 'read write' })).toContain('was called')
  expect(await call('set_x', { 'x-groups': 'support' })).not.toContain('was called')
  expect(await call('get_x', { 'x-groups': 'sales' })).not.toContain('was called')
  expect(await call('get_x', {})).not.toContain('was called')
})

promise(['R31'], 'and nobody else can say so: spoofed headers are as if they were not there (R23A, A21)', async () => {
  const idp = await startIssuer()
  closers.push(idp.close)
  const at = await admitting(closers, { trustedHeader, issuers: [{ issuer: idp.issuer }] })
  const spoofed: [string, Record<string, string>][] = [
    ['without a proof', { 'x-user': 'root' }],
    ['with a wrong one', { 'x-user': 'root', 'signalbox-proof': 'a-secret-of-the-front-gatewaY' }],
    ['with one in another header', { 'x-user': 'root', authorization: secret }],
    ['under another spelling', { x_user: 'root', ...front }],
    ['by an address in a header', { 'x-user': 'root', 'x-forwarded-for': '127.0.0.1', forwarded: 'for=127.0.0.1' }],
  ]
  for (const [what, headers] of spoofed) expect([what, await status(at, headers)]).toEqual([what, 401])
  // Beside a good token they change nothing of whom it names.
  const bearer = { authorization: `Bearer ${await idp.sign({ aud: resource, sub: 'bob' })}` }
  const session = await openSession(at.base, { headers: { ...bearer, 'x-user': 'root' } })
  expect((await legacy(at.base, session, 'ping', {}, { headers: bearer })).status).toBe(200)
  expect((await legacy(at.base, session, 'ping', {}, { headers: { ...front, 'x-user': 'root' } })).status).toBe(404)
  // From elsewhere not even the right secret counts.
  const elsewhere = { ...trustedHeader, proof: { from: ['10.0.0.0/8'], sharedSecret: secret } }
  expect(await status(await admitting(closers, { trustedHeader: elsewhere }), { ...front, 'x-user': 'alice' })).toBe(401)
  await expect(admitting(closers, { trustedHeader: { subject: 'X-User', proof: { from: ['10.0.0.0/8'] } } })).rejects.toThrow(
    'prove nothing',
  )
})

test('what is named twice is no request, and what comes as a trailer or after the headers is nothing', async () => {
  const at = await admitting(closers, { trustedHeader })
  const { port } = new URL(at.base)
  const twice = await new Promise((resolve, reject) => {
    const req = request(`${at.base}/mcp`, { method: 'POST' }, (res) => {
      res.resume()
      resolve(res.statusCode)
    })
    req.on('error', reject)
    req.setHeader('signalbox-proof', secret)
    req.setHeader('x-user', ['alice', 'root'])
    req.end('{}')
  })
  expect(twice).toBe(400)
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1')
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk
      socket.end()
    })
    socket.on('close', () => resolve(text))
    socket.on('error', reject)
    socket.write(
      `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nSignalbox-Proof: ${secret}\r\nTransfer-Encoding: chunked\r\nTrailer: X-User\r\nContent-Type: application/json\r\n\r\n2\r\n{}\r\n0\r\nX-User: root\r\n\r\n`,
    )
  })
  expect(answer).toMatch(/^HTTP\/1\.1 401 /)
})

test('tenant: callers of two tenants share nothing', async () => {
  const at = await admitting(closers, { trustedHeader: { ...trustedHeader, tenant: 'X-Tenant' } })
  const as = (tenant: string) => ({ ...front, 'x-user': 'alice', 'x-tenant': tenant })
  const session = await openSession(at.base, { headers: as('acme') })
  const ping = async (tenant: string) => (await legacy(at.base, session, 'ping', {}, { headers: as(tenant) })).status
  expect([await ping('acme'), await ping('globex')]).toEqual([200, 404])
  expect(await status(at, { ...front, 'x-user': 'alice' })).toBe(400)
})

promise(
  ['R31'],
  'the token that it hands on is exchanged for one of the server, at the identity provider, and goes nowhere else',
  async () => {
    const [idp, issuer] = [await testIssuer(systemClock), await testIssuer(systemClock)]
    const issued_token_type = 'urn:ietf:params:oauth:token-type:id-jag'
    idp.bend = () => ({ body: { access_token: 'an-id-jag', issued_token_type, token_type: 'N_A', expires_in: 60 } })
    const server = await startProtected({ issuer: issuer.url, check: (token) => (issuer.isGood(token) ? undefined : 'invalid_token') })
    closers.push(idp.stop, issuer.stop, server.close)
    const login = { type: 'idJag', clientId: 'gateway', clientSecret: 'secret', identityProvider: { issuer: idp.url, clientId: 'gateway' } }
    const discovery = { type: 'principal', iss: 'signalbox:trusted-header', sub: 'alice' }
    const servers = { up: { url: server.url, auth: { ...login, discovery } } }
    const token = { header: 'X-Id-Token', type: 'access_token' }
    const at = await admitting(closers, { trustedHeader: { ...trustedHeader, token } }, { servers })
    expect(server.tokens).toEqual([])
    const alice = { ...front, 'x-user': 'alice', 'x-id-token': 'canary-of-alice' }
    expect(await eventually(async () => (await list(at, alice, '/up')).text.includes('"inputSchema"'))).toBe(true)
    expect(idp.requests.at(0)?.params.get('subject_token')).toBe('canary-of-alice')
    expect(idp.requests.at(0)?.params.get('subject_token_type')).toBe('urn:ietf:params:oauth:token-type:access_token')
    expect(issuer.requests.at(0)?.params.get('assertion')).toBe('an-id-jag')
    const beside = server.seen.flatMap(({ rawHeaders }) => rawHeaders)
    const bodies = issuer.requests.map(({ params }) => params.toString())
    expect([...beside, ...bodies].join()).not.toContain('canary-of-alice')
    // Whoever has no token gets nothing by that of another.
    const tool = /"name":"(\w+)"/.exec((await list(at, alice, '/up')).text)?.[1]
    const call = (headers: Record<string, string>) =>
      modern(at.base, 'tools/call', { name: String(tool), arguments: {} }, { mount: '/up', headers })
    expect((await call({ ...front, 'x-user': 'bob' })).text).toContain('no token that could be exchanged')
  },
)

describe('a header that the gateway in front signs', () => {
  promise(['R30', 'R31'], 'names the caller by what was signed, and by nothing beside it', async () => {
    const front = await startIssuer('RS256')
    const other = await startIssuer('RS256')
    closers.push(front.close, other.close)
    const jwt = { header: 'X-Signed', issuer: front.issuer, jwksUri: front.jwksUri, audience: ['signalbox'], algorithms: ['RS256'] }
    const claims = { subject: 'email', tenant: 'org' }
    const at = await admitting(closers, { trustedHeader: { subject: 'X-User', proof: { from: ['127.0.0.1'], jwt: { ...jwt, claims } } } })
    const signed = (more: Claims = {}, by = front) =>
      by.sign(
        { aud: 'signalbox', sub: undefined, jti: undefined, client_id: undefined, email: 'alice@example', org: 'acme', ...more },
        { typ: 'JWT' },
      )
    const show = async (token: string, more: Record<string, string> = {}) => status(at, { 'x-signed': token, ...more })
    const token = await signed()
    expect([await show(token), await show(token), await show(token, { 'x-user': 'alice@example' })]).toEqual([200, 200, 200])
    const now = Math.floor(Date.now() / 1_000)
    expect(await show(token, { 'x-user': 'root@example' })).toBe(400)
    const wrong: [string, string][] = [
      ['for another audience', await signed({ aud: 'elsewhere' })],
      ['of another issuer', await signed({ iss: 'https://x.example' })],
      ['by another', await signed({ iss: front.issuer }, other)],
      ['expired', await signed({ iat: now - 600, exp: now - 10 })],
      ['without an end', await signed({ exp: undefined })],
      ['about nobody', await signed({ email: undefined })],
      ['of no tenant', await signed({ org: undefined })],
      ['that is none', 'x'],
    ]
    for (const [what, made] of wrong) expect([what, await show(made)]).toEqual([what, 401])
    expect(await status(at, { 'x-user': 'alice@example' })).toBe(401)
    const session = await openSession(at.base, { headers: { 'x-signed': token } })
    const ping = async (made: string) => (await legacy(at.base, session, 'ping', {}, { headers: { 'x-signed': made } })).status
    expect([await ping(token), await ping(await signed({ email: 'bob@example' })), await ping(await signed({ org: 'globex' }))]).toEqual([
      200, 404, 404,
    ])
  })
})
