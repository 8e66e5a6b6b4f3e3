import { expect, it } from 'vitest'
import { aPrincipal } from '../../../test/doubles/principal.ts'
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
    reason: some,
    allowed: fc.boolean(),
  })
  fc.assert(
    fc.property(decisions, fc.option(principals, { nil: undefined }), fc.nat(), (parts, who, seq) => {
      const principal = who === undefined ? undefined : aPrincipal(who)
      const decision: Decision = { ...parts, principal, atMs: 1_700_000_000_000, about: 'access' }
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
        rule: parts.rule,
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
  ]
  const text = encodeBatch(7, decisions, { count: 3, atMs: 5 })
  expect(text.split('alice')).toHaveLength(3)
  const rows = decodeBatch('chain', text)
  expect(rows.map((row) => [row?.seq, row?.subject, row?.credential, row?.upstream, row?.rule]).slice(19)).toEqual([
    [26, 'alice', 'jti-1', 'tracker', 'access.0'],
    [27, 'alice', 'jti-1', 'forge', 'access.0'],
    [28, 'alice', 'jti-1', 'tracker', 'access.1'],
    [29, 'alice', 'jti-2', 'tracker', 'access.0'],
    [30, null, '', 'tracker', 'access.0'],
    [31, null, '', null, 'store'],
  ])
  expect(rows.at(-1)).toMatchObject({ about: 'lost', allowed: false, at: 5, reason: '3 rows were lost, since the store was away' })
})

it.each([
  '',
  'x',
  '[]',
  '[[],[]]\n[1]',
  '[1,2]\n[1,2,"access",1,"",0,0,null]',
  '[[[]],[[]]]\n[1,2,"access",1,"",0,0,null]',
  '[null,{}]\n{}',
])('reads nothing from what is no batch: %s', (text) => {
  expect(decodeBatch('chain', text).every((row) => row === undefined)).toBe(true)
})
