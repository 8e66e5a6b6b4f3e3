// SIGTERM and Ctrl-C: the first drains, a second one ends at once. SIGHUP reloads, unless the terminal is gone that the program was started at.
import { closeSync, openSync } from 'node:fs'
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

/** `reload`: asked for by SIGHUP, which a terminal that is closed sends as well: then it is `gone`. Returns what stops it. */
export function onHangUp(reload: () => void, gone: () => void): () => void {
  const hadTerminal = hasControllingTerminal()
  const heard = (): void => (hadTerminal && !hasControllingTerminal() ? gone() : reload())
  process.on('SIGHUP', heard)
  return () => void process.off('SIGHUP', heard)
}

function hasControllingTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'))
    return true
  } catch {
    return false
  }
}
