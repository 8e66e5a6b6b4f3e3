// Opens the doors in front of one gateway: HTTP with both eras and the deprecated SSE, and stdio.
import type { Readable, Writable } from 'node:stream'
import type { Sealer } from '../core/call/seal.ts'
import type { Clock, Random } from '../core/ports/clock.ts'
import type { Decisions } from '../core/ports/decisions.ts'
import type { Durable } from '../core/ports/durable.ts'
import type { Gateway } from '../core/ports/gateway.ts'
import type { Propagation } from '../core/ports/propagation.ts'
import type { Report } from '../core/ports/report.ts'
import type { DoorContext, WebPages } from '../downstream/door.ts'
import {
  type AdminDoor,
  type AdminParts,
  createAdminDoor,
  createHttpDoor,
  createLegacyHttpDoor,
  createSseDoor,
  type HttpDoor,
  OpenSessions,
  type Readiness,
  serveStdio,
} from '../downstream/index.ts'
import { createMemoryEphemeral } from '../platform/store/memory/ephemeral.ts'
import { defaultLimits } from './gateway.ts'
import { identity } from './identity.ts'
import type { Outsiders } from './outsiders.ts'
import type { Settings } from './settings.ts'

interface DoorParts {
  readonly settings: Settings
  readonly gateway: Gateway
  readonly clock: Clock
  readonly random: Random
  readonly propagation: Propagation
  readonly sealer: Sealer
  readonly durable: Durable | undefined
  readonly decisions: Decisions
  readonly report: Report
  readonly outsiders: Outsiders
  readonly draining: AbortSignal
  readonly pages: readonly WebPages[]
  ready(): Readiness
  /** What the admin door answers from. */
  readonly admin: Omit<AdminParts, 'sealer' | 'clock' | 'report' | 'decisions' | 'sessions'>
}

export interface Doors {
  readonly http: HttpDoor
  readonly admin: AdminDoor
  /** Serves one client; resolves when it has left. */
  stdio(input: Readable, output: Writable, mount: string): Promise<void>
  /** Legacy sessions open now, by transport. */
  sessions(): readonly { readonly transport: string; readonly open: number }[]
  /** Other servers are served: other headers of clients are for them. */
  reconfigured(): void
  drain(graceMs: number): Promise<void>
}

export function openDoors(parts: DoorParts): Doors {
  const { settings } = parts
  const openSessions = new OpenSessions()
  const forwarded = new Set<string>()
  const reconfigured = (): void => {
    forwarded.clear()
    for (const { forwardHeaders } of Object.values(settings.servers)) {
      for (const name of Object.keys(forwardHeaders)) forwarded.add(name.toLowerCase())
    }
  }
  reconfigured()
  const context: DoorContext = {
    gateway: parts.gateway,
    clock: parts.clock,
    random: parts.random,
    propagation: parts.propagation,
    sealer: parts.sealer,
    ephemeral: createMemoryEphemeral(parts.clock, parts.report),
    durable: parts.durable,
    report: parts.report,
    server: identity,
    limits: defaultLimits(settings),
    eventBytes: settings.limits.eventBytes,
    settings: {
      profile: settings.profile,
      publicUrl: settings.publicUrl,
      tls: settings.tls,
      http: settings.http,
      sessions: settings.sessions,
      sse: settings.sse,
      drain: settings.drain,
    },
    forwarded,
    draining: parts.draining,
    outsiders: parts.outsiders,
    openSessions,
  }
  const legacy = createLegacyHttpDoor(context)
  const sse = settings.sse.enabled ? createSseDoor(context) : undefined
  const http = createHttpDoor(context, {
    legacy,
    sse,
    pages: parts.pages,
    ready: () => parts.ready(),
    listenHost: hostOf(settings.listen),
  })
  const { sealer, clock, report, decisions } = parts
  const listenHost = hostOf(settings.admin.listen ?? settings.listen)
  const admin = createAdminDoor({ ...parts.admin, sessions: () => openSessions.list(), sealer, clock, report, decisions, listenHost })
  const served = new Set<Promise<void>>()
  return {
    http,
    admin,
    reconfigured,
    stdio: (input, output, mount) => {
      const serving = serveStdio(context, { input, output, mount })
      served.add(serving)
      return serving.finally(() => served.delete(serving))
    },
    sessions: () => [
      { transport: 'http', open: legacy.sessions() },
      { transport: 'sse', open: sse?.sessions() ?? 0 },
      { transport: 'stdio', open: served.size },
    ],
    drain: async (graceMs) => {
      await Promise.all([http.drain(graceMs), ...served])
    },
  }
}

/** '' of a socket, which has no name that a request could say. */
function hostOf(address: string): string {
  return address.startsWith('unix:') ? '' : address.replace(/:\d+$/, '')
}
