import { describe, expect, it } from 'vitest'
import { limitStoreContract, timed } from '../../../test/contracts/limit-store-contract.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import fc from '../../../test/property.ts'
import { tenantKey } from '../../core/call/tenant-key.ts'
import type { Allowance } from '../../core/ports/limit-store.ts'
import type { Report } from '../../core/ports/report.ts'
import { createMemoryLimitStore } from './memory.ts'

function open(mostKeys?: number) {
  const clock = new ManualClock()
  const evicted: string[] = []
  const report: Report = {
    log: () => undefined,
    counters: { add: (name, labels) => void evicted.push(`${name} ${Object.values(labels)}`) },
  }
  const memory = createMemoryLimitStore(clock, report, mostKeys)
  return { clock, evicted, memory, store: timed(memory, () => clock.mono()) }
}

const allowance = (most: number, periodMs: number, name = 'k'): Allowance => ({ key: tenantKey('acme', name), most, periodMs })

describe('the store of limits in memory', () => {
  limitStoreContract(async () => {
    const { clock, memory } = open()
    return { store: memory, late: (periodMs) => periodMs / 32, now: () => clock.mono(), pass: (ms) => clock.advance(ms) }
  })

  it('answers at once, always', () => {
    const { store } = open()
    for (let i = 0; i < 10; i += 1) {
      expect(store.waitMs(allowance(5, 1_000), 1)).toBeTypeOf('number')
      store.add(allowance(5, 1_000), 1)
    }
  })

  it('says to the millisecond when a small limit gives again', async () => {
    const { clock, store } = open()
    const five = allowance(5, 10_000)
    for (let i = 0; i < 5; i += 1) {
      store.add(five, 1)
      await clock.advance(100)
    }
    expect(store.waitMs(five, 1)).toBe(9_500)
    expect(store.waitMs(five, 3)).toBe(9_700)
    expect(store.usage(five)).toEqual({ used: 5, resetsInMs: 9_500 })
    await clock.advance(9_499)
    expect(store.waitMs(five, 1)).toBe(1)
    await clock.advance(1)
    expect(store.waitMs(five, 1)).toBe(0)
    expect(store.waitMs(five, 2)).toBe(100)
  })

  it('holds to a limit that became lower or whose period became longer', async () => {
    const { clock, store } = open()
    for (let i = 0; i < 60; i += 1) store.add(allowance(60, 1_000), 1)
    expect(store.waitMs(allowance(10, 60_000), 1)).toBe(60_000)
    await clock.advance(60_000)
    expect(store.waitMs(allowance(10, 60_000), 10)).toBe(0)
  })

  it('gives from the newest where less was used than was counted', async () => {
    const { clock, store } = open()
    const ten = allowance(10, 1_000)
    store.add(ten, 5)
    await clock.advance(500)
    store.add(ten, 5)
    store.add(ten, -3)
    expect(store.usage(ten)).toEqual({ used: 7, resetsInMs: 500 })
    await clock.advance(500)
    expect(store.usage(ten)).toEqual({ used: 2, resetsInMs: 500 })
  })

  it('never holds more keys than its bound: of what still counts, what nobody asked for longest goes, and is counted', async () => {
    const { clock, evicted, store } = open(3)
    for (const name of ['a', 'b', 'c']) store.add(allowance(1, 60_000, name), 1)
    await clock.advance(1_000)
    store.waitMs(allowance(1, 60_000, 'a'), 1)
    store.add(allowance(1, 60_000, 'd'), 1)
    expect(['a', 'b', 'c', 'd'].map((name) => store.usage(allowance(1, 60_000, name)).used)).toEqual([1, 0, 1, 1])
    expect(evicted).toEqual(['store_evicted limit'])
  })

  it('lets what has ended make room first', async () => {
    const { clock, evicted, store } = open(3)
    store.add(allowance(1, 60_000, 'long'), 1)
    store.add(allowance(1, 10, 'short'), 1)
    store.add(allowance(1, 10, 'short too'), 1)
    await clock.advance(11)
    store.add(allowance(1, 60_000, 'new'), 1)
    expect(store.usage(allowance(1, 60_000, 'long')).used).toBe(1)
    expect(evicted).toEqual([])
  })

  it('keeps no key for a question, nor for what was given back and never taken', () => {
    const { evicted, store } = open(1)
    store.add(allowance(1, 1_000, 'a'), 1)
    for (const name of ['b', 'c', 'd']) {
      store.waitMs(allowance(1, 1_000, name), 1)
      store.usage(allowance(1, 1_000, name))
      store.add(allowance(1, 1_000, name), -1)
    }
    expect(store.usage(allowance(1, 1_000, 'a')).used).toBe(1)
    expect(evicted).toEqual([])
  })
})

