// What tells a text of an error from one that only speaks of errors; shared by the rules for credentials and for limits. No long text is looked
// at: a document, a log or a list of findings is no refusal, whatever stands in it.

/** Of a text that says that it is an error. */
export const longestError = 1_500
/** Of a text that is given for a success: it has to be nothing but the refusal. */
export const longestPlain = 400
export const mostLines = 12

/** What a run of tests reports is what it tested. */
export const ofTests = /\b(?:FAIL|FAILED|tests?|specs?|expect\w*|assert\w*)\b/

/** Members of an error, and of nothing else: JSON that has others is data. */
const errorMembers: ReadonlySet<string> = new Set(
  [
    'ok success error errors code status statusCode status_code message errorMessages errorCode detail details',
    'error_description error_uri reason domain metadata service method @type type title object request_id requestId',
    'documentation_url needed provided warning warnings response_metadata messages innerError date client-request-id',
    'retry_after retryAfter retry_after_ms retryAfterMs retryDelay reset global limit quotaMetric quotaId quotaUnit',
    'locations location locationType request-id extensions path timestamp traceId data isError __type Message',
  ].flatMap((line) => line.split(' ')),
)

export interface Said {
  /** The text, decoded. */
  readonly text: string
  /** It is given for an error (`isError`, a JSON-RPC error). */
  readonly isError: boolean
}

/** The tool was asked to fetch something, and it is that which refuses. */
export function aboutAddress(text: string, echoed: (words: string) => boolean): boolean {
  for (const [address] of text.matchAll(/\bhttps?:\/\/[^\s"'<>)\]}]{4,}/g)) if (echoed(address.replace(/[.,:;]+$/, ''))) return true
  return false
}

/** Of what is given for a success: an error in JSON, or one or two sentences. */
export function isNothingElse(text: string, isJson: boolean): boolean {
  if (isJson) return errorSigns.test(text) && hasErrorMembersOnly(text)
  // Lists, headings, quotations, tables, code, and lines of logs.
  if (/^(?:[#>*|`[<-]|\d|level=|(?:INFO|WARN(?:ING)?|DEBUG|TRACE|ERROR)\b)/.test(text)) return false
  return linesOf(text) <= 2 && !/[?#"“`]/.test(text)
}

const errorSigns = /"(?:errors?|errorCode|errorMessages|status|statusCode|status_code|code|documentation_url|ok|success|__type)"\s?:/

export function hasErrorMembersOnly(text: string): boolean {
  for (const [, name = ''] of text.matchAll(/"([\w@-]{1,40})"\s?:/g)) if (!errorMembers.has(name)) return false
  return true
}

export function linesOf(text: string): number {
  let lines = 1
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines += 1
  return lines
}
