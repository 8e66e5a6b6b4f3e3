import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { openExchange } from './exchange.ts'
import { Expiry } from './expiry.ts'

const limits = { idleMs: 60_000, totalMs: 60_000 }

describe('what ends with a credential', () => {
  it('ends at its moment, once, and costs no timer where it has no end', async () => {
    const clock = new ManualClock()
    let ended = 0
    Expiry.of(clock, { expiresAt: clock.now() + 100 }, () => {
      ended += 1
    })
    expect(Expiry.of(clock, { expiresAt: undefined }, () => undefined)).toBeUndefined()
    await clock.advance(99)
    expect(ended).toBe(0)
    await clock.advance(1_000)
    expect([ended, clock.pending]).toEqual([1, 0])
  })

  it('goes on where the credential was renewed meanwhile, also without end', async () => {
    const clock = new ManualClock()
    const credential: { expiresAt: number | undefined } = { expiresAt: clock.now() + 100 }
    let ended = 0
    Expiry.of(clock, credential, () => {
      ended += 1
    })
    credential.expiresAt = clock.now() + 300
    await clock.advance(299)
    expect(ended).toBe(0)
    credential.expiresAt = undefined
    await clock.advance(1_000_000)
    expect(ended).toBe(0)
  })

  it('waits for months, which is longer than a timer of Node.js can', async () => {
    const clock = new ManualClock()
    const waits: number[] = []
    const timer = clock.timer.bind(clock)
    clock.timer = (ms, work) => {
      waits.push(ms)
      return timer(ms, work)
    }
    let ended = 0
    Expiry.of(clock, { expiresAt: clock.now() + 5_000_000_000 }, () => {
      ended += 1
    })
    await clock.advance(4_999_999_999)
    expect([ended, Math.max(...waits)]).toEqual([0, 2_147_483_647])
    await clock.advance(1)
    expect(ended).toBe(1)
  })

  it('an exchange tells by its signal, and leaves nothing behind when it is closed before', async () => {
    const clock = new ManualClock()
    const open = () => openExchange(clock, limits, { emit: () => {} }, { expiresAt: clock.now() + 100 })
    const exchange = open()
    await clock.advance(100)
    expect(exchange.signal.reason).toBe('expired')
    exchange.close('delivered')
    open().close('delivered')
    expect(clock.pending).toBe(0)
  })
})
