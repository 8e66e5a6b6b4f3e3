// Texts with which real services and their MCP servers refuse a credential, each beside what looks like it and is none.
import { describe, expect, it } from 'vitest'
import { aCall, aReport } from '../../../test/doubles/gateway/samples.ts'
import { type Complete, complete, type ResultFacts } from '../../core/call/outcome.ts'
import { payloadOf } from '../../core/call/payload.ts'
import { resultFacts } from '../../core/protocol/jsonrpc.ts'
import { createWordsReader } from './words-reader.ts'

const { report } = aReport()
const reader = createWordsReader({ upstream: 'up', credentialed: true, now: () => 0, report, decisions: { note: () => {} } })

function said(text: string, isError: boolean, args: unknown = {}) {
  return found(text, isError, args)?.says
}

function found(text: string, isError: boolean, args: unknown = {}) {
  const result = payloadOf({ content: [{ type: 'text', text }], ...(isError ? { isError: true } : {}) })
  const outcome = complete(result, resultFacts(result.bytes) as ResultFacts) as Complete
  if (!isError && outcome.facts.bytes > reader.shortBytes) return undefined
  return reader.inResult(outcome, aCall({ params: payloadOf({ name: 'x', arguments: args }) }) as never)
}

const json = (value: unknown): string => JSON.stringify(value)
const awsDenied =
  'AccessDenied: User: arn:aws:iam::123456789012:user/ci is not authorized to perform: s3:ListBucket on resource: "arn:aws:s3:::logs" because no identity-based policy allows the s3:ListBucket action'
const google401 = {
  error: {
    code: 401,
    message:
      'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.',
    status: 'UNAUTHENTICATED',
  },
}

describe('an error that is a refusal of the credential', () => {
  it.each([
    ['invalid', 'Authentication Failed: Bad credentials'],
    ['invalid', 'failed to get issue: GET https://api.github.com/repos/o/r/issues/1: 401 Bad credentials []'],
    ['invalid', '{"message":"Bad credentials","documentation_url":"https://docs.github.com/rest","status":"401"}'],
    ['invalid', 'GitHub API error: Requires authentication'],
    ['insufficient', 'failed to create issue: 403 Resource not accessible by personal access token []'],
    ['insufficient', "Your token has not been granted the required scopes to execute this query. The 'id' field requires one of: read:org"],
    [
      'insufficient',
      'Resource protected by organization SAML enforcement. You must grant your Personal Access token access to this organization.',
    ],
    ['invalid', 'Error: An API error occurred: invalid_auth'],
    ['insufficient', 'An API error occurred: missing_scope'],
    ['invalid', json({ ok: false, error: 'token_revoked' })],
    ['invalid', json(google401)],
    ['insufficient', 'Request had insufficient authentication scopes.'],
    ['invalid', '[GoogleGenerativeAI Error]: API key not valid. Please pass a valid API key.'],
    ['insufficient', awsDenied],
    [
      'invalid',
      'An error occurred (ExpiredToken) when calling the ListBuckets operation: The security token included in the request is expired',
    ],
    ['invalid', 'UnrecognizedClientException: The security token included in the request is invalid.'],
    ['invalid', 'InvalidAccessKeyId: The AWS Access Key Id you provided does not exist in our records.'],
    ['invalid', json({ error: { code: 'InvalidAuthenticationToken', message: 'Access token has expired or is not yet valid.' } })],
    [
      'insufficient',
      json({ error: { code: 'Authorization_RequestDenied', message: 'Insufficient privileges to complete the operation.' } }),
    ],
    ['invalid', 'Client must be authenticated to access this resource.'],
    ['insufficient', json({ code: 401, message: 'Unauthorized; scope does not match' })],
    ['invalid', json({ object: 'error', status: 401, code: 'unauthorized', message: 'API token is invalid.' })],
    ['invalid', 'Authentication required, not authenticated'],
    ['invalid', json({ message: '401 Unauthorized' })],
    ['invalid', 'Error: Request failed with status code 401'],
    ['invalid', '401 Client Error: Unauthorized for url: https://sentry.io/api/0/projects/'],
    ['invalid', 'Unauthorized'],
    ['invalid', json({ error: 'invalid_token', error_description: 'Token was revoked. You have to re-authorize from the user.' })],
    ['insufficient', json({ error: 'insufficient_scope', error_description: 'The request requires higher privileges.' })],
    ['invalid', 'Invalid API Key provided: sk_test_****1234'],
    ['invalid', 'connection failed: FATAL: password authentication failed for user "app"'],
    ['invalid', "Access denied for user 'app'@'10.0.0.7' (using password: YES)"],
    ['invalid', 'MongoServerError: bad auth : Authentication failed.'],
    ['invalid', 'WRONGPASS invalid username-password pair or user is disabled.'],
    ['invalid', json({ type: 'error', error: { type: 'authentication_error', message: 'invalid x-api-key' } })],
    ['invalid', 'Unauthorized: missing or invalid API key.'],
    ['insufficient', 'permission denied'],
    ['insufficient', 'Permission denied: the token lacks the scope repo'],
    ['invalid', 'Error: the access token is expired'],
  ])('(%s) %s', (says, text) => expect(said(text, true)).toBe(says))
})

