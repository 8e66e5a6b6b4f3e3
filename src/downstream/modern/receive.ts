// From one parsed JSON-RPC request of a modern client, with its bytes, to a `Call` or to the fault of the first check that it fails
// (docs/protocol-notes.md). Knows no transport: HTTP brings its header checks along, stdio has none.

import { type Asserted, type Call, type ClientCapabilities, families, isMethod, type LogLevel, type Method } from '../../core/call/call.ts'
import { type Edit, payload } from '../../core/call/payload.ts'
import type { Principal } from '../../core/call/principal.ts'
import type { Run } from '../../core/call/run.ts'
import { type StatedPins, statedPins } from '../../core/call/tool-pins.ts'
import { fault } from '../../core/faults/catalogue.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { Gateway, RunHeaders } from '../../core/ports/gateway.ts'
import { absentIn } from '../../core/protocol/absent.ts'
import { strayTargets, type Target, targetOf, targetValue } from '../../core/protocol/carriers.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import type { RawId } from '../../core/protocol/jsonrpc.ts'
import { locate } from '../../core/protocol/locate.ts'
import { metaKey, modernRevision, servedRevisions, tasksExtension, traceMeta, versionsMeta } from '../../core/protocol/names.ts'
import { asBuffer, MemberWalk, type Span, skipSpace } from '../../core/protocol/scan.ts'
import { claimedRevision, type Envelope, isFault, type Message, metaOf, missingClaim, readEnvelope } from './envelope.ts'
import { statedDeadlineMs } from './stated-deadline.ts'
import { type TraceHeaders, type Tracing, traceOf } from './trace.ts'

/** What the door knows of the request beside its message. */
export interface Hop {
  readonly transport: 'http' | 'stdio'
  /** '' for the aggregate. */
  readonly mount: string
  readonly principal: Principal
  /** Correlation id, drawn on arrival. */
  readonly id: string
  readonly affinity: string | undefined
  /** Client headers that some upstream opted in to. */
  readonly headers: Readonly<Record<string, string>> | undefined
  /** What they say of the run. */
  readonly runHeaders: RunHeaders | undefined
  /** `Signalbox-Tool-Versions`. */
  readonly toolVersions: string | undefined
  readonly userAgent?: string | undefined
  /** What they say of the trace; undefined where the transport has none. */
  readonly traceHeaders: TraceHeaders | undefined
}

/** The checks that only a transport with headers has; each answers a fault or nothing. */
export interface HeaderChecks extends Asserted {
  /** `MCP-Protocol-Version` against the claim. */
  revision(claim: string): Fault | undefined
  /** `Mcp-Method` and, where there is a target that it must repeat, `Mcp-Name`. */
  standard(method: string, target: string | undefined): Fault | undefined
}

/** What the answer needs of the request. Tokens and ids are JSON text, so that 64-bit numbers survive. */
export interface Asked {
  readonly id: RawId
  readonly method: Method
  readonly correlationId: string
  readonly run: string
  readonly turn: string | undefined
  /** Id of it. */
  readonly trace: string
  readonly progressToken: string | undefined
  readonly logLevel: LogLevel | undefined
  /** Whoever asks is nobody in particular: what it is told may be told to anybody who asks. */
  readonly isAnonymous: boolean
}

export interface Refused {
  readonly kind: 'refused'
  readonly id: RawId | undefined
  readonly method: string | undefined
  readonly revision: string | undefined
  readonly meta?: Message | undefined
  readonly fault: Fault
}

export type Received = { readonly kind: 'call'; readonly asked: Asked; readonly call: Call } | Refused

/** What the door has for every request. */
export interface Receiving extends Tracing {
  readonly gateway: Pick<Gateway, 'runOf'>
}

/**
 * Reads one request (`method` and `id` present). `bytes` is exactly the message's JSON text, known to be valid and free of duplicate
 * keys; `message` is the same, parsed.
 */
