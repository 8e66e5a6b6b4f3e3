import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { durableContract } from '../../../../test/contracts/durable-contract.ts'
import { ManualClock } from '../../../../test/doubles/manual-clock.ts'
import { type PostgresServer, postgresPath, startPostgres } from '../../../../test/peers/postgres.ts'
import { eventually } from '../../../../test/peers/processes.ts'
import type { Domain, Durable } from '../../../core/ports/durable.ts'
import { systemClock } from '../../clock/system-clock.ts'
import { parsePostgresUrl } from './address.ts'
import { createPostgresDurable, type PostgresOptions } from './durable.ts'

const notes: Domain = {
  name: 'notes',
  migrations: [{ what: 'notes', statements: ['CREATE TABLE notes (tenant TEXT, name TEXT, at BIGINT, PRIMARY KEY (tenant, name))'] }],
}

const closers: (() => Promise<void>)[] = []
let server: PostgresServer

function open(url: string, change: Partial<PostgresOptions> = {}) {
  const logged: { severity: string; event: string }[] = []
  const counted: string[] = []
  const address = parsePostgresUrl(url)
  if (typeof address === 'string') throw new Error(address)
  const store = createPostgresDurable({
    address,
    domains: [notes],
    migrates: true,
    program: '1.2.3',
    clock: systemClock,
    report: {
      log: (severity, event) => void logged.push({ severity, event }),
      counters: { add: (name, labels) => void counted.push(`${name} ${Object.values(labels)}`) },
    },
    ...change,
    limits: { pauseMs: 0, ...change.limits },
  })
  return { store, logged, counted }
}

const add = (store: Durable, name: string) =>
  store.transact((tx) => tx.run('INSERT INTO notes (tenant, name) VALUES (?, ?)', ['acme', name]))
const names = async (store: Durable) => {
  const rows = await store.read((reader) => reader.all('SELECT name FROM notes ORDER BY name'))
  return rows.ok ? rows.value.map((row) => row.name) : rows.fault.kind
}
/** What a test waits for in `work` until it says so. */
function gate() {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open: () => open(), opened }
}

