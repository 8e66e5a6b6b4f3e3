// What every store of limits promises; each engine's test calls it. A real store counts in real time: nothing here says how long something
// takes, only what holds whenever it is looked at.
import { describe, expect, it } from 'vitest'
import { tenantKey } from '../../src/core/call/tenant-key.ts'
import type { Allowance, LimitStore } from '../../src/core/ports/limit-store.ts'

export interface LimitStoreUnderTest {
  readonly store: LimitStore
  /** Milliseconds by which it may give back late what it counts in parts of a period that long. */
  late(periodMs: number): number
  now(): number
  /** Lets that many ms go by for the store. */
  pass(ms: number): Promise<void>
}

/** Long enough that nothing of it comes back during a test. */
const long = 3_600_000

/** A store that is told the time by itself. */
export interface TimedLimitStore {
  waitMs(allowance: Allowance, amount: number): number | Promise<void>
  add(allowance: Allowance, amount: number): void
  usage(allowance: Allowance): { readonly used: number; readonly resetsInMs: number }
  clear(allowance: Allowance): void
}

export function timed(store: LimitStore, now: () => number): TimedLimitStore {
  return {
    waitMs: (allowance, amount) => store.waitMs(allowance, amount, now()),
    add: (allowance, amount) => store.add(allowance, amount, now()),
    usage: (allowance) => ({ used: store.used(allowance, now()), resetsInMs: store.resetsInMs(allowance, now()) }),
    clear: (allowance) => store.clear(allowance),
  }
}

/** Asks as a caller does: again where the store has to be asked first. */
export async function asked(store: TimedLimitStore, allowance: Allowance, amount: number): Promise<number> {
  for (;;) {
    const wait = store.waitMs(allowance, amount)
    if (typeof wait === 'number') return wait
    await wait
  }
}

/** Whether it was granted; counts it in the turn in which the store said that it fits. */
export async function taken(store: TimedLimitStore, allowance: Allowance, amount: number): Promise<boolean> {
  for (;;) {
    const wait = store.waitMs(allowance, amount)
    if (typeof wait === 'number') {
      if (wait === 0) store.add(allowance, amount)
      return wait === 0
    }
    await wait
  }
}

