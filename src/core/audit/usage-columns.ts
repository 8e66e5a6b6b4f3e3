// The columns of the sums that are kept beside the rows of the audit, in the order of `UsageRow`. Of whose tenant a call is stands in
// `principal_tenant`: the tables themselves are the gateway's.

/** What a sum of `audit_run_usage` is of: what one run did with one tool in one hour. `fault`: kind of the fault; '' where there was none. */
export const runUsageKey = ['run', 'principal_tenant', 'issuer', 'subject', 'hour', 'team', 'client', 'upstream', 'item', 'fault'] as const

/** Of `audit_runs`: one of each run. `k`: a number that is made of the others, in whose order runs of one moment are listed. */
export const runKey = ['k', 'run', 'principal_tenant', 'issuer', 'subject'] as const

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
