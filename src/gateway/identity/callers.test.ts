import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { callersOf } from '../../../test/doubles/callers.ts'
import { keptDecisions } from '../../../test/doubles/decisions.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { principalKey } from '../../core/call/principal.ts'
import { subjectTokenOf } from '../../core/call/subject-token.ts'
import type { Identified, Presented } from '../../core/ports/gateway.ts'
import type { GuardedFetch } from '../../core/ports/guarded-fetch.ts'

const issuer = 'https://idp.example'
const key = `sbx_0123456789abcdef_${'k'.repeat(43)}`
const kept = { tenant: 'default', id: '0123456789abcdef', subject: 'bot', scopes: [], groups: [], madeMs: 0, expiresMs: 2_000_000_000_000 }

async function setting() {
  const clock = new ManualClock()
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256' }
  const fetch: GuardedFetch = async () => new Response(JSON.stringify({ keys: [jwk] }))
  const decisions = keptDecisions()
  const apiKeys = { find: async (shown: string) => (shown === key ? kept : undefined), used: async () => undefined } as never
  const auth = { apiKeys: {}, issuers: [{ issuer, jwksUri: `${issuer}/jwks` }] }
  const callers = callersOf(clock, auth, fetch, { decisions, apiKeys })
  const now = clock.now() / 1_000
  const token = (claims: Record<string, unknown> = {}) =>
    new SignJWT({ iss: issuer, sub: 'alice', aud: 'https://gw.example/mcp', client_id: 'c', jti: 'j', iat: now, exp: now + 300, ...claims })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'one' })
      .sign(privateKey)
  const show = (bearer: string): Identified | Promise<Identified> => callers.identify(presented(bearer))
  return { clock, callers, decisions, token, show }
}

function presented(bearer: string): Presented {
  return {
    transport: 'http',
    mount: '',
    verb: 'POST',
    path: '/mcp',
    headers: new Map([['authorization', [`Bearer ${bearer}`]]]),
    certificate: undefined,
    stepsUp: false,
    remoteAddress: '192.0.2.1',
  }
}

const principalIn = (identified: Identified) => {
  if ('fault' in identified) throw new Error(identified.fault.message)
  return identified.principal
}

describe('a credential that was checked', () => {
  it('is known at once the next time, as the same principal, and checked anew after a minute', async () => {
    const { clock, token, show } = await setting()
    const bearer = await token()
    const first = principalIn(await show(bearer))
    const again = show(bearer)
    expect(again).not.toBeInstanceOf(Promise)
    expect(principalIn(again as Identified)).toBe(first)
    await clock.advance(59_999)
    expect(show(bearer)).not.toBeInstanceOf(Promise)
    await clock.advance(1)
    const later = show(bearer)
    expect(later).toBeInstanceOf(Promise)
    // What is kept by principal is found again.
    expect(principalIn(await later)).toBe(first)
  })

  it('is worth nothing from its end on, however often it was shown before', async () => {
    const { clock, token, show } = await setting()
    const bearer = await token({ exp: clock.now() / 1_000 + 30 })
    expect(principalIn(await show(bearer)).expiresAt).toBe(clock.now() + 35_000)
    await clock.advance(34_999)
    expect(principalIn(show(bearer) as Identified).sub).toBe('alice')
    await clock.advance(1)
    expect(await show(bearer)).toMatchObject({ fault: { kind: 'unauthenticated', detail: { reason: expect.stringContaining('expired') } } })
  })

  it('is checked once for those who show it at the same time, and noted once', async () => {
    const { token, show, decisions } = await setting()
    const bearer = await token()
    const all = await Promise.all(Array.from({ length: 20 }, () => show(bearer)))
    expect(new Set(all.map(principalIn)).size).toBe(1)
    expect(decisions.all).toMatchObject([{ about: 'authenticate', allowed: true, credential: 'j', rule: 'oauth' }])
  })

  it('two tokens of one subject are one principal to whatever is kept, with the rights of each', async () => {
    const { token, show } = await setting()
    const [reading, writing] = [
      principalIn(await show(await token({ scope: 'read' }))),
      principalIn(await show(await token({ scope: 'write' }))),
    ]
    expect(principalKey(reading)).toBe(principalKey(writing))
    expect([reading.scopes, writing.scopes]).toEqual([['read'], ['write']])
  })

  it('is kept for an exchange beside the principal, and not in it; a key is not', async () => {
    const { token, show } = await setting()
    const bearer = await token()
    const principal = principalIn(await show(bearer))
    expect(subjectTokenOf(principal)?.value).toBe(bearer)
    const byKey = principalIn(await show(key))
    expect([byKey.kind, byKey.credential, subjectTokenOf(byKey)]).toEqual(['key', '0123456789abcdef', undefined])
    expect(JSON.stringify(principal)).not.toContain(bearer.split('.')[2])
  })
})
