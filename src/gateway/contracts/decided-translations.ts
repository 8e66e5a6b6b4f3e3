// Translations of calls that operators put into force: exactly to the contract that they have seen, and judged like every other. What is not
// proved of one is told, and takes a word of its own.

import type { Reading } from '../../core/call/contract.ts'
import { breaks, type Judgement } from '../../core/call/contract.ts'
import type { TranslationAsked } from '../../core/call/translation-asked.ts'
import type { ContractJudge } from '../../core/ports/contract-judge.ts'
import { type Adapter, adapterText, readAdapter } from './adapters.ts'
import { isUnread } from './admission.ts'
import { type ContractText, contractOf } from './contract-text.ts'
import type { TrackedTool } from './tracked.ts'
import { type GivenTranslation, targetOf } from './translations.ts'

export interface DecidedTranslation {
  /** Values and names that schemas leave open, or the whole translation. */
  readonly asked: TranslationAsked
  /** Also where it is not proved. */
  readonly override: boolean
  readonly by: string
  readonly reason: string | undefined
  readonly atMs: number
}

export type Found = { readonly ok: true; readonly given: GivenTranslation } | { readonly ok: false; readonly detail: string }

/** Of calls by what callers know into calls by what the server says now. */
export async function translationFor(
  { change, approved, older, live, state, sentUndeclared: undeclared }: TrackedTool,
  { asked, override, by, reason, atMs }: DecidedTranslation,
  judge: ContractJudge,
  reading: Reading,
): Promise<Found> {
  if (state === 'split') return refused('its server takes turns between two contracts, and no call is translated while it does')
  const old: ContractText | undefined = change?.adopted === false ? approved : older[0]?.text
  if (old === undefined) return refused('callers know no other contract than the one that the server takes')
  const judgement = await judge.judge(contractOf(old.sent), contractOf(live.sent), { reading, undeclared, propose: asked })
  return translationOf(judgement, override, { by, reason, atMs })
}

/** `judgement`: with what was asked for (`propose`). */
export function translationOf(judgement: Judgement, override: boolean, who: Pick<GivenTranslation, 'by' | 'reason' | 'atMs'>): Found {
  if (isUnread(judgement)) return refused(`the change is not judged: ${judgement.human}`)
  if (!breaks(judgement.verdict)) return refused('the change breaks nobody')
  const { adapter: found, old, new: now } = judgement
  const adapter = readAdapter(found?.adapter)
  if (found?.lacks !== undefined)
    return refused(`${found.lacks.join('; ')}${found.say === undefined ? '' : `. \`adapter\` is then ${found.say}`}`)
  if (found === undefined || adapter === undefined) return refused('no operation on arguments mends what changed')
  if (found.unproved !== undefined && !override)
    return refused(
      `of ${saidOf(adapter)} it is not proved ${found.unproved.join(', and ')}; it takes an override, and then each call is held against the new schema`,
    )
  return { ok: true, given: { ...who, from: old.contract, to: targetOf(now), adapter, proved: found.unproved === undefined } }
}

function saidOf(adapter: Adapter): string {
  const text = adapterText(adapter)
  return text === '' ? 'calls as they are' : text
}

function refused(detail: string): Found {
  return { ok: false, detail }
}
