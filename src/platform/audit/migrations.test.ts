// A store that an older gateway has written is brought up to date where it is opened, and what was made of its rows is made anew.
import { DatabaseSync } from '@photostructure/sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aFolder, auditBench, value } from '../../../test/audit/bench.ts'
import { aRecord } from '../../../test/doubles/record.ts'
import { aRun } from '../../../test/doubles/run.ts'
import { type PostgresServer, postgresPath, startPostgres } from '../../../test/peers/postgres.ts'
import { eventually } from '../../../test/peers/processes.ts'
import { indexRow } from '../../observe/audit/index-row.ts'
import { auditRows } from '../../observe/audit/read.ts'
import { runsBy } from '../../observe/audit/runs.ts'
import { costBy } from '../../observe/audit/sums.ts'
import { verifyAudit } from '../../observe/audit/verify.ts'
import { systemClock } from '../clock/system-clock.ts'
import { parsePostgresUrl } from '../store/postgres/address.ts'
import { createPostgresDurable } from '../store/postgres/durable.ts'
import { auditChainsDomain, createDurableAudit } from './durable.ts'
import { auditMigrations } from './schema.ts'

const report = { log: () => undefined, counters: { add: () => undefined, session: () => undefined } }
const old = `INSERT INTO audit_usage (tenant, hour, team, issuer, subject, client, run, upstream, item, calls, faults, denied, suspects, attempts,
  tokens_sent, tokens_got, cost_nano, us, bytes_in, bytes_out, first_ms, last_ms)
  VALUES ('default', 0, '', 'i', 's', 'c', 'run-0', 'up', 'weather', 9, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0)`
const oldKey = "INSERT INTO audit_keys (tenant, k, at_ms, chain, first, at_min_ms) VALUES ('', 5, 5, 'ab', 0, 5)"

/** Rows of three runs, as a gateway of today writes them. */
async function written(folder: string) {
  const bench = auditBench(folder)
  for (let n = 0; n < 30; n += 1) await bench.audit.settled(aRecord({ id: `call-${n}`, run: aRun({ id: `run-${n % 3}` }) }))
  await bench.audit.end()
  return bench
}

describe('a store of before there were sums by run', () => {
  const folder = aFolder()
  afterAll(() => folder.remove())

  it('in a file', async () => {
    const { file, verifier } = await written(folder.path)
    const older = `${file}.older`
    const database = new DatabaseSync(older)
    database.exec('PRAGMA journal_mode = WAL')
    for (const statement of auditMigrations(' WITHOUT ROWID')[0]?.statements ?? []) database.exec(statement)
    database.exec(`ATTACH '${file}' AS today`)
    for (const table of ['audit_chain_batches', 'audit_marks']) database.exec(`INSERT INTO main.${table} SELECT * FROM today.${table}`)
    database.exec('DETACH today')
    for (const statement of [old, oldKey, 'PRAGMA user_version = 1']) database.exec(statement)
    database.close()
    const bench = auditBench(folder.path, { file: older })
    await bench.audit.settled(aRecord({ id: 'later', run: aRun({ id: 'run-1' }) }))
    const indexed = async () => {
      const [rows = []] = value(
        await bench.store.read([
          ['SELECT 1 AS x FROM audit_marks m JOIN audit_chain_batches b ON b.chain = m.chain AND b.first >= m.next', []],
        ]),
      )
      return rows.length === 0
    }
    const holds = async () => {
      const { runs } = value(await runsBy(bench.store, {}, { most: 50 }))
      expect(Object.fromEntries(runs.map(({ run, calls }) => [run, calls]))).toEqual({ 'run-0': 10, 'run-1': 11, 'run-2': 10 })
      expect(value(await costBy(bench.store, ['run'], {})).total.calls).toBe(31)
      expect(value(await auditRows(bench.store, { run: 'run-2' }, { order: 'oldest', most: 50 })).rows).toHaveLength(10)
    }
    await holds()
    await eventually(indexed)
    await holds()
    expect(value(await verifyAudit(bench.store, { verifier }))).toMatchObject({ verdict: 'whole' })
    await bench.audit.end()
  })
})

describe.skipIf(postgresPath === undefined)('a database of before there were sums by run', () => {
  const closers: (() => Promise<void>)[] = []
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres(closers)
  }, 60_000)
  afterAll(async () => {
    for (const close of closers.reverse()) await close()
  })

  it('is brought up to date', async () => {
    const address = parsePostgresUrl(await server.database())
    if (typeof address === 'string') throw new Error(address)
    const of = (migrations = auditChainsDomain.migrations) =>
      createPostgresDurable({
        ...{ address, program: 'test', clock: systemClock, report, migrates: true },
        domains: [{ ...auditChainsDomain, migrations }],
      })
    const before = of(auditChainsDomain.migrations.slice(0, 1))
    const lines = Buffer.from('[1,"call",5,"a",null,null,["run-1","meta",null,null,null],null,[null,"up","weather"]]')
    const batch = { chain: 'ab', first: 0, count: 1, atMs: 5, atMinMs: 5, prev: '00'.repeat(32), lines }
    expect(await before.run(old, [])).toEqual({ ok: true, value: 1 })
    expect(await before.run(oldKey, [])).toEqual({ ok: true, value: 1 })
    const rows = `INSERT INTO audit_chain_batches (tenant, chain, first, row_count, at_ms, at_min_ms, lines, prev, hashes)
      VALUES ('', 'ab', 0, 1, 5, 5, ?, ?, ?)`
    expect((await before.run(rows, [lines, batch.prev, Buffer.alloc(32)])).ok).toBe(true)
    expect((await before.run("INSERT INTO audit_marks (tenant, chain, next) VALUES ('', 'ab', 1)")).ok).toBe(true)
    await before.close()
    const durable = of()
    const store = createDurableAudit({ durable, indexRow, clock: systemClock })
    expect(value(await runsBy(store, {}, { most: 5 })).runs).toMatchObject([{ run: 'run-1', calls: 1, firstMs: 5 }])
    value(await store.append({ ...batch, chain: 'cd', lines: Buffer.from(lines) }))
    expect(await eventually(() => store.unindexed === 0)).toBe(true)
    expect(value(await runsBy(store, {}, { most: 5 })).runs).toMatchObject([{ run: 'run-1', calls: 2 }])
    const [runs] = value(await store.read([['SELECT SUM(calls) AS calls FROM audit_runs', []]]))
    expect(Number(runs?.[0]?.calls)).toBe(2)
    await store.close()
    await durable.close()
  })
})
