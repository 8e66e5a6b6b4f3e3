import { describe, expect, it } from 'vitest'
import { testDurable } from '../../test/doubles/durable.ts'
import { aCall, anExchange, anItem, aReport, countedRandom, done } from '../../test/doubles/gateway/samples.ts'
import { ManualClock } from '../../test/doubles/manual-clock.ts'
import { aRun } from '../../test/doubles/run.ts'
import type { RoutedCall } from '../core/call/call.ts'
import { type Gate, through } from '../core/call/gates.ts'
import { payloadOf } from '../core/call/payload.ts'
import type { Durable } from '../core/ports/durable.ts'
import { runUsageDomain } from '../gateway/limits/kept-runs.ts'
import { budgetUsageDomain } from '../gateway/limits/kept-usage.ts'
import { systemClock } from '../platform/clock/system-clock.ts'
import { assembleLimits } from './limits.ts'
import { settingsSchema } from './settings.ts'

const hour = 3_600_000

function world() {
  const clock = new ManualClock()
  const { report, counted } = aReport()
  const durable = testDurable({ domains: [budgetUsageDomain, runUsageDomain], clock: systemClock, report })
  async function start(budgets: unknown, on: Durable = durable) {
    const settings = settingsSchema.parse({ budgets })
    const limits = assembleLimits({ settings, clock, random: countedRandom(), report, durable: on, shared: undefined })
    await limits.start()
    const run = through([limits.gate as unknown as Gate])
    let n = 0
    const call = async (id = 'r1') => {
      n += 1
      const made: RoutedCall = {
        ...aCall({ params: payloadOf({ name: 'weather', arguments: { n } }), run: aRun({ id }) }),
        upstream: 'up',
        item: anItem(),
      }
      const outcome = await run(made, anExchange(clock).exchange, async () => done())
      return outcome.kind === 'fault' ? outcome.fault : undefined
    }
    const times = async (count: number, id?: string) => {
      let sent = 0
      for (let i = 0; i < count; i += 1) if ((await call(id)) === undefined) sent += 1
      return sent
    }
    return { limits, call, times }
  }
  return { clock, counted, durable, start }
}

const rowsOf = async (durable: Durable) => {
  const found = await durable.read((reader) => reader.all('SELECT * FROM budget_usage'))
  return found.ok ? found.value : []
}

describe('what was used of budgets', () => {
  it('is known after a restart, and comes back when it would have, at most a part of the period late', async () => {
    const { clock, start } = world()
    const budgets = { principal: { calls: '10/1h' } }
    const first = await start(budgets)
    expect(await first.times(4)).toBe(4)
    await clock.advance(hour / 2)
    expect(await first.times(4)).toBe(4)
    await first.limits.end()
    const second = await start(budgets)
    expect(await second.times(9)).toBe(2)
    await clock.advance(hour / 2 - 1)
    expect(await second.times(9)).toBe(0)
    await second.limits.end()
    const third = await start(budgets)
    await clock.advance(1 + hour / 32)
    expect(await third.times(9)).toBe(4)
    await clock.advance(hour / 2)
    expect(await third.times(9)).toBe(6)
  })

  it('is written within seconds, so that a crash gives back no more', async () => {
    const { clock, start } = world()
    const first = await start({ run: { calls: 10 } })
    expect(await first.times(6)).toBe(6)
    await clock.advance(5_000)
    // The write is under way; what comes next on the store comes after it.
    const second = await start({ run: { calls: 10 } })
    expect(await second.times(9)).toBe(4)
  })

  it('adds up where several gateways share the store', async () => {
    const { start, durable } = world()
    const [one, two] = [await start({ run: { calls: 10 } }), await start({ run: { calls: 10 } })]
    expect(await one.times(3)).toBe(3)
    expect(await two.times(4)).toBe(4)
    await Promise.all([one.limits.end(), two.limits.end()])
    expect(await rowsOf(durable)).toMatchObject([{ tenant: 'default', amount: 7 }])
    expect(await (await start({ run: { calls: 10 } })).times(9)).toBe(3)
  })

  it('is dropped when it counts no more', async () => {
    const { clock, start, durable } = world()
    const first = await start({ principal: { calls: '10/1h' } })
    await first.times(4)
    await first.limits.end()
    expect(await rowsOf(durable)).toHaveLength(1)
    await clock.advance(2 * hour)
    await start({ principal: { calls: '10/1h' } })
    expect(await rowsOf(durable)).toEqual([])
  })

  it('is forgotten when an operator clears it', async () => {
    const { start, durable } = world()
    const first = await start({ run: { calls: 5 } })
    expect(await first.times(9)).toBe(5)
    const [shown] = first.limits.show()
    expect(await first.limits.clear(shown?.id ?? '')).toEqual({ kind: 'cleared' })
    await first.limits.end()
    expect(await rowsOf(durable)).toEqual([])
    expect(await (await start({ run: { calls: 5 } })).times(9)).toBe(5)
  })

  it('is given back whole or not at all: where the store does not do it, the operator is told', async () => {
    const { start, durable } = world()
    let away = true
    const flaky: Durable = {
      read: (work) => durable.read(work),
      run: async (sql, params) => (away ? { ok: false, fault: { kind: 'locked', message: 'away' } } : durable.run(sql, params)),
      transact: (work) => durable.transact(work),
      trouble: () => undefined,
      close: () => durable.close(),
    }
    const first = await start({ run: { calls: 5 } }, flaky)
    expect(await first.times(9)).toBe(5)
    const id = first.limits.show()[0]?.id ?? ''
    expect(await first.limits.clear(id)).toEqual({ kind: 'unkept', reason: 'away' })
    expect(await first.times(1)).toBe(0)
    away = false
    expect(await first.limits.clear(id)).toEqual({ kind: 'cleared' })
    expect(await first.times(2)).toBe(2)
    await first.limits.end()
    expect(await rowsOf(durable)).toMatchObject([{ amount: 2 }])
  })

  it('waits where the store is away, and is written when it is back', async () => {
    const { clock, start, durable, counted } = world()
    let away = true
    const flaky: Durable = {
      read: (work) => durable.read(work),
      run: (sql, params) => durable.run(sql, params),
      transact: async (work) => (away ? { ok: false, fault: { kind: 'locked', message: 'away' } } : durable.transact(work)),
      trouble: () => undefined,
      close: () => durable.close(),
    }
    const first = await start({ run: { calls: 10 } }, flaky)
    await first.times(4)
    for (let i = 0; i < 5; i += 1) await clock.advance(5_000)
    expect(await rowsOf(durable)).toEqual([])
    away = false
    await first.limits.end()
    expect(await rowsOf(durable)).toMatchObject([{ amount: 4 }])
    expect(counted.bugs).toBeUndefined()
  })
})

describe('the time of a run', () => {
  it('is from its first call on, also over a restart', async () => {
    const { clock, start } = world()
    const budgets = { run: { time: '1h' } }
    const first = await start(budgets)
    expect(await first.call('a')).toBeUndefined()
    await clock.advance(hour / 2)
    expect(await first.call('a')).toBeUndefined()
    expect(await first.call('b')).toBeUndefined()
    await first.limits.end()
    const second = await start(budgets)
    await clock.advance(hour / 2)
    expect(await second.call('a')).toMatchObject({
      kind: 'budget_exhausted',
      retryable: false,
      detail: { scope: 'run', unit: 'ms', limit: hour, used: hour },
      message: expect.stringContaining('answer with what you have'),
    })
    expect(await second.call('b')).toBeUndefined()
    expect(await second.call('c')).toBeUndefined()
  })
})
