// Recognises the words with which a service behind a server limits the rate of calls, and when they say to come back; and tells them from what
// only speaks of limits.
import type { LimitingWords } from '../../core/ports/refusing-words.ts'
import { longestRetryMs, ofData, ofRetryAfter } from '../../core/protocol/retry-times.ts'
import {
  aboutAddress,
  hasErrorMembersOnly,
  isNothingElse,
  linesOf,
  longestError,
  longestPlain,
  mostLines,
  ofTests,
  type Said,
} from './error-text.ts'
import { limitRules } from './limit-text-rules.ts'

/** In nearly no text of an error, so that the others cost one look. */
const stems = /limit|429|too many|thrott|exhausted|quota exceeded|rate exceeded|exceeded|SlowDown|TooMany/i
/** It says that it did not happen, or speaks of what would be. */
const denied = /\b(?:no|not|never|without|if|when|whenever|unless|until|avoid|how to|about|handle|handling)\b[^.:;\n]{0,40}$/i
/** Before the words there is room for what failed. */
const latest = 400

/** `echoed`: whether the caller itself named this in the arguments of the call; then the words are about that. */
export function limitingWords({ text, isError }: Said, echoed: (words: string) => boolean, nowMs: number): LimitingWords | undefined {
  if (text.length > 4 * longestError || !stems.test(text)) return undefined
  const whole = text.trim()
  if (whole.length > (isError ? longestError : longestPlain) || linesOf(whole) > mostLines) return undefined
  const isJson = whole.startsWith('{')
  // A success has to be an error in JSON and nothing else: sentences about limits are what tools are asked for.
  if (!isError && !(isJson && isNothingElse(whole, true) && hasErrorMembersOnly(whole))) return undefined
  for (const { rule, pattern, common, waitMs } of limitRules) {
    const found = pattern.exec(whole)
    if (found === null || found.index > latest) continue
    if (common === true && (echoed('://') || ofTests.test(whole))) continue
    if (denied.test(whole.slice(Math.max(0, found.index - 80), found.index))) continue
    if (echoed(found[0]) || aboutAddress(whole, echoed)) return undefined
    return { rule, retryAfterMs: retryTime(whole, nowMs) ?? waitMs }
  }
  return undefined
}

/** When the words say to come back, in ms from now. */
function retryTime(text: string, nowMs: number): number | undefined {
  return ofJson(text, nowMs) ?? ofHeaderLike(text, nowMs) ?? ofDuration(text) ?? ofTime(text, nowMs)
}

/** JSON, or JSON within a sentence. */
function ofJson(text: string, nowMs: number): number | undefined {
  const begin = text.indexOf('{')
  const end = text.lastIndexOf('}')
  if (begin < 0 || end < begin) return undefined
  try {
    return ofData(JSON.parse(text.slice(begin, end + 1)), nowMs)
  } catch {
    return undefined
  }
}

/** `retry-after: 30`, `Retry-After=30`, `"retry_after": 30`; with a unit it is a duration. */
function ofHeaderLike(text: string, nowMs: number): number | undefined {
  const found =
    /\bretry[-_ ]?after["']?\s?(?:is|of)?\s?[:=]\s?["']?(\d+(?:\.\d+)?|[A-Z][a-z]{2}, [\w :]{20} GMT)["']?(?!\s?(?:[.\d]|m|h|s\b|sec))/i.exec(
      text,
    )?.[1]
  return found === undefined ? undefined : ofRetryAfter(found, nowMs)
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const oneDuration = /(\d+(?:\.\d+)?)\s?(ms|millisecond|s(?:ec(?:ond)?)?|m(?:in(?:ute)?)?|h(?:(?:ou)?r)?|d(?:ay)?)s?(?![a-z])/gi

/** `try again in 1m30s`, `retry after 20 seconds`, `rate reset in 12m34s`, `wait 5 minutes`. */
function ofDuration(text: string): number | undefined {
  const found =
    /\b(?:retry(?:ing)?|try(?:ing)? (?:it )?again|again|wait|resets?|available|reset)\b[^\d\n]{0,40}((?:\d+(?:\.\d+)?\s?(?:[a-z]{1,12})(?:,? and |,? )?){1,4})/i.exec(
      text,
    )?.[1]
  if (found === undefined) return undefined
  let total: number | undefined
  for (const [, amount, unit = ''] of found.matchAll(oneDuration)) {
    const name = unit.toLowerCase()
    const size = name.startsWith('ms') || name.startsWith('milli') ? 1 : (units[name[0] as string] ?? 0)
    total = (total ?? 0) + Number(amount) * size
  }
  return total === undefined ? undefined : Math.min(longestRetryMs, Math.ceil(total))
}

/** `resets at 2026-11-29T12:00:00Z`, and seconds since the epoch. */
function ofTime(text: string, nowMs: number): number | undefined {
  const found =
    /\b(?:resets?|again|until|after|at)\b[^\d\n]{0,20}(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d))/i.exec(text)?.[1]
  const at = found === undefined ? Number.NaN : Date.parse(found)
  return Number.isNaN(at) ? undefined : Math.min(longestRetryMs, Math.max(0, at - nowMs))
}
