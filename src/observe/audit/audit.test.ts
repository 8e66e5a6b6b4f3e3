import { randomUUID } from 'node:crypto'
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { afterEach, describe, expect, it } from 'vitest'
import { aFolder, auditBench, value } from '../../../test/audit/bench.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { aPrincipal } from '../../../test/doubles/principal.ts'
import { aRecord } from '../../../test/doubles/record.ts'
import { aRun } from '../../../test/doubles/run.ts'
import { eventually } from '../../../test/peers/processes.ts'
import type { AuditStore } from '../../core/ports/audit-store.ts'
import type { Decision } from '../../core/ports/decisions.ts'
import type { StoreFaultKind } from '../../core/ports/durable.ts'
import { readSqliteAudit } from '../../platform/audit/sqlite.ts'
import { systemRandom } from '../../platform/random/system-random.ts'
import { answerMs, busyRows, enoughRows, gatherMs, lingerMs } from './audit.ts'
import { mostWaitingRows } from './queue.ts'
import { type AuditFilter, auditRows, rowsOfCall, rowsOfRun } from './read.ts'
import { refusalBurst } from './refusals.ts'
import { verifyAudit } from './verify.ts'

const folders: ReturnType<typeof aFolder>[] = []
const folder = (): string => {
  const made = aFolder()
  folders.push(made)
  return made.path
}
afterEach(() => {
  for (const one of folders.splice(0)) one.remove()
})

const call = (id: string, change: Parameters<typeof aRecord>[0] = {}) => aRecord({ id, ...change })

async function found(file: string, filter: AuditFilter = {}) {
  const store = readSqliteAudit(file)
  const { rows } = value(await auditRows(store, filter, { order: 'oldest', most: 100_000 }))
  await store.close()
  return rows
}
const ids = async (file: string, filter: AuditFilter = { about: 'call' }) => (await found(file, filter)).map(({ id }) => id)

