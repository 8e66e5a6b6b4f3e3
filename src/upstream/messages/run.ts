// What a server is told of the run that a call belongs to: in our own members of `_meta`, and in baggage, which what it calls in turn hears of.
// It is what the gateway took the run to be: what the client stated is replaced, so that nothing is told twice or otherwise.
import type { TargetedCall } from '../../core/call/call.ts'
import type { Edit } from '../../core/call/payload.ts'
import type { Run } from '../../core/call/run.ts'
import { withBaggage } from '../../core/protocol/baggage.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { runBaggage, runMeta } from '../../core/protocol/names.ts'

const runPath = ['_meta', runMeta.run]
const turnPath = ['_meta', runMeta.turn]
const baggagePath = ['_meta', 'baggage']

export function addRun({ run, params }: TargetedCall, edits: Edit[]): void {
  const meta = metaOf(params.json())
  if (run.turn === undefined && meta?.[runMeta.turn] !== undefined) edits.push({ path: turnPath, value: undefined })
  const said = meta?.baggage
  for (const edit of typeof said === 'string' ? editsOf(run, said) : plainEdits(run)) edits.push(edit)
}

/** Of a run that no client states, which is one object for many calls. */
const known = new WeakMap<Run, readonly Edit[]>()

function plainEdits(run: Run): readonly Edit[] {
  let edits = known.get(run)
  if (edits === undefined) {
    edits = editsOf(run, undefined)
    if (run.turn === undefined && (run.source === 'made' || run.source === 'session' || run.source === 'claim')) known.set(run, edits)
  }
  return edits
}

function editsOf({ id, turn }: Run, said: string | undefined): readonly Edit[] {
  const run = { path: runPath, value: JSON.stringify(id) }
  const entries = [
    [runBaggage.run, id],
    [runBaggage.turn, turn],
  ] as const
  const baggage = { path: baggagePath, value: JSON.stringify(withBaggage(said, entries)) }
  return turn === undefined ? [run, baggage] : [run, { path: turnPath, value: JSON.stringify(turn) }, baggage]
}

function metaOf(params: unknown): Readonly<Record<string, unknown>> | undefined {
  return isObject(params) && isObject(params._meta) ? params._meta : undefined
}
