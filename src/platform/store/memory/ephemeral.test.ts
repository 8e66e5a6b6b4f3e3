import { describe, expect, it } from 'vitest'
import { ephemeralContract } from '../../../../test/contracts/ephemeral-contract.ts'
import { ManualClock } from '../../../../test/doubles/manual-clock.ts'
import { createMemoryEphemeral } from './ephemeral.ts'

describe('the ephemeral store in memory', () => {
  ephemeralContract(async () => {
    const clock = new ManualClock()
    return { store: createMemoryEphemeral(clock), pass: (ms) => clock.advance(ms) }
  })

  it('never holds more than its bound', async () => {
    const store = createMemoryEphemeral(new ManualClock(), 3)
    for (let i = 0; i < 10; i += 1) await store.put(`k${i}`, Buffer.from('x'), { ttlMs: 1_000 })
    expect(store.size()).toBe(3)
    expect(await store.get('k9')).toBeDefined()
  })
})
