import { exportJWK, generateKeyPair, type JSONWebKeySet, SignJWT } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { KeysAway } from '../../core/ports/issuers.ts'
import type { CounterName } from '../../core/ports/report.ts'
import { FetchedKeySet } from './key-set.ts'

interface Key {
  readonly kid: string
  readonly jwk: Record<string, unknown>
  sign(kid?: string | undefined): Promise<string>
}

async function key(kid: string): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  return {
    kid,
    jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256' },
    sign: (named = kid) =>
      new SignJWT({ sub: 'alice' }).setProtectedHeader({ alg: 'ES256', ...(named === '' ? {} : { kid: named }) }).sign(privateKey),
  }
}

let one: Key
let two: Key
beforeAll(async () => {
  one = await key('one')
  two = await key('two')
})

function setting(published: readonly Key[]) {
  const clock = new ManualClock()
  const counted: string[] = []
  const at = { published, down: false, fetches: 0 }
  const keys = new FetchedKeySet({
    issuer: 'https://idp.example',
    clock,
    report: {
      log: () => undefined,
      counters: { add: (_name: CounterName, labels: object) => void counted.push((labels as { result: string }).result) },
    },
    load: async () => {
      at.fetches += 1
      if (at.down) throw new Error('fetch failed')
      return { keys: at.published.map(({ jwk }) => jwk) } as unknown as JSONWebKeySet
    },
  })
  const takes = (token: string) =>
    keys.verify(token, { algorithms: ['ES256'] }).then(
      () => true,
      (error: unknown) => (error instanceof KeysAway ? 'away' : false),
    )
  return { clock, counted, at, takes }
}

describe('the keys of an issuer', () => {
  it('are fetched once for whoever comes at the same time', async () => {
    const { at, takes } = setting([one])
    const token = await one.sign()
    expect(await Promise.all(Array.from({ length: 50 }, () => takes(token)))).toEqual(Array(50).fill(true))
    expect(at.fetches).toBe(1)
  })

  it('a new one is taken once the cooldown is over, an old one until the set is fetched again', async () => {
    const { clock, at, takes } = setting([one])
    const [old, fresh] = [await one.sign(), await two.sign()]
    expect(await takes(old)).toBe(true)
    at.published = [two]
    expect(await takes(fresh)).toBe(false)
    await clock.advance(5_000)
    expect([await takes(fresh), at.fetches]).toEqual([true, 2])
    expect(await takes(old)).toBe(false)
  })

  it('one that was taken back is refused when the set is ten minutes old', async () => {
    const { clock, at, takes } = setting([one, two])
    const old = await one.sign()
    expect(await takes(old)).toBe(true)
    at.published = [two]
    await clock.advance(599_999)
    expect(await takes(old)).toBe(true)
    await clock.advance(1)
    expect(await takes(old)).toBe(false)
  })

  it('are asked for once a cooldown, whatever flood of unknown ones comes', async () => {
    const { clock, at, takes } = setting([one])
    await takes(await one.sign())
    const bogus = await Promise.all(Array.from({ length: 20 }, (_, i) => two.sign(`bogus-${i}`)))
    for (const round of [1, 2, 3]) {
      await clock.advance(5_000)
      expect(await Promise.all(bogus.map(takes))).toEqual(Array(20).fill(false))
      expect(at.fetches).toBe(1 + round)
    }
  })

  it('are used for an hour where they cannot be fetched, which is counted, and then nobody is let in', async () => {
    const { clock, at, counted, takes } = setting([one])
    const token = await one.sign()
    expect(await takes(token)).toBe(true)
    at.down = true
    await clock.advance(600_000)
    expect(await takes(token)).toBe(true)
    expect(counted).toEqual(['fetched', 'failed', 'stale'])
    await takes(token)
    expect(at.fetches).toBe(2)
    await clock.advance(3_000_000)
    expect(await takes(token)).toBe('away')
    at.down = false
    expect(await takes(token)).toBe('away')
    await clock.advance(5_000)
    expect(await takes(token)).toBe(true)
  })

  it('are all tried for a token that names none', async () => {
    const { takes } = setting([one, two])
    expect([await takes(await two.sign('')), await takes(await (await key('three')).sign(''))]).toEqual([true, false])
  })

  it('are public ones: a symmetric one in the set verifies nothing', async () => {
    const { at, takes } = setting([])
    const secret = Buffer.from('a'.repeat(32))
    at.published = [{ kid: 's', jwk: { kty: 'oct', k: secret.toString('base64url'), kid: 's', alg: 'HS256' }, sign: one.sign }]
    expect(await takes(await new SignJWT({}).setProtectedHeader({ alg: 'HS256', kid: 's' }).sign(secret))).toBe(false)
  })
})