describe('a success that is nothing but a refusal of the credential', () => {
  it.each([
    ['invalid', json({ ok: false, error: 'not_authed' })],
    [
      'invalid',
      json({ ok: false, error: 'invalid_auth', warning: 'missing_charset', response_metadata: { warnings: ['missing_charset'] } }),
    ],
    ['insufficient', json({ ok: false, error: 'missing_scope', needed: 'channels:history', provided: 'chat:write' })],
    ['invalid', json(google401)],
    ['invalid', '{"message":"Bad credentials","documentation_url":"https://docs.github.com/rest","status":"401"}'],
    ['invalid', 'Bad credentials'],
    ['invalid', 'Error: Bad credentials'],
    ['invalid', 'Authentication Failed: Bad credentials'],
    ['insufficient', 'Request had insufficient authentication scopes.'],
    ['insufficient', 'Permission denied'],
    ['insufficient', 'Access denied: your token lacks the scope read:org'],
    ['invalid', 'Error: not authenticated'],
    ['invalid', json({ detail: 'Authentication credentials were not provided.', status: 401 })],
  ])('(%s) %s', (says, text) => expect(said(text, false)).toBe(says))
})

describe('an error about something else', () => {
  it.each([
    ['of the operating system', "EACCES: permission denied, open '/etc/shadow'"],
    ['of the operating system', "[Errno 13] Permission denied: '/srv/x'"],
    ['of a folder', 'Access denied - path outside allowed directories: /srv/token.txt not in /srv/files'],
    ['of a shell', 'bash: /srv/run.sh: Permission denied'],
    ['of a shell', "ls: cannot open directory '/srv/private': Permission denied"],
    ['of git', 'git@github.com: Permission denied (publickey).'],
    ['of a database, about a table', 'ERROR: permission denied for table users'],
    [
      'about a document that is not shared',
      json({ error: { code: 403, message: 'The caller does not have permission', status: 'PERMISSION_DENIED' } }),
    ],
    ['about a project', 'You do not have permission to create issues in this project.'],
    ['about a repository', 'Must have admin rights to Repository.'],
    ['about a channel', json({ ok: false, error: 'not_in_channel' })],
    ['about a limit', json({ ok: false, error: 'ratelimited' })],
    ['about a limit', 'API rate limit exceeded for user ID 1. Requires authentication for a higher limit'],
    ['about a status that is none of ours', 'Request failed with status code 403'],
    ['about a missing thing', 'failed to get issue: 404 Not Found []'],
    ['of a run of tests', 'FAIL src/auth.test.ts > login > answers 401 Unauthorized without a token'],
    ['of a run of tests', "AssertionError: expected 200, and got HTTP 401 from '/me'"],
    ['in an argument', 'Invalid value for `status`: the tool knows no 4011'],
  ])('%s: %s', (_what, text) => expect(said(text, true)).toBeUndefined())

  it('is about the address that the tool was asked to fetch', () => {
    const url = 'https://example.com/private'
    const text = `Failed to fetch ${url} - status code 401`
    expect(said(text, true, { url })).toBeUndefined()
    expect(said(`GET ${url}: HTTP 401`, true, { url })).toBeUndefined()
    expect(said(`GET ${url}: HTTP 401`, true)).toBe('invalid')
    const words = 'Error: Request failed with status code 401'
    expect([said(words, true, { url }), said(words, true, { id: 7 })]).toEqual([undefined, 'invalid'])
    expect(said('Authentication Failed: Bad credentials', true, { url })).toBe('invalid')
  })

  it('repeats what the caller wrote', () => {
    const query = 'Bad credentials'
    expect(said(`No results for "${query}"`, true, { query })).toBeUndefined()
    expect(said('invalid_auth is no command', true)).toBeUndefined()
  })

  it('is a long log in which it stands', () => {
    const log = Array.from({ length: 40 }, (_, i) => `10:00:${i} GET /me 401 Unauthorized`).join('\n')
    expect(said(log, true)).toBeUndefined()
    expect(said(`${'x '.repeat(1_000)}Bad credentials`, true)).toBeUndefined()
  })
})

