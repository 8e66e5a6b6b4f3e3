// Makes the record of a call from the call, its outcome and the facts that stages noted.
import '../../core/call/facts.ts'
import type { Call, CallId, RoutedCall, TargetedCall } from '../../core/call/call.ts'
import { type Delivery, type Exchange, endReason } from '../../core/call/exchange.ts'
import type { Item } from '../../core/call/item.ts'
import { failed, type Outcome } from '../../core/call/outcome.ts'
import type { Payload } from '../../core/call/payload.ts'
import type { CallRecord, RecordedFault, SettledCall, StreamRecord } from '../../core/call/record.ts'
import { terminationOf } from '../../core/call/termination.ts'
import { fault } from '../../core/faults/catalogue.ts'
import type { Fault } from '../../core/faults/fault.ts'

/** The times of a call, and what it was told on its way. */
export interface Times {
  readonly atMs: number
  /** Monotonic ms. */
  readonly startedAt: number
  readonly settledAt: number
  readonly stream: StreamRecord | undefined
}

export function settledCall(call: Call, exchange: Exchange, outcome: Outcome, times: Times): SettledCall {
  const route = exchange.fact('route')
  const item = exchange.fact('item')
  const coerced = exchange.fact('coerced')
  const { phases } = exchange
  const local = isLocal(call, exchange)
  return {
    id: call.id,
    atMs: times.atMs,
    startedAt: times.startedAt,
    settledMs: times.settledAt - times.startedAt,
    method: call.method,
    askedAs: exchange.fact('askedAs'),
    family: call.family,
    mount: call.mount,
    target: call.target,
    upstream: route?.upstream,
    item: route?.item,
    itemKind: item?.kind,
    version: item?.version?.number,
    contract: item?.contract?.digest,
    readOnly: changesNothing(call, item),
    caller: call.caller,
    trace: call.trace,
    run: exchange.fact('run') ?? call.run,
    requestId: exchange.fact('requestId'),
    arrived: exchange.fact('arrived'),
    params: coerced?.asSent ?? call.params,
    result: resultOf(outcome),
    decided: exchange.fact('decided'),
    lease: exchange.fact('lease'),
    outcome: outcome.kind === 'complete' && outcome.facts.isError ? 'tool_error' : outcome.kind,
    fault: outcome.kind === 'fault' ? recordedFault(outcome.fault, call.method) : undefined,
    found: outcome.kind === 'complete' ? outcome.facts.found : undefined,
    // An older answer stands in the place of one that was judged.
    seen: outcome.kind === 'complete' && !local ? exchange.fact('seen') : undefined,
    suspect: outcome.kind === 'complete' ? outcome.facts.suspect : undefined,
    termination: terminationOf(outcome, phases.current, endReason(exchange.signal), local, undefined),
    attempts: exchange.fact('attempts') ?? 0,
    attempted: exchange.fact('attempted') ?? none,
    phases: phases.list(times.settledAt),
    parkedMs: exchange.fact('parkedMs'),
    usage: exchange.fact('usage'),
    coerced: coerced?.places,
    masked: exchange.fact('masked'),
    stream: times.stream,
    bytesIn: exchange.fact('bytesIn') ?? call.params.size,
    bytesOut: sizeOf(outcome),
  }
}

/** Written out, since a spread of so many members costs more than the rest of it. */
export function closedCall(call: SettledCall, durationMs: number, delivery: Delivery): CallRecord {
  const answered = call.fault === undefined && delivery !== 'delivered'
  return {
    id: call.id,
    atMs: call.atMs,
    startedAt: call.startedAt,
    settledMs: call.settledMs,
    durationMs,
    delivery,
    method: call.method,
    askedAs: call.askedAs,
    family: call.family,
    mount: call.mount,
    target: call.target,
    upstream: call.upstream,
    item: call.item,
    itemKind: call.itemKind,
    version: call.version,
    contract: call.contract,
    readOnly: call.readOnly,
    caller: call.caller,
    trace: call.trace,
    run: call.run,
    requestId: call.requestId,
    arrived: call.arrived,
    params: call.params,
    result: call.result,
    decided: call.decided,
    lease: call.lease,
    outcome: call.outcome,
    fault: call.fault,
    found: call.found,
    seen: call.seen,
    suspect: call.suspect,
    termination: answered ? (delivery === 'failed' ? 'IL' : 'CL') : call.termination,
    attempts: call.attempts,
    attempted: call.attempted,
    phases: call.phases,
    parkedMs: call.parkedMs,
    usage: call.usage,
    coerced: call.coerced,
    masked: call.masked,
    stream: call.stream,
    bytesIn: call.bytesIn,
    bytesOut: call.bytesOut,
  }
}

