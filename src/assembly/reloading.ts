// Puts another configuration into force while the gateway runs: reads and checks it as the start does, refuses it as a whole where it cannot be, starts
// what changed servers need beside what serves, and changes over between two calls. One at a time; whatever comes of it is logged, counted and told.
import type { UpstreamId } from '../core/call/call.ts'
import { Deadline } from '../core/call/deadline.ts'
import type { Principal } from '../core/call/principal.ts'
import { Switch } from '../core/call/signal.ts'
import { inBackground, reportBug } from '../core/ports/boundary.ts'
import type { Clock } from '../core/ports/clock.ts'
import type { Decisions } from '../core/ports/decisions.ts'
import type { Report } from '../core/ports/report.ts'
import type { Redaction } from '../core/secrets/redaction.ts'
import type { LockFile } from '../gateway/contracts/index.ts'
import { differences, valueAt } from '../platform/config/differences.ts'
import type { Revision, Revisions } from '../platform/config/revisions.ts'
import { WatchedFile } from '../platform/config/watched-file.ts'
import { configurationDigest } from './configuration-digest.ts'
import type { Candidate, ConfigurationSource } from './configuration-source.ts'
import type { Inside } from './gateway.ts'
import { LiveSettings } from './live-settings.ts'
import { type Broken, lockProblems, planOf, type ServerPlan } from './server-plan.ts'
import type { Settings } from './settings.ts'
import { shownSettings } from './shown-settings.ts'
import type { Exit } from './upstreams.ts'

export interface ReloadingParts {
  readonly live: LiveSettings
  /** Undefined where the gateway was started without a file. */
  readonly source: ConfigurationSource | undefined
  readonly broken: Broken
  readonly lock: LockFile | undefined
  readonly inside: Inside
  readonly revisions: Revisions
  readonly redaction: Redaction
  readonly decisions: Decisions
  readonly clock: Clock
  readonly report: Report
  /** What must never be written down, and which files no confined child may see, from now on. */
  learn(settings: Settings, candidate: Pick<Candidate, 'secrets' | 'files'>): void
  /** Makes ready what is known of the tools of these servers; what is given puts it into force. */
  contracts(settings: Settings, lock: LockFile | undefined): Promise<() => void>
  /** Told in the moment in which another configuration came into force. */
  followed(lock: LockFile | undefined): void
}

/** One key that is another. */
export interface Change {
  /** `servers.tracker.url`. */
  readonly key: string
  /** As operators may see it; absent where the key is not there. */
  readonly before?: unknown
  readonly after?: unknown
  /** A secret is another, which nobody is shown. */
  readonly secret?: true
}

export type ReloadOutcome = 'applied' | 'unchanged' | 'refused' | 'checked'

export interface Reloaded {
  /** `checked`: it could be put into force, and was not, as it was asked. */
  readonly outcome: ReloadOutcome
  /** Of what is in force now; undefined where the store could not keep it. */
  readonly revision: number | undefined
  readonly digest: string
  /** Why it was refused. */
  readonly problems: readonly string[]
  readonly changes: readonly Change[]
  readonly servers: ServerPlan
  /** Not the configuration but a condition failed: another is in force than who asked believes. */
  readonly isStale?: true
}

export interface ReloadWish {
  /** In place of what stands in the file. */
  readonly text?: string
  /** Digests of which one must be in force. */
  readonly ifDigest?: readonly string[]
  /** Changes nothing. */
  readonly onlyCheck?: boolean
  readonly author: string
  /** Undefined of what no person asked for at a door. */
  readonly principal?: Principal | undefined
}

/** Reloads that wait for the one that is under way. */
const mostWaiting = 16
/** A file that can be read and has stood still for so long, in ms, is whole; one that cannot be read may still be written until it has stood for longer. */
const wholeMs = 1_000
const brokenMs = 5_000
/** How often it is looked whether the last call has left what is served no more, in ms, and how long its end may take then. */
const lookMs = 50
const endMs = 2_000
/** Beyond the time that a server has to start, in ms. */
const startMs = 2_000

