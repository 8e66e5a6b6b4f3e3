import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { asked, limitStoreContract, type TimedLimitStore, taken, timed } from '../../../test/contracts/limit-store-contract.ts'
import type { Closers } from '../../../test/peers/admitting.ts'
import { freePort } from '../../../test/peers/free-port.ts'
import { eventually } from '../../../test/peers/processes.ts'
import { type RedisServer, redisPath, startRedis } from '../../../test/peers/redis.ts'
import fc from '../../../test/property.ts'
import { tenantKey } from '../../core/call/tenant-key.ts'
import type { Allowance } from '../../core/ports/limit-store.ts'
import type { Report } from '../../core/ports/report.ts'
import { startL4Proxy } from '../../operate/toolkit/chaos/index.ts'
import { systemClock } from '../clock/system-clock.ts'
import { subWindows } from './lease-script.ts'
import { RedisLimitStore, type RedisLimitsOptions } from './redis.ts'

const long = 3_600_000
const allowance = (most: number, periodMs = long, name = 'k'): Allowance => ({ key: tenantKey('acme', name), most, periodMs })

describe.skipIf(redisPath === undefined)('the store of limits in Redis', () => {
  const closers: Closers = []
  const stores: RedisLimitStore[] = []
  const logged: string[] = []
  const report: Report = { log: (_severity, event) => void logged.push(event), counters: { add: () => undefined } }
  let redis: RedisServer

  beforeAll(async () => {
    redis = await startRedis(closers)
  })
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close()
    logged.length = 0
    await redis.client.flushall()
  })
  afterAll(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })

  /** With a deadline that a busy machine keeps. */
  async function openStore(change: Partial<RedisLimitsOptions> = {}): Promise<RedisLimitStore> {
    const store = new RedisLimitStore(systemClock, report, { url: redis.url, onLoss: 'local', gateways: 2, deadlineMs: 5_000, ...change })
    stores.push(store)
    await store.start()
    return store
  }

  async function open(change: Partial<RedisLimitsOptions> = {}): Promise<TimedLimitStore & Pick<RedisLimitStore, 'close'>> {
    const store = await openStore(change)
    return { ...timed(store, () => systemClock.mono()), close: () => store.close() }
  }

  const keys = async (): Promise<string[]> => (await redis.client.keys('*')).filter((name) => name !== 'sb:{l:probe}').sort()

  /** What Redis counts of all limits. */
  async function counted(): Promise<number> {
    const all = await Promise.all((await keys()).map((name) => redis.client.hvals(name)))
    return all.flat().reduce((sum, amount) => sum + Number(amount), 0)
  }

  const passed = (ms: number) => async (): Promise<void> => {
    const start = await redis.now()
    await eventually(async () => (await redis.now()) >= start + ms, ms + 10_000)
  }

  limitStoreContract(async () => ({
    store: await openStore(),
    late: (periodMs) => subWindows.partMs(periodMs) + subWindows.lifeMs(periodMs) + 5,
    now: () => systemClock.mono(),
    pass: (ms) => passed(ms)(),
  }))

  it('grants all gateways together what the limit says', async () => {
    const gateways = await Promise.all([open(), open(), open()])
    let granted = 0
    for (let i = 0; i < 9; i += 1) for (const store of gateways) if (await taken(store, allowance(5), 1)) granted += 1
    expect(granted).toBe(5)
    const many = gateways.flatMap((store) => Array.from({ length: 300 }, () => taken(store, allowance(500, long, 'many'), 1)))
    expect((await Promise.all(many)).filter(Boolean).length).toBeLessThanOrEqual(500)
    expect(await counted()).toBeLessThanOrEqual(505)
  })

  it('counts what gateways used and nothing else, whatever they take, add and give back', async () => {
    const step = fc.record({
      gateway: fc.nat(2),
      // What is taken, and how much of it turns out to have been used.
      amount: fc.integer({ min: 1, max: 40 }),
      usedOf: fc.constantFrom(0, 0.25, 1, 1, 1.5),
    })
    let round = 0
    const cases = fc.asyncProperty(fc.integer({ min: 50, max: 2_000 }), fc.array(step, { maxLength: 120 }), async (most, steps) => {
      const gateways = await Promise.all([open(), open(), open()])
      const limit = allowance(most, long, `round ${round++}`)
      let net = 0
      for (const { gateway, amount, usedOf } of steps) {
        const store = gateways[gateway] as TimedLimitStore
        const fits = net + amount <= most
        if (!(await taken(store, limit, amount))) continue
        // Only what another gateway added beyond its grants, and has not told yet, may be missing.
        if (steps.every((one) => one.usedOf <= 1)) expect(fits).toBe(true)
        const used = Math.round(amount * usedOf)
        net += used
        store.add(limit, used - amount)
      }
      for (const store of stores.splice(0)) await store.close()
      expect(await counted()).toBeCloseTo(net, 6)
      await redis.client.flushall()
    })
    await fc.assert(cases, { numRuns: 25 })
  })

  it('answers nearly always at once, from units that it leased', async () => {
    const store = await open()
    let waited = 0
    for (let i = 0; i < 2_000; i += 1) {
      const wait = store.waitMs(allowance(100_000), 1)
      if (typeof wait !== 'number') {
        waited += 1
        await wait
        i -= 1
      } else store.add(allowance(100_000), 1)
    }
    expect(waited).toBeLessThan(100)
  })

  it('gives back what it leased and did not use, also where nobody asks again', async () => {
    const store = await open()
    for (let i = 0; i < 200; i += 1) expect(await taken(store, allowance(100_000), 1)).toBe(true)
    expect(await eventually(async () => (await counted()) === 200)).toBe(true)
  })

  it('gives back what it leased when it is closed', async () => {
    const store = await open()
    for (let i = 0; i < 3; i += 1) expect(await taken(store, allowance(100_000), 1)).toBe(true)
    await store.close()
    expect(await counted()).toBe(3)
  })

  it('tells others what was counted beyond the lease, and what was given back', async () => {
    const [one, other] = await Promise.all([open(), open()])
    expect(await taken(one, allowance(100), 10)).toBe(true)
    one.add(allowance(100), 90)
    expect(await eventually(async () => (await asked(other, allowance(100), 1)) > 0)).toBe(true)
    one.add(allowance(100), -50)
    expect(await eventually(async () => (await asked(other, allowance(100), 50)) === 0)).toBe(true)
    one.clear(allowance(100))
    expect(await eventually(async () => (await asked(other, allowance(100), 100)) === 0)).toBe(true)
  })

  it('keeps small hashes under names of ours, and none for ever', async () => {
    const store = await open()
    for (let round = 0; round < 40; round += 1) {
      await taken(store, allowance(1_000, 500), 1)
      await passed(20)()
    }
    await taken(store, allowance(5), 1)
    const names = await keys()
    expect(names).toEqual(['sb:{l:["acme","k"]:3600000}', 'sb:{l:["acme","k"]:500}'])
    for (const name of names) {
      expect(await redis.client.pttl(name)).toBeGreaterThan(0)
      expect(await redis.client.hlen(name)).toBeLessThanOrEqual(32 + 8)
    }
  })

  it('goes on where Redis lost its scripts and its data', async () => {
    const store = await open()
    expect(await taken(store, allowance(5), 5)).toBe(true)
    await redis.client.script('FLUSH')
    await redis.client.flushall()
    expect(await eventually(async () => taken(store, allowance(5), 5))).toBe(true)
  })

  it('takes what Redis refuses for a loss', async () => {
    const store = await open({ gateways: 1, probeMs: 100_000 })
    await redis.client.set('sb:{l:["acme","k"]:3600000}', 'not a hash')
    let granted = 0
    for (let i = 0; i < 9; i += 1) if (await taken(store, allowance(5), 1)) granted += 1
    expect(granted).toBe(5)
  })

  describe('while Redis is away', () => {
    const quick = { deadlineMs: 40, probeMs: 100 }

    async function away(store: TimedLimitStore, name = 'probe'): Promise<void> {
      const lost = () => logged.includes('The Redis of limits is away')
      expect(await eventually(async () => (await asked(store, allowance(1_000_000, long, name), 1)) >= 0 && lost())).toBe(true)
    }
    const back = () =>
      eventually(() => logged.lastIndexOf('The Redis of limits is there') > logged.lastIndexOf('The Redis of limits is away'))

    it.each([
      ['it is frozen', () => redis.freeze(), () => redis.thaw()],
      ['it is killed', () => redis.kill(), () => redis.restart()],
    ])('grants at most its share where %s, waits for nothing, and is back by itself', async (_how, lose, find) => {
      const store = await open(quick)
      // A lease that is left would be used first.
      expect(await eventually(async () => taken(store, allowance(1_000_000, long, 'probe'), 1))).toBe(true)
      await lose()
      await away(store)
      let granted = 0
      for (let i = 0; i < 50; i += 1) {
        const wait = store.waitMs(allowance(10), 1)
        expect(wait).toBeTypeOf('number')
        if (wait === 0) {
          store.add(allowance(10), 1)
          granted += 1
        } else expect(wait).toBeGreaterThan(0)
      }
      expect(granted).toBe(5)
      expect(store.usage(allowance(10)).used).toBe(5)
      await find()
      expect(await back()).toBe(true)
      // What it granted alone is told.
      const other = await open()
      expect(await eventually(async () => (await asked(other, allowance(10), 6)) > 0)).toBe(true)
      expect(await eventually(async () => (await asked(other, allowance(10), 5)) === 0)).toBe(true)
    })

    it('answers every call while it freezes and comes back again and again', async () => {
      const store = await open(quick)
      const ten = allowance(1_000, 200)
      for (let round = 0; round < 3; round += 1) {
        redis.freeze()
        await away(store, `probe ${round}`)
        for (let i = 0; i < 200; i += 1) expect(await asked(store, ten, 1)).toBeLessThanOrEqual(10_000)
        redis.thaw()
        expect(await back()).toBe(true)
        logged.length = 0
        expect(await eventually(async () => taken(store, ten, 1))).toBe(true)
      }
    })

    it('gives up a connection that stands still without an end, and makes another', async () => {
      const proxy = await startL4Proxy(Number(new URL(redis.url).port))
      closers.push(() => proxy.stop())
      const store = await open({ ...quick, url: `redis://127.0.0.1:${proxy.port}` })
      await proxy.set({ kind: 'half-open' })
      await away(store)
      expect(await eventually(() => proxy.accepted > 1)).toBe(true)
      await proxy.set({ kind: 'none' })
      expect(await back()).toBe(true)
      expect(await taken(store, allowance(10), 1)).toBe(true)
    })

    it('is away while Redis takes nothing, though it answers', async () => {
      const store = await open({ ...quick, gateways: 1 })
      await redis.client.replicaof('127.0.0.1', await freePort())
      await away(store)
      let granted = 0
      for (let i = 0; i < 9; i += 1) if (await taken(store, allowance(5), 1)) granted += 1
      expect(granted).toBe(5)
      await redis.client.replicaof('NO', 'ONE')
      expect(await back()).toBe(true)
      expect(await eventually(async () => (await counted()) >= 5)).toBe(true)
    })

    it('grants nothing where it is to be closed', async () => {
      const store = await open({ ...quick, onLoss: 'closed' })
      await redis.kill()
      await eventually(() => logged.includes('The Redis of limits is away'))
      const wait = store.waitMs(allowance(10), 1)
      expect(wait).toBeGreaterThan(0)
      expect(wait).toBeLessThanOrEqual(100)
      await redis.restart()
      expect(await back()).toBe(true)
      expect(await taken(store, allowance(10), 1)).toBe(true)
    })

    it('starts without it', async () => {
      const store = await open({ url: `redis://127.0.0.1:${await freePort()}` })
      expect(store.waitMs(allowance(10), 6)).toBeGreaterThan(0)
      expect(store.waitMs(allowance(10), 6)).not.toBe(Number.POSITIVE_INFINITY)
      expect(store.waitMs(allowance(10), 5)).toBe(0)
    })
  })
})
