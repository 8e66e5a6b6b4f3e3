// Puts the inside together: upstreams, catalog, stages and the table, from the settings and the platform.
import { createHash } from 'node:crypto'
import type { TargetedCall, UpstreamId } from '../core/call/call.ts'
import type { DeadlineLimits } from '../core/call/deadline.ts'
import type { Exchange } from '../core/call/exchange.ts'
import { failed, type Outcome } from '../core/call/outcome.ts'
import type { Recorder } from '../core/call/record.ts'
import type { Sealer } from '../core/call/seal.ts'
import type { Wrap } from '../core/call/stage.ts'
import { fault } from '../core/faults/catalogue.ts'
import { evidence } from '../core/faults/evidence.ts'
import type { CallAudit } from '../core/ports/call-audit.ts'
import type { Clock, Random } from '../core/ports/clock.ts'
import type { Credentials, Issued } from '../core/ports/credentials.ts'
import type { Decisions } from '../core/ports/decisions.ts'
import type { Deprecations } from '../core/ports/deprecations.ts'
import type { Durable } from '../core/ports/durable.ts'
import type { Gateway } from '../core/ports/gateway.ts'
import type { LimitStore } from '../core/ports/limit-store.ts'
import type { Report } from '../core/ports/report.ts'
import type { Upstream } from '../core/ports/upstream.ts'
import { authorize, createPolicy } from '../gateway/access/stage.ts'
import { type Catalog, createCatalog } from '../gateway/catalog/index.ts'
import { keptCatalogs } from '../gateway/catalog/kept-catalogs.ts'
import { createContinuation } from '../gateway/continuation/stage.ts'
import type { Registry } from '../gateway/contracts/registry.ts'
import { adapt, contract } from '../gateway/contracts/stage.ts'
import { signIn } from '../gateway/credentials/stage.ts'
import { createEvents, type Events } from '../gateway/events/index.ts'
import { createGateway } from '../gateway/gateway.ts'
import type { MountScopes } from '../gateway/identity/index.ts'
import { toolConcurrency } from '../gateway/limits/concurrency.ts'
import { pipeline } from '../gateway/pipeline.ts'
import { asserted, createSchemaGate, validate } from '../gateway/policy/stage.ts'
import { audited, record, unclaimedRecord } from '../gateway/record/stage.ts'
import { deadline } from '../gateway/resilience/deadline.ts'
import { degraded } from '../gateway/resilience/degraded.ts'
import { Maintenance } from '../gateway/resilience/maintenance.ts'
import { createResilience, type Resilience } from '../gateway/resilience/stage.ts'
import { createSpillStore, spill } from '../gateway/results/stage.ts'
import { Runs } from '../gateway/runs/index.ts'
import { toolsBySelector } from '../gateway/tools/by-selector.ts'
import type { Proxies } from '../platform/net/proxies.ts'
import type { Outside } from '../upstream/index.ts'
import { assembleGuards } from './guards.ts'
import { type AssembledLimits, assembleLimits } from './limits.ts'
import { mountScopes } from './mount-scopes.ts'
import { type AssembledQuality, assembleQuality } from './quality.ts'
import type { Settings } from './settings.ts'
import { assembleUpstreams, type Exit } from './upstreams.ts'
import { plannedEnds } from './versions.ts'

export interface InsideParts {
  readonly settings: Settings
  /** Servers whose configuration misses something, with the reason. */
  readonly broken: ReadonlyMap<string, string>
  /** Files and folders of the gateway that no confined child may see. */
  readonly hidden?: ReadonlySet<string>
  readonly clock: Clock
  readonly random: Random
  readonly report: Report
  readonly sealer: Sealer
  /** Where last known catalogues are kept; absent: they end with the gateway. */
  readonly durable?: Durable | undefined
  readonly recorder: Recorder
  /** Towards each server; absent: the headers of its configuration. */
  credentials?(id: UpstreamId, server: Settings['servers'][string]): Credentials
  /** Of an exit that is gone. */
  released?(credentials: Credentials): void
  /** Whether a text has a value in it that must not get out. */
  isSecret?(text: string): boolean
  readonly replica: string
  readonly outside: Outside
  /** Who is calling. */
  readonly identify: Gateway['identify']
  /** On the way to HTTP servers; absent: there are none. */
  readonly proxies?: Proxies | undefined
  readonly decisions: Decisions
  /** Rows of calls; absent: there is no audit. */
  readonly audit?: CallAudit | undefined
  /** The end of tools; absent: configuration alone plans it. */
  readonly deprecations?: Deprecations | undefined
  /** What was used of rates and budgets, where several gateways share it; absent: it is in memory, and budgets are kept in `durable`. */
  readonly limitStore?: LimitStore
  /** Value of `WWW-Authenticate` for a caller of the mount that lacks scopes. */
  challenge(mount: string, scopes: readonly string[]): string | undefined
  /** Keeps the contracts of tools; absent: every tool is shown and called as its server lists it. */
  readonly registry?: Registry | undefined
  /** Put round every stage. */
  readonly wrap?: Wrap | undefined
}

