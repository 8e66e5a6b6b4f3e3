import { describe, expect, it } from 'vitest'
import { longestRetryMs, ofData, ofHeaders, ofRetryAfter } from './retry-times.ts'

const now = Date.UTC(2026, 10, 6, 8, 49, 0)

describe('Retry-After', () => {
  it.each([
    ['0', 0],
    ['7', 7_000],
    [' 120 ', 120_000],
    ['1.5', 1_500],
    ['0.0004', 1],
    ['Fri, 06 Nov 2026 08:49:37 GMT', 37_000],
    ['Friday, 06-Nov-26 08:49:37 GMT', 37_000],
    ['Fri Nov  6 08:49:37 2026', 37_000],
    // The past, and a century that can only be the last.
    ['Sun, 06 Nov 1994 08:49:37 GMT', 0],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 0],
    // Absurd: a day.
    ['999999999999999999999999', longestRetryMs],
    ['Fri, 06 Nov 2099 08:49:37 GMT', longestRetryMs],
  ])('%j is %s ms', (text, ms) => expect(ofRetryAfter(text, now)).toBe(ms))

  it.each(['', '-5', '1e9', 'soon', 'in 5 minutes', '5s', '0x10', 'NaN', 'Infinity', '2027', '7; 8', 'Fri, 06 Foo 2026 08:49:37 GMT'])(
    '%j says nothing, or what it did not mean',
    (text) =>
      expect(text === '2027' ? ofRetryAfter(text, now) : [ofRetryAfter(text, now)]).toEqual(text === '2027' ? 2_027_000 : [undefined]),
  )
})

describe('headers of a rate limit', () => {
  const of = (headers: Record<string, string>) => ofHeaders((name) => headers[name], now)
  it.each<[string, Record<string, string>, number | undefined]>([
    ['Retry-After comes first', { 'retry-after': '3', 'ratelimit-reset': '9', ratelimit: '"a";r=0;t=8' }, 3_000],
    ['one that cannot be read does not hide the others', { 'retry-after': 'later', 'ratelimit-reset': '9' }, 9_000],
    ['RateLimit of draft-08 and later', { ratelimit: '"default";r=0;t=30' }, 30_000],
    ['of several the longest that has nothing left', { ratelimit: '"burst";r=0;t=5, "hour";r=0;t=90,"day";r=70;t=4000' }, 90_000],
    ['RateLimit of draft-07', { ratelimit: 'limit=100, remaining=0, reset=50' }, 50_000],
    ['RateLimit-Reset in seconds', { 'ratelimit-reset': '50' }, 50_000],
    ['X-RateLimit-Reset in seconds', { 'x-ratelimit-reset': '60' }, 60_000],
    ['X-RateLimit-Reset as a time', { 'x-ratelimit-reset': String(now / 1_000 + 42) }, 42_000],
    ['X-RateLimit-Reset as a time in ms', { 'x-ratelimit-reset': String(now + 1_234) }, 1_234],
    ['a time that has passed', { 'x-ratelimit-reset': String(now / 1_000 - 42) }, 0],
    ['an absurd one', { 'x-ratelimit-reset': '9'.repeat(40) }, longestRetryMs],
    ['nonsense', { 'x-ratelimit-reset': 'tomorrow', ratelimit: 'x'.repeat(5_000) }, undefined],
    ['nothing', {}, undefined],
  ])('%s', (_what, headers, ms) => expect(of(headers)).toBe(ms))
})

describe('members of JSON', () => {
  it.each<[unknown, number | undefined]>([
    [{ retry_after: 2 }, 2_000],
    [{ retryAfter: 1.5 }, 1_500],
    [{ retryAfter: '30' }, 30_000],
    [{ retry_after_ms: 250 }, 250],
    [{ retryAfterMs: 250, retry_after: 99 }, 250],
    [{ 'signalbox.dev/fault': { kind: 'circuit_open', retry_after_ms: 4_321 } }, 4_321],
    [{ error: { code: 429, details: [{ '@type': 'x' }, { '@type': 'RetryInfo', retryDelay: '17s' }] } }, 17_000],
    [{ headers: { 'retry-after': '5' } }, 5_000],
    [{ retry_after: 1e300 }, longestRetryMs],
    [{ retry_after: -1 }, undefined],
    [{ retry_after: 'never' }, undefined],
    [{ retry_after: Number.POSITIVE_INFINITY }, undefined],
    [{ error: { error: { error: { error: { error: { retry_after: 1 } } } } } }, undefined],
    ['retry_after', undefined],
    [null, undefined],
    [[{ retry_after: 1 }], undefined],
  ])('%j', (data, ms) => expect(ofData(data, now)).toBe(ms))
})
