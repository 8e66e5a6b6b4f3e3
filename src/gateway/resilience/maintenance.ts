// What an operator does with one upstream while the gateway runs: its calls are held while it is restarted and go on when it answers, it is
// taken out of service, or started anew.
import type { Closure } from '../../core/call/bulkhead.ts'
import type { UpstreamId } from '../../core/call/call.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Log } from '../../core/ports/report.ts'
import type { Upstream } from '../../core/ports/upstream.ts'
import type { Resilience } from './stage.ts'

export const upstreamActions = ['pause', 'resume', 'restart', 'drain'] as const
export type UpstreamAction = (typeof upstreamActions)[number]

/** How an upstream stands after an action. */
export interface Maintained {
  readonly state: 'serving' | Closure
  /** Calls at it that were not held. */
  readonly inFlight: number
  /** Calls that wait. */
  readonly held: number
  /** What the action was for came about in time. */
  readonly done: boolean
  /** Why not, for people. */
  readonly reason?: string
}

export interface MaintenanceParts {
  readonly clock: Clock
  readonly log: Log
  readonly resilience: Pick<Resilience, 'close' | 'gauges'>
  readonly upstreams: ReadonlyMap<UpstreamId, Upstream>
}

/** How often it is looked whether the last call has ended, in ms. */
const lookMs = 20
/** Pauses between questions whether the server answers again, in ms: the first, and the longest. */
const firstPauseMs = 50
const longestPauseMs = 1_000

export class Maintenance {
  private readonly parts: MaintenanceParts
  /** Counts the actions on each: one that still waits gives way to the next. */
  private readonly turns = new Map<UpstreamId, number>()

  constructor(parts: MaintenanceParts) {
    this.parts = parts
  }

  knows(upstream: UpstreamId): boolean {
    return this.parts.upstreams.has(upstream)
  }

  /** `waitMs`: how long it may take until calls have ended, or until the server answers. */
  async act(upstream: UpstreamId, action: UpstreamAction, waitMs: number): Promise<Maintained> {
    const turn = (this.turns.get(upstream) ?? 0) + 1
    this.turns.set(upstream, turn)
    const until = this.parts.clock.mono() + waitMs
    const goOn = (): boolean => this.turns.get(upstream) === turn && this.parts.clock.mono() < until
    switch (action) {
      case 'pause':
        return this.close(upstream, 'paused', goOn)
      case 'drain':
        return this.close(upstream, 'drained', goOn)
      case 'resume':
        return this.resume(upstream, turn, goOn)
      case 'restart':
        return this.restart(upstream, turn, goOn)
    }
  }

  private async close(upstream: UpstreamId, closure: Closure, goOn: () => boolean): Promise<Maintained> {
    this.shut(upstream, closure)
    const empty = await this.isEmptied(upstream, goOn)
    const { inFlight } = this.now(upstream, true)
    return this.now(upstream, empty, `${inFlight} ${inFlight === 1 ? 'call is' : 'calls are'} still at it`)
  }

  private shut(upstream: UpstreamId, closure: Closure): void {
    this.parts.resilience.close(upstream, closure)
    const event = closure === 'paused' ? 'An upstream was paused: its calls are held' : 'An upstream was drained: its calls are refused'
    this.parts.log('info', event, { upstream })
  }

  private async resume(upstream: UpstreamId, turn: number, goOn: () => boolean): Promise<Maintained> {
    const answers = await this.isAnswering(upstream, goOn)
    if (this.turns.get(upstream) !== turn) return this.now(upstream, false, 'something else was asked for meanwhile')
    this.parts.resilience.close(upstream, undefined)
    this.parts.log(answers ? 'info' : 'warn', 'An upstream was resumed: its calls go on', { upstream, answers })
    return this.now(upstream, answers, 'it does not answer; its calls go on all the same')
  }

  private async restart(upstream: UpstreamId, turn: number, goOn: () => boolean): Promise<Maintained> {
    const before = this.closureOf(upstream)
    if (before === undefined) this.shut(upstream, 'paused')
    const empty = await this.isEmptied(upstream, goOn)
    if (this.turns.get(upstream) !== turn) return this.now(upstream, false, 'something else was asked for meanwhile')
    if (empty) {
      await this.startAnew(upstream, before)
      this.parts.log('info', 'An upstream was started anew', { upstream })
    }
    if (before !== undefined) return this.now(upstream, empty, 'calls are still at it; nothing was started anew')
    if (empty) return this.resume(upstream, turn, goOn)
    this.parts.resilience.close(upstream, undefined)
    return this.now(upstream, false, 'calls are still at it; nothing was started anew')
  }

  /** A bug of ours does not leave it paused for ever. */
  private async startAnew(upstream: UpstreamId, before: Closure | undefined): Promise<void> {
    try {
      await this.parts.upstreams.get(upstream)?.restart?.()
    } catch (bug) {
      this.parts.resilience.close(upstream, before)
      throw bug
    }
  }

  private async isEmptied(upstream: UpstreamId, goOn: () => boolean): Promise<boolean> {
    while (this.now(upstream, true).inFlight > 0) {
      if (!goOn()) return false
      await this.pause(lookMs)
    }
    return true
  }

  /** Asked once at least. */
  private async isAnswering(upstream: UpstreamId, goOn: () => boolean): Promise<boolean> {
    const exit = this.parts.upstreams.get(upstream)
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      if ((await exit?.answers?.()) !== false) return true
      if (!goOn()) return false
      await this.pause(pauseMs)
    }
  }

  /** Those that are past the queue and at the exit count once; a leg that came by no queue counts too. */
  private now(upstream: UpstreamId, done: boolean, otherwise?: string): Maintained {
    const guard = this.guardOf(upstream)
    const atExit = this.parts.upstreams.get(upstream)?.health().inFlight ?? 0
    return {
      state: guard?.closure ?? 'serving',
      inFlight: Math.max(guard?.inFlight ?? 0, atExit),
      held: guard?.queued ?? 0,
      done,
      ...(done || otherwise === undefined ? {} : { reason: otherwise }),
    }
  }

  private closureOf(upstream: UpstreamId): Closure | undefined {
    return this.guardOf(upstream)?.closure
  }

  private guardOf(upstream: UpstreamId) {
    return this.parts.resilience.gauges().find((gauge) => gauge.upstream === upstream)
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.parts.clock.timer(ms, resolve))
  }
}
