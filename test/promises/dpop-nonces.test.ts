// Nonces for the proofs of callers (RFC 9449 §8, §9): demanded, taken and replaced, by gateways of one vault alike, and passed by real clients.
import { createHash, randomUUID } from 'node:crypto'
import { Client as ClientV2, StreamableHTTPClientTransport as HttpV2 } from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { calculateJwkThumbprint, decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose'
import * as oidc from 'openid-client'
import { afterEach, expect, test } from 'vitest'
import { password } from '../doubles/authorization/rig.ts'
import { startIssuer } from '../doubles/issuer.ts'
import { Browser } from '../peers/browser.ts'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { client as atServer, startOAuthServer } from '../peers/oauth-server.mjs'
import { modern } from '../peers/raw.ts'
import { plainTool, startScripted } from '../peers/scripted.ts'
import { promise } from './promise.ts'

const open: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

const publicUrl = 'https://mcp.example.com'
const vault = (fill: number) => ({ key: Buffer.alloc(32, fill).toString('base64') })

async function gateway(config: Record<string, unknown>): Promise<UnderTest> {
  const started = await startUnderTest({ servers: {}, ...config })
  open.push(started.stop)
  return started
}

promise(['R14'], 'requireNonce: true takes proofs with a nonce of a gateway of the vault alone, and gives one', async () => {
  const idp = await startIssuer()
  open.push(idp.close)
  const auth = (requireNonce: boolean) => ({ issuers: [{ issuer: idp.issuer }], dpop: { requireNonce } })
  const [one, replica, stranger, plain] = [
    await gateway({ publicUrl, vault: vault(1), auth: auth(true) }),
    await gateway({ publicUrl, vault: vault(1), auth: auth(true) }),
    await gateway({ publicUrl, vault: vault(2), auth: auth(true) }),
    await gateway({ publicUrl, vault: vault(1), auth: auth(false) }),
  ]
  const key = await generateKeyPair('ES256', { extractable: true })
  const jwk = await exportJWK(key.publicKey)
  const resource = `${publicUrl}/mcp`
  const token = await idp.sign({ aud: resource, cnf: { jkt: await calculateJwkThumbprint(jwk) } })
  const ath = createHash('sha256').update(token).digest('base64url')
  const proof = (nonce?: unknown) =>
    new SignJWT({
      jti: randomUUID(),
      htm: 'POST',
      htu: resource,
      iat: Math.floor(Date.now() / 1_000),
      ath,
      ...(nonce === undefined ? {} : { nonce }),
    })
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
      .sign(key.privateKey)
  const list = async (at: UnderTest, nonce?: unknown) =>
    modern(at.base, 'tools/list', {}, { headers: { authorization: `DPoP ${token}`, dpop: await proof(nonce) } })

  const refused = await list(one)
  expect(refused.status).toBe(401)
  expect(String(refused.headers['www-authenticate'])).toMatch(/^DPoP error="use_dpop_nonce".*resource_metadata=".*algs="/)
  const nonce = String(refused.headers['dpop-nonce'])
  const taken = await list(one, nonce)
  // It is young, so there is no other yet.
  expect([taken.status, taken.headers['dpop-nonce']]).toEqual([200, undefined])
  expect((await list(replica, nonce)).status).toBe(200)
  for (const wrong of ['made-up', '', 17, [nonce]]) {
    const again = await list(one, wrong)
    expect([again.status, String(again.headers['www-authenticate'])]).toEqual([401, expect.stringContaining('use_dpop_nonce')])
    expect((await list(one, again.headers['dpop-nonce'])).status).toBe(200)
  }
  const elsewhere = await list(stranger, nonce)
  expect([elsewhere.status, String(elsewhere.headers['www-authenticate'])]).toEqual([401, expect.stringContaining('use_dpop_nonce')])
  // What is wrong with a proof in another way is said first, and no nonce mends it.
  const used = await proof(nonce)
  const headers = { authorization: `DPoP ${token}`, dpop: used }
  expect((await modern(one.base, 'tools/list', {}, { headers })).status).toBe(200)
  const replayed = await modern(one.base, 'tools/list', {}, { headers })
  expect([replayed.status, replayed.headers['dpop-nonce']]).toEqual([401, undefined])
  expect(String(replayed.headers['www-authenticate'])).toContain('invalid_dpop_proof')
  expect((await list(plain)).status).toBe(200)
})

test('a gateway in front of a gateway that demands nonces passes: it is a client that knows them', async () => {
  const issuer = await startOAuthServer()
  open.push(() => issuer.close())
  const server = await startScripted({ tools: [plainTool('echo')] })
  open.push(server.close)
  const inner = await gateway({
    auth: { issuers: [{ issuer: issuer.issuer, dpop: 'required' }], dpop: { requireNonce: true } },
    servers: { up: { url: server.url } },
  })
  const login = {
    type: 'clientCredentials',
    issuer: issuer.issuer,
    clientId: atServer.id,
    clientSecret: atServer.secret,
    clientAuth: 'post',
  }
  const outer = await gateway({ servers: { inner: { url: `${inner.base}/mcp/up`, auth: { ...login, dpop: 'always' } } } })
  for (let i = 0; i < 3; i += 1) {
    const answer = await modern(outer.base, 'tools/call', { name: 'echo', arguments: {} }, { mount: '/inner' })
    expect([answer.status, answer.text]).toEqual([200, expect.not.stringContaining('error')])
  }
  expect(server.count('tools/call')).toBe(3)
})

test('clients of the SDKs whose tokens are bound sign in at the embedded server, call and refresh, where both demand nonces', async () => {
  const server = await startScripted({ tools: [plainTool('echo')] })
  open.push(server.close)
  const started = await gateway({ auth: { callers: ['oauth'], dpop: { requireNonce: true } }, servers: { up: { url: server.url } } })
  const browser = new Browser({ within: started.base })
  await browser.submit(await browser.open(String(await started.running.setupLink())), { name: 'ada', password, again: password })
  const redirectUri = 'http://127.0.0.1:49200/callback'
  const config = await oidc.dynamicClientRegistration(
    new URL(started.base),
    { client_name: 'Bound', redirect_uris: [redirectUri], token_endpoint_auth_method: 'none', dpop_bound_access_tokens: true },
    oidc.None(),
    { execute: [oidc.allowInsecureRequests], algorithm: 'oauth2' },
  )
  const keys = await oidc.randomDPoPKeyPair('ES256')
  const DPoP = oidc.getDPoPHandle(config, keys)
  const verifier = oidc.randomPKCECodeVerifier()
  const resource = `${started.base}/mcp/up`
  const parameters = {
    redirect_uri: redirectUri,
    resource,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  }
  let at = await browser.open(oidc.buildAuthorizationUrl(config, parameters))
  for (let step = 0; step < 3 && at.status !== 0; step += 1) {
    at = await browser.submit(at, /name="password"/.test(at.text) ? { name: 'ada', password } : { answer: 'allow' })
  }
  const given = await oidc.authorizationCodeGrant(config, at.url, { pkceCodeVerifier: verifier }, { resource }, { DPoP })
  const refreshed = await oidc.refreshTokenGrant(config, String(given.refresh_token), { resource }, { DPoP })
  expect([given.token_type, refreshed.token_type]).toEqual(['dpop', 'dpop'])
  expect(decodeJwt(refreshed.access_token).cnf).toEqual({ jkt: await DPoP.calculateThumbprint() })

  const bound = (url: string | URL, init: RequestInit = {}): Promise<Response> =>
    oidc.fetchProtectedResource(
      config,
      refreshed.access_token,
      new URL(url),
      init.method ?? 'GET',
      init.body as string | undefined,
      new Headers(init.headers),
      // A client that has just begun: it knows no nonce of the server.
      { DPoP: oidc.getDPoPHandle(config, keys) },
    )
  const modes = ['legacy', { pin: '2026-07-28' }] as const
  for (const mode of modes) {
    const client = new ClientV2({ name: 'sdk', version: '2.4.0' }, { versionNegotiation: { mode } })
    await client.connect(new HttpV2(new URL(resource), { fetch: bound }))
    expect((await client.callTool({ name: 'echo', arguments: {} })).isError).not.toBe(true)
    await client.close()
  }
  const older = new ClientV1({ name: 'sdk', version: '1.32.2' })
  await older.connect(new HttpV1(new URL(resource), { fetch: bound }) as never)
  expect((await older.callTool({ name: 'echo', arguments: {} })).isError).not.toBe(true)
  await older.close()
})
