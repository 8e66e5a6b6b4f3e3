// No connection can be made, and none can be closed for it.
import { fault } from '../../core/faults/catalogue.ts'
import { evidence } from '../../core/faults/evidence.ts'
import type { Fault } from '../../core/faults/fault.ts'

/** Connections of one upstream at once. */
export const mostConnections = 256

export function fullPool(upstream: string): Promise<Fault> {
  const limit = `${mostConnections} connections, which are all in use or kept for client sessions`
  const detail = { upstream, limit, retryAfterMs: 1_000 }
  return Promise.resolve(fault('overloaded', detail, { evidence: evidence.no_place, retryAfterMs: 1_000 }))
}