describe('durable', () => {
  it('an answer waits until its row is on the disk, and many rows share a commit', async () => {
    const { audit, file, counted, store } = auditBench(folder())
    const settled = Array.from({ length: 64 }, (_, n) => audit.settled(call(`call-${n}`)))
    expect(settled.every((one) => one instanceof Promise)).toBe(true)
    expect(await Promise.all(settled as Promise<boolean>[])).toEqual(settled.map(() => true))
    // Another connection sees them.
    expect(await ids(file)).toEqual(settled.map((_, n) => `call-${n}`))
    expect(counted.get('audit_rows')).toBeGreaterThanOrEqual(65)
    const [batches = []] = value(await store.read([['SELECT COUNT(*) AS n FROM audit_chain_batches', []]]))
    expect(batches[0]?.n).toBeLessThan(6)
    await audit.end()
    expect(value(await verifyAudit(readSqliteAudit(file)))).toMatchObject({ verdict: 'whole' })
  })

  describe('rows wait for others of their commit', () => {
    /** The rows of each commit, less those with how the chain begins. */
    async function commits(work: (audit: ReturnType<typeof auditBench>['audit'], clock: ManualClock) => Promise<void>) {
      const clock = new ManualClock()
      const { audit, store } = auditBench(folder(), { clock })
      audit.start()
      await audit.settled(call('first'))
      await work(audit, clock)
      const [kept = []] = value(await store.read([['SELECT row_count AS n FROM audit_chain_batches ORDER BY first', []]]))
      await audit.end()
      return kept.slice(2).map(({ n }) => Number(n))
    }
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
    const many = (audit: ReturnType<typeof auditBench>['audit'], count: number) =>
      Promise.all(Array.from({ length: count }, (_, n) => audit.settled(call(`call-${n}`))))

    it('not where they come one by one', async () => {
      const seen = await commits(async (audit) => {
        for (let n = 0; n < 4; n += 1) await audit.settled(call(`call-${n}`))
      })
      expect(seen).toEqual([1, 1, 1, 1])
    })

    it('under load those of the next turns of the loop too, until enough are there', async () => {
      const seen = await commits(async (audit) => {
        await many(audit, busyRows)
        const waiting = []
        for (let n = 0; n < enoughRows; n += 1) {
          waiting.push(audit.settled(call(`later-${n}`)))
          await turn()
        }
        await Promise.all(waiting)
      })
      expect(seen).toEqual([busyRows, enoughRows])
    })

    it('no longer than is stated', async () => {
      const seen = await commits(async (audit, clock) => {
        await many(audit, busyRows)
        const first = [audit.settled(call('a')), audit.settled(call('b'))]
        await turn()
        await clock.advance(gatherMs)
        await Promise.all(first)
        await audit.settled(call('c'))
      })
      expect(seen).toEqual([busyRows, 2, 1])
    })
  })

  it('one call has one row; how its answer left is another where it did not simply', async () => {
    const { audit, file } = auditBench(folder())
    await audit.settled(call('a'))
    audit.closed(call('a'))
    await audit.settled(call('b'))
    audit.closed(call('b', { delivery: 'client_gone', termination: 'CL' }))
    audit.unclaimed(call('c', { delivery: 'unclaimed', termination: 'CL' }))
    await audit.end()
    const rows = (await found(file)).map(({ about, id, reason }) => [about, id, reason])
    expect(rows.filter(([about]) => about === 'call' || about === 'delivery')).toEqual([
      ['call', 'a', null],
      ['call', 'b', null],
      ['delivery', 'b', 'client_gone'],
      ['call', 'c', null],
      ['delivery', 'c', 'unclaimed'],
    ])
    expect(rows.map(([about]) => about).filter((about) => about === 'start' || about === 'stop')).toEqual(['start', 'stop'])
  })

  it('rows are found by what they say, those that are not indexed yet too, a page after the other', async () => {
    const { audit, file, store } = auditBench(folder())
    for (let n = 0; n < 3_000; n += 1) {
      const last = audit.settled(
        call(`call-${n}`, {
          atMs: 1_000 + n,
          run: aRun({ id: `run-${n % 100}` }),
          item: `tool-${n % 7}`,
          caller: { ...aRecord().caller, principal: aPrincipal({ sub: n % 2 === 0 ? 'alice' : 'bob' }) },
          decided: { allowed: n % 10 !== 0, rule: 'r', from: 0, to: 0 },
        }),
      )
      if (n % 500 === 499) await last
    }
    await eventually(() => store.unindexed === 0)
    for (let n = 0; n < 5; n += 1) await audit.settled(call(`tail-${n}`, { run: aRun({ id: 'run-7' }) }))
    expect(store.unindexed).toBeGreaterThan(0)
    const run = value(await rowsOfRun(store, 'run-7')).rows.map(({ id }) => id)
    expect(run).toEqual([
      ...Array.from({ length: 5 }, (_, n) => `tail-${n}`),
      ...Array.from({ length: 30 }, (_, n) => `call-${7 + 100 * n}`),
    ])
    expect(await ids(file, { tool: 'up/tool-3', about: 'call' })).toHaveLength(Math.ceil((3_000 - 3) / 7))
    expect(await ids(file, { principal: 'bob', denied: true })).toHaveLength(0)
    expect(await ids(file, { principal: 'alice', denied: true })).toHaveLength(300)
    expect(await ids(file, { fromMs: 1_010, toMs: 1_019, principal: 'bob' })).toEqual([
      'call-11',
      'call-13',
      'call-15',
      'call-17',
      'call-19',
    ])
    for (const order of ['newest', 'oldest'] as const) {
      const all: string[] = []
      let after: string | undefined
      do {
        const page = value(await auditRows(store, { principal: 'bob', about: 'call' }, { order, most: 97, after }))
        all.push(...page.rows.map(({ id }) => id))
        after = page.next
      } while (after !== undefined)
      const expected = Array.from({ length: 1_500 }, (_, n) => `call-${1 + 2 * n}`)
      expect(all).toEqual(order === 'oldest' ? expected : expected.reverse())
    }
    expect(value(await auditRows(store, {}, { order: 'newest', most: 5, after: 'x' })).rows).toEqual([])
    await audit.end()
    expect(value(await verifyAudit(readSqliteAudit(file)))).toMatchObject({ verdict: 'whole' })
  })
})

