// What every ephemeral store promises; each engine's test calls it.
import { describe, expect, it } from 'vitest'
import { tenantKey } from '../../src/core/call/tenant-key.ts'
import type { Bucket, Ephemeral, Taken } from '../../src/core/ports/ephemeral.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text)
const textOf = (value: Uint8Array | undefined): string | undefined => (value === undefined ? undefined : Buffer.from(value).toString())
const key = (...parts: string[]) => tenantKey('acme', ...parts)
const kept = { ttlMs: 1_000 }

export interface EphemeralUnderTest {
  readonly store: Ephemeral
  /** Lets that many ms go by for the store. */
  pass(ms: number): Promise<void>
}

export function ephemeralContract(open: () => Promise<EphemeralUnderTest>): void {
  describe('values', () => {
    it('gives back what was put, until it expires or is deleted', async () => {
      const { store, pass } = await open()
      expect(await store.put(key('k'), bytes('1'), kept)).toBe(true)
      expect(textOf((await store.get(key('k')))?.value)).toBe('1')
      await pass(1_001)
      expect(await store.get(key('k'))).toBeUndefined()
      await store.put(key('k'), bytes('2'), kept)
      await store.delete(key('k'))
      expect(await store.get(key('k'))).toBeUndefined()
    })

    it('keeps what two tenants put under one name apart', async () => {
      const { store } = await open()
      await store.put(tenantKey('acme', 'k'), bytes('a'), kept)
      await store.put(tenantKey('bolt', 'k'), bytes('b'), kept)
      await store.delete(tenantKey('bolt', 'k'))
      expect(textOf((await store.get(tenantKey('acme', 'k')))?.value)).toBe('a')
      expect(await store.get(tenantKey('bolt', 'k'))).toBeUndefined()
    })

    it('starts the time to live anew with each put', async () => {
      const { store, pass } = await open()
      await store.put(key('k'), bytes('1'), kept)
      await pass(800)
      await store.put(key('k'), bytes('2'), kept)
      await pass(800)
      expect(textOf((await store.get(key('k')))?.value)).toBe('2')
    })

    it('lets exactly one of two writers of the same version win', async () => {
      const { store } = await open()
      expect(await store.put(key('k'), bytes('a'), { ...kept, ifVersion: 'absent' })).toBe(true)
      expect(await store.put(key('k'), bytes('b'), { ...kept, ifVersion: 'absent' })).toBe(false)
      const version = (await store.get(key('k')))?.version ?? Number.NaN
      expect(await store.put(key('k'), bytes('c'), { ...kept, ifVersion: version })).toBe(true)
      expect(await store.put(key('k'), bytes('d'), { ...kept, ifVersion: version })).toBe(false)
      expect(textOf((await store.get(key('k')))?.value)).toBe('c')
    })

    it('never takes a later value for the one that was deleted', async () => {
      const { store } = await open()
      await store.put(key('k'), bytes('a'), kept)
      const version = (await store.get(key('k')))?.version ?? Number.NaN
      await store.delete(key('k'))
      expect(await store.put(key('k'), bytes('b'), { ...kept, ifVersion: version })).toBe(false)
      await store.put(key('k'), bytes('c'), kept)
      expect(await store.put(key('k'), bytes('d'), { ...kept, ifVersion: version })).toBe(false)
      expect(textOf((await store.get(key('k')))?.value)).toBe('c')
    })
  })

  describe('buckets', () => {
    const bucket = (name: string, change: Partial<Bucket> = {}): Bucket => ({
      key: key('bucket', name),
      intervalMs: 100,
      burst: 3,
      cost: 1,
      ...change,
    })

    it('gives a burst at once and then one each interval, and says how long to wait', async () => {
      const { store, pass } = await open()
      for (let i = 0; i < 3; i += 1) expect(await store.take([bucket('a')])).toEqual({ ok: true })
      const refused = await store.take([bucket('a')])
      expect(waitOf(refused)).toBeGreaterThan(0)
      expect(waitOf(refused)).toBeLessThanOrEqual(100)
      await pass(Math.ceil(waitOf(refused)))
      expect(await store.take([bucket('a')])).toEqual({ ok: true })
      expect((await store.take([bucket('a')])).ok).toBe(false)
    })

    it('never gives more than the burst after a long time', async () => {
      const { store, pass } = await open()
      await store.take([bucket('a')])
      await pass(10_000)
      let given = 0
      while (given < 10 && (await store.take([bucket('a')])).ok) given += 1
      expect(given).toBe(3)
    })

    it('takes from all buckets or from none', async () => {
      const { store } = await open()
      const narrow = bucket('narrow', { burst: 1 })
      expect(await store.take([bucket('wide'), narrow])).toEqual({ ok: true })
      for (let i = 0; i < 5; i += 1) expect(await store.take([bucket('wide'), narrow])).toMatchObject({ ok: false, bucket: 1 })
      expect(await store.take([bucket('wide', { cost: 2 })])).toEqual({ ok: true })
    })

    it('names the bucket that takes longest, so that whoever waits for it is served', async () => {
      const { store, pass } = await open()
      const asked = [bucket('fast', { burst: 1, intervalMs: 50 }), bucket('slow', { burst: 1, intervalMs: 400 }), bucket('free')]
      expect(await store.take(asked)).toEqual({ ok: true })
      const refused = await store.take(asked)
      expect(refused).toMatchObject({ ok: false, bucket: 1 })
      await pass(Math.ceil(waitOf(refused)))
      expect(await store.take(asked)).toEqual({ ok: true })
    })

    it('counts what costs more than one, lets what costs nothing pass, and says never to what costs more than the burst', async () => {
      const { store } = await open()
      expect(await store.take([bucket('a', { cost: 3 })])).toEqual({ ok: true })
      expect((await store.take([bucket('a')])).ok).toBe(false)
      expect(await store.take([bucket('a', { cost: 0 })])).toEqual({ ok: true })
      expect(await store.take([bucket('b', { cost: 4 })])).toEqual({ ok: false, bucket: 0, waitMs: Number.POSITIVE_INFINITY })
    })

    it('lets a bucket that is named twice pay twice', async () => {
      const { store } = await open()
      expect(await store.take([bucket('a'), bucket('a')])).toEqual({ ok: true })
      expect((await store.take([bucket('a'), bucket('a')])).ok).toBe(false)
      expect(await store.take([bucket('a')])).toEqual({ ok: true })
    })

    it('never gives more to many takers at once than is there', async () => {
      const { store } = await open()
      const taken = await Promise.all(Array.from({ length: 50 }, () => store.take([bucket('a', { burst: 7 }), bucket('b', { burst: 20 })])))
      expect(taken.filter((one) => one.ok)).toHaveLength(7)
    })

    it('is exact with intervals that have fractions', async () => {
      const { store } = await open()
      const fine = bucket('a', { intervalMs: 0.1, burst: 10_000 })
      for (let i = 0; i < 100; i += 1) expect(await store.take([{ ...fine, cost: 99 }])).toEqual({ ok: true })
    })

    it('keeps the buckets of two tenants apart', async () => {
      const { store } = await open()
      const of = (tenant: string): Bucket => bucket('a', { key: tenantKey(tenant, 'bucket'), burst: 1 })
      expect(await store.take([of('acme')])).toEqual({ ok: true })
      expect(await store.take([of('bolt')])).toEqual({ ok: true })
    })

    function waitOf(taken: Taken): number {
      return taken.ok ? Number.NaN : taken.waitMs
    }
  })

  describe('leases', () => {
    it('have one holder at a time, whose fence is higher than that of every holder before', async () => {
      const { store, pass } = await open()
      const first = await store.lease(key('l'), 1_000)
      expect(first).toBeDefined()
      expect(await store.lease(key('l'), 1_000)).toBeUndefined()
      await pass(1_001)
      const second = await store.lease(key('l'), 1_000)
      expect(second?.fence).toBeGreaterThan(first?.fence ?? Number.NaN)
      await second?.release()
      expect((await store.lease(key('l'), 1_000))?.fence).toBeGreaterThan(second?.fence ?? Number.NaN)
    })

    it('are held as long as they are renewed', async () => {
      const { store, pass } = await open()
      const held = await store.lease(key('l'), 1_000)
      for (let i = 0; i < 3; i += 1) {
        await pass(800)
        expect(await held?.renew(1_000)).toBe(true)
        expect(await store.lease(key('l'), 1_000)).toBeUndefined()
      }
    })

    it('are lost for good: who had it before neither renews nor releases what another holds', async () => {
      const { store, pass } = await open()
      const first = await store.lease(key('l'), 1_000)
      await pass(1_001)
      expect(await first?.renew(1_000)).toBe(false)
      const second = await store.lease(key('l'), 1_000)
      await first?.release()
      expect(await first?.renew(1_000)).toBe(false)
      expect(await second?.renew(1_000)).toBe(true)
      expect(await store.lease(key('l'), 1_000)).toBeUndefined()
    })

    it('go to exactly one of many who ask at once', async () => {
      const { store } = await open()
      const given = await Promise.all(Array.from({ length: 20 }, () => store.lease(key('l'), 1_000)))
      expect(given.filter((one) => one !== undefined)).toHaveLength(1)
    })
  })

  describe('streams', () => {
    const many = { ttlMs: 1_000, most: 3 }

    it('are read in order, from any cursor on, in pages', async () => {
      const { store } = await open()
      const cursors: string[] = []
      for (const text of ['a', 'b', 'c']) cursors.push(await store.append(key('s'), bytes(text), many))
      expect(await page(store, undefined)).toEqual({ texts: ['a', 'b', 'c'], missed: false })
      expect(await page(store, cursors[0])).toEqual({ texts: ['b', 'c'], missed: false })
      expect(await page(store, cursors[2])).toEqual({ texts: [], missed: false })
      const first = await store.read(key('s'), undefined, 2)
      expect(first.entries.map(({ cursor }) => cursor)).toEqual(cursors.slice(0, 2))
      expect(await page(store, first.entries[1]?.cursor)).toEqual({ texts: ['c'], missed: false })
    })

    it('keep their last entries, and tell a reader who missed some', async () => {
      const { store } = await open()
      const cursors: string[] = []
      for (const text of ['a', 'b', 'c', 'd', 'e']) cursors.push(await store.append(key('s'), bytes(text), many))
      expect(await page(store, undefined)).toEqual({ texts: ['c', 'd', 'e'], missed: true })
      expect(await page(store, cursors[0])).toEqual({ texts: ['c', 'd', 'e'], missed: true })
      expect(await page(store, cursors[1])).toEqual({ texts: ['c', 'd', 'e'], missed: false })
    })

    it('live as long as something is appended; who comes back after their end is told that something may be missing', async () => {
      const { store, pass } = await open()
      const early = await store.append(key('s'), bytes('a'), many)
      await pass(800)
      await store.append(key('s'), bytes('b'), many)
      await pass(800)
      expect(await page(store, early)).toEqual({ texts: ['b'], missed: false })
      await pass(1_001)
      expect(await page(store, early)).toEqual({ texts: [], missed: true })
      const late = await store.append(key('s'), bytes('c'), many)
      expect(await page(store, early)).toEqual({ texts: ['c'], missed: true })
      expect(await page(store, late)).toEqual({ texts: [], missed: false })
    })

    it('tell of a gap where the cursor is none of theirs', async () => {
      const { store } = await open()
      await store.append(key('s'), bytes('a'), many)
      expect((await page(store, 'nonsense')).missed).toBe(true)
      expect(await page(store, undefined, tenantKey('bolt', 's'))).toEqual({ texts: [], missed: false })
    })

    async function page(store: Ephemeral, after: string | undefined, of = key('s')): Promise<{ texts: unknown[]; missed: boolean }> {
      const { entries, missed } = await store.read(of, after, 100)
      return { texts: entries.map(({ value }) => textOf(value)), missed }
    }
  })

  describe('topics', () => {
    it('tell their subscribers and nobody after they left', async () => {
      const { store, pass } = await open()
      const heard: string[] = []
      const leave = await store.subscribe(key('t'), (message) => void heard.push(Buffer.from(message).toString()))
      await store.publish(key('t'), bytes('1'))
      await store.publish(key('other'), bytes('2'))
      await store.publish(tenantKey('bolt', 't'), bytes('3'))
      await pass(0)
      leave()
      await store.publish(key('t'), bytes('4'))
      await pass(0)
      expect(heard).toEqual(['1'])
    })

    it('go on where a listener throws', async () => {
      const { store, pass } = await open()
      const heard: string[] = []
      await store.subscribe(key('t'), () => {
        throw new Error('a bug of this listener')
      })
      await store.subscribe(key('t'), (message) => void heard.push(Buffer.from(message).toString()))
      await store.publish(key('t'), bytes('1'))
      await store.publish(key('t'), bytes('2'))
      await pass(0)
      expect(heard).toEqual(['1', '2'])
    })
  })
}
