// A call that found no free place waits for one, until it is let in, its deadline comes or its caller goes away.
import { endedBy } from '../faults/ended.ts'
import type { Bulkhead } from './bulkhead.ts'
import { type Exchange, endReason } from './exchange.ts'
import type { Entry, Held } from './gates.ts'
import { failed, type Outcome } from './outcome.ts'

/** What becomes of it, as it is told and counted where the places are. */
export interface Waiting {
  /** There is no room to wait. */
  refused(): Outcome
  queued?(): void
  /** The deadline came first. */
  late(): Outcome
}

/** `place`: what a call holds that was let in. */
export async function waitForPlace(
  bulkhead: Bulkhead,
  place: Held,
  upstream: string,
  { signal, phases, attemptNumber }: Exchange,
  waiting: Waiting,
): Promise<Entry> {
  const admittance = bulkhead.wait(signal)
  if (admittance === undefined) return waiting.refused()
  waiting.queued?.()
  phases.enter('queue', attemptNumber)
  if ((await admittance) === 'admitted') {
    phases.enter('request', attemptNumber)
    return place
  }
  const reason = endReason(signal)
  return reason === 'deadline' ? waiting.late() : failed(endedBy(reason ?? 'cancelled', upstream))
}
