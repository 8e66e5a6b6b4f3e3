import { describe, expect, it } from 'vitest'
import fc from '../../../../test/property.ts'
import { JsonScan } from './json-scan.ts'

function scanned(json: string, isPart = false) {
  const bytes = Buffer.from(json)
  const scan = new JsonScan()
  scan.scan(bytes, 0, bytes.length, isPart, true)
  const { ending, end, count, form, hasVoid, keysHash } = scan
  const lists = Array.from({ length: scan.lists.count }, (_, at) => [scan.listPath(at), scan.lists.elements[at]])
  return { ending, isAll: end === bytes.length, count, form, hasVoid, keysHash, keys: scan.keys(), lists }
}

const name = fc.constantFrom('id', 'name', 'note', 'n"q', 'b\\', '2026-01-01', 'é')
const scalar = fc.oneof(
  fc.constantFrom<unknown>('', 'a', 'Customer 17', 'a "quoted" one', 'back\\', 'line\n', 0, -0.5, 1e21, 10, 404, true, false, null),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
)
const { value } = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, scalar, fc.array(tie('value'), { maxLength: 4 }), fc.dictionary(name, tie('value'), { maxKeys: 4 })),
}))
/** Rows most of which are alike: some value of one is another's, or a member is missing. */
const rows = fc
  .tuple(fc.array(value, { minLength: 1, maxLength: 3 }), fc.array(fc.tuple(fc.nat(), scalar, fc.nat({ max: 9 })), { maxLength: 20 }))
  .map(([kinds, changes]) => changes.map(([kind, other, at]) => changed(kinds[kind % kinds.length], other, at)))

function changed(row: unknown, other: unknown, at: number): unknown {
  if (typeof row !== 'object' || row === null) return other
  const names = Object.keys(row)
  if (names.length === 0) return row
  const copy = structuredClone(row) as Record<string, unknown>
  const which = names[at % names.length] as string
  copy[which] = changed(copy[which], other, at >> 1)
  return copy
}

/** With spaces that are nowhere the same, so that no row has the bytes of another. */
function spaced(json: string): string {
  let spaces = 0
  return json.replace(/"(?:[^"\\]|\\.)*"|[[\]{},:]/g, (token) => {
    spaces += 1
    return token.startsWith('"') ? token : `${token}${' '.repeat(spaces % 7)}\n`
  })
}

describe('a scan of JSON', () => {
  it('says of rows that are as the one before what it says of rows that are gone over one by one', () => {
    fc.assert(
      fc.property(rows, fc.boolean(), (list, isRoot) => {
        const json = JSON.stringify(isRoot ? list : { rows: list, total: 3 })
        expect(scanned(json)).toEqual(scanned(spaced(json).trimEnd()))
      }),
      { numRuns: 500 },
    )
  })

  it('of more names and types than are told apart as well', () => {
    const wide = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`n${String.fromCharCode(97 + (at % 26))}x${at}`, at]))
    const json = JSON.stringify({ wide, rows: [{}, {}, {}, { a: 1 }, { a: 2 }, { a: 'b' }] })
    expect(scanned(json)).toEqual(scanned(spaced(json).trimEnd()))
  })

  it('counts the elements of lists as a parse does, and the order of rows makes no other form', () => {
    fc.assert(
      fc.property(rows, rows, (first, second) => {
        const found = scanned(JSON.stringify({ first, data: { second } }))
        expect(found).toMatchObject({ ending: 'whole', isAll: true, count: 2 })
        expect(found.lists).toEqual([
          ['$.first', first.length],
          ['$.data.second', second.length],
        ])
        expect(scanned(JSON.stringify({ first: first.toReversed(), data: { second: second.toReversed() } })).form).toBe(found.form)
      }),
    )
  })

  it('takes every beginning of an object for one that is cut', () => {
    fc.assert(
      fc.property(rows, fc.nat(), (list, at) => {
        const json = JSON.stringify({ rows: list, total: 1.5e-7 })
        const until = 1 + (at % (json.length - 1))
        expect([json.slice(0, until), scanned(json.slice(0, until)).ending]).toEqual([json.slice(0, until), 'cut'])
        expect(scanned(json.slice(0, until), true).ending).toBe('part')
      }),
    )
  })

  it('takes for whole what can be parsed, and nothing else', () => {
    const plain = fc.constantFrom<unknown>('', 'ab', 0, 7, 12, -1.5, 1e30, true, false, null)
    const row = fc.dictionary(fc.constantFrom('a', 'b', 'c'), plain)
    fc.assert(
      fc.property(
        fc.array(row, { maxLength: 5 }),
        fc.nat(),
        fc.constantFrom(...'{}[],:"01.-+e tn', ''),
        fc.nat({ max: 2 }),
        (list, at, put, over) => {
          const json = JSON.stringify({ rows: list })
          const from = at % json.length
          const damaged = json.slice(0, from) + put + json.slice(from + over)
          const { ending, isAll } = scanned(damaged)
          if (damaged.startsWith('{')) expect([damaged, ending === 'whole' && isAll]).toEqual([damaged, isJson(damaged)])
        },
      ),
      { numRuns: 2_000 },
    )
  })
})

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return text.trimEnd() === text
  } catch {
    return false
  }
}