const nobody: ServerPlan = { added: [], removed: [], replaced: [], adjusted: [] }

export class Reloading {
  private readonly parts: ReloadingParts
  private readonly ended = new Switch()
  private readonly retiring = new Set<Promise<void>>()
  private tail: Promise<unknown> = Promise.resolve()
  private waiting = 0
  private settings: Settings
  private broken: Broken
  private lock: LockFile | undefined
  private current: string
  private kept: Revision | undefined
  private watched: WatchedFile | undefined

  constructor(parts: ReloadingParts) {
    this.parts = parts
    this.settings = { ...parts.live.view }
    this.broken = parts.broken
    this.lock = parts.lock
    this.current = configurationDigest(this.settings)
  }

  /** Of what is in force. */
  get digest(): string {
    return this.current
  }

  get revision(): Revision | undefined {
    return this.kept
  }

  get source(): ConfigurationSource | undefined {
    return this.parts.source
  }

  /** Keeps what the start put into force, and looks at the file from then on. Never rejects. */
  async start(): Promise<void> {
    const { source, clock } = this.parts
    if (source === undefined) return
    await this.keep('start', source.text)
    if (source.file === undefined || this.ended.aborted) return
    this.watched = new WatchedFile(clock, source.file, (stillMs) => this.written(stillMs))
  }

  /** Resolves once what is served no more has drained. */
  async end(): Promise<void> {
    this.watched?.close()
    this.ended.abort('drain')
    await this.tail
    await Promise.all(this.retiring)
  }

  /** Never rejects: a bug of ours is a refusal, and nothing changed. */
  reload(wish: ReloadWish): Promise<Reloaded> {
    if (this.waiting >= mostWaiting || this.ended.aborted) {
      return Promise.resolve(this.refused(['too many reloads wait, or the gateway is ending'], [], wish))
    }
    this.waiting += 1
    const done = this.tail
      .then(() => this.inTurn(wish))
      .finally(() => {
        this.waiting -= 1
      })
    this.tail = done
    return done
  }

  private async written(stillMs: number): Promise<boolean> {
    if (stillMs < wholeMs) return false
    const read = await this.parts.source?.read().catch(() => undefined)
    if (read?.ok !== true && stillMs < brokenMs) return false
    await this.reload({ author: 'file' })
    return true
  }

  private async inTurn(wish: ReloadWish): Promise<Reloaded> {
    try {
      return await this.attempt(wish)
    } catch (bug) {
      reportBug(this.parts.report, 'config', bug)
      return this.refused(['an internal error, see the log'], [], wish)
    }
  }

  private async attempt(wish: ReloadWish): Promise<Reloaded> {
    const { source } = this.parts
    if (source === undefined) return this.refused(['the gateway was started without a file, so that there is nothing to read'], [], wish)
    if (wish.ifDigest !== undefined && !wish.ifDigest.includes(this.current)) {
      return { ...this.refused(['another configuration is in force'], [], wish), isStale: true }
    }
    const read = await source.read(wish.text)
    if (!read.ok) return this.refused(read.problems, [], wish)
    const { candidate } = read
    this.parts.learn(candidate.settings, candidate)
    const broken = new Map(candidate.broken.map(({ server, reason }) => [server, reason]))
    const changes = this.changesTo(candidate.settings)
    const plan = planOf(this.settings, candidate.settings, this.broken, broken)
    const problems = [...this.restartsFor(candidate.settings), ...lockProblems(this.lock, candidate.lock, plan)]
    if (problems.length > 0) return this.refused(problems, changes, wish)
    const isSame = changes.length === 0 && plan.replaced.length === 0
    if (isSame || wish.onlyCheck === true)
      return this.told({ ...this.result(isSame ? 'unchanged' : 'checked'), changes, servers: plan }, wish)
    return this.putInForce(candidate, broken, plan, changes, wish)
  }

