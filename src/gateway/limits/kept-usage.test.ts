import { describe, expect, it } from 'vitest'
import { aReport } from '../../../test/doubles/gateway/samples.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { tenantKey } from '../../core/call/tenant-key.ts'
import type { Durable, Stored, StoreFaultKind, Transaction } from '../../core/ports/durable.ts'
import { KeptUsage } from './kept-usage.ts'

const hour = 3_600_000
const keyOf = (n: number): string => tenantKey('t', 'budget', 'run', String(n))

/** A store that fails as it is told, and else counts the rows that it is given. */
function setting() {
  const clock = new ManualClock()
  const { report, counted, logged } = aReport()
  const state: { fault: StoreFaultKind | undefined; rows: number; amounts: unknown[] } = { fault: undefined, rows: 0, amounts: [] }
  const transaction = {
    runEach: async (_sql: string, rows: readonly (readonly unknown[])[]) => {
      state.rows += rows.length
      if (state.amounts.length < 10) state.amounts.push(...rows.map((row) => row[5]))
      return rows.length
    },
    run: async () => 0,
  } as unknown as Transaction
  const durable = {
    transact: async <T>(work: (transaction: Transaction) => Promise<T>): Promise<Stored<T>> =>
      state.fault === undefined
        ? { ok: true, value: await work(transaction) }
        : { ok: false, fault: { kind: state.fault, message: state.fault } },
    run: async () => ({ ok: true, value: 0 }),
  } as unknown as Durable
  const kept = new KeptUsage(durable, clock, report)
  const use = (from: number, to: number): void => {
    for (let n = from; n < to; n += 1) kept.note({ key: keyOf(n), periodMs: hour }, 1, clock.now())
  }
  return { clock, kept, state, use, lost: () => counted.budget_usage_lost ?? 0, logged }
}

describe('what was used of budgets and cannot be kept', () => {
  it('is counted, and told once, where more waits than memory lasts for', async () => {
    const { clock, kept, state, use, lost, logged } = setting()
    state.fault = 'unavailable'
    use(0, 100_000)
    await clock.advance(5_000)
    expect(lost()).toBe(0)
    use(100_000, 100_007)
    kept.noteMoment(keyOf(0), clock.now(), hour)
    expect(lost()).toBe(8)
    await clock.advance(20_000)
    expect(logged).toEqual(['What was used of budgets is lost to a restart'])
    state.fault = undefined
    await clock.advance(5_000)
    expect([state.rows, lost()]).toEqual([100_000, 8])
    // It works again, and is away again.
    state.fault = 'unavailable'
    use(0, 100_001)
    expect([lost(), logged.length]).toEqual([9, 2])
    await kept.end()
    expect(lost()).toBe(100_009)
  })

  it.each(['newer', 'closed', 'conflict'] as const)('is counted, and told once, where the store refuses it for good: %s', async (fault) => {
    const { clock, state, use, lost, logged } = setting()
    state.fault = fault
    use(0, 3)
    await clock.advance(5_000)
    use(0, 2)
    await clock.advance(5_000)
    expect([lost(), logged]).toEqual([5, ['What was used of budgets is lost to a restart']])
  })

  it('is nothing where the store is only away for a while', async () => {
    const { clock, kept, state, use, lost, logged } = setting()
    state.fault = 'locked'
    use(0, 3)
    await clock.advance(20_000)
    state.fault = undefined
    await clock.advance(5_000)
    await kept.end()
    expect([state.rows, lost(), logged]).toEqual([3, 0, []])
  })
})

it('is kept of one limit as of ever new ones: what was written, forgotten or is of an earlier part of the period takes in no more', async () => {
  const { clock, kept, state } = setting()
  const limit = { key: keyOf(0), periodMs: hour }
  const note = (amount: number): void => kept.note(limit, amount, clock.now())
  note(1)
  note(2)
  await clock.advance(5_000)
  note(4)
  expect(await kept.forget(limit.key)).toBeUndefined()
  note(8)
  await clock.advance(5_000)
  note(16)
  await clock.advance(2_000)
  kept.note(limit, 32, clock.now() + hour)
  note(64)
  await clock.advance(5_000)
  const written = state.amounts.map(Number)
  expect(written.slice(0, 2)).toEqual([3, 8])
  expect(written.slice(2).reduce((sum, one) => sum + one, 0)).toBe(112)
})

it('what was kept counts after a start, though what is over could not be dropped', async () => {
  const { report, logged } = aReport()
  const row = { key: keyOf(0), began_ms: 0, ended_ms: 0, period_ms: hour, amount: 3 }
  const away = { ok: false, fault: { kind: 'locked', message: 'away' } } as const
  const store = (read: Stored<readonly unknown[]>): Durable => ({ run: async () => away, read: async () => read }) as unknown as Durable
  const clock = new ManualClock()
  expect(await new KeptUsage(store({ ok: true, value: [row] }), clock, report).load()).toMatchObject([{ amount: 3 }])
  expect(logged).toEqual([])
  expect(await new KeptUsage(store(away), clock, report).load()).toEqual([])
  expect(logged).toEqual(['What was used of budgets is not known from before the start'])
})
