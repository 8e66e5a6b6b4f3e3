// The gateway as a door sees it: who are you, do this, and a record even for what walks no stages.
import type { Call, Family } from '../core/call/call.ts'
import type { Next } from '../core/call/stage.ts'
import type { Gateway } from '../core/ports/gateway.ts'
import { type BesideParts, ofSession, refuse } from './record/beside-calls.ts'

interface Parts extends BesideParts {
  /** Those of now: a reload of the configuration may put others in their place. */
  chains(): Readonly<Record<Family, Next<Call>>>
  mounts(): readonly string[]
  readonly identify: Gateway['identify']
  readonly runOf: Gateway['runOf']
}

export function createGateway(parts: Parts): Gateway {
  const { chains, mounts, identify, runOf } = parts
  return {
    identify,
    runOf,
    handle: (call, exchange) => chains()[call.family](call, exchange),
    mounts: () => mounts(),
    refuse: (refusal) => refuse(parts, refusal),
    ofSession: (request, work) => ofSession(parts, request, work),
  }
}
