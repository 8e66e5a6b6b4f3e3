import { describe, expect, it } from 'vitest'
import { anonymous } from '../core/call/principal.ts'
import type { CallRecord } from '../core/call/record.ts'
import { createInventory } from './inventory.ts'

function refused(record: CallRecord): CallRecord {
  return { ...record, family: 'refused' }
}

function by(name: string | undefined, atMs: number, transport: 'http' | 'sse' | 'stdio' = 'http', revision = 'new'): CallRecord {
  return {
    family: 'invoke',
    atMs,
    caller: {
      principal: anonymous,
      client: name === undefined ? undefined : { name, version: '1.0' },
      capabilities: {},
      affinity: undefined,
      arrival: { transport, revision },
      headers: undefined,
    },
  } as Partial<CallRecord> as CallRecord
}

describe('the inventory of clients', () => {
  it('has one entry for each way in which a client came, the last one first', () => {
    const inventory = createInventory()
    for (const record of [by('a', 1), by('b', 2, 'sse', 'old'), by('a', 3), by('a', 4, 'stdio')]) inventory.observe(record)
    expect(
      inventory.clients().map(({ name, transport, calls, firstSeenMs, lastSeenMs }) => [name, transport, calls, firstSeenMs, lastSeenMs]),
    ).toEqual([
      ['a', 'stdio', 1, 4, 4],
      ['a', 'http', 2, 1, 3],
      ['b', 'sse', 1, 2, 2],
    ])
    expect(inventory.counts()).toContainEqual({ transport: 'sse', revision: 'old', clients: 1 })
  })

  it('leaves out what was refused before anybody was known, and names who says no name', () => {
    const inventory = createInventory()
    inventory.observe(refused(by('a', 1)))
    inventory.observe(by(undefined, 2))
    expect(inventory.clients().map(({ name, owner }) => [name, owner])).toEqual([['unknown', 'unknown']])
  })

  it('is bounded: the client that was away longest makes room, and long names are cut', () => {
    const inventory = createInventory(2)
    for (const record of [by('a', 1), by('b', 2), by('a', 3), by('c'.repeat(5_000), 4)]) inventory.observe(record)
    expect(inventory.clients().map(({ name }) => name.length)).toEqual([128, 1])
    expect(inventory.clients()[1]?.name).toBe('a')
  })
})