describe('a success that speaks of refusals', () => {
  it.each([
    ['the title of an issue', 'Bad credentials when the token has a trailing newline'],
    ['the title of an issue', 'Login shows "401 Unauthorized" instead of the form'],
    ['an issue', '#123 401 Unauthorized on every call: invalid_token'],
    ['an issue', json({ number: 7, title: 'Bad credentials', state: 'open', body: '401 Unauthorized' })],
    ['a status and its name', '401 Unauthorized'],
    ['a message', json({ ok: true, message: 'not_authed' })],
    ['a message', json({ ok: true, messages: [{ user: 'U1', text: 'An API error occurred: invalid_auth' }] })],
    ['a commit', json({ message: 'Bad credentials' })],
    ['a row of a log', json({ level: 'error', error: 'invalid_token', service: 'gateway' })],
    ['a line of a log', '2026-08-31T10:00:00Z WARN auth: Bad credentials'],
    ['a line of a log', 'ERROR auth: Bad credentials.'],
    ['a result of a search', '1. auth.ts:12: throw new Error("Bad credentials")'],
    ['a page', '# 401 Unauthorized\n\nThe request lacks valid authentication credentials.'],
    ['a page', 'The error `invalid_token` means that the access token is expired.'],
    ['code', "if (status === 401) throw new Error('Request had invalid authentication credentials')"],
    ['an explanation', 'A request with an expired token is answered: Request had invalid authentication credentials.'],
    ['a question', 'Permission denied?'],
    ['a file', 'Permission denied: /etc/shadow'],
    ['an empty text', ''],
  ])('%s: %s', (_what, text) => expect(said(text, false)).toBeUndefined())

  it('with more than a text', () => {
    const blocks = [
      { type: 'text', text: 'Bad credentials' },
      { type: 'text', text: 'was the last commit' },
    ]
    const result = payloadOf({ content: blocks })
    expect(reader.inResult(complete(result, resultFacts(result.bytes) as ResultFacts) as Complete, aCall() as never)).toBeUndefined()
  })
})

it('an error of JSON-RPC is read alike', () => {
  expect(reader.inError('Authentication Failed: Bad credentials', aCall() as never)?.rule).toBe('github_bad_credentials')
  expect(reader.inError('Tool x not found', aCall() as never)).toBeUndefined()
})

it('what is large is not read at all', () => {
  const blocks = [{ type: 'text', text: 'Bad credentials' }]
  const result = payloadOf({ content: blocks, isError: true, _meta: { pad: 'x'.repeat(9_000) } })
  expect(reader.inResult(complete(result, resultFacts(result.bytes) as ResultFacts) as Complete, aCall() as never)).toBeUndefined()
})

it('a server to which nothing is given is read for errors alone', () => {
  const none = createWordsReader({ upstream: 'up', credentialed: false, now: () => 0, report, decisions: { note: () => {} } })
  expect(none.shortBytes).toBe(0)
})

describe('the scope that is missing', () => {
  it.each([
    [['channels:history', 'chat:write'], json({ ok: false, error: 'missing_scope', needed: 'channels:history,chat:write', provided: 'x' })],
    [['repo:read', 'repo:write'], 'Bearer error="insufficient_scope", scope="repo:read repo:write"'],
    [undefined, 'An API error occurred: missing_scope'],
    [undefined, json({ ok: false, error: 'invalid_auth', needed: 'chat:write' })],
  ])('is %j', (scopes, text) => {
    expect(found(text, true)?.scopes).toEqual(scopes)
  })
})
