// The registry of the tools that servers list: for each the contract that is stood for towards callers, and what its server says now. The
// catalog asks it with every list; what has changed is judged first, within bounds, since a server may change its tools as often as it likes.
import type { Call } from '../../core/call/call.ts'
import type { UpstreamId } from '../../core/call/item.ts'
import { inBackground, reportBug } from '../../core/ports/boundary.ts'
import type { Contracts, ListedTool, Ruled, ToolRuling } from '../../core/ports/contracts.ts'
import { idOf } from './contract-text.ts'
import type { KeptTool } from './history.ts'
import { Intake, lockId } from './intake.ts'
import { OlderJudging } from './older-judging.ts'
import { Readers } from './readers.ts'
import { type Governance, type RegistryParts, type Served, toolKey } from './served.ts'
import { Telling } from './telling.ts'
import { ToolsByName } from './tools-by-name.ts'
import { type TrackedParts, TrackedTool } from './tracked.ts'

/** Time that the judgements of one list may take together, in ms; the rest waits for the next. */
const listMs = 5_000
/** Tools that are looked at in one go. */
const slice = 250
/** Work without a pause, in ms. */
const longestMs = 10
/** Tools of a server that are kept though it lists them no more. */
const mostGone = 10_000

export class Registry implements Contracts {
  readonly served: Map<UpstreamId, Served>
  readonly intake: Intake
  readonly parts: RegistryParts
  private readonly readers = new Readers()
  private readonly olderJudging: OlderJudging
  private readonly listeners = new Set<(upstream: UpstreamId) => void>()
  /** Their digests are to be read. */
  private readonly unread = new Map<TrackedTool, Served>()
  private epoch = 0
  private isReading = false
  private ended = false

  constructor(parts: RegistryParts) {
    this.parts = parts
    this.intake = new Intake(parts, {
      changed: (served, tool) => this.changed(served, tool),
      isEnding: () => this.ended,
    })
    this.olderJudging = new OlderJudging(parts, () => this.ended)
    this.served = new Map([...parts.servers].map(([id, governance]) => [id, unseen(id, governance)]))
  }

  /** Brings back what was stood for before the start. Never rejects. */
  start(): Promise<void> {
    return this.bringBack(this.served)
  }

  /**
   * Another configuration of servers: brings back what was stood for of those that are new or are let in otherwise, and changes nothing. What is
   * given puts it into force, at once. Never rejects.
   */
  async changing(servers: ReadonlyMap<UpstreamId, Governance>): Promise<() => void> {
    const fresh = new Map<UpstreamId, Served>()
    for (const [id, governance] of servers) {
      const now = this.served.get(id)
      if (now?.admit !== governance.admit || now.environment !== governance.environment) fresh.set(id, unseen(id, governance))
    }
    if (fresh.size > 0) await this.bringBack(fresh)
    return () => {
      const before = new Map(this.served)
      this.served.clear()
      for (const [id, governance] of servers) {
        const now = fresh.get(id) ?? before.get(id) ?? unseen(id, governance)
        this.served.set(id, Object.assign(now, governance))
      }
    }
  }

  private async bringBack(into: ReadonlyMap<UpstreamId, Served>): Promise<void> {
    for (const kept of (await this.parts.history?.load()) ?? []) {
      const served = into.get(kept.upstream)
      if (served === undefined || served.environment !== kept.environment || !this.holds(served, kept)) continue
      try {
        served.tools.set(kept.tool, restored(kept, this.intake.shared))
      } catch (bug) {
        // A tool that is seen for the first time is better than none.
        reportBug(this.parts.report, 'contracts', bug)
      }
    }
  }

  /** Nothing is judged or read any more. */
  end(): void {
    this.ended = true
  }

