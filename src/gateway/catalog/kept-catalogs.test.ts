import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import type { Durable, StoreFaultKind } from '../../core/ports/durable.ts'
import { createSqliteDurable } from '../../platform/store/sqlite/durable.ts'
import { catalogsDomain, keptCatalogs } from './kept-catalogs.ts'

const text = (bytes: Uint8Array | undefined): string | undefined => (bytes === undefined ? undefined : Buffer.from(bytes).toString())

function bench() {
  const clock = new ManualClock()
  const logged: string[] = []
  const log = (_severity: string, event: string): void => void logged.push(event)
  const inner = createSqliteDurable({
    file: undefined,
    domains: [catalogsDomain],
    program: '1',
    clock,
    report: { log, counters: { add: () => undefined } },
  })
  const operations = { read: 0, transact: 0 }
  let failing: StoreFaultKind | undefined
  const counted = async <T>(kind: keyof typeof operations, work: () => Promise<T>) => {
    operations[kind] += 1
    return failing === undefined ? work() : { ok: false as const, fault: { kind: failing, message: 'as asked' } }
  }
  const durable: Durable = {
    ...inner,
    read: (work) => counted('read', () => inner.read(work)) as never,
    transact: (work) => counted('transact', () => inner.transact(work)) as never,
  }
  return {
    clock,
    logged,
    operations,
    fail: (kind: StoreFaultKind | undefined) => {
      failing = kind
    },
    store: () => keptCatalogs(durable, clock, log),
    rows: async () => {
      const found = await inner.read((reader) => reader.all('SELECT config_hash FROM catalogs ORDER BY config_hash'))
      return found.ok ? found.value.map((row) => row.config_hash) : found.fault
    },
  }
}

describe('the catalogues that are kept', () => {
  it('are given back byte for byte, the last of each hash, and none of another', async () => {
    const { store } = bench()
    expect(await store().load('a1')).toBeUndefined()
    await store().save('a1', Buffer.from('first'))
    await store().save('a1', Buffer.from('{"n":9007199254740993}'))
    expect(text(await store().load('a1'))).toBe('{"n":9007199254740993}')
    expect(await store().load('b2')).toBeUndefined()
  })

  it('are one read and one write for many servers at once, however many', async () => {
    const { store, operations, rows } = bench()
    const one = store()
    const hashes = Array.from({ length: 1_000 }, (_, i) => `h${i}`)
    await Promise.all(hashes.map((hash) => one.save(hash, Buffer.from(hash))))
    expect(operations.transact).toBe(1)
    const loaded = await Promise.all(hashes.map((hash) => one.load(hash)))
    expect(loaded.map(text)).toEqual(hashes)
    expect(operations.read).toBe(1)
    expect(await rows()).toHaveLength(1_000)
  })

  it('are nothing where the store fails, and are written once it answers', async () => {
    const { store, fail, clock, rows } = bench()
    const one = store()
    fail('locked')
    expect(await one.load('a1')).toBeUndefined()
    await one.save('a1', Buffer.from('first'))
    await one.save('a1', Buffer.from('second'))
    await clock.advance(10_000)
    fail(undefined)
    await clock.advance(10_000)
    expect(text(await one.load('a1'))).toBe('second')
    expect(await rows()).toEqual(['a1'])
  })

  it.each<StoreFaultKind>(['closed', 'newer'])('are not tried again where the store is %s', async (kind) => {
    const { store, fail, clock, operations } = bench()
    fail(kind)
    await store().save('a1', Buffer.from('first'))
    await clock.advance(60_000)
    expect(operations.transact).toBe(1)
  })

  it('go when their configuration was not started for ninety days, and stay as long as it is', async () => {
    const { store, clock, rows } = bench()
    await store().save('old', Buffer.from('x'))
    await store().save('started', Buffer.from('x'))
    await clock.advance(80 * 86_400_000)
    await store().load('started')
    await clock.advance(20 * 86_400_000)
    await store().save('new', Buffer.from('x'))
    expect(await rows()).toEqual(['new', 'started'])
  })
})
