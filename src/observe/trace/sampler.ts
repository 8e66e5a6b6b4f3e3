// Which traces are exported whatever happens in them, decided from their id, so that everyone who decides so takes the same ones
// (OpenTelemetry, "TraceState: Probability Sampling", consistent with W3C Trace Context Level 2).
import type { Clock } from '../../core/ports/clock.ts'
import type { Propagation } from '../../core/ports/propagation.ts'
import type { Rate } from '../../core/text/rate.ts'

/** The first 52 of the 56 bits of randomness at the end of a trace id: as many as a number can hold. */
const all = 2 ** 52

export interface Sampling {
  /** Share of traces, 0 to 1. */
  readonly ratio: number
  /** Whether what a client says of its trace counts. */
  readonly parentBased: boolean
  /** Traces that are exported beyond that, since their client says that they are sampled. */
  readonly byClients: Rate
}

export function createSampler({ ratio, parentBased, byClients }: Sampling, clock: Clock): Propagation['sampled'] {
  const threshold = (1 - ratio) * all
  const { most, periodMs } = byClients
  let room = most
  let filledAt = clock.mono()
  const takeRoom = (): boolean => {
    const now = clock.mono()
    room = Math.min(most, room + ((now - filledAt) * most) / periodMs)
    filledAt = now
    if (room < 1) return false
    room -= 1
    return true
  }
  return (traceId, parent) => {
    if (parent === false && parentBased) return false
    if (ratio > 0 && Number.parseInt(traceId.slice(18, 31), 16) >= threshold) return true
    return parent === true && parentBased && takeRoom()
  }
}
