// A credential that comes back from its renewal with other scopes than before: who is told, what stands in the audit, and what a call for
// which they do not suffice is answered with (A09).
import { afterEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { type CredentialRig, credentialRig, leaseIn, tokenOf } from '../../../test/doubles/oauth/credentials-rig.ts'
import { type TestIssuer, testIssuer } from '../../../test/doubles/oauth/issuer.ts'
import { aPrincipal } from '../../../test/doubles/principal.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { evidence } from '../../core/faults/evidence.ts'

const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

async function setting(auth: Record<string, unknown>) {
  const clock = new ManualClock()
  const issuer = await testIssuer(clock)
  open.push(() => issuer.stop())
  const own = { issuer: issuer.url, clientId: 'gw', clientSecret: 'client secret', ...auth }
  const make = (shared: Partial<Parameters<typeof credentialRig>[0]> = {}): CredentialRig => {
    const rig = credentialRig({ clock, auth: own, ...shared })
    open.push(() => rig.stop())
    return rig
  }
  return { clock, issuer, make, rig: make() }
}

const ann = aPrincipal({ sub: 'ann' })

/** What the issuer gives from now on, whatever is asked for. */
function giving(issuer: TestIssuer, scope: string): void {
  let made = 0
  issuer.bend = () => {
    made += 1
    return { body: { access_token: `${scope} ${made}`, refresh_token: `refresh ${made}`, token_type: 'Bearer', expires_in: 60, scope } }
  }
}

async function consent(issuer: TestIssuer, rig: CredentialRig, scopes: readonly string[], asked = scopes) {
  const { tenant, iss, sub } = ann
  const { access, refresh, expiresAt } = issuer.grant()
  const key = { tenant, server: 'up', iss, sub, issuer: issuer.url, resource: 'http://127.0.0.1:9/mcp' }
  const token = { access, refresh, expiresAt, issuedAt: 1_800_000_000_000, scopes, boundTo: undefined }
  await rig.grants.given(key, { token, clientId: 'gw', scopes: asked })
  return key
}

const wants = (scope?: string) => ({
  status: 403,
  challenge: `Bearer error="insufficient_scope"${scope === undefined ? '' : `, scope="${scope}"`}`,
})
const refused = fault(
  'upstream_auth_failed',
  { upstream: 'up', failure: 'it wants more', remedy: 'grant it' },
  { evidence: evidence.scope_missing },
)
const reasons = ({ decisions }: CredentialRig) => decisions.map(({ reason }) => reason)
const user = { type: 'authorizationCode' }

describe('of the gateway itself', () => {
  it('it is noted what was lost and gained, and the server is listed anew, by the new token', async () => {
    const { clock, issuer, rig } = await setting({ type: 'clientCredentials', scopes: ['read', 'write'] })
    giving(issuer, 'read write')
    await rig.credentials.forDiscovery()
    await clock.advance(45_000)
    await rig.credentials.forDiscovery()
    expect([reasons(rig), rig.relisted]).toEqual([[undefined, undefined], []])
    giving(issuer, 'read export')
    await clock.advance(45_000)
    expect(tokenOf(await rig.credentials.forDiscovery())).toBe('read export 1')
    expect(reasons(rig).at(-1)).toBe('scopes lost: write; scopes gained: export')
    expect(rig.relisted).toEqual(['up'])
    expect(JSON.stringify(rig.decisions)).not.toContain('read export 1')
  })

  it('the first that comes back with less than was asked for says so too', async () => {
    const { issuer, rig } = await setting({ type: 'clientCredentials', scopes: ['read', 'write'] })
    giving(issuer, 'read')
    await rig.credentials.forDiscovery()
    expect(reasons(rig)).toEqual(['scopes lost: write'])
    expect(rig.relisted).toEqual([])
  })
})

describe('of a user', () => {
  it('a renewal with fewer scopes is noted, and what that user’s sessions see is looked at anew', async () => {
    const { clock, issuer, rig } = await setting(user)
    await consent(issuer, rig, ['read', 'write'])
    await rig.credentials.forCaller(ann)
    giving(issuer, 'read')
    await clock.advance(45_000)
    expect(tokenOf(await rig.credentials.forCaller(ann))).toBe('read 1')
    expect(rig.decisions.at(-1)).toMatchObject({ reason: 'scopes lost: write', principal: { sub: 'ann' }, allowed: true })
    expect(rig.relisted).toEqual(['ann'])
  })

  it('whose grant fills the catalogue has the server listed anew', async () => {
    const { clock, issuer, rig } = await setting({ ...user, discovery: { type: 'principal', iss: ann.iss, sub: ann.sub } })
    await consent(issuer, rig, ['read', 'write'])
    await rig.credentials.forDiscovery()
    giving(issuer, 'read')
    await clock.advance(45_000)
    await rig.credentials.forDiscovery()
    expect(rig.relisted).toEqual(['up'])
  })

  it('is seen by every gateway of the store, and noted by the one that renewed it', async () => {
    const { clock, issuer, rig, make } = await setting(user)
    const other = make({ durable: rig.durable, vault: rig.vault })
    await consent(issuer, rig, ['read', 'write'])
    for (const one of [rig, other]) await one.credentials.forCaller(ann)
    giving(issuer, 'read')
    await clock.advance(45_000)
    await rig.credentials.forCaller(ann)
    await other.credentials.forCaller(ann)
    expect([rig.relisted, other.relisted]).toEqual([['ann'], ['ann']])
    expect([reasons(rig), reasons(other)]).toEqual([['scopes lost: write'], []])
  })

  it('a call for which it does not suffice gets the link that asks for the scope, and the grant goes on', async () => {
    const { issuer, rig } = await setting(user)
    await consent(issuer, rig, ['read'])
    const lease = leaseIn(await rig.credentials.forCaller(ann))
    expect(lease.reject(wants('read write'))).toBe(false)
    expect(await lease.lacks?.(['read', 'write'], refused)).toMatchObject({
      kind: 'reauth_required',
      sideEffect: 'none',
      detail: { scopes: ['write'], link: 'https://gateway.example/connect/up-ann' },
    })
    expect(leaseIn(await rig.credentials.forCaller(ann)).headers()).toEqual(lease.headers())
    expect(issuer.requests).toEqual([])
  })

  it('is not asked for what it has: consent anew would bring the same', async () => {
    const { issuer, rig } = await setting(user)
    await consent(issuer, rig, ['read', 'write'])
    const lease = leaseIn(await rig.credentials.forCaller(ann))
    expect([lease.lacks?.(['write'], refused), lease.lacks?.([], refused)]).toEqual([undefined, undefined])
  })

  it('is asked for what was not given, where the server does not say what it wants', async () => {
    const { issuer, rig } = await setting(user)
    await consent(issuer, rig, ['read'], ['read', 'write'])
    const lease = leaseIn(await rig.credentials.forCaller(ann))
    expect(lease.reject(wants())).toBe(false)
    expect(await lease.lacks?.([], refused)).toMatchObject({ detail: { scopes: ['write'] } })
  })
})
