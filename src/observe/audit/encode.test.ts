import { describe, expect, it } from 'vitest'
import { aPrincipal } from '../../../test/doubles/principal.ts'
import { aRecord } from '../../../test/doubles/record.ts'
import { aRun } from '../../../test/doubles/run.ts'
import fc from '../../../test/property.ts'
import type { CallRecord } from '../../core/call/record.ts'
import type { Decision } from '../../core/ports/decisions.ts'
import { decodeRow } from './decode.ts'
import { createEncoder } from './encode.ts'
import { indexRow } from './index-row.ts'
import { longestText } from './row.ts'

const encoder = createEncoder({ text: (text) => text, recognised: (text) => text }, () => 'null')
const decoded = (line: string) => decodeRow(line, 'c', 3, 'p', 'h')

const text = fc.string({ unit: 'binary', maxLength: 20 })
const some = fc.option(text, { nil: undefined })
const amount = fc.nat()

const principals = fc.record({
  tenant: text,
  iss: text,
  sub: text,
  clientId: some,
  actors: fc.array(text, { maxLength: 3 }),
  credential: text,
})
const records = fc
  .record({
    id: text,
    who: fc.option(principals, { nil: undefined }),
    client: fc.option(fc.record({ name: text, version: text }), { nil: undefined }),
    run: fc.option(fc.record({ id: text, turn: some, why: some, team: some }), { nil: undefined }),
    target: fc.record({
      upstream: some,
      item: some,
      version: fc.option(amount, { nil: undefined }),
      contract: some,
      readOnly: fc.boolean(),
    }),
    decided: fc.option(fc.record({ allowed: fc.boolean(), rule: text }), { nil: undefined }),
    lease: some,
    seen: fc.option(fc.record({ rows: fc.option(amount, { nil: undefined }), shape: some }), { nil: undefined }),
    usage: fc.option(fc.record({ sent: amount, got: amount, cost: fc.double({ min: 0, max: 1e6, noNaN: true }) }), { nil: undefined }),
    fault: fc.option(text, { nil: undefined }),
    suspect: fc.option(fc.array(text, { maxLength: 2 }), { nil: undefined }),
    attempts: fc.nat(9),
  })
  .map(({ who, client, run, target, decided, fault, ...rest }): CallRecord => {
    const arrival = { transport: 'http', revision: '2026-07-28' } as const
    const failed = {
      kind: 'timeout',
      category: 'transport',
      sideEffect: 'unknown',
      message: fault ?? '',
      code: -1,
      answered: undefined,
    } as const
    return aRecord({
      ...rest,
      ...target,
      caller: { principal: who === undefined ? undefined : aPrincipal(who), client, arrival },
      run: run === undefined ? undefined : aRun(run),
      decided: decided === undefined ? undefined : { ...decided, from: 0, to: 1 },
      fault: fault === undefined ? undefined : failed,
      outcome: fault === undefined ? 'complete' : 'fault',
    })
  })

