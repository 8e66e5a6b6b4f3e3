// What every durable store promises; each engine's test calls it.
import { expect, it } from 'vitest'
import type { Domain, Durable, Stored, Transaction } from '../../src/core/ports/durable.ts'

export interface DurableUnderTest {
  /** A gateway opens the store, with these domains. All of one test share what is stored. */
  open(domains: readonly Domain[]): Promise<Durable>
  /** Whether what was stored is there after the last one closed. */
  readonly outlives: boolean
}

const notes: Domain = {
  name: 'notes',
  migrations: [
    {
      what: 'notes by tenant',
      statements: [
        'CREATE TABLE notes (tenant TEXT, name TEXT, body BYTEA, at BIGINT, share DOUBLE PRECISION, PRIMARY KEY (tenant, name))',
      ],
    },
  ],
}

const withAuthors: Domain = {
  name: 'notes',
  migrations: [
    ...notes.migrations,
    { what: 'authors', statements: ['ALTER TABLE notes ADD COLUMN author TEXT', "UPDATE notes SET author = 'unknown'"] },
  ],
}

const insert = 'INSERT INTO notes (tenant, name, at) VALUES (?, ?, ?)'
const names = async (store: Durable): Promise<unknown[]> =>
  value(await store.read((reader) => reader.all('SELECT name FROM notes ORDER BY name'))).map((row) => row.name)

