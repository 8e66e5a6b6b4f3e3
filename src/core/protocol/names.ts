// The names and numbers of the protocol, each in one place (MCP 2024-11-05 … 2026-07-28, JSON-RPC 2.0).

export const modernRevision = '2026-07-28'
/** Revisions with `initialize`, newest first. */
export const legacyRevisions = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const
export type LegacyRevision = (typeof legacyRevisions)[number]
/** All that is served, newest first; `server/discover` and -32022 list exactly these. */
export const servedRevisions: readonly string[] = [modernRevision, ...legacyRevisions]

export function isLegacyRevision(revision: string): revision is LegacyRevision {
  return (legacyRevisions as readonly string[]).includes(revision)
}

/** Reserved `_meta` keys of one hop (MCP 2026-07-28 §basic). They are never forwarded: each hop writes its own. */
export const metaKey = {
  protocolVersion: 'io.modelcontextprotocol/protocolVersion',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  clientCapabilities: 'io.modelcontextprotocol/clientCapabilities',
  logLevel: 'io.modelcontextprotocol/logLevel',
  serverInfo: 'io.modelcontextprotocol/serverInfo',
  subscriptionId: 'io.modelcontextprotocol/subscriptionId',
  relatedTask: 'io.modelcontextprotocol/related-task',
} as const

/** Our own `_meta` keys stand under this prefix; nothing else of ours goes on the wire. */
export const vendorPrefix = 'signalbox.dev/'

/**
 * Marks an input response that is none: the client refused the question with the JSON-RPC error `{code, message, data?}` that stands under
 * it. Only legs of parked calls carry it, so that their server can be answered with that error.
 */
export const refusalKey = `${vendorPrefix}error`

/** What a client says of its run in `_meta`, and in baggage; what servers are told of it. */
export const runMeta = { run: `${vendorPrefix}run`, turn: `${vendorPrefix}turn`, why: `${vendorPrefix}why` } as const
/** Ms after which nobody waits for the answer any more, counted from when the request was sent. */
export const deadlineMeta = `${vendorPrefix}deadline_ms`
/** What a client asks for of the versions of tools, `{create_invoice: 1}`; and what it is told of the one that it is shown, and of its end. */
export const versionsMeta = {
  pins: `${vendorPrefix}toolVersions`,
  version: `${vendorPrefix}version`,
  deprecation: `${vendorPrefix}deprecation`,
} as const
export const runBaggage = { run: 'run.id', turn: 'turn.id' } as const

/** Skills (SEP-2640). */
export const skillsExtension = 'io.modelcontextprotocol/skills'
export const tasksExtension = 'io.modelcontextprotocol/tasks'

export const header = {
  protocolVersion: 'mcp-protocol-version',
  method: 'mcp-method',
  name: 'mcp-name',
  paramPrefix: 'mcp-param-',
  sessionId: 'mcp-session-id',
  lastEventId: 'last-event-id',
  run: 'signalbox-run',
  turn: 'signalbox-turn',
  toolVersions: 'signalbox-tool-versions',
  /** W3C Baggage §3. */
  baggage: 'baggage',
  /** W3C Trace Context §3. */
  traceparent: 'traceparent',
  tracestate: 'tracestate',
} as const

/** `_meta` keys without a prefix, of one hop (SEP-414): each hop writes its own. */
export const traceMeta = { traceparent: 'traceparent', tracestate: 'tracestate', baggage: 'baggage' } as const

/** JSON-RPC and MCP error codes. */
export const code = {
  parse: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
  /** Legacy revisions only. */
  resourceNotFound: -32002,
  /** 2025-11-25 only: URL elicitation required. */
  urlElicitationRequired: -32042,
  headerMismatch: -32020,
  missingClientCapability: -32021,
  unsupportedProtocolVersion: -32022,
} as const

/** Codes that MCP 2026-07-28 keeps for what one hop refuses of a request: a client takes them for the gateway's word. */
export function isOfOneHop(errorCode: number): boolean {
  return errorCode <= code.headerMismatch && errorCode >= code.unsupportedProtocolVersion
}

/** The gateway's own name on both hops. */
export interface Implementation {
  readonly name: string
  readonly version: string
  readonly title?: string
  readonly websiteUrl?: string
}
