// The gateway as a door sees it: who are you, do this, and a record even for what was refused.
import type { Call, Family } from '../core/call/call.ts'
import type { Recorder } from '../core/call/record.ts'
import type { Next } from '../core/call/stage.ts'
import type { Clock } from '../core/ports/clock.ts'
import type { Decisions } from '../core/ports/decisions.ts'
import type { Gateway, Refusal } from '../core/ports/gateway.ts'

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
      recorder.record({
        id: refusal.id,
        atMs: refusal.startedAtMs,
        durationMs: Math.max(0, clock.now() - refusal.startedAtMs),
        method: refusal.method?.slice(0, longestName) ?? '',
        family: 'refused',
        mount: refusal.mount,
        target: undefined,
        upstream: undefined,
        item: undefined,
        version: undefined,
        caller: {
          principal: refusal.principal,
          client: undefined,
          arrival: { transport: refusal.transport, revision: refusal.revision?.slice(0, longestName) },
        },
        trace: undefined,
        run: undefined,
        outcome: 'fault',
        fault: {
          kind: refusal.fault.kind,
          category: refusal.fault.category,
          sideEffect: refusal.fault.sideEffect,
          message: refusal.fault.message,
        },
        delivery: 'delivered',
        attempts: 0,
        coerced: undefined,
        masked: undefined,
        events: 0,
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
