// What somebody who can write the store does to it, and what is seen of it.
import { hash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { type DatabaseSyncInstance as Database, DatabaseSync } from '@photostructure/sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aFolder, auditBench, tamper, value } from '../../../test/audit/bench.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { aRecord } from '../../../test/doubles/record.ts'
import { eventually } from '../../../test/peers/processes.ts'
import { hashLines } from '../../core/audit/hash-lines.ts'
import { readSqliteAudit } from '../../platform/audit/sqlite.ts'
import { type Anchor, anchorsIn } from './chain.ts'
import { auditRows } from './read.ts'
import { type VerifyOptions, verifyAudit } from './verify.ts'

let folder: ReturnType<typeof aFolder>
let file: string
let image: Uint8Array
let anchors: Anchor[]
let verifier: NonNullable<VerifyOptions['verifier']>
let chain: string
let copies = 0
const sums = ['audit_run_usage', 'audit_runs']

beforeAll(async () => {
  folder = aFolder()
  const bench = auditBench(folder.path)
  for (let n = 0; n < 40; n += 1) {
    const settled = Array.from({ length: 8 }, (_, m) => bench.audit.settled(aRecord({ id: `call-${n * 8 + m}` })))
    await Promise.all(settled)
  }
  await bench.audit.end()
  file = bench.file
  anchors = bench.anchors
  verifier = bench.verifier
  chain = anchors[0]?.chain ?? ''
  const database = new DatabaseSync(file)
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  database.close()
  image = readFileSync(file)
}, 30_000)
afterAll(() => folder.remove())

interface KeptBatch {
  first: number
  row_count: number
  lines: Uint8Array
  hashes: Uint8Array
  prev: string
}

/** The store as it was written, after somebody has worked on it. */
async function afterWork(work: (database: Database) => void, options: VerifyOptions = {}) {
  // Another each time: who reads the one before may still hold its log.
  copies += 1
  const copy = `${file}.copy-${copies}`
  writeFileSync(copy, image)
  const database = new DatabaseSync(copy)
  work(database)
  database.close()
  const store = readSqliteAudit(copy)
  const verdict = value(await verifyAudit(store, { verifier, ...options }))
  await store.close()
  return verdict
}

const batchWith = (database: Database, seq: number): KeptBatch =>
  database.prepare('SELECT * FROM audit_chain_batches WHERE first <= ? ORDER BY first DESC LIMIT 1').get(seq) as unknown as KeptBatch

function rewrite(database: Database, batch: KeptBatch, lines: string[], hashes = batch.hashes): void {
  database
    .prepare('UPDATE audit_chain_batches SET lines = ?, hashes = ? WHERE first = ?')
    .run(Buffer.from(lines.join('\n')), hashes, batch.first)
}

const linesOf = (batch: KeptBatch): string[] => Buffer.from(batch.lines).toString().split('\n')
/** A row in the middle of a batch of several. */
const seq = 100
const onLine =
  (change: (lines: string[], at: number) => void, hashesToo?: (hashes: Buffer, at: number) => Buffer) => (database: Database) => {
    const batch = batchWith(database, seq)
    const lines = linesOf(batch)
    const at = seq - batch.first
    expect(lines.length).toBeGreaterThan(at + 1)
    change(lines, at)
    rewrite(database, batch, lines, hashesToo?.(Buffer.from(batch.hashes), at))
  }

describe('verify', () => {
  it('says of what is as it was written that it is whole', async () => {
    expect(await afterWork(() => undefined, { anchors })).toMatchObject({
      verdict: 'whole',
      broken: [],
      anchors: anchors.length,
      unchecked: [],
      chains: [{ chain, first: 0, ended: true }],
    })
    expect(anchors.length).toBeGreaterThanOrEqual(2)
  })

  it.each([
    [
      'a byte of a row was changed',
      onLine((lines, at) => {
        lines[at] = (lines[at] ?? '').replace('weather', 'wEather')
      }),
      /the row was changed/,
    ],
    ['a row was taken out', onLine((lines, at) => void lines.splice(at, 1)), /a row was taken out here/],
    ['a row was put in', onLine((lines, at) => void lines.splice(at, 0, '[1,"call"]')), /a row was put in here/],
    ['a copy was put in', onLine((lines, at) => void lines.splice(at, 0, lines[0] ?? '')), /a copy of another row was put in here/],
    [
      'two rows changed places',
      onLine((lines, at) => {
        const [one = '', two = ''] = [lines[at], lines[at + 1]]
        lines[at] = two
        lines[at + 1] = one
      }),
      new RegExp(`rows ${seq} and ${seq + 1} changed places`),
    ],
    [
      'a copy stands in the place of a row',
      onLine((lines, at) => {
        lines[at] = lines[at + 1] ?? ''
      }),
      /a copy of another row stands in its place|the row was changed/,
    ],
    [
      'a hash was changed',
      onLine(
        () => undefined,
        (hashes, at) => {
          hashes[at * 32] = (hashes[at * 32] ?? 0) ^ 1
          return hashes
        },
      ),
      /the row was changed/,
    ],
  ] as const)('%s: where, and how', async (_what, work, why) => {
    const { verdict, broken } = await afterWork(work)
    expect(verdict).toBe('broken')
    expect(broken[0]).toEqual({ chain, seq, why: expect.stringMatching(why) })
  })

  it('a row and its hash were taken out', async () => {
    const { broken } = await afterWork((database) => {
      const batch = batchWith(database, seq)
      const lines = linesOf(batch)
      const at = seq - batch.first
      lines.splice(at, 1)
      const hashes = Buffer.concat([Buffer.from(batch.hashes).subarray(0, at * 32), Buffer.from(batch.hashes).subarray((at + 1) * 32)])
      rewrite(database, batch, lines, hashes)
      database.prepare('UPDATE audit_chain_batches SET row_count = row_count - 1 WHERE first = ?').run(batch.first)
    })
    expect(broken[0]).toMatchObject({ seq, why: expect.stringMatching(/the row was changed/) })
  })

  it.each([
    ['removed', (first: number) => `DELETE FROM audit_chain_batches WHERE first = ${first}`, /are missing|is missing/],
    ['moved', (first: number) => `UPDATE audit_chain_batches SET first = first + 100000 WHERE first = ${first}`, /are missing|is missing/],
    [
      'given other rows and hashes',
      (first: number) => `UPDATE audit_chain_batches SET prev = '${'0'.repeat(64)}' WHERE first = ${first}`,
      /does not follow from the row before/,
    ],
  ] as const)('a batch was %s', async (_how, sql, why) => {
    let first = 0
    const { verdict, broken } = await afterWork((database) => {
      first = batchWith(database, seq).first
      database.exec(sql(first))
    })
    expect(verdict).toBe('broken')
    expect(broken[0]).toMatchObject({ chain, seq: first, why: expect.stringMatching(why) })
  })

  const cut = (database: Database): void => {
    const { first } = batchWith(database, 200)
    database.exec(`DELETE FROM audit_chain_batches WHERE first >= ${first}`)
    database.exec('DELETE FROM audit_keys')
    for (const table of sums) database.exec(`DELETE FROM ${table}`)
    database.exec('UPDATE audit_marks SET next = 0')
  }

  it('the end was cut off: found by anchors alone, and said to be invisible without', async () => {
    const without = await afterWork(cut)
    expect([without.verdict, without.unchecked]).toEqual(['whole', [expect.stringMatching(/Without anchors/)]])
    const { verdict, broken } = await afterWork(cut, { anchors })
    expect(verdict).toBe('broken')
    expect(broken[0]).toMatchObject({ chain, why: expect.stringMatching(/^the end is missing: an anchor tells of row 32\d/) })
  })

  const anew = (database: Database): void => {
    let before = hash('sha256', `signalbox audit ${chain}`, 'buffer')
    for (const batch of database.prepare('SELECT * FROM audit_chain_batches ORDER BY first').all() as unknown as KeptBatch[]) {
      const lines = linesOf(batch).map((line) => line.replace('"call-100"', '"call-xxx"'))
      const bytes = Buffer.from(lines.join('\n'))
      const hashes = Buffer.from(hashLines(hash, before, bytes, lines.length))
      database
        .prepare('UPDATE audit_chain_batches SET lines = ?, hashes = ?, prev = ? WHERE first = ?')
        .run(bytes, hashes, before.toString('hex'), batch.first)
      before = Buffer.from(hashes.subarray(-32))
    }
    database.exec('DELETE FROM audit_keys')
    for (const table of sums) database.exec(`DELETE FROM ${table}`)
    database.exec('UPDATE audit_marks SET next = 0')
  }

  it('all was made anew: found by anchors alone', async () => {
    expect((await afterWork(anew)).verdict).toBe('whole')
    const { verdict, broken } = await afterWork(anew, { anchors })
    expect(verdict).toBe('broken')
    expect(broken.at(-1)).toMatchObject({ chain, why: expect.stringMatching(/the chain was made anew/) })
  })

  it('a whole chain was removed: found by anchors, and by the first row of the next one', async () => {
    const gone = await afterWork(
      (database) => {
        for (const table of ['audit_chain_batches', 'audit_keys', ...sums, 'audit_marks']) database.exec(`DELETE FROM ${table}`)
      },
      { anchors },
    )
    expect(gone.broken[0]).toMatchObject({ chain, why: 'the whole chain is missing, of which an anchor tells' })
    const next = aFolder()
    const first = auditBench(next.path)
    await first.audit.settled(aRecord({ id: 'a' }))
    await first.audit.end()
    const second = auditBench(next.path)
    await second.audit.settled(aRecord({ id: 'b' }))
    await second.audit.end()
    const removed = first.anchors[0]?.chain ?? ''
    tamper(first.file, `DELETE FROM audit_chain_batches WHERE chain = '${removed}'`, `DELETE FROM audit_marks WHERE chain = '${removed}'`)
    const store = readSqliteAudit(first.file)
    const { broken } = value(await verifyAudit(store, { verifier: first.verifier }))
    expect(broken[0]).toMatchObject({ chain: removed, why: expect.stringMatching(/^the whole chain is missing, of which row 0 of/) })
    await store.close()
    next.remove()
  })

  it('an anchor that somebody has changed, or that another key has signed, is told', async () => {
    const [one] = anchors as [Anchor]
    const changed = await afterWork(() => undefined, { anchors: [{ ...one, seq: one.seq + 1 }] })
    expect(changed.broken).toMatchObject([{ why: expect.stringMatching(/signature of its anchor is wrong/) }])
    const foreign = await afterWork(() => undefined, { anchors: [{ ...one, key: 'other' }] })
    expect([foreign.verdict, foreign.unchecked]).toEqual([
      'whole',
      [expect.stringMatching(/signed by the key other, which is not at hand/)],
    ])
  })

  it.each([
    ['a key was removed', '', 'DELETE FROM audit_keys WHERE k = (SELECT MIN(k) FROM audit_keys)', /found by/],
    [
      'a key was added',
      '',
      "INSERT INTO audit_keys (tenant, k, at_ms, chain, first, at_min_ms) SELECT '', 5, at_ms, chain, first, at_min_ms FROM audit_keys LIMIT 1",
      /found by/,
    ],
    ['a sum was changed', '', 'UPDATE audit_run_usage SET calls = calls + 1', /sums of the run run-1 with up\/weather of .* do not agree/],
    ['the cost of a run was changed', '', 'UPDATE audit_runs SET cost_nano = cost_nano + 1', /sums of the run run-1 of .* do not agree/],
    ['a run was made an older one', '', 'UPDATE audit_runs SET last_ms = last_ms - 1', /sums of the run run-1 of .* do not agree/],
    ['a run was given to another', '', "UPDATE audit_runs SET subject = 'bob'", /sums of the run run-1 of bob do not agree/],
    ['a run was removed', '', 'DELETE FROM audit_runs', /1 sums of runs are missing/],
    ['the tool of a run was changed', '', "UPDATE audit_run_usage SET item = 'x'", /sums of the run run-1 with up\/x of .* do not agree/],
    ['what a run did was removed', '', 'DELETE FROM audit_run_usage', /1 sums are missing/],
  ])('%s: what rows are found by is held against the rows', async (_what, _, sql, why) => {
    const { verdict, broken } = await afterWork((database) => database.exec(sql))
    expect([verdict, broken]).toEqual(['broken', [{ chain: '', seq: 0, why: expect.stringMatching(why) }]])
  })
})

it('finds anchors in the lines of a log, and passes over the rest', () => {
  const line = JSON.stringify({ level: 'info', time: 'x', audit_anchor: anchors[0], event: 'Anchor of the audit' })
  expect(anchorsIn(`{"event":"x"}\nno JSON audit_anchor\n${line}\n{"audit_anchor":{"chain":1}}\n`)).toEqual([anchors[0]])
})

it('rows that are too old go, with what was made of them, and the chain is verified from there', async () => {
  const clock = new ManualClock()
  const own = aFolder()
  const day = 86_400_000
  const bench = auditBench(own.path, { clock, retentionMs: 2 * day })
  bench.audit.start()
  for (let n = 0; n < 300; n += 1) bench.audit.settled(aRecord({ id: `old-${n}`, atMs: clock.now() }))
  await bench.audit.settled(aRecord({ id: 'last', atMs: clock.now() }))
  await eventually(() => bench.store.unindexed === 0)
  // In small steps: what is young is not to go with the old.
  const rows = async () => value(await auditRows(bench.store, { about: 'call' }, { order: 'oldest', most: 1_000 })).rows.map(({ id }) => id)
  await clock.advance(day)
  await bench.audit.settled(aRecord({ id: 'young', atMs: clock.now() }))
  expect(await rows()).toHaveLength(302)
  await eventually(async () => {
    await clock.advance(600_000)
    return (await rows()).length === 1
  })
  expect(await rows()).toEqual(['young'])
  await bench.audit.end()
  const store = readSqliteAudit(bench.file)
  const verdict = value(await verifyAudit(store, { verifier: bench.verifier, anchors: bench.anchors }))
  expect(verdict).toMatchObject({ verdict: 'whole', chains: [{ first: expect.any(Number) }] })
  expect(verdict.chains[0]?.first).toBeGreaterThan(300)
  const [usage = []] = value(await store.read([['SELECT SUM(calls) AS calls FROM audit_run_usage', []]]))
  expect(usage[0]?.calls).toBe(1)
  await store.close()
  // One who cannot sign cannot remove rows so.
  tamper(bench.file, 'UPDATE audit_checkpoints SET seq = seq + 1')
  const again = readSqliteAudit(bench.file)
  const { broken } = value(await verifyAudit(again, { verifier: bench.verifier }))
  expect(broken[0]).toMatchObject({ why: expect.stringMatching(/signature of its checkpoint is wrong/) })
  await again.close()
  own.remove()
}, 30_000)
