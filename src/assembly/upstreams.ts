// Makes the exits of the servers of a configuration, with what they share: connections to HTTP servers, and the room for calls that wait. Another
// configuration takes servers out, puts new ones beside them, and new exits in the place of those that are served otherwise.
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
import { createUpstream, type Outside, ParkingLot, ReplaceableUpstream, type Unclaimed } from '../upstream/index.ts'
import { brokenUpstream } from './broken-upstream.ts'
import { identity } from './identity.ts'
import type { Settings } from './settings.ts'

type Server = Settings['servers'][string]

export interface UpstreamParts {
  readonly settings: Settings
  /** Servers whose configuration misses something, with the reason. */
  readonly broken: ReadonlyMap<string, string>
  /** Files and folders of the gateway that no confined child may see. */
  readonly hidden?: ReadonlySet<string>
  readonly clock: Clock
  readonly random: Random
  readonly report: Report
  /** Towards each server; absent: the headers of its configuration. */
  credentials?(id: UpstreamId, server: Server): Credentials
  /** Of an exit that is gone. */
  released?(credentials: Credentials): void
  readonly replica: string
  readonly outside: Outside
  /** Guards of what a server says beside calls; absent: there are none. */
  besides?(id: UpstreamId): BesideCalls | undefined
  /** On the way to HTTP servers; absent: there are none. */
  readonly proxies?: Proxies | undefined
  readonly decisions: Decisions
  readonly unclaimed: (call: Unclaimed) => void
}

/** An exit with what it goes with. */
export interface Exit {
  readonly upstream: Upstream
  readonly settings: Server
  readonly credentials: Credentials
}

export interface AssembledUpstreams {
  /** Those that are served now. */
  readonly all: ReadonlyMap<UpstreamId, Upstream>
  /** Those that are served now, and those that were taken out and have calls at them still. */
  find(id: UpstreamId): Upstream | undefined
  /** The settings with which it is served, or was. */
  settingsOf(id: UpstreamId): Server | undefined
  /** An exit by these settings. Nothing is started yet, and nobody is sent there before `change`. */
  exitOf(id: UpstreamId, server: Server, reason?: string): Exit
  /**
   * From now on the servers of `order` are served, in this order: those of `exits` by these exits, the others as before. Returns the exits that are
   * served no more, by server; each is to be given to `retired` once it is drained.
   */
  change(order: readonly UpstreamId[], exits: ReadonlyMap<UpstreamId, Exit>): ReadonlyMap<UpstreamId, Exit>
  retired(id: UpstreamId, exit: Exit): void
  /** Closes what they share; after they are drained. */
  close(): Promise<void>
}

/** Of the servers that are enabled. Nothing is started yet. */
export function assembleUpstreams(parts: UpstreamParts): AssembledUpstreams {
  const { settings, clock, random, report } = parts
  const pools = new HttpPools({}, parts.proxies)
  const parking = new ParkingLot(clock, random, settings.limits.parked)
  const all = new Map<UpstreamId, ReplaceableUpstream>()
  const exits = new Map<UpstreamId, Exit>()
  /** Taken out, with calls at them still. */
  const retiring = new Map<UpstreamId, Exit>()

  function exitOf(id: UpstreamId, server: Server, reason = parts.broken.get(id)): Exit {
    const credentials = parts.credentials?.(id, server) ?? staticCredentials(server.command === undefined ? server.headers : {})
    return { upstream: upstreamOf(id, server, credentials, reason), settings: server, credentials }
  }

  function upstreamOf(id: UpstreamId, server: Server, credentials: Credentials, reason: string | undefined): Upstream {
    if (reason !== undefined) return brokenUpstream(id, server.command === undefined ? 'streamable-http' : 'stdio', reason, clock.now())
    const { messageBytes, parked } = settings.limits
    const besides = parts.besides?.(id)
    return createUpstream({
      id,
      settings: server,
      hidden: parts.hidden,
      credentials,
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
      follows: exits.get(id)?.upstream,
      outside: besides === undefined ? parts.outside : guardedOutside(parts.outside, besides),
      withoutOwn: besides === undefined ? undefined : (said) => besides.listed(said),
      unclaimed: parts.unclaimed,
    })
  }

  /** A process to which nothing is given has no credential that anybody could refuse; a server elsewhere may miss one. */
  function wordsOf(upstream: UpstreamId, server: Server): WordsReader {
    const { command, auth, headers, env } = server
    const credentialed = command === undefined ? (auth !== undefined && auth.type !== 'none') || !isEmpty(headers) : !isEmpty(env)
    const refusable = command === undefined || credentialed
    return createWordsReader({ upstream, credentialed, refusable, now: () => clock.now(), report, decisions: parts.decisions })
  }

  for (const [id, server] of Object.entries(settings.servers)) if (server.enabled) put(id, exitOf(id, server))

  /** In the place of the one before, where there is one: whoever holds the upstream holds the new one then. */
  function put(id: UpstreamId, exit: Exit): void {
    const known = all.get(id)
    if (known === undefined) all.set(id, new ReplaceableUpstream(exit.upstream))
    else known.replace(exit.upstream)
    exits.set(id, exit)
  }

  return {
    all,
    find: (id) => all.get(id) ?? retiring.get(id)?.upstream,
    settingsOf: (id) => (exits.get(id) ?? retiring.get(id))?.settings,
    exitOf,
    change: (order, next) => {
      const gone = new Map<UpstreamId, Exit>()
      for (const [id, exit] of exits) if (next.has(id) || !order.includes(id)) gone.set(id, exit)
      for (const [id, exit] of next) put(id, exit)
      for (const [id, exit] of gone) {
        if (order.includes(id)) continue
        exits.delete(id)
        retiring.set(id, exit)
      }
      const made = new Map(all)
      all.clear()
      for (const id of order) {
        const upstream = made.get(id)
        if (upstream !== undefined) all.set(id, upstream)
      }
      return gone
    },
    retired: (id, exit) => {
      if (retiring.get(id) === exit) retiring.delete(id)
      parts.released?.(exit.credentials)
    },
    close: () => pools.close(),
  }
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