/** Servers of a gateway that runs, and how others take their place. */
export interface ServedServers {
  /** An exit by these settings, to which nobody is sent yet. `reason`: why it cannot even be tried. */
  exitOf(id: UpstreamId, server: Settings['servers'][string], reason: string | undefined): Exit
  /**
   * The settings are those of another configuration now: serves what they have, servers of `exits` by these exits, the others as before. Returns what is
   * served no more. Nothing is waited for, and no call is let in between.
   */
  serve(exits: ReadonlyMap<UpstreamId, Exit>): ReadonlyMap<UpstreamId, Exit>
  /** No call is at an exit that is served no more, nor on the way there. */
  isIdle(id: UpstreamId, exit: Exit): boolean
  /** It has drained. */
  retired(id: UpstreamId, exit: Exit): void
}

export interface Inside {
  readonly gateway: Gateway
  readonly upstreams: ReadonlyMap<UpstreamId, Upstream>
  readonly catalog: Catalog
  readonly events: Events
  readonly resilience: Resilience
  readonly limits: AssembledLimits
  /** Undefined where results are not judged. */
  readonly quality: AssembledQuality | undefined
  readonly maintenance: Maintenance
  readonly issued: Issued
  /** What the access rules name. */
  readonly scopes: MountScopes
  /** What another configuration of servers is put into force with. */
  readonly servers: ServedServers
  /** Closes what upstreams share; after they are drained. */
  close(): Promise<void>
}

export function assembleInside(parts: InsideParts): Inside {
  const { settings, clock, random, report, sealer, recorder, registry } = parts
  const guarding = assembleGuards(settings, parts)
  const exits = assembleUpstreams({
    ...parts,
    besides: (id) => guarding.besides(id),
    unclaimed: (row) => {
      const record = unclaimedRecord(row, clock.now(), clock.mono())
      parts.audit?.unclaimed(record)
      recorder.record(record)
    },
  })
  const upstreams = exits.all

  const gate = createSchemaGate({
    uncompiled: (reason) => report.log('warn', 'A schema could not be compiled; its server has to judge the arguments', { reason }),
  })
  const policy = settings.access === undefined ? undefined : createPolicy(settings.access, clock)
  const catalog = createCatalog({
    upstreams,
    access: policy,
    deprecations: parts.deprecations ?? plannedEnds(settings),
    bare: bareOf(settings),
    toolsets: settings.toolsets,
    compile: gate,
    tools: toolsBySelector(settings.tools, settings),
    contracts: registry,
    listBytes: settings.limits.listBytes,
    sealer,
    clock,
    random,
    report,
    ...(parts.durable === undefined
      ? {}
      : {
          store: {
            keeper: keptCatalogs(parts.durable, clock, report.log),
            configHash: (id) => hashOf(id, settings.servers[id]),
          },
        }),
  })
  const events = createEvents({ upstreams, catalog, clock, report })
  const resilience = createResilience({
    clock,
    random,
    report,
    limits: settings.limits,
    concurrencyOf: (id) => exits.settingsOf(id)?.concurrency ?? 1,
    perPrincipal: (id) => isOfCaller(exits.settingsOf(id)),
  })
  const limits = assembleLimits({ settings, clock, random, report, durable: parts.durable, shared: parts.limitStore })
  const quality = assembleQuality({
    settings,
    clock,
    report,
    durable: parts.durable,
    compile: gate,
    versionOf: (id) => upstreams.get(id)?.describe().identity?.version,
  })
  const continuation = createContinuation({ sealer, clock, random })
  const runs = new Runs({ clock, random, isSecret: parts.isSecret })
  let limitsOf = deadlines(settings)
  const send = (call: TargetedCall, exchange: Exchange): Promise<Outcome> => {
    const upstream = exits.find(call.upstream)
    // It was taken out while the call was on its way.
    return upstream === undefined
      ? Promise.resolve(failed(fault('draining', {}, { evidence: evidence.ended_unsent })))
      : upstream.send(call, exchange)
  }
  const judged = quality?.resumed(send) ?? send
  const older = isDegraded(settings)
    ? degraded(clock, report, (id) => settings.tools[id]?.staleFor ?? settings.tools['*']?.staleFor)
    : undefined
  const own = {
    ...catalog.stages,
    record: record({ recorder, clock, audit: parts.audit }),
    spill: spill({
      store: createSpillStore(clock, random, settings.limits.spills),
      counters: report.counters,
      resultBytes: settings.limits.resultBytes,
      eventBytes: settings.limits.eventBytes,
    }),
    continued: continuation.continued,
    authorize:
      policy === undefined
        ? undefined
        : authorize({
            policy,
            decisions: parts.decisions,
            counters: report.counters,
            clock,
            challenge: (call, scopes) => parts.challenge(call.mount, scopes),
          }),
    asserted,
    contract: registry === undefined ? undefined : contract((call) => registry.readBy(call)),
    validate,
    audited: parts.audit === undefined ? undefined : audited(parts.audit),
    deadline: deadline((id) => limitsOf.get(id)),
    seal: continuation.seal,
    resume: continuation.resume(limits.resumed(older?.resumed(judged) ?? judged)),
    adapt: registry === undefined ? undefined : adapt,
    limits: limits.gate,
    toolConcurrency: Object.values(settings.tools).some((tool) => tool.concurrency !== undefined)
      ? toolConcurrency(settings.limits.queue, report)
      : undefined,
    degraded: older?.stage,
    retry: resilience.retry,
    results: quality?.gate,
    taskResults: quality?.ofTasks,
    breaker: resilience.breaker,
    bulkhead: resilience.bulkhead,
    connection: send,
    listen: events.listen,
  }
  /** Of stages that stand or fall with the servers that are configured, each is made anew with another configuration. */
  const chainsOf = () =>
    pipeline({
      ...own,
      guards: guarding.stage(),
      signIn: servedOf(settings).some(([, server]) => server.auth?.type === 'authorizationCode') ? signIn : undefined,
    }).chains(parts.wrap)
  let chains = chainsOf()
  return {
    gateway: createGateway({
      chains: () => chains,
      mounts: () => catalog.mounts(),
      recorder,
      clock,
      identify: parts.identify,
      runOf: (principal, session, meta, headers) => runs.of(principal, session, meta, headers),
      audit: parts.audit,
    }),
    upstreams,
    catalog,
    events,
    resilience,
    limits,
    issued: guarding.issued,
    quality,
    maintenance: new Maintenance({ clock, log: report.log, resilience, upstreams }),
    scopes: mountScopes(policy, settings),
    servers: {
      exitOf: (id, server, reason) => {
        guarding.learn(id, server)
        return exits.exitOf(id, server, reason)
      },
      serve: (next) => {
        const gone = exits.change(
          servedOf(settings).map(([id]) => id),
          next,
        )
        limitsOf = deadlines(settings, limitsOf)
        chains = chainsOf()
        const replaced = [...next.keys()].filter((id) => gone.has(id))
        adjust(replaced)
        limits.reconsider()
        catalog.reconfigure({ upstreams, bare: bareOf(settings), toolsets: settings.toolsets, replaced })
        return gone
      },
      isIdle: (id, { upstream }) => {
        // Calls that wait for a place at what was replaced go to what is there now.
        const { inFlight = 0, queued = 0 } = upstreams.has(id) ? {} : (resilience.gauges().find((gauge) => gauge.upstream === id) ?? {})
        return inFlight + queued + upstream.health().inFlight === 0
      },
      retired: (id, exit) => {
        exits.retired(id, exit)
        if (exits.find(id) === undefined) limitsOf.delete(id)
        adjust([])
      },
    },
    close: () => exits.close(),
  }

  function adjust(replaced: readonly UpstreamId[]): void {
    const known = resilience.gauges().map(({ upstream }) => upstream)
    resilience.update({
      limits: settings.limits,
      concurrencyOf: (id) => exits.settingsOf(id)?.concurrency ?? 1,
      upstreams: known.filter((id) => exits.find(id) !== undefined),
      replaced,
    })
  }
}

