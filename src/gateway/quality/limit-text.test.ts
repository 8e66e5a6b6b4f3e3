import { describe, expect, it } from 'vitest'
import { limitingWords } from './limit-text.ts'

const now = Date.UTC(2026, 10, 29, 12, 0, 0)
const read = (text: string, isError = true, args = '{}') => limitingWords({ text, isError }, (words) => args.includes(words), now)

describe('a service limits the rate of calls', () => {
  it.each<[string, string, number | undefined]>([
    ['github', 'failed to search: 403 API rate limit exceeded for user ID 1234. [rate reset in 12m34s]', 754_000],
    [
      'github_secondary',
      'failed to create issue: 403 You have exceeded a secondary rate limit. Please wait a few minutes before you try again.',
      60_000,
    ],
    ['github_secondary', '403 You have exceeded a secondary rate limit [retry after 45s]', 45_000],
    ['slack', '{"ok":false,"error":"ratelimited"}', undefined],
    ['slack', 'Error: An API error occurred: ratelimited', undefined],
    ['slack_library', 'A rate limit was exceeded (url: chat.postMessage, retry-after: 30)', 30_000],
    ['google', '{"error":{"code":429,"message":"Quota exceeded.","status":"RESOURCE_EXHAUSTED","details":[{"retryDelay":"17s"}]}}', 17_000],
    ['google', "Quota exceeded for quota metric 'Read requests' and limit 'Read requests per minute per user'", undefined],
    ['google_reason', 'User Rate Limit Exceeded. Retry after 2026-11-29T12:00:30.000Z', 30_000],
    [
      'openai',
      'Rate limit reached for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Used 29000. Please try again in 6.5s.',
      6_500,
    ],
    ['openai', 'Rate limit reached for gpt-4o in organization org-x. Please try again in 980ms.', 980],
    ['anthropic', '{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}', undefined],
    [
      'notion',
      '{"object":"error","status":429,"code":"rate_limited","message":"You have been rate limited. Please try again in a few minutes."}',
      undefined,
    ],
    ['discord', '{"message": "You are being rate limited.", "retry_after": 1.25, "global": false}', 1_250],
    ['rate_limit', '{"errorMessages":["Rate limit exceeded."],"errors":{}}', undefined],
    [
      'aws',
      'An error occurred (ThrottlingException) when calling the ListUsers operation (reached max retries: 4): Rate exceeded',
      undefined,
    ],
    ['aws', 'An error occurred (Throttling) when calling the DescribeStacks operation: Rate exceeded', undefined],
    ['too_many_requests', "Client error '429 Too Many Requests' for url 'https://api.example.com/v1/x'", undefined],
    ['too_many_requests', 'HTTP 429: Too Many Requests, retry after 20 seconds', 20_000],
    ['status_429', 'Request failed with status code 429', undefined],
    ['status_429', 'HTTP error 429 from the API. Try again in 2 minutes and 5 seconds', 125_000],
    ['rate_limit', 'Error: the rate limit has been exceeded, resets at 2026-11-29T12:01:00Z', 60_000],
    ['exceeded_rate_limit', 'You exceeded your rate limit. Retry-After: 99999999999', 86_400_000],
  ])('%s: %s', (rule, text, retryAfterMs) => {
    expect(read(text)).toEqual({ rule, retryAfterMs })
  })

  it('also in what is given for a success, where it is an error in JSON and nothing else', () => {
    expect(read('{"ok":false,"error":"ratelimited"}', false)?.rule).toBe('slack')
    expect(read('{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"Quota exceeded"}}', false)?.rule).toBe('google')
  })
})

describe('what only speaks of limits is none', () => {
  it.each([
    ['a page about them', 'API rate limit exceeded errors are returned with 403. Handle them by waiting.', false],
    ['a sentence of a success', 'Rate limit exceeded.', false],
    ['data', '{"error":"ratelimited","count":12,"channel":"C1"}', false],
    ['an issue about one', '{"title":"429 Too Many Requests on login","number":429,"state":"open"}', false],
    ['a number', 'Error: row 429 of the sheet is empty', true],
    ['an id', 'Issue 429 not found', true],
    ['a setting', 'Cannot set the rate limit: the maximum is 100', true],
    ['its absence', 'The call failed, though no rate limit was exceeded: the host is down', true],
    ['a condition', 'Invalid option: action to take when rate limit exceeded must be one of drop, queue', true],
    ['a document that is missing', 'File not found: docs/handle rate limit exceeded.md', true],
    ['a run of tests', 'FAIL src/client.test.ts: expected 200, got 429 Too Many Requests', true],
    ['a long text', `${'x '.repeat(800)} rate limit exceeded`, true],
    ['a log', `${'line\n'.repeat(20)}429 Too Many Requests`, true],
    ['another limit', 'The file exceeded the limit of 10 MB', true],
  ])('%s: %s', (_what, text, isError) => {
    expect(read(text as string, isError as boolean)).toBeUndefined()
  })

  it('nor what the caller asked for', () => {
    expect(read('No message has the text "You have been rate limited"', true, '{"query":"You have been rate limited"}')).toBeUndefined()
    const args = '{"url":"https://slow.example/page"}'
    expect(read('Failed to fetch https://slow.example/page: 429 Too Many Requests', true, args)).toBeUndefined()
    expect(read('Failed to fetch: status code 429', true, args)).toBeUndefined()
  })
})

it('finds the limit before whatever else is said, and no time in what is none', () => {
  for (const text of ['try again in '.repeat(90), 'retry '.repeat(200), `try again in ${'1'.repeat(1_000)}`, '{'.repeat(1_400)])
    expect(read(`429 Too Many Requests ${text}`.slice(0, 1_490))).toEqual({ rule: 'too_many_requests', retryAfterMs: undefined })
})
