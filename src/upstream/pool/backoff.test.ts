import { describe, expect, it } from 'vitest'
import type { Random } from '../../core/ports/clock.ts'
import { backoffCapMs, backoffMs } from './backoff.ts'

const drawn = (fraction: number): Random => ({
  bytes: (count) => new Uint8Array(count),
  id: () => '',
  callId: () => '',
  fraction: () => fraction,
})

describe('the wait before the next attempt', () => {
  it('doubles with each attempt', () => {
    expect([0, 1, 2, 3].map((attempt) => backoffMs(attempt, drawn(0.5)))).toEqual([250, 500, 1000, 2000])
  })

  it('never passes its cap, however often it failed', () => {
    for (const attempt of [6, 40, 5000]) expect(backoffMs(attempt, drawn(0.999))).toBeLessThanOrEqual(backoffCapMs)
  })

  it('is spread over its whole range', () => {
    expect(backoffMs(3, drawn(0))).toBe(0)
    expect(backoffMs(3, drawn(0.75))).toBe(3000)
  })
})
