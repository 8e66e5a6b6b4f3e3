// A gateway from start to end: opens the platform, assembles the inside, opens the doors, and drains in the order that loses nothing:
// readiness first, then the doors with what runs, then the upstreams, then the store.
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { Deadline } from '../core/call/deadline.ts'
import { onBatchBug } from '../core/call/loop-batch.ts'
import { Switch } from '../core/call/signal.ts'
import { guardedClock, inBackground, reportBug, stackOf } from '../core/ports/boundary.ts'
import type { Clock } from '../core/ports/clock.ts'
import type { Durable } from '../core/ports/durable.ts'
import { adminResource } from '../core/ports/public-address.ts'
import type { Report } from '../core/ports/report.ts'
import { KnownValues } from '../core/secrets/known-values.ts'
import { Redaction } from '../core/secrets/redaction.ts'
import type { StoreStatus, UpstreamStatus } from '../downstream/index.ts'
import {
  type Audit,
  CallFeed,
  createClientStore,
  createInventory,
  createLog,
  createMetrics,
  createRecorder,
  createRedactor,
  createStageTimes,
  type Gauges,
  type InventorySaving,
  mostClients,
  redactedDecisions,
  saveInventory,
} from '../observe/index.ts'
import { systemClock } from '../platform/clock/system-clock.ts'
import { Revisions } from '../platform/config/revisions.ts'
import { systemRandom } from '../platform/random/system-random.ts'
import { adminToken } from '../platform/seal/admin-token.ts'
import { createSealer, freshKey, loadKey } from '../platform/seal/aes-sealer.ts'
import { type AssembledAlerting, assembleAlerting } from './alerting.ts'
import { assembleAudit } from './audit.ts'
import { auditVerifierOf } from './audit-places.ts'
import { type Auth, assembleAuth } from './auth.ts'
import { boundUrl } from './bound-url.ts'
import { createContractJudge } from './contracts.ts'
import { type AssembledCredentials, assembleCredentials } from './credentials.ts'
import { warnOfDeprecated } from './deprecations.ts'
import { type Doors, openDoors } from './doors.ts'
import { endedInTime } from './failed-start.ts'
import { assembleInside, type Inside } from './gateway.ts'
import { knownSecrets } from './known-secrets.ts'
import { LiveSettings } from './live-settings.ts'
import { auditReading, lookingBack } from './looking-back.ts'
import { assembleOperating } from './operating.ts'
import { Outsiders } from './outsiders.ts'
import { type AssembledRegistry, assembleRegistry } from './registry.ts'
import { type Reloaded, Reloading } from './reloading.ts'
import { keepRewrapping, type Rewrapping } from './rewrapping.ts'
import type { GatewayOptions, RunningGateway, ServerStatus } from './running-gateway.ts'
import { ServiceLevels } from './service-levels.ts'
import type { Settings } from './settings.ts'
import { createDurable, outlivesRestart } from './stores.ts'
import { assembleTelemetry, type Telemetry } from './telemetry.ts'
import { allListed, serverStatuses, upstreamGauges, upstreamPages } from './upstream-pages.ts'
import { type AssembledVersions, assembleVersions } from './versions.ts'

/** Starts and opens the doors at once; upstreams connect meanwhile. Rejects where the address or the state folder cannot be had. */
export async function startGateway(settings: Settings, options: GatewayOptions): Promise<RunningGateway> {
  const gateway = new Running(settings, options)
  await gateway.open()
  return gateway
}

class Running implements RunningGateway {
  readonly ended: Promise<void>
  private readonly settings: Settings
  private readonly options: GatewayOptions
  private readonly report: Report
  private readonly clock: Clock
  private readonly flush: () => Promise<void>
  private readonly durable: Durable
  private readonly saving: InventorySaving
  private readonly audit: Audit | undefined
  private readonly redaction: Redaction
  private readonly telemetry: Telemetry
  private readonly auth: Auth
  private readonly credentials: AssembledCredentials
  private readonly versions: AssembledVersions
  private readonly inside: Inside
  private readonly registry: AssembledRegistry
  private readonly alerting: AssembledAlerting
  private readonly levels: ServiceLevels
  private rewrapping: Rewrapping | undefined
  private readonly doors: Doors
  private readonly reloading: Reloading
  private readonly draining = new AbortController()
  private drained: Promise<void> | undefined
  private finish: () => void = () => undefined
  private serving = false
  private bound: RunningGateway['address']
  private adminBound: RunningGateway['address']