export interface Unclaimed {
  readonly id: CallId
  readonly call: TargetedCall
  readonly outcome: Outcome | undefined
  readonly durationMs: number
}

/** The row of a call that nobody came back for, under an id of its own: that of the call tells that it asked, this one how it ended. */
export function unclaimedRecord({ id, call, outcome, durationMs }: Unclaimed, nowMs: number, now: number): CallRecord {
  const item = 'item' in call ? (call as RoutedCall).item : undefined
  const ended = outcome ?? failed(fault('unclaimed', { item: item?.name ?? call.method }, { sideEffect: 'unknown' }))
  return {
    id,
    atMs: nowMs - durationMs,
    startedAt: now - durationMs,
    settledMs: durationMs,
    durationMs,
    delivery: 'unclaimed',
    method: call.method,
    askedAs: undefined,
    family: call.family,
    mount: call.mount,
    target: call.target,
    upstream: call.upstream,
    item: item?.name,
    itemKind: item?.kind,
    version: item?.version?.number,
    contract: item?.contract?.digest,
    readOnly: changesNothing(call, item),
    caller: call.caller,
    trace: call.trace,
    run: call.run,
    requestId: undefined,
    arrived: undefined,
    params: call.params,
    result: resultOf(ended),
    decided: undefined,
    lease: undefined,
    outcome: ended.kind === 'complete' && ended.facts.isError ? 'tool_error' : ended.kind,
    fault: ended.kind === 'fault' ? recordedFault(ended.fault, call.method) : undefined,
    found: undefined,
    seen: undefined,
    suspect: undefined,
    termination: 'CL',
    attempts: 1,
    attempted: none,
    phases: none,
    parkedMs: durationMs,
    usage: undefined,
    coerced: undefined,
    masked: undefined,
    stream: undefined,
    bytesIn: call.params.size,
    bytesOut: sizeOf(ended),
  }
}

const none: readonly never[] = []

/** Whether a call is known to change nothing at its server. */
export function changesNothing({ family, method }: Call, item: Item | undefined): boolean {
  if (family !== 'invoke') return family !== 'task' || method === 'tasks/get'
  return item === undefined || item.kind !== 'tool' || item.traits.readOnly
}

/** Lists and the like are answered from the catalog. */
function isLocal({ family }: Call, exchange: Exchange): boolean {
  return exchange.fact('local') === true || family === 'list' || family === 'discover' || family === 'listen'
}

/** `method`: undefined of what became no call, which is always answered with an error. */
export function recordedFault({ kind, category, sideEffect, message, recorded, entry, detail }: Fault, method?: string): RecordedFault {
  const wire = detail.wire as { readonly code: number } | undefined
  const answered = method === 'tools/call' && !entry.protocol && wire === undefined ? undefined : (wire?.code ?? entry.code)
  return { kind, category, sideEffect, message: recorded ?? message, code: entry.code, answered }
}

function resultOf(outcome: Outcome): Payload | undefined {
  switch (outcome.kind) {
    case 'complete':
    case 'task':
      return outcome.result
    case 'input_required':
      return outcome.requests
    case 'fault':
      return undefined
  }
}

/** Bytes of the result; 0 for a fault, whose form on the wire is the door's. */
function sizeOf(outcome: Outcome): number {
  return resultOf(outcome)?.size ?? 0
}
