// The tables of all domains on PostgreSQL, and the tests of what is kept in them a second time, on it.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { domains } from '../../src/assembly/stores.ts'
import { systemClock } from '../../src/platform/clock/system-clock.ts'
import { parsePostgresUrl } from '../../src/platform/store/postgres/address.ts'
import { createPostgresDurable } from '../../src/platform/store/postgres/durable.ts'
import { silentReport } from '../doubles/report.ts'
import { type PostgresServer, postgresPath, startPostgres } from '../peers/postgres.ts'
import { root } from '../peers/servers.ts'

/** Each opens its store by `testDurable` of test/doubles/durable.ts, by itself or by its rig, and waits for what it writes. */
const tests = [
  'src/authorization-server/replicas.test.ts',
  'src/gateway/credentials/renewal.test.ts',
  'src/gateway/quality/judge/stage.test.ts',
  'src/gateway/versions/operators.test.ts',
  'src/assembly/limits.test.ts',
  'src/gateway/limits/kept-runs.test.ts',
  'src/observe/inventory-saving.test.ts',
  'src/platform/keys/signing-keys.test.ts',
  'test/promises/unusual-runs.test.ts',
  'test/stores/vault-keys.test.ts',
]

const closers: (() => Promise<void>)[] = []
let server: PostgresServer

describe.skipIf(postgresPath === undefined)('what is kept, on PostgreSQL', () => {
  beforeAll(async () => {
    server = await startPostgres(closers, { settings: { max_connections: '400' } })
  }, 60_000)
  afterAll(async () => {
    for (const close of closers.reverse()) await close()
  })

  it('has all tables, each with a primary key that begins with the tenant', async () => {
    const url = await server.database()
    const address = parsePostgresUrl(url)
    if (typeof address === 'string') throw new Error(address)
    const store = createPostgresDurable({ address, domains, migrates: true, program: 'test', clock: systemClock, report: silentReport })
    expect(await store.read((reader) => reader.all('SELECT 1 AS one'))).toMatchObject({ ok: true })
    await store.close()
    const keys = await server.query(
      url,
      `SELECT t.relname AS name, a.attname AS first FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
         JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]
       WHERE i.indisprimary AND t.relnamespace = 'public'::regnamespace AND t.relname <> 'store_schema'`,
    )
    expect(keys.length).toBeGreaterThanOrEqual(domains.length)
    expect(keys.filter(({ first }) => first !== 'tenant')).toEqual([])
  })

  it('is as the tests of the domains have it', { timeout: 300_000 }, async () => {
    const url = await server.database()
    const ran = await new Promise<{ code: number; out: string }>((resolve) => {
      const program = join(root, 'node_modules', 'vitest', 'vitest.mjs')
      const env = { ...process.env, TEST_POSTGRES: url }
      execFile(process.execPath, [program, 'run', ...tests], { cwd: root, env, maxBuffer: 32_000_000 }, (error, out, err) =>
        resolve({ code: Number(error?.code ?? 0), out: out + err }),
      )
    })
    expect(ran.code, ran.out).toBe(0)
    const made = await server.query(url, "SELECT COUNT(*) AS n FROM pg_database WHERE datname LIKE 'domains\\_%'")
    expect(Number(made[0]?.n)).toBeGreaterThanOrEqual(tests.length)
  })
})
