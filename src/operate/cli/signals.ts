// SIGTERM and Ctrl-C: the first drains, a second one ends at once.
import type { Clock } from '../../core/ports/clock.ts'

/** npm sends the signal of a Ctrl-C on to its child, which had it from the terminal already: two in this time are one. */
const sameMs = 300

export interface Signals {
  /** Resolves at the first signal, with its name. */
  readonly first: Promise<NodeJS.Signals>
  stop(): void
}

export function onSignals(clock: Clock, endNow: () => void): Signals {
  let at: number | undefined
  let report: (signal: NodeJS.Signals) => void = () => {}
  const first = new Promise<NodeJS.Signals>((resolve) => {
    report = resolve
  })
  const heard = (signal: NodeJS.Signals) => {
    if (at === undefined) {
      at = clock.mono()
      report(signal)
    } else if (clock.mono() - at > sameMs) endNow()
  }
  process.on('SIGINT', heard)
  process.on('SIGTERM', heard)
  return {
    first,
    stop: () => {
      process.off('SIGINT', heard)
      process.off('SIGTERM', heard)
    },
  }
}
