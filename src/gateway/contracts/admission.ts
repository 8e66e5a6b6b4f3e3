// What becomes of a tool whose server says something else than what is stood for: the states of a contract, and from one to the next. Pure;
// docs/contracts.md has the table.
import { breaks, type Change, type ContractState, type Judgement, type ToolContract } from '../../core/call/contract.ts'
import type { Edit } from '../../core/call/rewrite.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { type EffectiveHints, effectiveHints, isVendorMeta, vendorMetaBeside } from './judge/annotations.ts'
import type { Screening } from './screening/screening.ts'

/** Which tools are let in at all, and what becomes of their changes. */
export type Admit = 'locked' | 'firstUse' | 'open'

export interface DriftPolicy {
  readonly breaking: 'hold' | 'adopt'
  readonly additive: 'adopt' | 'hold'
  readonly prose: 'screen' | 'adopt' | 'hold'
}

/** Whatever changes is taken. */
export const openPolicy: DriftPolicy = { breaking: 'adopt', additive: 'adopt', prose: 'adopt' }

export interface Decision {
  readonly state: ContractState
  /** What callers are shown from now on, and what the next change is judged against. */
  readonly stands: 'live' | 'approved'
  /** What stands says of its behaviour no more than what was approved and what the server says now say both. */
  readonly cautious: boolean
  /** Calls by what stands would go wrong. */
  readonly refused: boolean
}

/** Nothing was compared: the judge came to no end, and its digests are of what was not read. */
export function isUnread({ verdict, changes }: Judgement): boolean {
  return verdict === 'unknown' && changes.length === 0
}

const adopted: Decision = { state: 'admitted', stands: 'live', cautious: false, refused: false }

/** `screened`: undefined where nobody looked at the words. `rejected`: an operator has seen this and does not want it. */
export function decide(drift: DriftPolicy, judgement: Judgement, screened: Screening | undefined, rejected: boolean): Decision {
  const kept = (state: ContractState, refused = false): Decision => ({
    state: rejected ? 'rejected' : state,
    stands: 'approved',
    cautious: true,
    refused,
  })
  const isBreaking = breaks(judgement.verdict)
  if (isBreaking && (rejected || drift.breaking === 'hold')) return kept('changed:breaking', true)
  if (rejected) return kept('rejected')
  const hasOtherWords = judgement.old.prose !== judgement.new.prose
  if ((hasOtherWords && holdsProse(drift.prose, screened)) || isHeld(screened)) return kept('changed:prose', isBreaking)
  if (isBreaking) return { ...adopted, cautious: drift !== openPolicy }
  const hints = judgement.changes.filter(({ side, verdict }) => side !== 'prose' && verdict === 'behavioural')
  if (hints.length > 0 && drift !== openPolicy) {
    if (!hints.every(isParted)) return kept('changed:hints')
    if (isHeldBack(drift, judgement)) return kept('changed:hints')
    return { state: hints.some(isWithheld) ? 'changed:hints' : 'admitted', stands: 'live', cautious: true, refused: false }
  }
  return isHeldBack(drift, judgement) ? kept('changed:additive') : adopted
}

function holdsProse(prose: DriftPolicy['prose'], screened: Screening | undefined): boolean {
  return prose === 'hold' || (prose === 'screen' && screened === undefined)
}

/** Words stand in more places than those of the digest of words. */
function isHeld(screened: Screening | undefined): boolean {
  return screened !== undefined && screened.held.length > 0
}

function isHeldBack(drift: DriftPolicy, { changes }: Judgement): boolean {
  return drift.additive === 'hold' && changes.some(({ verdict }) => verdict === 'additive')
}

/** Of hints that can be left out of a definition, or had of one in another. */
function isParted({ kind, pointer }: Change): boolean {
  return kind === 'hint.claims-safer' || kind === 'hint.claims-riskier' || isVendorMeta(pointer)
}

/** What the server says by it is not shown before somebody approves. */
function isWithheld({ kind, pointer, to }: Change): boolean {
  return kind === 'hint.claims-safer' || (isVendorMeta(pointer) && to !== undefined)
}

/** What of `stands` is edited so that it says no more of its behaviour than both; empty where it says that already. */
export function cautiousEdits(stands: ToolContract, other: ToolContract): Edit[] {
  const annotations = cautiousAnnotations(stands, other)
  return [
    ...(annotations === undefined ? [] : [{ path: ['annotations'], value: JSON.stringify(annotations) }]),
    // Which of two values is the more cautious is known to nobody but the vendor.
    ...vendorMetaBeside(stands, other).map((key) => ({ path: ['_meta', key], value: undefined })),
  ]
}

/** The annotations with which `stands` says no more of its safety than both; undefined where it says that already. */
function cautiousAnnotations(stands: ToolContract, other: ToolContract): object | undefined {
  const own = effectiveHints(stands)
  const both = moreCautious(own, effectiveHints(other))
  if (hintNames.every((name) => own[name] === both[name])) return undefined
  return {
    ...(isObject(stands.annotations) ? stands.annotations : {}),
    readOnlyHint: both.readOnly,
    destructiveHint: both.destructive,
    idempotentHint: both.idempotent,
    openWorldHint: both.openWorld,
  }
}

const hintNames = ['readOnly', 'destructive', 'idempotent', 'openWorld'] as const

function moreCautious(a: EffectiveHints, b: EffectiveHints): EffectiveHints {
  return {
    readOnly: a.readOnly && b.readOnly,
    destructive: a.destructive || b.destructive,
    idempotent: a.idempotent && b.idempotent,
    openWorld: a.openWorld || b.openWorld,
  }
}
