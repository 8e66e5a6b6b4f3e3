// The operators' door, on an address of its own: metrics for a scraper and, as JSON, the state of every server and store, and who the clients are.
// What is done to a server is asked for there too. Host and origin are checked, so that no page of a browser uses it; in production it asks for
// a token.
import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Clock } from '../../core/ports/clock.ts'
import type { Decisions } from '../../core/ports/decisions.ts'
import type { ListenAddress } from '../../core/ports/listen-address.ts'
import type { Log } from '../../core/ports/report.ts'
import type { ServedState } from '../../core/ports/upstream.ts'
import { Guard } from '../http/guard.ts'
import { listenOn } from '../http/listener.ts'
import { limitReceiving, lookingMs } from '../http/receive-limits.ts'
import {
  acknowledgeAddress,
  acknowledgedIn,
  alertsAddress,
  type Quality,
  qualityAddress,
  qualityPath,
  showAlerts,
  showQuality,
  takeAcknowledgement,
} from './alerts.ts'
import { answer, problem } from './answer.ts'
import { toolsAddress } from './asked.ts'
import { type Budgets, budgetsAddress, clearAddress, clearedIn, showBudgets, takeClear } from './budgets.ts'
import { Operations } from './operations.ts'
import { deprecateAddress, type ToolVersions, takeVersions, usageAddress, versionsPath } from './tool-versions.ts'
import { contractsAddress, decisionAddress, showTools, type Tools, takeTool, toolIn } from './tools.ts'
import { actionAddress, actionsOf, takeAction, type UpstreamActions } from './upstream-actions.ts'

export interface UpstreamStatus {
  readonly name: string
  readonly state: ServedState
  /** Why it is not ready, for people. */
  readonly reason?: string | undefined
  /** `open`: it is left alone, since it failed repeatedly; `half-open`: one call tries it; shown where it is not `closed`. */
  readonly circuit?: 'closed' | 'half-open' | 'open'
  /** Its tools and other items that are left alone, while the others go on. */
  readonly itemCircuits?: readonly unknown[]
  /** Definitions that are not served, with path and reason. */
  readonly quarantined?: readonly unknown[]
  /** Lists that could not be read to their end, of which a part is served. */
  readonly incomplete?: readonly unknown[]
  /** What of definitions that are served is left to the server: rules of a schema that are not enforced. */
  readonly notes?: readonly unknown[]
  /** Names and URIs on the aggregate that went to another server. */
  readonly collisions?: readonly unknown[]
  /** Selectors of `tools`, `prompts` and `resources` that select nothing of it. */
  readonly unmatched?: readonly unknown[]
  /** Items that the two eras of the server do not show alike. */
  readonly differences?: readonly unknown[]
  /** Calls that wait while it is paused. */
  readonly held?: number | undefined
  /** How each address of a server that has several fares. */
  readonly endpoints?: readonly unknown[] | undefined
}

export interface StoreStatus {
  readonly name: string
  /** A degraded store keeps nothing for now; calls are served. */
  readonly state: 'ready' | 'degraded'
  /** What is wrong, and what to do, for people. */
  readonly reason?: string
}

/** One client as it came in one way, as `observe` keeps it. */
export interface ClientEntry {
  readonly name: string
  readonly version: string
  readonly transport: string
  readonly revision: string
  /** Milliseconds since the epoch. */
  readonly firstSeenMs: number
  readonly lastSeenMs: number
  readonly calls: number
  readonly owner: string
}

export interface AdminParts {
  upstreams(): readonly UpstreamStatus[]
  readonly actions: UpstreamActions
  readonly budgets: Budgets
  readonly tools: Tools
  readonly versions: ToolVersions
  /** Undefined where results are not judged. */
  readonly quality?: Quality | undefined
  stores(): readonly StoreStatus[]
  /** The inventory of clients. */
  clients(): readonly ClientEntry[] | Promise<readonly ClientEntry[]>
  /** Prometheus text exposition. */
  metrics(): Promise<string>
  readonly clock: Clock
  readonly log: Log
  /** Hear what operators did. */
  readonly decisions: Decisions
  /** What a request has to show (RFC 6750 §2.1); absent: whoever reaches the door may read it. */
  readonly token?: string | undefined
  /** Host that the configuration names to listen on; '' where it names a socket. */
  readonly listenHost: string
}

export interface AdminDoor {
  /** Rejects where the address cannot be had (EADDRINUSE, EACCES, …). Port 0 takes a free one. */
  listen<A extends ListenAddress>(address: A): Promise<A>
  /** Stops listening and ends what is open. */
  close(): Promise<void>
}

type Answering = (res: ServerResponse, req: IncomingMessage) => void | Promise<void>

