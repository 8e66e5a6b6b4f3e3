// Alerts with what they stand on: the sources of what is wrong, where messages go, and where incidents are kept.
import { principalKey } from '../core/call/principal.ts'
import type { Clock, Random } from '../core/ports/clock.ts'
import type { Durable, StoreFault } from '../core/ports/durable.ts'
import type { Report } from '../core/ports/report.ts'
import type { UnusualRun, UnusualRuns } from '../core/ports/run-usage.ts'
import { holdsToken } from '../core/secrets/secret-address.ts'
import type { UpstreamStatus } from '../downstream/index.ts'
import { Alerts, type Condition } from '../observe/index.ts'
import { createGuardedFetch } from '../platform/net/guarded-fetch.ts'
import type { Proxies } from '../platform/net/proxies.ts'
import type { AssembledQuality } from './quality.ts'
import type { ServiceLevels } from './service-levels.ts'
import type { Settings } from './settings.ts'

export interface AlertingParts {
  readonly settings: Settings
  readonly clock: Clock
  readonly random: Random
  readonly report: Report
  readonly durable: Durable | undefined
  /** Of this process, among those that share the store. */
  readonly gateway: string
  readonly proxies: Proxies | undefined
  readonly redact: (text: string) => string
  readonly levels: ServiceLevels
  readonly quality: AssembledQuality | undefined
  readonly runs: UnusualRuns
  /** Undefined where the store is well. */
  trouble(): StoreFault | undefined
  upstreams(): readonly UpstreamStatus[]
  contracts(): readonly { readonly upstream: string; readonly state: string; readonly tools: number }[]
}

/** Receivers are quick or away: nobody waits for their answers, of which nothing is read. */
const timeoutMs = 5_000
const maxBytes = 65_536

/** How long a run that was noticed stands as an alert, in ms: as long as it takes without a call until it is over. */
const unusualRunMs = 3_600_000

/** What nobody may write down of it, whether it stands in the file or comes by reference. */
export function alertSecrets({ webhook, slack, alertmanager }: Settings['alerts']): readonly string[] {
  const addresses = [...slack, ...[...webhook.map(({ url }) => url), ...alertmanager].filter((url) => holdsToken(url))].map(
    (url) => new URL(url),
  )
  // An address as a whole is no known value: who writes it down may leave something of it out.
  const parts = addresses.flatMap(({ pathname, search, password }) => [`${pathname}${search}`.slice(1), decodeURIComponent(password)])
  return [...parts, ...webhook.flatMap(({ secret }) => secret ?? [])].filter((one) => one.length >= 8)
}

export interface AssembledAlerting {
  readonly alerts: Alerts
  end(): Promise<void>
}

export function assembleAlerting(parts: AlertingParts): AssembledAlerting {
  const { settings, clock, random, report, durable, proxies, redact, levels, quality } = parts
  const { time } = levels
  parts.runs.onUnusual((found) => levels.events.note(ofRun(found), unusualRunMs))
  const { webhook, slack, alertmanager } = settings.alerts
  const { fetch, close } = createGuardedFetch({
    trusted: [...webhook.map(({ url }) => url), ...slack, ...alertmanager],
    loopback: settings.profile === 'dev',
    proxies,
    timeoutMs,
    maxBytes,
  })
  const alerts = new Alerts({
    settings: settings.alerts,
    fetch,
    clock,
    time,
    random,
    report,
    durable,
    gateway: parts.gateway,
    redact,
    get configuration() {
      return levels.configuration
    },
    ownerOf: (server) => settings.servers[server]?.owner,
    acknowledge: (episode, as) => quality?.operators.acknowledge(episode, as),
    sources: [
      () => ofQuality(quality),
      () => parts.upstreams().flatMap(ofUpstream),
      () => parts.contracts().flatMap(ofContracts),
      () => ofStore(parts.trouble()),
      () => levels.conditions(),
    ],
  })
  return {
    alerts,
    end: async () => {
      await alerts.end()
      await close()
    },
  }
}

function ofQuality(quality: AssembledQuality | undefined): readonly Condition[] {
  return (quality?.operators.alerts() ?? [])
    .filter(({ closedMs }) => closedMs === undefined)
    .map(({ id, kind, severity, upstream, tool, text, results, affected, firstCall, deploy, acknowledged }) => ({
      kind,
      severity,
      server: upstream,
      tool,
      text,
      results,
      affected,
      firstCall,
      deploy,
      acknowledged,
      episode: id,
    }))
}

function ofRun({ run, principal, client, team, tokens, calls, usual }: UnusualRun): Condition {
  const whose = `${client ?? 'a client without a name'}${team === undefined ? '' : ` (team ${team})`}`
  return {
    kind: 'token_excess',
    caller: principalKey(principal),
    part: run,
    text: `A run of ${whose} has used ${tokens} tokens in ${calls} calls, where ${Math.round(usual)} are usual: it may repeat itself`,
    usual: `${Math.round(usual)} tokens`,
    seen: `${tokens} tokens`,
  }
}

function ofUpstream({ name: server, state, reason, circuit, itemCircuits = [] }: UpstreamStatus): readonly Condition[] {
  const why = reason === undefined ? '' : `: ${reason}`
  const found: Condition[] = []
  if (state === 'unavailable' || state === 'reconnecting')
    found.push({ kind: 'upstream_unavailable', server, text: `${server} cannot be reached${why}` })
  if (state === 'degraded') found.push({ kind: 'upstream_degraded', server, text: `${server} is degraded${why}` })
  if (circuit === 'open' || circuit === 'half-open')
    found.push({ kind: 'circuit_open', server, text: `${server} failed repeatedly and is left alone` })
  for (const one of itemCircuits as readonly { readonly kind?: string; readonly item?: string }[])
    if (one.kind === 'tool' && one.item !== undefined)
      found.push({ kind: 'tool_circuit_open', server, tool: one.item, text: `${one.item} failed repeatedly and is left alone` })
  return found
}

const heldStates: Readonly<Record<string, { readonly severity: 'info' | 'warn'; readonly why: string }>> = {
  'changed:breaking': { severity: 'warn', why: 'a change would break callers' },
  'changed:hints': { severity: 'warn', why: 'the server says otherwise what the tool does' },
  'changed:prose': { severity: 'info', why: 'its words were changed, and the old ones are shown' },
  split: { severity: 'warn', why: 'two contracts take turns, as of replicas that differ' },
}

function ofContracts({
  upstream: server,
  state,
  tools,
}: {
  readonly upstream: string
  readonly state: string
  readonly tools: number
}): readonly Condition[] {
  const held = heldStates[state]
  if (held === undefined || tools === 0) return []
  const text = `${tools} ${tools === 1 ? 'tool waits' : 'tools wait'} for an operator: ${held.why}`
  return [{ kind: 'contract_held', severity: held.severity, server, part: state, text }]
}

function ofStore(trouble: StoreFault | undefined): readonly Condition[] {
  return trouble === undefined ? [] : [{ kind: 'store_unavailable', text: `The durable store is ${trouble.kind}: ${trouble.message}` }]
}
