// How long a client may take to send the head of its request, and all of it. Counted up to the last moment at which all that had come was
// read. Node.js alone counts up to now, and looks before it reads: after a turn of the event loop that took longer than the limit it
// would cut off clients whose requests lie there complete.
import type { Server } from 'node:http'
import type { Clock } from '../../core/ports/clock.ts'

/** How often a server is to look, in ms (`connectionsCheckingInterval`): so much may be added to a limit, twice. */
export const lookingMs = 2_500

/** Replaces `headersTimeout` and `requestTimeout` of the server, which Node.js reads each time that it looks. */
export function limitReceiving(server: Server, clock: Clock, headMs: number, requestMs: number): void {
  let readAt = clock.mono()
  let looking = false
  const sinceRead = (): number => {
    const now = clock.mono()
    if (!looking) {
      looking = true
      // Node.js looks from a timer: between that and the immediates of the same turn everything is read that has come.
      setImmediate(() => {
        looking = false
        readAt = now
      })
    }
    return now - readAt
  }
  Object.defineProperty(server, 'headersTimeout', { get: () => Math.ceil(headMs + sinceRead()) })
  Object.defineProperty(server, 'requestTimeout', { get: () => Math.ceil(requestMs + sinceRead()) })
}