describe('a call is found by its id', () => {
  const idAt = (atMs: number) => systemRandom.callId(atMs)

  it('whenever its row was written, indexed or not, with how its answer left, and nothing else is', async () => {
    const { audit, store } = auditBench(folder())
    const now = Date.now()
    const came = {
      soon: { id: idAt(now), atMs: now },
      'after a wait for its turn': { id: idAt(now - 3_000), atMs: now },
      'long on its way': { id: idAt(now - 1_000_000), atMs: now - 1_000_000 },
      'clock set back meanwhile': { id: idAt(now + 1_800_000), atMs: now },
    }
    for (const { id, atMs } of Object.values(came)) await audit.settled(call(id, { atMs, item: 'one' }))
    for (let n = 0; n < 1_500; n += 1) {
      const last = audit.settled(call(idAt(now), { atMs: now }))
      if (n % 300 === 299) await last
    }
    audit.closed(call(came.soon.id, { atMs: now, delivery: 'client_gone', termination: 'CL' }))
    const look = async () => {
      const rows = await Promise.all(Object.values(came).map(async ({ id }) => value(await rowsOfCall(store, id))))
      expect(rows.map((found) => found.map(({ about, id }) => [about, id]))).toEqual([
        [
          ['call', came.soon.id],
          ['delivery', came.soon.id],
        ],
        ...Object.values(came)
          .slice(1)
          .map(({ id }) => [['call', id]]),
      ])
    }
    await eventually(() => store.unindexed === 0)
    await look()
    const tail = idAt(now)
    await audit.settled(call(tail, { atMs: now }))
    expect(value(await rowsOfCall(store, tail))).toHaveLength(1)
    expect(value(await auditRows(store, { id: tail, tool: 'up/other' }, { order: 'newest', most: 10 })).rows).toEqual([])
    expect(value(await rowsOfCall(store, idAt(now)))).toEqual([])
    // As gateways named them before: by chance alone.
    const before = randomUUID()
    await audit.settled(call(before, { atMs: now }))
    for (let n = 0; n < 1_100; n += 1) void audit.settled(call(idAt(now), { atMs: now }))
    await eventually(() => store.unindexed === 0)
    expect(value(await rowsOfCall(store, before)).map(({ id }) => id)).toEqual([before])
    expect(value(await rowsOfCall(store, 'call-1'))).toEqual([])
    await audit.end()
  })
})

/** A store that is what the test says. */
function failing(inner: AuditStore, kind: () => StoreFaultKind | 'silent' | undefined): AuditStore {
  return {
    ...inner,
    get unindexed() {
      return inner.unindexed
    },
    read: (queries) => inner.read(queries),
    heads: (most) => inner.heads(most),
    expiring: (before) => inner.expiring(before),
    drop: (checkpoint) => inner.drop(checkpoint),
    close: () => inner.close(),
    append: (batch) => {
      const wrong = kind()
      if (wrong === 'silent') return new Promise(() => undefined)
      return wrong === undefined ? inner.append(batch) : Promise.resolve({ ok: false, fault: { kind: wrong, message: 'away' } })
    },
  }
}

