// What a row of the audit is: the members as a reader sees them, and their places in the JSON array that is hashed and kept.
import type { Decision } from '../../core/ports/decisions.ts'

/**
 * `call`: what a caller asked for and what came of it; `refused`: a request that became no call, or so many of them; `delivery`: how the answer
 * of a call left, where it did not simply; `start`, `stop`, `anchor`, `lost`: of the audit itself; else what was decided outside of calls.
 */
export type About = 'call' | 'refused' | 'delivery' | 'start' | 'stop' | 'anchor' | 'lost' | Decision['about']

/** Times are ms since the epoch; what is not known is null. */
export interface AuditRow {
  readonly chain: string
  readonly seq: number
  /** Of a call: when the gateway took it. */
  readonly at: number
  readonly about: About
  /** Correlation id; '' of what no request caused. */
  readonly id: string
  readonly tenant: string | null
  readonly issuer: string | null
  readonly subject: string | null
  /** The OAuth client that the credential was issued to. */
  readonly clientId: string | null
  readonly actors: readonly string[]
  /** By which method of `auth.callers` it was let in. */
  readonly via: string | null
  /** Id of the credential of the caller, or of what the decision is about; never its value. */
  readonly credential: string
  /** Name and version that the program states of itself. */
  readonly client: string | null
  readonly clientVersion: string | null
  readonly transport: string | null
  readonly revision: string | null
  readonly mount: string | null
  readonly run: string | null
  /** Where the id of the run was taken from. */
  readonly runSource: string | null
  readonly turn: string | null
  readonly team: string | null
  /** The agent's own words for what it does. */
  readonly why: string | null
  readonly trace: string | null
  readonly method: string | null
  readonly upstream: string | null
  readonly item: string | null
  readonly itemKind: string | null
  readonly version: number | null
  /** Digest of the contract of a tool, as its caller is shown it. */
  readonly contract: string | null
  readonly readOnly: boolean | null
  /** `none`: nothing decides here. */
  readonly decision: 'allowed' | 'denied' | 'none'
  /** Which rule or check decided; '' where none did. */
  readonly rule: string
  /** Id of the credential with which the server was called. */
  readonly lease: string | null
  /** For people. */
  readonly reason: string | null
  readonly outcome: string | null
  readonly fault: RowFault | null
  /** Two letters (docs/operations.md). */
  readonly termination: string | null
  /** Redacted, a digest, or null, as `audit.arguments` says. */
  readonly arguments: unknown
  readonly result: {
    readonly bytes: number
    readonly rows: number | null
    readonly tokens: number | null
    readonly shape: string | null
  } | null
  readonly usage: { readonly sent: number; readonly got: number; readonly cost: number } | null
  readonly attempts: number
  /** One by one, where there was more than one. */
  readonly attempted: readonly RowAttempt[]
  /** From when the gateway took the call to its outcome; of a delivery to its end. */
  readonly ms: number | null
  readonly parkedMs: number | null
  /** Where the time went, of phases that took a millisecond or more. */
  readonly phases: readonly { readonly name: string; readonly ms: number }[]
  readonly stream: { readonly events: number; readonly bytes: number; readonly firstMs: number; readonly longestGapMs: number } | null
  readonly found: string | null
  readonly suspect: readonly string[] | null
  readonly masked: Readonly<Record<string, number>> | null
  readonly coerced: readonly string[] | null
  readonly bytesIn: number | null
  readonly requestId: string | null
  /** SHA-256 in hex, of the row before and of this one. */
  readonly prev: string
  readonly hash: string
}

export interface RowFault {
  readonly kind: string
  readonly category: string
  readonly sideEffect: string
  readonly message: string
}

export interface RowAttempt {
  readonly number: number
  readonly ms: number
  readonly fault: string | null
  readonly evidence: string | null
  readonly isError: boolean
}

/** Version of what follows: the first member of each row. */
export const rowFormat = 1

/** Places of members that every row has. */
export const places = {
  format: 0,
  about: 1,
  at: 2,
  id: 3,
  /** [tenant, issuer, subject, clientId, actors, via, credential] or null. */
  caller: 4,
  /** [name, version, transport, revision, mount] or null. */
  client: 5,
  /** [id, source, turn, team, why] or null. */
  run: 6,
  trace: 7,
  /** [method, upstream, item, kind, version, contract, readOnly]. */
  target: 8,
  /** 1 or 0; null where nothing decides. */
  allowed: 9,
  rule: 10,
  lease: 11,
  reason: 12,
  outcome: 13,
  /** [kind, category, sideEffect, message] or null. */
  fault: 14,
  termination: 15,
  arguments: 16,
  /** [bytes, rows, tokens, shape] or null. */
  result: 17,
  /** [sent, got, cost] or null. */
  usage: 18,
  attempts: 19,
  /** [[number, ms, fault, evidence, isError], …] or null. */
  attempted: 20,
  ms: 21,
  parkedMs: 22,
  /** [[name, ms], …] or null. */
  phases: 23,
  /** [events, bytes, firstMs, longestGapMs] or null. */
  stream: 24,
  found: 25,
  suspect: 26,
  masked: 27,
  coerced: 28,
  bytesIn: 29,
  requestId: 30,
} as const

export const rowLength = 31

/** Longest text of a member in characters: names and reasons may come from outside. */
export const longestText = 512
