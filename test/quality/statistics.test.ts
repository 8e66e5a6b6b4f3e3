import { describe, expect, it } from 'vitest'
import { poisson, quantile, rateText, shareText, wilson } from './statistics.ts'

describe('intervals of figures', () => {
  it('are those of the literature', () => {
    const { low, high } = wilson(81, 263)
    expect(low).toBeCloseTo(0.2553, 3)
    expect(high).toBeCloseTo(0.3662, 3)
    expect(wilson(0, 20).low).toBe(0)
    expect(wilson(0, 20).high).toBeCloseTo(0.1611, 3)
    expect(poisson(0).high).toBeCloseTo(3.69, 1)
    expect(poisson(10).low).toBeCloseTo(4.8, 1)
    expect(poisson(10).high).toBeCloseTo(18.39, 1)
  })

  it('are written with what they are of', () => {
    expect(shareText(86, 100)).toBe('86 [78, 91]')
    expect(shareText(0, 0)).toBe('–')
    expect(rateText(2, 20_000, 10_000)).toBe('1.00 [0.11, 3.61]')
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(3)
    expect(quantile([], 0.5)).toBeUndefined()
  })
})