describe('against a model that remembers every grant', () => {
  const steps = (amount: fc.Arbitrary<number>, longest: number) =>
    fc.array(fc.record({ passes: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: longest })), amount }), { maxLength: 300 })

  interface Grant {
    readonly at: number
    readonly amount: number
  }
  const within = (grants: readonly Grant[], from: number, until: number): number =>
    grants.reduce((sum, { at, amount }) => (at > from && at <= until ? sum + amount : sum), 0)

  it('a small limit of single calls is exact', async () => {
    const cases = fc.asyncProperty(fc.integer({ min: 1, max: 64 }), steps(fc.constant(1), 200), async (most, all) => {
      const { clock, memory, store } = open()
      const limit = allowance(most, 1_000)
      const grants: Grant[] = []
      for (const { passes } of all) {
        await clock.advance(passes)
        const now = clock.mono()
        const wait = memory.waitMs(limit, 1, now)
        const used = within(grants, now - 1_000, now)
        expect(wait === 0).toBe(used < most)
        expect(store.usage(limit).used).toBe(used)
        if (wait > 0) {
          expect(within(grants, now + wait - 1_000, now + wait)).toBeLessThan(most)
          expect(within(grants, now + wait - 1 - 1_000, now + wait - 1)).toBe(most)
          continue
        }
        store.add(limit, 1)
        grants.push({ at: now, amount: 1 })
      }
    })
    await fc.assert(cases, { numRuns: 60 })
  })

  it.each([
    ['tokens', 2_000, fc.integer({ min: 1, max: 900 })],
    ['money', 0.5, fc.double({ min: 0.000_1, max: 0.2, noNaN: true })],
    ['fractions of a small limit', 8, fc.double({ min: 0.01, max: 1, noNaN: true })],
  ])(
    'a limit of %s never grants more in any period, and refuses nothing that fits by what was granted one sub-window longer',
    async (_name, most, amounts) => {
      const period = 3_200
      const cases = fc.asyncProperty(steps(amounts, 300), async (all) => {
        const { clock, memory, store } = open()
        const limit = allowance(most, period)
        const grants: Grant[] = []
        for (const { passes, amount } of all) {
          await clock.advance(passes)
          const now = clock.mono()
          const wait = memory.waitMs(limit, amount, now)
          const slack = most * 1e-9
          if (within(grants, now - period - 100, now) + amount <= most - slack) expect(wait).toBe(0)
          if (within(grants, now - period, now) + amount > most + slack) expect(wait).toBeGreaterThan(0)
          expect(wait).toBeLessThanOrEqual(period)
          if (wait > 0) continue
          store.add(limit, amount)
          grants.push({ at: now, amount })
        }
      })
      await fc.assert(cases, { numRuns: 60 })
    },
  )

  it('what is used is never less than what a model counts that gives back from the newest', async () => {
    const amounts = fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: -40, max: -1 }))
    const cases = fc.asyncProperty(steps(amounts, 100), async (all) => {
      const { clock, store } = open()
      const limit = allowance(1_000, 3_200)
      let model: Grant[] = []
      for (const { passes, amount } of all) {
        await clock.advance(passes)
        const now = clock.mono()
        model = model.filter(({ at }) => at > now - 3_200)
        store.add(limit, amount)
        if (amount > 0) model.push({ at: now, amount })
        for (let left = -amount; left > 0 && model.length > 0; ) {
          const newest = model.pop() as Grant
          if (newest.amount > left) model.push({ ...newest, amount: newest.amount - left })
          left -= newest.amount
        }
        expect(store.usage(limit).used).toBeGreaterThanOrEqual(model.reduce((sum, one) => sum + one.amount, 0))
      }
    })
    await fc.assert(cases, { numRuns: 60 })
  })
})
