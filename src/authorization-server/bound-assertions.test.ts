// Tokens that are issued for identity assertions are bound to the key of the client that shows one (DPoP, RFC 9449 §5), with nonces where they
// are demanded (§8).
import { randomUUID } from 'node:crypto'
import { calculateJwkThumbprint, decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterEach, describe, expect, it } from 'vitest'
import { startIdentityProvider } from '../../test/doubles/authorization/identity-provider.ts'
import { type Rig, type RigOptions, startRig } from '../../test/doubles/authorization/rig.ts'

const grant = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

const open: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

async function aKey() {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = await exportJWK(publicKey)
  const proof = (htu: string, claims: Record<string, unknown> = {}, by = privateKey) =>
    new SignJWT({ jti: randomUUID(), htm: 'POST', htu, iat: Math.floor(Date.now() / 1_000), ...claims })
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
      .sign(by)
  return { privateKey, jkt: await calculateJwkThumbprint(jwk), proof }
}

async function setting(options: RigOptions = {}, metadata: Record<string, unknown> = {}) {
  const idp = await startIdentityProvider()
  const rig = await startRig({ settings: { idJag: [{ issuer: idp.issuer }] }, ...options })
  open.push(rig.close, idp.close)
  const { status, body } = await rig.register({
    client_name: 'Agent',
    redirect_uris: [],
    response_types: [],
    grant_types: [grant],
    ...metadata,
  })
  expect(status).toBe(201)
  const basic = `Basic ${Buffer.from(`${String(body.client_id)}:${String(body.client_secret)}`).toString('base64')}`
  const assertion = () => idp.assertion({ aud: rig.base, client_id: body.client_id })
  const ask = (shown: string, proof?: string, at: Rig = rig) =>
    at.token({ grant_type: grant, assertion: shown }, { authorization: basic, ...(proof === undefined ? {} : { dpop: proof }) })
  return { idp, rig, assertion, ask, key: await aKey(), endpoint: `${rig.base}/oauth/token` }
}

describe('a token for an identity assertion', () => {
  it('is bound to the key of the proof, and to none where there is no proof', async () => {
    const { assertion, ask, key, endpoint } = await setting()
    const bound = await ask(await assertion(), await key.proof(endpoint))
    expect([bound.status, bound.body.token_type]).toEqual([200, 'DPoP'])
    expect(decodeJwt(String(bound.body.access_token)).cnf).toEqual({ jkt: key.jkt })
    const bearer = await ask(await assertion())
    expect([bearer.status, bearer.body.token_type]).toEqual([200, 'Bearer'])
    expect(decodeJwt(String(bearer.body.access_token)).cnf).toBeUndefined()
  })

  it('is not given for a proof that is not good, nor twice for one; and the assertion is good still', async () => {
    const { assertion, ask, key, endpoint } = await setting()
    const other = await aKey()
    const shown = await assertion()
    const wrong: [string, string][] = [
      ['for another address', await key.proof('https://elsewhere.example/oauth/token')],
      ['for another method', await key.proof(endpoint, { htm: 'GET' })],
      ['that is old', await key.proof(endpoint, { iat: 1_000 })],
      ['that another key signed', await key.proof(endpoint, {}, other.privateKey)],
      ['without an id', await key.proof(endpoint, { jti: undefined })],
      ['that is none', 'x.y.z'],
    ]
    for (const [what, proof] of wrong) {
      const { status, body } = await ask(shown, proof)
      expect([what, status, body.error]).toEqual([what, 400, 'invalid_dpop_proof'])
    }
    const once = await key.proof(endpoint)
    expect((await ask(shown, once)).status).toBe(200)
    const again = await ask(await assertion(), once)
    expect([again.status, again.body.error]).toEqual([400, 'invalid_grant'])
  })

  it('is given to a client that registered for bound tokens with a proof alone', async () => {
    const { assertion, ask, key, endpoint } = await setting({}, { dpop_bound_access_tokens: true })
    const shown = await assertion()
    expect((await ask(shown)).body.error).toBe('invalid_grant')
    expect((await ask(shown, await key.proof(endpoint))).body.token_type).toBe('DPoP')
  })

  it('needs a nonce where they are demanded, which every gateway of the store takes and the assertion outlives', async () => {
    const { idp, rig, assertion, ask, key, endpoint } = await setting({ requireDpopNonce: true })
    const shown = await assertion()
    const refused = await ask(shown, await key.proof(endpoint))
    expect([refused.status, refused.body.error]).toEqual([400, 'use_dpop_nonce'])
    const nonce = String(refused.headers.get('dpop-nonce'))
    const madeUp = await ask(shown, await key.proof(endpoint, { nonce: 'made-up' }))
    expect([madeUp.body.error, madeUp.headers.has('dpop-nonce')]).toEqual(['use_dpop_nonce', true])
    expect((await ask(shown, await key.proof(endpoint, { nonce }))).status).toBe(200)
    const replica = await startRig({
      settings: { idJag: [{ issuer: idp.issuer }] },
      requireDpopNonce: true,
      publicUrl: rig.base,
      like: rig,
    })
    open.push(replica.close)
    expect((await ask(await assertion(), await key.proof(endpoint, { nonce }), replica)).status).toBe(200)
    // A token that is bound to nothing needs no proof and no nonce.
    expect((await ask(await assertion())).body.token_type).toBe('Bearer')
  })
})
