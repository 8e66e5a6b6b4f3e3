// Too many wait already: the call was sent nowhere, and may be made again soon.
import { fault } from './catalogue.ts'
import type { Fault } from './fault.ts'

/** What an agent is told to wait, in ms. */
const retryAfterMs = 1_000

/** `limit`: which one it is and how it stands, for people. */
export function overloaded(upstream: string, limit: string): Fault {
  return fault('overloaded', { upstream, limit, retryAfterMs }, { retryAfterMs })
}