export function limitStoreContract(openStore: () => Promise<LimitStoreUnderTest>): void {
  const open = async () => {
    const opened = await openStore()
    return { ...opened, store: timed(opened.store, opened.now) }
  }

  const allowance = (most: number, periodMs: number, ...name: string[]): Allowance => ({
    key: tenantKey('acme', 'contract', ...name),
    most,
    periodMs,
  })

  async function grants(store: TimedLimitStore, of: Allowance, tries: number, amount = 1): Promise<number> {
    let granted = 0
    for (let i = 0; i < tries; i += 1) if (await taken(store, of, amount)) granted += 1
    return granted
  }

  it('grants as much as the limit says, then says how long to wait', async () => {
    const { store, late } = await open()
    const five = allowance(5, long)
    expect(await grants(store, five, 9)).toBe(5)
    const wait = await asked(store, five, 1)
    expect(wait).toBeGreaterThan(0)
    expect(wait).toBeLessThanOrEqual(long + late(long))
  })

  it('grants again when the wait is over', async () => {
    const { store, pass } = await open()
    const two = allowance(2, 500)
    await grants(store, two, 2)
    for (let round = 0; round < 3; round += 1) {
      for (let wait = await asked(store, two, 1); wait > 0; wait = await asked(store, two, 1)) await pass(wait)
      expect(await taken(store, two, 1)).toBe(true)
    }
  })

  it('never grants more than the limit in any period, also not in one that begins in the middle of another', async () => {
    const { store, now, pass } = await open()
    const four = allowance(4, 600)
    const granted: { before: number; after: number }[] = []
    while (granted.length < 14) {
      const before = now()
      if (await taken(store, four, 1)) granted.push({ before, after: now() })
      else await pass(20)
      if (granted.length === 2) await pass(350)
    }
    for (const [index, { before }] of granted.entries()) {
      const fifth = granted[index + 4]
      if (fifth !== undefined) expect(fifth.after - before).toBeGreaterThanOrEqual(600 - 1e-3)
    }
  })

  it('keeps limits of other keys and other tenants apart', async () => {
    const { store } = await open()
    expect(await grants(store, allowance(1, long, 'a'), 2)).toBe(1)
    expect(await grants(store, allowance(1, long, 'b'), 2)).toBe(1)
    expect(await grants(store, { key: tenantKey('bolt', 'contract', 'a'), most: 1, periodMs: long }, 2)).toBe(1)
    expect(await grants(store, { key: tenantKey('acme', 'contract', '}{a'), most: 1, periodMs: long }, 2)).toBe(1)
  })

  it('says of an amount above the limit that it never fits, and takes the whole limit at once', async () => {
    const { store } = await open()
    expect(await asked(store, allowance(10, long), 10.5)).toBe(Number.POSITIVE_INFINITY)
    expect(await taken(store, allowance(10, long), 10)).toBe(true)
    expect(await asked(store, allowance(10, long), 1)).toBeGreaterThan(0)
    expect(await asked(store, allowance(10, long), 0)).toBe(0)
  })

  it('changes nothing by being asked: of several limits all are taken or none', async () => {
    const { store } = await open()
    const wide = allowance(3, long, 'wide')
    const narrow = allowance(1, long, 'narrow')
    for (let i = 0; i < 20; i += 1) expect(await asked(store, wide, 1)).toBe(0)
    let both = 0
    for (let i = 0; i < 5; i += 1) {
      if ((await asked(store, narrow, 1)) > 0 || (await asked(store, wide, 1)) > 0) continue
      // Asked again in one turn: either may have had to be fetched.
      if (store.waitMs(narrow, 1) !== 0 || store.waitMs(wide, 1) !== 0) continue
      store.add(narrow, 1)
      store.add(wide, 1)
      both += 1
    }
    expect(both).toBe(1)
    expect(await grants(store, wide, 5)).toBe(2)
  })

  it('counts fractions: ten tenths are one', async () => {
    const { store } = await open()
    expect(await grants(store, allowance(1, long), 15, 0.1)).toBe(10)
  })

  it('keeps what was added beyond the limit', async () => {
    const { store } = await open()
    const hundred = allowance(100, long)
    expect(await taken(store, hundred, 60)).toBe(true)
    store.add(hundred, 90)
    expect(store.usage(hundred).used).toBeCloseTo(150)
    expect(await asked(store, hundred, 1)).toBeGreaterThan(0)
    store.add(hundred, -40)
    expect(await asked(store, hundred, 1)).toBeGreaterThan(0)
    store.add(hundred, -20)
    expect(await taken(store, hundred, 10)).toBe(true)
    expect(await asked(store, hundred, 1)).toBeGreaterThan(0)
  })

  it('takes back what was not used, and never more than was used', async () => {
    const { store } = await open()
    const ten = allowance(10, long)
    expect(await taken(store, ten, 10)).toBe(true)
    store.add(ten, -7)
    expect(store.usage(ten).used).toBeCloseTo(3)
    expect(await taken(store, ten, 7)).toBe(true)
    expect(await asked(store, ten, 1)).toBeGreaterThan(0)
    store.add(ten, -1_000)
    expect(store.usage(ten).used).toBe(0)
    expect(await taken(store, ten, 10)).toBe(true)
    expect(await asked(store, ten, 1)).toBeGreaterThan(0)
  })

  it('says what is used and when some of it comes back', async () => {
    const { store, late } = await open()
    const ten = allowance(10, long)
    expect(store.usage(ten)).toEqual({ used: 0, resetsInMs: 0 })
    await grants(store, ten, 4)
    const { used, resetsInMs } = store.usage(ten)
    expect(used).toBeCloseTo(4)
    expect(resetsInMs).toBeGreaterThan(0)
    expect(resetsInMs).toBeLessThanOrEqual(long + late(long))
  })

  it('forgets what is over', async () => {
    const { store, late, pass } = await open()
    const short = allowance(10, 200)
    await grants(store, short, 4)
    await pass(200 + late(200))
    expect(store.usage(short)).toEqual({ used: 0, resetsInMs: 0 })
  })

  it('is cleared at once', async () => {
    const { store } = await open()
    const three = allowance(3, long)
    expect(await grants(store, three, 5)).toBe(3)
    store.clear(three)
    expect(store.usage(three)).toEqual({ used: 0, resetsInMs: 0 })
    expect(await grants(store, three, 5)).toBe(3)
  })

  it('grants many who ask at once exactly what there is', async () => {
    const { store } = await open()
    const forty = allowance(40, long)
    const given = await Promise.all(Array.from({ length: 100 }, () => taken(store, forty, 1)))
    expect(given.filter(Boolean)).toHaveLength(40)
  })

  describe('what no caller should send', () => {
    it('does no harm', async () => {
      const { store } = await open()
      const two = allowance(2, long)
      store.add(two, Number.NaN)
      store.add(two, Number.NEGATIVE_INFINITY)
      store.add(two, -5)
      expect(store.usage(two)).toEqual({ used: 0, resetsInMs: 0 })
      expect(await grants(store, two, 5)).toBe(2)
    })
  })
}