  private async putInForce(
    candidate: Candidate,
    broken: Broken,
    plan: ServerPlan,
    changes: readonly Change[],
    wish: ReloadWish,
  ): Promise<Reloaded> {
    const { live, inside, contracts, followed, report } = this.parts
    const { settings, lock } = candidate
    const exits = new Map<UpstreamId, Exit>()
    for (const id of [...plan.added, ...plan.replaced]) {
      const server = settings.servers[id]
      if (server !== undefined) exits.set(id, inside.servers.exitOf(id, server, broken.get(id)))
    }
    const unready = await this.unreadyOf(plan.replaced, exits, settings)
    const apply = unready.length === 0 && !this.ended.aborted ? await contracts(settings, lock) : undefined
    if (apply === undefined || this.ended.aborted) {
      for (const [id, exit] of exits) this.retire(id, exit)
      return this.refused(unready.length > 0 ? unready : ['the gateway is ending'], changes, wish)
    }
    // From here to the end of `serve` nothing else runs: no call sees a half of it.
    live.follow(settings)
    this.settings = settings
    this.broken = broken
    this.lock = lock
    this.current = configurationDigest({ ...live.view })
    apply()
    followed(lock)
    const gone = inside.servers.serve(exits)
    for (const [id, exit] of gone) this.retire(id, exit)
    for (const warning of candidate.warnings) report.log('warn', 'The configuration has something that may be wrong', { warning })
    await this.keep(wish.author, candidate.text)
    return this.told({ ...this.result('applied'), changes, servers: plan }, wish)
  }

  /** Why servers that serve now would serve no more: what takes their place does not come up. */
  private async unreadyOf(
    replaced: readonly UpstreamId[],
    exits: ReadonlyMap<UpstreamId, Exit>,
    settings: Settings,
  ): Promise<readonly string[]> {
    const { inside, clock } = this.parts
    const problems = await Promise.all(
      replaced.map(async (id): Promise<readonly string[]> => {
        const exit = exits.get(id)
        if (exit === undefined || inside.upstreams.get(id)?.health().state !== 'ready') return []
        const server = settings.servers[id]
        const limit = new Switch()
        const timer = clock.timer((server?.timeouts.start ?? settings.timeouts.start) + startMs, () => limit.abort('deadline'))
        const ends = (): void => limit.abort('drain')
        this.ended.addEventListener('abort', ends)
        const fault = await exit.upstream.ready(limit)
        this.ended.removeEventListener('abort', ends)
        timer.cancel()
        // Who waits for a user to sign in waits with any configuration.
        if (fault === undefined || fault.kind === 'reauth_required' || fault.kind === 'insufficient_scope') return []
        return [`servers.${id}: it serves now, and would not with this: ${String(fault.detail.reason ?? fault.message)}`]
      }),
    )
    return problems.flat()
  }

  private restartsFor(settings: Settings): readonly string[] {
    const view: Readonly<Record<string, unknown>> = { ...this.settings }
    const found = differences(view, { ...settings })
      .filter(({ path: [key = ''] }) => !LiveSettings.takes(key))
      .map(({ path }) => `${path.join('.')}: another value of it needs a restart`)
    const hasAuth = ({ servers }: Settings): boolean =>
      Object.values(servers).some(({ auth }) => auth !== undefined && auth.type !== 'none')
    const first =
      hasAuth(settings) && !hasAuth(this.parts.live.view) ? ['servers.*.auth: the first server with `auth` needs a restart'] : []
    return [...found, ...first]
  }

  private changesTo(settings: Settings): readonly Change[] {
    const { redaction } = this.parts
    const [before, after] = [shownSettings(this.settings, redaction), shownSettings(settings, redaction)]
    return differences({ ...this.settings }, { ...settings }).map(({ path }) => {
      const [was, is] = [valueAt(before, path), valueAt(after, path)]
      const key = path.join('.')
      if (JSON.stringify(was) === JSON.stringify(is)) return { key, secret: true }
      return { key, ...(was === undefined ? {} : { before: was }), ...(is === undefined ? {} : { after: is }) }
    })
  }

