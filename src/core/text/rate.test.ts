import { expect, it } from 'vitest'
import { ratePattern, readRate } from './rate.ts'

it.each([
  ['5/s', 5, 1_000],
  ['100/10s', 100, 10_000],
  ['2000/1d', 2_000, 86_400_000],
  ['0.5/1h', 0.5, 3_600_000],
])('%s', (text, most, periodMs) => {
  expect(readRate(text)).toEqual({ most, periodMs })
  expect(ratePattern.test(text)).toBe(Number.isInteger(most))
})

it.each(['', '5', '5/', '/s', '0/s', '5/0s', '-5/s', '5 / s', '5/y', '1e3/s', '5/1.5s', ' 5/s'])('%j is none', (text) => {
  expect(readRate(text)).toBeUndefined()
})
