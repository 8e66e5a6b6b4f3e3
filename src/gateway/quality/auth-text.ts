// Recognises the words with which services refuse a credential (or a scope of it) in what should be data, and tells them from what only speaks
// of such a refusal. It looks at no text that is long: a document, a log or a list of findings is no refusal, whatever stands in it.
import type { RefusingWords } from '../../core/ports/refusing-words.ts'
import { scopesIn } from '../../core/protocol/bearer-challenge.ts'
import { rules, slackErrors } from './auth-text-rules.ts'

/** Of a text that says that it is an error. */
const longestError = 1_500
/** Of a text that is given for a success: it has to be nothing but the refusal. */
export const longestPlain = 400
const mostLines = 12

/** A permission of the operating system is none of a credential, and neither is a limit. */
const notOurs = /\b(?:EACCES|EPERM|errno|rate limit|too many requests|ratelimited)\b/i
/** What a run of tests reports is what it tested. */
const ofTests = /\b(?:FAIL|FAILED|tests?|specs?|expect\w*|assert\w*)\b/

/** Members of an error, and of nothing else: JSON that has others is data. */
const errorMembers: ReadonlySet<string> = new Set(
  [
    'ok success error errors code status statusCode status_code message errorMessages errorCode detail details',
    'error_description error_uri reason domain metadata service method @type type title object request_id requestId',
    'documentation_url needed provided warning warnings response_metadata messages innerError date client-request-id',
    'locations location locationType request-id extensions path timestamp traceId data isError __type Message',
  ].flatMap((line) => line.split(' ')),
)

export interface Said {
  /** The text, decoded. */
  readonly text: string
  /** It is given for an error (`isError`, a JSON-RPC error). */
  readonly isError: boolean
}

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

/** The tool was asked to fetch something, and it is that which refuses. */
function aboutAddress(text: string, echoed: (words: string) => boolean): boolean {
  for (const [address] of text.matchAll(/\bhttps?:\/\/[^\s"'<>)\]}]{4,}/g)) if (echoed(address.replace(/[.,:;]+$/, ''))) return true
  return false
}

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

/** Of what is given for a success: an error in JSON, or one or two sentences. */
function isNothingElse(text: string, isJson: boolean): boolean {
  if (isJson) return errorSigns.test(text) && hasErrorMembersOnly(text)
  // Lists, headings, quotations, tables, code, and lines of logs.
  if (/^(?:[#>*|`[<-]|\d|level=|(?:INFO|WARN(?:ING)?|DEBUG|TRACE|ERROR)\b)/.test(text)) return false
  return linesOf(text) <= 2 && !/[?#"“`]/.test(text)
}

const errorSigns = /"(?:errors?|errorCode|errorMessages|status|statusCode|status_code|code|documentation_url|ok|success|__type)"\s?:/

function hasErrorMembersOnly(text: string): boolean {
  for (const [, name = ''] of text.matchAll(/"([\w@-]{1,40})"\s?:/g)) if (!errorMembers.has(name)) return false
  return true
}

function linesOf(text: string): number {
  let lines = 1
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines += 1
  return lines
}
