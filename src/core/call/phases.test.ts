import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { Phases } from './phases.ts'

describe('what a call was at is kept in order', () => {
  it('with the times between which it was at each, and the attempt that it belongs to', async () => {
    const clock = new ManualClock()
    const phases = new Phases(clock)
    const from = clock.mono()
    expect(phases.list(from)).toEqual([])
    await clock.advance(5)
    phases.enter('queue', 1)
    await clock.advance(10)
    phases.enter('wait', 1)
    phases.enter('wait', 1)
    await clock.advance(20)
    expect(phases.current).toBe('wait')
    expect(phases.list(clock.mono())).toEqual([
      { name: 'queue', from: from + 5, to: from + 15, attempt: 1 },
      { name: 'wait', from: from + 15, to: from + 35, attempt: 1 },
    ])
  })

  it('up to a bound, beyond which the last is known and not kept', () => {
    const phases = new Phases(new ManualClock())
    for (let n = 0; n < 1_000; n += 1) phases.enter(n % 2 === 0 ? 'wait' : 'pause', n)
    expect(phases.list(0)).toHaveLength(64)
    expect(phases.current).toBe('pause')
  })
})
