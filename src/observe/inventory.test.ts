import { describe, expect, it } from 'vitest'
import { aPrincipal } from '../../test/doubles/principal.ts'
import { aRun } from '../../test/doubles/run.ts'
import { anonymous, type Principal } from '../core/call/principal.ts'
import type { CallRecord } from '../core/call/record.ts'
import { createInventory, type Inventory } from './inventory.ts'

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

describe('what a client is made with, and who answers for it', () => {
  const came = (record: CallRecord, userAgent: string | undefined, principal: Partial<Principal> = {}, team?: string): CallRecord => ({
    ...record,
    run: team === undefined ? undefined : aRun({ team }),
    caller: {
      ...record.caller,
      principal: aPrincipal({ team: undefined, ...principal }),
      arrival: { ...record.caller.arrival, userAgent },
    },
  })
  const first = (inventory: Inventory) => {
    const [{ sdk, sdkVersion, owner } = { sdk: '', sdkVersion: '', owner: '' }] = inventory.clients()
    return [sdk, sdkVersion, owner]
  }

  it('is what it said last, and what it does not say is not made up', () => {
    const inventory = createInventory()
    inventory.observe(came(by('a', 1), undefined, { kind: 'anonymous' }))
    expect(first(inventory)).toEqual(['unknown', 'unknown', 'unknown'])
    inventory.observe(came(by('a', 2), 'python-httpx2/2.16.2', { sub: 'alice' }))
    expect(first(inventory)).toEqual(['python-httpx2', '2.16.2', 'alice'])
    inventory.observe(came(by('a', 3), undefined, { kind: 'anonymous' }))
    expect(first(inventory)).toEqual(['python-httpx2', '2.16.2', 'alice'])
    inventory.observe(came(by('a', 4), 'node', { sub: 'bob', team: 'support' }))
    expect(first(inventory)).toEqual(['node', 'unknown', 'support'])
    inventory.observe(came(by('a', 5), 'node', { sub: 'bob' }, 'billing'))
    expect(first(inventory)).toEqual(['node', 'unknown', 'billing'])
  })

  it('is kept, what was seen last over what was seen before, and what is known over what is not', () => {
    const inventory = createInventory()
    inventory.observe(came(by('a', 5), undefined, { kind: 'anonymous' }))
    const [row] = inventory.takeUnsaved()
    if (row === undefined) throw new Error('there is none')
    inventory.merge([{ ...row, sdk: 'node', owner: 'support', lastSeenMs: 2 }])
    expect(first(inventory)).toEqual(['node', 'unknown', 'support'])
    inventory.merge([{ ...row, sdk: 'Go-http-client', sdkVersion: '1.1', owner: 'billing', lastSeenMs: 9 }])
    expect(first(inventory)).toEqual(['Go-http-client', '1.1', 'billing'])
  })
})
