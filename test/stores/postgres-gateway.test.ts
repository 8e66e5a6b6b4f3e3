// A store on PostgreSQL, as an operator meets it: gateways as processes of their own, and commands beside them.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect } from '../peers/clients.ts'
import { signalbox } from '../peers/command-line.ts'
import { freePort } from '../peers/free-port.ts'
import { type PostgresServer, postgresPath, startPostgres } from '../peers/postgres.ts'
import { type GatewayProcess, startProcess } from '../peers/process.ts'
import { eventually } from '../peers/processes.ts'
import { legacy, openSession, send } from '../peers/raw.ts'
import { memory } from '../peers/servers.ts'
import { promise } from '../promises/promise.ts'

const folder = mkdtempSync(join(tmpdir(), 'signalbox-pg-gateway-'))
const closers: (() => Promise<unknown>)[] = [async () => rmSync(folder, { recursive: true, force: true })]
let server: PostgresServer
let running: GatewayProcess[] = []

beforeAll(async () => {
  if (postgresPath !== undefined) server = await startPostgres(closers as (() => Promise<void>)[])
}, 60_000)
afterAll(async () => {
  for (const close of closers.reverse()) await close()
})

const configured = (url: string, more: Record<string, unknown> = {}) => ({
  admin: { listen: '127.0.0.1:0' },
  stateDir: mkdtempSync(join(folder, 'state-')),
  stores: { durable: url },
  log: { format: 'json' },
  budgets: { principal: { calls: '3/1d' } },
  servers: { memory: memory(join(folder, 'memory.json')) },
  ...more,
})

async function start(config: Record<string, unknown>): Promise<GatewayProcess> {
  const gateway = await startProcess(config)
  running.push(gateway)
  return gateway
}

async function endAll(): Promise<void> {
  await Promise.all(running.map((gateway) => gateway.end('SIGKILL')))
  running = []
}

const asked = async (gateway: GatewayProcess, path: string): Promise<Record<string, Record<string, unknown>[]>> =>
  (await fetch(`${gateway.admin}/admin/v1/${path}`)).json() as never
const storeOf = async (gateway: GatewayProcess) => (await asked(gateway, 'stores')).stores?.[0]
const file = (name: string, config: Record<string, unknown>): string => {
  const path = join(folder, name)
  writeFileSync(path, JSON.stringify(config))
  return path
}
const isLeaked = (text: string): boolean => [server.password, encodeURIComponent(server.password)].some((form) => text.includes(form))

