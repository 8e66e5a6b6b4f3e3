// How long calls are in each stage. Only for those who look: it is put round the stages when the chains are made, and what is not put there
// costs nothing.
import type { Family } from '../core/call/call.ts'
import type { Wrap } from '../core/call/stage.ts'
import type { Clock } from '../core/ports/clock.ts'

export interface StageTime {
  readonly family: Family
  readonly stage: string
  /** How often it was passed; more often than there were calls where attempts were repeated. */
  readonly passes: number
  /** In the stage itself, without what follows it, in ms. It contains waits: of a queue, of an upstream, of the event loop. */
  readonly ownMs: number
}

export interface StageTimes {
  readonly wrap: Wrap
  times(): readonly StageTime[]
}

export function createStageTimes(clock: Clock): StageTimes {
  const cells: { family: Family; stage: string; passes: number; ownMs: number }[] = []
  return {
    wrap: (run, { family, name }) => {
      const cell = { family, stage: name, passes: 0, ownMs: 0 }
      cells.push(cell)
      return async (call, exchange, next) => {
        const began = clock.mono()
        let following = 0
        try {
          return await run(call, exchange, (onward, within) => {
            const from = clock.mono()
            const back = (): void => {
              following += clock.mono() - from
            }
            const outcome = next(onward, within)
            outcome.then(back, back)
            return outcome
          })
        } finally {
          cell.passes += 1
          cell.ownMs += clock.mono() - began - following
        }
      }
    },
    times: () => cells,
  }
}
