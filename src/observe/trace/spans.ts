// The spans of one call, from its record: what the client asked (SERVER), what each attempt asked of the server (CLIENT), and what the gateway
// itself did or waited for (INTERNAL). Names, attributes and statuses are those of the OpenTelemetry conventions for MCP; what they have no
// name for begins with `signalbox.`.
import type { Attributes, Link, SpanStatus } from '@opentelemetry/api'
import { argumentsIn } from '../../core/call/arguments.ts'
import type { ClientInfo, TraceContext } from '../../core/call/call.ts'
import type { Phase, PhaseName, phaseNames } from '../../core/call/phases.ts'
import type { Principal } from '../../core/call/principal.ts'
import type { AttemptRecord, CallRecord } from '../../core/call/record.ts'
import { innerSpan, spanOfAttempt } from '../../core/call/span.ts'
import { servedRevisions } from '../../core/protocol/names.ts'
import { redactedArguments } from '../../core/secrets/redacted-arguments.ts'
import type { Redaction } from '../../core/secrets/redaction.ts'
import { shapeOfToolResult } from '../../core/secrets/shape-text.ts'
import { type ErrorAttributes, errorOfAttempt, errorOfCall } from '../error-type.ts'
import { methodLabel, other } from '../metrics/labels.ts'
import {
  contextOf,
  hrTime,
  kinds,
  noEvents,
  noLinks,
  type ReadableSpan,
  RecordedSpan,
  type SpanMade,
  type SpanOrigin,
  statuses,
  unset,
} from './span.ts'

export interface SpanParts {
  readonly origin: SpanOrigin
  /** Stands for a principal: the same for the same one, and nobody without the key of this gateway can tell whose it is. */
  readonly principal: (principal: Principal) => string
  /** The same of a text. */
  readonly digest: (text: string) => string
  readonly redaction: Redaction
  /** What is told of the client of the last call. */
  readonly lastClient: LastClient
  /** Whether arguments, redacted, and the shape of results are told. */
  readonly contents: boolean
}

export interface LastClient {
  name: string
  version: string
  told: { readonly name: string; readonly version: string }
}

/** Why the spans of a call are exported: the trace is one of those, or it failed, its result is suspect, or it was slow. */
export type Kept = 'trace' | 'error' | 'suspect' | 'slow'

/** Longest texts of others, in characters. */
const longestName = 256
const longestText = 1_024

export function spansOf(record: CallRecord, trace: TraceContext, kept: Kept, parts: SpanParts): ReadableSpan[] {
  return new CallSpans(record, trace, kept, parts).all()
}

/** How the SERVER span ends. A call that its client gave up was answered by nobody. */
export function endingOf(record: CallRecord): ErrorAttributes {
  const { fault, termination } = record
  return fault !== undefined && termination.startsWith('C') ? { type: fault.kind, code: '' } : errorOfCall(record)
}

class CallSpans {
  private readonly record: CallRecord
  private readonly trace: TraceContext
  private readonly kept: Kept
  private readonly parts: SpanParts
  /** From monotonic ms to ms since the epoch. */
  private readonly offset: number
  private readonly spans: ReadableSpan[] = []
  private inner = 0

  constructor(record: CallRecord, trace: TraceContext, kept: Kept, parts: SpanParts) {
    this.record = record
    this.trace = trace
    this.kept = kept
    this.parts = parts
    this.offset = record.atMs - record.startedAt
  }

  all(): ReadableSpan[] {
    this.server()
    for (const attempt of this.record.attempted) this.client(attempt)
    this.authentication()
    this.access()
    for (const phase of this.record.phases) this.phase(phase)
    this.parked()
    return this.spans
  }

