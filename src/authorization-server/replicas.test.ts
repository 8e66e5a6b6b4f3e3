import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { afterEach, describe, expect, it } from 'vitest'
import { type Rig, type RigOptions, redirectUri, startRig } from '../../test/doubles/authorization/rig.ts'
import { ManualClock } from '../../test/doubles/manual-clock.ts'
import { createSigningKeys } from '../platform/keys/signing-keys.ts'
import { systemRandom } from '../platform/random/system-random.ts'
import { createVault } from '../platform/vault/envelope.ts'

const open: Rig[] = []
afterEach(async () => {
  for (const rig of open.splice(0).reverse()) await rig.close()
})

async function started(options: RigOptions = {}): Promise<Rig> {
  const rig = await startRig(options)
  open.push(rig)
  return rig
}

describe('gateways that share a store are one authorization server', () => {
  it('one goes on where the other was: sign-in, consent, code, refresh', async () => {
    const publicUrl = 'http://gateway.localhost'
    const first = await started({ publicUrl })
    await first.operator()
    const second = await started({ publicUrl, like: first })
    const client = await second.client()
    // The browser stays at the public address, and each of its requests goes to the other gateway than the one before.
    let turn = 0
    const alternating: typeof fetch = (url, init) => {
      turn += 1
      const to = turn % 2 === 0 ? first : second
      return fetch(String(url).replace(publicUrl, to.here), init)
    }
    const { code, verifier, pages } = await first.authorize({ client_id: client }, first.browser(alternating))
    expect(pages).toHaveLength(2)
    const sent = { grant_type: 'authorization_code', code, code_verifier: verifier, client_id: client, redirect_uri: redirectUri }
    const issued = await second.token(sent)
    expect(issued.status).toBe(200)
    expect((await first.token(sent)).body.error).toBe('invalid_grant')
    const again = await started({ publicUrl, like: first })
    const tokens = await second.tokens(client, {}, first.browser(alternating))
    const refreshed = await again.refresh(client, tokens.refresh)
    expect(refreshed.status).toBe(200)
    expect((await first.refresh(client, tokens.refresh)).body.error).toBe('invalid_grant')
    expect((await again.refresh(client, refreshed.body.refresh_token)).body.error).toBe('invalid_grant')
  })

  it('many refreshes with one token at both at the same moment: one at most gets through, and the family ends', async () => {
    const publicUrl = 'http://gateway.localhost'
    const first = await started({ publicUrl })
    await first.operator()
    const second = await started({ publicUrl, like: first })
    const client = await first.client()
    const tokens = await first.tokens(client, {}, first.browser())
    const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => (n % 2 === 0 ? first : second).refresh(client, tokens.refresh)))
    const through = answers.filter(({ status }) => status === 200)
    expect(through.length).toBeLessThanOrEqual(1)
    for (const { body } of through) expect((await first.refresh(client, body.refresh_token)).body.error).toBe('invalid_grant')
  })
})

describe('the keys that sign are replaced while it runs', () => {
  it('signs with the new one from then on, and what the old one signed stays good', async () => {
    const clock = new ManualClock(Date.now())
    const stored = await started()
    const vault = createVault([Buffer.alloc(32, 7)], systemRandom)
    const hour = 3_600_000
    const keys = createSigningKeys({
      durable: stored.durable,
      vault,
      clock,
      random: systemRandom,
      signsMs: 24 * hour,
      overlapMs: hour,
      readMs: 0,
    })
    const rig = await started({ like: stored, keys })
    await rig.operator()
    const client = await rig.client()
    const before = await rig.tokens(client)
    await clock.advance(24 * hour)
    await rig.server.issuer.keySet()
    await clock.advance(hour)
    const after = await rig.tokens(client)
    const set = createLocalJWKSet((await rig.server.issuer.keySet()) as unknown as JSONWebKeySet)
    const kids = await Promise.all(
      [before, after].map(async ({ access }) => (await jwtVerify(access, set, { issuer: rig.base })).protectedHeader.kid),
    )
    expect(new Set(kids).size).toBe(2)
    expect((await rig.refresh(client, before.refresh)).status).toBe(200)
  })
})

describe('what is kept', () => {
  it('opens nothing for whoever reads the store', async () => {
    const rig = await started()
    await rig.operator()
    const { body } = await rig.register({ client_name: 'Probe', redirect_uris: [redirectUri] })
    const tokens = await rig.tokens(await rig.client())
    const { code } = await rig.authorize({ client_id: await rig.client() })
    const tables = ['objects', 'clients', 'accounts', 'consents', 'links']
    const rows = await rig.durable.read((reader) => Promise.all(tables.map((table) => reader.all(`SELECT * FROM authorization_${table}`))))
    const text = JSON.stringify(rows, (_key, value) =>
      value?.type === 'Buffer' || value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value,
    )
    for (const secret of [tokens.refresh, code, body.client_secret]) expect(text).not.toContain(String(secret))
  })

  it('is gone once it is over', async () => {
    const clock = new ManualClock()
    const { createObjects } = await import('./objects.ts')
    const rig = await started()
    const objects = createObjects(rig.durable, createVault([Buffer.alloc(32, 1)], systemRandom), clock)
    await objects.put('AuthorizationCode', 'a', { x: 1 }, { grantId: 'g' }, 60_000)
    await objects.put('Grant', 'g', { x: 1 }, {}, 120_000)
    await clock.advance(60_000)
    expect(await objects.find('AuthorizationCode', 'a')).toBeUndefined()
    expect(await objects.find('Grant', 'g')).toEqual({ x: 1 })
    await objects.sweep()
    const rows = await rig.durable.read((reader) => reader.all("SELECT model FROM authorization_objects WHERE model <> 'Key'"))
    expect(rows.ok && rows.value).toEqual([{ model: 'Grant' }])
  })

  it('is no bug where it cannot be had: clients are told to come back', async () => {
    const rig = await started()
    const client = await rig.client()
    await rig.durable.close()
    for (const answer of [
      await rig.send(`/oauth/authorize?client_id=${client}`),
      await rig.form('/oauth/token', { grant_type: 'refresh_token', client_id: client }),
    ]) {
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(await answer.text()).toContain('temporarily_unavailable')
    }
    expect(rig.bugs).toEqual([])
    expect(rig.logged.filter(({ severity }) => severity === 'error')).toEqual([])
  })

  it('does not grow by sign-ins that somebody begins without end', async () => {
    const counted: string[] = []
    const rig = await started({
      ephemeral: {
        take: async ([bucket]) => {
          counted.push(bucket?.key ?? '')
          return bucket?.key.includes('authorize') ? { ok: false, bucket: 0, waitMs: 1_000 } : { ok: true }
        },
      },
    })
    const answer = await rig.send('/oauth/authorize?client_id=x')
    expect(answer.status).toBe(429)
    expect(answer.headers.get('retry-after')).toBe('5')
    expect(counted).toEqual(['["default","authorization","authorize","127.0.0.1"]'])
  })
})
