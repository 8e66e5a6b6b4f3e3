import { expect, it } from 'vitest'
import { aPrincipal } from '../../../test/doubles/principal.ts'
import { aRun } from '../../../test/doubles/run.ts'
import fc from '../../../test/property.ts'
import type { Decision } from '../../core/ports/decisions.ts'
import { decodeBatch, encodeBatch } from './row.ts'

const text = fc.string({ unit: 'binary', maxLength: 20 })
const some = fc.option(text, { nil: undefined })

it('is JSON, whatever its parts hold, and reads back as what was decided', () => {
  const principals = fc.record({ tenant: text, iss: text, sub: text, clientId: some, actors: fc.array(text, { maxLength: 3 }) })
  const decisions = fc.record({
    id: text,
    credential: text,
    rule: text,
    method: some,
    upstream: some,
    item: some,
    version: fc.option(fc.nat(), { nil: undefined }),
    contract: some,
    reason: some,
    run: fc.option(fc.record({ id: text, turn: some }), { nil: undefined }),
    allowed: fc.boolean(),
  })
  fc.assert(
    fc.property(decisions, fc.option(principals, { nil: undefined }), fc.nat(), (parts, who, seq) => {
      const principal = who === undefined ? undefined : aPrincipal(who)
      const run = parts.run === undefined ? undefined : aRun(parts.run)
      const decision: Decision = { ...parts, run, principal, atMs: 1_700_000_000_000, about: 'access' }
      const lost = { count: 0, atMs: 0 }
      const batch = encodeBatch(seq, [decision, { ...decision, id: 'other' }], lost)
      // Each line is what JSON.stringify makes of it: another program that reads and writes it hashes the same bytes.
      for (const line of batch.split('\n')) expect(line).toBe(JSON.stringify(JSON.parse(line)))
      expect(batch.split('\n')).toHaveLength(3)
      expect(encodeBatch(seq, [decision, { ...decision, id: 'other' }], lost)).toBe(batch)
      const [row, other] = decodeBatch('chain', batch)
      expect(other).toEqual({ ...row, seq: seq + 1, id: 'other' })
      expect(row).toEqual({
        chain: 'chain',
        seq,
        at: decision.atMs,
        about: 'access',
        allowed: parts.allowed,
        id: parts.id,
        tenant: who?.tenant ?? null,
        issuer: who?.iss ?? null,
        subject: who?.sub ?? null,
        client: who?.clientId ?? null,
        actors: who?.actors ?? [],
        via: principal?.method ?? null,
        credential: parts.credential,
        method: parts.method ?? null,
        upstream: parts.upstream ?? null,
        item: parts.item ?? null,
        version: parts.version ?? null,
        contract: parts.contract ?? null,
        rule: parts.rule,
        run: parts.run?.id ?? null,
        turn: parts.run?.turn ?? null,
        reason: parts.reason ?? null,
      })
    }),
  )
})

it('says what callers and items are once, however many rows name them', () => {
  const alice = aPrincipal({ sub: 'alice', credential: 'jti-1' })
  const decision = (change: Partial<Decision>): Decision => ({
    id: 'call',
    atMs: 1_700_000_000_000,
    about: 'access',
    allowed: true,
    principal: alice,
    method: 'tools/call',
    upstream: 'tracker',
    item: 'find',
    rule: 'access.0',
    credential: 'jti-1',
    run: aRun({ id: 'build 7' }),
    reason: undefined,
    ...change,
  })
  const decisions = [
    ...Array.from({ length: 20 }, (_, n) => decision({ id: `call-${n}` })),
    // The same name elsewhere, by another rule, with another credential of the same caller.
    decision({ upstream: 'forge' }),
    decision({ rule: 'access.1' }),
    decision({ credential: 'jti-2' }),
    decision({ principal: undefined, credential: '' }),
    decision({ run: aRun({ id: 'other', turn: 't' }) }),
  ]
  const text = encodeBatch(7, decisions, { count: 3, atMs: 5 })
  expect(text.split('alice')).toHaveLength(3)
  expect(text.split('build 7')).toHaveLength(2)
  const rows = decodeBatch('chain', text)
  expect(rows.map((row) => [row?.seq, row?.subject, row?.credential, row?.upstream, row?.rule]).slice(19)).toEqual([
    [26, 'alice', 'jti-1', 'tracker', 'access.0'],
    [27, 'alice', 'jti-1', 'forge', 'access.0'],
    [28, 'alice', 'jti-1', 'tracker', 'access.1'],
    [29, 'alice', 'jti-2', 'tracker', 'access.0'],
    [30, null, '', 'tracker', 'access.0'],
    [31, 'alice', 'jti-1', 'tracker', 'access.0'],
    [32, null, '', null, 'store'],
  ])
  expect(rows.map((row) => [row?.run, row?.turn]).slice(22)).toEqual([
    ['build 7', null],
    ['build 7', null],
    ['other', 't'],
    [null, null],
  ])
  expect(rows.at(-1)).toMatchObject({ about: 'lost', allowed: false, at: 5, reason: '3 rows were lost, since the store was away' })
})

it('tells contracts of one tool apart, and reads rows from before they were kept', () => {
  const decision = (version: number | undefined, contract: string | undefined): Decision => ({
    id: 'call',
    atMs: 5,
    about: 'access',
    allowed: true,
    principal: undefined,
    method: 'tools/call',
    upstream: 'tracker',
    item: 'find_v2',
    version,
    contract,
    rule: 'access.0',
    credential: '',
    reason: undefined,
  })
  const decisions = [
    decision(2, 'c1:aa'),
    decision(2, 'c1:aa'),
    decision(2, 'c1:bb'),
    decision(undefined, 'c1:bb'),
    decision(undefined, undefined),
  ]
  const text = encodeBatch(0, decisions, { count: 0, atMs: 0 })
  expect(text.split('c1:aa')).toHaveLength(2)
  expect(decodeBatch('chain', text).map((row) => [row?.version, row?.contract])).toEqual([
    [2, 'c1:aa'],
    [2, 'c1:aa'],
    [2, 'c1:bb'],
    [null, 'c1:bb'],
    [null, null],
  ])
  const older =
    '[0,5,[[null,null,null,null,[],null,""]],[["access",1,"tools/call","tracker","find_v2","access.0"]],[null]]\n[0,"call",0,0,0]'
  expect(text.split('\n')[0]).toContain('["access",1,"tools/call","tracker","find_v2","access.0"]')
  expect(decodeBatch('chain', older)).toMatchObject([{ seq: 0, item: 'find_v2', rule: 'access.0', version: null, contract: null }])
})

it.each([
  '',
  'x',
  '[1,2,[[null,null,null,null,[],null,""]],[["access",1,null,null,null,"default",2]],[null]]\n[0,"",0,0,0]',
  '[]',
  '[[],[]]\n[1]',
  '[1,2]\n[1,2,"access",1,"",0,0,null]',
  '[1,2,[],[],[]]\n[1,"",0,0,0]',
  '[1,2,[],[]]\n[1,"",0,0,0]',
  '[[[]],[[]]]\n[1,2,"access",1,"",0,0,null]',
  '[null,{}]\n{}',
])('reads nothing from what is no batch: %s', (text) => {
  expect(decodeBatch('chain', text).every((row) => row === undefined)).toBe(true)
})
