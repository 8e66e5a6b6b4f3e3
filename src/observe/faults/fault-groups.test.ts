import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { aRecord } from '../../../test/doubles/record.ts'
import { silentReport } from '../../../test/doubles/report.ts'
import type { CallRecord } from '../../core/call/record.ts'
import { systemClock } from '../../platform/clock/system-clock.ts'
import { createSqliteDurable } from '../../platform/store/sqlite/durable.ts'
import { SteadyTime } from '../steady-time.ts'
import { type FaultGroup, FaultGroups, mostGroups } from './fault-groups.ts'
import { FaultStore, faultsDomain } from './fault-store.ts'
import { generalised } from './fingerprint.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

function made(clock = new ManualClock(), configuration = 'c0ffee') {
  const time = new SteadyTime(clock)
  const back: FaultGroup[] = []
  let version = '1.0.0'
  const groups = new FaultGroups({
    time,
    redact: (text) => text.replaceAll('hunter2', '[redacted]'),
    versionOf: () => version,
    configuration: () => configuration,
    regressed: (group) => back.push(group),
  })
  let calls = 0
  const fails = (message: string, more: Partial<CallRecord> = {}) => {
    calls += 1
    groups.observe(
      aRecord({
        id: `call-${calls}` as CallRecord['id'],
        outcome: 'fault',
        contract: 'c1:abc',
        fault: { kind: 'upstream_error', category: 'integration', sideEffect: 'none', message, code: -32603, answered: undefined },
        ...more,
      }),
    )
  }
  return {
    clock,
    time,
    groups,
    back,
    fails,
    deploys: (next: string) => {
      version = next
    },
  }
}

describe('groups of faults', () => {
  it('are one for what differs only in numbers, ids and quoted values', () => {
    const it = made()
    for (let n = 0; n < 1_000; n += 1)
      it.fails(`up answered with an error: request ${n} of user "u${n}" failed after ${n * 7} ms (id 9f8e7d6c-${1000 + n}-4abc)`)
    expect(it.groups.all()).toMatchObject([{ kind: 'upstream_error', server: 'up', item: 'weather', count: 1_000 }])
    const [group] = it.groups.all()
    expect(group?.cause).not.toMatch(/\d/)
    expect(group?.examples).toEqual(['call-1', 'call-997', 'call-998', 'call-999', 'call-1000'])
    it.fails('up answered with an error: permission denied')
    expect(it.groups.all()).toHaveLength(2)
    expect(generalised('pool exhausted: 10 of 10, hunter2')).toBe('pool exhausted: # of #')
  })

  it('say at which contract, version and configuration they were first seen', async () => {
    const it = made()
    it.fails('boom')
    it.deploys('2.0.0')
    await it.clock.advance(hour)
    it.fails('boom')
    it.fails('another', { contract: 'c1:def' })
    const [another, boom] = it.groups.all()
    expect(boom).toMatchObject({
      first: { contract: 'c1:abc', version: '1.0.0', configuration: 'c0ffee' },
      last: { version: '2.0.0' },
      count: 2,
    })
    expect(another?.first).toEqual({ contract: 'c1:def', version: '2.0.0', configuration: 'c0ffee' })
    expect(it.groups.stateOf(boom as FaultGroup)).toBe('new')
    await it.clock.advance(day)
    expect(it.groups.stateOf(boom as FaultGroup)).toBe('known')
  })

  it('have nothing that an agent did wrong, and silent failures too', () => {
    const it = made()
    it.fails('no such argument', { fault: { kind: 'invalid_arguments' } as CallRecord['fault'] })
    it.groups.observe(aRecord())
    expect(it.groups.all()).toEqual([])
    it.groups.observe(aRecord({ found: 'empty', suspect: ['empty'] }))
    it.groups.observe(aRecord({ found: 'hidden_error' }))
    expect(it.groups.all().map(({ kind }) => kind)).toEqual(['hidden_error', 'empty'])
  })

  it('that an operator says are mended are told of where they come back, once', async () => {
    const it = made()
    it.fails('boom')
    const [group] = it.groups.all()
    it.groups.resolve(String(group?.id))
    expect(it.groups.stateOf(group as FaultGroup)).toBe('resolved')
    await it.clock.advance(hour)
    for (let n = 0; n < 10; n += 1) it.fails('boom')
    expect(it.back).toHaveLength(1)
    expect(it.groups.stateOf(group as FaultGroup)).toBe('regressed')
    expect(it.groups.all()).toMatchObject([{ count: 11, regressions: 1 }])
    expect(it.groups.resolve('nothing')).toBeUndefined()
  })

  it('that were quiet for a week are back once they are seen three times in an hour, and not for one now and then', async () => {
    const it = made()
    it.fails('boom')
    for (let week = 0; week < 6; week += 1) {
      await it.clock.advance(8 * day)
      it.fails('boom')
    }
    expect(it.back).toEqual([])
    await it.clock.advance(8 * day)
    for (let n = 0; n < 3; n += 1) it.fails('boom')
    expect(it.back).toHaveLength(1)
  })

  it('are bounded, and a server that says something else each time pushes out no other', () => {
    const it = made()
    it.fails('boom', { upstream: 'quiet' })
    const word = (n: number) => [...String(n)].map((digit) => 'abcdefghij'[Number(digit)]).join('')
    for (let n = 0; n < 5_000; n += 1) it.fails(`noise ${word(n)}`)
    expect(it.groups.all()).toHaveLength(102)
    expect(it.groups.all().find(({ cause }) => cause === 'other')?.count).toBe(4_900)
    for (let n = 0; n < 3_000; n += 1) it.fails('boom', { upstream: `s${n}` })
    expect(it.groups.all().length).toBeLessThanOrEqual(mostGroups)
  })

  it('are kept over restarts', async () => {
    const durable = createSqliteDurable({
      file: undefined,
      domains: [faultsDomain],
      program: '1',
      clock: systemClock,
      report: silentReport,
    })
    const first = made()
    first.fails('boom')
    first.fails('another')
    const [, boom] = first.groups.all()
    first.groups.resolve(String(boom?.id))
    const store = (it: ReturnType<typeof made>) =>
      new FaultStore({ durable, clock: it.clock, time: it.time, report: silentReport, groups: it.groups })
    await store(first).end()
    await first.clock.advance(hour)
    const second = made(first.clock, 'beef')
    const kept = store(second)
    await kept.start()
    expect(second.groups.all().map(({ cause, first: { configuration }, resolved }) => [cause, configuration, resolved?.by])).toEqual([
      ['another', 'c0ffee', undefined],
      ['boom', 'c0ffee', 'operator'],
    ])
    second.fails('boom')
    expect(second.back).toMatchObject([{ first: { configuration: 'c0ffee' }, last: { configuration: 'beef' } }])
    await kept.end()
    await durable.close()
  })
})
