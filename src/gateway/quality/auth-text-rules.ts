// The words with which services refuse a credential, or a right of it: a table of real texts. One that is not here stays a result.
import type { RefusingWords } from '../../core/ports/refusing-words.ts'

export interface Rule extends RefusingWords {
  readonly pattern: RegExp
  /** Also where the text is given for a success, and begins so. */
  readonly plain?: true
  /** Words that anybody uses of anything that refuses: not where the caller named an address to go to, nor in what a run of tests reports. */
  readonly common?: true
}

/** Words of services, then those that many use. */
export const rules: readonly Rule[] = [
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
  { rule: 'django_token', says: 'invalid', pattern: /"detail"\s?:\s?"Invalid token\b/, plain: true },
  { rule: 'anthropic_key', says: 'invalid', pattern: /"type"\s?:\s?"authentication_error"/, plain: true },
  { rule: 'postgres_password', says: 'invalid', pattern: /\bpassword authentication failed for user\b/ },
  { rule: 'mysql_password', says: 'invalid', pattern: /\bAccess denied for user '[^']{0,80}'@'[^']{0,80}' \(using password: (?:YES|NO)\)/ },
  { rule: 'mongodb_password', says: 'invalid', pattern: /\bMongoServerError: (?:bad auth|Authentication failed)/ },
  { rule: 'redis_password', says: 'invalid', pattern: /\b(?:WRONGPASS|NOAUTH) [A-Z]?[a-z]/ },
  { rule: 'api_key', says: 'invalid', pattern: /\b(?:Invalid|Incorrect|No) API key provided\b/i, plain: true },
  { rule: 'invalid_key', says: 'invalid', pattern: /\binvalid (?:x-)?api[ -]key\b/i, common: true },
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
    pattern: /^(?:Error: )?(?:permission|access) denied\b[^\n/\\]{0,80}\b(?:scope|token|credential|api key)s?\b[^\n.]{0,40}/i,
    plain: true,
  },
  { rule: 'denied', says: 'insufficient', pattern: /^(?:Error: )?(?:permission|access) denied[.!]?$/i, plain: true, common: true },
  {
    rule: 'not_authenticated',
    says: 'invalid',
    pattern: /^(?:Error: )?(?:not authenticated|authentication (?:failed|required)|unauthenticated|not logged in)[.!]?$/i,
    plain: true,
    common: true,
  },
  {
    rule: 'status_401',
    says: 'invalid',
    pattern: /\b(?:status(?: code)?:? 401\b|HTTP(?: error)? 401\b|401 Unauthorized\b|401 Client Error\b)|^(?:Error: )?Unauthorized[.!]?$/i,
    common: true,
  },
]

/** Errors of Slack's Web API (`ok: false` with HTTP 200) about the token; the others are about what was asked. */
export const slackErrors: ReadonlyMap<string, RefusingWords['says']> = new Map([
  ['not_authed', 'invalid'],
  ['invalid_auth', 'invalid'],
  ['account_inactive', 'invalid'],
  ['token_revoked', 'invalid'],
  ['token_expired', 'invalid'],
  ['missing_scope', 'insufficient'],
  ['not_allowed_token_type', 'insufficient'],
])
