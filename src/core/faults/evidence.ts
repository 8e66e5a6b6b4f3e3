// What an exit knows of a request that brought no result: whether it was executed, and what would have to be new before it is sent again.
// `sendAgain` decides from these rows and from nothing else, and the table in docs/faults.md is made from them.

/**
 * `not_sent`: no byte of it reached the peer. `refused`: the peer says by a rule of the protocol that it did not begin. `unknown`: all
 * else. A status of HTTP says by itself nothing of execution: a proxy gives the same one after the request was delivered.
 */
export type Execution = 'not_sent' | 'refused' | 'unknown'

/** What the next attempt takes a new one of. */
export type Renewal = 'connection' | 'session' | 'revision' | 'headers' | 'credential'

export interface Evidence {
  readonly name: string
  readonly execution: Execution
  /**
   * Whether the next attempt could fare better. `once`: at once and once a call, with something renewed. `paused`: after a pause, as long
   * as attempts, deadline and budget allow. `elsewhere`: at once, at another endpoint of the server, against which nothing speaks.
   */
  readonly again: 'never' | 'once' | 'paused' | 'elsewhere'
  readonly renew: Renewal | undefined
  /** What it says of the upstream, for the circuit breaker. */
  readonly health: 'success' | 'failure' | 'neutral'
  /** What was seen, for people. */
  readonly seen: string
  /** Why it says what it says of execution. */
  readonly why: string
}

type Row = Omit<Evidence, 'name'>

const notSent = { execution: 'not_sent', health: 'failure' } as const
const refused = { execution: 'refused', health: 'neutral' } as const
const unknown = { execution: 'unknown', health: 'failure' } as const
const never = { again: 'never', renew: undefined } as const
const paused = { again: 'paused', renew: undefined } as const
const reconnected = { again: 'paused', renew: 'connection' } as const

const statusWhy = 'a proxy gives it also after the request was delivered'

