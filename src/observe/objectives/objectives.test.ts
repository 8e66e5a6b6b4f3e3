import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { aRecord } from '../../../test/doubles/record.ts'
import { silentReport } from '../../../test/doubles/report.ts'
import type { Objective } from '../../core/call/objective.ts'
import type { CallRecord } from '../../core/call/record.ts'
import { systemClock } from '../../platform/clock/system-clock.ts'
import { createSqliteDurable } from '../../platform/store/sqlite/durable.ts'
import { SteadyTime } from '../steady-time.ts'
import { ObjectiveStore, objectivesDomain } from './objective-store.ts'
import { Objectives } from './objectives.ts'
import { outcomeOf } from './outcomes.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const wanted: Objective = { availability: 99, latency: 2_000, percentile: 95 }

function made(clock = new ManualClock()) {
  const time = new SteadyTime(clock)
  const objectives = new Objectives({
    time,
    log: () => undefined,
    ofTool: (_, tool) => (tool === 'free' ? undefined : wanted),
    ofServer: () => undefined,
  })
  return { clock, time, objectives }
}

const failed = { outcome: 'fault', fault: { kind: 'upstream_timeout' } } as unknown as Partial<CallRecord>
const refused = { outcome: 'fault', fault: { kind: 'invalid_arguments' } } as unknown as Partial<CallRecord>

/** `calls` an hour for `hours`, of which the first `bad` of each hour are so. */
async function traffic(it: ReturnType<typeof made>, hours: number, calls: number, bad: number, change = failed): Promise<void> {
  for (let at = 0; at < hours; at += 1) {
    for (let n = 0; n < calls; n += 1) {
      it.objectives.observe(aRecord(n % Math.ceil(calls / Math.max(1, bad)) === 0 && bad > 0 ? change : {}))
      await it.clock.advance(hour / calls)
    }
  }
}

describe('what a call is', () => {
  it.each([
    ['a good result', {}, 'good'],
    ['an error that the tool says itself', { outcome: 'tool_error', found: 'tool_error' }, 'good'],
    ['an error given for a success', { found: 'hidden_error' }, 'bad'],
    ['an empty result that is doubtful', { found: 'empty', suspect: ['empty'] }, 'bad'],
    ['an empty result that is usual', { found: 'empty' }, 'good'],
    ['fewer rows', { suspect: ['rows'] }, 'good'],
    ['a timeout', failed, 'bad'],
    ['wrong arguments of an agent', refused, 'uncounted'],
    ['a limit', { outcome: 'fault', fault: { kind: 'rate_limited' } }, 'uncounted'],
    ['what a caller may not use', { outcome: 'fault', fault: { kind: 'forbidden' } }, 'uncounted'],
    ['a question to its user', { outcome: 'input_required' }, 'uncounted'],
  ])('%s: %s', (_what, change, outcome) => {
    expect(outcomeOf(aRecord(change as Partial<CallRecord>))).toBe(outcome)
  })
})

describe('objectives', () => {
  it('say what is left of the budget, and how fast it goes', async () => {
    const it = made()
    await traffic(it, 24, 100, 2)
    const [availability, latency] = it.objectives.report()
    // 2 % fail where 1 % may: twice as fast, and of 24 hours more than all of a budget that has no other calls.
    expect(availability).toMatchObject({
      server: 'up',
      tool: 'weather',
      objective: 'availability',
      target: 99,
      calls: 2_400,
      bad: 48,
      good: 98,
      budgetLeft: -1,
    })
    expect(availability?.burnRates['30d']).toBeCloseTo(2)
    expect(latency).toMatchObject({ objective: 'latency', target: 95, latency: 2_000, bad: 0, budgetLeft: 1 })
    it.objectives.observe(aRecord({ item: 'free' }))
    expect(it.objectives.report()).toHaveLength(2)
  })

  it('count nothing that an agent did wrong', async () => {
    const it = made()
    await traffic(it, 2, 60, 60, refused)
    expect(it.objectives.report()[0]).toMatchObject({ calls: 0, bad: 0, budgetLeft: 1 })
    expect(it.objectives.conditions()).toEqual([])
  })

  it('are told of within minutes where most calls fail, and no longer once they do not', async () => {
    const it = made()
    await traffic(it, 24, 60, 0)
    expect(it.objectives.conditions()).toEqual([])
    let minutes = 0
    for (; it.objectives.conditions().length === 0 && minutes < 60; minutes += 1) {
      it.objectives.observe(aRecord(failed))
      await it.clock.advance(minute)
    }
    // 14.4 times 1 % of an hour with 60 calls: nine of them.
    expect(minutes).toBe(9)
    expect(it.objectives.conditions()).toMatchObject([
      { kind: 'availability_burn', severity: 'critical', server: 'up', tool: 'weather', affected: 9 },
    ])
    for (let n = 0; n < 6; n += 1) {
      it.objectives.observe(aRecord())
      await it.clock.advance(minute)
    }
    expect(it.objectives.conditions().filter(({ severity }) => severity === 'critical')).toEqual([])
  })

  it('are told of in working hours where calls fail slowly for days, and not where as many fail as may', async () => {
    const slow = made()
    await traffic(slow, 80, 100, 2)
    expect(slow.objectives.conditions()).toMatchObject([{ kind: 'availability_burn', severity: 'warn' }])
    const well = made()
    await traffic(well, 30 * 24, 200, 1)
    expect(well.objectives.conditions()).toEqual([])
    expect(well.objectives.report()[0]?.budgetLeft).toBeCloseTo(0.5)
  }, 60_000)

  it('tell nothing of one failure among few calls', async () => {
    const it = made()
    for (let n = 0; n < 4; n += 1) it.objectives.observe(aRecord(failed))
    expect(it.objectives.conditions()).toEqual([])
  })

  it('are told of where calls are slow, though none fails', async () => {
    const it = made()
    for (let n = 0; n < 10; n += 1) it.objectives.observe(aRecord({ settledMs: 5_000 }))
    expect(it.objectives.conditions()).toMatchObject([{ kind: 'latency_burn', affected: 10, results: 10 }])
    const parked = made()
    for (let n = 0; n < 10; n += 1) parked.objectives.observe(aRecord({ settledMs: 500_000, parkedMs: 499_000 }))
    expect(parked.objectives.conditions()).toEqual([])
  })

  it('keep their budget over restarts, and forget what is older than 30 days', async () => {
    const durable = createSqliteDurable({
      file: undefined,
      domains: [objectivesDomain],
      program: '1',
      clock: systemClock,
      report: silentReport,
    })
    const first = made()
    const store = ({ time, objectives, clock }: ReturnType<typeof made>) =>
      new ObjectiveStore({ durable, clock, time, report: silentReport, objectives })
    const kept = store(first)
    await traffic(first, 3, 100, 5)
    await kept.end()
    const second = made(first.clock)
    const again = store(second)
    await again.start()
    expect(second.objectives.report()).toMatchObject([
      { calls: 300, bad: 15 },
      { calls: 285, bad: 0 },
    ])
    await traffic(second, 1, 100, 5)
    await again.end()
    await first.clock.advance(28 * day)
    const third = made(first.clock)
    const last = store(third)
    await last.start()
    expect(third.objectives.report()[0]).toMatchObject({ calls: 400, bad: 20 })
    await first.clock.advance(3 * day)
    expect(third.objectives.report()[0]).toMatchObject({ calls: 0, bad: 0, budgetLeft: 1 })
    await last.end()
    await durable.close()
  })
})
