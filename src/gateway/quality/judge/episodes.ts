// What people are told of tools whose results are not as usual: each episode once when it begins, when it grows, and when it ends. Open ones,
// and the last that ended, are kept for who asks.
import { createHash } from 'node:crypto'
import type { Report } from '../../../core/ports/report.ts'
import { onOneLine } from '../../../core/text/terminal.ts'
import type { Alert } from '../looked.ts'

/** A new contract or version of the server, as far as it was seen here. */
export interface Deploy {
  readonly what: string
  readonly atMs: number
}

export interface Episode {
  readonly id: string
  readonly upstream: string
  readonly tool: string
  readonly owner: string | undefined
  readonly kind: Alert['kind']
  /** `info`: it calls nobody. */
  readonly severity: 'warn' | 'info'
  /** Who found it: what is usual of the tool, or the shape that was learned field by field. What the first begins the second does not end. */
  by: FoundBy
  text: string
  readonly sinceMs: number
  updatedMs: number
  results: number
  affected: number
  /** Undefined where it was too long ago when the episode was noticed. */
  readonly firstCall: string | undefined
  /** The last before it. */
  readonly deploy: Deploy | undefined
  acknowledged: 'normal' | 'fault' | undefined
  closedMs: number | undefined
}

/** An open one, for metrics. */
export interface Counted {
  readonly upstream: string
  readonly item: string
  readonly kind: string
  readonly severity: string
}

export type FoundBy = 'history' | 'fields'

/** Of which tool, and what is known beside the alert. */
export interface About {
  readonly upstream: string
  readonly tool: string
  readonly firstCall: string | undefined
  readonly deploy: Deploy | undefined
}

export interface EpisodesParts {
  readonly report: Report
  readonly ownerOf: (upstream: string) => string | undefined
}

const mostOpen = 1_000
const mostClosed = 200
const longestText = 500
/** Of one server, in metrics. */
const mostShown = 100

export class Episodes {
  private readonly parts: EpisodesParts
  private readonly open = new Map<string, Episode>()
  /** The latest last. */
  private closed: Episode[] = []
  /** There were more than are kept: told once. */
  private isFull = false

  constructor(parts: EpisodesParts) {
    this.parts = parts
  }

  take(alert: Alert, about: About, nowMs: number, by: FoundBy = 'history'): void {
    const key = keyOf(about, alert.kind)
    const found = this.open.get(key)
    if (alert.what === 'closed') {
      if (found !== undefined && (by === 'history' || found.by === by)) this.close(key, found, alert, nowMs)
    } else if (found !== undefined) {
      if (by === 'history') found.by = by
      update(found, alert, nowMs)
      this.log(found.severity, 'The results of a tool are still not as usual', found)
    } else this.begin(key, alert, about, nowMs, by)
  }

  /** Brings back one that was open before a restart: it was told of then. */
  restore(episode: Episode): void {
    if (this.open.size < mostOpen) this.open.set(keyOf(episode, episode.kind), episode)
  }

  /** One that is open. */
  find(id: string): Episode | undefined {
    for (const episode of this.open.values()) if (episode.id === id) return episode
    return undefined
  }

  /** Ends it by what an operator said; false where it has ended by itself. */
  end(episode: Episode, nowMs: number): boolean {
    const key = keyOf(episode, episode.kind)
    if (this.open.get(key) !== episode) return false
    const { kind, text, results, affected, sinceMs } = episode
    this.close(key, episode, { what: 'closed', kind, text, results, affected, sinceMs }, nowMs)
    return true
  }

  openOf(upstream: string, tool: string): readonly Episode[] {
    return [...this.open.values()].filter((one) => one.upstream === upstream && one.tool === tool)
  }

  /** Open ones first, each kind with the latest first. */
  all(): readonly Episode[] {
    return [...[...this.open.values()].toReversed(), ...this.closed.toReversed()]
  }

  /** For metrics. */
  counts(): readonly Counted[] {
    const shown = new Map<string, number>()
    return [...this.open.values()].flatMap(({ upstream, tool, kind, severity }) => {
      const before = shown.get(upstream) ?? 0
      shown.set(upstream, before + 1)
      return before < mostShown ? [{ upstream, item: tool, kind, severity }] : []
    })
  }

  private begin(key: string, alert: Alert, about: About, nowMs: number, by: FoundBy): void {
    if (this.open.size >= mostOpen) {
      if (!this.isFull) this.parts.report.log('warn', 'More alerts are open than are kept: further ones are not told', { open: mostOpen })
      this.isFull = true
      return
    }
    this.isFull = false
    const { upstream, tool, firstCall, deploy } = about
    const severity = alert.severity ?? 'warn'
    const episode: Episode = {
      id: createHash('sha256').update(`${key}\0${alert.sinceMs}`).digest('hex').slice(0, 12),
      upstream,
      tool,
      owner: this.parts.ownerOf(upstream),
      kind: alert.kind,
      severity,
      by,
      text: shortened(alert.text),
      sinceMs: alert.sinceMs,
      updatedMs: nowMs,
      results: alert.results,
      affected: alert.affected,
      firstCall,
      deploy,
      acknowledged: undefined,
      closedMs: undefined,
    }
    this.open.set(key, episode)
    this.parts.report.counters.add('alerts', { upstream, kind: alert.kind, severity })
    this.log(severity, 'The results of a tool are not as usual', episode)
  }

  private close(key: string, episode: Episode, alert: Alert, nowMs: number): void {
    update(episode, alert, nowMs)
    episode.closedMs = nowMs
    this.open.delete(key)
    this.closed.push(episode)
    if (this.closed.length > mostClosed) this.closed.shift()
    this.log('info', 'The results of a tool are as usual again', episode)
  }

  private log(severity: 'info' | 'warn', event: string, episode: Episode): void {
    const { id, upstream, tool, owner, kind, text, sinceMs, results, affected, firstCall, deploy, acknowledged } = episode
    this.parts.report.log(severity, event, {
      alert: id,
      upstream,
      tool,
      kind,
      text,
      since: new Date(sinceMs).toISOString(),
      results,
      affected,
      ...(firstCall === undefined ? {} : { firstCall }),
      ...(deploy === undefined ? {} : { deploy: deploy.what, deployedAt: new Date(deploy.atMs).toISOString() }),
      ...(owner === undefined ? {} : { owner }),
      ...(acknowledged === undefined ? {} : { acknowledged }),
    })
  }
}

function update(episode: Episode, { text, results, affected }: Alert, nowMs: number): void {
  episode.text = shortened(text)
  episode.results = results
  episode.affected = affected
  episode.updatedMs = nowMs
}

function shortened(text: string): string {
  return onOneLine(text).slice(0, longestText)
}

function keyOf({ upstream, tool }: { readonly upstream: string; readonly tool: string }, kind: string): string {
  return `${upstream}\0${tool}\0${kind}`
}
