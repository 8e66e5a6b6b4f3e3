// Closing the listener without losing a connection: the kernel accepts connections before we see them, and libuv hands
// over one a turn, so closing at once resets whoever still waits in between. What arrives between the last look and the closing is reset
// all the same, unread; no system call does both at once.
import type { Server } from 'node:http'
import { Server as NetServer, type Socket } from 'node:net'

/** Turns of the event loop without an accept after which the queue counts as empty. */
const quietTurns = 3

/** Most turns that are waited; a steady stream of new connections must not hold up a shutdown. */
const mostTurns = 10_000

/** Clients that may come back within one second to the gateway that takes over. */
const returning = 200

/** Over how long so many streams are ended, in ms, so that their clients do not come back all at once: at most half the grace, and not at all for one. */
export function spreadMs(streams: number, graceMs: number): number {
  return Math.min(graceMs / 2, (Math.max(0, streams - 1) * 1_000) / returning)
}

/** Takes in what waits in the accept queue, then refuses new connections. Kept-alive connections stay open. Resolves when refusing. */
export function settleAndRefuse(server: Server): Promise<void> {
  return new Promise((resolve) => {
    let quiet = 0
    let turns = 0
    const accepted = (_socket: Socket): void => {
      quiet = 0
    }
    server.on('connection', accepted)
    const turn = (): void => {
      quiet += 1
      turns += 1
      if (quiet <= quietTurns && turns < mostTurns) {
        setImmediate(turn)
        return
      }
      server.off('connection', accepted)
      // http's own close() would end idle connections as well, on which a proxy may just be sending.
      NetServer.prototype.close.call(server)
      resolve()
    }
    setImmediate(turn)
  })
}
