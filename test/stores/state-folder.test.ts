// The state folder, as an operator meets it: gateways as processes of their own.
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { afterAll, describe, expect, test } from 'vitest'
import { connect } from '../peers/clients.ts'
import { type GatewayProcess, startProcess } from '../peers/process.ts'
import { eventually } from '../peers/processes.ts'
import { memory } from '../peers/servers.ts'
import { rowsOf } from './rows.ts'

const folder = mkdtempSync(join(tmpdir(), 'signalbox-state-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let states = 0
const freshState = (): string => join(folder, `state-${states++}`)
const configured = (stateDir: string) => ({
  admin: { listen: '127.0.0.1:0' },
  stateDir,
  log: { format: 'json' },
  servers: { memory: memory(join(folder, 'memory.json')) },
})

/** One client of each kind comes and calls. */
async function use(gateway: GatewayProcess): Promise<void> {
  for (const kind of ['v1 http', 'v2 modern http'] as const) {
    const client = await connect(kind, { base: gateway.base, mount: '' })
    expect(JSON.stringify(await client.call('memory__read_graph'))).toContain('entities')
    await client.close()
  }
}

interface Answers {
  readonly clients: readonly { name: string; revision: string; calls: number; firstSeen: string }[]
  readonly stores: readonly { name: string; state: string; reason?: string }[]
}
const asked = async (gateway: GatewayProcess, path: string): Promise<Answers> =>
  (await fetch(`${gateway.admin}/admin/v1/${path}`)).json() as never
const store = async (gateway: GatewayProcess) => (await asked(gateway, 'stores')).stores[0]
const events = (gateway: GatewayProcess): { level: string; event: string; movedTo?: string }[] =>
  gateway
    .log()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))

// Each starts several programs.
describe('the state folder', { timeout: 90_000 }, () => {
  test('keeps the inventory of clients over restarts, also after a kill', async () => {
    const state = freshState()
    const first = await startProcess(configured(state))
    await use(first)
    const { clients: before } = await asked(first, 'clients')
    expect(before).toHaveLength(2)
    expect(await first.end('SIGTERM')).toBe(0)
    const second = await startProcess(configured(state))
    expect((await asked(second, 'clients')).clients).toEqual(before)
    await use(second)
    const { clients: after } = await asked(second, 'clients')
    expect(after.map(({ firstSeen }) => firstSeen)).toEqual(before.map(({ firstSeen }) => firstSeen))
    expect(after.map(({ calls }, i) => calls - (before[i]?.calls ?? 0)).every((more) => more > 0)).toBe(true)
    expect(await store(second)).toEqual({ name: 'durable', state: 'ready' })
    // Written while it serves, so that a kill loses seconds.
    const total = after.reduce((sum, { calls }) => sum + calls, 0)
    const written = () => rowsOf(join(state, 'signalbox.db'), 'clients').reduce((sum, row) => sum + Number(row.calls), 0)
    expect(await eventually(() => written() === total, 15_000)).toBe(true)
    await second.end('SIGKILL')
    const third = await startProcess(configured(state))
    expect((await asked(third, 'clients')).clients).toEqual(after)
    await third.end('SIGTERM')
  })

  test('serves two gateways at once, which count their clients together', async () => {
    const state = freshState()
    const both = await Promise.all([startProcess(configured(state)), startProcess(configured(state))])
    await Promise.all(both.map(use))
    for (const gateway of both) expect(await store(gateway)).toEqual({ name: 'durable', state: 'ready' })
    const seen = await Promise.all(both.map((gateway) => asked(gateway, 'clients')))
    const calls = seen.flatMap(({ clients }) => clients).reduce((sum, one) => sum + one.calls, 0)
    for (const gateway of both) expect(await gateway.end('SIGTERM')).toBe(0)
    const rows = rowsOf(join(state, 'signalbox.db'), 'clients')
    expect(rows).toHaveLength(2)
    expect(rows.reduce((sum, row) => sum + Number(row.calls), 0)).toBe(calls)
    for (const gateway of both) expect(events(gateway).filter(({ level }) => level === 'warn' || level === 'error')).toEqual([])
  })

  test('with a damaged store: it is moved aside with a clear line, and the gateway serves and keeps', async () => {
    const state = freshState()
    mkdirSync(state)
    writeFileSync(join(state, 'signalbox.db'), 'no database at all '.repeat(1_000))
    const gateway = await startProcess(configured(state))
    await use(gateway)
    const [told] = events(gateway).filter(({ level }) => level === 'error')
    expect(told?.event).toMatch(/was damaged\. It was moved aside and a new one begun/)
    expect(readFileSync(String(told?.movedTo), 'utf8')).toContain('no database at all')
    expect(await store(gateway)).toEqual({ name: 'durable', state: 'ready' })
    expect(await gateway.end('SIGTERM')).toBe(0)
    expect(rowsOf(join(state, 'signalbox.db'), 'clients')).toHaveLength(2)
  })

  test('with a store of a newer version: it is not touched, the log says what to do, the gateway serves', async () => {
    const state = freshState()
    const first = await startProcess(configured(state))
    await first.end('SIGTERM')
    const database = new DatabaseSync(join(state, 'signalbox.db'))
    database.exec("UPDATE store_schema SET version = 99, written_by = '9.0.0' WHERE domain = 'clients'")
    database.close()
    const gateway = await startProcess(configured(state))
    await use(gateway)
    expect(await store(gateway)).toMatchObject({
      state: 'degraded',
      reason: expect.stringMatching(/newer Signalbox.*Start that version again/),
    })
    expect(events(gateway).filter(({ level }) => level === 'error')).toHaveLength(1)
    expect((await asked(gateway, 'clients')).clients).toHaveLength(2)
    expect(await gateway.end('SIGTERM')).toBe(0)
    expect(rowsOf(join(state, 'signalbox.db'), 'clients')).toEqual([])
  })

  test('with a store that somebody holds: the gateway starts, serves, says so, and writes once it is let go', async () => {
    const state = freshState()
    const first = await startProcess(configured(state))
    await first.end('SIGTERM')
    const holder = new DatabaseSync(join(state, 'signalbox.db'))
    holder.exec('BEGIN IMMEDIATE')
    const gateway = await startProcess(configured(state))
    await use(gateway)
    expect(await eventually(async () => (await store(gateway))?.state === 'degraded', 20_000)).toBe(true)
    expect((await store(gateway))?.reason).toMatch(/is locked by another program/)
    holder.exec('ROLLBACK')
    holder.close()
    expect(await eventually(async () => (await store(gateway))?.state === 'ready', 30_000)).toBe(true)
    expect(await gateway.end('SIGTERM')).toBe(0)
    expect(rowsOf(join(state, 'signalbox.db'), 'clients')).toHaveLength(2)
  })

  test('is private: nobody else reads what is kept', async () => {
    const state = freshState()
    mkdirSync(state)
    chmodSync(state, 0o755)
    const gateway = await startProcess(configured(state))
    await gateway.end('SIGTERM')
    const open = readdirSync(state).filter((name) => (statSync(join(state, name)).mode & 0o077) !== 0)
    expect(readdirSync(state)).toContain('signalbox.db')
    expect(open).toEqual([])
  })
})
