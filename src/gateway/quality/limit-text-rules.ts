// The words with which services say that they limit the rate of calls: a table of real texts. One that is not here stays a result.

export interface LimitRule {
  readonly rule: string
  readonly pattern: RegExp
  /** The least time to wait that the service documents where its words name none, in ms. */
  readonly waitMs?: number
  /** Words that anybody uses: not where the caller named an address to go to, nor in what a run of tests reports. */
  readonly common?: true
}

/** Words of services, then those that many use. */
export const limitRules: readonly LimitRule[] = [
  // GitHub, rate limits of the REST API: after a secondary limit without a time, at least one minute.
  {
    rule: 'github_secondary',
    pattern: /\b(?:exceeded a secondary rate limit|secondary rate limit|triggered an abuse detection mechanism)\b/i,
    waitMs: 60_000,
  },
  { rule: 'github', pattern: /\bAPI rate limit (?:exceeded|already exceeded|of \d+ still exceeded)\b/i },
  { rule: 'slack', pattern: /"error"\s?:\s?"(?:ratelimited|rate_limited)"|\bAn API error occurred: (?:ratelimited|rate_limited)\b/ },
  { rule: 'slack_library', pattern: /\bA rate limit (?:was|has been) exceeded \(/i },
  { rule: 'google', pattern: /\bRESOURCE_EXHAUSTED\b|\bQuota exceeded for quota (?:metric|group)\b/ },
  { rule: 'google_reason', pattern: /\b(?:rateLimitExceeded|userRateLimitExceeded|User Rate Limit Exceeded|User-rate limit exceeded)\b/ },
  { rule: 'openai', pattern: /\bRate limit reached for [\w./:-]+ |"code"\s?:\s?"rate_limit_exceeded"/ },
  { rule: 'anthropic', pattern: /"type"\s?:\s?"(?:rate_limit_error|overloaded_error)"/ },
  { rule: 'notion', pattern: /"code"\s?:\s?"rate_limited"|\bYou have been rate limited\b/ },
  { rule: 'discord', pattern: /\bYou are being rate limited\b/i },
  { rule: 'linear', pattern: /"code"\s?:\s?"RATELIMITED"/ },
  { rule: 'hubspot', pattern: /\bYou have reached your (?:secondly|ten_secondly_rolling|daily) limit\b/ },
  { rule: 'shopify', pattern: /\bExceeded \d+ calls? per second for api client\b/i },
  { rule: 'stripe', pattern: /\bRequest rate limit exceeded\b/ },
  {
    rule: 'aws',
    pattern:
      /\b(?:ThrottlingException|ThrottledException|TooManyRequestsException|RequestLimitExceeded|ProvisionedThroughputExceededException|RequestThrottled|SlowDown)\b|\(Throttling\)/,
  },
  { rule: 'aws_rate', pattern: /^(?:Error: )?Rate exceeded\b/ },
  { rule: 'microsoft', pattern: /\b(?:ApplicationThrottled|activityLimitReached)\b|"code"\s?:\s?"TooManyRequests"/ },
  {
    rule: 'rate_limit',
    pattern: /\brate[ -]?limit(?:s|ing)? (?:(?:has|have) been |was |were |is )?(?:exceeded|reached|hit)\b/i,
    common: true,
  },
  { rule: 'exceeded_rate_limit', pattern: /\bexceeded (?:the |your |its )?(?:API |request |current )?rate[ -]?limits?\b/i, common: true },
  { rule: 'too_many_requests', pattern: /\b(?:429[\s:,'"()-]{1,4})?too many requests\b/i, common: true },
  {
    rule: 'status_429',
    pattern: /\b(?:HTTP(?:\/[\d.]+)?(?: error| status)?|status(?: code)?|error(?: code)?)[:\s]{1,2}429\b/i,
    common: true,
  },
]