export function createAdminDoor(parts: AdminParts): AdminDoor {
  const guard = new Guard({ profile: 'production', hosts: [], origins: [] }, parts.listenHost)
  const paths = answers(parts)
  const operations = new Operations(parts.decisions, parts.clock, parts.token !== undefined)
  const { token } = parts
  const shown = token === undefined ? undefined : digest(`Bearer ${token}`)
  const server = createServer({ maxHeaderSize: 16_384, connectionsCheckingInterval: lookingMs, requireHostHeader: false })
  limitReceiving(server, parts.clock, 15_000, 60_000)
  server.on('request', (req, res) => {
    take(req, res, guard, paths, parts, operations, shown).catch((error: unknown) => {
      parts.log('error', 'A bug in the admin door', { stack: error instanceof Error ? error.stack : String(error) })
      if (res.headersSent) res.destroy()
      else problem(res, 500, 'Internal error', 'The gateway failed to answer; its log says why.')
    })
  })
  const failed = (error: Error): void => parts.log('error', 'The listener of the admin door failed', { error: String(error) })
  return { listen: (address) => listenOn(server, { address, failed }), close: () => close(server) }
}

async function take(
  req: IncomingMessage,
  res: ServerResponse,
  guard: Guard,
  paths: ReadonlyMap<string, Answering>,
  { actions, budgets, tools, versions, quality, clock }: AdminParts,
  operations: Operations,
  wanted: Buffer | undefined,
): Promise<void> {
  const { origin } = req.headers
  const refused = guard.host(req) ?? (origin === undefined ? undefined : guard.origin(origin))
  if (refused !== undefined) return problem(res, refused.entry.status, 'Refused', refused.message)
  if (wanted !== undefined && !timingSafeEqual(digest(req.headers.authorization ?? ''), wanted)) {
    const detail = 'The token of this door is in `admin.token` of `stateDir`; show it as `Authorization: Bearer …`.'
    return problem(res, 401, 'Unauthorized', detail, ['WWW-Authenticate', 'Bearer'])
  }
  const path = req.url?.split('?', 1)[0] ?? '/'
  const found = paths.get(path)
  if (found === undefined) {
    const acted = actionsOf(path)
    if (acted !== undefined) return takeAction(req, res, acted, actions, operations)
    const cleared = clearedIn(path)
    if (cleared !== undefined) return takeClear(req, res, cleared, budgets, operations)
    const alert = acknowledgedIn(path)
    if (alert !== undefined) return takeAcknowledgement(req, res, alert, quality, operations)
    const judged = qualityPath(path)
    if (judged !== undefined) return showQuality(req, res, judged, quality)
    const versioned = versionsPath(path)
    if (versioned !== undefined) return takeVersions(req, res, versioned, versions, operations, clock.now())
    const tool = toolIn(path)
    if (tool !== undefined) return takeTool(req, res, tool, tools, operations)
    const served = [
      ...paths.keys(),
      actionAddress,
      clearAddress,
      contractsAddress,
      decisionAddress,
      usageAddress,
      deprecateAddress,
      qualityAddress,
      acknowledgeAddress,
    ]
    return problem(res, 404, 'Not found', `Served here: ${served.join(', ')}.`)
  }
  if (req.method !== 'GET' && req.method !== 'HEAD') {
    return problem(res, 405, 'Method not allowed', `${path} is read with GET.`, ['Allow', 'GET, HEAD'])
  }
  return found(res, req)
}

/** Of one length, whatever was shown. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function answers(parts: AdminParts): ReadonlyMap<string, Answering> {
  const json = (res: ServerResponse, value: unknown): void => answer(res, 200, 'application/json', JSON.stringify(value))
  return new Map<string, Answering>([
    ['/metrics', async (res) => answer(res, 200, 'text/plain; version=0.0.4; charset=utf-8', await parts.metrics())],
    ['/admin/v1/upstreams', (res) => json(res, { upstreams: parts.upstreams().map(shown) })],
    ['/admin/v1/stores', (res) => json(res, { stores: parts.stores() })],
    [alertsAddress, (res) => showAlerts(res, parts.quality)],
    [budgetsAddress, (res) => showBudgets(res, parts.budgets)],
    [toolsAddress, (res, req) => showTools(req, res, parts.tools, parts.versions)],
    ['/admin/v1/clients', async (res) => json(res, { clients: (await parts.clients()).map(dated) })],
  ])
}

function shown({
  name,
  state,
  reason,
  circuit = 'closed',
  itemCircuits = [],
  quarantined = [],
  incomplete = [],
  notes = [],
  collisions = [],
  unmatched = [],
  differences = [],
  held,
  endpoints,
}: UpstreamStatus): Record<string, unknown> {
  return {
    name,
    state,
    ...(reason === undefined ? {} : { reason }),
    ...(circuit === 'closed' ? {} : { circuit }),
    ...(itemCircuits.length === 0 ? {} : { itemCircuits }),
    ...(quarantined.length === 0 ? {} : { quarantined }),
    ...(incomplete.length === 0 ? {} : { incomplete }),
    ...(notes.length === 0 ? {} : { notes }),
    ...(collisions.length === 0 ? {} : { collisions }),
    ...(unmatched.length === 0 ? {} : { unmatchedSelectors: unmatched }),
    ...(differences.length === 0 ? {} : { differences }),
    ...(held === undefined ? {} : { held }),
    ...(endpoints === undefined ? {} : { endpoints }),
  }
}

/** Times in ISO 8601. */
function dated({ firstSeenMs, lastSeenMs, ...client }: ClientEntry): Record<string, unknown> {
  return { ...client, firstSeen: new Date(firstSeenMs).toISOString(), lastSeen: new Date(lastSeenMs).toISOString() }
}

function close(server: Server): Promise<void> {
  if (!server.listening) return Promise.resolve()
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
