// What every door is given, and how the HTTP door hands a request to the door of its revision.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { DeadlineLimits } from '../core/call/deadline.ts'
import type { Principal } from '../core/call/principal.ts'
import type { Sealer } from '../core/call/seal.ts'
import type { Clock, Random } from '../core/ports/clock.ts'
import type { Durable } from '../core/ports/durable.ts'
import type { Ephemeral } from '../core/ports/ephemeral.ts'
import type { Gateway } from '../core/ports/gateway.ts'
import type { Propagation } from '../core/ports/propagation.ts'
import type { Report } from '../core/ports/report.ts'
import type { Implementation } from '../core/protocol/names.ts'
import type { OpenRequest } from './http/open-requests.ts'
import type { OpenSessions } from './legacy/open-sessions.ts'
import type { Outsiders } from './legacy/outside.ts'
import type { DrainSettings, HttpSettings, SessionSettings, SseSettings, TlsSettings } from './settings.ts'

/** For the log, once for each session or stream. */
export const tooLargeToTell = 'A message on the way to a result is larger than limits.eventBytes and was dropped'

export interface DoorContext {
  readonly gateway: Gateway
  readonly clock: Clock
  readonly random: Random
  readonly propagation: Propagation
  readonly sealer: Sealer
  readonly ephemeral: Ephemeral
  /** What outlives a restart; absent where nothing does, the key of `sealer` included. */
  readonly durable?: Durable | undefined
  readonly report: Report
  /** The gateway's own name, as `serverInfo`. */
  readonly server: Implementation
  /** Limits of a call until its upstream's own are known. */
  readonly limits: DeadlineLimits
  /** Largest line of an event, its `data: ` included (`limits.eventBytes`). */
  readonly eventBytes: number
  readonly settings: {
    readonly profile: 'dev' | 'production'
    readonly http: HttpSettings
    readonly publicUrl?: string | undefined
    /** Absent: plain HTTP. */
    readonly tls?: TlsSettings | undefined
    readonly sessions: SessionSettings
    readonly sse: SseSettings
    readonly drain: DrainSettings
  }
  /** Client headers (lower case) that some upstream opted in to; the only ones put on `Caller.headers`. */
  readonly forwarded: ReadonlySet<string>
  /** Aborted when draining begins: no new sessions or streams, `Connection: close` on answers, open streams end with `retry:`. */
  readonly draining: AbortSignal
  /** Where sessions are found for what a server says outside any call; absent: such questions are refused. */
  readonly outsiders?: Outsiders
  /** Where operators see which sessions are open. */
  readonly openSessions?: OpenSessions
}

/** A request that passed the first checks: origin, host, identity; for POST also media type, size, UTF-8 and JSON. */
export interface Arrived {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly openRequest: OpenRequest
  /** '' for `/mcp`. */
  readonly mount: string
  readonly transport: 'http' | 'sse'
  readonly principal: Principal
  /** Correlation id, drawn on arrival. */
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly atMs: number
  /** When it came and when it was known whose it is, in monotonic ms. */
  readonly times: { readonly at: number; identifiedAt: number }
}

export interface ArrivedPost extends Arrived {
  /** Raw body; valid JSON without duplicate keys. */
  readonly body: Buffer
  /** The body parsed, once. */
  readonly message: unknown
}

/**
 * Pages and documents of the front door beside MCP: metadata, the authorization server, pages for people. They get every request, of any
 * method, whose path is one of `paths` or lies below it, once the host was checked; they check the origin by themselves. What they throw is a bug.
 */
export interface WebPages {
  /** Without a slash at the end: `/oauth`, `/.well-known/oauth-protected-resource`. */
  readonly paths: readonly string[]
  serve(req: IncomingMessage, res: ServerResponse): Promise<void> | void
}

/** Legacy revisions over Streamable HTTP: the HTTP door comes here for every request without a modern claim. */
export interface LegacyHttpDoor {
  post(arrived: ArrivedPost): Promise<void>
  get(arrived: Arrived): Promise<void>
  delete(arrived: Arrived): Promise<void>
  /** Sessions open now, for the gauge. */
  sessions(): number
}
