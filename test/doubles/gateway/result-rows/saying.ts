// What the words of a result say: errors, refusals of a credential, secrets; and what is cut.

import { healthyTexts } from '../../../guards/healthy-texts.ts'
import { textResult } from '../../../peers/scripted.ts'
import { inText, structured } from '../judging.ts'
import { always, given, page, people, type Row, some, texts, token, usually } from './row.ts'

export const saying: readonly Row[] = [
  {
    id: 'L15',
    title: 'an error that is given for a success',
    cites: ['R50', 'R52'],
    faults: [
      ...[
        'Error: connection pool exhausted, timed out after 30000 ms',
        'Request timed out',
        'timeout',
        'Could not retrieve the orders: the database is not responding.',
        'Fehler beim Laden der Daten',
        '数据库连接超时',
        'db: connect ECONNREFUSED 10.0.0.4:5432',
      ].map((words) => ({
        what: words,
        gives: texts(words),
        said: 'error_text/',
        words: /^suspect: this text is an error message although the tool reported success\./,
      })),
      { what: 'of a library of MCP', gives: texts('MCP error -32602: Invalid arguments for tool query'), said: 'error_text/mcp_error' },
      {
        what: 'a stack',
        gives: texts('Traceback (most recent call last):\n  File "/srv/a.py", line 1, in <module>\nKeyError: 7'),
        said: 'error_text/stack',
      },
      ...[
        { error: 'connection refused' },
        { status: 503, message: 'backend is down' },
        { success: false, message: 'database timeout', rows: [] },
        { data: null, errors: [{ message: 'cannot query', path: ['orders'] }] },
        { jsonrpc: '2.0', id: 7, error: { code: -32_603, message: 'Internal error' } },
      ].flatMap((value) => [
        { what: `in a text, ${JSON.stringify(value)}`, gives: always(inText(value)), said: 'error_text/' },
        { what: `structured, ${JSON.stringify(value)}`, gives: always(structured(value)), said: 'error_text/' },
      ]),
      {
        what: 'in a block of code',
        gives: texts('```json\n{"error": {"code": 500, "message": "no"}}\n```'),
        said: 'error_text/error_member',
      },
      { what: 'the page of a proxy', gives: texts(page('502 Bad Gateway', '502 Bad Gateway')), said: 'error_text/error_page' },
      {
        what: 'the page of a sign-in',
        tool: 'fetch_page',
        gives: texts(page('Sign in - Example', 'Sign in')),
        said: 'error_text/error_page',
      },
      {
        what: 'from now on',
        before: usually,
        gives: texts('The connection pool is exhausted.'),
        said: 'error_text/failure_phrase',
        alert: true,
      },
    ],
    twins: [
      { what: 'an error that says so', gives: always({ ...textResult('Error: connection pool exhausted'), isError: true }) },
      ...[
        '2026-11-30 10:00:01 ERROR connection refused\n2026-11-30 10:00:02 INFO connected',
        'level=error msg="connection refused" retry=1',
        '[ERROR] [main] Failed to start',
        'src/a.ts:14: Error: x is not defined',
        'Nov 30 10:00:01 db1 postgres[7]: FATAL: terminating connection due to administrator command',
        'Error: something failed',
      ].map((words) => ({ what: `lines of a log: ${words.slice(0, 40)}`, tool: 'tail_log', gives: texts(words) })),
      ...[
        'Error codes: -32602 means invalid params; -32603 is an internal error.',
        '# Errors\n\nTimeouts: the request timed out.',
        '"Connection refused" means that nothing listens on the port.',
        '0 errors, 0 warnings',
        'No errors found.',
        'Errors: 0',
        'Timeout: 30s',
        'Failed logins: 3',
        'This release fixes connection reset under load.',
        'Retries: the pool is never exhausted, no connection refused in the last hour',
        'diff --git a/x b/x\n-throw new Error("timed out after 3 s")',
      ].map((words) => ({ what: words.slice(0, 50), gives: texts(words) })),
      ...[
        { level: 'error', error: 'db', service: 'a' },
        { issues: [{ id: 7, title: 'Error: connection pool exhausted', state: 'open' }] },
        { id: 7, title: 'MCP error -32602', status: 'open', labels: ['bug'] },
        { errors: [], warnings: [{ line: 3 }], files: 2 },
        { error: null, rows: [{ id: 1 }] },
        { url: 'https://example.com/', status: 404, message: 'Not Found', checkedAt: '2026-11-30' },
        { build: 12, status: 'failed', message: 'tests failed', branch: 'main' },
        { code: -32_602, name: 'InvalidParams', description: 'Invalid method parameters', since: '1.0' },
      ].flatMap((value) => [
        { what: `data in a text, ${JSON.stringify(value)}`, gives: always(inText(value)) },
        { what: `structured data, ${JSON.stringify(value)}`, gives: always(structured(value)) },
      ]),
      {
        what: 'what was asked about',
        args: () => ({ term: 'connection refused' }),
        gives: texts('Connection refused: nothing listens there'),
      },
      { what: 'a page about errors', tool: 'fetch_page', gives: texts(page('How to mend a 502 Bad Gateway', 'Bad Gateway')) },
      { what: 'a page of one', tool: 'fetch_page', gives: texts(page('The sign in pages of the nineties', 'Sign in')) },
      { what: 'a list of issues', tool: 'list_issues', gives: texts('12 issues\n- Error: connection pool exhausted\n- Crash at start') },
      { what: 'a file', tool: 'read_file', gives: texts('Error: could not open the door, said the cat.') },
    ],
  },
  {
    id: 'L15',
    title: 'an answer is cut off',
    cites: ['R50'],
    faults: [
      {
        what: 'JSON',
        gives: texts(JSON.stringify({ rows: people(3) }).slice(0, -40)),
        said: 'truncated/json_cut',
        words: /cut off before its end\..* Do not take it for the whole/,
      },
      {
        what: 'JSON in a block of code',
        gives: texts(`\`\`\`json\n${JSON.stringify(people(3)).slice(0, -40)}`),
        said: 'truncated/json_cut',
      },
      { what: 'JSON on lines', gives: texts('{"id":1,"name":"a"}\n{"id":2,"na'), said: 'truncated/json_cut' },
      {
        what: 'a table',
        gives: texts('| id | name |\n|----|------|\n| 1 | a |\n| 2 | b |\n| 3 | c |\n| 4 | d'),
        said: 'truncated/row_cut',
      },
      {
        what: 'from now on',
        before: usually,
        gives: (n) => textResult(JSON.stringify({ rows: people(n) }).slice(0, -40)),
        said: 'truncated/json_cut',
        alert: true,
      },
    ],
    twins: [
      ...[
        '[INFO] started the server on port 80',
        '[2026-01-01 10:00] all is well',
        '[The manual](https://example.com/manual) has more',
        '[x] milk\n[ ] bread',
        '{name} is a placeholder for the name of the user',
        '{{ title }} and {% if x %} of a template {% endif %}',
        "{'a': 1, 'b': [1, 2]}",
        '{"id":1,"name":"a"}\n{"id":2,"name":"b"}\n',
        `\`\`\`json\n${JSON.stringify(people(3))}\n\`\`\``,
        '| id | name |\n|----|------|\n| 1 | a |\n| 2 | b |\n\nTwo rows',
        'He said "[',
      ].map((words) => ({ what: words.slice(0, 50), gives: texts(words) })),
    ],
  },
  {
    id: 'A11',
    title: 'a refusal of the credential that is given for a success',
    cites: ['R21', 'R50'],
    faults: [
      'Bad credentials',
      'Permission denied',
      'Access denied: your token lacks the scope read:org',
      'Request had insufficient authentication scopes.',
      '{"ok":false,"error":"not_authed"}',
      '{"message":"Bad credentials","documentation_url":"https://docs.github.com/rest","status":"401"}',
    ].map((words) => ({ what: words, gives: texts(words), said: '', refused: 'upstream_auth_failed' as const })),
    twins: [
      {
        what: 'an article',
        tool: 'search_articles',
        gives: texts('# 401 Unauthorized\n\nThe request lacks valid authentication credentials: Bad credentials, say some services.'),
      },
      { what: 'an explanation', gives: texts('The error `invalid_token` means that the access token is expired.') },
      { what: 'the title of an issue', tool: 'get_issue', gives: texts('Bad credentials when the token has a trailing newline') },
      { what: 'an issue', gives: always(inText({ number: 7, title: 'Bad credentials', state: 'open', body: '401 Unauthorized' })) },
      { what: 'a commit', gives: always(inText({ sha: '3f2a91bc', message: 'Permission denied: say who may' })) },
      { what: 'a log', tool: 'tail_log', gives: texts('2026-08-31T10:00:00Z WARN auth: Bad credentials') },
      { what: 'rows of a log', gives: always(inText([{ level: 'error', error: 'invalid_token', service: 'gateway' }])) },
      { what: 'an error about a file', gives: always({ ...textResult("EACCES: permission denied, open '/etc/shadow'"), isError: true }) },
      { what: 'an error about a table', gives: always({ ...textResult('ERROR: permission denied for table users'), isError: true }) },
      { what: 'nothing, where there is nothing', tool: 'search', before: some, gives: some },
    ],
  },
  {
    id: 'L20',
    title: 'a result has secrets in it',
    cites: ['R60'],
    faults: [
      { what: 'an environment', gives: texts(`PATH=/usr/bin\nGH=${token}`), said: '', masked: { github_token: 1 }, secret: token },
      {
        what: 'JSON',
        gives: always(inText({ user: 'bob', password: 'hunter2-is-it' })),
        said: '',
        masked: { named_secret: 1 },
        secret: 'hunter2',
      },
      {
        what: 'structured content',
        gives: always(structured({ user: 'bob', api_key: token })),
        said: '',
        masked: { github_token: 1 },
        secret: token,
      },
      {
        what: 'JSON within JSON',
        gives: always(inText({ log: JSON.stringify({ body: JSON.stringify({ token }) }) })),
        said: '',
        masked: { github_token: 1 },
        secret: token,
      },
      {
        what: 'an address',
        gives: texts('It is at postgres://app:hunter22x@db.internal/x'),
        said: '',
        masked: { url_password: 1 },
        secret: 'hunter22x',
      },
      {
        what: 'what the server was given',
        gives: texts(`You are Bearer ${given}`),
        said: '',
        masked: { own_credential: 1 },
        secret: given,
      },
      {
        what: 'an error with one in it',
        gives: texts(`Error: could not connect to postgres://app:hunter22x@db.internal/x`),
        said: 'error_text/error_opening',
        // In what programs are told of it too.
        masked: { url_password: 2 },
        secret: 'hunter22x',
      },
    ],
    twins: [
      ...Object.entries(healthyTexts).map(([what, text]) => ({ what, tool: 'read_file', gives: texts(text) })),
      {
        what: 'a page of rows',
        gives: (n) =>
          inText({
            rows: people(n, { etag: 'W/"33a64df551425fcc55e4d42a148795d9f25f89d4"', sha: '3f2a91bc77de4410aa8812f0c9d1e5b7a6c3d2f1' }),
            nextPageToken: 'CAUQAA8f3k2m9q7w1e5r4',
          }),
      },
    ],
  },
]