  private server(): void {
    const { record, trace } = this
    const ending = endingOf(record)
    const from = record.arrived?.at ?? record.startedAt
    this.add({
      name: this.serverName(),
      kind: kinds.server,
      spanId: trace.spanId,
      parent: trace.parentSpanId === undefined ? undefined : contextOf(trace, trace.parentSpanId, true),
      from,
      to: record.startedAt + record.durationMs,
      attributes: this.serverAttributes(ending),
      status: this.statusOf(ending),
      events: this.streamEvents(),
      links: linksOf(trace),
    })
  }

  private serverName(): string {
    const method = this.method()
    const { item, target, itemKind } = this.record
    // Only what is known to be served is a name of few.
    return item !== undefined && target !== undefined && (itemKind === 'tool' || itemKind === 'prompt') ? `${method} ${target}` : method
  }

  /** What was turned away may name any method at all. */
  private method(): string {
    const { askedAs, method } = this.record
    return askedAs ?? (method === '' ? other : methodLabel(this.record))
  }

  private serverAttributes(ending: ErrorAttributes): Attributes {
    const { record, parts } = this
    const { caller, run, fault, stream, usage } = record
    const attributes: Attributes = {
      'mcp.method.name': this.method(),
      'network.transport': caller.arrival.transport === 'stdio' ? 'pipe' : 'tcp',
      'signalbox.call.id': record.id,
      'signalbox.outcome': record.outcome,
      'signalbox.termination': record.termination,
      'signalbox.kept': this.kept,
      'signalbox.attempts': record.attempts,
      'signalbox.request.bytes': record.bytesIn,
      'signalbox.response.bytes': record.bytesOut,
    }
    if (caller.arrival.transport !== 'stdio') attributes['network.protocol.name'] = 'http'
    const { revision } = caller.arrival
    // What was turned away may name anything.
    if (revision !== undefined) attributes['mcp.protocol.version'] = servedRevisions.includes(revision) ? revision : this.name(revision)
    if (caller.affinity !== undefined) attributes['mcp.session.id'] = parts.digest(caller.affinity)
    if (record.requestId !== undefined) attributes['jsonrpc.request.id'] = this.idOf(record.requestId)
    this.about(attributes, record.target, record.item !== undefined)
    endedWith(attributes, ending)
    if (record.mount !== '') attributes['signalbox.mount'] = record.mount.slice(0, longestName)
    if (record.upstream !== undefined) attributes['signalbox.upstream'] = record.upstream
    if (record.version !== undefined) attributes['signalbox.tool.version'] = record.version
    if (caller.principal !== undefined) attributes['signalbox.principal'] = parts.principal(caller.principal)
    if (caller.client !== undefined) {
      const { name, version } = this.clientOf(caller.client)
      attributes['signalbox.client.name'] = name
      attributes['signalbox.client.version'] = version
    }
    if (run !== undefined) {
      // Ids that hold a secret are not taken in the first place.
      attributes['signalbox.run.id'] = run.id
      attributes['signalbox.turn.id'] = run.turn ?? this.trace.traceId
      if (run.why !== undefined) attributes['signalbox.why'] = parts.redaction.text(run.why)
      if (run.team !== undefined) attributes['signalbox.team'] = run.team
    }
    if (fault !== undefined) {
      attributes['signalbox.fault.kind'] = fault.kind
      attributes['signalbox.fault.category'] = fault.category
      attributes['signalbox.fault.side_effect'] = fault.sideEffect
    }
    if (record.found !== undefined) attributes['signalbox.found'] = record.found
    if (record.suspect !== undefined) attributes['signalbox.suspect'] = [...record.suspect]
    if (usage !== undefined) {
      attributes['signalbox.tokens.sent'] = usage.sent
      attributes['signalbox.tokens.got'] = usage.got
      attributes['signalbox.cost'] = usage.cost
    }
    if (record.delivery !== 'delivered') attributes['signalbox.delivery'] = record.delivery
    if (record.coerced !== undefined) attributes['signalbox.coerced'] = record.coerced.length
    if (record.masked !== undefined) attributes['signalbox.masked'] = Object.values(record.masked).reduce((sum, n) => sum + n, 0)
    if (parts.contents) this.contents(attributes)
    if (stream !== undefined) {
      attributes['signalbox.stream.events'] = stream.events
      attributes['signalbox.stream.bytes'] = stream.bytes
      attributes['signalbox.stream.first_ms'] = stream.firstMs
      attributes['signalbox.stream.longest_gap_ms'] = stream.longestGapMs
    }
    return attributes
  }

