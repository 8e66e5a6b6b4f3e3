// Makes the exits of the servers of a configuration, with what they share: connections to HTTP servers, and the room for calls that wait.
import type { UpstreamId } from '../core/call/call.ts'
import type { Clock, Random } from '../core/ports/clock.ts'
import type { Credentials } from '../core/ports/credentials.ts'
import type { Decisions } from '../core/ports/decisions.ts'
import type { WordsReader } from '../core/ports/refusing-words.ts'
import type { Report } from '../core/ports/report.ts'
import type { Upstream } from '../core/ports/upstream.ts'
import { staticCredentials } from '../gateway/credentials/static.ts'
import type { BesideCalls } from '../gateway/guards/beside-calls.ts'
import { createWordsReader } from '../gateway/quality/words-reader.ts'
import type { Proxies } from '../platform/net/proxies.ts'
import { HttpPools } from '../upstream/http/pools.ts'
import { createUpstream, type Outside, ParkingLot, type Unclaimed } from '../upstream/index.ts'
import { brokenUpstream } from './broken-upstream.ts'
import { identity } from './identity.ts'
import type { Settings } from './settings.ts'

export interface UpstreamParts {
  readonly settings: Settings
  /** Servers whose configuration misses something, with the reason. */
  readonly broken: ReadonlyMap<string, string>
  readonly clock: Clock
  readonly random: Random
  readonly report: Report
  /** Towards each server; absent: the headers of its configuration. */
  credentials?(id: UpstreamId): Credentials
  readonly replica: string
  readonly outside: Outside
  /** Guards of what a server says beside calls; absent: there are none. */
  besides?(id: UpstreamId): BesideCalls | undefined
  /** On the way to HTTP servers; absent: there are none. */
  readonly proxies?: Proxies | undefined
  readonly decisions: Decisions
  readonly unclaimed: (call: Unclaimed) => void
}

export interface AssembledUpstreams {
  readonly all: ReadonlyMap<UpstreamId, Upstream>
  /** Closes what they share; after they are drained. */
  close(): Promise<void>
}

/** Of the servers that are enabled. Nothing is started yet. */
export function assembleUpstreams(parts: UpstreamParts): AssembledUpstreams {
  const { settings, clock, random, report } = parts
  const pools = new HttpPools({}, parts.proxies)
  const parking = new ParkingLot(clock, random, settings.limits.parked)

  function upstreamOf(id: UpstreamId, server: Settings['servers'][string]): Upstream {
    const reason = parts.broken.get(id)
    if (reason !== undefined) return brokenUpstream(id, server.command === undefined ? 'streamable-http' : 'stdio', reason, clock.now())
    const { messageBytes, parked } = settings.limits
    const besides = parts.besides?.(id)
    return createUpstream({
      id,
      settings: server,
      credentials: parts.credentials?.(id) ?? staticCredentials(server.command === undefined ? server.headers : {}),
      words: wordsOf(id, server),
      timeouts: { ...settings.timeouts, ...definedOnly(server.timeouts) },
      limits: { resultBytes: messageBytes, parked },
      clock,
      random,
      report,
      pools,
      parking,
      identity,
      replica: parts.replica,
      outside: besides === undefined ? parts.outside : guardedOutside(parts.outside, besides),
      withoutOwn: besides === undefined ? undefined : (said) => besides.listed(said),
      unclaimed: parts.unclaimed,
    })
  }

  /** A process to which nothing is given has no credential that anybody could refuse; a server elsewhere may miss one. */
  function wordsOf(upstream: UpstreamId, server: Settings['servers'][string]): WordsReader {
    const { command, auth, headers, env } = server
    const credentialed = command === undefined ? (auth !== undefined && auth.type !== 'none') || !isEmpty(headers) : !isEmpty(env)
    const refusable = command === undefined || credentialed
    return createWordsReader({ upstream, credentialed, refusable, now: () => clock.now(), report, decisions: parts.decisions })
  }

  const served = Object.entries(settings.servers).filter(([, server]) => server.enabled)
  return { all: new Map(served.map(([id, server]) => [id, upstreamOf(id, server)])), close: () => pools.close() }
}

function guardedOutside(outside: Outside, besides: BesideCalls): Outside {
  return {
    event: (session, event) => outside.event(session, besides.event(event)),
    ask: (session, method, params) => outside.ask(session, method, besides.question(params)),
  }
}

function definedOnly<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as never
}

function isEmpty(values: Readonly<Record<string, string>>): boolean {
  return Object.keys(values).length === 0
}
