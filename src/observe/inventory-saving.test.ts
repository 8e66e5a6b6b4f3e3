import { describe, expect, it } from 'vitest'
import { testDurable } from '../../test/doubles/durable.ts'
import { ManualClock } from '../../test/doubles/manual-clock.ts'
import { anonymous } from '../core/call/principal.ts'
import type { CallRecord } from '../core/call/record.ts'
import type { Stored } from '../core/ports/durable.ts'
import { type ClientRow, type ClientStore, clientsDomain, createClientStore } from './client-store.ts'
import { createInventory, type Inventory } from './inventory.ts'
import { saveInventory } from './inventory-saving.ts'

function by(name: string, atMs: number, tenant = 'default'): CallRecord {
  return {
    family: 'invoke',
    atMs,
    caller: {
      principal: { ...anonymous, tenant },
      client: { name, version: '1.0' },
      arrival: { transport: 'http', revision: 'new' },
    },
  } as Partial<CallRecord> as CallRecord
}

function bench(most = 1_000) {
  const clock = new ManualClock()
  const logged: string[] = []
  const log = (_severity: string, event: string): void => void logged.push(event)
  const durable = testDurable({
    domains: [clientsDomain],
    clock,
    report: { log, counters: { add: () => undefined } },
  })
  const store = createClientStore(durable, most)
  return {
    clock,
    logged,
    store,
    /** One gateway on the store, from its start. */
    gateway: async (on: ClientStore = store) => {
      const inventory = createInventory(most)
      const saving = saveInventory(inventory, on, clock, log)
      await saving.start()
      return { inventory, saving }
    },
  }
}

const counts = (inventory: Inventory) => inventory.clients().map(({ name, calls }) => [name, calls])
const kept = async (store: ClientStore) => {
  const rows = await store.load()
  return rows.ok ? rows.value.map(({ name, calls, firstSeenMs, lastSeenMs }) => [name, calls, firstSeenMs, lastSeenMs]) : rows.fault
}

describe('the inventory of clients in the store', () => {
  it('outlives a restart: who came is there, and who comes again is counted on', async () => {
    const { gateway, store } = bench()
    const first = await gateway()
    for (const record of [by('a', 1), by('b', 2), by('a', 3)]) first.inventory.observe(record)
    await first.saving.end()
    const second = await gateway()
    expect(counts(second.inventory)).toEqual([
      ['a', 2],
      ['b', 1],
    ])
    second.inventory.observe(by('b', 9))
    await second.saving.end()
    expect(await kept(store)).toEqual([
      ['a', 2, 1, 3],
      ['b', 2, 2, 9],
    ])
  })

  it('is written a while after a change, once for all of them', async () => {
    const { gateway, store, clock } = bench()
    const added: number[] = []
    const watched: ClientStore = {
      ...store,
      add: (rows) => {
        added.push(rows.length)
        return store.add(rows)
      },
    }
    const { inventory } = await gateway(watched)
    for (let i = 0; i < 500; i += 1) inventory.observe(by(`c${i % 5}`, i))
    expect(added).toEqual([])
    await clock.advance(5_000)
    await store.load()
    expect(added).toEqual([5])
    await clock.advance(60_000)
    expect(added).toEqual([5])
  })

  it('is counted together by gateways that share the store', async () => {
    const { gateway } = bench()
    const [one, two] = [await gateway(), await gateway()]
    one.inventory.observe(by('a', 1))
    one.inventory.observe(by('a', 2))
    two.inventory.observe(by('a', 3))
    two.inventory.observe(by('b', 4))
    await one.saving.end()
    await two.saving.end()
    expect(counts(two.inventory)).toEqual([
      ['b', 1],
      ['a', 3],
    ])
  })

  it('loses nothing while the store fails: it is written once that answers', async () => {
    const { gateway, store, clock } = bench()
    let failing = true
    const refusing: Stored<readonly ClientRow[]> = { ok: false, fault: { kind: 'locked', message: 'as asked' } }
    const shaky: ClientStore = { ...store, add: (rows) => (failing ? Promise.resolve(refusing) : store.add(rows)) }
    const { inventory, saving } = await gateway(shaky)
    inventory.observe(by('a', 1))
    await clock.advance(5_000)
    inventory.observe(by('a', 2))
    await clock.advance(5_000)
    failing = false
    expect(counts(inventory)).toEqual([['a', 2]])
    await saving.end()
    expect(await kept(store)).toEqual([['a', 2, 1, 2]])
    expect(clock.pending).toBe(0)
  })

  it('says so, once, where the store will never take the rows', async () => {
    const { gateway, store, clock, logged } = bench()
    let asked = 0
    const refusing: Stored<readonly ClientRow[]> = { ok: false, fault: { kind: 'conflict', message: 'as asked' } }
    const { inventory } = await gateway({
      ...store,
      add: () => {
        asked += 1
        return Promise.resolve(refusing)
      },
    })
    inventory.observe(by('a', 1))
    await clock.advance(60_000)
    expect([asked, logged]).toEqual([1, ['The inventory of clients could not be kept']])
    expect(counts(inventory)).toEqual([['a', 1]])
  })

  it('keeps two tenants apart, and those clients only that were seen last', async () => {
    const { gateway, store } = bench(3)
    const { inventory, saving } = await gateway()
    for (const record of [by('a', 1), by('b', 2), by('a', 3, 'acme'), by('c', 4)]) inventory.observe(record)
    await saving.end()
    expect(await kept(store)).toEqual([
      ['b', 1, 2, 2],
      ['a', 1, 3, 3],
      ['c', 1, 4, 4],
    ])
    const second = await gateway()
    second.inventory.observe(by('d', 5))
    await second.saving.end()
    expect(await kept(store)).toHaveLength(3)
  })

  it('takes whatever a client calls itself', async () => {
    const { gateway, logged } = bench()
    const first = await gateway()
    const odd = ['a\u0000b', '\ud83d', "'; DROP TABLE clients; --", 'x'.repeat(100_000)]
    for (const name of [...odd, ...odd]) first.inventory.observe(by(name, 1, 'a\u0000b'))
    await first.saving.end()
    const second = await gateway()
    expect(
      second.inventory
        .clients()
        .map(({ name, calls }) => [name.length, calls])
        .sort(([a], [b]) => Number(a) - Number(b)),
    ).toEqual([
      [1, 2],
      [3, 2],
      [25, 2],
      [128, 2],
    ])
    expect(logged).toEqual([])
  })
})
