import { describe, expect, it } from 'vitest'
import { ephemeralContract } from '../../../../test/contracts/ephemeral-contract.ts'
import { ManualClock } from '../../../../test/doubles/manual-clock.ts'
import { tenantKey } from '../../../core/call/tenant-key.ts'
import type { Report } from '../../../core/ports/report.ts'
import { createMemoryEphemeral } from './ephemeral.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text)
const key = (name: string) => tenantKey('acme', name)

function open(bounds?: { most: number; mostBytes: number }) {
  const clock = new ManualClock()
  const logged: string[] = []
  const evicted: string[] = []
  const report: Report = {
    log: (_severity, event) => void logged.push(event),
    counters: { add: (name, labels) => void evicted.push(`${name} ${Object.values(labels)}`) },
  }
  return { clock, logged, evicted, store: createMemoryEphemeral(clock, report, bounds), pass: (ms: number) => clock.advance(ms) }
}

describe('the ephemeral store in memory', () => {
  ephemeralContract(async () => open())

  it('never holds more entries than its bound: what was written longest ago goes, and is counted', async () => {
    const { store, evicted } = open({ most: 3, mostBytes: 1_000 })
    for (let i = 0; i < 10; i += 1) await store.put(key(`k${i}`), bytes('x'), { ttlMs: 1_000 })
    const there = await Promise.all(Array.from({ length: 10 }, (_, i) => store.get(key(`k${i}`))))
    expect(there.map((one) => one !== undefined)).toEqual([...Array(7).fill(false), true, true, true])
    expect(evicted).toEqual(Array(7).fill('store_evicted value'))
  })

  it('never holds more bytes than its bound, in values and in streams', async () => {
    const { store, evicted } = open({ most: 100, mostBytes: 1_000 })
    for (let i = 0; i < 5; i += 1) await store.put(key(`k${i}`), new Uint8Array(400), { ttlMs: 1_000 })
    for (let i = 0; i < 5; i += 1) await store.append(key(`s${i}`), new Uint8Array(400), { ttlMs: 1_000, most: 9 })
    expect(evicted).toEqual([...Array(3).fill('store_evicted value'), ...Array(3).fill('store_evicted stream')])
    expect((await store.read(key('s0'), undefined, 9)).entries).toEqual([])
    expect((await store.read(key('s4'), undefined, 9)).entries).toHaveLength(1)
  })

  it('lets what has ended make room first', async () => {
    const { store, evicted, pass } = open({ most: 2, mostBytes: 1_000 })
    await store.put(key('long'), bytes('x'), { ttlMs: 60_000 })
    await store.put(key('short'), bytes('x'), { ttlMs: 10 })
    await pass(11)
    await store.put(key('new'), bytes('x'), { ttlMs: 60_000 })
    expect(await store.get(key('long'))).toBeDefined()
    expect(evicted).toEqual([])
  })

  it('never pushes out a lease that is held: one more is refused, and counted', async () => {
    const { store, evicted, pass } = open({ most: 2, mostBytes: 1_000 })
    expect(await store.lease(key('a'), 1_000)).toBeDefined()
    expect(await store.lease(key('b'), 5_000)).toBeDefined()
    expect(await store.lease(key('c'), 1_000)).toBeUndefined()
    expect(evicted).toEqual(['store_evicted lease'])
    await pass(1_001)
    expect(await store.lease(key('c'), 1_000)).toBeDefined()
    expect(await store.lease(key('b'), 1_000)).toBeUndefined()
  })

  it('logs what a listener throws', async () => {
    const { store, logged } = open()
    await store.subscribe(key('t'), () => {
      throw new Error('a bug')
    })
    await store.publish(key('t'), bytes('1'))
    expect(logged).toEqual(['A listener of a topic failed'])
  })
})
