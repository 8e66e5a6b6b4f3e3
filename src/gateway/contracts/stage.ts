// Calls by a contract that their server does not keep any more: they are translated where that is proved, and else refused before anything
// is sent. A caller whose tools are as it has read them passes after one comparison.
import type { Call, RoutedCall } from '../../core/call/call.ts'
import type { BrokenContract, ItemContract } from '../../core/call/contract.ts'
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
      const broken = brokenFor(kept, call, readBy)
      const isAdapted = broken !== undefined && broken === kept.change.live && broken.adapter !== undefined
      return broken === undefined || isAdapted ? next(call, exchange) : Promise.resolve(refusal(call, broken, kept))
    },
  }
}

/** What stands between what the caller has read and what its server takes. */
function brokenFor({ change, digest }: ItemContract, call: Call, readBy: (call: Call) => number | undefined): BrokenContract | undefined {
  if (change === undefined) return undefined
  const read = change.before.length === 0 ? undefined : readBy(call)
  // The first that the caller has not seen: what it knows is what stood before that.
  const missed = read === undefined ? undefined : change.before.findLast(({ since }) => since > read)
  if (missed === undefined) return change.live
  // What was taken back since is no change to who has read it.
  return change.live === undefined && missed.broken.known.contract === digest ? undefined : missed.broken
}

function refusal(
  { item }: RoutedCall,
  { known, current: taken, human, changes, example }: BrokenContract,
  { digest, change }: ItemContract,
): Outcome {
  const isShown = change?.live === undefined
  const current = isShown ? digest : taken?.contract
  const hint = isShown
    ? 'Read tools/list again and call it by its new schema.'
    : 'Tell the user that an operator has to approve the change; calling again does not help.'
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
    const params = call.params.json()
    const args = isObject(params) && isObject(params.arguments) ? params.arguments : none
    kept.undeclared?.note(args)
    const adapter = kept.change?.live?.adapter
    if (adapter === undefined) return next(call, exchange)
    // Read and written anew, it would be another number.
    if (kept.change?.live !== undefined && !isExact(args)) return Promise.resolve(refusal(call, kept.change.live, kept))
    const edit = { path: ['arguments'], value: JSON.stringify(adapter.adapted(args)) }
    const sent = next({ ...call, params: call.params.edit([edit]) }, exchange)
    const { result } = adapter
    return result === undefined ? sent : sent.then((outcome) => translated(outcome, result))
  },
}

const none: Readonly<Record<string, unknown>> = {}

function translated(outcome: Outcome, result: (result: Payload) => Payload): Outcome {
  if (outcome.kind !== 'complete' || outcome.facts.isError || !outcome.facts.hasStructure) return outcome
  const made = result(outcome.result)
  return { ...outcome, result: made, facts: { ...outcome.facts, bytes: made.bytes.length } }
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
