// What the gateway writes into the params of a call for the hop to an upstream: names, `_meta`, continuation. All of it is one edit.

import type { ClientCapabilities, RoutedCall, TargetedCall } from '../../core/call/call.ts'
import type { Exchange } from '../../core/call/exchange.ts'
import type { HeaderParam } from '../../core/call/item.ts'
import { type Edit, emptyObject, type Payload } from '../../core/call/payload.ts'
import { traceparentOf } from '../../core/call/span.ts'
import { targetOf, targetValue } from '../../core/protocol/carriers.ts'
import { encodeHeaderValue, paramHeaders } from '../../core/protocol/headers.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { locate } from '../../core/protocol/locate.ts'
import { deadlineMeta, header, type Implementation, metaKey, modernRevision, traceMeta } from '../../core/protocol/names.ts'
import { addRun, baggageOf } from './run.ts'

const revisionPath = ['_meta', metaKey.protocolVersion]
const infoPath = ['_meta', metaKey.clientInfo]
const capabilitiesPath = ['_meta', metaKey.clientCapabilities]
const levelPath = ['_meta', metaKey.logLevel]
const tokenPath = ['_meta', 'progressToken']
const traceparentPath = ['_meta', traceMeta.traceparent]
const tracestatePath = ['_meta', traceMeta.tracestate]
const deadlinePath = ['_meta', deadlineMeta]
const statePath = ['requestState']
const responsesPath = ['inputResponses']
const revisionText = JSON.stringify(modernRevision)

/** What is told of the attempt that a request is. */
export type Sending = Pick<Exchange, 'attemptNumber' | 'deadline'>

/** The three `_meta` members of every modern request (MCP 2026-07-28 §basic). */
export class Envelope {
  private readonly info: string

  constructor(identity: Implementation) {
    this.info = JSON.stringify(identity)
  }

  /** Params of a request of the gateway itself, which can answer no questions. */
  own(params: Payload | undefined): Payload {
    return (params ?? emptyObject).edit([
      { path: revisionPath, value: revisionText },
      { path: infoPath, value: this.info },
      { path: capabilitiesPath, value: '{}' },
    ])
  }

  /** Params of a caller's request: the gateway's name, the caller's own capabilities. */
  of(call: TargetedCall, progressToken: number | undefined, exchange: Sending): Payload {
    const edits: Edit[] = [
      { path: revisionPath, value: revisionText },
      { path: infoPath, value: this.info },
      { path: capabilitiesPath, value: capabilitiesText(call.caller.capabilities) },
    ]
    if (call.interest.logLevel !== undefined) edits.push({ path: levelPath, value: JSON.stringify(call.interest.logLevel) })
    if (call.continuation?.kind === 'relayed' && call.continuation.inner !== undefined) {
      edits.push({ path: statePath, value: JSON.stringify(call.continuation.inner) })
    }
    addCommon(call, progressToken, exchange, edits)
    return call.params.edit(edits)
  }
}

/** Most clients of today declare nothing. */
function capabilitiesText(capabilities: ClientCapabilities): string {
  for (const _ in capabilities) return JSON.stringify(capabilities)
  return '{}'
}

/** Params of a caller's request in a revision with `initialize`. `more` are further edits of the same pass. */
export function legacyParams(
  call: TargetedCall,
  progressToken: number | undefined,
  exchange: Sending,
  more: readonly Edit[] = [],
): Payload {
  const edits: Edit[] = [...more]
  if (call.continuation !== undefined) edits.push({ path: statePath, value: undefined }, { path: responsesPath, value: undefined })
  addCommon(call, progressToken, exchange, edits)
  return call.params.edit(edits)
}

/** Ms after which nobody waits for the answer: with progress each sign of life is more time, up to the total. A little less than there is, so that an answer which says so comes in time. */
function leftMs({ deadline }: Sending, progress: boolean): number {
  const left = progress ? deadline.remainingTotalMs() : deadline.remainingMs()
  return Math.max(1, Math.floor(left - Math.min(100, left / 50)))
}

function addCommon(call: TargetedCall, progressToken: number | undefined, exchange: Sending, edits: Edit[]): void {
  edits.push({ path: deadlinePath, value: String(leftMs(exchange, progressToken !== undefined)) })
  if (progressToken !== undefined) edits.push({ path: tokenPath, value: String(progressToken) })
  const { trace } = call
  edits.push({ path: traceparentPath, value: `"${traceparentOf(trace, exchange.attemptNumber)}"` })
  if (trace.tracestate !== undefined) edits.push({ path: tracestatePath, value: JSON.stringify(trace.tracestate) })
  addRun(call, edits)
  const own = ownTarget(call)
  if (own === undefined || own === call.target) return
  const place = targetOf(call.method, undefined)
  if (place !== undefined) edits.push({ path: place.path, value: JSON.stringify(own) })
}

/** The upstream's own name of what the call is about; undefined where the call names no item. A template's URI is the caller's. */
function ownTarget(call: TargetedCall): string | undefined {
  const item = 'item' in call ? (call as RoutedCall).item : undefined
  if (item === undefined) return undefined
  return item.kind === 'template' ? call.target : item.name
}

/** Headers that repeat the body of a modern request (MCP 2026-07-28 §transports). Written into `into`. */
export function standardHeaders(into: Record<string, string>, method: string, name: string | undefined): Record<string, string> {
  into[header.protocolVersion] = modernRevision
  into[header.method] = method
  if (name !== undefined) into[header.name] = encodeHeaderValue(name)
  return into
}

/** The trace, as `_meta` has it, for what stands on the way of an HTTP request. Written into `into`. */
export function traceHeaders(
  into: Record<string, string>,
  { trace, run }: TargetedCall,
  { attemptNumber }: Sending,
): Record<string, string> {
  into[header.traceparent] = traceparentOf(trace, attemptNumber)
  if (trace.tracestate !== undefined) into[header.tracestate] = trace.tracestate
  into[header.baggage] = baggageOf(run, trace.baggage)
  return into
}

/** As `standardHeaders`, for a caller's request, with the `Mcp-Param-*` of its tool; `fresh` are those of a definition just read. */
export function callHeaders(into: Record<string, string>, call: TargetedCall, fresh?: readonly HeaderParam[]): Record<string, string> {
  standardHeaders(into, call.method, headerName(call))
  const declared = fresh ?? ('item' in call ? (call as RoutedCall).item.headers : [])
  if (declared.length === 0) return into
  const params = call.params.json()
  const args = isObject(params) ? params.arguments : undefined
  return Object.assign(into, paramHeaders(declared, args, locate(call.params.bytes, ['arguments'])))
}

/** What the body names: what `addCommon` writes, or what the catalog wrote where there is no item. */
function headerName(call: TargetedCall): string | undefined {
  const place = targetOf(call.method, undefined)
  if (place?.header !== true) return undefined
  return ownTarget(call) ?? targetValue(place, call.params.json())
}
