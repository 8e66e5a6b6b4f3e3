import { describe, expect, it, vi } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { aPrincipal } from '../../../test/doubles/principal.ts'
import type { Decision } from '../../core/ports/decisions.ts'
import type { Durable, Stored } from '../../core/ports/durable.ts'
import { systemRandom } from '../../platform/random/system-random.ts'
import { createSqliteDurable } from '../../platform/store/sqlite/durable.ts'
import { type AuditParts, createAudit } from './audit.ts'
import { type AuditStore, auditDomain, createAuditStore } from './audit-store.ts'
import { queryAudit, verifyAudit } from './look-back.ts'

const day = 86_400_000

function bench(change: Partial<AuditParts> = {}) {
  const clock = new ManualClock()
  const counted: string[] = []
  const durable: Durable = createSqliteDurable({
    file: undefined,
    domains: [auditDomain],
    program: 'test',
    clock,
    report: { log: () => undefined, counters: { add: () => undefined } },
  })
  const store = change.store ?? createAuditStore(durable)
  const audit = createAudit({
    store,
    clock,
    random: systemRandom,
    report: { log: () => undefined, counters: { add: (name) => void counted.push(name) } },
    retentionMs: 30 * day,
    ...change,
  })
  return { clock, durable, store, audit, counted }
}

function decision(clock: ManualClock, change: Partial<Decision> = {}): Decision {
  return {
    id: 'call-1',
    atMs: clock.now(),
    about: 'access',
    allowed: true,
    principal: aPrincipal({ credential: 'jti-7', clientId: 'agent' }),
    method: 'tools/call',
    upstream: 'tracker',
    item: 'get_issue',
    rule: 'access.0',
    credential: 'jti-7',
    reason: undefined,
    ...change,
  }
}

const everything = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, most: 1_000 }

function value<T>(stored: Stored<T>): T {
  if (!stored.ok) throw new Error(stored.fault.message)
  return stored.value
}

it('says who used what, by which credential, when and by which rule (R18, R29)', async () => {
  const { clock, store, audit } = bench()
  audit.note(decision(clock))
  await clock.advance(1_000)
  audit.note(decision(clock, { principal: aPrincipal({ sub: 'bob' }), allowed: false, rule: 'default', item: 'drop', reason: 'no rule' }))
  await audit.end()
  const rows = value(await queryAudit(store, everything))
  expect(rows).toMatchObject([
    {
      seq: 0,
      subject: 'alice',
      issuer: 'https://id.example',
      client: 'agent',
      credential: 'jti-7',
      upstream: 'tracker',
      item: 'get_issue',
      allowed: true,
    },
    { seq: 1, subject: 'bob', allowed: false, rule: 'default', reason: 'no rule' },
  ])
  const found = async (question: object) => value(await queryAudit(store, { ...everything, ...question })).map(({ seq }) => seq)
  expect(await found({ principal: 'bob' })).toEqual([1])
  expect(await found({ tool: 'tracker/get_issue' })).toEqual([0])
  expect(await found({ tool: 'tracker' })).toEqual([0, 1])
  expect(await found({ allowed: false })).toEqual([1])
  expect(await found({ toMs: clock.now() - 1 })).toEqual([0])
  expect(await found({ most: 1 })).toEqual([1])
})

it('keeps rows within a moment, many in one write', async () => {
  const { clock, store, audit } = bench()
  for (let n = 0; n < 2_700; n += 1) audit.note(decision(clock, { id: `call-${n}` }))
  await audit.end()
  expect(value(await queryAudit(store, { ...everything, most: 10_000 })).map(({ id }) => id)).toEqual(
    Array.from({ length: 2_700 }, (_, n) => `call-${n}`),
  )
  expect(value(await store.ofChain(value(await store.chains())[0] as string, 0, 100)).map(({ count }) => count)).toEqual([
    1_024, 1_024, 652,
  ])
})

