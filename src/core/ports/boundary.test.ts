import { expect, it } from 'vitest'
import { aReport } from '../../../test/doubles/gateway/samples.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { guarded, guardedClock, inBackground, reportBug } from './boundary.ts'

const broken = (): never => {
  throw new Error('a bug')
}

it('a listener that throws is told, counted, and no failure of its source', () => {
  const { report, counted, logged } = aReport()
  expect(() => guarded(report, 'child', broken)(undefined)).not.toThrow()
  expect(logged).toEqual(['A bug in the gateway was caught'])
  expect(counted.bugs).toBe(1)
})

it('so is work that nobody waits for', async () => {
  const { report, counted } = aReport()
  inBackground(report, 'catalog', Promise.reject(new Error('a bug')))
  await Promise.resolve()
  expect(counted.bugs).toBe(1)
})

it('a timer that throws keeps no other from its turn', async () => {
  const { report, counted } = aReport()
  const manual = new ManualClock()
  const clock = guardedClock(manual, report)
  const rung: string[] = []
  clock.timer(1, broken)
  clock.timer(2, () => rung.push('second'))
  clock.timer(3, () => rung.push('cancelled')).cancel()
  await manual.advance(5)
  expect([rung, counted.bugs]).toEqual([['second'], 1])
})

it('the stack stands in the log beside what is known of the place', () => {
  const lines: unknown[] = []
  const report = { ...aReport().report, log: (_severity: string, _event: string, fields?: unknown) => void lines.push(fields) }
  reportBug(report, 'store', new Error('a bug'), { id: 'call-1' })
  reportBug(report, 'store', 'text')
  expect(lines).toEqual([
    { source: 'store', id: 'call-1', stack: expect.stringContaining('boundary.test.ts') },
    { source: 'store', stack: 'text' },
  ])
})
