// What a server is told of the run that a call belongs to: in our own members of `_meta`, and in baggage, which what it calls in turn hears of.
// It is what the gateway took the run to be: what the client stated is replaced, so that nothing is told twice or otherwise.
import type { TargetedCall } from '../../core/call/call.ts'
import type { Edit } from '../../core/call/payload.ts'
import { withBaggage } from '../../core/protocol/baggage.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { runBaggage, runMeta } from '../../core/protocol/names.ts'

const runPath = ['_meta', runMeta.run]
const turnPath = ['_meta', runMeta.turn]
const baggagePath = ['_meta', 'baggage']

export function addRun({ run, params }: TargetedCall, edits: Edit[]): void {
  const { id, turn } = run
  const meta = metaOf(params.json())
  edits.push({ path: runPath, value: JSON.stringify(id) })
  if (turn !== undefined) edits.push({ path: turnPath, value: JSON.stringify(turn) })
  else if (meta?.[runMeta.turn] !== undefined) edits.push({ path: turnPath, value: undefined })
  edits.push({ path: baggagePath, value: JSON.stringify(baggageOf(meta?.baggage, id, turn)) })
}

function baggageOf(said: unknown, id: string, turn: string | undefined): string {
  return withBaggage(typeof said === 'string' ? said : undefined, [
    [runBaggage.run, id],
    [runBaggage.turn, turn],
  ])
}

function metaOf(params: unknown): Readonly<Record<string, unknown>> | undefined {
  return isObject(params) && isObject(params._meta) ? params._meta : undefined
}
