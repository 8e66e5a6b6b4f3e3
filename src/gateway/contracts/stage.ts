// Calls by a contract that their server does not keep any more: they are translated where that is proved, and else refused before anything
// is sent. A caller whose tools are as it has read them passes after one comparison.
import type { Call, RoutedCall } from '../../core/call/call.ts'
import type { BrokenContract, CallAdapter, ItemContract, OlderContract } from '../../core/call/contract.ts'
import { failed, type Outcome } from '../../core/call/outcome.ts'
import type { Payload } from '../../core/call/payload.ts'
import type { Pass } from '../../core/call/stage.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { isObject } from '../../core/protocol/is-object.ts'

/** `readBy`: the list of tools that a caller has read last, as `ContractChange` counts them; undefined where it is not known. */
export function contract(readBy: (call: Call) => number | undefined): Pass<RoutedCall> {
  return {
    name: 'contract',
    run: (call, exchange, next) => {
      const kept = call.item.contract
      if (kept?.change === undefined) return next(call, exchange)
      const { live, before } = kept.change
      const read = before.length === 0 ? undefined : readBy(call)
      const older = read === undefined ? undefined : olderOf(kept, read)
      // A tool that is shown is called by it, translated or not.
      const isServed = live === undefined || live.adapter !== undefined
      if (older === undefined) return isServed ? next(call, exchange) : Promise.resolve(refusal(call, live, kept.digest, live, seeOperator))
      const { adapter } = older.broken
      const isKept = read !== undefined && read >= older.begins
      if (isServed && isKept && adapter !== undefined) return next(asRead(call, older, adapter, live), exchange)
      return Promise.resolve(refusal(call, older.broken, kept.digest, isServed ? undefined : live, isServed ? readAgain : seeOperator))
    },
  }
}

/** What the caller has read, where that is not what is shown: the first change that it has not seen says what stood before it. */
function olderOf({ change, digest }: ItemContract, read: number): OlderContract | undefined {
  const older = change?.before.findLast(({ since }) => since > read)
  // What was taken back since is no change to who has read it.
  return older?.broken.known.contract === digest ? undefined : older
}

/** The tool as its caller knows it: its arguments are judged by that, and translated into what the server takes. */
function asRead<C extends RoutedCall>(call: C, older: OlderContract, adapter: CallAdapter, live: BrokenContract | undefined): C {
  const { definition, validate, broken } = older
  const whole = live?.adapter === undefined ? adapter : inTurn(adapter, live.adapter)
  const change = { live: { ...broken, adapter: whole }, before: [] }
  // What it sends beside its own contract says nothing of the one that is shown.
  const contract = { ...(call.item.contract as ItemContract), change, undeclared: undefined }
  return { ...call, item: { ...call.item, definition, validate, contract } }
}

/** The first is of what the caller has read, the second of what is shown. */
function inTurn(first: CallAdapter, second: CallAdapter): CallAdapter {
  const results = [second.result, first.result].filter((one) => one !== undefined)
  return {
    adapted: (args) => second.adapted(first.adapted(args)),
    result: results.length === 0 ? undefined : (result) => results.reduce((made, back) => back(made), result),
    fits: (args) => first.fits?.(args) !== false && second.fits?.(first.adapted(args)) !== false,
  }
}

const readAgain = 'Read tools/list again and call it by its new schema.'
const seeOperator = 'Tell the user that an operator has to approve the change; calling again does not help.'
const otherArguments =
  'Its calls are translated, and these arguments cannot be: read tools/list again; if that shows the same schema, tell the user that an operator has to approve the change.'

/** `shown`: digest of what callers are shown; `taken`: what the server takes, where that is another. */
function refusal(
  { item }: RoutedCall,
  { known, human, changes, example }: BrokenContract,
  shown: string | undefined,
  taken: BrokenContract | undefined,
  hint: string,
): Outcome {
  const current = taken === undefined ? shown : taken.current?.contract
  return failed(
    fault('tool_changed', {
      tool: item.visible,
      known: shortOf(known.contract),
      current: current === undefined ? 'not known yet' : shortOf(current),
      what: human,
      hint,
      contracts: { known: known.contract, ...(current === undefined ? {} : { current }) },
      changes: changes.map(({ kind, side, pointer, verdict, human: text }) => ({ kind, side, pointer, verdict, human: text })),
      ...(example === undefined ? {} : { example }),
    }),
  )
}

/**
 * Makes of a call by the contract that is shown one by the contract that its server keeps, where that is proved; and of the result one of the
 * old. Who would need more was refused before. Arguments that the contract does not declare are noted here and not earlier: what was refused
 * for its arguments is no call that a change breaks.
 */
export const adapt: Pass<RoutedCall> = {
  name: 'adapt',
  run: (call, exchange, next) => {
    const kept = call.item.contract
    if (kept === undefined) return next(call, exchange)
    const asked = call.params.json()
    const args = isObject(asked) && isObject(asked.arguments) ? asked.arguments : none
    kept.undeclared?.note(args)
    const live = kept.change?.live
    const adapter = live?.adapter
    if (live === undefined || adapter === undefined) return next(call, exchange)
    const made = adapter.fits?.(args) === false ? undefined : adapter.adapted(args)
    // Read and written anew, it would be another number.
    if (made === undefined || (made !== args && !isExact(args)))
      return Promise.resolve(refusal(call, live, kept.digest, live, otherArguments))
    const params = made === args ? call.params : call.params.edit([{ path: ['arguments'], value: JSON.stringify(made) }])
    const sent = next({ ...call, params }, exchange)
    const { result } = adapter
    return result === undefined ? sent : sent.then((outcome) => translated(outcome, result))
  },
}

const none: Readonly<Record<string, unknown>> = {}

function translated(outcome: Outcome, result: (result: Payload) => Payload): Outcome {
  if (outcome.kind !== 'complete' || outcome.facts.isError || !outcome.facts.hasStructure) return outcome
  const made = result(outcome.result)
  // A translation that is not proved may have marked it.
  return {
    ...outcome,
    result: made,
    facts: { ...outcome.facts, bytes: made.bytes.length, hasMeta: outcome.facts.hasMeta || made !== outcome.result },
  }
}

/** Whether every number of it is as it was sent, but for digits that a double does not hold. */
function isExact(value: unknown): boolean {
  if (typeof value === 'number') return Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value)
  return typeof value !== 'object' || value === null || Object.values(value).every(isExact)
}

/** As people say it: the formula is the same in both. */
function shortOf(digest: string): string {
  return digest.slice(digest.indexOf(':') + 1, 11)
}
