// How the living parts report what is no call: log events and counters. `observe` implements both; nothing else exports them.

export type LogSeverity = 'debug' | 'info' | 'warn' | 'error'

/** One event for people. `event` is a short sentence; fields are data, handed over for good, and must hold no secret. Never throws, never blocks. */
export type Log = (severity: LogSeverity, event: string, fields?: Readonly<Record<string, unknown>>) => void

/** Counters beside those that come from call records; each becomes `signalbox_<name>_total`. Label values are bounded sets, never ids. */
export const counters = {
  proto_anomaly: { help: 'Off-protocol behaviour of upstreams that was survived.', labels: ['upstream', 'type'] },
  bugs: {
    help: 'Bugs of the gateway that were caught, by the source of events that they were met in. The log has their stacks.',
    labels: ['source'],
  },
  child_restarts: { help: 'Restarts of stdio servers.', labels: ['upstream'] },
  endpoint_ejections: {
    help: 'Times that an endpoint of a server with several was left out: it could not be reached (`unreachable`), or failed calls in a row (`failures`).',
    labels: ['upstream', 'reason'],
  },
  pings: { help: 'Requests `ping` of clients, which leave no row of the audit, no span and no line.', labels: ['transport'] },
  events_dropped: { help: 'Progress, log and change events that were dropped.', labels: ['where'] },
  clients_cut: { help: 'Clients cut off, since they read too slowly: by what was unsent to them, or to all together.', labels: ['unsent'] },
  calls_queued: { help: 'Calls that waited for a place at their upstream.', labels: ['upstream'] },
  calls_refused: { help: 'Calls that were refused because the queue of their upstream was full.', labels: ['upstream'] },
  credential_renewals: {
    help: 'Credentials of servers that were renewed, or why they were not: `unavailable`, `refused`, `consent`.',
    labels: ['upstream', 'outcome'],
  },
  retries: {
    help: 'Attempts after the first, by the evidence for which the call was sent again (faults.md).',
    labels: ['upstream', 'evidence'],
  },
  stale_answers: {
    help: 'Calls that failed and were given the last good answer (`staleFor`).',
    labels: ['upstream'],
  },
  alerts: {
    help: 'Alerts of tools whose results are not as usual, by what is unusual (docs/quality.md). Of `severity` `info` are those that call nobody.',
    labels: ['upstream', 'kind', 'severity'],
  },
  alert_notifications: {
    help: 'Messages about incidents (docs/alerts.md), by where they go: `sent`, `failed` (sent again later) and `dropped`, which the receiver refused or did not take for a day.',
    labels: ['output', 'outcome'],
  },
  stray_requests: { help: 'Requests of upstreams outside any call, answered -32601.', labels: ['upstream', 'method'] },
  questions_refused: { help: 'Questions of upstreams that were refused, since too many waited for an answer.', labels: ['upstream'] },
  unclaimed: { help: 'Parked calls whose answer nobody came back for.', labels: ['upstream'] },
  suspect: {
    help: 'Answers that are not what they are given for, by what was recognised: `auth_text` is a refusal of the credential in words, `limit_text` a limit of the rate of calls; the others are those of results that are judged (docs/quality.md): `empty`, `error_text`, `truncated`, `result_schema`, `result_shape`, `frozen`, `size`, `rows`.',
    labels: ['upstream', 'reason'],
  },
  masked: {
    help: 'Secrets in what servers sent that were masked, by what they were recognised by (guards.md).',
    labels: ['upstream', 'rule'],
  },
  hidden_characters: { help: 'Characters that cannot be seen and were written out in results that are marked.', labels: ['upstream'] },
  spilled_results: { help: 'Results that were too large and became a resource link.', labels: ['upstream'] },
  incomplete_lists: {
    help: 'Lists that could not be read to their end; what was read of them is served.',
    labels: ['upstream', 'kind'],
  },
  own_lists_dropped: {
    help: 'Client sessions that see what all see again of a server, since too many had lists of their own.',
    labels: ['upstream'],
  },
  quarantined_items: { help: 'Definitions that could not be served.', labels: ['upstream', 'kind'] },
  contract_changes: {
    help: 'Changes of contracts of tools, by what they mean for callers (contracts.md).',
    labels: ['upstream', 'verdict'],
  },
  config_reloads: {
    help: 'Configurations that were to be put into force while the gateway runs, by what came of it: applied, unchanged or refused.',
    labels: ['outcome'],
  },
  contract_splits: { help: 'Tools of which two contracts began to take turns, as of replicas that differ.', labels: ['upstream'] },
  budget_usage_lost: {
    help: 'Parts of what was used of budgets that could not be kept, so that a restart gives them back.',
    labels: [],
  },
  token_samples: {
    help: 'Texts that were to be counted in tokens exactly: `counted`, `dropped` (too many waited), `lost` (with the thread that counts). No call waits for it (docs/cost.md).',
    labels: ['outcome'],
  },
  run_usage_lost: {
    help: 'Tokens of runs that could not be kept, so that a restart forgets them.',
    labels: [],
  },
  unusual_runs: {
    help: 'Runs that used many times the tokens that runs of their client and team usually use, as retry loops do (docs/cost.md).',
    labels: [],
  },
  tool_usage_lost: {
    help: 'Calls of tools that could not be counted for their caller and client, so that what is told of usage lacks them.',
    labels: [],
  },
  spans: { help: 'Spans that a collector took.', labels: [] },
  spans_dropped: {
    help: 'Spans that were not exported: `queue_full` (more waited than there is room for), `rejected` and `refused` (the collector does not want them), `given_up` (it was away for too long), `unencodable` (a bug), `shutdown` (the gateway ended first).',
    labels: ['reason'],
  },
  metric_points: { help: 'Values of metrics that a collector took, by OTLP.', labels: [] },
  metric_points_dropped: { help: 'Values of metrics that were not exported by OTLP, by the reasons of spans.', labels: ['reason'] },
  audit_rows: { help: 'Rows of the audit that were kept.', labels: [] },
  audit_store_faults: { help: 'Tries to write the audit that failed.', labels: ['kind'] },
  audit_rows_lost: { help: 'Rows of the audit that were lost, since the store was away for longer than memory lasts.', labels: [] },
  admin_refused: {
    help: 'Requests to the admin door that were refused: of nobody who is known (`unauthenticated`), of a caller without a role (`no_role`), whose role is too little (`role`), or by a host or origin that is not let in (`host`).',
    labels: ['reason'],
  },
  access_denied: { help: 'Calls that no rule of `access` grants, or not with the scopes of the caller.', labels: ['upstream', 'kind'] },
  limit: {
    help: 'Calls that were refused by a limit, by whose it is (`run`, `principal`, `team`, `tool`, `prompt`, `resource`, `upstream`) and by the kind of the fault.',
    labels: ['scope', 'kind'],
  },
  access_shadow: {
    help: 'Calls that a rule with `shadow: true` would grant: `would_allow` where they are refused now, `none` where another rule grants them.',
    labels: ['rule', 'effect'],
  },
  identity_introspections: {
    help: 'Questions to issuers about tokens: answered good or refused, failed where nobody could answer.',
    labels: ['issuer', 'result'],
  },
  identity_key_sets: {
    help: 'Key sets of issuers: fetched, failed to be fetched, or used beyond their age since they could not be.',
    labels: ['issuer', 'result'],
  },
  store_evicted: {
    help: 'Entries of the ephemeral store, and keys of limits, that had to go before their end; leases refused for want of room.',
    labels: ['what'],
  },
  store_faults: { help: 'Operations on the durable store that failed.', labels: ['kind'] },
  sessions_revived: { help: 'Legacy sessions that went on after a restart of the gateway.', labels: [] },
  sessions_opened: { help: 'Legacy sessions opened.', labels: ['transport'] },
} as const satisfies Record<string, { help: string; labels: readonly string[] }>

export type CounterName = keyof typeof counters

export interface Counters {
  add<N extends CounterName>(name: N, labels: Readonly<Record<(typeof counters)[N]['labels'][number], string>>, by?: number): void
  /** A session has ended, after so long. `error`: `error.type` of the conventions; absent where it ended as it should. */
  session?(side: SessionSide, about: SessionEnd, ms: number): void
}

/** `server`: of a client of this gateway; `client`: of this gateway at a server. */
export type SessionSide = 'server' | 'client'

export interface SessionEnd {
  readonly transport: 'stdio' | 'streamable-http' | 'sse' | 'http'
  readonly revision: string | undefined
  readonly error?: string
}

export interface Report {
  readonly log: Log
  readonly counters: Counters
}