describe.skipIf(postgresPath === undefined)('the durable store on PostgreSQL', { timeout: 60_000 }, () => {
  beforeAll(async () => {
    server = await startPostgres(closers, { settings: { max_connections: '60' } })
  }, 60_000)
  afterAll(async () => {
    for (const close of closers.reverse()) await close()
  })

  describe('by the contract', () => {
    durableContract(async () => {
      const url = await server.database()
      return { open: async (domains) => open(url, { domains }).store, outlives: true }
    })
  })

  it('notes who wrote it', async () => {
    const { store } = open(await server.database())
    await add(store, 'a')
    const schema = await store.read((reader) => reader.all('SELECT * FROM store_schema'))
    expect(schema.ok && schema.value.map((row) => ({ ...row }))).toEqual([{ domain: 'notes', version: 1, written_by: '1.2.3' }])
    await store.close()
  })

  it('is brought forward once where gateways start at once', async () => {
    const url = await server.database()
    const gateways = Array.from({ length: 6 }, () => open(url))
    const done = await Promise.all(gateways.map(({ store }, i) => add(store, `n${i}`)))
    expect(done.filter(({ ok }) => !ok)).toEqual([])
    expect(gateways.flatMap(({ logged }) => logged)).toEqual([])
    expect(await names(gateways[0]?.store as Durable)).toEqual(['n0', 'n1', 'n2', 'n3', 'n4', 'n5'])
    await Promise.all(gateways.map(({ store }) => store.close()))
  })

  it('lets nobody who reads wait for who writes, and shows one view', async () => {
    const { store } = open(await server.database())
    await add(store, 'a')
    const [written, read] = [gate(), gate()]
    const writing = store.transact(async (tx) => {
      await tx.run('INSERT INTO notes (tenant, name) VALUES (?, ?)', ['acme', 'b'])
      written.open()
      await read.opened
    })
    await written.opened
    const seen = await store.read(async (reader) => {
      const first = await reader.all('SELECT name FROM notes')
      read.open()
      await writing
      return [first.length, (await reader.all('SELECT name FROM notes')).length]
    })
    expect(seen).toEqual({ ok: true, value: [1, 1] })
    expect(await names(store)).toEqual(['a', 'b'])
    await store.close()
  })

  it('refuses to write while it reads', async () => {
    const { store } = open(await server.database())
    const done = await store.read((reader) => (reader as never as { run(sql: string): Promise<number> }).run('DELETE FROM notes'))
    expect(done).toMatchObject({ ok: false, fault: { kind: 'locked' } })
    await store.close()
  })

  it('whose connection is ended in the middle of a transaction: a value, nothing of it kept, and it goes on', async () => {
    const url = await server.database()
    const { store, logged } = open(url)
    await add(store, 'a')
    const cut = await store.transact(async (tx) => {
      await tx.run('INSERT INTO notes (tenant, name) VALUES (?, ?)', ['acme', 'b'])
      expect(await server.terminate(url)).toBeGreaterThan(0)
      await tx.run('INSERT INTO notes (tenant, name) VALUES (?, ?)', ['acme', 'c'])
    })
    expect(cut).toMatchObject({ ok: false, fault: { kind: 'unavailable' } })
    expect(store.trouble()?.message).toMatch(/^The store postgres:\/\/127\.0\.0\.1:\d+\/store_\d+ does not answer/)
    expect((await add(store, 'd')).ok).toBe(true)
    expect(await names(store)).toEqual(['a', 'd'])
    expect(logged.map(({ severity }) => severity)).toEqual(['warn', 'info'])
    await store.close()
  })

  it('whose connections are ended while nobody uses them: the next operation makes another, and nobody hears of it', async () => {
    const url = await server.database()
    const { store, logged, counted } = open(url)
    await add(store, 'a')
    await names(store)
    expect(await server.terminate(url)).toBeGreaterThan(0)
    // Until the gateway has heard of it.
    expect(await eventually(async () => (await server.terminate(url)) === 0)).toBe(true)
    expect(await eventually(async () => Array.isArray(await names(store)))).toBe(true)
    expect((await add(store, 'b')).ok).toBe(true)
    expect(logged.filter(({ severity }) => severity === 'error')).toEqual([])
    expect(counted.length).toBeLessThanOrEqual(1)
    await store.close()
  })

  it('whose server ends and comes back: a value each time meanwhile, then as before', async () => {
    const url = await server.database()
    const { store, logged } = open(url)
    await add(store, 'a')
    for (const end of [server.stop, server.kill]) {
      await end()
      for (const done of [await add(store, 'x'), await add(store, 'x')])
        expect(done).toMatchObject({ ok: false, fault: { kind: 'unavailable' } })
      expect(await names(store)).toBe('unavailable')
      await server.restart()
      expect(await eventually(async () => (await add(store, end === server.stop ? 'b' : 'c')).ok)).toBe(true)
      expect(store.trouble()).toBeUndefined()
    }
    expect(await names(store)).toEqual(['a', 'b', 'c'])
    expect(logged.map(({ severity }) => severity)).toEqual(['warn', 'info', 'warn', 'info'])
    await store.close()
  })

  it('that somebody holds: is read all the same, writes are a value', async () => {
    const url = await server.database()
    const holder = open(url)
    const { store, counted } = open(url, { limits: { lockMs: 50 } })
    await add(store, 'a')
    const [held, over] = [gate(), gate()]
    const holding = holder.store.transact(async (tx) => {
      await tx.all('SELECT 1')
      held.open()
      await over.opened
    })
    await held.opened
    expect(await add(store, 'b')).toMatchObject({ ok: false, fault: { kind: 'locked' } })
    expect(await store.run("DELETE FROM notes WHERE tenant = 'acme'")).toMatchObject({ ok: false, fault: { kind: 'locked' } })
    expect(await names(store)).toEqual(['a'])
    over.open()
    await holding
    expect((await add(store, 'c')).ok).toBe(true)
    expect(counted).toEqual(['store_faults locked', 'store_faults locked'])
    await Promise.all([store.close(), holder.store.close()])
  })

  it('lets single statements of gateways run beside each other', async () => {
    const url = await server.database()
    const stores = Array.from({ length: 4 }, () => open(url).store)
    await stores[0]?.run("INSERT INTO notes (tenant, name, at) VALUES ('acme', 'count', 0)")
    const done = await Promise.all(
      Array.from({ length: 80 }, (_, i) => (stores[i % 4] as Durable).run("UPDATE notes SET at = at + 1 WHERE name = 'count'")),
    )
    expect(done.filter((one) => !one.ok || one.value !== 1)).toEqual([])
    const rows = await stores[0]?.read((reader) => reader.all('SELECT at FROM notes'))
    expect(rows?.ok && rows.value[0]?.at).toBe(80)
    await Promise.all(stores.map((store) => store.close()))
  })

  it('takes so many operations and no more: the next is a value at once, and counted', async () => {
    const { store, counted } = open(await server.database(), { limits: { mostWaiting: 3 } })
    const all = await Promise.all(Array.from({ length: 5 }, (_, i) => add(store, `n${i}`)))
    expect(all.map((one) => (one.ok ? 'kept' : one.fault.kind))).toEqual(['kept', 'kept', 'kept', 'overloaded', 'overloaded'])
    expect(counted).toEqual(['store_faults overloaded', 'store_faults overloaded'])
    await store.close()
  })

  it('takes more that read than it has connections', async () => {
    const { store } = open(await server.database())
    await add(store, 'a')
    const all = await Promise.all(Array.from({ length: 60 }, () => names(store)))
    expect(all.every((one) => one.length === 1)).toBe(true)
    await store.close()
  })

  it('takes a transaction back that never ends, and goes on', async () => {
    const url = await server.database()
    const { store } = open(url)
    await add(store, 'a')
    const clock = new ManualClock()
    const slow = open(url, { clock })
    const begun = gate()
    const hanging = slow.store.transact(async (tx) => {
      await tx.run('DELETE FROM notes')
      begun.open()
      await new Promise(() => undefined)
    })
    await begun.opened
    await clock.advance(10_001)
    expect(await hanging).toMatchObject({ ok: false, fault: { kind: 'unavailable', message: expect.stringMatching(/took too long/) } })
    expect(await names(store)).toEqual(['a'])
    expect((await add(store, 'b')).ok).toBe(true)
    await Promise.all([store.close(), slow.store.close()])
  })

  it('ends a statement that takes too long, at the server too', async () => {
    const url = await server.database()
    const { store } = open(url, { limits: { stepMs: 300 } })
    await add(store, 'a')
    expect(await store.read((reader) => reader.all('SELECT pg_sleep(60)'))).toMatchObject({ ok: false, fault: { kind: 'unavailable' } })
    const running = "SELECT pid FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND state = 'active' AND pid <> pg_backend_pid()"
    expect(await eventually(async () => (await server.query(url, running)).length === 0)).toBe(true)
    expect(await names(store)).toEqual(['a'])
    await store.close()
  })

  it('is not tried again at once after a failure', async () => {
    const clock = new ManualClock()
    const { store } = open('postgres://u:p@127.0.0.1:1/db', { clock, limits: { pauseMs: 1_000 } })
    expect((await add(store, 'a')).ok).toBe(false)
    const { message } = store.trouble() ?? {}
    expect(message).toMatch(/ECONNREFUSED/)
    expect(await add(store, 'a')).toMatchObject({ ok: false, fault: { message } })
    await store.close()
  })

  it.each([
    ['a password that is wrong', (url: string) => url.replace(/:[^:@]*@/, ':wrong@'), /authentication failed.*check user and password/],
    ['a database that is not there', (url: string) => url.replace(/\w+$/, 'nowhere'), /does not exist: create the database/],
    ['TLS that the server has not', (url: string) => `${url}?sslmode=require`, /does not support SSL/],
    [
      'certificates that are not there',
      (url: string) => `${url}?sslmode=verify-full&sslrootcert=/nowhere/ca.pem`,
      /\/nowhere\/ca\.pem of sslrootcert cannot be read \(ENOENT\)/,
    ],
  ])('says what to do about %s', async (_what, change, expected) => {
    const { store } = open(change(await server.database()))
    expect(await add(store, 'a')).toMatchObject({ ok: false, fault: { kind: 'unavailable', message: expect.stringMatching(expected) } })
    expect(store.trouble()?.message).not.toContain(server.password)
    await store.close()
  })

  it('says what to do where it may make no tables, and begins once it may', async () => {
    const url = await server.database()
    await server.query(url, "CREATE ROLE guest LOGIN PASSWORD 'guest'")
    const { store } = open(url.replace(/\/\/[^@]*@/, '//guest:guest@'))
    expect(await add(store, 'a')).toMatchObject({
      ok: false,
      fault: { kind: 'unavailable', message: expect.stringMatching(/GRANT CREATE/) },
    })
    await server.query(url, 'GRANT CREATE, USAGE ON SCHEMA public TO guest')
    expect((await add(store, 'a')).ok).toBe(true)
    await store.close()
  })

  it('says what to do where the database cannot keep all text', async () => {
    const url = await server.database()
    await server.query(url, "CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    const { store } = open(url.replace(/\w+$/, 'latin'))
    expect(await add(store, 'a')).toMatchObject({
      ok: false,
      fault: { message: expect.stringMatching(/encoding of the database is LATIN1: create one with ENCODING 'UTF8'/) },
    })
    await store.close()
  })

  it('that may be read only, as a standby: is read, and says why it is not written', async () => {
    const url = await server.database()
    const { store, logged } = open(url)
    await add(store, 'a')
    await server.query(url, `ALTER DATABASE ${url.slice(url.lastIndexOf('/') + 1)} SET default_transaction_read_only = on`)
    await server.terminate(url)
    await eventually(async () => (await names(store)) !== 'unavailable')
    expect(await store.run("DELETE FROM notes WHERE tenant = 'acme'")).toMatchObject({
      ok: false,
      fault: { kind: 'locked', message: expect.stringMatching(/name the primary/) },
    })
    expect(await names(store)).toEqual(['a'])
    expect(logged.at(-1)?.event).toMatch(/cannot be written/)
    await store.close()
  })

  it('refuses a row that no index can hold as the row of the caller, and goes on', async () => {
    const { store } = open(await server.database())
    const long = Array.from({ length: 5_000 }, (_, i) => String.fromCodePoint(0x4e00 + ((i * 7_919) % 20_000))).join('')
    expect(await add(store, long)).toMatchObject({ ok: false, fault: { kind: 'conflict' } })
    expect(store.trouble()).toBeUndefined()
    expect((await add(store, 'a')).ok).toBe(true)
    await store.close()
  })

  it('gives no whole number that it cannot give exactly', async () => {
    const { store } = open(await server.database())
    const asked = (sql: string) => store.read(async (reader) => Object.values((await reader.all(sql))[0] ?? {})[0])
    expect(await asked('SELECT SUM(v) FROM (VALUES (9007199254740991::bigint), (0)) AS t (v)')).toEqual({
      ok: true,
      value: 9007199254740991,
    })
    expect(await asked('SELECT 9007199254740992::bigint')).toMatchObject({ ok: false, fault: { kind: 'conflict' } })
    expect(await asked('SELECT SUM(v) FROM (VALUES (9007199254740991::bigint), (1)) AS t (v)')).toMatchObject({
      ok: false,
      fault: { kind: 'conflict' },
    })
    expect(await asked('SELECT 1.5::numeric')).toEqual({ ok: true, value: 1.5 })
    expect(await asked('SELECT true')).toEqual({ ok: true, value: 1 })
    await store.close()
  })
})
