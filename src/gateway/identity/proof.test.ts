// Proofs of callers as requests follow each other: what is asked for again with each, and what is not.

import { createHash, randomUUID } from 'node:crypto'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { expect, it } from 'vitest'
import { callersOf } from '../../../test/doubles/callers.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import type { Presented } from '../../core/ports/gateway.ts'
import { systemRandom } from '../../platform/random/system-random.ts'
import { createVault } from '../../platform/vault/envelope.ts'
import { createNonces } from './nonces.ts'

const issuer = 'https://idp.example'
const resource = 'https://gw.example/mcp'

/** A client with a key, whose token `jkt` is bound to. */
async function aClient(clock: ManualClock) {
  const own = await generateKeyPair('ES256', { extractable: true })
  const jwk = await exportJWK(own.publicKey)
  return {
    jkt: await calculateJwkThumbprint(jwk),
    /** A request with a proof of its own. */
    request: async (token: string, claims: Record<string, unknown> = {}): Promise<Presented> => {
      const ath = createHash('sha256').update(token).digest('base64url')
      const iat = Math.floor(clock.now() / 1_000)
      const proof = await new SignJWT({ jti: randomUUID(), htm: 'POST', htu: resource, iat, ath, ...claims })
        .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
        .sign(own.privateKey)
      return {
        transport: 'http',
        mount: '',
        verb: 'POST',
        path: '/mcp',
        headers: new Map([
          ['authorization', [`DPoP ${token}`]],
          ['dpop', [proof]],
        ]),
        certificate: undefined,
        stepsUp: false,
        remoteAddress: '192.0.2.1',
      }
    },
  }
}

it('an issuer is asked about a bound token as often as about another, while each request shows the key', async () => {
  const clock = new ManualClock()
  const client = await aClient(clock)
  let asked = 0
  const fetch = async () => {
    asked += 1
    const exp = Math.floor(clock.now() / 1_000) + 3_600
    return new Response(JSON.stringify({ active: true, sub: 'alice', aud: resource, exp, cnf: { jkt: client.jkt } }))
  }
  const introspection = [{ issuer, endpoint: `${issuer}/introspect`, client: { id: 'gw', secret: 's' } }]
  const callers = callersOf(clock, { introspection }, fetch)
  const taken = async (of: Promise<Presented>) => 'principal' in (await callers.identify(await of))
  const thief = await aClient(clock)
  for (let i = 0; i < 3; i += 1) {
    expect(await taken(client.request('opaque'))).toBe(true)
    expect(await taken(thief.request('opaque'))).toBe(false)
    expect(await taken(client.request('opaque', { htm: 'GET' }))).toBe(false)
  }
  const once = await client.request('opaque')
  expect([await taken(Promise.resolve(once)), await taken(Promise.resolve(once)), asked]).toEqual([true, false, 1])
  await clock.advance(30_000)
  expect([await taken(client.request('opaque')), asked]).toEqual([true, 2])
})

it('a caller who takes the nonce of each answer is never turned away, and one who keeps the first is told the next', async () => {
  const clock = new ManualClock()
  const client = await aClient(clock)
  const signing = await generateKeyPair('ES256', { extractable: true })
  const published = { ...(await exportJWK(signing.publicKey)), kid: 'one', alg: 'ES256' }
  const nonces = createNonces(createVault([Buffer.alloc(32, 1)], systemRandom), clock)
  const fetch = async () => new Response(JSON.stringify({ keys: [published] }))
  const callers = callersOf(clock, { issuers: [{ issuer, jwksUri: `${issuer}/jwks` }] }, fetch, { nonces })
  const iat = Math.floor(clock.now() / 1_000)
  const claims = { iss: issuer, sub: 'alice', aud: resource, client_id: 'c', jti: 'j', iat, exp: iat + 3_600, cnf: { jkt: client.jkt } }
  const token = await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'one' }).sign(signing.privateKey)
  const show = async (nonce: string | undefined) => {
    const identified = await callers.identify(await client.request(token, nonce === undefined ? {} : { nonce }))
    return { taken: 'principal' in identified, next: identified.dpopNonce }
  }
  const first = await show(undefined)
  expect(first).toEqual({ taken: false, next: expect.any(String) })
  let kept = first.next
  const given: unknown[] = []
  for (let minute = 0; minute < 30; minute += 1) {
    const { taken, next } = await show(kept)
    expect([minute, taken]).toEqual([minute, true])
    if (next !== undefined) given.push(next)
    kept = next ?? kept
    await clock.advance(60_000)
  }
  expect(given.length).toBe(9)
  const late = await show(first.next)
  expect(late).toEqual({ taken: false, next: expect.any(String) })
  expect((await show(late.next)).taken).toBe(true)
})
