import { describe, expect, it } from 'vitest'
import { aCall, anExchange, anItem, done } from '../../../test/doubles/gateway/samples.ts'
import type { RoutedCall } from '../../core/call/call.ts'
import { unconfigured } from '../../core/call/tool-settings.ts'
import { deadline } from './deadline.ts'

describe('the deadline of a call', () => {
  it('is that of its upstream once that is known', async () => {
    const { exchange, clock } = anExchange()
    const stage = deadline((upstream) => (upstream === 'slow' ? { idleMs: 80_000, totalMs: 100_000 } : undefined))
    await stage.run({ ...aCall(), upstream: 'other' }, exchange, async () => done())
    expect(exchange.deadline.remainingMs()).toBe(50_000)
    await stage.run({ ...aCall(), upstream: 'slow' }, exchange, async () => done())
    expect(exchange.deadline.remainingMs()).toBe(80_000)
    await clock.advance(80_000)
    expect(exchange.signal.reason).toBe('deadline')
  })

  const timed = (timeout: number | undefined) => ({ item: anItem({ settings: { ...unconfigured, timeout } }) })

  it('is that of its tool where configuration says one, longer or shorter', async () => {
    for (const timeout of [20_000, 200_000]) {
      const { exchange, clock } = anExchange()
      const stage = deadline(() => ({ idleMs: 80_000, totalMs: 100_000 }))
      await stage.run({ ...aCall(), upstream: 'up', ...timed(timeout) } as RoutedCall, exchange, async () => done())
      expect(exchange.deadline.remainingMs()).toBe(timeout)
      await clock.advance(timeout)
      expect(exchange.signal.reason).toBe('deadline')
    }
  })

  it('is what its caller states where that is less, whatever is heard, and never more', async () => {
    const stage = deadline(() => ({ idleMs: 80_000, totalMs: 100_000 }))
    const { exchange, clock } = anExchange()
    await stage.run({ ...aCall({ deadlineMs: 10_000 }), upstream: 'up' }, exchange, async () => done())
    await clock.advance(9_000)
    exchange.deadline.touch()
    expect(exchange.deadline.remainingMs()).toBe(1_000)
    expect(exchange.deadline.isOfCaller).toBe(true)
    await clock.advance(1_000)
    expect(exchange.signal.reason).toBe('deadline')
    const other = anExchange().exchange
    await stage.run({ ...aCall({ deadlineMs: 1e9 }), upstream: 'up' }, other, async () => done())
    expect(other.deadline.remainingMs()).toBe(80_000)
    expect(other.deadline.isOfCaller).toBe(false)
  })
})