  constructor(given: Settings, options: GatewayOptions) {
    const live = new LiveSettings(given)
    const settings = live.view
    this.settings = settings
    this.options = options
    this.ended = new Promise((resolve) => {
      this.finish = resolve
    })
    const sealKey = settings.stateDir === undefined ? freshKey() : loadKey(join(settings.stateDir, 'seal.key'))
    const ownToken =
      settings.stateDir !== undefined && (settings.profile === 'production' || settings.admin.roles.length > 0)
        ? adminToken(settings.stateDir, sealKey)
        : undefined
    const secrets = knownSecrets(settings, [...(options.secrets ?? []), ...(ownToken === undefined ? [] : [ownToken])])
    const issued = KnownValues.of([])
    const ownClock = options.clock ?? systemClock
    const redaction = new Redaction(settings.redact, [KnownValues.of(secrets), issued])
    this.redaction = redaction
    const sink = createLog(settings.log, createRedactor(secrets, issued), ownClock, undefined, redaction)
    const inventory = createInventory()
    const feed = new CallFeed()
    const stages = settings.telemetry.stages ? createStageTimes(ownClock) : undefined
    const metrics = createMetrics({ ...this.gauges(), clients: () => inventory.counts(), stages: () => stages?.times() ?? [] })
    const sealer = createSealer(sealKey, systemRandom)
    const redact = (text: string): string => redaction.recognised(text)
    this.levels = new ServiceLevels({
      settings,
      clock: ownClock,
      log: sink.log,
      counters: metrics.counters,
      redact,
      versionOf: (server) => this.inside.upstreams.get(server)?.describe().identity?.version,
      planOf: (server, tool) => this.versions.ends.planOf(server, tool),
    })
    this.report = this.levels.report
    onBatchBug((bug) => reportBug(this.report, 'loop_batch', bug))
    const clock = guardedClock(ownClock, this.report)
    this.clock = clock
    this.flush = () => sink.flush()
    const replica = systemRandom.id()
    this.telemetry = assembleTelemetry({
      settings,
      env: options.otel ?? {},
      instance: replica,
      sealKey,
      redaction,
      metrics,
      proxies: options.proxies,
      clock,
      random: systemRandom,
      report: this.report,
    })
    issued.add(this.telemetry.secrets)
    this.durable = createDurable(settings, clock, this.report, options.migrates)
    this.saving = saveInventory(inventory, createClientStore(this.durable, mostClients), clock, sink.log)
    // What is in memory is gone when somebody could read it.
    const durable = outlivesRestart(settings) ? this.durable : undefined
    const { durable: store, report } = this
    this.audit = assembleAudit({
      settings,
      durable: store,
      clock,
      random: systemRandom,
      report,
      redaction,
      sealKey,
      committed: metrics.committed,
    })
    this.auth = assembleAuth({
      settings,
      clock,
      random: systemRandom,
      durable: this.durable,
      decisions: this.audit === undefined ? { note: () => undefined } : redactedDecisions(this.audit, redaction),
      proxies: options.proxies,
      report: this.report,
      scopes: { first: (mount) => this.inside.scopes.first(mount), all: (mount) => this.inside.scopes.all(mount) },
      mounts: () => [...this.inside.gateway.mounts(), ...(settings.admin.roles.length > 0 ? [adminResource] : [])],
      boundUrl: () => this.boundUrl(),
      seen: (principal) => {
        this.inside.events.seen(principal)
        this.credentials.callerSeen(principal)
      },
    })
    this.credentials = assembleCredentials({
      settings,
      auth: this.auth,
      durable: this.durable,
      clock,
      random: systemRandom,
      report: this.report,
      issued: (server, values) => {
        issued.add(values)
        this.inside.issued(server, values)
      },
      discoverable: (server) => this.inside.catalog.refresh(server),
      rescoped: (server, principal) => this.inside.upstreams.get(server)?.rescoped?.(principal),
    })
    this.registry = assembleRegistry({
      settings,
      lock: options.lock,
      judge: createContractJudge(clock),
      durable: this.durable,
      clock,
      report: this.report,
      decisions: this.auth.decisions,
    })
    const outsiders = new Outsiders()
    this.versions = assembleVersions({
      settings,
      lock: options.lock,
      durable: this.durable,
      clock,
      report: this.report,
      listed: (upstream) => this.inside.catalog.tools(upstream),
    })
    const hidden = new Set([...(settings.stateDir === undefined ? [] : [settings.stateDir]), ...(options.files ?? [])])
    const broken = new Map((options.broken ?? []).map(({ server, reason }) => [server, reason]))
    this.inside = assembleInside({
      settings,
      broken,
      hidden,
      clock,
      random: systemRandom,
      isSecret: (text) => redaction.isKnownIn(Buffer.from(text)),
      report: this.report,
      sealer,
      durable,
      recorder: this.levels.observing(
        feed.telling(
          this.versions.usage.counting(createRecorder(sink, metrics, inventory, this.telemetry.traces, redaction, settings.log)),
        ),
      ),
      deprecations: this.versions.ends,
      credentials: (id, server) => this.credentials.of(id, server),
      released: (credentials) => this.credentials.release(credentials),
      replica,
      outside: outsiders,
      identify: (presented) => this.auth.callers.identify(presented),
      proxies: options.proxies,
      decisions: this.auth.decisions,
      audit: this.audit,
      registry: this.registry.registry,
      challenge: (mount, scopes) => this.auth.callers.challenge(mount, scopes),
      wrap: stages?.wrap,
    })
    this.alerting = assembleAlerting({
      settings,
      clock,
      random: systemRandom,
      report: this.report,
      durable,
      gateway: replica,
      proxies: options.proxies,
      redact,
      levels: this.levels,
      quality: this.inside.quality,
      runs: this.inside.limits,
      trouble: () => this.durable.trouble(),
      upstreams: () => this.upstreams(),
      contracts: () => this.registry.operators.counts(),
    })
    warnOfDeprecated(this.inside.upstreams.values(), settings.sse, this.report)
    outsiders.upstreams = this.inside.upstreams
    outsiders.catalog = this.inside.catalog
    const revisions = new Revisions(this.durable, this.auth.vault, clock)
    this.reloading = new Reloading({
      live,
      source: options.configuration,
      broken,
      lock: options.lock,
      inside: this.inside,
      revisions,
      redaction,
      decisions: this.auth.decisions,
      clock,
      report: this.report,
      learn: (next, { secrets, files }) => {
        issued.add(knownSecrets(next, secrets))
        for (const file of files) hidden.add(file)
      },
      contracts: (next, lock) => this.registry.changing(next, lock),
      followed: (lock) => this.followed(lock),
    })
    this.doors = openDoors({
      settings,
      gateway: this.inside.gateway,
      clock,
      random: systemRandom,
      propagation: this.telemetry.traces.propagation,
      sealer,
      durable,
      decisions: this.auth.decisions,
      report: this.report,
      outsiders,
      draining: this.draining.signal,
      pages: [...this.auth.pages(), ...this.credentials.pages((presented) => this.auth.callers.identify(presented), sealer)],
      ready: () => ({ serving: this.serving, draining: this.draining.signal.aborted }),
      admin: {
        access: {
          token: ownToken,
          roles: settings.admin.roles,
          identify: (presented) => this.auth.callers.identify(presented),
        },
        upstreams: () => this.upstreams(),
        maintenance: this.inside.maintenance,
        budgets: this.inside.limits,
        tools: this.registry.operators,
        versions: this.versions.operators,
        quality: this.inside.quality?.operators,
        alerts: this.alerting.alerts,
        objectives: this.levels.objectives,
        faults: this.levels.shownFaults,
        stores: () => [this.store()],
        clients: () => inventory.clients(),
        lookingBack: this.audit === undefined ? undefined : lookingBack(this.audit, settings.prices.currency),
        audit: this.audit === undefined ? undefined : auditReading(this.audit, () => auditVerifierOf(settings)),
        metrics: (accept) => metrics.text(accept),
        calls: { listen: (listener) => feed.listen(listener, this.report) },
        redaction,
        ...assembleOperating({
          settings,
          source: options.source,
          reloading: this.reloading,
          revisions,
          durable: this.durable,
          auth: this.auth,
          credentials: this.credentials,
          redaction,
          clock,
          random: systemRandom,
        }),
      },
    })
  }

