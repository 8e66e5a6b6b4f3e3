// What every ephemeral store promises; each engine's test calls it.
import { expect, it } from 'vitest'
import type { Ephemeral } from '../../src/core/ports/stores.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text)
const textOf = (value: Uint8Array | undefined): string | undefined => (value === undefined ? undefined : Buffer.from(value).toString())

/** `pass` lets that many ms go by for the store. */
export function ephemeralContract(open: () => Promise<{ store: Ephemeral; pass: (ms: number) => Promise<void> }>): void {
  it('gives back what was put, until it expires or is deleted', async () => {
    const { store, pass } = await open()
    expect(await store.put('k', bytes('1'), { ttlMs: 1_000 })).toBe(true)
    expect(textOf((await store.get('k'))?.value)).toBe('1')
    await pass(1_001)
    expect(await store.get('k')).toBeUndefined()
    await store.put('k', bytes('2'), { ttlMs: 1_000 })
    await store.delete('k')
    expect(await store.get('k')).toBeUndefined()
  })

  it('starts the time to live anew with each put', async () => {
    const { store, pass } = await open()
    await store.put('k', bytes('1'), { ttlMs: 1_000 })
    await pass(800)
    await store.put('k', bytes('2'), { ttlMs: 1_000 })
    await pass(800)
    expect(textOf((await store.get('k'))?.value)).toBe('2')
  })

  it('lets exactly one of two writers of the same version win', async () => {
    const { store } = await open()
    expect(await store.put('k', bytes('a'), { ttlMs: 1_000, ifVersion: 'absent' })).toBe(true)
    expect(await store.put('k', bytes('b'), { ttlMs: 1_000, ifVersion: 'absent' })).toBe(false)
    const version = (await store.get('k'))?.version ?? Number.NaN
    expect(await store.put('k', bytes('c'), { ttlMs: 1_000, ifVersion: version })).toBe(true)
    expect(await store.put('k', bytes('d'), { ttlMs: 1_000, ifVersion: version })).toBe(false)
    expect(textOf((await store.get('k'))?.value)).toBe('c')
  })

  it('tells a topic to its subscribers and to nobody after they left', async () => {
    const { store, pass } = await open()
    const heard: string[] = []
    const leave = await store.subscribe('t', (message) => heard.push(Buffer.from(message).toString()))
    await store.publish('t', bytes('1'))
    await store.publish('other', bytes('2'))
    await pass(0)
    leave()
    await store.publish('t', bytes('3'))
    await pass(0)
    expect(heard).toEqual(['1'])
  })
}
