// The judging of results, for operators: what is open, what is usual of one tool, and what they say of it.
import type { Clock } from '../../../core/ports/clock.ts'
import type { Usual } from '../history/index.ts'
import type { Episode, Episodes } from './episodes.ts'
import type { Counts } from './judged-tool.ts'
import type { JudgedTools } from './judged-tools.ts'

export const acknowledgements = ['normal', 'fault'] as const
export type Acknowledgement = (typeof acknowledgements)[number]

export interface ToolReport {
  /** Results since the start, by what they were found to be. */
  readonly results: Readonly<Counts>
  readonly usual: Usual
  readonly contract: string | undefined
  readonly version: string | undefined
  readonly alerts: readonly Episode[]
}

export interface QualityOperatorsParts {
  readonly clock: Clock
  readonly tools: JudgedTools
  readonly episodes: Episodes
}

export class QualityOperators {
  private readonly parts: QualityOperatorsParts

  constructor(parts: QualityOperatorsParts) {
    this.parts = parts
  }

  alerts(): readonly Episode[] {
    return this.parts.episodes.all()
  }

  /** Undefined of a tool of which no result was seen. */
  report(upstream: string, name: string): ToolReport | undefined {
    const tool = this.parts.tools.find(upstream, name)
    if (tool === undefined) return undefined
    const { counts, history } = tool
    return { results: counts, usual: history.usual(), ...history.served, alerts: this.parts.episodes.openOf(upstream, name) }
  }

  /** Undefined where there is no such alert that is open. `normal` ends it: how the tool is now is what is usual of it. */
  acknowledge(id: string, as: Acknowledgement): Episode | undefined {
    const { clock, tools, episodes } = this.parts
    const episode = episodes.find(id)
    if (episode === undefined) return undefined
    const { upstream, tool: name, firstCall, deploy, kind, by } = episode
    const now = clock.now()
    episode.acknowledged = as
    const tool = tools.find(upstream, name)
    if (tool !== undefined) {
      tool.unkept += 1
      if (by === 'history')
        for (const alert of tool.history.acknowledge(kind, as, now)) episodes.take(alert, { upstream, tool: name, firstCall, deploy }, now)
    }
    if (as === 'normal') episodes.end(episode, now)
    return episode
  }

  /** For metrics. */
  open(): ReturnType<Episodes['counts']> {
    return this.parts.episodes.counts()
  }

  /** Results by server and by what they were found to be, for metrics. */
  results(): readonly { readonly upstream: string; readonly kind: string; readonly results: number }[] {
    return [...this.parts.tools.servers].flatMap(([upstream, { counts }]) =>
      Object.entries(counts).map(([kind, results]) => ({ upstream, kind, results })),
    )
  }
}