export function durableContract(start: () => Promise<DurableUnderTest>): void {
  it('gives back what was kept: text, whole numbers, fractions, bytes and nothing', async () => {
    const store = await (await start()).open([notes])
    const body = Uint8Array.from({ length: 256 }, (_, i) => i)
    const kept = await store.transact((tx) =>
      tx.runEach('INSERT INTO notes (tenant, name, body, at, share) VALUES (?, ?, ?, ?, ?)', [
        ['acme', 'grüße 😀', body, Number.MAX_SAFE_INTEGER, 0.1],
        ['bolt', '', null, -1, null],
      ]),
    )
    expect(kept).toEqual({ ok: true, value: 2 })
    const rows = value(await store.read((reader) => reader.all('SELECT * FROM notes WHERE tenant = ?', ['acme'])))
    expect(rows.map((row) => ({ ...row, body: Buffer.from(row.body as Uint8Array) }))).toEqual([
      { tenant: 'acme', name: 'grüße 😀', body: Buffer.from(body), at: Number.MAX_SAFE_INTEGER, share: 0.1 },
    ])
    await store.close()
  })

  it('keeps all of a transaction or nothing', async () => {
    const store = await (await start()).open([notes])
    const thrown = store.transact(async (tx) => {
      await tx.run(insert, ['acme', 'a', 1])
      throw new Error('a bug of the caller')
    })
    await expect(thrown).rejects.toThrow('a bug of the caller')
    expect(await names(store)).toEqual([])
    expect(await store.transact((tx) => tx.run(insert, ['acme', 'b', 1]))).toEqual({ ok: true, value: 1 })
    expect(await names(store)).toEqual(['b'])
    await store.close()
  })

  it('answers a conflict as a value, keeps nothing of that transaction, and goes on', async () => {
    const store = await (await start()).open([notes])
    await store.transact((tx) => tx.run(insert, ['acme', 'a', 1]))
    const twice = await store.transact(async (tx) => {
      await tx.run(insert, ['acme', 'b', 1])
      // Also where the caller shrugs it off.
      await tx.run(insert, ['acme', 'a', 2]).catch(() => undefined)
      await tx.run(insert, ['acme', 'c', 1]).catch(() => undefined)
    })
    expect(twice).toMatchObject({ ok: false, fault: { kind: 'conflict' } })
    expect(store.trouble()).toBeUndefined()
    expect(await names(store)).toEqual(['a'])
    await store.close()
  })

  it('refuses text with a NUL, which not every engine can keep', async () => {
    const store = await (await start()).open([notes])
    expect(await store.transact((tx) => tx.run(insert, ['acme', 'a\u0000b', 1]))).toMatchObject({ ok: false, fault: { kind: 'conflict' } })
    expect(await names(store)).toEqual([])
    await store.close()
  })

  it('runs one statement by itself: kept whole, or a value that says why not', async () => {
    const store = await (await start()).open([notes])
    expect(await store.run(insert, ['acme', 'a', 1])).toEqual({ ok: true, value: 1 })
    expect(await store.run(insert, ['acme', 'a', 1])).toMatchObject({ ok: false, fault: { kind: 'conflict' } })
    expect(await store.run(insert, ['acme', 'a\u0000b', 1])).toMatchObject({ ok: false, fault: { kind: 'conflict' } })
    expect(await store.run('UPDATE notes SET at = 2 WHERE tenant = ?', ['nobody'])).toEqual({ ok: true, value: 0 })
    expect(await names(store)).toEqual(['a'])
    await store.close()
    expect(await store.run(insert, ['acme', 'b', 1])).toMatchObject({ ok: false, fault: { kind: 'closed' } })
  })

  it('lets one transaction at a time read and write', async () => {
    const under = await start()
    const one = await under.open([notes])
    const stores = under.outlives ? [one, await under.open([notes])] : [one]
    await one.transact((tx) => tx.run(insert, ['acme', 'count', 0]))
    const add = async (tx: Transaction): Promise<void> => {
      const [row] = await tx.all("SELECT at FROM notes WHERE name = 'count'")
      await tx.run("UPDATE notes SET at = ? WHERE name = 'count'", [Number(row?.at) + 1])
    }
    const done = await Promise.all(Array.from({ length: 40 }, (_, i) => (stores[i % stores.length] as Durable).transact(add)))
    expect(done.filter(({ ok }) => !ok)).toEqual([])
    expect(value(await one.read((reader) => reader.all('SELECT at FROM notes')))[0]?.at).toBe(40)
    await Promise.all(stores.map((store) => store.close()))
  })

  it('refuses a statement after the end of its transaction', async () => {
    const store = await (await start()).open([notes])
    let late: Transaction | undefined
    await store.transact(async (tx) => {
      late = tx
    })
    await expect(late?.run(insert, ['acme', 'late', 1])).rejects.toThrow()
    expect(await names(store)).toEqual([])
    await store.close()
  })

  it('answers after its end with a value', async () => {
    const store = await (await start()).open([notes])
    await store.close()
    expect(await store.transact((tx) => tx.run(insert, ['acme', 'a', 1]))).toMatchObject({ ok: false, fault: { kind: 'closed' } })
    await store.close()
  })

  it('brings what an older program has kept forward, once, and keeps it', async () => {
    const under = await start()
    if (!under.outlives) return
    const old = await under.open([notes])
    await old.transact((tx) => tx.run(insert, ['acme', 'a', 1]))
    await old.close()
    const both = await Promise.all([under.open([withAuthors]), under.open([withAuthors])])
    for (const store of both) {
      const rows = value(await store.read((reader) => reader.all('SELECT name, author FROM notes')))
      expect(rows.map((row) => ({ ...row }))).toEqual([{ name: 'a', author: 'unknown' }])
    }
    await Promise.all(both.map((store) => store.close()))
  })

  it('does not touch what a newer program has kept, and says which it is', async () => {
    const under = await start()
    if (!under.outlives) return
    const fresh = await under.open([withAuthors])
    await fresh.transact((tx) => tx.run(insert, ['acme', 'a', 1]))
    await fresh.close()
    const old = await under.open([notes])
    for (const done of [await old.transact((tx) => tx.run(insert, ['acme', 'b', 1])), await old.read((r) => r.all('SELECT 1'))]) {
      expect(done).toMatchObject({ ok: false, fault: { kind: 'newer' } })
    }
    expect(old.trouble()).toMatchObject({ kind: 'newer', message: expect.stringMatching(/newer Signalbox.*notes.*version 2/) })
    await old.close()
    const again = await under.open([withAuthors])
    expect(await names(again)).toEqual(['a'])
    await again.close()
  })

  it('serves a program that does not know all domains: what is new beside them harms nobody', async () => {
    const under = await start()
    if (!under.outlives) return
    const more = await under.open([
      notes,
      { name: 'more', migrations: [{ what: 'more', statements: ['CREATE TABLE more (tenant TEXT PRIMARY KEY)'] }] },
    ])
    expect((await more.transact((tx) => tx.run(insert, ['acme', 'a', 1]))).ok).toBe(true)
    await more.close()
    const less = await under.open([notes])
    expect(await names(less)).toEqual(['a'])
    await less.close()
  })

  it('keeps nothing of a migration that fails half way', async () => {
    const under = await start()
    if (!under.outlives) return
    const broken: Domain = {
      name: 'notes',
      migrations: [...notes.migrations, { what: 'broken', statements: ['CREATE TABLE half (tenant TEXT)', 'CREATE TABLE'] }],
    }
    const failed = await under.open([broken])
    expect(await failed.read((reader) => reader.all('SELECT 1'))).toMatchObject({ ok: false, fault: { kind: 'unavailable' } })
    await failed.close()
    const store = await under.open([notes])
    expect(await names(store)).toEqual([])
    await store.close()
  })
}

function value<T>(stored: Stored<T>): T {
  if (!stored.ok) throw new Error(`${stored.fault.kind}: ${stored.fault.message}`)
  return stored.value
}
