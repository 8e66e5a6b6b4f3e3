import { describe, expect, it } from 'vitest'
import { type Case, look, said } from '../../../../test/doubles/looked.ts'

const text = (words: string, of?: Case) => look(said(words), of)
const json = (value: unknown, of?: Case) => text(JSON.stringify(value), of)
const structured = (value: unknown, of?: Case) =>
  look({ content: [{ type: 'text', text: JSON.stringify(value) }], structuredContent: value }, of)

describe('a result that says itself that it is an error', () => {
  it('is a tool error, with its words', () => {
    const found = look({ ...said('Could not read \u001b[31mthe\n file'), isError: true }, { isError: true })
    expect(found).toMatchObject({ kind: 'tool_error', rule: 'is_error', excerpt: 'Could not read [31mthe file' })
  })
})

describe('a result without anything in it', () => {
  it.each([
    ['no blocks', { content: [] }],
    ['white space', said(' \n\t ')],
    ['two blank texts', said('', ' ')],
    ['no content at all', {}],
  ])('%s', (_, result) => {
    expect(look(result)).toMatchObject({ kind: 'empty', rule: 'no_content', format: 'none', bytes: 0 })
  })

  it('a picture is not nothing', () => {
    expect(look({ content: [{ type: 'image', data: 'AAAA', mimeType: 'image/png' }] }).kind).toBe('ok')
  })
})

describe('JSON that is nothing but an error', () => {
  const errors: readonly [string, unknown, string][] = [
    ['a word', { error: 'connection refused' }, 'error_member'],
    ['an object', { error: { code: 503, message: 'backend down', status: 'UNAVAILABLE' } }, 'error_member'],
    ['with a trace', { timestamp: '2026-11-30', status: 500, error: 'Internal Server Error', path: '/x', trace: 'at a.b' }, 'error_member'],
    ['other members are empty', { data: null, rows: [], error: 'pool exhausted' }, 'error_member'],
    ['of a problem', { type: 'about:blank', title: 'Bad Gateway', status: 502, detail: 'upstream' }, 'error_status'],
    ['not successful', { success: false, message: 'database timeout' }, 'not_successful'],
    ['JSON-RPC', { jsonrpc: '2.0', id: 4, error: { code: -32603, message: 'boom' } }, 'error_member'],
    ['a failed status', { status: 'failed', message: 'no answer from db' }, 'error_status'],
    ['GraphQL', { data: null, errors: [{ message: 'cannot query', locations: [] }] }, 'graphql_errors'],
    ['GraphQL, in part', { data: { a: 1 }, errors: [{ message: 'cannot query' }] }, 'graphql_errors'],
    ['wrapped', { result: { error: 'quota' } }, 'error_member'],
    ['in a list', [{ error: 'no such host' }], 'error_member'],
    ['of a gateway', { message: 'Internal server error' }, 'error_message'],
    ['of a framework', { detail: 'Service Unavailable' }, 'error_message'],
    ['of what the tool needs', { error: 'Table orders not found' }, 'error_member'],
    ['of a server that has no such page', { status: 404, message: 'Not Found' }, 'error_status'],
  ]
  it.each(errors)('%s', (_, value, rule) => {
    for (const found of [json(value), ...(Array.isArray(value) ? [] : [structured(value)])]) {
      expect(found).toMatchObject({ kind: 'hidden_error', rule, weak: false, format: 'json' })
    }
  })

  it('tells its words', () => {
    expect(json({ error: { code: 1, message: 'no\n\u202espace' } }).excerpt).toBe('no space')
    expect(json({ success: false, message: 'x "quoted" y' }).excerpt).toBe('x "quoted" y')
  })

  it('a list of errors alone may be what a linter found', () => {
    expect(json({ errors: [{ line: 3, rule: 'semi' }] })).toMatchObject({ kind: 'hidden_error', rule: 'errors_member', weak: true })
  })

  const data: readonly [string, unknown, Case?][] = [
    ['a line of a log', { level: 'error', error: 'db', service: 'a' }],
    ['no errors of a linter', { errors: [], warnings: [{ line: 3 }], files: 2 }],
    ['errors beside what was checked', { file: 'a.js', errors: [{ line: 1 }] }],
    ['an error that is none', { error: null, rows: [1] }],
    ['an error that is empty', { error: '', rows: [1] }],
    ['a build that failed', { status: 'failed', message: 'tests failed', build: 12, branch: 'main' }],
    ['a status of 404 of a page that was checked', { status: 404, address: 'x', checked: true, page: 'y' }],
    [
      'rows with errors',
      [
        { error: 'a', id: 1 },
        { error: 'b', id: 2 },
      ],
    ],
    ['what the caller asked about', { error: 'ENOENT', description: 'no such file' }, { args: { error: 'ENOENT' } }],
    ['a success', { success: true, message: 'created' }],
    ['a message', { message: 'Service is well' }],
    ['a code', { code: 'ABC', title: 'x', name: 'y' }],
  ]
  it.each(data)('is not: %s', (_, value, of) => {
    expect(json(value, of).kind).toBe('ok')
  })
})

