import { expect, it } from 'vitest'
import { dateMs } from './date.ts'

it.each([
  ['2027-03-01', '2027-03-01T00:00:00.000Z'],
  ['2027-03-01T09:00Z', '2027-03-01T09:00:00.000Z'],
  ['2027-03-01T09:00:30.5+01:00', '2027-03-01T08:00:30.500Z'],
  ['2028-02-29', '2028-02-29T00:00:00.000Z'],
])('%s', (text, expected) => expect(new Date(dateMs(text) ?? 0).toISOString()).toBe(expected))

it.each(['', 'tomorrow', '2027-02-30', '2027-13-01', '2027-03-01T09:00', '2027-03-01 09:00Z', '1.3.2027', '2027-04-31T00:00Z'])(
  'not %j',
  (text) => expect(dateMs(text)).toBeUndefined(),
)
