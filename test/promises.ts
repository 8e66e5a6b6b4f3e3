// The promises of the product, R1 to R110, as data. A test cites the promise it shows with `promise('R45', …)`; `promises.test.ts`
// fails where a promise that is claimed here has no test, and where a test shows one that is not claimed.

export interface Promised {
  readonly text: string
  /** True once at least one test shows it; `partly` names what is still missing. */
  readonly claimed: boolean | { readonly partly: string }
}

export const promises = {
  R1: {
    text: 'G proxies all three primitive families - tools, resources, prompts - list and use, so any conforming client reaches any conforming server through it.',
    claimed: true,
  },
  R2: {
    text: 'Discovery returns typed schemas unchanged in meaning; each invocation is structured and validated against the schema that was discovered.',
    claimed: true,
  },
  R3: {
    text: 'G works with unmodified third-party servers (more than 17,000 in the wild): no upstream change is needed for any feature.',
    claimed: true,
  },
  R4: {
    text: 'One upstream declaration runs from laptop to production ("works in my IDE" -> "serves real users"): `dev` and `production` profiles; the production profile refuses dev-only settings.',
    claimed: true,
  },
  R5: {
    text: 'A production deployment story ships with it: container image, health/readiness endpoints, config schema, upgrade + rollback steps; a fresh team reaches a production-profile deployment by the docs alone (projects stall six weeks in).',
    claimed: {
      partly:
        'image, unit and chart are judged by the programs that read them; no image was built and no chart installed on a cluster, and nobody but us has followed the docs',
    },
  },
  R6: {
    text: "What MCP does not give is given here: deployment, IAM-tied permissions, schema versioning, observability into the team's own tools. One demo per item.",
    claimed: false,
  },
  R7: {
    text: 'MCP traffic gets database/queue rigour: declared SLOs per upstream/tool, error budget, runbook entry per alert.',
    claimed: true,
  },
  R8: {
    text: 'TK prints a production-readiness report for a live deployment, one verdict per checklist line (auth, transport, observability, error handling, testing) with evidence, non-zero exit if a line fails.',
    claimed: false,
  },
  R9: {
    text: 'Registry/governance: G holds the list of admitted servers/tools with owner, version, approval; unlisted upstreams cannot be reached.',
    claimed: true,
  },
  R10: {
    text: 'Auth is on by default, from day one: the production profile will not start on a non-loopback address without an auth mode (retrofit is what hurt).',
    claimed: true,
  },
  R11: {
    text: 'Nearly all exposed servers scanned had no auth: an unauthenticated request to any G endpoint gets 401 + `WWW-Authenticate` with resource metadata, before any upstream byte is sent.',
    claimed: true,
  },
  R12: {
    text: 'Upstreams with no auth of their own are safely exposed only through G; TK `scan` flags upstreams that answer `tools/list` without credentials.',
    claimed: false,
  },
  R13: {
    text: 'OAuth 2.0/2.1 authorization code + PKCE (S256) for clients; a missing/`plain`/mismatched verifier is refused.',
    claimed: true,
  },
  R14: {
    text: "Short-lived access tokens from the start (Descope's advice): max lifetime is enforced by G; longer tokens are refused in the production profile.",
    claimed: true,
  },
  R15: {
    text: 'Static API keys are not a client credential in the production profile; where an upstream only takes a static key, G holds it and clients never see it.',
    claimed: { partly: 'in the production profile they are taken only where `auth.callers` says so' },
  },
  R16: { text: 'Upstream credentials rotate with zero failed calls (two valid at once, then retire).', claimed: false },
  R17: {
    text: 'Credentials can be scoped per session/agent run, not only per client.',
    claimed: true,
  },
  R18: {
    text: 'For every use of a credential the audit says which identity, which credential (id, not value), which tool, when.',
    claimed: true,
  },
  R19: {
    text: "G tracks each upstream token's TTL and refreshes before expiry with a 30 s buffer (configurable); a call that would outlive the token triggers refresh first.",
    claimed: false,
  },
  R20: {
    text: 'No tool call in an 8x-TTL session sees a 401 caused by expiry; agent context/session survives refresh.',
    claimed: {
      partly:
        'eight lifetimes with a call each second by a clock of the test (src/gateway/credentials/renewal.test.ts), and one end of a token on real gateways',
    },
  },
  R21: {
    text: 'If a 401 still arrives (revoked, skew), G refreshes once, replays only if safe, else answers `reauth_required` - never an empty success.',
    claimed: true,
  },
  R22: {
    text: 'Concurrent refresh of one credential is single-flight - in one process and across replicas; rotating refresh tokens are not burned.',
    claimed: { partly: 'over gateways of one machine that share a store; there is no store yet that several machines share' },
  },
  R23: { text: "Agents sharing one credential do not invalidate each other's sessions under load.", claimed: true },
  R24: {
    text: 'Multi-hop (server calls server): identity and trace are propagated by token exchange/audience-bound tokens; the inbound client token is never passed through; a broken hop names the hop.',
    claimed: true,
  },
  R25: {
    text: 'Per-tool authorization scopes are enforced in G (the protocol does not): "read tickets" does not allow "delete ticket"; test per tool with allow/deny pairs.',
    claimed: true,
  },
  R26: {
    text: 'Least privilege default: a new tool is denied until granted; tools not granted are absent from `tools/list` for that identity.',
    claimed: true,
  },
  R27: {
    text: 'A read-valid token on a write tool fails loudly: 403/`insufficient_scope` naming the missing scope - never silent.',
    claimed: true,
  },
  R28: {
    text: 'All MCP traffic goes through G, which enforces OAuth, scopes and least privilege in one place.',
    claimed: true,
  },
  R29: {
    text: 'One audit log answers "who accessed what, when, with which result" by query for any identity/tool/time; append-only, tamper-evident, survives restart.',
    claimed: true,
  },
  R30: {
    text: 'Three auth options are selectable: (a) behind an existing API gateway reusing its auth (trusted header/mTLS/forwarded JWT) - the preferred default, small blast radius, existing audit logs; (b) OAuth on the server itself; (c) platform-issued short-lived signed tokens verified on every call. Each has an end-to-end test.',
    claimed: true,
  },
  R31: {
    text: 'In option (a) the identity header is honoured only from the trusted hop; a spoofed one is refused. G adds no second identity store and is not a new target.',
    claimed: true,
  },
  R32: {
    text: 'G integrates with a real IdP (OIDC discovery, JWKS, group/claim -> scope mapping): permissions tie into existing IAM.',
    claimed: true,
  },
  R33: {
    text: 'stdio\'s "the user trusts the process" is not inherited: remote identities reach stdio servers only through G\'s authz; the child gets an allow-listed environment, own cwd/uid/limits, and is not shared across tenants unless declared safe.',
    claimed: { partly: 'children have their own environment, folder and process group; uid and resource limits are not there' },
  },
  R34: {
    text: '(linked topic) Tool poisoning/CVE class: tool descriptions are pinned and screened; SSRF-safe metadata fetch; no shell in any URL/command path.',
    claimed: { partly: 'descriptions are pinned and screened; commands and addresses are not looked at as a whole' },
  },
  R35: { text: 'stdio, HTTP+SSE and Streamable HTTP upstreams all work, and are bridged to any client transport.', claimed: true },
  R36: {
    text: 'Remote deployments use Streamable HTTP; SSE on either side raises a deprecation warning with date and owner, even on a single instance (migrate before incidents, not after).',
    claimed: true,
  },
  R37: {
    text: 'SSE -> Streamable HTTP migration is per client and reversible: both endpoints serve the same tools at once; a mixed fleet of 30 clients (SSE/Streamable/stdio bridge, old and new SDKs) passes one suite.',
    claimed: true,
  },
  R38: {
    text: 'Client inventory: transport, protocol version, SDK name/version, last seen, owner per client; `migration status` shows N of 30 done.',
    claimed: {
      partly:
        'most SDKs state no name of their own: what stands is their HTTP library (`node`, `python-httpx2`), over stdio nothing; owners have no key of the configuration but teams',
    },
  },
  R39: {
    text: 'TK runs the compatibility test for one client against the new transport before it is switched (updating clients is the real cost).',
    claimed: false,
  },
  R40: { text: 'Requests are stateless by default; sessions are optional and only for upstreams that need them.', claimed: true },
  R41: {
    text: 'Plain round-robin across replicas does not lose context: a tool loop of N calls spread over replicas gives the same answers as on one.',
    claimed: false,
  },
  R42: {
    text: 'Two modes: sticky routing (affinity key emitted, documented for LBs) and external session store (Redis or alike); switching needs config only.',
    claimed: false,
  },
  R43: { text: 'External state works for >2 replicas; killing any replica loses no session.', claimed: false },
  R44: {
    text: 'Load spreads: with long-lived connections, no replica holds more than a stated share (hot/cold test); new replicas get traffic.',
    claimed: false,
  },
  R45: {
    text: 'Deploy draining: readiness flips, no new sessions, in-flight calls finish within the grace time, streams get a clean end + reconnect hint; rolling deploy under load = 0 failed calls.',
    claimed: {
      partly:
        'one process loses nothing, and its sessions go on after a restart; a rolling deploy over several replicas needs a shared session store',
    },
  },
  R46: {
    text: 'Rollback tested for every deploy: CI deploys N+1 then N over live sessions, with config and store-format compatibility, 0 lost sessions.',
    claimed: false,
  },
  R47: {
    text: 'Timeouts are consistent end to end: client > gateway > upstream deadline; a mismatch is a config error; remaining deadline is propagated.',
    claimed: true,
  },
  R48: {
    text: 'Long operations survive idle: progress/keep-alive on stream; connection drop mid-operation has a defined outcome (resumed, re-issued if safe, or `outcome_unknown`).',
    claimed: true,
  },
  R49: {
    text: 'Results bigger than one message can carry are bounded per tool: truncated/spilled to a resource link with an explicit marker; the connection and other calls survive.',
    claimed: { partly: 'the bound is one for all tools, not one per tool' },
  },
  R50: {
    text: 'HTTP 200 is not success: outcome is judged at tool level (JSON-RPC error, `isError`, schema, error-looking text, emptiness).',
    claimed: true,
  },
  R51: {
    text: 'The silent-failure story is caught: pool exhausted / query timeout -> 200 + empty; detected within a stated number of calls (not 60+ calls/48 h), alert fires, agent is told "suspect empty", not given bare empty.',
    claimed: true,
  },
  R52: {
    text: 'Empty and error are different outcomes in metrics, traces, and in what the agent reads.',
    claimed: { partly: 'spans do not have it yet' },
  },
  R53: {
    text: 'Result-quality baseline: rows/size per tool learned; zero rows where history is 10-50 raises an alert and annotates the result.',
    claimed: true,
  },
  R54: { text: 'Baselines never block a legitimately empty answer by default (annotate; block only by policy).', claimed: true },
  R55: {
    text: 'Tool latency by tool name as histograms; `query_database` going 200 ms -> 5 s alerts without any error.',
    claimed: true,
  },
  R56: { text: 'Token consumption per session; 50,000 against a usual 5,000 alerts as a probable retry loop.', claimed: true },
  R57: { text: 'Structured metrics, not log parsing, drive alerts: every alert rule evaluates with logs turned off.', claimed: true },
  R58: {
    text: 'Streaming is visible: time to first event, event gaps, progress count, bytes, stream end reason per call.',
    claimed: true,
  },
  R59: {
    text: 'One OTel span per tool invocation: tool name, redacted input parameters, duration, result size, downstream API calls; semconv names `mcp.*`, `gen_ai.tool.name`, `error.type`.',
    claimed: true,
  },
  R60: {
    text: 'PII in arguments/results is redacted before export, logs and audit; a seeded-secret test finds none anywhere.',
    claimed: {
      partly:
        'secrets and personal data of every kind are looked for in whole runs and found in no log, metric, span, audit, store, page or command; in results secrets are masked where configured (always where they are the gateway’s own); alerts are not a sink yet',
    },
  },
  R61: {
    text: 'One trace spans user request -> agent reasoning -> MCP call -> external API -> response (context accepted from client, passed to upstream incl. stdio via `_meta`).',
    claimed: true,
  },
  R62: {
    text: 'Correlation ID per agent turn goes from prompt through every tool call, in logs, spans, audit, errors and upstream requests.',
    claimed: true,
  },
  R63: {
    text: 'Structured log per call: tool name, arguments (redacted), latency, result shape.',
    claimed: true,
  },
  R64: {
    text: 'Timeline query (minutes, not a weekend) answers "what did it do, in what order, with what arguments, and why" (why = agent-supplied reason/turn) for a past run.',
    claimed: true,
  },
  R65: { text: 'Logs correlate across agent runtime, transport, server, and downstream system.', claimed: true },
  R66: {
    text: 'Traces/metrics export to whatever APM exists (OTLP; Prometheus); exporter outage never blocks or slows calls.',
    claimed: true,
  },
  R67: { text: 'Observability is on from the start, no code change in upstreams.', claimed: true },
  R68: {
    text: 'Cost attribution: cost per agent run/team/tool as a report finance can read; sums reconcile with call counts.',
    claimed: true,
  },
  R69: {
    text: 'Telemetry holds under load (gaps "surface under load"): bounded queues, drop counter, no loss of error spans or audit records.',
    claimed: {
      partly:
        'the audit is bounded, counted and fail-closed, also where its thread ends, its disk is full or read-only and its database is away; spans of calls that failed are dropped last, and counted: where a collector is away for longer than the queue lasts they are lost',
    },
  },
  R70: {
    text: 'Every failure is labelled with exactly one of five categories - tool, configuration, transport, authentication, integration - in metric, span and error; "unknown" <1 % in the catalogue run.',
    claimed: true,
  },
  R71: {
    text: 'Arguments validated against schema on every call; never trust LLM arguments; the error names path, expected, got.',
    claimed: { partly: 'what a pattern needs lookaround or back references for is left to the server' },
  },
  R72: {
    text: 'Conflicting tool names across upstreams: detected at admission, namespaced deterministically, ambiguous bare names refused.',
    claimed: true,
  },
  R73: {
    text: 'Tools that behave differently per environment: contract probes per environment, diff reported before promotion.',
    claimed: true,
  },
  R74: {
    text: 'Missing environment variables are found at start/reload (preflight), naming variable and upstream - not at first call.',
    claimed: true,
  },
  R75: { text: 'Path differences between dev and prod are found by preflight in the target environment.', claimed: true },
  R76: {
    text: 'SDK/protocol version mismatch is detected at connect and shown; containers do not remove the need for these checks (preflight also runs in the image).',
    claimed: { partly: 'there is no container image in which the preflight could run' },
  },
  R77: {
    text: 'Connection drops, timeout mismatches and over-size messages each have a defined, tested outcome (R47-R49).',
    claimed: true,
  },
  R78: { text: 'Downstream rate limiting is recognised and turned into a structured wait, not a retry storm.', claimed: true },
  R79: {
    text: "Stale reads: results carry age/source when known; read-after-write through G can be made to bypass cache; G's own cache never widens staleness past its TTL or across identities.",
    claimed: {
      partly: 'what servers and the services behind them keep is not known to be old; writes through another gateway are not seen',
    },
  },
  R80: {
    text: 'A downstream API that changes without notice shows as drift (result schema/shape change) with an alert, before agents act on it.',
    claimed: true,
  },
  R81: {
    text: 'Server quality gate: TK lints/scores a server before admission (a study of 222 servers: 10 smells, 9 bug kinds; "weekend projects"): schema completeness, error discipline, stdout purity, shutdown, limits.',
    claimed: false,
  },
  R82: { text: 'Tools can be published as `name_v1`, `name_v2` side by side, both callable.', claimed: true },
  R83: { text: "Clients pin a version; a pinned client never sees another version's schema.", claimed: true },
  R84: {
    text: 'Breaking change = new tool; an in-place breaking change by an upstream is blocked/quarantined, old contract kept or call refused with `tool_changed`.',
    claimed: true,
  },
  R85: {
    text: 'Schema diff classes: field added, parameter renamed, required -> optional, optional -> required, type/enum/description change; each has a verdict and test.',
    claimed: true,
  },
  R86: {
    text: 'Silent change between two sessions is detected by hash, audited, alerted; a caller with the old schema gets a traceable error naming both versions.',
    claimed: { partly: 'alerts are log lines and metrics; nobody is called' },
  },
  R87: {
    text: 'Deprecation on a schedule: deprecate date, sunset date, warnings in list/result, per-client usage report; removal refused before the date or while pinned clients remain (override audited).',
    claimed: true,
  },
  R88: {
    text: 'Version discipline is on from day one, also for internal-only servers, so partner exposure needs no migration.',
    claimed: true,
  },
  R89: {
    text: 'Partner/external client exposure works with the same rules (separate identity, subset of tools, pinned versions).',
    claimed: true,
  },
  R90: { text: 'Limits live on the server side; a misbehaving agent cannot switch them off.', claimed: true },
  R91: { text: 'Per-session/agent-run budget caps total tool calls.', claimed: true },
  R92: { text: 'Per-tool rate limit stops any single tool being hammered, whatever session.', claimed: true },
  R93: {
    text: 'Both layers act together: budget catches runaway loops, per-tool catches legitimate-looking expensive load; tests where only one fires.',
    claimed: true,
  },
  R94: {
    text: 'The amplifier: 100 identical calls in 10 s -> upstream sees at most the limit; the rest get structured answers in <10 ms.',
    claimed: { partly: 'the time is measured by bench/refusals.mjs, and by no test' },
  },
  R95: {
    text: 'Limit answers are structured and readable ("budget exhausted, try again after X"; scope, limit, used, retry_after) - not raw 429.',
    claimed: true,
  },
  R96: {
    text: "An agent that retries anyway does not exhaust something else: rejected calls cost no upstream, no other tool's quota; loop detection on identical arguments.",
    claimed: true,
  },
  R97: { text: 'Limits hold across replicas and restarts.', claimed: { partly: 'budgets across restarts; one gateway by itself' } },
  R98: {
    text: 'Transient failures are retried with exponential backoff + jitter, capped, within the deadline, only when safe.',
    claimed: {
      partly:
        'repeats are shown for reads and for tools that say, or of which configuration says, that they are idempotent, over HTTP; jitter and caps by tests of the stage beside the code only',
    },
  },
  R99: {
    text: 'Circuit breakers per upstream and per downstream dependency/tool: open, half-open, close visible; open answers at once.',
    claimed: true,
  },
  R100: {
    text: 'Graceful degradation: the agent gets an answer it can relay ("cannot complete; reason; what to do") instead of a void to hallucinate into; partial catalogues still serve when one upstream is down.',
    claimed: true,
  },
  R101: {
    text: 'Every error says: kind, category, retryable, retry_after, side effect none/unknown/applied, correlation id.',
    claimed: { partly: 'an upstream error outside tools/call whose own data is no object is relayed without ours' },
  },
  R102: { text: 'Integration tests run against real MCP servers, not mocks.', claimed: true },
  R103: {
    text: 'Load tests simulate concurrent agent sessions (think time, loops, streams), with latency and memory gates.',
    claimed: false,
  },
  R104: {
    text: 'Chaos tests for transport failures and for auth token expiry are in CI.',
    claimed: { partly: 'the expiry of tokens is tested with real issuers, without the fault layers between' },
  },
  R105: { text: 'TK offers the same integration/load/chaos runs to users for their own servers.', claimed: false },
  R106: {
    text: 'TK `audit` counts distinct consumers per server/tool from real traffic or config and recommends: several consumers -> MCP; exactly one, same deployment -> direct calls; borderline -> say why.',
    claimed: false,
  },
  R107: { text: 'The audit takes ≤15 minutes for a person and gives a written verdict with the numbers used.', claimed: false },
  R108: {
    text: 'The overhead of the hop is measured (direct call vs MCP vs gateway; p50/p99) and shown in the verdict ("faster, cheaper, simpler").',
    claimed: false,
  },
  R109: {
    text: 'Sweet-spot demo: one server, three consumers (agent runtime, internal copilot, partner), separate identities, one audit.',
    claimed: false,
  },
  R110: { text: 'Docs state that MCP is a protocol, not a platform, and that the first example is the start line.', claimed: true },
} as const satisfies Record<string, Promised>

export type PromiseId = keyof typeof promises
