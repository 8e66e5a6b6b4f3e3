// What a call is at, from the door to its outcome, and since when: where its time went, and what it was at when it ended, are read from it.
import type { Clock } from '../ports/clock.ts'

/**
 * `request`: it is judged (access, schema, limits) and no upstream was asked; `queue`: it waits for a place, its own server's or its tool's;
 * `limits`: for the store of limits; `credential`: for a credential towards its server; `connect`: for a connection; `wait`: it was sent, and
 * nothing came back yet; `stream`: events come; `pause`: between two attempts.
 */
export const phaseNames = ['request', 'queue', 'limits', 'credential', 'connect', 'wait', 'stream', 'pause'] as const
export type PhaseName = (typeof phaseNames)[number]

/** One phase, in monotonic ms. */
export interface Phase {
  readonly name: PhaseName
  readonly from: number
  readonly to: number
  /** The attempt that it belongs to, from 1; 0 outside of any. */
  readonly attempt: number
}

const nothing: readonly Phase[] = []

export class Phases {
  /** What it is at now. */
  current: PhaseName = 'request'
  private readonly clock: Clock
  /** Number of the name, time and attempt of each: numbers alone, since every call writes them and few are read. */
  private readonly kept: number[] = []

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** From now on it is at this. `attempt`: whose it is. Of one that changes more than `mostPhases` times the first ones are kept. */
  enter(name: PhaseName, attempt: number): void {
    if (name === this.current) return
    this.current = name
    if (this.kept.length < 3 * mostPhases) this.kept.push(phaseNames.indexOf(name), this.clock.mono(), attempt)
  }

  /** In order, less the first, which is `request`; the last one ends at `to`. */
  list(to: number): readonly Phase[] {
    const { kept } = this
    if (kept.length === 0) return nothing
    const phases: Phase[] = []
    for (let n = 0; n < kept.length; n += 3) {
      const name = phaseNames[kept[n] as number] as PhaseName
      phases.push({ name, from: kept[n + 1] as number, to: kept[n + 4] ?? to, attempt: kept[n + 2] as number })
    }
    return phases
  }
}

/** Of one call: attempts are few, and each passes at most all of them. */
const mostPhases = 64