  get address(): RunningGateway['address'] {
    return this.bound
  }

  get adminAddress(): RunningGateway['address'] {
    return this.adminBound
  }

  async open(): Promise<void> {
    // What is listed is judged against what was stood for before the start.
    await this.registry.start()
    this.audit?.start()
    await Promise.all([
      this.versions.plans.start(),
      this.inside.catalog.start(),
      this.inside.limits.start(),
      this.inside.quality?.start(),
      this.levels.start(outlivesRestart(this.settings) ? this.durable : undefined),
      this.auth.callers.start(),
      this.saving.start(),
      this.telemetry.start(),
    ])
    await this.alerting.alerts.start()
    try {
      await this.openDoors()
    } catch (thrown) {
      await endedInTime(this.drain(), this.clock, this.report)
      throw thrown
    }
    this.serving = true
    await this.reloading.start()
    if (this.settings.vault.previous.length > 0) {
      this.rewrapping = keepRewrapping(this.durable, this.auth.vault, this.clock, this.report.log)
    }
    this.report.log('info', 'Serving', { source: this.options.source, ...this.bound, admin: this.adminBound })
    const { stdio } = this.options
    if (stdio === undefined) return
    // A desktop client that leaves ends its gateway.
    const served = this.doors.stdio(stdio.input as Readable, stdio.output as Writable, stdio.mount).then(() => this.drain())
    inBackground(this.report, 'stdio_door', served)
  }

