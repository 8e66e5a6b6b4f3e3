import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { UsedTokens } from './used-tokens.ts'

describe('used tokens', () => {
  it('are taken once, and forgotten when they expire', async () => {
    const clock = new ManualClock()
    const used = new UsedTokens(clock)
    expect([used.take('a', clock.now() + 10), used.take('a', clock.now() + 10)]).toEqual([true, false])
    await clock.advance(10)
    used.take('b', clock.now() + 10)
    expect(used.size).toBe(1)
  })

  it('never grow past their bound', () => {
    const clock = new ManualClock()
    const used = new UsedTokens(clock, 3)
    for (let i = 0; i < 10; i += 1) used.take(String(i), clock.now() + 1_000)
    expect(used.size).toBe(3)
  })
})
