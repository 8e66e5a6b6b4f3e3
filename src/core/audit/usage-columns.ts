// The columns of the sums that are kept beside the rows of the audit (`audit_usage`), in the order of `UsageRow`.

/** What a sum is of. */
export const usageKey = ['tenant', 'hour', 'team', 'issuer', 'subject', 'client', 'run', 'upstream', 'item'] as const

export const usageSums = [
  'calls',
  'faults',
  'denied',
  'suspects',
  'attempts',
  'tokens_sent',
  'tokens_got',
  'cost_nano',
  'us',
  'bytes_in',
  'bytes_out',
] as const
