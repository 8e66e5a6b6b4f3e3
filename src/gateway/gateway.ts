// The gateway as a door sees it: who are you, do this, and a record even for what was refused.
import type { Call, Family } from '../core/call/call.ts'
import type { CallRecord, Recorder } from '../core/call/record.ts'
import type { Next } from '../core/call/stage.ts'
import type { CallAudit } from '../core/ports/call-audit.ts'
import type { Clock } from '../core/ports/clock.ts'
import type { Gateway } from '../core/ports/gateway.ts'
import { recordedFault } from './record/stage.ts'

interface Parts {
  readonly chains: Readonly<Record<Family, Next<Call>>>
  readonly mounts: readonly string[]
  readonly recorder: Recorder
  readonly clock: Clock
  readonly identify: Gateway['identify']
  readonly runOf: Gateway['runOf']
  /** Absent: there is no audit. */
  readonly audit?: CallAudit | undefined
}

/** Characters of a method or revision that nobody has checked; a client chooses them. */
const longestName = 128

export function createGateway({ chains, mounts, recorder, clock, identify, runOf, audit }: Parts): Gateway {
  return {
    identify,
    runOf,
    handle: (call, exchange) => chains[call.family](call, exchange),
    mounts: () => mounts,
    refuse: (refusal) => {
      const durationMs = Math.max(0, clock.now() - refusal.startedAtMs)
      const record: CallRecord = {
        id: refusal.id,
        atMs: refusal.startedAtMs,
        startedAt: clock.mono() - durationMs,
        settledMs: durationMs,
        durationMs,
        delivery: 'delivered',
        method: refusal.method?.slice(0, longestName) ?? '',
        askedAs: undefined,
        family: 'refused',
        mount: refusal.mount,
        target: undefined,
        upstream: undefined,
        item: undefined,
        itemKind: undefined,
        version: undefined,
        contract: undefined,
        readOnly: true,
        caller: {
          principal: refusal.principal,
          client: undefined,
          arrival: { transport: refusal.transport, revision: refusal.revision?.slice(0, longestName) },
        },
        trace: refusal.trace,
        run: undefined,
        requestId: refusal.requestId,
        arrived: refusal.arrived,
        params: undefined,
        result: undefined,
        decided: undefined,
        lease: undefined,
        outcome: 'fault',
        fault: recordedFault(refusal.fault),
        found: undefined,
        seen: undefined,
        suspect: undefined,
        termination: refusal.fault.kind === 'internal' ? 'IR' : 'PR',
        attempts: 0,
        attempted: [],
        phases: [],
        parkedMs: undefined,
        usage: undefined,
        coerced: undefined,
        masked: undefined,
        stream: undefined,
        bytesIn: 0,
        bytesOut: 0,
      }
      audit?.refused(record)
      recorder.record(record)
    },
  }
}
