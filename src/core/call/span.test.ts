import { expect, it } from 'vitest'
import { spanOfAttempt } from './span.ts'

it('each attempt has a span of its own below that of the call', () => {
  const trace = { traceId: 't'.repeat(32), spanId: '0123456789abcdef', parentSpanId: undefined, sampled: true, tracestate: undefined }
  expect([0, 1, 2, 3].map((n) => spanOfAttempt(trace, n))).toEqual([
    '0123456789abcdef',
    '0123456789abcdf0',
    '0123456789abcdf1',
    '0123456789abcdf2',
  ])
  expect(spanOfAttempt({ ...trace, spanId: '00000001ffffffff' }, 2)).toBe('0000000100000001')
})
