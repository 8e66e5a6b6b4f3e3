// The gateway as a door sees it: who are you, do this, and a record even for what was refused.
import type { Call, Family } from '../core/call/call.ts'
import type { Recorder } from '../core/call/record.ts'
import type { Next } from '../core/call/stage.ts'
import type { Clock } from '../core/ports/clock.ts'
import type { Decisions } from '../core/ports/decisions.ts'
import type { Gateway, Refusal } from '../core/ports/gateway.ts'
import { recordedFault } from './record/stage.ts'

interface Parts {
  readonly chains: Readonly<Record<Family, Next<Call>>>
  readonly mounts: readonly string[]
  readonly recorder: Recorder
  readonly clock: Clock
  readonly identify: Gateway['identify']
  readonly runOf: Gateway['runOf']
  readonly decisions: Decisions
}

/** Characters of a method or revision that nobody has checked; a client chooses them. */
const longestName = 128

export function createGateway({ chains, mounts, recorder, clock, identify, runOf, decisions }: Parts): Gateway {
  return {
    identify,
    runOf,
    handle: (call, exchange) => chains[call.family](call, exchange),
    mounts: () => mounts,
    refuse: (refusal) => {
      if (refusal.fault.category === 'authentication') noteRefusal(decisions, refusal)
      const durationMs = Math.max(0, clock.now() - refusal.startedAtMs)
      recorder.record({
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
      })
    },
  }
}

/** Who was not let in, and why. What identified it is not known, or is nobody's to be named. */
function noteRefusal(decisions: Decisions, { id, startedAtMs, principal, method, fault }: Refusal): void {
  decisions.note({
    id,
    atMs: startedAtMs,
    about: 'authenticate',
    allowed: false,
    principal,
    method: method?.slice(0, longestName),
    upstream: undefined,
    item: undefined,
    rule: fault.kind,
    credential: principal?.credential ?? '',
    reason: fault.message,
  })
}