export function receive(message: Message, bytes: Uint8Array, hop: Hop, receiving: Receiving, headerChecks?: HeaderChecks): Received {
  const found = locateParts(bytes)
  const id = idText(bytes, found.id, message.id)
  const method = typeof message.method === 'string' ? message.method : undefined
  const meta = metaOf(message)
  const refused = (reason: Fault): Refused => ({ kind: 'refused', id, method, revision: claimedRevision(message), meta, fault: reason })
  if (message.jsonrpc !== '2.0') return refused(fault('invalid_request', { reason: 'jsonrpc must be "2.0"' }))
  if (id === undefined) return refused(fault('invalid_request', { reason: 'id must be a string or an integer' }))
  if (method === undefined) return refused(fault('invalid_request', { reason: 'method must be a string' }))
  if (meta === undefined || !Object.hasOwn(meta, metaKey.protocolVersion)) return refused(missingClaim(message))
  const envelope = readEnvelope(meta)
  if (isFault(envelope)) return refused(envelope)
  const params = message.params as Message
  const place = isMethod(method) ? targetOf(method, params) : undefined
  const target = place === undefined ? undefined : targetValue(place, params)
  const wrong = check(envelope, method, params, place, target, headerChecks)
  if (wrong !== undefined) return refused(wrong)
  const token = tokenText(meta.progressToken, bytes)
  if (token === 'invalid') {
    return refused(fault('invalid_params', { reason: 'progressToken must be a string or an integer' }))
  }
  const pins = statedPins(hop.toolVersions, meta[versionsMeta.pins])
  if (pins !== undefined && 'reason' in pins) return refused(fault('invalid_params', { reason: pins.reason }))
  const known = method as Method
  const run = receiving.gateway.runOf(hop.principal, hop.affinity, meta, hop.runHeaders)
  const call = callOf(
    known,
    envelope,
    params,
    meta,
    place,
    target,
    bytes,
    found.params,
    hop,
    pins,
    run,
    token !== undefined,
    headerChecks,
    receiving,
  )
  return {
    kind: 'call',
    asked: {
      id,
      method: known,
      correlationId: hop.id,
      run: run.id,
      turn: run.turn,
      trace: call.trace.traceId,
      progressToken: token,
      logLevel: envelope.logLevel,
      isAnonymous: hop.principal.kind === 'anonymous',
    },
    call,
  }
}

/** The id of a message as JSON text; undefined where it is absent or no id. For answers to what fails before `receive`. */
export function rawIdOf(message: unknown, bytes: Uint8Array): RawId | undefined {
  return isObject(message) ? idText(bytes, locateParts(bytes).id, message.id) : undefined
}

/** `params.requestId` of a `notifications/cancelled`, to be compared with `Asked.id`. */
export function cancelledId(message: Message, bytes: Uint8Array): RawId | undefined {
  return isObject(message.params) && isId(message.params.requestId) ? textAt(bytes, ['params', 'requestId']) : undefined
}

function check(
  envelope: Envelope,
  method: string,
  params: Message,
  place: Target | undefined,
  target: string | undefined,
  headerChecks: HeaderChecks | undefined,
): Fault | undefined {
  const revision = headerChecks?.revision(envelope.revision)
  if (revision !== undefined) return revision
  if (envelope.revision !== modernRevision) {
    return fault('unsupported_revision', { requested: envelope.revision, supported: servedRevisions })
  }
  const standard = headerChecks?.standard(method, place?.header === true ? target : undefined)
  if (standard !== undefined) return standard
  if (!isMethod(method)) return fault('method_not_found', { method })
  if (place !== undefined && target === undefined) {
    const key = place.path.join('.')
    return fault('invalid_params', { reason: `${key} must be a string`, key })
  }
  if (needsTasks(method, params) && !declaresTasks(envelope.capabilities)) {
    return fault('missing_capability', {
      needs: `extensions["${tasksExtension}"]`,
      requiredCapabilities: { extensions: { [tasksExtension]: {} } },
    })
  }
  return undefined
}

function needsTasks(method: Method, params: Message): boolean {
  if (families[method] === 'task') return true
  return method === 'subscriptions/listen' && isObject(params.notifications) && params.notifications.taskIds !== undefined
}

