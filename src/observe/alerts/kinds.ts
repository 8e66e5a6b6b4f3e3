// What operators are told of: each kind with who is to look (`severity`), how long it must last before it counts, and what to do, for
// docs/alerts.md. One table, so that nothing is told that has no entry there.

/** `info` is for those who look and calls nobody, `warn` is for working hours, `critical` is for now. */
export type Severity = 'info' | 'warn' | 'critical'

export interface KindOfAlert {
  readonly severity: Severity
  /** About a server as a whole: what else happens there meanwhile belongs to it. */
  readonly wide?: true
  /** How long it lasts before it is an incident, in ms. */
  readonly forMs: number
  /** How long it is gone before it is over, in ms. */
  readonly clearMs: number
  /** For people: what it is. */
  readonly what: string
  /** For people: what to do. */
  readonly runbook: string
}

const minuteMs = 60_000
/** Judged by results, which have their own begin and end (docs/quality.md). */
const judged = { severity: 'warn', forMs: 0, clearMs: 0 } as const
const counted = { severity: 'critical', forMs: 0, clearMs: 10 * minuteMs } as const
const burning = { forMs: 0, clearMs: 10 * minuteMs } as const
const look = 'Look at `signalbox alerts ls` for the first call and the deploy before it'

export const kindsOfAlerts = {
  empty: {
    ...judged,
    what: 'A tool answers without rows where it used to have some.',
    runbook: `${look}, and at the service behind the server: a pool that is exhausted, a query that times out, a lost permission. \`signalbox alerts ack ID normal\` where it is so now.`,
  },
  error_text: {
    ...judged,
    what: 'A tool gives errors in words for a success.',
    runbook: `${look}; the text of the results says what fails behind the server.`,
  },
  truncated: { ...judged, what: 'Results of a tool end within.', runbook: `${look}; a limit of size or time behind the server cuts them.` },
  result_schema: {
    ...judged,
    what: 'Results break the schema that the tool declares.',
    runbook: `${look}; the server or a service behind it was changed: compare its version, roll it back.`,
  },
  result_shape: {
    ...judged,
    what: 'Results have another shape than before.',
    runbook: `${look}; a service behind the server was changed. Tell those who read the field.`,
  },
  frozen: {
    ...judged,
    what: 'A tool gives the same answer all the time.',
    runbook: `${look}; a cache or a replica behind it may stand still.`,
  },
  size: {
    ...judged,
    what: 'Results are far larger than before.',
    runbook: `${look}; a filter or a limit may be lost. Agents pay for each token.`,
  },
  rows: { ...judged, what: 'Results have fewer rows than usual.', runbook: `${look}; often it is only how the data changes.` },
  latency: {
    ...judged,
    what: 'A tool is much slower than usual, though nothing fails.',
    runbook: `${look}; a lock, a missing index, a slow dependency of the server. \`signalbox slo\` says what it costs.`,
  },
  availability_burn: {
    ...burning,
    severity: 'critical',
    what: 'Calls fail so often that the error budget of an objective is used up early.',
    runbook: 'See `signalbox slo` for the budget and `signalbox faults ls` for what fails; begin with the last deploy.',
  },
  latency_burn: {
    ...burning,
    severity: 'critical',
    what: 'Calls are slow so often that the budget of an objective of latency is used up early.',
    runbook: 'See `signalbox slo`, and the histogram of the tool; begin with the last deploy and with what the server waits for.',
  },
  upstream_unavailable: {
    severity: 'critical',
    wide: true,
    forMs: minuteMs,
    clearMs: 10 * minuteMs,
    what: 'A server cannot be reached.',
    runbook: 'See `signalbox upstream ls` for the reason: is its process or address up? `signalbox upstream restart NAME` starts it anew.',
  },
  upstream_degraded: {
    severity: 'warn',
    wide: true,
    forMs: 10 * minuteMs,
    clearMs: 10 * minuteMs,
    what: 'A server answers, but its lists cannot be read whole.',
    runbook: 'See `/admin/v1/upstreams`: it names the list that fails. What was read before is served.',
  },
  circuit_open: {
    severity: 'critical',
    wide: true,
    forMs: minuteMs,
    clearMs: 10 * minuteMs,
    what: 'Calls of a server failed in a row, and it is left alone.',
    runbook: 'See `signalbox faults ls` for what failed. The circuit closes by itself once a trial call succeeds.',
  },
  tool_circuit_open: {
    severity: 'warn',
    forMs: minuteMs,
    clearMs: 10 * minuteMs,
    what: 'Calls of a tool failed in a row, and it is left alone.',
    runbook: 'See `signalbox faults ls` for what failed. The circuit closes by itself once a trial call succeeds.',
  },
  credential_refused: {
    severity: 'critical',
    forMs: 0,
    clearMs: 30 * minuteMs,
    what: 'A credential of a server could not be renewed.',
    runbook: 'See the audit (`signalbox audit query --about credential`): who has to sign in again, or which client the issuer refuses.',
  },
  contract_held: {
    severity: 'warn',
    forMs: 0,
    clearMs: 0,
    what: 'A tool was changed in a way that breaks its callers, and is held.',
    runbook: 'See `signalbox tools ls` and decide: `signalbox tools approve` or `reject` (docs/contracts.md).',
  },
  sunset_near: {
    severity: 'warn',
    forMs: 0,
    clearMs: 60 * minuteMs,
    what: 'A tool that is still called ends within two weeks.',
    runbook: 'See who calls it (`/admin/v1/tools/{server}/{tool}/usage`) and move them to its replacement, or move the date.',
  },
  token_excess: {
    severity: 'warn',
    forMs: 0,
    clearMs: 0,
    what: 'A run uses far more tokens than is usual, as agents do that repeat themselves.',
    runbook: 'Look at what the run did, and end it; `budgets.run.tokens` ends the next by itself (docs/limits.md).',
  },
  fault_regressed: {
    severity: 'warn',
    forMs: 0,
    clearMs: 0,
    what: 'A fault that was over is back.',
    runbook: 'See `signalbox faults ls`: where it was seen first, at which version and configuration, and the ids of calls.',
  },
  store_unavailable: {
    severity: 'critical',
    forMs: minuteMs,
    clearMs: 5 * minuteMs,
    what: 'The durable store of the gateway is away, full or damaged.',
    runbook: 'See `/admin/v1/stores` for what is wrong. Calls go on; what is kept waits in memory, which is bounded.',
  },
  audit_lost: {
    ...counted,
    what: 'Rows of the audit were lost, since the store was away for longer than memory lasts.',
    runbook: 'Bring the store back (`store_unavailable`). What is lost stays lost: note from when to when.',
  },
  usage_lost: {
    ...counted,
    severity: 'warn',
    what: 'What was used of budgets, or who called tools, could not be kept.',
    runbook: 'Bring the store back (`store_unavailable`). Budgets may be used anew after a restart.',
  },
  bug: {
    severity: 'warn',
    forMs: 0,
    clearMs: 30 * minuteMs,
    what: 'A bug of the gateway was caught.',
    runbook: 'Report it with the stack in the log, and the version. The gateway goes on.',
  },
  alerts_undelivered: {
    severity: 'warn',
    forMs: 5 * minuteMs,
    clearMs: 10 * minuteMs,
    what: 'A receiver of alerts takes none.',
    runbook: 'Look at the address of `alerts` that it names, and at what it answers. What it has not taken is sent once it does.',
  },
} as const satisfies Record<string, KindOfAlert>

export type AlertKind = keyof typeof kindsOfAlerts

export function isAlertKind(kind: unknown): kind is AlertKind {
  return typeof kind === 'string' && Object.hasOwn(kindsOfAlerts, kind)
}

export function kindOf(kind: AlertKind): KindOfAlert {
  return kindsOfAlerts[kind]
}

/** Greater is worse. */
export function rankOf(severity: Severity): number {
  return severity === 'critical' ? 2 : severity === 'warn' ? 1 : 0
}
