// Recognises the words with which services refuse a credential (or a scope of it) in what should be data: a list of real texts, with the marks
// of what only speaks of such a refusal. It looks at the first 2 KiB of a text, by patterns that take linear time, and at none that is long:
// a document, a log or a list of findings is no refusal, whatever stands in it.
import type { RefusingWords } from '../../core/ports/refusing-words.ts'
import { scopesIn } from '../../core/protocol/bearer-challenge.ts'

/** Of a text that says that it is an error. */
const longestError = 1_500
/** Of a text that is given for a success: it has to be nothing but the refusal. */
export const longestPlain = 400
const head = 2_048
const mostLines = 12

interface Rule extends RefusingWords {
  readonly pattern: RegExp
  /** Also where the text is given for a success, and begins so. */
  readonly plain?: true
}

/** Words of services, then those that many use. `plain`: unmistakable enough to be taken at their word where no error is said. */
const rules: readonly Rule[] = [
  { rule: 'github_bad_credentials', says: 'invalid', pattern: /\bBad credentials\b/, plain: true },
  { rule: 'github_requires_authentication', says: 'invalid', pattern: /\bRequires authentication\b/ },
  {
    rule: 'github_not_accessible',
    says: 'insufficient',
    pattern: /\bResource not accessible by (?:personal access token|integration)\b/,
    plain: true,
  },
  {
    rule: 'github_scopes',
    says: 'insufficient',
    pattern: /\bYour token has not been granted the required scopes\b[^\n.]{0,60}/,
    plain: true,
  },
  { rule: 'github_saml', says: 'insufficient', pattern: /\bResource protected by organization SAML enforcement\b/, plain: true },
  {
    rule: 'google_credentials',
    says: 'invalid',
    pattern: /\bRequest (?:had invalid authentication credentials|is missing required authentication credential)\b/,
    plain: true,
  },
  { rule: 'google_api_key', says: 'invalid', pattern: /\bAPI key not valid\. Please pass a valid API key\b/, plain: true },
  { rule: 'google_scopes', says: 'insufficient', pattern: /\bRequest had insufficient authentication scopes\b/, plain: true },
  {
    rule: 'aws_token',
    says: 'invalid',
    pattern: /\b(?:The security token included in the request is (?:expired|invalid)|The AWS Access Key Id you provided does not exist)/,
    plain: true,
  },
  { rule: 'aws_signature', says: 'invalid', pattern: /\bThe request signature we calculated does not match the signature you provided\b/ },
  {
    rule: 'aws_access_denied',
    says: 'insufficient',
    pattern: /\bAccessDenied(?:Exception)?\b[^\n]{0,200}\bis not authorized to perform: /,
  },
  {
    rule: 'microsoft_token',
    says: 'invalid',
    pattern: /\bInvalidAuthenticationToken\b|\bAccess token has expired or is not yet valid\b/,
    plain: true,
  },
  { rule: 'microsoft_privileges', says: 'insufficient', pattern: /\bInsufficient privileges to complete the operation\b/, plain: true },
  { rule: 'atlassian_authenticated', says: 'invalid', pattern: /\bClient must be authenticated to access this resource\b/, plain: true },
  { rule: 'atlassian_scope', says: 'insufficient', pattern: /\bUnauthorized; scope does not match\b/, plain: true },
  {
    rule: 'slack_library',
    says: 'invalid',
    pattern: /\bAn API error occurred: (?:not_authed|invalid_auth|account_inactive|token_revoked|token_expired)\b/,
    plain: true,
  },
  { rule: 'slack_library_scope', says: 'insufficient', pattern: /\bAn API error occurred: missing_scope\b/, plain: true },
  { rule: 'notion_token', says: 'invalid', pattern: /\bAPI token is invalid\b/, plain: true },
  { rule: 'linear_authentication', says: 'invalid', pattern: /\bAuthentication required, not authenticated\b/, plain: true },
  { rule: 'salesforce_session', says: 'invalid', pattern: /\bINVALID_SESSION_ID\b/ },
  { rule: 'django_credentials', says: 'invalid', pattern: /\bAuthentication credentials were not provided\b/, plain: true },
  { rule: 'postgres_password', says: 'invalid', pattern: /\bpassword authentication failed for user\b/ },
  { rule: 'api_key', says: 'invalid', pattern: /\b(?:Invalid|Incorrect|No) API key provided\b/i, plain: true },
  // RFC 6750 §3.1, as a challenge or as a member of an error.
  { rule: 'invalid_token', says: 'invalid', pattern: /\berror\\?"?\s?[=:]\s?\\?"invalid_token\\?"/, plain: true },
  { rule: 'insufficient_scope', says: 'insufficient', pattern: /\berror\\?"?\s?[=:]\s?\\?"insufficient_scope\\?"/, plain: true },
  {
    rule: 'expired_token',
    says: 'invalid',
    pattern:
      /^(?:Error: )?(?:the |your )?(?:access |api |auth(?:entication)? |oauth |bearer )?token (?:is|has|was) (?:expired|revoked|invalid)\b/i,
    plain: true,
  },
  {
    rule: 'missing_scope',
    says: 'insufficient',
    pattern: /^(?:Error: )?(?:permission|access) denied\b[^\n]{0,80}\b(?:scope|token|credential|api key)s?\b[^\n.]{0,40}/i,
    plain: true,
  },
  { rule: 'denied', says: 'insufficient', pattern: /^(?:Error: )?(?:permission|access) denied[.!]?$/i, plain: true },
  {
    rule: 'not_authenticated',
    says: 'invalid',
    pattern: /^(?:Error: )?(?:not authenticated|authentication (?:failed|required)|unauthenticated|not logged in)[.!]?$/i,
    plain: true,
  },
  {
    rule: 'status_401',
    says: 'invalid',
    pattern: /\b(?:status(?: code)?:? 401\b|HTTP(?: error)? 401\b|401 Unauthorized\b|401 Client Error\b)|^(?:Error: )?Unauthorized[.!]?$/i,
  },
]

/** Errors of Slack's Web API (`ok: false` with HTTP 200) about the token; the others are about what was asked. */
const slackErrors: ReadonlyMap<string, RefusingWords['says']> = new Map([
  ['not_authed', 'invalid'],
  ['invalid_auth', 'invalid'],
  ['account_inactive', 'invalid'],
  ['token_revoked', 'invalid'],
  ['token_expired', 'invalid'],
  ['missing_scope', 'insufficient'],
  ['not_allowed_token_type', 'insufficient'],
])

/** A permission of the operating system is none of a credential, and neither is a limit. */
const notOurs = /\b(?:EACCES|EPERM|errno|rate limit|too many requests|ratelimited)\b/i
/** What a run of tests reports is what it tested. */
const ofTests = /\b(?:FAIL|FAILED|tests?|specs?|expect\w*|assert\w*)\b/

/** Members of an error, and of nothing else: JSON that has others is data. */
const errorMembers: ReadonlySet<string> = new Set([
  ...[
    'ok',
    'success',
    'error',
    'errors',
    'code',
    'status',
    'statusCode',
    'status_code',
    'message',
    'errorMessages',
    'errorCode',
    'detail',
    'details',
  ],
  ...[
    'error_description',
    'error_uri',
    'reason',
    'domain',
    'metadata',
    'service',
    'method',
    '@type',
    'type',
    'title',
    'object',
    'request_id',
    'requestId',
  ],
  ...[
    'documentation_url',
    'needed',
    'provided',
    'warning',
    'warnings',
    'response_metadata',
    'messages',
    'innerError',
    'date',
    'client-request-id',
    'locations',
  ],
  ...['location', 'locationType', 'request-id', 'extensions', 'path', 'timestamp', 'traceId', 'data', 'isError', '__type', 'Message'],
])

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
  const start = whole.slice(0, head)
  if (notOurs.test(start) || linesOf(start) > mostLines) return undefined
  const isJson = start.startsWith('{')
  const slack = isJson ? slackRefusal(start) : undefined
  if (slack !== undefined) return echoed(slack.rule.slice('slack_'.length)) ? undefined : slack
  if (!isError && !isNothingElse(start, isJson)) return undefined
  for (const { pattern, plain, rule, says } of rules) {
    if (!isError && plain !== true) continue
    const found = pattern.exec(start)
    if (found === null) continue
    if (rule === 'status_401' && ofTests.test(start)) continue
    if (!isError && !isJson && !standsAlone(start, found)) continue
    return echoed(found[0]) || aboutAddress(start, echoed) ? undefined : named({ rule, says }, start)
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