  /** Drains an exit that is served no more, once no call is at it or the time is over. */
  private retire(id: UpstreamId, exit: Exit): void {
    const { report } = this.parts
    const retired = this.drained(id, exit).finally(() => this.retiring.delete(retired))
    this.retiring.add(retired)
    inBackground(report, 'config', retired)
  }

  private async drained(id: UpstreamId, exit: Exit): Promise<void> {
    const { inside, clock, live, report } = this.parts
    const until = clock.mono() + live.view.drain.graceMs
    // A call between two stages is at none for a moment.
    for (let idle = 0; idle < 2 && clock.mono() < until && !this.ended.aborted; ) {
      await this.pause()
      idle = inside.servers.isIdle(id, exit) ? idle + 1 : 0
    }
    const deadline = new Deadline(clock, { idleMs: endMs, totalMs: endMs }, () => undefined)
    await exit.upstream.drain(deadline)
    deadline.close()
    inside.servers.retired(id, exit)
    report.log('info', 'An exit that is served no more has ended', { upstream: id })
  }

  private pause(): Promise<void> {
    return new Promise((resolve) => {
      const { ended } = this
      const early = (): void => {
        timer.cancel()
        resolve()
      }
      const timer = this.parts.clock.timer(lookMs, () => {
        ended.removeEventListener('abort', early)
        resolve()
      })
      ended.addEventListener('abort', early)
    })
  }

  private async keep(author: string, text: string): Promise<void> {
    const { revisions, redaction, live, report } = this.parts
    const shown = JSON.stringify(shownSettings(live.view, redaction))
    const kept = await revisions.keep({ author, digest: this.current, shown, text }).catch((error: unknown) => String(error))
    this.kept = typeof kept !== 'string' && kept.ok ? kept.value : undefined
    if (this.kept !== undefined) return
    const reason = typeof kept === 'string' ? kept : kept.ok ? '' : kept.fault.message
    report.log('warn', 'The configuration that is in force could not be kept as a revision', { reason })
  }

  private result(outcome: ReloadOutcome): Reloaded {
    return { outcome, revision: this.kept?.number, digest: this.current, problems: [], changes: [], servers: nobody }
  }

  private refused(problems: readonly string[], changes: readonly Change[], wish: ReloadWish): Reloaded {
    return this.told({ ...this.result('refused'), problems: problems.slice(0, mostProblems), changes }, wish)
  }

  private told(reloaded: Reloaded, { author, principal, onlyCheck }: ReloadWish): Reloaded {
    const { report, decisions, clock } = this.parts
    const { outcome, revision, servers, problems, changes } = reloaded
    if (onlyCheck === true) return reloaded
    report.counters.add('config_reloads', { outcome })
    const { added, removed, replaced, adjusted } = servers
    if (outcome === 'applied')
      report.log('info', 'Another configuration is in force', { author, revision, added, removed, replaced, adjusted })
    if (outcome === 'refused') {
      const keys = changes.slice(0, mostProblems).map(({ key }) => key)
      report.log('warn', 'A configuration was refused; the one before stays in force', { author, problems, changes: keys })
    }
    // An operator at the door is noted there.
    if (author !== 'file' && author !== 'SIGHUP') return reloaded
    const reason = `${outcome}${revision === undefined ? '' : `, revision ${revision} is in force`}${problems.length === 0 ? '' : `: ${problems.join('; ')}`}`
    decisions.note({
      id: '',
      atMs: clock.now(),
      about: 'operation',
      allowed: outcome !== 'refused',
      principal,
      method: 'reload',
      upstream: undefined,
      item: undefined,
      rule: author,
      credential: '',
      reason: `reload by ${author}: ${reason}`.slice(0, longestReason),
    })
    return reloaded
  }
}

/** That are told of one refusal. */
const mostProblems = 100
const longestReason = 2_000