describe('while the store is away', () => {
  async function away(change: Parameters<typeof auditBench>[1] = {}) {
    const clock = new ManualClock()
    const path = folder()
    const real = auditBench(path)
    let wrong: StoreFaultKind | 'silent' | undefined
    const bench = auditBench(path, { clock, store: failing(real.store, () => wrong), ...change })
    if (change.mode !== 'buffered' && change.onLoss !== 'open') expect(await bench.audit.settled(call('before'))).toBe(true)
    return { ...bench, clock, fail: (kind: typeof wrong) => (wrong = kind) }
  }

  it.each(['full', 'unavailable', 'locked', 'corrupt'] as const)(
    '(%s) no answer is given out, no call begins, and both again by itself',
    async (kind) => {
      const { audit, clock, file, fail, logged } = await away()
      fail(kind)
      expect(await audit.settled(call('lost?'))).toBe(false)
      expect(audit.refusal(true)).toMatchObject({ kind: 'store_unavailable', sideEffect: 'none' })
      expect(await audit.settled(call('next'))).toBe(false)
      audit.closed(
        call('next', {
          fault: { kind: 'store_unavailable', category: 'integration', sideEffect: 'applied', message: '', code: 1, answered: undefined },
        }),
      )
      fail(undefined)
      await clock.advance(1_000)
      await eventually(() => audit.refusal(false) === undefined)
      expect(await audit.settled(call('after'))).toBe(true)
      await audit.end()
      // What was answered for is there, and so is what was not.
      expect(await ids(file)).toEqual(['before', 'lost?', 'next', 'after'])
      expect((await found(file, { about: 'delivery' })).map(({ id, reason }) => [id, reason])).toEqual([['next', 'withheld']])
      expect(logged.map(({ event }) => event)).toEqual(
        expect.arrayContaining(['The audit cannot be written; it is tried again', 'The audit is written again']),
      )
    },
  )

  it('a store that says nothing is away after a time, and nobody waits longer', async () => {
    const { audit, clock, fail } = await away()
    fail('silent')
    const settled = audit.settled(call('a'))
    await clock.advance(answerMs - 1)
    expect(audit.refusal(false)).toBeUndefined()
    await clock.advance(answerMs)
    expect(await settled).toBe(false)
    expect(audit.refusal(false)).toMatchObject({ kind: 'store_unavailable' })
  })

  it.each([
    ['closed', true, true],
    ['writes', true, false],
    ['open', false, false],
  ] as const)('onLoss %s: writes are refused %s, reads %s', async (onLoss, writes, reads) => {
    const { audit, fail, clock } = await away({ onLoss })
    fail('full')
    audit.settled(call('a'))
    await clock.advance(10)
    await eventually(() => audit.trouble() !== undefined)
    expect([audit.refusal(false) !== undefined, audit.refusal(true) !== undefined]).toEqual([writes, reads])
    expect([audit.settled(call('b')), audit.settled(call('c', { readOnly: true }))].map((one) => one !== undefined)).toEqual([
      writes,
      reads,
    ])
    fail(undefined)
    await audit.end()
  })

  it('says how many rows were lost, where memory had no room for them', async () => {
    const { audit, clock, fail, file, counted } = await away({ mode: 'buffered', onLoss: 'open' })
    fail('unavailable')
    for (let n = 0; n < mostWaitingRows + 307; n += 1) audit.settled(call(`call-${n}`))
    await clock.advance(lingerMs)
    expect(counted.get('audit_rows_lost')).toBeGreaterThan(0)
    fail(undefined)
    await clock.advance(1_000)
    await eventually(() => audit.trouble() === undefined && audit.waiting() < mostWaitingRows / 2)
    await audit.end()
    const lost = counted.get('audit_rows_lost') ?? 0
    expect((await found(file, { about: 'lost' })).map(({ reason }) => reason)).toEqual([`${lost} rows were lost, since the store was away`])
    // A row of the audit itself may be among them.
    expect((await ids(file)).length + lost).toBeLessThanOrEqual(mostWaitingRows + 308)
    expect((await ids(file)).length + lost).toBeGreaterThanOrEqual(mostWaitingRows + 307)
    expect(value(await verifyAudit(readSqliteAudit(file)))).toMatchObject({ verdict: 'whole' })
  })
})

describe('buffered', () => {
  it('nobody waits; a row is written within a moment', async () => {
    const clock = new ManualClock()
    const { audit, file } = auditBench(folder(), { mode: 'buffered', onLoss: 'open', clock })
    expect(audit.settled(call('a'))).toBeUndefined()
    await clock.advance(lingerMs)
    await eventually(() => audit.waiting() === 0)
    expect(await ids(file)).toEqual(['a'])
    await audit.end()
  })
})