describe('JSON in which nothing is', () => {
  it.each([
    [[]],
    [{}],
    [{ rows: [] }],
    [{ rows: [], count: 0, query: 'select 1', page: 2 }],
    [{ success: true, data: [] }],
    [{ data: { users: { nodes: [], totalCount: 0, pageInfo: { hasNextPage: false, endCursor: null } } } }],
    [{ took: 3, timed_out: false, _shards: { total: 1 }, hits: { total: { value: 0, relation: 'eq' }, max_score: null, hits: [] } }],
    [{ total_count: 0, incomplete_results: false, items: [] }],
    [{ entities: [], relations: [] }],
    [[[]]],
    [{ columns: ['a', 'b'], rows: [] }],
    [{ result: '' }],
    [{ id: null, name: null }],
    [{ temperature: 0, conditions: '', humidity: 0 }],
    [{ id: '', state: '', progress: 0, result: null, error: null }],
    [{ error: 'User not found' }],
    [{ error: { code: 404, message: 'not found' } }],
    [{ found: false, quantity: 0, locations: [] }],
  ])('%j', (value) => {
    expect(json(value)).toMatchObject({ kind: 'empty', rule: 'empty_json', format: 'json' })
    if (!Array.isArray(value)) expect(structured(value)).toMatchObject({ kind: 'empty' })
  })

  it('what was asked for and is given back is nothing', () => {
    expect(json({ table: 'users', rows: [] }, { args: { table: 'users' } }).kind).toBe('empty')
  })

  it.each([
    [{ user: 'bob', tags: [] }],
    [{ success: true }],
    [{ status: 'ok' }],
    [{ page: 1, total: 5 }],
    [{ deleted: 0 }],
    [{ exists: false }],
    [[{ id: null, name: 'a' }]],
    [{ status: 'active', members: [] }],
    [[0]],
    [{ stdout: '', exitCode: 0 }],
    [{ table: 'users', rows: [] }],
    [{ enabled: false, rules: [] }],
    [{ healthy: false, failures: 0 }],
    [{ balance: 0, plan: 'free', note: '' }],
  ])('is not: %j', (value) => {
    expect(json(value).kind).toBe('ok')
  })

  it('the one text of structured content is looked at as a text', () => {
    for (const nothing of ['[]', '', 'No matches found'])
      expect(structured({ content: nothing }), nothing).toMatchObject({ kind: 'empty', keys: ['content:string'] })
    expect(structured({ content: '{"error":"backend unavailable"}' })).toMatchObject({
      kind: 'hidden_error',
      excerpt: 'backend unavailable',
    })
    expect(structured({ content: 'a.txt\nb.txt', path: '/' }).kind).toBe('ok')
    expect(structured({ content: 'a.txt' }).kind).toBe('ok')
  })

  it('null is nothing', () => {
    expect(text('null').kind).toBe('empty')
  })

  it('rows where configuration says that they are', () => {
    expect(json({ user: 'bob', tags: [] }, { rows: '$.tags' })).toMatchObject({
      kind: 'empty',
      rule: 'no_rows',
      rows: [{ path: '$.tags', count: 0, bytes: 2 }],
    })
    expect(json({ user: 'bob', tags: [1] }, { rows: '$.tags' })).toMatchObject({ kind: 'ok', rows: [{ count: 1 }] })
  })
})

