import { describe, expect, it } from 'vitest'
import { aPrincipal } from '../../../test/doubles/principal.ts'
import { aRecord } from '../../../test/doubles/record.ts'
import { aRun } from '../../../test/doubles/run.ts'
import fc from '../../../test/property.ts'
import { createEncoder } from '../../observe/audit/encode.ts'
import { indexRow } from '../../observe/audit/index-row.ts'
import { auditKey } from './audit-key.ts'
import { createRowIndex } from './row-index.ts'

const hourMs = 3_600_000
const kept = (args: string) => createEncoder({ text: (text) => text, recognised: (text) => text }, () => args)
const words = fc.oneof(fc.constantFrom('', 'a', 'b"', 'c\\', '],[', 'd\\",', '\ud83d"\n', '{'), fc.string({ unit: 'binary', maxLength: 8 }))
const some = fc.option(words, { nil: undefined })
const timed = fc.constantFrom(...['7', '7', '7', '4'].map((version) => `01920000-0000-${version}000-8000-000000000001`))
const times = fc.integer({ min: 0, max: 3 * hourMs })
const cost = fc.oneof(fc.constantFrom(0, 1e-7, 12.5, 1e-10, 1e21), fc.double({ min: 0, max: 1e6, noNaN: true }))

/** Few values each, so that rows are often alike in some of them and not in others. */
const records = fc.record({
  id: fc.oneof({ arbitrary: timed, weight: 4 }, words),
  atMs: times,
  settledMs: fc.double({ min: 0, max: 1e7, noNaN: true }),
  sub: words,
  client: some,
  run: some,
  team: some,
  item: some,
  upstream: some,
  decided: fc.option(fc.boolean(), { nil: undefined }),
  outcome: fc.constantFrom('complete', 'tool_error', 'input_required'),
  isFault: fc.constantFrom(true, false, false, false),
  usage: fc.option(fc.record({ sent: fc.nat(), got: fc.nat(), cost }), { nil: undefined }),
  result: fc.boolean(),
  suspect: fc.constantFrom(undefined, undefined, undefined, ['a', 'b"']),
  isMasked: fc.constantFrom(true, false, false, false),
  coerced: fc.option(fc.array(words, { minLength: 1, maxLength: 2 }), { nil: undefined }),
  attempts: fc.nat(9),
  bytesIn: fc.nat(),
  bytesOut: fc.nat(),
  requestId: words,
  args: fc.json(),
})

const lines = records.map(({ sub, client, run, team, decided, isFault, isMasked, result, args, outcome, ...rest }) => {
  const failed = { kind: 'timeout', category: 'transport', sideEffect: 'unknown', message: '', code: -1, answered: undefined } as const
  const { caller, result: answer } = aRecord()
  return kept(args.replaceAll(/[\n\r]/g, ' ')).call(
    aRecord({
      ...rest,
      outcome: outcome as 'complete',
      caller: { ...caller, principal: aPrincipal({ sub }), client: client === undefined ? undefined : { name: client, version: '1' } },
      run: run === undefined ? undefined : aRun({ id: run, team }),
      decided: decided === undefined ? undefined : { allowed: decided, rule: 'r', from: 0, to: 1 },
      fault: isFault ? failed : undefined,
      result: result ? answer : undefined,
      masked: isMasked ? { github_token: 2 } : undefined,
    }),
  )
})

/** What the row says itself, without the short way. */
function told(line: string) {
  const { keys, sums } = indexRow(line)
  const numbers = keys.map((key) => auditKey(key)).sort()
  if (sums === undefined) return { keys: numbers, usage: undefined }
  const { run, tenant, issuer, subject, atMs, team, client, upstream, item, fault } = sums
  const { faults, denied, suspects, attempts, tokensSent, tokensGot, costNano, us, bytesIn, bytesOut } = sums
  const key = [run, tenant, issuer, subject, Math.floor(atMs / hourMs) * hourMs, team, client, upstream, item, fault]
  const added = [1, faults, denied, suspects, attempts, tokensSent, tokensGot, costNano, us, bytesIn, bytesOut]
  return { keys: numbers, usage: { place: key.join('\u0000'), key, atMs, sums: added } }
}

describe('the index of rows', () => {
  it('finds in each row what it says, whatever rows came before', () => {
    let mostly = 0
    let all = 0
    fc.assert(
      fc.property(fc.array(lines, { minLength: 1, maxLength: 12 }), (rows) => {
        let read = 0
        const index = createRowIndex((line) => {
          read += 1
          return indexRow(line)
        }, auditKey)
        for (const line of [...rows, ...rows]) {
          const { keys, usage } = index(line)
          expect({ keys: [...keys].sort(), usage }).toEqual(told(line))
        }
        all += 2 * rows.length
        mostly += 2 * rows.length - read
      }),
    )
    // Of some the numbers alone were read.
    expect(mostly / all).toBeGreaterThan(0.05)
  })

  it('reads rows that are alike once, and keeps no more than a bound of them', () => {
    let read = 0
    const index = createRowIndex((line) => {
      read += 1
      return indexRow(line)
    }, auditKey)
    const id = '01920000-0000-7000-8000-000000000001'
    const line = (sub: string, atMs = 1_000) =>
      kept('{"a":[1,"]"]}').call(aRecord({ id, atMs, caller: { ...aRecord().caller, principal: aPrincipal({ sub }) } }))
    const first = index(line('alice'))
    expect(index(line('alice', 2_000)).keys).toBe(first.keys)
    expect(read).toBe(1)
    expect(index(line('alice', hourMs)).usage?.key).toContain(hourMs)
    for (let n = 0; n < 5_000; n += 1) index(line(`${n}${'x'.repeat(500)}`))
    const before = read
    index(line('alice', hourMs))
    expect(read).toBe(before + 1)
  })

  it.each([
    '',
    'x',
    '[]',
    '[2]',
    '[1,"call"]',
    '[1,"call",5,"01920000-0000-7000-8000-000000000001"',
    `[1,"call",${'null,'.repeat(28)}null]`,
  ])('takes what is no row for what it is: %s', (line) => {
    const index = createRowIndex(indexRow, auditKey)
    const { keys, usage } = index(line)
    expect({ keys: [...keys].sort(), usage }).toEqual(told(line))
    const whole = kept('{}').call(aRecord({ id: '01920000-0000-7000-8000-000000000001' }))
    for (let to = 0; to < whole.length; to += 1) expect(index(whole.slice(0, to))).toMatchObject({ keys: [], usage: undefined })
  })
})