describe('a flood of refused requests', () => {
  it('has a row each up to a bound, and then one row for many', async () => {
    const clock = new ManualClock()
    const { audit, file } = auditBench(folder(), { clock, mode: 'buffered', onLoss: 'open' })
    const fault = {
      kind: 'unauthenticated',
      category: 'authentication',
      sideEffect: 'none',
      message: 'none',
      code: 1,
      answered: undefined,
    } as const
    for (let n = 0; n < 10_000; n += 1) audit.refused(aRecord({ id: `r-${n}`, family: 'refused', fault }))
    audit.refused(aRecord({ id: 'other', family: 'refused', fault: { ...fault, kind: 'parse_error', category: 'configuration' } }))
    await clock.advance(20_000)
    audit.refused(aRecord({ id: 'later', family: 'refused', fault }))
    await audit.end()
    const rows = await found(file)
    expect(rows.filter(({ about }) => about === 'authenticate')).toHaveLength(refusalBurst + 1)
    expect(rows.filter(({ about }) => about === 'refused').map(({ id, rule, reason }) => [id, rule, reason])).toEqual([
      ['other', 'parse_error', 'none'],
      ['', 'unauthenticated', expect.stringMatching(/^9900 more requests were refused like this since/)],
    ])
    expect(await ids(file, { denied: true })).toHaveLength(refusalBurst + 2)
  })

  it('at the admin door likewise, by each rule', async () => {
    const clock = new ManualClock()
    const { audit, file } = auditBench(folder(), { clock, mode: 'buffered', onLoss: 'open' })
    const of = (rule: string): Decision => ({
      id: '',
      atMs: clock.now(),
      about: 'operation',
      allowed: false,
      principal: undefined,
      method: 'GET /admin/v1/keys',
      upstream: undefined,
      item: undefined,
      rule,
      credential: '',
      reason: 'none',
      fromAnybody: true,
    })
    for (let n = 0; n < 10_000; n += 1) audit.note(of('admin_unauthenticated'))
    audit.note(of('admin_role'))
    await clock.advance(20_000)
    await audit.end()
    const rows = await found(file)
    expect(rows.filter(({ rule }) => rule === 'admin_unauthenticated')).toHaveLength(refusalBurst + 1)
    expect(rows.filter(({ rule }) => rule === 'admin_role')).toHaveLength(1)
    expect(rows.map(({ reason }) => reason)).toContainEqual(expect.stringMatching(/^9900 more requests were refused like this since/))
  })
})

describe('the file', () => {
  it('that is removed while the gateway runs is missed, and begun anew; the chain shows what is gone', async () => {
    const { audit, file, logged } = auditBench(folder())
    expect(await audit.settled(call('a'))).toBe(true)
    for (const part of ['', '-wal', '-shm']) rmSync(`${file}${part}`, { force: true })
    // The first write finds out.
    expect(await audit.settled(call('b'))).toBe(false)
    await eventually(() => audit.trouble() === undefined)
    expect(await audit.settled(call('c'))).toBe(true)
    await audit.end()
    expect(logged.map(({ event }) => event)).toContain(
      'The file of the audit was removed or replaced; what it held is lost, and a new one is begun',
    )
    expect(await ids(file)).toEqual(['b', 'c'])
    expect(value(await verifyAudit(readSqliteAudit(file)))).toMatchObject({
      verdict: 'broken',
      broken: [{ seq: 0, why: expect.stringMatching(/^rows 0 to \d are missing/) }],
    })
  })

  it('that is no database is moved aside, whole', async () => {
    const path = folder()
    writeFileSync(join(path, 'audit.db'), 'no database at all '.repeat(1_000))
    const { audit, file, logged } = auditBench(path)
    expect(await audit.settled(call('a'))).toBe(true)
    await audit.end()
    expect(await ids(file)).toEqual(['a'])
    expect(readdirSync(path).some((name) => name.startsWith('audit.db.damaged-'))).toBe(true)
    expect(logged.map(({ event }) => event)).toEqual(expect.arrayContaining([expect.stringMatching(/^The file of the audit was damaged/)]))
  })

  it('that another program holds is waited for', async () => {
    const { audit, file } = auditBench(folder())
    expect(await audit.settled(call('a'))).toBe(true)
    const other = new DatabaseSync(file)
    other.exec('BEGIN IMMEDIATE')
    expect(await audit.settled(call('b'))).toBe(false)
    expect(audit.refusal(false)).toBeDefined()
    other.exec('ROLLBACK')
    other.close()
    await eventually(() => audit.trouble() === undefined)
    expect(await audit.settled(call('c'))).toBe(true)
    await audit.end()
    expect(await ids(file)).toEqual(['a', 'b', 'c'])
  })

  it('that two gateways write has a chain of each, and they know of each other', async () => {
    const path = folder()
    const one = auditBench(path)
    expect(await one.audit.settled(call('a'))).toBe(true)
    const two = auditBench(path)
    await Promise.all([...'bcdef'].map((id) => (id < 'd' ? one : two).audit.settled(call(id))))
    await Promise.all([one.audit.end(), two.audit.end()])
    expect((await ids(one.file)).sort()).toEqual([...'abcdef'])
    const verdict = value(await verifyAudit(readSqliteAudit(one.file)))
    expect([verdict.verdict, verdict.chains.length]).toEqual(['whole', 2])
    const starts = (await found(one.file, { about: 'start' })).map(({ reason }) => JSON.parse(reason ?? '').heads.length)
    expect(starts).toEqual([0, 1])
  })
})
