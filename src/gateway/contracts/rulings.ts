// What callers are shown of a tool, where it is not what its server sent.
import type { BrokenContract, ContractState, OlderContract } from '../../core/call/contract.ts'
import type { UpstreamId } from '../../core/call/item.ts'
import { payload } from '../../core/call/payload.ts'
import type { ToolRuling } from '../../core/ports/contracts.ts'
import { cautiousEdits } from './admission.ts'
import { type ContractText, contractOf, unread } from './contract-text.ts'
import type { Older } from './older.ts'
import type { Screening } from './screening/screening.ts'

let marks = 0

/** Shown is `approved`, which is not called. */
export function unjudgedRuling(approved: ContractText, older: readonly Older[]): ToolRuling {
  const live: BrokenContract = {
    known: approved.digests ?? unread,
    current: undefined,
    human: 'it changes more often than its changes are judged',
    changes: [],
    adapter: undefined,
  }
  const contract = {
    digest: approved.digests?.contract,
    state: 'changed:breaking',
    mark: nextMark(),
    change: { live, before: older },
  } as const
  return { shown: approved.sent, contract }
}

/** Older contracts are judged against what is shown to all, and to others nothing is proved. */
export function refusing(older: Older): OlderContract {
  const { begins, definition, broken } = older
  return {
    begins,
    definition,
    broken: { ...broken, adapter: undefined },
    get since() {
      return older.since
    },
    get validate() {
      return older.validate
    },
  }
}

export function nextMark(): string {
  marks += 1
  return `:${marks}`
}

export function held(upstream: UpstreamId, name: string, state: ContractState, words?: Screening): ToolRuling {
  const isHeld = state === 'new' && words !== undefined
  const why = state === 'rejected' ? 'an operator has rejected it' : isHeld ? 'its words are held' : 'nobody has admitted it'
  return { shown: 'nothing', reason: `${why}; \`signalbox tools approve ${upstream}.${name}\` lets it in`, contract: undefined }
}

/** The text of `stands`, without what it says more of its behaviour than both do. */
export function cautious(stands: ContractText, other: ContractText | undefined): ContractText {
  const edits = other === undefined ? [] : cautiousEdits(contractOf(stands.sent), contractOf(other.sent))
  return edits.length === 0 ? stands : { sent: payload(stands.sent.edit(edits).bytes), digests: undefined }
}
