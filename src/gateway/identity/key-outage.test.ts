// An issuer whose keys cannot be fetched, and whose key is stolen meanwhile (A14).

import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { callersOf } from '../../../test/doubles/callers.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import type { GuardedFetch } from '../../core/ports/guarded-fetch.ts'

const issuer = 'https://idp.example'

async function key(kid: string) {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256' } }
}

async function setting() {
  const clock = new ManualClock()
  const [stolen, next] = [await key('stolen'), await key('next')]
  const at = { down: false, published: [stolen] }
  const fetch: GuardedFetch = async () => {
    if (at.down) throw new TypeError('fetch failed')
    return new Response(JSON.stringify({ keys: at.published.map(({ jwk }) => jwk) }))
  }
  const callers = callersOf(clock, { issuers: [{ issuer, jwksUri: `${issuer}/jwks` }] }, fetch, { profile: 'production' })
  const sign = (sub: string, by = stolen) => {
    const iat = Math.floor(clock.now() / 1_000)
    return new SignJWT({ iss: issuer, sub, aud: 'https://gw.example/mcp', client_id: 'c', jti: sub, iat, exp: iat + 3_600 })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: by.kid })
      .sign(by.privateKey)
  }
  /** The subject who is let in, or the kind of the fault. */
  const show = async (token: string): Promise<string> => {
    const identified = await callers.identify({
      transport: 'http',
      mount: '',
      verb: 'POST',
      path: '/mcp',
      headers: new Map([['authorization', [`Bearer ${token}`]]]),
      certificate: undefined,
      stepsUp: false,
      remoteAddress: '192.0.2.1',
    })
    if ('principal' in identified) return identified.principal.sub
    const { kind, entry, retryAfterMs, challenge = '' } = identified.fault
    return `${entry.status} ${kind} ${retryAfterMs ?? /error="([a-z_]+)"/.exec(challenge)?.[1] ?? ''}`
  }
  return { clock, at, stolen, next, sign, show }
}

const nobodyCanSay = '503 identity_unavailable 5000'
const refused = '401 unauthenticated invalid_token'

describe('an issuer whose keys cannot be fetched, and whose key was stolen (A14)', () => {
  it('is known by its keys for an hour; then nobody of it is let in, with whatever token, and none is told to be bad', async () => {
    const { clock, at, sign, show } = await setting()
    const honest = await sign('alice')
    expect(await show(honest)).toBe('alice')
    at.down = true
    await clock.advance(600_000)
    // It is within this hour that an issuer which cannot be reached cannot take a key back.
    expect([await show(honest), await show(await sign('mallory'))]).toEqual(['alice', 'mallory'])
    await clock.advance(2_999_999)
    const [late, forged] = [await sign('late'), await sign('mallory')]
    expect(await show(late)).toBe('late')
    await clock.advance(1)
    expect([await show(forged), await show(await sign('bob'))]).toEqual([nobodyCanSay, nobodyCanSay])
    // What was found a moment before its end is used for a minute, and no longer.
    expect(await show(late)).toBe('late')
    await clock.advance(60_000)
    expect([await show(late), await show(forged)]).toEqual([nobodyCanSay, nobodyCanSay])
  })

  it('says that the key is taken back as soon as it can: then the token is bad, and one by the next key is good', async () => {
    const { clock, at, next, sign, show } = await setting()
    const forged = await sign('mallory')
    expect(await show(forged)).toBe('mallory')
    at.down = true
    await clock.advance(3_600_000)
    expect(await show(await sign('mallory'))).toBe(nobodyCanSay)
    at.down = false
    at.published = [next]
    await clock.advance(5_000)
    expect([await show(await sign('mallory')), await show(await sign('alice', next))]).toEqual([refused, 'alice'])
  })

  it('may sign with a key that nobody here knows yet: that is not called bad, and those who are known stay', async () => {
    const { clock, at, sign, show, next } = await setting()
    expect(await show(await sign('alice'))).toBe('alice')
    at.down = true
    await clock.advance(600_000)
    const early = await sign('early', next)
    expect([await show(early), await show(await sign('bob'))]).toEqual([nobodyCanSay, 'bob'])
    at.down = false
    await clock.advance(5_000)
    expect(await show(early)).toBe(refused)
    at.published = [next]
    await clock.advance(5_000)
    expect(await show(early)).toBe('early')
  })
})