describe.skipIf(postgresPath === undefined)('a gateway whose store is a database', { timeout: 120_000 }, () => {
  promise(
    ['R45'],
    'keeps sessions, clients and budgets over a kill and a new start, and tells nobody the password',
    async () => {
      const config = configured(await server.database(), { listen: `127.0.0.1:${await freePort()}` })
      const first = await start(config)
      const session = await openSession(first.base)
      const client = await connect('v1 http', { base: first.base, mount: '' })
      for (let n = 0; n < 3; n += 1) expect(JSON.stringify(await client.call('memory__read_graph'))).toContain('entities')
      expect(JSON.stringify(await client.call('memory__read_graph').catch(String))).toContain('budget_exhausted')
      expect(await storeOf(first)).toEqual({ name: 'durable', state: 'ready' })
      const written = async (): Promise<boolean> => {
        const [usage] = await server.query(config.stores.durable, 'SELECT SUM(amount) AS used FROM budget_usage')
        const [clients] = await server.query(config.stores.durable, 'SELECT COUNT(*) AS n FROM clients')
        return Number(usage?.used) >= 3 && Number(clients?.n) >= 1
      }
      expect(await eventually(written, 20_000)).toBe(true)
      await first.end('SIGKILL')
      const second = await start(config)
      expect((await asked(second, 'clients')).clients?.length).toBeGreaterThan(0)
      expect((await legacy(second.base, session, 'ping')).message.result).toEqual({})
      expect(JSON.stringify(await client.call('memory__read_graph').catch(String))).toContain('budget_exhausted')
      expect((await send(`${second.base}/mcp`, 'DELETE', undefined, { headers: session })).status).toBe(204)
      await client.close().catch(() => undefined)
      expect(await second.end('SIGTERM')).toBe(0)
      const third = await start(config)
      expect((await legacy(third.base, session, 'ping')).status).toBe(404)
      const metrics = await (await fetch(`${third.admin}/metrics`)).text()
      for (const text of [first.log(), second.log(), third.log(), metrics]) expect(isLeaked(text)).toBe(false)
      await endAll()
    },
    120_000,
  )

  test('serves while the database is away, says so, is ready all the same, and keeps again once it is back', async () => {
    const gateway = await start(configured(await server.database(), { budgets: {} }))
    await server.stop()
    const client = await connect('v2 modern http', { base: gateway.base, mount: '' })
    expect(JSON.stringify(await client.call('memory__read_graph'))).toContain('entities')
    await client.close()
    expect(await eventually(async () => (await storeOf(gateway))?.state === 'degraded', 30_000)).toBe(true)
    const { reason } = (await storeOf(gateway)) ?? {}
    expect(reason).toMatch(/^The store postgres:\/\/127\.0\.0\.1:\d+\/store_\d+ does not answer .*Check `stores\.durable`/)
    expect((await fetch(`${gateway.base}/readyz`)).status).toBe(200)
    await server.restart()
    expect(await eventually(async () => (await storeOf(gateway))?.state === 'ready', 30_000)).toBe(true)
    expect(await gateway.end('SIGTERM')).toBe(0)
    expect(isLeaked(gateway.log())).toBe(false)
    running = []
  })

  test('two gateways begin at once on an empty database, and count their clients together', async () => {
    const url = await server.database()
    const vault = { key: Buffer.alloc(32, 7).toString('base64') }
    const both = await Promise.all([start(configured(url, { vault })), start(configured(url, { vault }))])
    for (const gateway of both) {
      const client = await connect('v1 http', { base: gateway.base, mount: '' })
      await client.call('memory__read_graph')
      await client.close()
      expect(await storeOf(gateway)).toEqual({ name: 'durable', state: 'ready' })
    }
    for (const gateway of both) expect(await gateway.end('SIGTERM')).toBe(0)
    const rows = await server.query(url, 'SELECT * FROM clients')
    expect(rows).toHaveLength(1)
    for (const gateway of both) expect(gateway.log()).not.toMatch(/"level":"(warn|error)"/)
    running = []
  })

  test('check says whether the database answers and what its tables are, and makes none', async () => {
    const url = await server.database()
    const path = file('check.yaml', configured(url, { budgets: {} }))
    const fresh = await signalbox(folder, 'check', path)
    expect(fresh.out).toMatch(
      /stores\.durable: postgres:\/\/127\.0\.0\.1:\d+\/store_\d+ answers \(PostgreSQL \d+[^)]*\); the next start makes its tables/,
    )
    expect(fresh.code).toBe(0)
    expect(await server.query(url, "SELECT 1 FROM pg_tables WHERE schemaname = 'public'")).toEqual([])
    const made = await signalbox(folder, 'keys', 'create', 'bot', '--config', path)
    expect(made.code, made.err).toBe(0)
    const current = JSON.parse((await signalbox(folder, 'check', path, '--json')).out)
    expect(current.stores).toEqual([{ key: 'stores.durable', address: expect.any(String), version: expect.any(String), tables: 'current' }])
    await server.query(url, "CREATE ROLE reader LOGIN PASSWORD 'reader'")
    const other = file('check-role.yaml', configured((await server.database()).replace(/\/\/[^@]*@/, '//reader:reader@'), { budgets: {} }))
    const poor = await signalbox(folder, 'check', other)
    expect(poor.out).toMatch(/but its user may make no tables in the schema public: GRANT CREATE, USAGE ON SCHEMA/)
    expect(poor.code).toBe(12)
    const away = file('check-away.yaml', configured('postgres://u:secret-word@127.0.0.1:1/db', { budgets: {} }))
    const gone = await signalbox(folder, 'check', away)
    expect(gone.out).toMatch(/stores\.durable: postgres:\/\/127\.0\.0\.1:1\/db cannot be used: .*ECONNREFUSED/)
    expect(gone.code).toBe(12)
    for (const { out, err } of [fresh, made, poor, gone]) expect(isLeaked(out + err) || (out + err).includes('secret-word')).toBe(false)
  })

  test('commands work on the database, whether a gateway runs or not', async () => {
    const url = await server.database()
    const path = file('commands.yaml', configured(url, { auth: { callers: ['apiKey', 'anonymous'], apiKeys: {} } }))
    const created = JSON.parse((await signalbox(folder, 'keys', 'create', 'bot', '--config', path, '--json')).out)
    const listed = await signalbox(folder, 'keys', 'list', '--config', path, '--json')
    expect(listed.out).toContain(created.id)
    expect((await signalbox(folder, 'keys', 'revoke', created.id, '--config', path)).code).toBe(0)
    for (const command of [
      ['audit', 'query'],
      ['audit', 'verify'],
      ['grants', 'list'],
    ]) {
      const ran = await signalbox(folder, ...command, '--config', path)
      expect(ran.code, `${command}: ${ran.err}`).toBe(0)
    }
    const empty = file('commands-empty.yaml', configured(await server.database()))
    const early = await signalbox(folder, 'audit', 'query', '--config', empty)
    expect(early.err).toMatch(/its tables are not yet those of this version: the start of a gateway makes them/)
    expect(early.code).toBe(1)
    const elsewhere = await signalbox(folder, 'grants', 'list', '--config', file('commands-else.yaml', configured(url)))
    expect(elsewhere.err).toMatch(/There is no key of the vault in .*: give `vault\.key`/)
  })

  test('keeps what is kept without a state folder, where the key of the vault is given', async () => {
    const url = await server.database()
    const refused = await signalbox(folder, 'check', file('off.yaml', configured(url, { stateDir: 'off' })))
    expect(refused.out).toMatch(
      /stores\.durable: keeps secrets that are sealed with a key which would end with the gateway.*give `vault\.key`/,
    )
    expect(refused.code).toBe(10)
    const config = configured(url, { stateDir: 'off', budgets: {}, vault: { key: Buffer.alloc(32, 7).toString('base64') } })
    const warned = await signalbox(folder, 'check', file('off-key.yaml', config), '--no-connect')
    expect(warned.out).toMatch(/warning: .*stores\.durable: keeps sessions, whose key ends with the gateway/)
    expect(warned.code).toBe(0)
    const first = await start(config)
    const client = await connect('v1 http', { base: first.base, mount: '' })
    await client.call('memory__read_graph')
    await client.close()
    expect(await first.end('SIGTERM')).toBe(0)
    const second = await start(config)
    expect((await asked(second, 'clients')).clients).toHaveLength(1)
    await endAll()
  })

  test('production refuses a password in the file and clear text beyond this machine', async () => {
    const base = {
      profile: 'production',
      publicUrl: 'https://mcp.example.com',
      auth: { issuers: [{ issuer: 'https://id.example' }] },
      access: [{ use: ['*'] }],
    }
    const check = async (durable: string) =>
      (
        await signalbox(
          folder,
          'check',
          file('production.yaml', { ...base, stateDir: 'state', servers: {}, stores: { durable } }),
          '--no-connect',
        )
      ).out
    expect(await check('postgres://gate:secret-word@127.0.0.1/db')).toMatch(/stores\.durable: has a password that stands in the file/)
    expect(await check('postgres://gate@db.example/db?sslmode=disable')).toMatch(/stores\.durable: has sslmode=disable/)
    expect(await check('postgres://gate@db.example/db?sslmode=require')).toMatch(/warning: .*nobody checks who the server is/)
    expect(await check('postgres://gate:secret-word@db.example/db?pool=9')).toMatch(
      /stores\.durable: has the parameter "pool".*known are sslmode and sslrootcert/,
    )
    expect(await check('mysql://x')).toMatch(/stores\.durable: .*is neither `sqlite` nor an address/)
    expect(await check('postgres://gate:secret-word@db.example/db?pool=9')).not.toContain('secret-word')
  })
})