  onChange(listener: (upstream: UpstreamId) => void): () => void {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  read(call: Call, first: boolean): void {
    this.readers.note(call, first, this.epoch)
  }

  /** Of the list that the caller of this call has read last; undefined where it is not known. */
  readBy(call: Call): number | undefined {
    return this.readers.of(call)
  }

  async rule(upstream: UpstreamId, tools: readonly ListedTool[], session: boolean): Promise<Ruled> {
    const served = this.served.get(upstream)
    if (served === undefined) return { rulings: tools.map(() => asSent), inForce: () => undefined }
    const known = this.unchanged(served, tools, session)
    return known ?? this.inTurn(served, () => this.ruledAnew(served, tools, session))
  }

  /** Work on the tools of a server, one after the other. */
  inTurn<T>(served: Served, work: () => Promise<T>): Promise<T> {
    const done = served.queue.then(work)
    served.queue = done.catch(() => undefined)
    return done
  }

  /** What an operator decided holds: it is kept, and whoever shows the tools hears of it. Resolves when it was tried to keep it. */
  async decided(served: Served, tool: TrackedTool): Promise<void> {
    served.news.add(tool)
    tool.seen = undefined
    await this.intake.read(tool.live)
    tool.read()
    this.olderJudging.add(tool)
    for (const listener of this.listeners) listener(served.id)
    this.note(served, tool)
    await this.parts.history?.keep(keptOf(served, tool))
  }

  private unchanged(served: Served, tools: readonly ListedTool[], session: boolean): Ruled | undefined {
    if (!session && tools.length !== served.listed.size) return undefined
    const rulings: ToolRuling[] = []
    for (const listed of tools) {
      const tool = served.tools.get(listed.name)
      // Of two that took turns it may be time to say that they do no more.
      if (tool?.seen !== listed || tool.state === 'split' || this.intake.isOver(served, tool)) return undefined
      rulings.push(tool.ruling)
    }
    return this.ruled(served, rulings)
  }

  private ruled(served: Served, rulings: readonly ToolRuling[]): Ruled {
    return { rulings, inForce: () => this.inForce(served) }
  }

  private inForce(served: Served): void {
    if (served.news.size === 0) return
    const next = this.epoch + 1
    let isNew = false
    for (const tool of served.news) isNew = tool.inForce(next) || isNew
    served.news.clear()
    if (isNew) this.epoch = next
  }

  private async ruledAnew(served: Served, tools: readonly ListedTool[], session: boolean): Promise<Ruled> {
    const { clock, report } = this.parts
    const telling = new Telling(this.parts, served)
    let others: ReadonlySet<string> | undefined
    const otherTools = (): ReadonlySet<string> => {
      others ??= this.namesBeside(served, tools)
      return others
    }
    const taking = { served, session, until: clock.mono() + listMs, telling, otherTools }
    const rulings: ToolRuling[] = []
    let since = clock.mono()
    for (const [index, listed] of tools.entries()) {
      // Lets calls pass.
      if (index > 0 && (index % slice === 0 || clock.mono() - since > longestMs)) {
        await new Promise<void>((resolve) => void clock.timer(0, resolve))
        since = clock.mono()
      }
      try {
        rulings.push(await this.intake.rulingOf(taking, listed))
      } catch (bug) {
        reportBug(report, 'contracts', bug)
        rulings.push(unreadable)
      }
    }
    telling.end()
    if (!session) this.gone(served, tools)
    return this.ruled(served, rulings)
  }

  private namesBeside(served: Served, listed: readonly ListedTool[]): ReadonlySet<string> {
    const names = new Set<string>()
    for (const { id, tools } of this.served.values()) {
      if (id !== served.id) for (const name of tools.keys()) names.add(name).add(`${id}__${name}`)
    }
    // Of two servers that have a tool of one name each speaks of its own.
    for (const name of served.tools.keys()) names.delete(name)
    for (const { name } of listed) names.delete(name)
    return names
  }

  /** What is listed no more stays known, so that it is told from something new when it comes back: of too many, what was here longest. */
  private gone(served: Served, tools: readonly ListedTool[]): void {
    const now = this.parts.clock.now()
    const before = served.listed
    served.listed = new Set(tools.map(({ name }) => name))
    for (const name of before) {
      const tool = served.listed.has(name) ? undefined : served.tools.get(name)
      if (tool !== undefined) tool.lastSeenMs = now
    }
    if (served.tools.size - served.listed.size <= mostGone) return
    const lived = ({ firstSeenMs, lastSeenMs }: TrackedTool): number => lastSeenMs - firstSeenMs
    // What an operator decided stays: operators bound that.
    const isDecided = ({ approval, rejected, state }: TrackedTool): boolean =>
      approval?.as === 'approved' || state === 'rejected' || rejected.length > 0
    const unlisted = [...served.tools.values()].filter((tool) => !served.listed.has(tool.name) && !isDecided(tool))
    for (const tool of unlisted.sort((a, b) => lived(b) - lived(a)).slice(mostGone / 2)) {
      served.tools.delete(tool.name)
      this.unread.delete(tool)
      this.parts.history?.forget(toolKey(served, tool))
    }
  }

  private changed(served: Served, tool: TrackedTool): void {
    const { history } = this.parts
    this.olderJudging.add(tool)
    if (history !== undefined) inBackground(this.parts.report, 'contracts', history.keep(keptOf(served, tool)))
    if (tool.live.digests === undefined || (tool.approved !== undefined && tool.approved.digests === undefined)) {
      this.unread.set(tool, served)
      if (!this.isReading) inBackground(this.parts.report, 'contracts', this.readAll())
    } else this.note(served, tool)
  }

  /** Digests of what nobody has compared yet, one after the other beside everything else. */
  private async readAll(): Promise<void> {
    this.isReading = true
    try {
      for (let next = this.unread.entries().next(); !next.done && !this.ended; next = this.unread.entries().next()) {
        const [tool, served] = next.value
        this.unread.delete(tool)
        if ((await this.intake.read(tool.live)) === undefined) continue
        if (tool.approved !== undefined) await this.intake.read(tool.approved)
        tool.read()
        this.note(served, tool)
        await this.parts.history?.keep(keptOf(served, tool))
      }
    } finally {
      this.isReading = false
    }
  }

  private note(served: Served, tool: TrackedTool): void {
    const { live, state, approval, change, latest } = tool
    const id = idOf(live.digests)
    if (id === undefined || live.digests === undefined) return
    const now = this.parts.clock.now()
    this.parts.history?.note({
      ...toolKey(served, tool),
      id,
      digests: live.digests,
      definition: live.sent.bytes,
      state,
      approval: change === undefined ? approval : undefined,
      judgement: latest,
      firstSeenMs: now,
      lastSeenMs: now,
    })
  }

  /** Whether what was kept still holds by the configuration of now. */
  private holds(served: Served, kept: KeptTool): boolean {
    const lock = lockId(this.intake.lockOf(served, kept.tool))
    if (lock !== kept.lock) return false
    if (served.admit === 'locked') return lock !== undefined || kept.approval?.as === 'approved' || kept.state === 'rejected'
    return kept.approved !== undefined || kept.state === 'rejected'
  }
}

function unseen(id: UpstreamId, governance: Governance): Served {
  return { ...governance, id, tools: new ToolsByName(), news: new Set(), queue: Promise.resolve(), listed: new Set() }
}

const asSent: ToolRuling = { shown: 'sent', contract: undefined }
const unreadable: ToolRuling = {
  shown: 'nothing',
  reason: 'its contract could not be read: an internal error, see the log',
  contract: undefined,
}

function keptOf(served: Served, tool: TrackedTool): KeptTool {
  const { state, approved, live, approval, change, rejected, lock, translations, firstSeenMs, lastSeenMs } = tool
  const lists = { rejected: [...rejected], translations: translations.kept }
  return { ...toolKey(served, tool), state, approved, live, approval, change, ...lists, lock, firstSeenMs, lastSeenMs }
}

function restored(kept: KeptTool, parts: TrackedParts): TrackedTool {
  const { approved, live } = kept
  const isSame = approved !== undefined && Buffer.compare(approved.sent.bytes, live.sent.bytes) === 0
  const tool = new TrackedTool(kept.upstream, kept.tool, live, kept.firstSeenMs, parts)
  tool.lastSeenMs = kept.lastSeenMs
  tool.restore({ ...kept, approved: isSame ? live : approved })
  return tool
}
