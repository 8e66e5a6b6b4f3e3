import { describe, expect, it } from 'vitest'
import type { Principal } from '../../core/call/principal.ts'
import { subjectTokenOf } from '../../core/call/subject-token.ts'
import type { PeerCertificate, Presented } from '../../core/ports/gateway.ts'
import type { Trusted } from './trusted.ts'
import { createTrustedHeaders, proofHeader } from './trusted-header.ts'

const secret = 'a-secret-of-the-front-gateway'

function presented(headers: Record<string, string | readonly string[]>, more: Partial<Presented> = {}): Presented {
  return {
    transport: 'http',
    mount: '',
    verb: 'POST',
    path: '/mcp',
    headers: new Map(Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? [value] : value])),
    certificate: undefined,
    stepsUp: false,
    remoteAddress: '10.1.2.3',
    ...more,
  }
}

function reader(proof: { sharedSecret?: string; mtlsSan?: string }, from = ['10.0.0.0/8', 'fd00::/8', '192.0.2.7'], token?: object) {
  const settings = { subject: 'X-User', groups: 'X-Groups', scopes: 'X-Scopes', tenant: undefined, token, proof: { from, ...proof } }
  const headers = createTrustedHeaders({ settings: settings as never, signed: undefined })
  return (of: Presented): Trusted => headers.read(of) as Trusted
}

const good = { 'x-user': 'alice', [proofHeader]: secret }

describe('headers of a gateway in front', () => {
  const read = reader({ sharedSecret: secret })

  it('name the caller, its groups and scopes; the same object each time', () => {
    const of = presented({ ...good, 'x-groups': 'support, team one,, support', 'x-scopes': 'a b,c' })
    expect(read(of)).toMatchObject({
      principal: { sub: 'alice', groups: ['support', 'team one'], scopes: ['a', 'b', 'c'], method: 'trustedHeader', kind: 'user' },
    })
    expect((read(of) as { principal: object }).principal).toBe((read(of) as { principal: object }).principal)
    expect(read(presented({ ...good, 'x-groups': 'other' }))).not.toEqual(read(of))
  })

  it.each(['10.0.0.1', '10.255.255.255', '::ffff:10.1.2.3', 'fd12::1', '192.0.2.7'])('count from %s', (remoteAddress) => {
    expect(read(presented(good, { remoteAddress }))).toHaveProperty('principal')
  })

  it.each([
    '11.0.0.1',
    '9.255.255.255',
    '192.0.2.8',
    '::1',
    '::ffff:11.0.0.1',
    '::a01:203',
    'fe80::1',
    '10.1.2.3.evil.example',
    '',
    undefined,
  ])('and not from %s, whatever the proof', (remoteAddress) => {
    expect(read(presented(good, { remoteAddress }))).toBeUndefined()
  })

  it('count from the UNIX socket where it is named, and only there', () => {
    const bySocket = reader({ sharedSecret: secret }, ['unix'])
    expect(bySocket(presented(good, { remoteAddress: 'unix' }))).toHaveProperty('principal')
    for (const remoteAddress of ['10.0.0.1', '127.0.0.1', undefined]) expect(bySocket(presented(good, { remoteAddress }))).toBeUndefined()
    expect(read(presented(good, { remoteAddress: 'unix' }))).toBeUndefined()
  })

  it.each([
    ['no proof', { 'x-user': 'alice' }],
    ['another proof', { ...good, [proofHeader]: `${secret}x` }],
    ['an empty proof', { ...good, [proofHeader]: '' }],
    ['two proofs', { ...good, [proofHeader]: [secret, secret] }],
    ['a proof and nobody', { [proofHeader]: secret }],
    ['an address in a header', { 'x-user': 'alice', 'x-forwarded-for': '10.1.2.3', 'x-real-ip': '10.1.2.3' }],
    ['another spelling', { x_user: 'alice', 'x-user-': 'alice', [proofHeader]: secret }],
  ])('and not with %s', (_what, headers) => {
    expect(read(presented(headers as Record<string, string>))).toBeUndefined()
  })

  it.each([
    ['two callers', { ...good, 'x-user': ['alice', 'root'] }],
    ['groups twice', { ...good, 'x-groups': ['a', 'admin'] }],
    ['an empty name', { ...good, 'x-user': '' }],
    ['a name with a line break', { ...good, 'x-user': 'alice\nroot' }],
  ])('are no request with %s', (_what, headers) => {
    expect(read(presented(headers as Record<string, string>))).toHaveProperty('malformed')
  })

  it('hand on the token of the caller, beside the principal and not in it; the one that came last, of the kind that is configured', () => {
    const read = reader({ sharedSecret: secret }, undefined, { header: 'X-Id-Token', type: 'id_token' })
    const caller = (headers: Record<string, string>) => (read(presented({ ...good, ...headers })) as { principal: Principal }).principal
    expect(subjectTokenOf(caller({}))).toBeUndefined()
    const alice = caller({ 'x-id-token': 'first' })
    expect(subjectTokenOf(alice)).toEqual({ value: 'first', type: 'urn:ietf:params:oauth:token-type:id_token' })
    expect(JSON.stringify(alice)).not.toContain('first')
    expect(caller({ 'x-id-token': 'second' })).toBe(alice)
    expect(subjectTokenOf(alice)?.value).toBe('second')
    expect(subjectTokenOf(caller({ 'x-user': 'bob' }))).toBeUndefined()
    // From anybody else it is as if it were not there.
    expect(read(presented({ 'x-user': 'alice', 'x-id-token': 'forged' }))).toBeUndefined()
    expect(subjectTokenOf(alice)?.value).toBe('second')
    for (const wrong of [['a', 'b'], ['x'.repeat(8_193)]]) {
      expect(read(presented({ ...good, 'x-id-token': wrong }))).toHaveProperty('malformed')
    }
  })

  it('count with the certificate of that gateway, where it was checked', () => {
    const byCertificate = reader({ mtlsSan: 'front.internal' })
    const certificate = (change: Partial<PeerCertificate>): PeerCertificate => ({
      authorized: true,
      subject: 'CN=front.internal',
      names: ['DNS:front.internal'],
      fingerprint: 'ab',
      ...change,
    })
    const found = (change: Partial<PeerCertificate> | undefined) =>
      byCertificate(presented({ 'x-user': 'alice' }, { certificate: change === undefined ? undefined : certificate(change) })) !== undefined
    expect(found({})).toBe(true)
    expect(found({ names: ['URI:front.internal'] })).toBe(true)
    expect(found(undefined)).toBe(false)
    expect(found({ authorized: false })).toBe(false)
    expect(found({ names: [] })).toBe(false)
    expect(found({ names: ['DNS:front.internal.evil.example'] })).toBe(false)
    expect(found({ names: ['IP Address:front.internal', 'DNS:*.internal'] })).toBe(false)
  })
})
