// Certificates of clients, over a real TLS connection: the gateway in front is known by its own, and a token that is bound to one is worth nothing
// without it.
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Authority, type Certificate, hasOpenssl, makeAuthority } from '../chaos/tls-front.ts'
import { startIssuer, type TestIssuer } from '../doubles/issuer.ts'
import { admitting, type Closers, resource } from '../peers/admitting.ts'
import type { UnderTest } from '../peers/gateway.ts'
import { promise } from './promise.ts'

const closers: Closers = []
let authority: Authority
let idp: TestIssuer
let at: UnderTest

beforeAll(async () => {
  // Without it nothing of this can be shown, and none of the tests runs.
  expect(hasOpenssl()).toBe(true)
  authority = makeAuthority()
  idp = await startIssuer()
  closers.push(async () => authority.remove(), idp.close)
  const tls = { cert: authority.good.cert, key: authority.good.key, clientCa: readFileSync(authority.file, 'utf8') }
  const trustedHeader = { subject: 'X-User', proof: { from: ['127.0.0.1'], mtlsSan: 'elsewhere.example' } }
  at = await admitting(closers, { trustedHeader, issuers: [{ issuer: idp.issuer }] }, { tls })
})
afterAll(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** The status of a request over a connection of its own. */
function show(headers: Record<string, string>, own: Certificate | undefined): Promise<number | undefined> {
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
  })
  return new Promise((resolve, reject) => {
    const req = request(
      `${at.base.replace('http:', 'https:')}/mcp`,
      {
        method: 'POST',
        agent: false,
        ca: readFileSync(authority.file),
        ...(own ?? {}),
        headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
      },
      (res) => {
        res.resume()
        resolve(res.statusCode)
      },
    )
    req.on('error', reject)
    req.end(body)
  })
}

promise(['R31', 'R30'], 'the gateway in front is known by its certificate, and whoever shows another, or none, is nobody', async () => {
  const front = authority.wrongHost
  expect(await show({ 'x-user': 'alice' }, front)).toBe(200)
  expect(await show({}, front)).toBe(401)
  expect(await show({ 'x-user': 'alice' }, undefined)).toBe(401)
  expect(await show({ 'x-user': 'alice' }, authority.good)).toBe(401)
  expect(await show({ 'x-user': 'alice' }, authority.foreign)).toBe(401)
  expect(await show({ 'x-user': 'alice' }, authority.selfSigned)).toBe(401)
})

test('a token that is bound to a certificate (RFC 8705) is good with that one alone', async () => {
  const own = authority.good
  const thumbprint = Buffer.from(new X509Certificate(own.cert).fingerprint256.replaceAll(':', ''), 'hex').toString('base64url')
  const bearer = { authorization: `Bearer ${await idp.sign({ aud: resource, cnf: { 'x5t#S256': thumbprint } })}` }
  for (let i = 0; i < 2; i += 1)
    expect([await show(bearer, own), await show(bearer, authority.wrongHost), await show(bearer, undefined)]).toEqual([200, 401, 401])
})
