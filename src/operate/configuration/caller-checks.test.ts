import { describe, expect, it } from 'vitest'
import { settingsSchema } from '../../assembly/settings.ts'
import { callerFindings } from './caller-checks.ts'

const idp = { issuer: 'https://idp.example' }
const client = { id: 'a', secret: 'b' }
const header = { subject: 'X-User', proof: { from: ['10.0.0.0/8'], sharedSecret: 's'.repeat(16) } }

function found(auth: Record<string, unknown>, more: Record<string, unknown> = {}): string[] {
  return callerFindings(settingsSchema.parse({ auth, ...more })).map(({ severity, path }) => `${severity} ${path.join('.')}`)
}

describe('contradictions of auth', () => {
  it.each([
    ['nothing', {}, []],
    ['all that belongs together', { issuers: [idp], platform: {}, apiKeys: {}, trustedHeader: header }, []],
    ['oauth without an issuer', { callers: ['oauth'], embedded: { enabled: false } }, ['error auth.callers']],
    ['issuers that nobody asks', { callers: ['platform'], issuers: [idp], platform: {} }, ['error auth.issuers']],
    ['keys that nobody takes', { callers: ['oauth'], issuers: [idp], apiKeys: {} }, ['error auth.apiKeys']],
    ['a platform that nobody takes', { callers: ['oauth'], issuers: [idp], platform: {} }, ['error auth.platform']],
    ['trusted headers that are nowhere said', { callers: ['trustedHeader'] }, ['error auth.callers']],
    ['an issuer twice', { issuers: [idp, { ...idp, audience: 'x' }] }, ['error auth.issuers.1.issuer']],
    [
      'a trust domain without keys',
      { platform: { exchange: [{ issuer: 'spiffe://a.example' }] } },
      ['error auth.platform.exchange.0.jwksUri'],
    ],
  ])('%s', (_what, auth, expected) => {
    expect(found(auth)).toEqual(expected)
  })

  it('a header that says who a caller is goes to no server', () => {
    const servers = { up: { url: 'https://up.example/mcp', forwardHeaders: { 'x-user': 'X-User', Other: 'Other' } } }
    expect(found({ trustedHeader: header }, { servers })).toEqual(['error servers.up.forwardHeaders.x-user'])
    expect(found({}, { servers })).toEqual([])
  })

  it('the production profile lets nobody in unknown, and asks nobody over plain http', () => {
    const production = { profile: 'production' }
    expect(found({ callers: ['anonymous'] }, production)).toEqual(['error auth.callers'])
    expect(found({ callers: ['apiKey'] }, production)).toEqual(['warning auth.callers'])
    const plain = 'http://idp.example'
    const all = {
      issuers: [{ issuer: plain, jwksUri: `${plain}/jwks` }, { issuer: 'http://127.0.0.1:1' }],
      introspection: [{ issuer: 'https://x.example', endpoint: `${plain}/i`, client }],
      platform: { exchange: [{ issuer: 'https://k.example', jwksUri: `${plain}/k` }] },
      trustedHeader: { proof: { from: ['10.0.0.1'], jwt: { header: 'X-Signed', issuer: plain, audience: ['a'] } } },
    }
    expect(found(all, production)).toEqual([
      'error auth.issuers.0.issuer',
      'error auth.issuers.0.jwksUri',
      'error auth.platform.exchange.0.jwksUri',
      'error auth.trustedHeader.proof.jwt.jwksUri',
      'error auth.introspection.0.endpoint',
    ])
    expect(found(all)).toEqual([])
  })
})
