// Rows of calls are found by the time that their ids are made of, so that nothing has to be written for each of them to be found by.

/** Of the time that a batch was written, and of the earliest time that one of its rows tells of, both included, in ms since the epoch. */
export interface CallWindow {
  readonly writtenFrom: number
  readonly writtenTo: number
  readonly earliestTo: number
}

/** When a call came of such an id (a UUID of version 7, RFC 9562), in ms since the epoch; undefined of any other id. */
export function timeOfCall(id: string): number | undefined {
  return callId.test(id) ? Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) : undefined
}

const callId = /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/i

/**
 * Where to look for the row of a call, one after the other until it is found. Nearly all are in the first: a call that waited long before it
 * began, took long, or came while the clock was set is in a later one, which has more to read.
 */
export function callWindows(atMs: number): readonly CallWindow[] {
  return steps.map(([beside, long]) => ({ writtenFrom: atMs - beside, writtenTo: atMs + long, earliestTo: atMs + beside }))
}

const steps = [
  [50, 60_000],
  [5_000, 900_000],
  [3_600_000, 7 * 86_400_000],
] as const
