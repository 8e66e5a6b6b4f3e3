import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { systemRandom } from '../../platform/random/system-random.ts'
import { createVault } from '../../platform/vault/envelope.ts'
import { createNonces } from './nonces.ts'

const key = (fill: number) => Buffer.alloc(32, fill)
const clock = new ManualClock()
const nonces = (...keys: [Buffer, ...Buffer[]]) => createNonces(createVault(keys, systemRandom), clock)

describe('a nonce for proofs', () => {
  it('is good for five minutes, and its client gets the next when half of them are over', async () => {
    const own = nonces(key(1))
    const nonce = own.fresh()
    expect(own.state(nonce)).toBe('good')
    await clock.advance(149_999)
    expect(own.state(nonce)).toBe('good')
    await clock.advance(1)
    expect(own.state(nonce)).toBe('ageing')
    await clock.advance(149_999)
    expect(own.state(nonce)).toBe('ageing')
    await clock.advance(1)
    expect(own.state(nonce)).toBe('wrong')
  })

  it('is known to every gateway of the vault, whose clock may be late and whose key may have changed, and to no other', async () => {
    const nonce = nonces(key(1)).fresh()
    expect([nonces(key(1)), nonces(key(2), key(1)), nonces(key(2))].map((one) => one.state(nonce))).toEqual(['good', 'good', 'wrong'])
    const late = (ms: number) => createNonces(createVault([key(1)], systemRandom), new ManualClock(clock.now() - ms)).state(nonce)
    expect([late(30_000), late(30_001)]).toEqual(['good', 'wrong'])
  })

  it('is no other text of the vault, and nothing that a client made up', () => {
    const vault = createVault([key(1)], systemRandom)
    const elsewhere = Buffer.from(vault.seal(Buffer.alloc(8), ['grants', 'tokens', 'x'])).toString('base64url')
    const nonce = nonces(key(1)).fresh()
    const last = nonce.at(-1) === 'A' ? 'B' : 'A'
    const others = [
      elsewhere,
      `${nonce.slice(0, -3)}${last}AA`,
      nonce.slice(1),
      `${nonce}${'A'.repeat(256)}`,
      '',
      undefined,
      17,
      [nonce],
      { nonce },
      'é€',
    ]
    for (const other of others) expect(nonces(key(1)).state(other), String(other)).toBe('wrong')
  })
})
