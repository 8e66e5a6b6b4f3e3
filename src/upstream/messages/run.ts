// What a server is told of the run that a call belongs to: in our own members of `_meta`, and in baggage, which what it calls in turn hears of.
// It is what the gateway took the run to be: what the client stated is replaced, so that nothing is told twice or otherwise.
import type { TargetedCall } from '../../core/call/call.ts'
import type { Edit } from '../../core/call/payload.ts'
import type { Run } from '../../core/call/run.ts'
import { withBaggage } from '../../core/protocol/baggage.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { runBaggage, runMeta, traceMeta } from '../../core/protocol/names.ts'

const runPath = ['_meta', runMeta.run]
const turnPath = ['_meta', runMeta.turn]
const baggagePath = ['_meta', traceMeta.baggage]

export function addRun({ run, params, trace }: TargetedCall, edits: Edit[]): void {
  if (run.turn === undefined && metaOf(params.json())?.[runMeta.turn] !== undefined) edits.push({ path: turnPath, value: undefined })
  for (const edit of told(run, trace.baggage).edits) edits.push(edit)
}

/** The run and its turn, beside what else goes on of the client's baggage. */
export function baggageOf(run: Run, others: string | undefined): string {
  return told(run, others).baggage
}

interface Told {
  readonly baggage: string
  readonly edits: readonly Edit[]
}

/** Of a run that no client states, which is one object for many calls. */
const known = new WeakMap<Run, Told>()

function told(run: Run, others: string | undefined): Told {
  if (others !== undefined) return toldOf(run, others)
  let made = known.get(run)
  if (made === undefined) {
    made = toldOf(run, undefined)
    if (run.turn === undefined && (run.source === 'made' || run.source === 'session' || run.source === 'claim')) known.set(run, made)
  }
  return made
}

function toldOf({ id, turn }: Run, others: string | undefined): Told {
  const baggage = withBaggage(others, [
    [runBaggage.run, id],
    [runBaggage.turn, turn],
  ])
  const run = { path: runPath, value: JSON.stringify(id) }
  const edit = { path: baggagePath, value: JSON.stringify(baggage) }
  return { baggage, edits: turn === undefined ? [run, edit] : [run, { path: turnPath, value: JSON.stringify(turn) }, edit] }
}

function metaOf(params: unknown): Readonly<Record<string, unknown>> | undefined {
  return isObject(params) && isObject(params._meta) ? params._meta : undefined
}
