// Takes secrets out of JSON bytes: a word that says what it was stands in place of each.
import type { Span } from '../../core/protocol/scan.ts'
import { type Found, findSecrets } from '../../core/secrets/find-secrets.ts'
import type { KnownValues } from '../../core/secrets/known-values.ts'
import type { MaskRule } from '../../core/secrets/token-forms.ts'
import { maskOf } from '../../core/secrets/without-secrets.ts'
import { untouched } from './untouched.ts'

export type Counts = Partial<Record<MaskRule, number>>

export interface Masked {
  readonly bytes: Buffer
  readonly counts: Counts
}

const words = (rule: MaskRule): Buffer => Buffer.from(maskOf(rule))

/** Undefined where there is nothing to mask. `patterns`: also what is known by its form or by the name beside it. `own`: the gateway's own. `asks`: it is the params of a question. */
export function mask(bytes: Uint8Array, patterns: boolean, own: KnownValues | undefined, asks = false): Masked | undefined {
  const exact = own?.findIn(bytes) ?? none
  const formed = patterns ? findSecrets(bytes) : none
  if (exact.length === 0 && formed.length === 0) return undefined
  const guessed = formed.length === 0 ? formed : outside(formed, untouched(bytes, asks))
  const found = merged(exact, guessed).filter(({ start }) => !cutsEscape(bytes, start))
  return found.length === 0 ? undefined : replaced(bytes, found)
}

const none: readonly Found[] = []
const exactly = 'own_credential'

/** Of two that overlap the one that is exact. Both are sorted. */
function merged(spans: readonly Span[], formed: readonly Found[]): readonly Found[] {
  if (spans.length === 0) return formed
  const exact = spans.map((span): Found => ({ ...span, rule: exactly }))
  if (formed.length === 0) return exact
  const all: Found[] = []
  let at = 0
  for (const one of formed) {
    while (at < exact.length && (exact[at] as Found).end <= one.start) all.push(exact[at++] as Found)
    const next = exact[at]
    if (next === undefined || next.start >= one.end) all.push(one)
    // The longer of both: what it has more may be the rest of a secret.
    else if (one.start <= next.start && one.end >= next.end) {
      all.push({ ...one, rule: next.rule })
      while (at < exact.length && (exact[at] as Found).end <= one.end) at += 1
    }
  }
  while (at < exact.length) all.push(exact[at++] as Found)
  return all
}

/** Whether it begins within an escape of the JSON, or of JSON within its texts: `\npm_…` is a line that begins with `pm_`. */
function cutsEscape(b: Uint8Array, start: number): boolean {
  let run = 0
  while (b[start - 1 - run] === 0x5c) run += 1
  if (run > 0 && (run % 2 === 1 || letters.includes(b[start] as number))) return true
  for (let k = 1; k <= 4; k += 1) if (b[start - k] === 0x75 && b[start - k - 1] === 0x5c) return true
  return false
}

/** Of escapes. */
const letters = Buffer.from('bfnrtu')

function outside(found: readonly Found[], spans: readonly Span[]): readonly Found[] {
  if (spans.length === 0) return found
  let at = 0
  return found.filter(({ start, end }) => {
    while (at < spans.length && (spans[at] as Span).end <= start) at += 1
    const span = spans[at]
    return span === undefined || span.start >= end
  })
}

function replaced(bytes: Uint8Array, found: readonly Found[]): Masked {
  const pieces: Uint8Array[] = []
  const counts: Counts = {}
  let from = 0
  for (const { start, end, rule } of found) {
    pieces.push(bytes.subarray(from, start), words(rule))
    counts[rule] = (counts[rule] ?? 0) + 1
    from = end
  }
  pieces.push(bytes.subarray(from))
  return { bytes: Buffer.concat(pieces), counts }
}