describe('JSON that is cut', () => {
  const whole = JSON.stringify({
    rows: Array.from({ length: 20 }, (_, id) => ({ id, name: `name "${id}"`, ok: true, part: null, n: -1.5e3 })),
  })
  it('wherever it is cut', () => {
    for (let at = 16; at < whole.length; at += 1) {
      expect([at, text(whole.slice(0, at)).kind]).toEqual([at, 'truncated'])
    }
    expect(text(whole).kind).toBe('ok')
  })

  it('in a block of code, and of lines', () => {
    expect(text(`\`\`\`json\n${whole}\n\`\`\``)).toMatchObject({ kind: 'ok', format: 'json' })
    expect(text(`\`\`\`json\n${whole.slice(0, 200)}`).kind).toBe('truncated')
    expect(text('{"id":1,"name":"a"}\n{"id":2,"name":"b"}\n')).toMatchObject({
      kind: 'ok',
      format: 'jsonl',
      rows: [{ path: 'lines', count: 2 }],
    })
    expect(text('{"id":1,"name":"a"}\n{"id":2,"na').kind).toBe('truncated')
  })

  it.each([
    '[INFO] started the server on port 80',
    '[link](http://a.b/c)',
    '{name} is a placeholder in',
    "{'a': 1, 'b': [1, 2]",
    '[2026-01-01 10:00] all is well',
    '[1, 2',
  ])('is not: %s', (words) => {
    expect(text(words).kind).toBe('ok')
  })
})

describe('rows', () => {
  it('of lists at the root and two names deep, those with most bytes', () => {
    const found = json({
      data: {
        items: [
          { id: 1, name: 'abc' },
          { id: 2, name: 'def' },
        ],
        tags: ['a'],
      },
      next: [1, 2, 3],
    })
    expect(found.rows).toEqual([
      { path: '$.data.items', count: 2, bytes: 45 },
      { path: '$.next', count: 3, bytes: 7 },
      { path: '$.data.tags', count: 1, bytes: 5 },
    ])
    expect(found.keys).toEqual(['data:object', 'next:array', 'data.items[].id:number', 'data.items[].name:string'])
    expect(json([{ a: 1 }, { a: 2 }])).toMatchObject({ rows: [{ path: '$', count: 2 }], keys: ['[].a:number'] })
  })

  it('of texts', () => {
    expect(text('a\nb\nc\nd').rows).toEqual([{ path: 'lines', count: 4, bytes: 7 }])
    expect(text('| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n')).toMatchObject({ format: 'table', rows: [{ path: 'table', count: 2 }] })
    expect(text('id,name\n1,a\n2,b\n')).toMatchObject({ format: 'csv', rows: [{ path: 'csv', count: 2 }] })
    expect(text('- a\n- b\n- c')).toMatchObject({ format: 'list', rows: [{ path: 'bullets', count: 3 }] })
    expect(look(said('{"a":1}', '{"a":2}'))).toMatchObject({ rows: [{ path: 'blocks', count: 2 }] })
  })

  it('nothing is taken for part of a text that an earlier result left', () => {
    for (const [before, words] of [
      ['- a\n- b', '- a\n-'],
      ['1. a\n2. b', '1. a\n2.'],
    ] as const) {
      expect(text(before).format).toBe('list')
      expect(text(words)).toMatchObject({ format: 'prose', rows: [] })
    }
  })
})

describe('form and hash', () => {
  it('the form is equal for other values and another number of rows, and differs by names and types', () => {
    const form = (value: unknown) => structured(value).form
    const one = form({ rows: [{ id: 1, name: 'a' }] })
    expect(
      form({
        rows: [
          { id: 7, name: 'b' },
          { id: 8, name: 'c' },
        ],
      }),
    ).toBe(one)
    expect(form({ rows: [{ id: '1', name: 'a' }] })).not.toBe(one)
    expect(form({ rows: [{ id: 1, title: 'a' }] })).not.toBe(one)
    expect(form({ rows: [{ id: 1, name: 'a' }, { id: 1 }] })).not.toBe(one)
    expect(form({ rows: [{ id: 1.5, name: 'a' }] })).not.toBe(one)
    expect(form({ rows: [] })).not.toBe(one)
    expect(json({ rows: [] }).form).toBe(0)
  })

  it('the hash is equal for equal answers, without what is ignored', () => {
    const at = (as_of: number, id: number, of: Case = { ignore: ['$.as_of', '$.rows[*].seen'] }) =>
      [structured, json].map((make) => make({ as_of, rows: [{ id, seen: as_of }] }, of).hash)
    expect(at(1, 5)).toEqual(at(2, 5))
    expect(at(1, 5)).not.toEqual(at(1, 6))
    expect(at(1, 5, {})).not.toEqual(at(2, 5, {}))
    expect(at(1, 5, {})).toEqual(at(1, 5, {}))
  })
})