  /** What the request is about. `named`: as whoever was asked names it; `known`: it is one of what is served. */
  private about(attributes: Attributes, named: string | undefined, known: boolean): void {
    const { method } = this.record
    if (method === 'tools/call') attributes['gen_ai.operation.name'] = 'execute_tool'
    if (named === undefined) return
    if (method === 'tools/call') attributes['gen_ai.tool.name'] = known ? named : this.name(named)
    else if (method === 'prompts/get') attributes['gen_ai.prompt.name'] = known ? named : this.name(named)
    else if (method === 'resources/read') attributes['mcp.resource.uri'] = this.text(named)
  }

  /** What was sent and what it gave, without what is sensitive in it. */
  private contents(attributes: Attributes): void {
    const { method, params, result, seen } = this.record
    if (method !== 'tools/call') return
    const given = argumentsIn(params)
    if (given !== undefined) attributes['gen_ai.tool.call.arguments'] = redactedArguments(given, this.parts.redaction, 'checked')
    const shape = seen === undefined && result !== undefined ? shapeOfToolResult(result.bytes) : seen?.shape
    if (shape !== undefined) attributes['signalbox.result.shape'] = shape
    if (seen?.rows !== undefined) attributes['signalbox.result.rows'] = seen.rows
  }

  private streamEvents(): ReadableSpan['events'] {
    const { stream, startedAt } = this.record
    if (stream === undefined) return noEvents
    const first = { name: 'signalbox.stream.first', time: hrTime(startedAt + stream.firstMs + this.offset) }
    return [first, { name: 'signalbox.stream.last', time: hrTime(startedAt + stream.lastMs + this.offset) }]
  }

  private client(attempt: AttemptRecord): void {
    const { record, trace } = this
    const { sentOn, fault } = attempt
    const named = record.itemKind === 'template' ? record.target : (record.item ?? record.target)
    const attributes: Attributes = { 'mcp.method.name': record.method, 'signalbox.attempt': attempt.number }
    if (record.upstream !== undefined) attributes['signalbox.upstream'] = record.upstream
    if (sentOn !== undefined) {
      attributes['network.transport'] = sentOn.transport === 'stdio' ? 'pipe' : 'tcp'
      if (sentOn.transport !== 'stdio') attributes['network.protocol.name'] = 'http'
      if (sentOn.revision !== undefined) attributes['mcp.protocol.version'] = sentOn.revision
      if (sentOn.address !== undefined) attributes['server.address'] = sentOn.address
      if (sentOn.port !== undefined) attributes['server.port'] = sentOn.port
    }
    if (attempt.requestId !== undefined) attributes['jsonrpc.request.id'] = String(attempt.requestId)
    this.about(attributes, named, record.item !== undefined)
    const ending = errorOfAttempt(attempt)
    endedWith(attributes, ending)
    if (fault !== undefined) attributes['signalbox.fault.kind'] = fault.kind
    if (fault?.status !== undefined) attributes['http.response.status_code'] = fault.status
    if (fault?.evidence !== undefined) attributes['signalbox.fault.evidence'] = fault.evidence
    if (attempt.events > 0) attributes['signalbox.stream.events'] = attempt.events
    const isNamed = named !== undefined && record.item !== undefined && (record.itemKind === 'tool' || record.itemKind === 'prompt')
    this.add({
      name: isNamed ? `${record.method} ${named}` : record.method,
      kind: kinds.client,
      spanId: spanOfAttempt(trace, attempt.number),
      parent: contextOf(trace, trace.spanId),
      from: attempt.from,
      to: attempt.to,
      attributes,
      status: ending.type === '' ? unset : { code: statuses.error },
      events: noEvents,
      links: noLinks,
    })
  }

