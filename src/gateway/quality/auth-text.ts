// Recognises the words with which services refuse a credential (or a scope of it) in what should be data, and tells them from what only speaks
// of such a refusal. It looks at no text that is long: a document, a log or a list of findings is no refusal, whatever stands in it.
import type { RefusingWords } from '../../core/ports/refusing-words.ts'
import { scopesIn } from '../../core/protocol/bearer-challenge.ts'
import { rules, slackErrors } from './auth-text-rules.ts'
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

/** A permission of the operating system is none of a credential, and neither is a limit. */
const notOurs = /\b(?:EACCES|EPERM|errno|rate limit|too many requests|ratelimited)\b/i
/** One look at what every refusal that is not called an error has, so that the many answers that are none cost next to nothing. */
function mayRefuse(text: string): boolean {
  // Nothing but that something failed may stand before the words, which begin within these.
  if (!text.trimStart().startsWith('{')) return stems.test(text.slice(0, 120))
  return (text.includes('"error') || text.includes('essage"') || text.includes('"detail"')) && stems.test(text)
}

const stems = /redential|uthent|_auth|oken|cope|enied|DENIED|accessible|SAML|rivileges|[Kk]ey|inactive|logged/

/** `echoed`: whether the caller itself named this in the arguments of the call; then the words are about that. */
export function refusingWords({ text, isError }: Said, echoed: (words: string) => boolean): RefusingWords | undefined {
  if (!isError && !mayRefuse(text)) return undefined
  const whole = text.trim()
  if (whole === '' || whole.length > (isError ? longestError : longestPlain)) return undefined
  if (notOurs.test(whole) || linesOf(whole) > mostLines) return undefined
  const isJson = whole.startsWith('{')
  const slack = isJson ? slackRefusal(whole) : undefined
  if (slack !== undefined) return echoed(slack.rule.slice('slack_'.length)) ? undefined : slack
  if (!isError && !isNothingElse(whole, isJson)) return undefined
  for (const { pattern, plain, common, rule, says } of rules) {
    if (!isError && plain !== true) continue
    const found = pattern.exec(whole)
    if (found === null) continue
    if (common === true && (echoed('://') || ofTests.test(whole))) continue
    if (!isError && !isJson && !standsAlone(whole, found)) continue
    return echoed(found[0]) || aboutAddress(whole, echoed) ? undefined : named({ rule, says }, whole)
  }
  return undefined
}

/** Nothing is before it but that something failed, and it is a sentence of its own. */
function standsAlone(text: string, { 0: words, index }: RegExpExecArray): boolean {
  const after = text.slice(index + words.length)
  return saysFailed.test(text.slice(0, index)) && /^(?:[.!]?$|[.!,:;] | [-([])/.test(after)
}

const saysFailed =
  /^(?:(?:[\w ]{0,30}\berror|failed\b[\w ]{0,40}|(?:authentication failed|permission denied|forbidden|unauthorized))\W{1,2})?$/i

function slackRefusal(text: string): RefusingWords | undefined {
  if (!/"ok"\s?:\s?false/.test(text)) return undefined
  const error = /"error"\s?:\s?"(\w{1,40})"/.exec(text)?.[1] ?? ''
  const says = slackErrors.get(error)
  return says === undefined || !hasErrorMembersOnly(text) ? undefined : named({ rule: `slack_${error}`, says }, text)
}

/** With the scopes that the words name: as a parameter of a challenge (RFC 6750 §3), or as Slack's `needed`, with commas between. */
function named(found: RefusingWords, text: string): RefusingWords {
  if (found.says !== 'insufficient') return found
  const list = /\b(?:needed|scope)\\?"?\s?[=:]\s?\\?"([\w:./, -]{1,400})\\?"/.exec(text)?.[1]
  const scopes = scopesIn(list?.replaceAll(',', ' '))
  return scopes === undefined ? found : { ...found, scopes }
}
