// The operators' door, on an address of its own: metrics for a scraper, and the admin API. Host and origin are checked before all else, so that no
// page of a browser uses it; slow senders are cut off.
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { ListenAddress } from '../../core/ports/listen-address.ts'
import { Guard } from '../http/guard.ts'
import { listenOn } from '../http/listener.ts'
import { limitReceiving, lookingMs } from '../http/receive-limits.ts'
import { type AdminParts, createAdminApp, type RequestListener } from './app.ts'
import { answerProblem, Problem } from './problem.ts'
import { RefusedRequests } from './refused.ts'
import type { AdminApp } from './resource.ts'

export interface AdminDoor {
  /** Rejects where the address cannot be had (EADDRINUSE, EACCES, …). Port 0 takes a free one. */
  listen<A extends ListenAddress>(address: A): Promise<A>
  /** Stops listening and ends what is open; for good. */
  close(): Promise<void>
}

export interface AdminDoorParts extends AdminParts {
  /** Host that the configuration names to listen on; '' where it names a socket. */
  readonly listenHost: string
}

export function createAdminDoor(parts: AdminDoorParts): AdminDoor {
  const refusals = new RefusedRequests(parts.decisions, parts.clock)
  const guard = new Guard({ profile: 'production', hosts: [], origins: [] }, parts.listenHost)
  let server: Server | undefined
  let app: Promise<AdminApp> | undefined
  const serverOf = (listener: RequestListener): Server => {
    const made = createServer({ maxHeaderSize: 16_384, connectionsCheckingInterval: lookingMs, requireHostHeader: false }, (req, res) => {
      const refused = refusedBy(guard, req)
      if (refused === undefined) return listener(req, res)
      parts.report.counters.add('admin_refused', { reason: 'host' })
      refusals.note(req, { why: 'host', detail: refused.message })
      answerProblem(res, refused)
    })
    limitReceiving(made, parts.clock, 15_000, 60_000)
    server = made
    return made
  }
  const failed = (error: Error): void => parts.report.log('error', 'The listener of the admin door failed', { error: String(error) })
  return {
    listen: async (address) => {
      app ??= createAdminApp(parts, serverOf)
      await app
      return listenOn(server as Server, { address, failed })
    },
    close: async () => {
      const stopped = server?.listening === true ? closed(server) : Promise.resolve()
      // Streams end first, as a whole.
      await (await app)?.close()
      server?.closeAllConnections()
      await stopped
    },
  }
}

function refusedBy(guard: Guard, req: IncomingMessage): Problem | undefined {
  const { origin } = req.headers
  const refused = guard.host(req) ?? (origin === undefined ? undefined : guard.origin(origin))
  return refused === undefined ? undefined : new Problem(refused.entry.status, 'Refused', refused.message)
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}
