// Faults of what stands behind a server, as far as the server tells.
import type { FaultKind } from './fault.ts'

export const integrationFaults = {
  upstream_error: {
    category: 'integration',
    status: 200,
    code: -32603,
    retryable: false,
    protocol: false,
    agent: '{upstream} answered with an error: {reason}',
    operator: 'The server answered the request with a JSON-RPC error; its code and data are in the detail.',
  },
  upstream_busy: {
    category: 'integration',
    status: 200,
    code: -32603,
    retryable: true,
    protocol: false,
    agent: '{upstream} asks to wait {retryAfterMs} ms (HTTP {status}). {effect}',
    operator: 'The upstream or a service behind it limits the rate.',
  },
  downstream_rate_limited: {
    category: 'integration',
    status: 200,
    code: -32603,
    retryable: true,
    protocol: false,
    agent:
      '{upstream}, or a service behind it, takes no more calls for now. {effect} Do not try again before {retryAfterMs} ms have passed.',
    operator:
      'The service that the server calls says so in words, or the server by HTTP 429 or 503 with a time. Until then, for an hour at most, further calls of the tool (of the server, once a second tool is told so by HTTP) are answered so at once. Ask for fewer calls (`rate`), or for a larger quota; `signalbox upstream resume` lets them go at once.',
  },
  result_suspect: {
    category: 'integration',
    status: 200,
    code: -32603,
    retryable: false,
    protocol: false,
    agent: 'The result of {item} is withheld, since it is doubtful: {reason} {executed}',
    operator:
      'The judging of results found a reason to doubt this one, and `quality.onSuspect: block` of the tool withholds such results. `/admin/v1/tools/{server}/{tool}/quality` has what is usual, `/admin/v1/alerts` what is open; with `onSuspect: annotate` results are given with their doubt.',
  },
  result_schema_violation: {
    category: 'integration',
    status: 200,
    code: -32603,
    retryable: false,
    protocol: false,
    agent: 'The result of {item} is withheld, since it is not of the schema that the tool declares: {problems}. {executed}',
    operator:
      'The structured content of a result breaks the `outputSchema` of its tool, and `quality.onSuspect: block` of the tool withholds such results. The server, or a service behind it, has changed: compare its version.',
  },
  upstream_http_error: {
    category: 'integration',
    status: 200,
    code: -32603,
    retryable: false,
    protocol: false,
    agent: '{upstream} answered with HTTP {status} in place of a result. {effect}',
    operator: 'The upstream, or a proxy before it, failed.',
  },
  upstream_redirected: {
    category: 'integration',
    status: 200,
    code: -32603,
    retryable: false,
    protocol: false,
    agent:
      '{upstream} answered with HTTP {status}, a redirect to {location} that is not followed. {effect} If that is the right address, `url:` of the server has to name it.',
    operator:
      'Followed are 307 and 308 within the origin of `url:`, up to five in a row. Any other would take the request or its credential elsewhere: set `url:` to the address named, if you trust it.',
  },
  store_unavailable: {
    category: 'integration',
    status: 200,
    code: -32603,
    retryable: true,
    protocol: false,
    agent: 'The gateway cannot keep {what} for now, and its configuration wants that it is kept. {effect}',
    operator:
      'A store of the gateway is away or full: `/admin/v1/stores` and the log say which and why. A call that was executed before the store failed says so by its side effect.',
  },
  circuit_open: {
    category: 'integration',
    status: 200,
    code: -32603,
    retryable: true,
    protocol: false,
    agent: '{failing} has failed repeatedly and is left alone for now. {effect} Try again after {retryAfterMs} ms.',
    operator:
      'The circuit breaker of this upstream, or of one tool of it (`scope` in the detail), is open; it closes by itself when a trial call succeeds.',
  },
  internal: {
    category: 'integration',
    status: 200,
    code: -32603,
    retryable: false,
    protocol: false,
    agent: 'The gateway failed on this call. Report the correlation id {correlationId}.',
    operator: 'A bug in the gateway: the stack is in the log under this correlation id.',
  },
} as const satisfies Record<string, FaultKind>
