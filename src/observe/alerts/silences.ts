// What operators do not want to be told of for a while, by selector.
import { readSelector, type Selector, selects } from '../../core/call/selector.ts'

export interface Silence {
  readonly id: string
  /** `*`, `server`, `server/tool` or `server/start*`. */
  readonly selector: string
  readonly reason: string
  readonly by: string
  /** Steady milliseconds. */
  readonly fromMs: number
  readonly untilMs: number
}

export const mostSilences = 200
export const longestSilenceMs = 90 * 86_400_000

export class Silences {
  private silences: readonly (Silence & { readonly read: Selector })[] = []

  all(nowMs: number): readonly Silence[] {
    this.forget(nowMs)
    return this.silences.map(({ read: _, ...silence }) => silence)
  }

  /** Those of all gateways. */
  replace(silences: readonly Silence[]): void {
    this.silences = []
    for (const one of silences) this.add(one)
  }

  /** False where there are too many. */
  add(silence: Silence): boolean {
    if (this.silences.length >= mostSilences) return false
    this.silences = [...this.silences, { ...silence, read: readSelector(silence.selector) }]
    return true
  }

  /** What it ended; undefined where there is none. */
  end(id: string): Silence | undefined {
    const found = this.silences.find((one) => one.id === id)
    this.silences = this.silences.filter((one) => one !== found)
    return found
  }

  /** The silence that holds for something of a server; what is about no server is silenced by `*` alone. */
  of(server: string | undefined, tool: string | undefined, nowMs: number): Silence | undefined {
    for (const silence of this.silences) {
      if (nowMs < silence.fromMs || nowMs >= silence.untilMs) continue
      if (silence.selector === '*') return silence
      if (server === undefined) continue
      if (tool === undefined ? silence.read.name === undefined && silence.read.server === server : selects(silence.read, server, tool))
        return silence
    }
    return undefined
  }

  private forget(nowMs: number): void {
    if (this.silences.some(({ untilMs }) => untilMs <= nowMs)) this.silences = this.silences.filter(({ untilMs }) => untilMs > nowMs)
  }
}