const rows = {
  // Nothing reached the peer.
  not_configured: {
    ...notSent,
    ...never,
    health: 'neutral',
    seen: 'the configuration of the server cannot work (no such command, a header that cannot be sent)',
    why: 'there was nothing to send to',
  },
  no_credential: {
    ...notSent,
    ...never,
    health: 'neutral',
    seen: 'no credential for the server could be had: its issuer is away or says no, or the user has yet to sign in',
    why: 'nothing is sent without it',
  },
  start_failed: { ...notSent, ...reconnected, seen: 'the process of the server did not start', why: 'there was nothing to send to' },
  no_connection: { ...notSent, ...reconnected, seen: 'no connection to the server could be had', why: 'there was nothing to send on' },
  connection_refused: {
    ...notSent,
    ...reconnected,
    seen: 'the TCP connection was refused or failed',
    why: 'no byte can be sent before it',
  },
  dns_failed: { ...notSent, ...reconnected, seen: 'the host name was not resolved', why: 'no byte can be sent before it' },
  tls_failed: { ...notSent, ...reconnected, seen: 'the TLS handshake failed', why: 'no byte of a request is sent before it' },
  proxy_refused: {
    ...notSent,
    ...reconnected,
    seen: 'a forward proxy did not open the tunnel to the server',
    why: 'RFC 9110 §9.3.6: there is a tunnel after a 2xx only, and no byte is sent before it',
  },
  proxy_credential: {
    ...notSent,
    ...never,
    seen: 'HTTP 407 of a forward proxy',
    why: 'RFC 9110 §15.5.8: the proxy wants a credential before it passes the request on',
  },
  connect_timeout: { ...notSent, ...never, seen: '`timeouts.connect` ran out', why: 'no byte can be sent before there is a connection' },
  connection_ended: {
    ...notSent,
    again: 'once',
    renew: 'connection',
    seen: 'the connection had ended (process, standard input, event stream, session) when the request was to be handed to it',
    why: 'nothing was written',
  },
  no_place: {
    ...notSent,
    ...never,
    health: 'neutral',
    seen: 'a bound of the gateway on connections, requests or unread bytes was reached',
    why: 'the gateway did not send it',
  },
  not_offered: {
    ...notSent,
    ...never,
    health: 'success',
    seen: 'the revision that the server speaks has no such method',
    why: 'the gateway did not send it',
  },
  other_build: {
    ...notSent,
    ...never,
    health: 'neutral',
    seen: 'the connection was made anew, to another build of the server than the one of which the tool was read',
    why: 'the gateway did not send it: it reads the tools first, and looks the tool up anew',
  },
  deadline_unsent: { ...notSent, ...never, seen: 'the deadline passed before the request was sent', why: 'nothing was written' },
  ended_unsent: {
    ...notSent,
    ...never,
    health: 'neutral',
    seen: 'the caller went, or the gateway ends, before the request was sent',
    why: 'nothing was written',
  },

  // The peer says that it did not begin.
  session_unknown: {
    ...refused,
    again: 'once',
    renew: 'session',
    seen: 'HTTP 404 to a request with a session id, with a JSON-RPC error, or bare where the server takes an `initialize` and yet does not know the session',
    why: 'MCP 2025-11-25, session management: the session has ended and the client must start a new one',
  },
  session_refused: {
    ...refused,
    again: 'once',
    renew: 'session',
    seen: 'HTTP 400 to a request with a session id, with a JSON-RPC error that speaks of the session',
    why: 'MCP 2025-11-25, session management: servers hold the session id against what they know before anything else',
  },
  session_gone: {
    ...refused,
    again: 'once',
    renew: 'session',
    seen: 'another answer of 3xx or 4xx (a login, a challenge that the same credential answers in a new session), or a JSON-RPC error that speaks of the session or of `initialize`, of a server that, asked at once, takes an `initialize` and does not know the session',
    why: 'servers hold the session against what they know before anything else, in whatever words they say it',
  },
  revision_changed: {
    ...refused,
    again: 'once',
    renew: 'revision',
    seen: 'the request got what a server of another revision answers (400, 404, 405, -32601, -32022), and the server, asked, speaks another',
    why: 'a server of another revision turns the request away unread',
  },
  header_mismatch: {
    ...refused,
    again: 'once',
    renew: 'headers',
    seen: 'JSON-RPC error -32020 for this request',
    why: 'MCP 2026-07-28, transports: headers are held against the body before the request is worked on',
  },
  credential_refused: {
    ...refused,
    again: 'once',
    renew: 'credential',
    seen: 'HTTP 401, or 403 with a challenge in `WWW-Authenticate`',
    why: 'RFC 6750 §3 and MCP authorization: the credential is judged before the request, by the server or by whoever guards it',
  },
  scope_missing: {
    ...refused,
    ...never,
    seen: 'HTTP 403 that says `insufficient_scope`, where no other credential could be had at once',
    why: 'RFC 6750 §3.1: the credential is judged before the request',
  },
  redirected: {
    ...refused,
    ...never,
    seen: 'HTTP 307 or 308 that is not followed (to another origin, or one too many)',
    why: 'RFC 9110 §15.4: the same request is to be made elsewhere',
  },
  unsupported_revision: {
    ...refused,
    ...never,
    health: 'failure',
    seen: 'JSON-RPC error -32022 for this request, of a server that speaks no other revision we know',
    why: 'MCP 2026-07-28: the revision is judged first',
  },
  method_not_found: {
    ...refused,
    ...never,
    health: 'success',
    seen: 'JSON-RPC error -32601 for this request',
    why: 'JSON-RPC 2.0 §5.1: there is no such method',
  },
  invalid_request: {
    ...refused,
    ...never,
    health: 'success',
    seen: 'JSON-RPC error -32600, -32700 or -32602 for this request',
    why: 'JSON-RPC 2.0 §5.1 and MCP, tools: what is wrong with the request itself; what goes wrong in a tool is a result with `isError`',
  },
  resource_not_found: {
    ...refused,
    ...never,
    health: 'success',
    seen: 'JSON-RPC error -32002 for `resources/read`',
    why: 'MCP 2025-11-25, resources: there is nothing to read',
  },
  url_required: {
    ...refused,
    ...never,
    health: 'success',
    seen: 'JSON-RPC error -32042 for this request',
    why: 'MCP 2025-11-25, elicitation: the request is worked on only after the page was opened',
  },

  // Nobody knows.
  too_many_requests: {
    ...unknown,
    ...paused,
    health: 'neutral',
    seen: 'HTTP 429',
    why: `RFC 6585 §4 says nothing of execution; ${statusWhy}`,
  },
  service_unavailable: { ...unknown, ...paused, seen: 'HTTP 503', why: `RFC 9110 §15.6.4 says nothing of execution; ${statusWhy}` },
  server_error: { ...unknown, ...paused, seen: 'HTTP 500, 502, 504 or another of 5xx', why: statusWhy },
  try_again_status: {
    ...unknown,
    ...paused,
    health: 'neutral',
    seen: 'HTTP 408 or 425',
    why: statusWhy,
  },
  session_ended: {
    ...unknown,
    again: 'once',
    renew: 'session',
    seen: 'HTTP 500, any other JSON-RPC error, or an answer that is no MCP, of a server that, asked at once, serves nothing in the session and serves a new one',
    why: 'it may have begun before it was started anew',
  },
  other_status: {
    ...unknown,
    ...never,
    health: 'neutral',
    seen: 'any other status in place of an answer (also 403 without a challenge, 404 that speaks for no session, 302, 303)',
    why: statusWhy,
  },
  error_answer: {
    ...unknown,
    ...never,
    health: 'success',
    seen: 'any other JSON-RPC error for this request, whatever its HTTP status',
    why: 'it comes from the server itself, which may have begun',
  },
  asked_to_wait: {
    ...unknown,
    ...paused,
    health: 'neutral',
    seen: 'a JSON-RPC error for this request that says when to come back: in its data, or in the headers of its answer',
    why: 'it comes from the server itself, which may have begun',
  },
  limit_text: {
    ...unknown,
    ...paused,
    health: 'success',
    seen: 'a result, or a JSON-RPC error, that says in words that a service behind the server limits the rate of calls',
    why: 'the tool ran, and may have done a part of its work before',
  },
  auth_text: {
    ...unknown,
    again: 'once',
    renew: 'credential',
    health: 'success',
    seen: 'a result, or a JSON-RPC error, that says in words that the credential is not valid, where a status should say so',
    why: 'the tool ran, and may have done a part of its work before',
  },
  capability_missing: {
    ...unknown,
    ...never,
    health: 'success',
    seen: 'JSON-RPC error -32021 for this request, or a call that failed after the server asked what the caller cannot answer',
    why: 'a server may find that out in the middle of its work',
  },
  connection_lost: {
    ...unknown,
    ...reconnected,
    seen: 'the connection or the answer stream was cut after the request was sent (and could not be taken up again by `Last-Event-ID`)',
    why: 'the server may have had all of it',
  },
  child_exited: { ...unknown, ...reconnected, seen: 'the process ended after the request was written to it', why: 'it may have read it' },
  closed_here: {
    ...unknown,
    ...reconnected,
    health: 'neutral',
    seen: 'the gateway closed the connection under the call (a process that hangs, a connection that was replaced)',
    why: 'the request was sent',
  },
  answer_invalid: {
    ...unknown,
    ...never,
    seen: 'an answer that is no MCP: no JSON, another id, another content type, no HTTP',
    why: 'whoever gave it had the request',
  },
  answer_too_large: {
    ...unknown,
    ...never,
    health: 'success',
    seen: 'an answer larger than `limits.messageBytes`',
    why: 'an answer is given after the work',
  },
  deadline: { ...unknown, ...never, seen: 'the deadline passed after the request was sent', why: 'the server may be working on it' },
  caller_deadline: {
    ...unknown,
    ...never,
    health: 'neutral',
    seen: 'the deadline that the caller stated passed after the request was sent',
    why: 'the server may be working on it',
  },
  ended: {
    ...unknown,
    ...never,
    health: 'neutral',
    seen: 'the caller went, or the gateway ends, after the request was sent',
    why: 'the server may be working on it',
  },
} as const satisfies Record<string, Row>

/** All rows, by their name. */
export const evidence = Object.fromEntries(
  Object.entries(rows).map(([name, row]) => [name, { name, ...row } satisfies Evidence]),
) as unknown as { readonly [N in keyof typeof rows]: Evidence }

/** The same, met while the connection for the request was being made: the request itself was not sent. */
export function beforeSending(found: Evidence): Evidence {
  const { renew } = found
  if (renew === 'credential') return { ...found, execution: 'not_sent' }
  const again = found.again === 'once' ? (renew === 'connection' ? 'paused' : 'never') : found.again
  return { ...found, execution: 'not_sent', again, renew: again === 'never' ? undefined : 'connection' }
}

/** The same, where another endpoint takes the next attempt: it is no load on the one that failed. */
export function atAnother(found: Evidence): Evidence {
  return found.again === 'paused' && found.health === 'failure' ? { ...found, again: 'elsewhere' } : found
}

/** The same, where there is nothing to renew. */
export function withoutRenewal(found: Evidence): Evidence {
  return { ...found, again: 'never', renew: undefined }
}
