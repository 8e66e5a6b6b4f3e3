// What an agent is given of a doubtful result: the result with a note, or, where configuration withholds such results, a fault.
import { isRepeatable } from '../../../core/call/again.ts'
import type { RoutedCall } from '../../../core/call/call.ts'
import { type Complete, failed, type Outcome } from '../../../core/call/outcome.ts'
import { withNote } from '../../../core/call/own-note.ts'
import { fault } from '../../../core/faults/catalogue.ts'
import type { SideEffect } from '../../../core/faults/fault.ts'
import { locate } from '../../../core/protocol/locate.ts'
import { vendorPrefix } from '../../../core/protocol/names.ts'
import { asBuffer } from '../../../core/protocol/scan.ts'
import { onOneLine } from '../../../core/text/terminal.ts'
import type { Reason } from '../looked.ts'
import { violationInOwnWords } from './own-words.ts'
import { inWords, noteOf } from './words.ts'

const suspectPath = ['_meta', `${vendorPrefix}suspect`]
const word = 'suspect'
/** With which a letter may be written. */
const letterCode = '\\u00'
const longestExcerpt = 200

/** Its content and its structured content stay as they are; a text stands behind them. */
export function annotated(outcome: Complete, reasons: readonly Reason[]): Outcome {
  return withNote(outcome, noteOf(reasons), { path: suspectPath, value: JSON.stringify({ reasons: reasons.map(shown) }) })
}

/** Without what a server itself says where the gateway speaks: no client is to take it for the gateway's. */
export function withoutClaim(outcome: Complete): Complete {
  if (!outcome.facts.hasMeta) return outcome
  const { bytes } = outcome.result
  const buffer = asBuffer(bytes)
  if (!buffer.includes(word) && !buffer.includes(letterCode)) return outcome
  return locate(bytes, suspectPath) === undefined
    ? outcome
    : { ...outcome, result: outcome.result.edit([{ path: suspectPath, value: undefined }]) }
}

/** In place of the result. What the server did is done. */
export function withheld(call: RoutedCall, reasons: readonly Reason[], excerpt: string | undefined): Outcome {
  const { item } = call
  const repeatable = isRepeatable(call)
  const broken = reasons.filter(({ kind }) => kind === 'result_schema')
  // A server that says that it failed may have done nothing, or a part.
  const effect: SideEffect = item.traits.readOnly ? 'none' : broken.length > 0 ? 'applied' : 'unknown'
  const executed = effect === 'none' ? 'The tool only reads.' : effect === 'applied' ? 'The call was executed.' : notKnown
  const says = excerpt === undefined ? {} : { excerpt: onOneLine(excerpt).slice(0, longestExcerpt) }
  const known = { upstream: call.upstream, item: item.visible, executed, reasons: reasons.map(shown), ...says }
  const change = { sideEffect: effect, retryable: repeatable }
  if (broken.length === 0) return failed(fault('result_suspect', { ...known, reason: reasons.map(inWords).join(' Also: ') }, change))
  const problems = broken.map(({ seen }) => (seen === undefined ? 'it has no structured content' : violationInOwnWords(seen))).join('; ')
  // The same again would be as it is.
  return failed(
    fault(
      'result_schema_violation',
      { ...known, problems: onOneLine(problems || 'in what it has').slice(0, 1_000) },
      { ...change, retryable: false },
    ),
  )
}

const notKnown = 'The call may or may not have been executed: check before calling it again.'

function shown({ kind, rule, usual, seen }: Reason): Record<string, string> {
  return {
    kind,
    rule: onOneLine(rule),
    ...(usual === undefined ? {} : { usual: onOneLine(usual) }),
    ...(seen === undefined ? {} : { seen: onOneLine(seen) }),
  }
}
