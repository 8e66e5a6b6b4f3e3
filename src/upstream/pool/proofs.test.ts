// Proofs of possession on the wire: one for each request, with the nonce that the server wants, and a request that it refused for the nonce
// alone goes once more, unseen.
import { createHash } from 'node:crypto'
import { decodeProtectedHeader, EmbeddedJWK, exportJWK, generateKeyPair, type JWTPayload, jwtVerify } from 'jose'
import { expect, onTestFinished, test } from 'vitest'
import { aPrincipal } from '../../../test/doubles/principal.ts'
import { upstreamAt } from '../../../test/doubles/upstream/for-one-test.ts'
import { modernServer, type Request, scripted } from '../../../test/doubles/upstream/scripted-http.ts'
import { makeCall, send } from '../../../test/doubles/upstream/upstream-rig.ts'
import type { Credentials } from '../../core/ports/credentials.ts'
import { proofOf } from '../../gateway/credentials/dpop.ts'
import { systemClock } from '../../platform/clock/system-clock.ts'
import { systemRandom } from '../../platform/random/system-random.ts'

test('each request has a proof of its own for address, method and token; a nonce that the server asks for is in the next one', async () => {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const proof = proofOf({ ...(await exportJWK(privateKey)) }, 'the token', systemClock, systemRandom)
  const credentials: Credentials = {
    forCaller: () => ({ id: 'bound', headers: () => ({ authorization: 'DPoP the token' }), proof, reject: () => false }),
    forDiscovery: () => ({ id: 'bound', headers: () => ({ authorization: 'DPoP the token' }), proof, reject: () => false }),
  }
  const proofs: JWTPayload[] = []
  const seen = new Set<unknown>()
  const check = async ({ headers, verb }: Request, url: string): Promise<boolean> => {
    const text = String(headers.dpop)
    const { payload } = await jwtVerify(text, EmbeddedJWK, { typ: 'dpop+jwt' })
    proofs.push(payload)
    expect(decodeProtectedHeader(text)).not.toHaveProperty('jwk.d')
    expect(payload).toMatchObject({ htm: verb, htu: url, ath: createHash('sha256').update('the token').digest('base64url') })
    expect(seen.has(payload.jti)).toBe(false)
    seen.add(payload.jti)
    return payload.nonce === 'n1'
  }
  const server = await scripted(async (request) => {
    const good = await check(request, server.url)
    if (good) return (await script(request)) as never
    return { status: 401, headers: { 'dpop-nonce': 'n1', 'www-authenticate': 'DPoP error="use_dpop_nonce"' } }
  })
  const script = modernServer(() => undefined) as (request: Request) => unknown
  onTestFinished(() => server.stop())
  const made = upstreamAt({ url: server.url }, { credentials })
  for (let i = 0; i < 3; i += 1) {
    expect((await send(made.upstream, makeCall('tools/call', { name: 'echo' }, { principal: aPrincipal(), affinity: 's' }))).kind).toBe(
      'complete',
    )
  }
  // One was refused for the nonce, and all after it had it.
  expect(proofs.filter(({ nonce }) => nonce === undefined)).toHaveLength(1)
  expect(proofs.length).toBeGreaterThanOrEqual(5)
})
