// What the keys of `auth` change, each shown at the real gateway.

import { createHash, randomUUID } from 'node:crypto'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterEach, describe, expect, test } from 'vitest'
import { startIssuer, type TestIssuer } from '../doubles/issuer.ts'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { eventually } from '../peers/processes.ts'
import { legacy, modern, openSession } from '../peers/raw.ts'
import { promise } from './promise.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const publicUrl = 'https://mcp.example.com'
const resource = `${publicUrl}/mcp`

async function issuer(alg?: 'ES256' | 'RS256' | 'EdDSA'): Promise<TestIssuer> {
  const started = await startIssuer(alg)
  closers.push(started.close)
  return started
}

async function gateway(auth: Record<string, unknown>, more: Record<string, unknown> = {}): Promise<UnderTest> {
  const started = await startUnderTest({ publicUrl, auth, servers: {}, ...more })
  closers.push(started.stop)
  return started
}

const list = async (at: UnderTest, headers: Record<string, string>) => modern(at.base, 'tools/list', {}, { headers })
const status = async (at: UnderTest, token: string) => (await list(at, { authorization: `Bearer ${token}` })).status

describe('auth.callers', () => {
  test('is by default what the rest sets up', async () => {
    const { issuer: name } = await issuer()
    expect((await list(await gateway({}), {})).status).toBe(200)
    expect((await list(await gateway({ issuers: [{ issuer: name }] }), {})).status).toBe(401)
  })

  test('callers: [oauth, anonymous] lets in who shows nothing, and not who shows something wrong', async () => {
    const idp = await issuer()
    const at = await gateway({ callers: ['oauth', 'anonymous'], issuers: [{ issuer: idp.issuer }] })
    expect((await list(at, {})).status).toBe(200)
    expect(await status(at, await idp.sign({ aud: resource }))).toBe(200)
    expect(await status(at, await idp.sign({ aud: 'https://elsewhere.example' }))).toBe(401)
  })
})

describe('auth.issuers', () => {
  test('issuer and jwksUri: keys by the metadata, or by their address', async () => {
    const idp = await issuer()
    const token = await idp.sign({ aud: resource })
    expect(await status(await gateway({ issuers: [{ issuer: idp.issuer }] }), token)).toBe(200)
    expect(await status(await gateway({ issuers: [{ issuer: idp.issuer, jwksUri: idp.jwksUri }] }), token)).toBe(200)
    const nowhere = await gateway({ issuers: [{ issuer: idp.issuer, jwksUri: `${idp.issuer}/none` }] })
    expect(await status(nowhere, token)).toBe(503)
  })

  test('several issuers: a token counts for the one that it names', async () => {
    const [one, two] = [await issuer(), await issuer('RS256')]
    const at = await gateway({ issuers: [{ issuer: one.issuer }, { issuer: two.issuer }] })
    expect(await status(at, await one.sign({ aud: resource }))).toBe(200)
    expect(await status(at, await two.sign({ aud: resource }))).toBe(200)
    expect(await status(at, await two.sign({ aud: resource, iss: one.issuer }))).toBe(401)
  })

  test('audience: tokens of issuers that know no resources', async () => {
    const idp = await issuer()
    const token = await idp.sign({ aud: ['api://signalbox', 'other'] })
    expect(await status(await gateway({ issuers: [{ issuer: idp.issuer }] }), token)).toBe(401)
    expect(await status(await gateway({ issuers: [{ issuer: idp.issuer, audience: 'api://signalbox' }] }), token)).toBe(200)
  })

  test('algorithms: others are refused', async () => {
    const idp = await issuer('EdDSA')
    const token = await idp.sign({ aud: resource })
    expect(await status(await gateway({ issuers: [{ issuer: idp.issuer }] }), token)).toBe(200)
    expect(await status(await gateway({ issuers: [{ issuer: idp.issuer, algorithms: ['ES256'] }] }), token)).toBe(401)
  })

  test('requireTyp: false takes tokens that are not marked, and still no ID token', async () => {
    const idp = await issuer()
    const at = await gateway({ issuers: [{ issuer: idp.issuer, requireTyp: false }] })
    const token = (more: Record<string, unknown>, header = {}) =>
      idp.sign({ aud: resource, jti: undefined, client_id: undefined, ...more }, { typ: 'JWT', ...header })
    expect(await status(at, await token({}))).toBe(200)
    for (const more of [{ nonce: 'n' }, { at_hash: 'h' }, { typ: 'ID' }, { typ: 'Refresh' }, { events: {} }]) {
      expect(await status(at, await token(more)), JSON.stringify(more)).toBe(401)
    }
    expect(await status(at, await token({}, { typ: 'logout+jwt' }))).toBe(401)
  })

  test('claims: tenant keeps callers apart though subject and issuer are the same', async () => {
    const idp = await issuer()
    const at = await gateway({ issuers: [{ issuer: idp.issuer, claims: { tenant: 'org.id' } }] })
    const of = async (id: string | undefined) => ({ authorization: `Bearer ${await idp.sign({ aud: resource, org: { id } })}` })
    const session = await openSession(at.base, { headers: await of('acme') })
    const ping = async (id: string | undefined) => (await legacy(at.base, session, 'ping', {}, { headers: await of(id) })).status
    expect([await ping('acme'), await ping('globex'), await ping(undefined)]).toEqual([200, 404, 401])
  })
})