function declaresTasks(capabilities: ClientCapabilities): boolean {
  return capabilities.extensions?.[tasksExtension] !== undefined
}

/** The client hop's own keys; they never go inside. Applied when somebody wants the bytes, in one pass with the exit's edits. */
const hopKeys: readonly Edit[] = [
  metaKey.protocolVersion,
  metaKey.clientInfo,
  metaKey.clientCapabilities,
  metaKey.logLevel,
  'progressToken',
  traceMeta.traceparent,
  traceMeta.tracestate,
  traceMeta.baggage,
].map((key) => ({ path: ['_meta', key], value: undefined }))

const hopMeta: readonly Edit[] = [{ path: ['_meta'], value: undefined }]
const hopNames = new Set(hopKeys.map(({ path }) => path[1]))

/** Most clients put nothing else into `_meta`: then one removal does it. */
function hopEdits(meta: Message, place: Target | undefined, params: Message): readonly Edit[] {
  let edits = hopMeta
  for (const key in meta) {
    if (hopNames.has(key)) continue
    edits = hopKeys
    break
  }
  const absent = absentIn(params)
  if (absent !== undefined) edits = [...edits, ...absent]
  const stray = place === undefined ? [] : strayTargets(place, params)
  return stray.length === 0 ? edits : [...edits, ...stray.map((path) => ({ path, value: undefined }))]
}

function callOf(
  method: Method,
  envelope: Envelope,
  params: Message,
  meta: Message,
  place: Target | undefined,
  target: string | undefined,
  bytes: Uint8Array,
  at: Span | undefined,
  hop: Hop,
  pins: StatedPins | undefined,
  run: Run,
  progress: boolean,
  headerChecks: HeaderChecks | undefined,
  tracing: Tracing,
): Call {
  return {
    id: hop.id,
    method,
    family: families[method],
    mount: hop.mount,
    target,
    params: payload(at === undefined ? bytes : bytes.subarray(at.start, at.end), params).edit(hopEdits(meta, place, params)),
    caller: {
      principal: hop.principal,
      client: envelope.client,
      capabilities: envelope.capabilities,
      affinity: hop.affinity,
      arrival: { transport: hop.transport, revision: envelope.revision, userAgent: hop.userAgent },
      headers: hop.headers,
      pins,
    },
    interest: { progress, logLevel: envelope.logLevel },
    asserted: headerChecks,
    continuation: undefined,
    trace: traceOf(meta, hop.traceHeaders, tracing),
    run,
    deadlineMs: statedDeadlineMs(meta),
  }
}

/** Where id and params lie in a message that is known to be JSON without duplicate keys. */
function locateParts(bytes: Uint8Array): { id: Span | undefined; params: Span | undefined } {
  let id: Span | undefined
  let params: Span | undefined
  const walk = new MemberWalk(bytes, skipSpace(bytes, 0), 'before')
  while (walk.next()) {
    if (walk.keyIs('id')) id = walk.span()
    else if (walk.keyIs('params')) params = walk.span()
  }
  return { id, params }
}

function idText(bytes: Uint8Array, at: Span | undefined, parsed: unknown): RawId | undefined {
  if (at === undefined || !isId(parsed)) return undefined
  return asBuffer(bytes).toString('utf8', at.start, at.end)
}

function isId(value: unknown): boolean {
  return typeof value === 'string' || (typeof value === 'number' && Number.isInteger(value))
}

function tokenText(token: unknown, bytes: Uint8Array): string | undefined | 'invalid' {
  if (token === undefined || token === null) return undefined
  if (!isId(token)) return 'invalid'
  if (typeof token === 'string' || Number.isSafeInteger(token)) return JSON.stringify(token)
  return textAt(bytes, ['params', '_meta', 'progressToken'])
}

function textAt(bytes: Uint8Array, path: readonly string[]): string | undefined {
  const found = locate(bytes, path)
  return found === undefined ? undefined : asBuffer(found).toString('utf8')
}