function servedOf({ servers }: Settings): readonly (readonly [UpstreamId, Settings['servers'][string]])[] {
  return Object.entries(servers).filter(([, server]) => server.enabled)
}

/** The server whose names have no prefix on the aggregate. */
function bareOf(settings: Settings): UpstreamId | undefined {
  return servedOf(settings).find(([, server]) => server.bareNames)?.[0]
}

/** Configuration says of some tool what its agent is given where it fails. */
function isDegraded({ tools }: Settings): boolean {
  return Object.values(tools).some(({ tellUser, staleFor }) => tellUser !== undefined || staleFor !== undefined)
}

/** Calls to it go with a credential of their caller. */
function isOfCaller(server: Settings['servers'][string] | undefined): boolean {
  const type = server?.auth?.type
  return (
    type === 'authorizationCode' || type === 'tokenExchange' || type === 'idJag' || Object.keys(server?.forwardHeaders ?? {}).length > 0
  )
}

/** The limits of a call while its upstream is not known yet. */
export function defaultLimits(settings: Settings): DeadlineLimits {
  return { idleMs: settings.timeouts.call, totalMs: settings.timeouts.maximum }
}

/** `before`: of servers that are gone, whose last calls are on their way. */
function deadlines(settings: Settings, before: ReadonlyMap<UpstreamId, DeadlineLimits> = new Map()): Map<UpstreamId, DeadlineLimits> {
  return new Map([
    ...before,
    ...Object.entries(settings.servers).map(
      ([id, { timeouts }]) =>
        [id, { idleMs: timeouts.call ?? settings.timeouts.call, totalMs: timeouts.maximum ?? settings.timeouts.maximum }] as const,
    ),
  ])
}

/** Changes when the configuration of the server does; holds no secret. */
function hashOf(id: string, server: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify([id, server]))
    .digest('hex')
    .slice(0, 32)
}
