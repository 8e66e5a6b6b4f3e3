import { expect, it } from 'vitest'
import { durationMs } from './duration.ts'

it.each([
  ['250ms', 250],
  ['30s', 30_000],
  ['15m', 900_000],
  ['1h', 3_600_000],
  ['90d', 7_776_000_000],
])('%s is %d ms', (text, ms) => {
  expect(durationMs(text)).toBe(ms)
})

it.each(['', '5', 's', '1.5h', '-1s', '1 h', '1H', '5m30s', '9999999999s'])('%j is no duration', (text) => {
  expect(durationMs(text)).toBeUndefined()
})