  private async openDoors(): Promise<void> {
    const { listen, admin } = this.options
    if (admin !== undefined) this.adminBound = await this.doors.admin.listen(admin)
    if (listen !== undefined) this.bound = await this.doors.http.listen(listen)
  }

  status(): readonly ServerStatus[] {
    return serverStatuses(this.inside.catalog)
  }

  async settled(timeoutMs: number): Promise<void> {
    const limit = new Switch()
    const timer = systemClock.timer(timeoutMs, () => limit.abort('deadline'))
    await Promise.all([...this.inside.upstreams.values()].map((upstream) => upstream.ready(limit)))
    await allListed(this.inside.catalog, limit)
    timer.cancel()
  }

  async setupLink(): Promise<string | undefined> {
    const { server } = this.auth
    if (server === undefined || this.bound === undefined) return undefined
    try {
      const link = await server.setupLink()
      if (link !== undefined)
        this.report.log('info', 'Nobody can sign in yet: the start printed a link that makes the first operator, once')
      return link
    } catch (error) {
      this.report.log('warn', 'Whether anybody can sign in is not known', { reason: String(error) })
      return undefined
    }
  }

  uncaught(bug: unknown): void {
    this.report.counters.add('bugs', { source: 'uncaught' })
    this.report.log('error', 'A bug in the gateway was not caught; it drains and ends', { stack: stackOf(bug) })
  }

  reload(author: 'SIGHUP'): Promise<Reloaded> {
    return this.reloading.reload({ author })
  }

  drain(): Promise<void> {
    this.drained ??= this.end()
    return this.drained
  }

  private async end(): Promise<void> {
    const { graceMs } = this.settings.drain
    // Of a start that failed whoever started it tells.
    if (this.serving) this.report.log('info', 'Draining', { graceMs })
    this.draining.abort('drain')
    this.inside.events.drain()
    this.inside.catalog.stop()
    const reloaded = this.reloading.end()
    await this.registry.end()
    await this.doors.drain(graceMs)
    await reloaded
    const deadline = new Deadline(this.clock, { idleMs: upstreamGraceMs, totalMs: upstreamGraceMs }, () => undefined)
    await Promise.all([...this.inside.upstreams.values()].map((upstream) => upstream.drain(deadline)))
    deadline.close()
    await this.inside.close()
    this.credentials.close()
    this.rewrapping?.end()
    await this.auth.close()
    await this.doors.admin.close()
    await this.saving.end()
    await this.inside.limits.end()
    await this.alerting.end()
    await this.levels.end()
    await this.inside.quality?.end()
    await this.versions.usage.end()
    await this.audit?.end()
    await this.telemetry.end(lastExportMs)
    await this.durable.close()
    if (this.serving) this.report.log('info', 'Ended')
    await this.flush()
    this.finish()
  }

  /** Another configuration is in force: what was made of the one before is made anew. */
  private followed(lock: GatewayOptions['lock']): void {
    this.versions.relock(lock)
    this.auth.reconfigured()
    this.doors.reconfigured()
    this.levels.reconfigured(this.settings)
  }

  private boundUrl(): string {
    return boundUrl(this.bound ?? this.options.listen, this.settings.tls !== undefined)
  }

  private store(): StoreStatus {
    const trouble = this.durable.trouble()
    return { name: 'durable', ...(trouble === undefined ? { state: 'ready' } : { state: 'degraded', reason: trouble.message }) }
  }

  private upstreams(): readonly UpstreamStatus[] {
    const { catalog, resilience, upstreams } = this.inside
    return upstreamPages(catalog.status(), resilience.gauges(), upstreams, this.redaction)
  }

  private gauges(): Omit<Gauges, 'clients' | 'stages'> {
    return {
      upstreams: () => upstreamGauges(this.inside),
      sessions: () => this.doors.sessions(),
      tools: () => this.registry.operators.counts(),
      alerts: () => this.inside.quality?.operators.open() ?? [],
      results: () => this.inside.quality?.operators.results() ?? [],
      incidents: () => this.alerting.alerts.counts(),
      auditWaiting: () => this.audit?.waiting() ?? 0,
      spansQueued: () => this.telemetry.traces.queued(),
      objectives: () => this.levels.objectives.report(),
    }
  }
}

/** How long what is not exported yet may take, in ms. */
const lastExportMs = 3_000

/** How long upstreams get to end what is in flight once the doors are closed, in ms. */
const upstreamGraceMs = 2_000
