// What a door sees of the gateway: who are you, do this, and a record even for what was refused.
import type { Call, Principal } from '../call/call.ts'
import type { Exchange } from '../call/exchange.ts'
import type { Outcome } from '../call/outcome.ts'
import type { Fault } from '../faults/fault.ts'

/** Credentials as presented, before any body was read. */
export interface Presented {
  readonly transport: 'http' | 'sse' | 'stdio'
  /** `Authorization` as sent; never logged. */
  readonly authorization: string | undefined
  readonly remoteAddress: string | undefined
}

export type Identified = { readonly principal: Principal } | { readonly fault: Fault }

/** A request that a door turned away before it became a call. */
export interface Refusal {
  readonly id: string
  readonly method: string | undefined
  readonly mount: string
  readonly transport: 'http' | 'sse' | 'stdio'
  readonly revision: string | undefined
  readonly principal: Principal | undefined
  readonly fault: Fault
  readonly startedAtMs: number
}

export interface Gateway {
  /** At once where nobody has to be asked. */
  identify(presented: Presented): Identified | Promise<Identified>
  /** Walks the table. Resolves exactly once and never rejects. The answer to `server/discover` is DiscoverResult less `supportedVersions`. */
  handle(call: Call, exchange: Exchange): Promise<Outcome>
  refuse(refusal: Refusal): void
  /** Servers and toolsets that `/mcp/{mount}` serves; '' is not among them. */
  mounts(): readonly string[]
}
