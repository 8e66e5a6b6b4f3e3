// Ways in which a result is wrong though it was given for a success, each beside the nearest healthy traffic: a table. What is to come of it
// stands in test/promises/result-rows.test.ts.

import { textResult } from '../../peers/scripted.ts'
import type { PromiseId } from '../../promises.ts'
import { inText, rowsOf, structured } from './judging.ts'

export interface Case {
  readonly what: string
  /** Its words say whether its texts are those of others; each case has a tool of its own. */
  readonly tool?: string
  readonly declares?: unknown
  readonly quality?: Record<string, unknown>
  /** What it answered before, sixty times or as often as this says. */
  readonly before?: (n: number) => unknown
  readonly times?: number
  /** What it answers then. */
  readonly gives: (n: number) => unknown
  /** Else each call has arguments of its own. */
  readonly args?: (n: number) => unknown
}

export interface Fault extends Case {
  /** What is said of it, kind and rule. */
  readonly said: string
  readonly words?: RegExp
  /** It goes on, and people are told by the fourth. */
  readonly alert?: true
}

export interface Row {
  readonly id: string
  readonly title: string
  readonly cites: readonly PromiseId[]
  readonly faults: readonly Fault[]
  readonly twins: readonly Case[]
}

const usually = (n: number) => rowsOf(10 + ((n * 7) % 41))
const texts =
  (...all: string[]) =>
  (n: number) =>
    textResult(all[n % all.length] as string)
/** Once in a while there is nothing. */
const some = (n: number) => inText({ rows: Array.from({ length: n % 5 === 2 ? 0 : 1 + (n % 9) }, (_, id) => ({ id, name: `n${n}` })) })
const always = (result: unknown) => () => result
const people = (n: number, more: Record<string, unknown> = {}) =>
  Array.from({ length: 10 + (n % 30) }, (_, id) => ({ id, name: `n${n}`, owner: `o${id}`, ...more }))
const page = (title: string, text: string) =>
  `<!doctype html><html><head><title>${title}</title></head><body><h1>${text}</h1></body></html>`

const declared = {
  type: 'object',
  properties: {
    total: { type: 'integer' },
    next: { type: ['string', 'null'] },
    rows: { type: 'array', items: { type: 'object', properties: { id: { type: 'integer' }, note: { type: 'string' } }, required: ['id'] } },
  },
  required: ['rows', 'total'],
}
const asDeclared = (n: number) => structured({ rows: [{ id: n, note: 'a' }, { id: n + 1 }], total: 2 + n })