describe('the chain', () => {
  async function written(): Promise<ReturnType<typeof bench>> {
    const made = bench()
    for (let n = 0; n < 2_400; n += 1) made.audit.note(decision(made.clock, { id: `call-${n}` }))
    await made.audit.end()
    return made
  }
  const broken = async (store: AuditStore) => value(await verifyAudit(store)).map((verdict) => verdict.broken?.seq)

  it('is whole as it was written, for each gateway that wrote', async () => {
    const { store, clock } = await written()
    const second = createAudit({
      store,
      clock,
      random: systemRandom,
      report: { log: () => undefined, counters: { add: () => undefined } },
      retentionMs: day,
    })
    second.note(decision(clock))
    await second.end()
    expect(
      value(await verifyAudit(store))
        .map(({ rows, broken: at }) => [rows, at])
        .sort(),
    ).toEqual([
      [1, undefined],
      [2_400, undefined],
    ])
  })

  it.each([
    ['a row was changed', "UPDATE audit_batches SET body = CAST(REPLACE(CAST(body AS TEXT), 'call-1300', 'call-13oo') AS BLOB)", 1_024],
    ['rows were taken out', 'DELETE FROM audit_batches WHERE first = 1024', 1_024],
    ['a hash was made anew', "UPDATE audit_batches SET hash = 'x' WHERE first = 1024", 1_024],
    [
      'batches changed places',
      'UPDATE audit_batches SET first = -1 WHERE first = 0; UPDATE audit_batches SET first = 0 WHERE first = 1024; UPDATE audit_batches SET first = 1024 WHERE first = -1',
      0,
    ],
    ['the beginning was taken for another', "UPDATE audit_batches SET prev = 'x' WHERE first = 0", 0],
  ])('shows that %s, and where', async (_what, sql, at) => {
    const { store, durable } = await written()
    for (const one of sql.split('; ')) value(await durable.transact((transaction) => transaction.run(one)))
    expect(await broken(store)).toEqual([at])
  })

  it('goes on from its first row that is kept, once older ones are gone for their age', async () => {
    const { store, clock, audit } = bench({ retentionMs: 7_200_000 })
    const rows = async () => value(await queryAudit(store, everything)).length
    for (let n = 0; n < 300; n += 1) audit.note(decision(clock))
    await vi.waitFor(async () => {
      await clock.advance(200)
      expect(await rows()).toBe(300)
    })
    await clock.advance(7_200_000)
    audit.note(decision(clock))
    // In steps that are small beside the age at which it would go itself.
    await vi.waitFor(async () => {
      await clock.advance(600_000)
      expect(await rows()).toBe(1)
    })
    await audit.end()
    expect(value(await verifyAudit(store))).toMatchObject([{ rows: 1, first: 300, broken: undefined }])
  })
})

it('waits for a store that is away, and loses nothing of what memory holds', async () => {
  const inner = bench()
  let away = true
  let kept = 0
  const store: AuditStore = {
    ...inner.store,
    append: async (batch) => {
      // Kept, though the answer was lost: the same batch comes again.
      if (away && kept === 0) {
        kept = batch.count
        await inner.store.append(batch)
      }
      return away ? { ok: false, fault: { kind: 'unavailable', message: 'away' } } : inner.store.append(batch)
    },
  }
  const { audit, clock } = bench({ store })
  for (let n = 0; n < 10; n += 1) audit.note(decision(clock))
  await clock.advance(500)
  for (let n = 0; n < 5; n += 1) audit.note(decision(clock))
  await clock.advance(5_000)
  away = false
  await clock.advance(5_000)
  await audit.end()
  expect(value(await queryAudit(inner.store, everything))).toHaveLength(15)
  expect(value(await verifyAudit(inner.store))).toMatchObject([{ rows: 15, broken: undefined }])
})

it('says how many rows were lost where a store was away for too long', async () => {
  const inner = bench()
  let away = true
  const store: AuditStore = {
    ...inner.store,
    append: (batch) => (away ? Promise.resolve({ ok: false, fault: { kind: 'unavailable', message: 'away' } }) : inner.store.append(batch)),
  }
  const { audit, clock, counted } = bench({ store })
  for (let n = 0; n < 20_007; n += 1) audit.note(decision(clock))
  expect(counted.filter((name) => name === 'audit_rows_lost')).toHaveLength(7)
  await clock.advance(1_000)
  away = false
  await clock.advance(10_000)
  await audit.end()
  const rows = value(await queryAudit(inner.store, { ...everything, most: 100_000 }))
  expect(rows.filter(({ about }) => about === 'lost').map(({ reason }) => reason)).toEqual(['7 rows were lost, since the store was away'])
  expect(rows).toHaveLength(20_001)
  expect(value(await verifyAudit(inner.store))).toMatchObject([{ broken: undefined }])
})

it('cuts what a caller made long', async () => {
  const { clock, store, audit } = bench()
  audit.note(decision(clock, { item: 'x'.repeat(100_000), principal: aPrincipal({ sub: '\ud83d"\n'.repeat(1_000) }) }))
  await audit.end()
  const [row] = value(await queryAudit(store, everything))
  expect(row?.item?.length).toBeLessThan(600)
  expect(value(await verifyAudit(store))).toMatchObject([{ broken: undefined }])
})
