import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { afterAll, describe, expect, it } from 'vitest'
import { durableContract } from '../../../../test/contracts/durable-contract.ts'
import { ManualClock } from '../../../../test/doubles/manual-clock.ts'
import type { Domain, Durable } from '../../../core/ports/durable.ts'
import { systemClock } from '../../clock/system-clock.ts'
import { createSqliteDurable, type DurableOptions } from './durable.ts'

const folder = mkdtempSync(join(tmpdir(), 'signalbox-store-'))
afterAll(() => rmSync(folder, { recursive: true }))

const notes: Domain = {
  name: 'notes',
  migrations: [{ what: 'notes', statements: ['CREATE TABLE notes (tenant TEXT, name TEXT, body BYTEA, PRIMARY KEY (tenant, name))'] }],
}

let files = 0
const freshFile = (): string => join(folder, `store-${files++}.db`)

function open(file: string | undefined, change: Partial<DurableOptions> = {}) {
  const logged: { severity: string; event: string; fields: Record<string, unknown> | undefined }[] = []
  const counted: string[] = []
  const store = createSqliteDurable({
    file,
    domains: [notes],
    program: '1.2.3',
    clock: systemClock,
    report: {
      log: (severity, event, fields) => void logged.push({ severity, event, fields }),
      counters: { add: (name, labels) => void counted.push(`${name} ${Object.values(labels)}`) },
    },
    limits: { pauseMs: 0 },
    ...change,
  })
  return { store, logged, counted }
}

const add = (store: Durable, name: string, body: Uint8Array | null = null) =>
  store.transact((tx) => tx.run('INSERT INTO notes (tenant, name, body) VALUES (?, ?, ?)', ['acme', name, body]))
const names = async (store: Durable) => {
  const rows = await store.read((reader) => reader.all('SELECT * FROM notes NOT INDEXED ORDER BY name'))
  return rows.ok ? rows.value.map((row) => row.name) : rows.fault.kind
}

describe('the durable store on SQLite, in a file', () => {
  durableContract(async () => {
    const file = freshFile()
    return { open: async (domains) => open(file, { domains, limits: {} }).store, outlives: true }
  })
})

describe('the durable store on SQLite, in memory', () => {
  durableContract(async () => ({ open: async (domains) => open(undefined, { domains }).store, outlives: false }))

  it('leaves no file', async () => {
    const before = readdirSync(folder)
    const { store } = open(undefined)
    await add(store, 'a')
    expect(await names(store)).toEqual(['a'])
    await store.close()
    expect(readdirSync(folder)).toEqual(before)
  })
})

