// Records of requests that walk no table of stages: what a door turned away, and what it does itself, since it is about a session alone.
import type { CallRecord, RecordedCaller, Recorder } from '../../core/call/record.ts'
import { fault } from '../../core/faults/catalogue.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { CallAudit } from '../../core/ports/call-audit.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Refusal, SessionRequest, SessionWork } from '../../core/ports/gateway.ts'
import { closedCall, recordedFault } from './settled.ts'

export interface BesideParts {
  readonly recorder: Recorder
  readonly clock: Clock
  /** Absent: there is no audit. */
  readonly audit?: CallAudit | undefined
}

/** Characters of a method or revision that nobody has checked; a client chooses them. */
const longestName = 128

export function refuse({ recorder, clock, audit }: BesideParts, refusal: Refusal): void {
  const caller = {
    principal: refusal.principal,
    client: undefined,
    arrival: { transport: refusal.transport, revision: refusal.revision?.slice(0, longestName) },
  }
  const method = refusal.method?.slice(0, longestName) ?? ''
  const record = recordOf(clock, { ...refusal, method, caller, family: 'refused', target: undefined, bytesIn: 0 }, refusal.fault)
  audit?.refused(record)
  recorder.record(record)
}

/** As the stages do with a call: refused while its row could not be kept, its row safe before it is answered, its record once that has left. */
export async function ofSession({ recorder, clock, audit }: BesideParts, request: SessionRequest, work: SessionWork): Promise<void> {
  const asked = { ...request, family: 'session', bytesIn: request.params?.size ?? 0 } as const
  let ended = audit?.refusal(true)
  try {
    ended ??= await work.run()
  } catch (bug) {
    recorder.bug({ id: request.id, run: request.run, trace: request.trace }, bug)
    ended = fault('internal', { correlationId: request.id }, { sideEffect: 'unknown' })
  }
  let settled = recordOf(clock, asked, ended)
  if ((await audit?.settled(settled)) === false) {
    ended = fault('store_unavailable', { what: 'the audit' }, { sideEffect: ended === undefined ? 'applied' : ended.sideEffect })
    settled = recordOf(clock, asked, ended)
  }
  const record = closedCall(settled, Math.max(0, clock.now() - request.startedAtMs), work.answer(ended))
  audit?.closed(record)
  recorder.record(record)
}

type Asked = Pick<Refusal, 'id' | 'mount' | 'startedAtMs' | 'trace' | 'requestId' | 'arrived'> &
  Partial<Pick<SessionRequest, 'params' | 'run'>> &
  Pick<CallRecord, 'method' | 'target' | 'family' | 'bytesIn'> & { readonly caller: RecordedCaller }

function recordOf(clock: Clock, asked: Asked, ended: Fault | undefined): CallRecord {
  const durationMs = Math.max(0, clock.now() - asked.startedAtMs)
  return {
    id: asked.id,
    atMs: asked.startedAtMs,
    startedAt: clock.mono() - durationMs,
    settledMs: durationMs,
    durationMs,
    delivery: 'delivered',
    method: asked.method,
    askedAs: undefined,
    family: asked.family,
    mount: asked.mount,
    target: asked.target,
    upstream: undefined,
    item: asked.target,
    itemKind: asked.target === undefined ? undefined : 'resource',
    version: undefined,
    contract: undefined,
    readOnly: true,
    caller: asked.caller,
    trace: asked.trace,
    run: asked.run,
    requestId: asked.requestId,
    arrived: asked.arrived,
    params: asked.params,
    result: undefined,
    decided: undefined,
    lease: undefined,
    outcome: ended === undefined ? 'complete' : 'fault',
    fault: ended === undefined ? undefined : recordedFault(ended),
    found: undefined,
    seen: undefined,
    suspect: undefined,
    termination: ended === undefined ? '--' : ended.kind === 'internal' ? 'IR' : 'PR',
    attempts: 0,
    attempted: none,
    phases: none,
    parkedMs: undefined,
    usage: undefined,
    coerced: undefined,
    masked: undefined,
    stream: undefined,
    bytesIn: asked.bytesIn,
    bytesOut: 0,
  }
}

const none: readonly never[] = []
