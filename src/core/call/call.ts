// A call is what an agent asked for, in the shape of MCP 2026-07-28 whatever revision it arrived in. It is plain, immutable data:
// it can be stored, replayed and sent to another replica. The living half (signal, deadline, events) is the `Exchange`.
import type { Item, UpstreamId } from './item.ts'
import type { Payload } from './payload.ts'
import type { Principal } from './principal.ts'
import type { Run } from './run.ts'
import type { StatedPins } from './tool-pins.ts'

export type { UpstreamId }

export type CallId = string

export type Family = 'invoke' | 'list' | 'complete' | 'listen' | 'discover' | 'task'

/** Every request that MCP 2026-07-28 (and its extensions for tasks, SEP-2663, and skills, SEP-2640) lets a client send, with the family whose chain of stages it walks. */
export const families = {
  'server/discover': 'discover',
  'tools/list': 'list',
  'prompts/list': 'list',
  'resources/list': 'list',
  'resources/templates/list': 'list',
  'skills/list': 'list',
  'tools/call': 'invoke',
  'prompts/get': 'invoke',
  'resources/read': 'invoke',
  'resources/directory/read': 'invoke',
  'skills/get': 'invoke',
  'completion/complete': 'complete',
  'subscriptions/listen': 'listen',
  'tasks/get': 'task',
  'tasks/update': 'task',
  'tasks/cancel': 'task',
} as const satisfies Record<string, Family>

export type Method = keyof typeof families

export function isMethod(name: string): name is Method {
  return Object.hasOwn(families, name)
}

/** RFC 5424 severities, least severe first (MCP `LoggingLevel`). */
export const logLevels = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'] as const
export type LogLevel = (typeof logLevels)[number]

/** Client capabilities in the 2026-07-28 shape; legacy doors translate what `initialize` declared. */
export interface ClientCapabilities {
  readonly sampling?: Readonly<Record<string, unknown>>
  readonly elicitation?: Readonly<Record<string, unknown>>
  readonly roots?: Readonly<Record<string, unknown>>
  readonly extensions?: Readonly<Record<string, unknown>>
  readonly [other: string]: unknown
}

export interface ClientInfo {
  readonly name: string
  readonly version: string
  readonly [other: string]: unknown
}

export interface Caller {
  readonly principal: Principal
  readonly client: ClientInfo | undefined
  readonly capabilities: ClientCapabilities
  /** What binds several calls to one upstream connection: a legacy client's session id; undefined for a stateless client. */
  readonly affinity: string | undefined
  /** How the call came in. For the record only: no stage decides by it. */
  readonly arrival: {
    readonly transport: 'http' | 'sse' | 'stdio'
    readonly revision: string
    /** Of the HTTP request, as it came: nobody has looked at it. */
    readonly userAgent?: string | undefined
  }
  /** Client headers (lower case) that at least one upstream opted in to (`forwardHeaders`); the exit picks its own by name. */
  readonly headers: Readonly<Record<string, string>> | undefined
  /** Versions of tools that the request asks for. */
  readonly pins?: StatedPins | undefined
}

/** W3C trace context as the client sent it in `_meta` or, where that has none, in headers, with our own span id drawn at the door. */
export interface TraceContext {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  /** Whether the trace is exported, as servers are told; what went wrong is exported all the same. */
  readonly sampled: boolean
  readonly tracestate: string | undefined
  /** The span of the HTTP request, where headers name another than `_meta`. */
  readonly link?: SpanLink | undefined
  /** What servers are told of the baggage that the client sent. */
  readonly baggage?: string | undefined
}

export interface SpanLink {
  readonly traceId: string
  readonly spanId: string
  readonly sampled: boolean
}

/** The next leg of a multi-round-trip request (SEP-2322). Only ever opened from our own seal. */
export type Continuation =
  /** A legacy server's call that waits inside one of our exits; `answers` is the client's `inputResponses` object. */
  | {
      readonly kind: 'parked'
      readonly park: string
      readonly owner: string
      readonly upstream: UpstreamId
      readonly answers: Payload | undefined
    }
  /** A modern server's own `requestState`, byte-exact; absent stays absent. */
  | { readonly kind: 'relayed'; readonly inner: string | undefined }

/** What a client says in headers beside the body: `mcp-name` and `mcp-param-*` (MCP 2026-07-28, x-mcp-header). */
export interface Asserted {
  /** The value, decoded, of a header named in lower case. */
  get(name: string): string | undefined
}

export interface Call {
  readonly id: CallId
  readonly method: Method
  readonly family: Family
  /** '' for the aggregate `/mcp`, else the server or toolset of `/mcp/{mount}`. */
  readonly mount: string
  /** What the request is about, as the caller names it: the member of `params` that `core/protocol/carriers.ts` has for its method. */
  readonly target: string | undefined
  /** `params` as sent, less the reserved `_meta` keys and the progress token of the client's hop. */
  readonly params: Payload
  readonly caller: Caller
  readonly interest: { readonly progress: boolean; readonly logLevel: LogLevel | undefined }
  /** The headers that repeat parts of the body; undefined where the door has no headers. */
  readonly asserted: Asserted | undefined
  readonly continuation: Continuation | undefined
  readonly trace: TraceContext
  readonly run: Run
  /** How long its caller says that it waits, in ms from when it was sent; undefined where it says nothing. */
  readonly deadlineMs: number | undefined
}

/** The call that made a task, as far as the handle of the task tells. */
export interface TaskOrigin {
  /** As it is now; its definition may be another than at the time of the call. */
  readonly tool: Item
  /** Of its arguments, as `asked` of the outcome that the task is. */
  readonly asked: number | undefined
}

/** A call whose upstream is known (completion, tasks, watching), with no item. */
export interface TargetedCall extends Call {
  readonly upstream: UpstreamId
  /** The endpoint of it that has the task, of several. */
  readonly place?: string | undefined
  /** What made the task that it is about. */
  readonly origin?: TaskOrigin | undefined
  /** The build of the upstream of which its contract was read, as `Upstream.build` counts them; undefined where it has none. */
  readonly build?: number | undefined
}

/** A call whose item is pinned: definition, validator and catalog generation are those of one snapshot. */
export interface RoutedCall extends TargetedCall {
  readonly item: Item
}

/** The call on its way to an upstream. Written out, since a spread of so many members costs Node 20 more than most stages do. */
export function targeted(call: Call, upstream: UpstreamId, params: Payload): TargetedCall {
  const { id, method, family, mount, target, caller, interest, asserted, continuation, trace, run, deadlineMs } = call
  return { id, method, family, mount, target, params, caller, interest, asserted, continuation, trace, run, deadlineMs, upstream }
}

/** The call with another run. */
export function ofRun<C extends TargetedCall & { readonly item?: Item }>(call: C, run: Run): C {
  const { id, method, family, mount, target, params, caller, interest, asserted, continuation, trace, deadlineMs, upstream, item } = call
  const made = { id, method, family, mount, target, params, caller, interest, asserted, continuation, trace, run, deadlineMs, upstream }
  return (item === undefined ? made : routed(made, item, call.build)) as TargetedCall as C
}

/** The call with its item pinned, and the build of which that was read. */
export function routed(call: Call, item: Item, build?: number): RoutedCall {
  const { id, method, family, mount, target, params, caller, interest, asserted, continuation, trace, run, deadlineMs } = call
  const { upstream } = item
  return {
    id,
    method,
    family,
    mount,
    target,
    params,
    caller,
    interest,
    asserted,
    continuation,
    trace,
    run,
    deadlineMs,
    upstream,
    item,
    build,
  }
}
