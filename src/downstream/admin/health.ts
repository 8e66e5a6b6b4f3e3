// What probes, scrapers and operators ask: is the process alive, does it serve, its metrics and its clients. Says nothing that needs a secret.
import type { ServerResponse } from 'node:http'
import type { UpstreamState } from '../../core/ports/upstream.ts'

export interface UpstreamReadiness {
  readonly name: string
  readonly state: UpstreamState
  /** Why it is not ready, for people. */
  readonly reason?: string | undefined
  /** Definitions that are not served, with path and reason. */
  readonly quarantined?: readonly unknown[]
  /** Names and URIs on the aggregate that went to another server. */
  readonly collisions?: readonly unknown[]
}

export interface Readiness {
  /** Calls are taken: the doors are open and the first round of connects is over. */
  readonly serving: boolean
  readonly draining: boolean
  readonly upstreams: readonly UpstreamReadiness[]
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
  ready(): Readiness
  /** The inventory of clients. */
  clients(): readonly ClientEntry[]
  /** Prometheus text exposition. */
  metrics(): Promise<string>
}

export function answerLive(res: ServerResponse): void {
  send(res, 200, 'application/json', '{"status":"alive"}')
}

/** 200 once the gateway serves, whatever its upstreams do: the body names each with its state and reason. 503 while it starts or drains. */
export function answerReady(res: ServerResponse, parts: AdminParts): void {
  const { serving, draining, upstreams } = parts.ready()
  const status = draining ? 'draining' : serving ? 'ready' : 'starting'
  const body = {
    status,
    upstreams: upstreams.map(({ name, state, reason, quarantined = [], collisions = [] }) => ({
      name,
      state,
      ...(reason === undefined ? {} : { reason }),
      ...(quarantined.length === 0 ? {} : { quarantined }),
      ...(collisions.length === 0 ? {} : { collisions }),
    })),
  }
  send(res, status === 'ready' ? 200 : 503, 'application/json', JSON.stringify(body))
}

/** The inventory of clients as JSON, times in ISO 8601. */
export function answerClients(res: ServerResponse, parts: AdminParts): void {
  const clients = parts.clients().map(({ firstSeenMs, lastSeenMs, ...client }) => ({
    ...client,
    firstSeen: new Date(firstSeenMs).toISOString(),
    lastSeen: new Date(lastSeenMs).toISOString(),
  }))
  send(res, 200, 'application/json', JSON.stringify({ clients }))
}

export async function answerMetrics(res: ServerResponse, parts: AdminParts): Promise<void> {
  send(res, 200, 'text/plain; version=0.0.4; charset=utf-8', await parts.metrics())
}

function send(res: ServerResponse, status: number, type: string, text: string): void {
  const body = Buffer.from(text)
  res.writeHead(status, ['Content-Type', type, 'Content-Length', String(body.length), 'Cache-Control', 'no-store'])
  res.end(body)
}