export const rows: readonly Row[] = [
  {
    id: 'L11',
    title: 'a result breaks the output schema',
    cites: ['R50', 'R80'],
    faults: [
      {
        what: 'a member of another type',
        declares: declared,
        gives: (n) => structured({ rows: [{ id: n }], total: 'two' }),
        said: 'result_schema/schema',
        words: /not of the schema that the tool declares \(\/total: expected integer/,
      },
      { what: 'a member is missing', declares: declared, gives: (n) => structured({ rows: [{ id: n }] }), said: 'result_schema/schema' },
      {
        what: 'a member of a row is missing',
        declares: declared,
        before: asDeclared,
        gives: (n) => structured({ rows: [{ note: 'b' }], total: n }),
        said: 'result_schema/schema',
      },
      {
        what: 'a text where there used to be structured content',
        declares: declared,
        before: asDeclared,
        gives: texts('There are 2 rows'),
        said: 'result_schema/no_structure',
        words: /it has no structured content/,
      },
    ],
    twins: [
      {
        what: 'an optional member is missing',
        declares: declared,
        before: asDeclared,
        gives: (n) => structured({ rows: [{ id: n }], total: n }),
      },
      {
        what: 'members that are not declared',
        declares: declared,
        before: asDeclared,
        gives: (n) => structured({ rows: [{ id: n, note: 'a', more: [1] }], total: n, took: 3 }),
      },
      {
        what: 'null where the schema has it',
        declares: declared,
        before: asDeclared,
        gives: (n) => structured({ rows: [{ id: n }], total: n, next: null }),
      },
      {
        what: 'an error that says so',
        declares: declared,
        before: asDeclared,
        gives: always({ ...inText('no such table'), isError: true }),
      },
      { what: 'a schema of anything', declares: { type: 'object' }, gives: (n) => structured({ [`k${n}`]: n, rows: [n] }) },
    ],
  },
  {
    id: 'L12',
    title: 'no rows where there used to be some',
    cites: ['R51', 'R53', 'R54'],
    faults: [
      {
        what: 'a list without any',
        before: usually,
        gives: always(rowsOf(0)),
        said: 'empty/single',
        words: /^suspect: zero rows\..*usually 10-50.*do not conclude that nothing exists/,
        alert: true,
      },
      {
        what: 'structured',
        before: (n) => structured({ rows: people(n), total: n }),
        gives: always(structured({ rows: [], total: 0 })),
        said: 'empty/single',
        alert: true,
      },
      { what: 'no content', before: usually, gives: always({ content: [] }), said: 'empty/single', alert: true },
      { what: 'words for nothing', before: usually, gives: texts('No results found.'), said: 'empty/single', alert: true },
      {
        what: 'a header without rows',
        before: (n) => inText(`| id | name |\n|----|------|\n${'| 1 | a |\n'.repeat(10 + (n % 30))}`),
        gives: texts('| id | name |\n|----|------|\n'),
        said: 'empty/single',
        alert: true,
      },
      {
        what: 'to a question that had some',
        before: (n) => rowsOf(n % 30 === 0 ? 0 : 10 + (n % 30)),
        args: (n) => ({ of: n < 60 ? n % 30 : 1 + (n % 5) }),
        gives: always(rowsOf(0)),
        said: 'empty/repeat',
        words: /about 1\d rows for the same arguments before/,
      },
    ],
    twins: [
      { what: 'a search that finds nothing now and then', tool: 'search', before: some, gives: some },
      {
        what: 'an inbox that is said to be mostly empty',
        tool: 'poll',
        quality: { emptyIsNormal: true },
        before: usually,
        gives: always(rowsOf(0)),
      },
      { what: 'one row', before: usually, gives: (n) => inText({ rows: [{ id: n, name: `n${n}` }] }) },
      {
        what: 'a list without any beside one that has some',
        before: (n) => inText({ user: n, tags: ['a'] }),
        gives: (n) => inText({ user: n, tags: [] }),
      },
      {
        what: 'a call that is done',
        tool: 'delete_row',
        before: (n) => inText({ deleted: 1, id: n }),
        gives: (n) => inText({ deleted: 0, id: n }),
      },
    ],
  },
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
    id: 'L16',
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
    id: 'N06',
    title: 'a service answers in another shape overnight',
    cites: ['R80'],
    faults: [
      {
        what: 'its rows stand elsewhere',
        times: 150,
        before: (n) => inText({ rows: people(n), took: n }),
        gives: (n) => inText({ items: people(n), took: n }),
        said: 'result_shape/',
        alert: true,
      },
      {
        what: 'a table and no JSON',
        times: 150,
        before: (n) => inText({ rows: people(n) }),
        gives: (n) => inText(`| id | name |\n|----|------|\n${`| ${n} | a |\n`.repeat(10 + (n % 30))}`),
        said: 'result_shape/format',
        alert: true,
      },
      {
        what: 'members are called otherwise',
        times: 150,
        before: (n) => inText(people(n)),
        gives: (n) => inText(people(n).map(({ id, name }) => ({ key: `k${id}`, label: name, holder: 'x' }))),
        said: 'result_shape/members',
        words: /another shape than before.*Fields may be missing/,
        alert: true,
      },
      {
        what: 'another type of what was always there',
        times: 150,
        before: (n) => inText({ id: n, price: n * 2 }),
        gives: (n) => inText({ id: `i${n}`, price: `${n * 2} EUR` }),
        said: 'result_shape/members',
        alert: true,
      },
    ],
    twins: [
      {
        what: 'members are added',
        times: 150,
        before: (n) => inText({ rows: people(n) }),
        gives: (n) => inText({ rows: people(n, { since: n, tags: [] }), took: n }),
      },
      {
        what: 'null where it was at times',
        times: 150,
        before: (n) => inText({ rows: people(n, { boss: n % 3 === 0 ? null : 'b' }) }),
        gives: (n) => inText({ rows: people(n, { boss: null }) }),
      },
      {
        what: 'a member that was missing at times',
        times: 150,
        before: (n) => inText({ rows: people(n, n % 3 === 0 ? {} : { boss: 'b' }) }),
        gives: (n) => inText({ rows: people(n) }),
      },
      {
        what: 'members in another order',
        times: 150,
        before: (n) => inText({ rows: people(n), took: n }),
        gives: (n) => inText({ took: n, rows: people(n).map(({ id, name, owner }) => ({ owner, name, id })) }),
      },
      {
        what: 'a whole number where there were others',
        times: 150,
        before: (n) => inText({ id: n, price: n + 0.5 }),
        gives: (n) => inText({ id: n, price: n }),
      },
      {
        what: 'names that are data',
        times: 150,
        before: (n) => inText({ [`2026-01-${10 + n}`]: n, [`u${n}`]: 1 }),
        gives: (n) => inText({ [`2027-01-${10 + n}`]: n, [`v${n}`]: 1 }),
      },
    ],
  },
]
