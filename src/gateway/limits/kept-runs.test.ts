import { expect, it } from 'vitest'
import { testDurable } from '../../../test/doubles/durable.ts'
import { aCall, anItem, aReport } from '../../../test/doubles/gateway/samples.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { aRun } from '../../../test/doubles/run.ts'
import type { RoutedCall } from '../../core/call/call.ts'
import type { Durable } from '../../core/ports/durable.ts'
import { systemClock } from '../../platform/clock/system-clock.ts'
import { KeptRuns, runUsageDomain } from './kept-runs.ts'
import { quietMs, RunUsage } from './run-usage.ts'

function world() {
  const clock = new ManualClock()
  const { report, counted } = aReport()
  const durable = testDurable({ domains: [runUsageDomain], clock: systemClock, report })
  function gateway(on: Durable = durable) {
    const kept = new KeptRuns(on, clock, report)
    const runs = new RunUsage(() => undefined, kept)
    const use = (id: string, tokens: number, client = 'agent') => {
      const caller = { ...aCall().caller, client: { name: client, version: '1' } }
      const call: RoutedCall = { ...aCall({ run: aRun({ id }), caller }), upstream: 'up', item: anItem() }
      runs.note(call, { sent: 0, got: tokens, cost: 0 }, clock.mono())
    }
    return { kept, runs, use }
  }
  const rows = async (table: string) => {
    const found = await durable.read((reader) => reader.all(`SELECT * FROM ${table}`))
    return found.ok ? found.value : []
  }
  return { clock, counted, durable, gateway, rows }
}

it('runs of gateways that share the store add up, and are one total when they are over', async () => {
  const { clock, gateway, rows } = world()
  const [one, two] = [gateway(), gateway()]
  one.use('a', 100)
  two.use('a', 50)
  await Promise.all([one.kept.end(), two.kept.end()])
  expect(await rows('run_usage')).toMatchObject([{ tokens: 150, calls: 2, told: 0 }])
  const third = gateway()
  await third.kept.load(third.runs)
  third.use('a', 7)
  await clock.advance(quietMs)
  third.runs.sweep(clock.mono())
  await third.kept.end()
  expect([await rows('run_usage'), await rows('run_totals')]).toMatchObject([[], [{ slot: 0, tokens: 157 }]])
})

it('is written within ten seconds, and waits while the store is away', async () => {
  const { clock, gateway, rows, durable, counted } = world()
  let away = true
  const flaky: Durable = {
    read: (work) => durable.read(work),
    run: (sql, params) => durable.run(sql, params),
    transact: async (work) => (away ? { ok: false, fault: { kind: 'locked', message: 'away' } } : durable.transact(work)),
    trouble: () => undefined,
    close: () => durable.close(),
  }
  const { kept, runs, use } = gateway(flaky)
  use('a', 100)
  await clock.advance(10_000)
  use('a', 20)
  use('b', 5)
  for (let n = 0; n < 3; n += 1) await clock.advance(10_000)
  expect(await rows('run_usage')).toEqual([])
  away = false
  await kept.end()
  expect((await rows('run_usage')).map(({ tokens, calls }) => [tokens, calls]).sort()).toEqual([
    [120, 2],
    [5, 1],
  ])
  expect([counted.run_usage_lost, counted.bugs, runs.size]).toEqual([undefined, undefined, 2])
})

it('what could not be kept at the end is counted, and what a client says of itself breaks nothing', async () => {
  const { gateway, durable, rows, counted } = world()
  const { kept, use } = gateway()
  for (const client of ["'; DROP TABLE run_usage; --", '\u0000', '\ud800', 'x'.repeat(10_000), '']) use(`of ${client.length}`, 10, client)
  await kept.end()
  expect((await rows('run_usage')).length).toBe(4)
  const again = gateway()
  await again.kept.load(again.runs)
  expect(again.runs.size).toBe(4)
  again.use('last', 1)
  await durable.close()
  await again.kept.end()
  expect(counted.run_usage_lost).toBe(1)
})
