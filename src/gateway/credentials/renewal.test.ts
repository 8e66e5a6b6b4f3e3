// Tokens towards servers never end in the middle of a run: they are renewed in time, once, and nobody waits longer than they have to.
import { afterEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { credentialRig, faultIn, leaseIn, tokenOf } from '../../../test/doubles/oauth/credentials-rig.ts'
import { type TestIssuer, testIssuer } from '../../../test/doubles/oauth/issuer.ts'
import { aPrincipal } from '../../../test/doubles/principal.ts'
import { eventually } from '../../../test/peers/processes.ts'
import type { Principal } from '../../core/call/principal.ts'
import { leaseMs } from './grants.ts'

const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

async function setting(auth: Record<string, unknown> = {}, change: { callMs?: number; ttlSec?: number } = {}) {
  const clock = new ManualClock()
  const issuer = await testIssuer(clock)
  issuer.ttlSec = change.ttlSec ?? 60
  open.push(() => issuer.stop())
  const own = { type: 'clientCredentials', issuer: issuer.url, clientId: 'gw', clientSecret: 'client secret', ...auth }
  const make = (shared: Partial<Parameters<typeof credentialRig>[0]> = {}) => {
    const rig = credentialRig({ clock, auth: own, callMs: change.callMs ?? 10_000, ...shared })
    open.push(() => rig.stop())
    return rig
  }
  return { clock, issuer, make, rig: make() }
}

const ann = aPrincipal({ sub: 'ann' })

/** Gives the user a grant, as the connect page does. */
async function consent(
  issuer: TestIssuer,
  rig: ReturnType<typeof credentialRig>,
  principal: Principal = ann,
  refresh = true,
  nowMs = 1_800_000_000_000,
) {
  const { tenant, iss, sub } = principal
  const given = issuer.grant()
  const token = {
    access: given.access,
    refresh: refresh ? given.refresh : undefined,
    expiresAt: Number.isFinite(given.expiresAt) ? given.expiresAt : undefined,
    issuedAt: nowMs,
    scopes: undefined,
    boundTo: undefined,
  }
  const key = { tenant, server: 'up', iss, sub, issuer: issuer.url, resource: 'http://127.0.0.1:9/mcp' }
  await rig.grants.given(key, { token, clientId: 'gw', scopes: [] })
  rig.upstream.changed(key)
  return { key, ...given }
}

const user = { type: 'authorizationCode' }

describe('a token of the gateway itself (U11)', () => {
  it('lives through eight lifetimes with a call each second: no call has one that has ended (A01)', async () => {
    const { clock, issuer, rig } = await setting()
    for (let second = 0; second < 480; second += 1) {
      expect(issuer.isGood(tokenOf(await rig.credentials.forCaller(ann)))).toBe(true)
      await clock.advance(1_000)
    }
    // Of a life of 60 s half is used, since a call may need as long as the rest; by chance a little less.
    expect(issuer.requests.length).toBeGreaterThanOrEqual(15)
    expect(issuer.requests.length).toBeLessThanOrEqual(22)
  })

  it('is at hand at once, and asked for once, however many call at the same moment', async () => {
    const { issuer, rig } = await setting()
    const tokens = await Promise.all(Array.from({ length: 50 }, (_, i) => rig.credentials.forCaller(aPrincipal({ sub: `user ${i}` }))))
    expect(new Set(tokens.map(tokenOf)).size).toBe(1)
    expect(rig.issued).toEqual([`up ${tokenOf(tokens[0] as never)}`])
    expect(issuer.requests).toHaveLength(1)
    expect(rig.credentials.forCaller(ann)).not.toBeInstanceOf(Promise)
    expect(rig.credentials.forDiscovery()).toBe(rig.credentials.forCaller(ann))
    const [{ params, headers }] = issuer.requests as [(typeof issuer.requests)[0]]
    expect(Object.fromEntries(params)).toMatchObject({ grant_type: 'client_credentials', resource: 'http://127.0.0.1:9/mcp' })
    expect(headers.authorization).toMatch(/^Basic /)
  })

  it('is renewed ahead of its end while it is used, so that no call waits', async () => {
    const { clock, issuer, rig } = await setting()
    const first = leaseIn(await rig.credentials.forCaller(ann))
    await clock.advance(15_000)
    expect(rig.credentials.forCaller(ann)).toBe(first)
    await clock.advance(15_000)
    expect(await eventually(() => rig.report.counts.get('credential_renewals up renewed') === 2)).toBe(true)
    const second = rig.credentials.forCaller(ann)
    expect(second).not.toBeInstanceOf(Promise)
    expect(second).not.toBe(first)
    // Nobody has called since: what nobody uses is not renewed.
    await clock.advance(600_000)
    expect(issuer.requests).toHaveLength(2)
  })

  it('is renewed before a call that would outlive it (A08)', async () => {
    const { clock, issuer, rig } = await setting({}, { callMs: 50_000, ttlSec: 300 })
    const first = tokenOf(await rig.credentials.forCaller(ann))
    await clock.advance(265_000)
    const got = rig.credentials.forCaller(ann)
    // 35 s are left, and a call may be quiet for 50.
    expect(got).toBeInstanceOf(Promise)
    expect(tokenOf(await got)).not.toBe(first)
    expect(issuer.requests).toHaveLength(2)
  })

  it('goes on while its issuer fails, as long as it is valid, with growing pauses; then says why it cannot (A07)', async () => {
    const { clock, issuer, rig } = await setting({}, { ttlSec: 100 })
    const token = tokenOf(await rig.credentials.forCaller(ann))
    const answers = [
      { status: 500, body: '<html>oops secret-body</html>' },
      { status: 503, body: 'later' },
      { status: 200, body: '{"access_' },
    ]
    issuer.bend = () => answers[issuer.requests.length % answers.length]
    await clock.advance(55_000)
    for (let second = 0; second < 44; second += 1) {
      expect(tokenOf(await rig.credentials.forCaller(ann))).toBe(token)
      await clock.advance(1_000)
    }
    expect(issuer.requests.length).toBeGreaterThan(2)
    expect(issuer.requests.length).toBeLessThan(9)
    await clock.advance(2_000)
    const fault = faultIn(await rig.credentials.forCaller(ann))
    expect(fault).toMatchObject({ kind: 'upstream_auth_failed', retryable: true, sideEffect: 'none', detail: { hop: 'up' } })
    expect(JSON.stringify([rig.report.lines, rig.decisions, fault])).not.toMatch(/secret|access-/)
    issuer.bend = undefined
    await clock.advance(30_000)
    expect(issuer.isGood(tokenOf(await rig.credentials.forCaller(ann)))).toBe(true)
  })

  it('that a server refuses is replaced once; a new one that is refused as well is not renewed without end (A02)', async () => {
    const { issuer, rig } = await setting()
    const refused = { status: 401, challenge: 'Bearer error="invalid_token"' }
    const first = leaseIn(await rig.credentials.forCaller(ann))
    expect(first.reject(refused)).toBe(true)
    const second = leaseIn(await rig.credentials.forCaller(ann))
    expect(second.headers()).not.toEqual({ authorization: 'Bearer access-1' })
    // Whoever still holds the first sees the new one, and has nothing to renew.
    expect(first.headers()).toEqual(second.headers())
    expect(first.reject(refused)).toBe(true)
    expect(second.reject(refused)).toBe(false)
    expect(issuer.requests).toHaveLength(2)
    expect(first.id).toBe(second.id)
  })

  it('is asked for with more scopes where the server names them, and not for ever', async () => {
    const { issuer, rig } = await setting({ scopes: ['read'] })
    const more = (scope: string) => ({ status: 403, challenge: `Bearer error="insufficient_scope", scope="${scope}"` })
    expect(leaseIn(await rig.credentials.forCaller(ann)).reject(more('read write'))).toBe(true)
    const lease = leaseIn(await rig.credentials.forCaller(ann))
    expect(issuer.requests.at(-1)?.params.get('scope')).toBe('read write')
    expect(lease.reject(more('write'))).toBe(false)
  })
})

describe('a grant of a user', () => {
  it('is renewed with its refresh token, and every new one is kept: reuse would end it', async () => {
    const { clock, issuer, rig } = await setting(user)
    const { access } = await consent(issuer, rig)
    expect(tokenOf(await rig.credentials.forCaller(ann))).toBe(access)
    for (let life = 0; life < 6; life += 1) {
      await clock.advance(45_000)
      expect(issuer.isGood(tokenOf(await rig.credentials.forCaller(ann)))).toBe(true)
    }
    expect(issuer.count('refresh_token')).toBeGreaterThanOrEqual(6)
    expect(new Set(rig.issued)).toContain(`up ${tokenOf(await rig.credentials.forCaller(ann))}`)
    // Access and refresh tokens of each life.
    expect(new Set(rig.issued).size).toBe(2 * (issuer.count('refresh_token') + 1))
    expect(rig.links).toEqual([])
  })

  it('that is missing is asked for by a link of that user, and others go on', async () => {
    const { issuer, rig } = await setting(user)
    const ben = aPrincipal({ sub: 'ben' })
    await consent(issuer, rig, ben)
    const fault = faultIn(await rig.credentials.forCaller(ann))
    expect(fault).toMatchObject({ kind: 'reauth_required', detail: { upstream: 'up', link: 'https://gateway.example/connect/up-ann' } })
    expect(fault.message).toContain('https://gateway.example/connect/up-ann')
    expect(issuer.isGood(tokenOf(await rig.credentials.forCaller(ben)))).toBe(true)
    // The same subject of another tenant is another user.
    expect(faultIn(await rig.credentials.forCaller(aPrincipal({ sub: 'ben', tenant: 'acme' }))).kind).toBe('reauth_required')
  })

  it('that the issuer has taken back needs consent, and is not asked for again and again', async () => {
    const { clock, issuer, rig } = await setting(user)
    const { key } = await consent(issuer, rig)
    issuer.bend = () => ({ status: 400, body: { error: 'invalid_grant' } })
    await clock.advance(61_000)
    for (let call = 0; call < 5; call += 1) {
      expect(faultIn(await rig.credentials.forCaller(ann)).kind).toBe('reauth_required')
      await clock.advance(40_000)
    }
    expect(issuer.requests).toHaveLength(1)
    expect(await rig.grants.read(key)).toMatchObject({ status: 'needs_consent', token: undefined })
    issuer.bend = undefined
    const { access } = await consent(issuer, rig)
    expect(tokenOf(await rig.credentials.forCaller(ann))).toBe(access)
  })

  it('whose token is refused and cannot be renewed needs consent: the next attempt says so', async () => {
    const { issuer, rig } = await setting(user, { ttlSec: 0 })
    await consent(issuer, rig, ann, false)
    const lease = leaseIn(await rig.credentials.forCaller(ann))
    expect(lease.reject({ status: 401, challenge: undefined })).toBe(true)
    expect(faultIn(await rig.credentials.forCaller(ann)).kind).toBe('reauth_required')
  })

  it('that is revoked elsewhere is used no more within seconds, though its token is valid', async () => {
    const { clock, issuer, rig } = await setting(user, { ttlSec: 3_600 })
    const { key } = await consent(issuer, rig)
    tokenOf(await rig.credentials.forCaller(ann))
    await clock.advance(10)
    await rig.durable.transact((transaction) =>
      transaction.run("UPDATE upstream_grants SET status = 'revoked', version = version + 1, token = NULL, updated_ms = ? WHERE sub = ?", [
        clock.now(),
        key.sub,
      ]),
    )
    await clock.advance(2_500)
    await eventually(async () => {
      await clock.advance(10)
      return rig.credentials.forCaller(ann) instanceof Promise
    })
    expect(faultIn(await rig.credentials.forCaller(ann)).kind).toBe('reauth_required')
  })

  it('has its row sealed, and of another row nobody can use it (U9A)', async () => {
    const { issuer, rig } = await setting(user)
    const { access } = await consent(issuer, rig)
    const ben = aPrincipal({ sub: 'ben' })
    await consent(issuer, rig, ben)
    const rows = await rig.durable.read((reader) => reader.all('SELECT * FROM upstream_grants'))
    expect(JSON.stringify(rows)).not.toContain(Buffer.from(access).toString('base64'))
    await rig.durable.transact((transaction) =>
      transaction.run("UPDATE upstream_grants SET token = (SELECT token FROM upstream_grants WHERE sub = 'ann') WHERE sub = 'ben'"),
    )
    expect(faultIn(await rig.credentials.forCaller(ben)).kind).toBe('reauth_required')
  })
})

describe('gateways that share a store', () => {
  const replicas = async (count: number) => {
    const made = await setting(user)
    const shared = { durable: made.rig.durable, vault: made.rig.vault }
    return { ...made, all: [made.rig, ...Array.from({ length: count - 1 }, () => made.make(shared))] }
  }

  it('renew a grant once at its end, whoever of them is called (A03, A04)', async () => {
    const { clock, issuer, all } = await replicas(3)
    const { access } = await consent(issuer, all[0] as (typeof all)[0])
    for (const rig of all) expect(tokenOf(await rig.credentials.forCaller(ann))).toBe(access)
    await clock.advance(61_000)
    const asked = all.flatMap((rig) => Array.from({ length: 50 }, () => rig.credentials.forCaller(ann)))
    // Those who do not hold the lease look again by the clock.
    const done = Promise.all(asked)
    let over = false
    void done.then(() => {
      over = true
    })
    await eventually(async () => {
      await clock.advance(100)
      return over
    })
    const tokens = (await done).map(tokenOf)
    expect(tokens).toHaveLength(150)
    expect(new Set(tokens).size).toBe(1)
    expect(issuer.isGood(tokens[0] as string)).toBe(true)
    expect(issuer.count('refresh_token')).toBe(1)
  })

  it('take over from one that was killed while it renewed, within the time of its lease (A05)', async () => {
    const { clock, issuer, all } = await replicas(2)
    const { key } = await consent(issuer, all[0] as (typeof all)[0])
    await clock.advance(61_000)
    // It holds the lease, and is gone.
    expect(await all[0]?.grants.claim(key, 1)).toBeDefined()
    const from = clock.now()
    let token: string | undefined
    void Promise.resolve(all[1]?.credentials.forCaller(ann)).then((leased) => {
      token = tokenOf(leased as never)
    })
    await eventually(async () => {
      await clock.advance(200)
      return token !== undefined
    })
    expect(issuer.isGood(token ?? '')).toBe(true)
    expect(clock.now() - from).toBeGreaterThanOrEqual(leaseMs)
    expect(clock.now() - from).toBeLessThan(leaseMs + 2_000)
  })

  it('never write over a newer token: who lost its lease has lost its say (U8A)', async () => {
    const { clock, issuer, all } = await replicas(2)
    const [a, b] = all as [(typeof all)[0], (typeof all)[0]]
    const { key } = await consent(issuer, a)
    const stale = await a.grants.claim(key, 1)
    await clock.advance(leaseMs + 1)
    const fresh = await b.grants.claim(key, 1)
    const change = (access: string) => ({
      token: { access, refresh: 'r', expiresAt: undefined, issuedAt: clock.now(), scopes: undefined, boundTo: undefined },
      clientId: 'gw',
      scopes: [],
    })
    expect(await b.grants.renewed(key, fresh as never, change('newer'))).toBe(true)
    expect(await a.grants.renewed(key, stale as never, change('older'))).toBe(false)
    await a.grants.failed(key, stale as never, 'needs_consent', 'invalid_grant')
    expect(await a.grants.read(key)).toMatchObject({ status: 'active', version: 2, token: { access: 'newer' } })
  })
})