describe('a store on a disk that fails', () => {
  it('is private to its owner, and notes who wrote it', async () => {
    const file = freshFile()
    const { store } = open(file)
    expect((await add(store, 'a')).ok).toBe(true)
    for (const part of [file, `${file}-wal`, `${file}-shm`]) expect(statSync(part).mode & 0o777, part).toBe(0o600)
    const schema = await store.read((reader) => reader.all('SELECT * FROM store_schema'))
    expect(schema.ok && schema.value.map((row) => ({ ...row }))).toEqual([{ domain: 'notes', version: 1, written_by: '1.2.3' }])
    await store.close()
    // Emptied at the end; when SQLite removes it depends on when the statements of the library are collected.
    expect(statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0).toBe(0)
  })

  it('is closed to others where they could read it', async () => {
    const file = freshFile()
    const first = open(file)
    await add(first.store, 'a')
    // As after a crash: nobody has emptied the log.
    const parts = [file, `${file}-wal`, `${file}-shm`]
    for (const part of parts) chmodSync(part, 0o644)
    const second = open(file)
    expect(await names(second.store)).toEqual(['a'])
    for (const part of parts) expect(statSync(part).mode & 0o777, part).toBe(0o600)
    await Promise.all([first.store.close(), second.store.close()])
  })

  it('that is locked: is read all the same, writes are a value, said once, and it is mended by itself', async () => {
    const file = freshFile()
    const { store, logged, counted } = open(file, { limits: { busyMs: 20, pauseMs: 0 } })
    await add(store, 'a')
    const other = new DatabaseSync(file)
    other.exec('BEGIN IMMEDIATE')
    for (const name of ['b', 'c']) expect(await add(store, name)).toMatchObject({ ok: false, fault: { kind: 'locked' } })
    expect(await names(store)).toEqual(['a'])
    expect(store.trouble()?.message).toMatch(/is locked by another program/)
    other.exec('ROLLBACK')
    expect((await add(store, 'd')).ok).toBe(true)
    expect(store.trouble()).toBeUndefined()
    expect(logged.map(({ severity }) => severity)).toEqual(['warn', 'info'])
    expect(counted).toEqual(['store_faults locked', 'store_faults locked'])
    other.close()
    await store.close()
  })

  it('that is full: refuses the write as a value, keeps what it has, and takes what fits', async () => {
    const file = freshFile()
    const small: Domain = { ...notes, migrations: [...notes.migrations, { what: 'small', statements: ['PRAGMA max_page_count = 16'] }] }
    const { store } = open(file, { domains: [small] })
    await add(store, 'a')
    expect(await add(store, 'b', new Uint8Array(1_000_000))).toMatchObject({ ok: false, fault: { kind: 'full' } })
    expect(store.trouble()?.message).toMatch(/is full/)
    expect(await names(store)).toEqual(['a'])
    expect((await add(store, 'c')).ok).toBe(true)
    expect(store.trouble()).toBeUndefined()
    await store.close()
  })

  it('that is no database: is moved aside, whole, and a new one begun', async () => {
    const file = freshFile()
    const garbage = 'no database at all '.repeat(1_000)
    writeFileSync(file, garbage)
    const { store, logged } = open(file)
    expect((await add(store, 'a')).ok).toBe(true)
    expect(await names(store)).toEqual(['a'])
    expect(logged.map(({ event }) => event)).toEqual([expect.stringMatching(/was damaged. It was moved aside/)])
    expect(readFileSync(String(logged[0]?.fields?.movedTo), 'utf8')).toBe(garbage)
    expect(store.trouble()).toBeUndefined()
    await store.close()
  })

  it('that turns out to be damaged while it is read: answers with a value, and begins anew', async () => {
    const file = freshFile()
    const first = open(file)
    for (let i = 0; i < 50; i += 1) await add(first.store, `n${i}`, new Uint8Array(5_000))
    await first.store.close()
    const bytes = readFileSync(file)
    bytes.fill(0x5a, 8_192)
    writeFileSync(file, bytes)
    const { store, logged, counted } = open(file)
    expect(await names(store)).toBe('corrupt')
    expect(counted).toEqual(['store_faults corrupt'])
    expect(logged.filter(({ severity }) => severity === 'error')).toHaveLength(1)
    expect(await names(store)).toEqual([])
    expect((await add(store, 'a')).ok).toBe(true)
    await store.close()
  })

  it('that was cut short: begins anew', async () => {
    const file = freshFile()
    const first = open(file)
    for (let i = 0; i < 50; i += 1) await add(first.store, `n${i}`, new Uint8Array(5_000))
    await first.store.close()
    truncateSync(file, 9_000)
    const { store } = open(file)
    await names(store)
    expect((await add(store, 'a')).ok).toBe(true)
    expect(await names(store)).toEqual(['a'])
    await store.close()
  })

  it('that another gateway has replaced already: is not moved aside a second time', async () => {
    const file = freshFile()
    writeFileSync(file, 'no database at all '.repeat(1_000))
    const [one, two] = [open(file), open(file)]
    expect(await Promise.all([add(one.store, 'a'), add(two.store, 'b')])).toMatchObject([{ ok: true }, { ok: true }])
    expect(await names(one.store)).toEqual(['a', 'b'])
    expect(await names(two.store)).toEqual(['a', 'b'])
    expect([...one.logged, ...two.logged].filter(({ severity }) => severity === 'error')).toHaveLength(1)
    await Promise.all([one.store.close(), two.store.close()])
  })

  it('that has no folder: is a value each time, and there once the folder is', async () => {
    const { store, logged, counted } = open(join(folder, 'nowhere', 'store.db'))
    for (let i = 0; i < 3; i += 1) expect(await add(store, 'a')).toMatchObject({ ok: false, fault: { kind: 'unavailable' } })
    expect(store.trouble()?.message).toMatch(/Check `stateDir`/)
    expect(logged).toHaveLength(1)
    expect(counted).toHaveLength(3)
    await store.close()
  })

  it('is not tried again at once after a failure: what follows is told the same without waiting', async () => {
    const clock = new ManualClock()
    const file = join(folder, 'later', 'store.db')
    const { store } = open(file, { clock, limits: { busyMs: 0, pauseMs: 1_000 } })
    expect((await add(store, 'a')).ok).toBe(false)
    mkdirSync(join(folder, 'later'))
    expect((await add(store, 'a')).ok).toBe(false)
    await clock.advance(1_001)
    expect((await add(store, 'a')).ok).toBe(true)
    await store.close()
  })

  it('takes so many operations and no more: the next is a value at once, and counted', async () => {
    const { store, counted } = open(freshFile(), { limits: { mostWaiting: 3 } })
    const all = await Promise.all(Array.from({ length: 5 }, (_, i) => add(store, `n${i}`)))
    expect(all.map((one) => (one.ok ? 'kept' : one.fault.kind))).toEqual(['kept', 'kept', 'kept', 'overloaded', 'overloaded'])
    expect(counted).toEqual(['store_faults overloaded', 'store_faults overloaded'])
    await store.close()
  })

  it('takes a transaction back that never ends, and goes on', async () => {
    const clock = new ManualClock()
    const { store } = open(freshFile(), { clock, limits: { stepMs: 5_000, pauseMs: 0 } })
    await add(store, 'a')
    let begun = () => {}
    const started = new Promise<void>((resolve) => {
      begun = resolve
    })
    const hanging = store.transact(async (tx) => {
      await tx.run('DELETE FROM notes')
      begun()
      await new Promise(() => undefined)
    })
    await started
    await clock.advance(5_001)
    expect(await hanging).toMatchObject({ ok: false, fault: { kind: 'unavailable' } })
    expect(await names(store)).toEqual(['a'])
    await store.close()
  })
})