describe('the row of a call', () => {
  it('is one line of JSON, whatever its parts hold, and reads back as what was recorded', () => {
    fc.assert(
      fc.property(records, (record) => {
        const line = encoder.call(record)
        expect(line).not.toContain('\n')
        // What JSON.stringify makes of it: another program that reads and writes it hashes the same bytes.
        expect(line).toBe(JSON.stringify(JSON.parse(line)))
        expect(encoder.call(record)).toBe(line)
        const principal = record.caller.principal
        expect(decoded(line)).toMatchObject({
          chain: 'c',
          seq: 3,
          prev: 'p',
          hash: 'h',
          about: 'call',
          at: 1_000,
          id: record.id,
          tenant: principal?.tenant ?? null,
          issuer: principal?.iss ?? null,
          subject: principal?.sub ?? null,
          clientId: principal?.clientId ?? null,
          actors: principal?.actors ?? [],
          credential: principal?.credential ?? '',
          client: record.caller.client?.name ?? null,
          transport: 'http',
          run: record.run?.id ?? null,
          turn: record.run?.turn ?? null,
          team: record.run?.team ?? null,
          why: record.run?.why ?? null,
          method: 'tools/call',
          upstream: record.upstream ?? null,
          item: record.item ?? null,
          version: record.version ?? null,
          contract: record.contract ?? null,
          readOnly: record.readOnly,
          decision: record.decided === undefined ? 'none' : record.decided.allowed ? 'allowed' : 'denied',
          rule: record.decided?.rule ?? '',
          lease: record.lease ?? null,
          outcome: record.outcome,
          fault:
            record.fault === undefined
              ? null
              : { kind: 'timeout', category: 'transport', sideEffect: 'unknown', message: record.fault.message },
          termination: '--',
          usage: record.usage ?? null,
          result: { bytes: 45, rows: record.seen?.rows ?? null, shape: record.seen?.shape ?? null },
          ms: 40,
          suspect: record.suspect ?? null,
          attempts: record.attempts,
        })
      }),
    )
  })

  it('is found by what a reader of it sees, and adds up to that', () => {
    fc.assert(
      fc.property(records, (record) => {
        const line = encoder.call(record)
        const row = decoded(line)
        if (row === undefined) throw new Error('it is no row')
        const { keys, sums } = indexRow(line)
        const named = (kind: string, value: string | null) => (value === null || value === '' ? [] : [`${kind}:${value}`])
        expect(new Set(keys)).toEqual(
          new Set([
            'about:call',
            ...(row.id[14] === '7' ? [] : named('id', row.id)),
            ...named('run', row.run),
            ...named('subject', row.subject),
            ...named('server', row.upstream),
            ...(row.item === null || row.item === '' ? [] : [`tool:${row.upstream ?? ''}/${row.item}`]),
            ...named('fault', row.fault?.kind ?? null),
            ...named('team', row.team),
            ...(row.decision === 'denied' ? ['denied'] : []),
            ...(row.suspect === null ? [] : ['suspect']),
          ]),
        )
        expect(sums).toMatchObject({
          atMs: 1_000,
          run: row.run ?? '',
          subject: row.subject ?? '',
          faults: row.fault === null ? 0 : 1,
          denied: row.decision === 'denied' ? 1 : 0,
          tokensSent: row.usage?.sent ?? 0,
          tokensGot: row.usage?.got ?? 0,
          costNano: Math.round((row.usage?.cost ?? 0) * 1e9),
          us: 40_000,
          attempts: row.attempts,
        })
      }),
    )
  })

  it('cuts what a caller made long, and keeps no secret of its texts', () => {
    const clean = createEncoder(
      { text: (said) => said.replaceAll('hunter2', '***'), recognised: (said) => said.replaceAll('hunter2', '***') },
      () => 'null',
    )
    const record = aRecord({
      item: 'x'.repeat(100_000),
      run: aRun({ why: 'with hunter2' }),
      fault: { kind: 'timeout', category: 'transport', sideEffect: 'unknown', message: 'hunter2', code: 1, answered: undefined },
      caller: { ...aRecord().caller, principal: aPrincipal({ sub: '\ud83d"\n'.repeat(1_000) }) },
    })
    const row = decoded(clean.call(record))
    expect(row?.item?.length).toBe(longestText + 1)
    expect([row?.why, row?.fault?.message]).toEqual(['with ***', '***'])
    expect(decoded(clean.call(aRecord({ item: 'https://a:hunter2@b' })))?.item).toBe('https://a:***@b')
  })

  it('tells attempts, phases, events, masks and places of arguments where there are such', () => {
    const attempt = { number: 1, from: 0, to: 10.06, sentOn: undefined, requestId: undefined, isError: false, events: 0 }
    const lost = { kind: 'connection_lost', evidence: 'reset', answered: undefined, status: undefined }
    const row = decoded(
      encoder.call(
        aRecord({
          attempts: 2,
          attempted: [
            { ...attempt, fault: lost },
            { ...attempt, number: 2, fault: undefined },
          ],
          phases: [
            { name: 'queue', from: 0, to: 0.4, attempt: 0 },
            { name: 'wait', from: 1, to: 31, attempt: 1 },
          ],
          stream: { events: 3, bytes: 100, firstMs: 1.26, lastMs: 9, longestGapMs: 7 },
          masked: { github_token: 2 },
          coerced: ['/n'],
          parkedMs: 5_000,
        }),
      ),
    )
    expect(row).toMatchObject({
      attempts: 2,
      attempted: [
        { number: 1, ms: 10.1, fault: 'connection_lost', evidence: 'reset', isError: false },
        { number: 2, fault: null },
      ],
      phases: [{ name: 'wait', ms: 30 }],
      stream: { events: 3, bytes: 100, firstMs: 1.3, longestGapMs: 7 },
      masked: { github_token: 2 },
      coerced: ['/n'],
      parkedMs: 5_000,
    })
  })
})

it('rows of decisions, of refused requests, of deliveries and of the audit itself have the same members', () => {
  const decision: Decision = {
    id: 'a',
    atMs: 7,
    about: 'credential',
    allowed: false,
    principal: aPrincipal(),
    method: undefined,
    upstream: 'tracker',
    item: undefined,
    rule: 'renewal',
    credential: 'grant-1',
    reason: 'refused',
  }
  expect(decoded(encoder.decision(decision))).toMatchObject({
    about: 'credential',
    at: 7,
    subject: 'alice',
    credential: 'grant-1',
    decision: 'denied',
    rule: 'renewal',
    reason: 'refused',
    upstream: 'tracker',
    outcome: null,
  })
  expect(decoded(encoder.decision({ ...decision, principal: undefined }))).toMatchObject({ subject: null, credential: 'grant-1' })
  const refused = aRecord({
    family: 'refused',
    fault: { kind: 'unauthenticated', category: 'authentication', sideEffect: 'none', message: 'no', code: 1, answered: undefined },
  })
  expect(decoded(encoder.refused(refused, 'authenticate'))).toMatchObject({
    about: 'authenticate',
    decision: 'denied',
    rule: 'unauthenticated',
    reason: 'no',
    outcome: 'fault',
    bytesIn: 60,
  })
  expect(decoded(encoder.delivery(aRecord({ termination: 'CL' }), 'client_gone', 9))).toMatchObject({
    about: 'delivery',
    at: 9,
    id: 'call-1',
    reason: 'client_gone',
    termination: 'CL',
    ms: 42,
    upstream: 'up',
  })
  expect(decoded(encoder.own('lost', 5, 'store', '3 rows'))).toMatchObject({
    about: 'lost',
    at: 5,
    rule: 'store',
    reason: '3 rows',
    id: '',
  })
})

it.each(['', 'x', '[]', '{}', 'null', '[2]', '[1,"call"]', `[1,"call",${'null,'.repeat(28)}null]`, `[1,2,3,${'null,'.repeat(27)}null]`])(
  'reads nothing from what is no row: %s',
  (line) => {
    expect(decoded(line)).toBeUndefined()
    expect(Array.isArray(indexRow(line).keys)).toBe(true)
  },
)