  private authentication(): void {
    const { arrived, caller, fault } = this.record
    const method = caller.principal?.method
    if (arrived === undefined || ((method === undefined || method === 'anonymous') && fault?.category !== 'authentication')) return
    this.internal('authenticate', arrived.at, arrived.identifiedAt, 0, method === undefined ? {} : { 'signalbox.caller.method': method })
  }

  private access(): void {
    const { decided } = this.record
    if (decided === undefined) return
    const attributes = { 'signalbox.access.allowed': decided.allowed, 'signalbox.access.rule': decided.rule }
    this.internal('authorize', decided.from, decided.to, 0, attributes)
  }

  private phase({ name, from, to, attempt }: Phase): void {
    const waited = waits[name]
    if (waited !== undefined) this.internal(waited, from, to, name === 'pause' ? 0 : attempt, {})
  }

  /** The wait for its user began with the request before. */
  private parked(): void {
    const { parkedMs, startedAt } = this.record
    if (parkedMs !== undefined) this.internal('parked', startedAt - parkedMs, startedAt, 0, {})
  }

  private internal(name: string, from: number, to: number, attempt: number, attributes: Attributes): void {
    const { trace } = this
    const spanId = innerSpan(trace, this.inner)
    this.inner += 1
    const parent = contextOf(trace, this.spanOf(attempt))
    this.add({ name, kind: kinds.internal, spanId, parent, from, to, attributes, status: unset, events: noEvents, links: noLinks })
  }

  /** An attempt that a bug of ours ended has no span. */
  private spanOf(attempt: number): string {
    return spanOfAttempt(this.trace, this.record.attempted.some(({ number }) => number === attempt) ? attempt : 0)
  }

  private add(made: SpanMade): void {
    const at = { ...made, from: made.from + this.offset, to: made.to + this.offset }
    this.spans.push(new RecordedSpan(this.parts.origin, this.trace, at))
  }

  private statusOf({ type }: ErrorAttributes): SpanStatus {
    const { fault } = this.record
    if (type === '') return unset
    return fault === undefined ? { code: statuses.error } : { code: statuses.error, message: this.text(fault.message) }
  }

  /** A text id without its quotes. */
  private idOf(json: string): string {
    return json.startsWith('"') ? this.name(String(JSON.parse(json))) : json.slice(0, longestName)
  }

  /** Most of a client's calls say the same. */
  private clientOf(client: ClientInfo): { readonly name: string; readonly version: string } {
    const { lastClient } = this.parts
    if (lastClient.name === client.name && lastClient.version === client.version) return lastClient.told
    const told = { name: this.name(client.name), version: this.name(client.version) }
    Object.assign(lastClient, { name: client.name, version: client.version, told })
    return told
  }

  private name(text: string): string {
    return this.parts.redaction.recognised(text.slice(0, longestName))
  }

  private text(text: string): string {
    return this.parts.redaction.recognised(text.slice(0, longestText))
  }
}

/** Phases in which the gateway waits for something; what is sent has its CLIENT span. */
const waits: Readonly<Partial<Record<PhaseName, string>>> = {
  queue: 'queue',
  limits: 'limits',
  credential: 'credential',
  connect: 'connect',
  pause: 'retry pause',
} satisfies Partial<Record<(typeof phaseNames)[number], string>>

function endedWith(attributes: Attributes, { type, code }: ErrorAttributes): void {
  if (type !== '') attributes['error.type'] = type
  if (code !== '') attributes['rpc.response.status_code'] = code
}

function linksOf({ link }: TraceContext): Link[] {
  if (link === undefined) return noLinks
  const { traceId, spanId, sampled } = link
  return [{ context: { traceId, spanId, traceFlags: sampled ? 1 : 0, isRemote: true } }]
}
