// The nonces of a caller's proofs as time goes on: the next one comes before the last one ends.
import { createHash, randomUUID } from 'node:crypto'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { expect, it } from 'vitest'
import { keptDecisions } from '../../../test/doubles/decisions.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { silentReport } from '../../../test/doubles/report.ts'
import { publicAddress } from '../../core/ports/public-address.ts'
import { createIssuers } from '../../platform/issuers/issuers.ts'
import { systemRandom } from '../../platform/random/system-random.ts'
import { createMemoryEphemeral } from '../../platform/store/memory/ephemeral.ts'
import { createVault } from '../../platform/vault/envelope.ts'
import { createCallers, noScopes } from './callers.ts'
import { createNonces } from './nonces.ts'
import { callerSettings } from './settings.ts'

const issuer = 'https://idp.example'
const resource = 'https://gw.example/mcp'

it('a caller who takes the nonce of each answer is never turned away, and one who keeps the first is told the next', async () => {
  const clock = new ManualClock()
  const [signing, own] = [await generateKeyPair('ES256', { extractable: true }), await generateKeyPair('ES256', { extractable: true })]
  const published = { ...(await exportJWK(signing.publicKey)), kid: 'one', alg: 'ES256' }
  const fetch = async () => new Response(JSON.stringify({ keys: [published] }))
  const callers = createCallers({
    settings: callerSettings.parse({ issuers: [{ issuer, jwksUri: `${issuer}/jwks` }] }),
    profile: 'dev',
    address: publicAddress(() => 'https://gw.example'),
    fetch,
    issuers: createIssuers({ fetch, clock, report: silentReport }),
    ephemeral: createMemoryEphemeral(clock, silentReport),
    nonces: createNonces(createVault([Buffer.alloc(32, 1)], systemRandom), clock),
    clock,
    report: silentReport,
    decisions: keptDecisions(),
    scopes: noScopes,
    apiKeys: {} as never,
    revocations: { add: async () => undefined, list: async () => [] },
  })
  const seconds = () => Math.floor(clock.now() / 1_000)
  const jwk = await exportJWK(own.publicKey)
  const cnf = { jkt: await calculateJwkThumbprint(jwk) }
  const token = await new SignJWT({
    iss: issuer,
    sub: 'alice',
    aud: resource,
    client_id: 'c',
    jti: 'j',
    iat: seconds(),
    exp: seconds() + 3_600,
    cnf,
  })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'one' })
    .sign(signing.privateKey)
  const ath = createHash('sha256').update(token).digest('base64url')
  const show = async (nonce: string | undefined) => {
    const claims = { jti: randomUUID(), htm: 'POST', htu: resource, iat: seconds(), ath, ...(nonce === undefined ? {} : { nonce }) }
    const proof = await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk }).sign(own.privateKey)
    const identified = await callers.identify({
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
    })
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
