// What a call is for an objective: good, bad, or no matter of its server. Bad is what the server, or what stands behind it, failed to do; what an
// agent did wrong, may not do or has used up is counted nowhere.
import type { SettledCall } from '../../core/call/record.ts'
import type { Kind } from '../../core/faults/catalogue.ts'

export type CallOutcome = 'good' | 'bad' | 'uncounted'

/** All kinds of faults: a new one has to be decided here. */
export const faultOutcomes: Readonly<Record<Kind, Exclude<CallOutcome, 'good'>>> = {
  invalid_arguments: 'uncounted',
  unknown_tool: 'uncounted',
  tool_changed: 'uncounted',
  version_retired: 'uncounted',
  tool_ambiguous: 'uncounted',
  result_too_large: 'bad',
  unclaimed: 'uncounted',
  input_refused: 'uncounted',
  invalid_continuation: 'uncounted',
  not_subscribable: 'uncounted',
  invalid_cursor: 'uncounted',
  rate_limited: 'uncounted',
  budget_exhausted: 'uncounted',
  loop_detected: 'uncounted',
  tool_held: 'uncounted',
  config_error: 'bad',
  upstream_start_failed: 'bad',
  unknown_mount: 'uncounted',
  host_refused: 'uncounted',
  origin_refused: 'uncounted',
  unauthenticated: 'uncounted',
  credential_malformed: 'uncounted',
  identity_unavailable: 'uncounted',
  insufficient_scope: 'uncounted',
  forbidden: 'uncounted',
  reauth_required: 'uncounted',
  upstream_auth_failed: 'bad',
  credential_expired: 'uncounted',
  session_unknown: 'uncounted',
  upstream_unavailable: 'bad',
  upstream_timeout: 'bad',
  upstream_protocol_error: 'bad',
  outcome_unknown: 'bad',
  overloaded: 'bad',
  cancelled: 'uncounted',
  draining: 'uncounted',
  parse_error: 'uncounted',
  invalid_request: 'uncounted',
  invalid_params: 'uncounted',
  method_not_found: 'uncounted',
  header_mismatch: 'uncounted',
  missing_capability: 'uncounted',
  unsupported_revision: 'uncounted',
  body_too_large: 'uncounted',
  unsupported_media: 'uncounted',
  not_acceptable: 'uncounted',
  method_not_allowed: 'uncounted',
  upstream_error: 'bad',
  upstream_busy: 'bad',
  downstream_rate_limited: 'bad',
  result_suspect: 'bad',
  result_schema_violation: 'bad',
  upstream_http_error: 'bad',
  upstream_redirected: 'bad',
  store_unavailable: 'uncounted',
  circuit_open: 'bad',
  internal: 'bad',
}

/** Results that are given for a success and are none. Of an empty one only the doubt says so. */
const badResults: ReadonlySet<string> = new Set(['hidden_error', 'truncated', 'schema_violation'])
const badReasons: ReadonlySet<string> = new Set(['empty', 'error_text', 'truncated', 'result_schema'])

export type Judged = Pick<SettledCall, 'outcome' | 'fault' | 'found' | 'suspect'>

/** A result with `isError` is the tool's own answer: it is good. */
export function outcomeOf({ outcome, fault, found, suspect }: Judged): CallOutcome {
  if (outcome === 'fault') return faultOutcomes[(fault?.kind ?? 'internal') as Kind] ?? 'uncounted'
  if (outcome === 'input_required') return 'uncounted'
  if (found !== undefined && badResults.has(found)) return 'bad'
  if (suspect !== undefined) for (const reason of suspect) if (badReasons.has(reason)) return 'bad'
  return 'good'
}