promise(['R14'], 'maxTokenLifetime: a token that lives longer is refused in the production profile', async () => {
  const idp = await issuer()
  const auth = { issuers: [{ issuer: idp.issuer }], maxTokenLifetime: '10m' }
  const now = Math.floor(Date.now() / 1_000)
  const [short, long] = [
    await idp.sign({ aud: resource, exp: now + 600, iat: now }),
    await idp.sign({ aud: resource, exp: now + 660, iat: now }),
  ]
  const dev = await gateway(auth)
  expect([await status(dev, short), await status(dev, long)]).toEqual([200, 200])
  const production = await gateway(auth, { profile: 'production' })
  expect([await status(production, short), await status(production, long)]).toEqual([200, 401])
})

promise(['R32'], 'a key that the issuer has just begun to sign with is taken within seconds (A13)', async () => {
  const idp = await issuer()
  const at = await gateway({ issuers: [{ issuer: idp.issuer }] })
  expect(await status(at, await idp.sign({ aud: resource }))).toBe(200)
  await idp.rotate()
  const fresh = await idp.sign({ aud: resource, jti: 'fresh' })
  expect(await eventually(async () => (await status(at, fresh)) === 200)).toBe(true)
  expect(await status(at, await other(idp))).toBe(401)
})

/** Signed with a key that the issuer never had. */
async function other(idp: TestIssuer): Promise<string> {
  const stranger = await issuer()
  return stranger.sign({ iss: idp.issuer, aud: resource })
}

describe('DPoP (RFC 9449)', () => {
  async function setting(dpop: 'optional' | 'required') {
    const idp = await issuer()
    const at = await gateway({ issuers: [{ issuer: idp.issuer, dpop }] })
    const key = await generateKeyPair('ES256', { extractable: true })
    const jwk = await exportJWK(key.publicKey)
    const token = await idp.sign({ aud: resource, cnf: { jkt: await calculateJwkThumbprint(jwk) } })
    const ath = (of: string) => createHash('sha256').update(of).digest('base64url')
    const proof = (claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}, by = key) =>
      new SignJWT({ jti: randomUUID(), htm: 'POST', htu: resource, iat: Math.floor(Date.now() / 1_000), ath: ath(token), ...claims })
        .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk, ...header })
        .sign(by.privateKey)
    const call = async (made: string | undefined, scheme = 'DPoP') =>
      list(at, { authorization: `${scheme} ${token}`, ...(made === undefined ? {} : { dpop: made }) })
    return { idp, at, key, jwk, token, proof, call }
  }

  test('a bound token is taken with a proof for this request, each time with another', async () => {
    const { proof, call } = await setting('optional')
    for (let i = 0; i < 2; i += 1) expect((await call(await proof())).status).toBe(200)
    expect((await call(await proof({ htu: `${resource}?a=b#c` }))).status).toBe(200)
  })

  test('and with none that was stolen, made for something else, or made by somebody else', async () => {
    const { proof, call, jwk } = await setting('optional')
    const used = await proof()
    expect((await call(used)).status).toBe(200)
    const foreign = await generateKeyPair('ES256', { extractable: true })
    const now = Math.floor(Date.now() / 1_000)
    const wrong: [string, string | undefined][] = [
      ['used before', used],
      ['none', undefined],
      ['for another method', await proof({ htm: 'GET' })],
      ['for another address', await proof({ htu: `${resource}/up` })],
      ['for another host', await proof({ htu: 'https://evil.example/mcp' })],
      ['for another token', await proof({ ath: 'x' })],
      ['without a token', await proof({ ath: undefined })],
      ['old', await proof({ iat: now - 120 })],
      ['of the future', await proof({ iat: now + 120 })],
      ['without an id', await proof({ jti: undefined })],
      ['of another type', await proof({}, { typ: 'JWT' })],
      ['signed by another key than it shows', await proof({}, {}, foreign)],
      ['of another key', await proof({}, { jwk: await exportJWK(foreign.publicKey) }, foreign)],
      ['with its private key', await proof({}, { jwk: { ...jwk, d: 'AAAA' } })],
      ['that is none', 'x.y.z'],
    ]
    for (const [what, made] of wrong) {
      const { status: got, headers } = await call(made)
      expect([what, got], what).toEqual([what, 401])
      expect(String(headers['www-authenticate'])).toMatch(/^DPoP error="invalid_dpop_proof".*algs="/)
    }
    const downgraded = await call(await proof(), 'Bearer')
    expect([downgraded.status, String(downgraded.headers['www-authenticate'])]).toEqual([401, expect.stringContaining('scheme DPoP')])
  })

  test('dpop: required refuses tokens that are bound to nothing, and says so to who shows none', async () => {
    const { idp, at, proof, call } = await setting('required')
    expect((await call(await proof())).status).toBe(200)
    expect(await status(at, await idp.sign({ aud: resource }))).toBe(401)
    expect(String((await list(at, {})).headers['www-authenticate'])).toMatch(/^DPoP resource_metadata="/)
    const optional = await setting('optional')
    expect(await status(optional.at, await optional.idp.sign({ aud: resource }))).toBe(200)
    expect((await list(optional.at, { authorization: `DPoP ${await optional.idp.sign({ aud: resource })}` })).status).toBe(401)
  })
})
