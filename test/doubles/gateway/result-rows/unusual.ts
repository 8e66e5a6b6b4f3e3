// What is not of the schema that the tool declares, or not as it used to be.
import { inText, rowsOf, structured } from '../judging.ts'
import { always, people, type Row, some, texts, usually } from './row.ts'

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

export const unusual: readonly Row[] = [
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
        before: (n) => rowsOf(10 + (n % 30)),
        args: (n) => ({ of: n < 60 ? n % 30 : 1 + (n % 5) }),
        gives: always(rowsOf(0)),
        said: 'empty/repeat',
        words: /bout 1\d rows for the same arguments before/,
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
