import { describe, expect, it } from 'vitest'
import { aCall, anExchange, done } from '../../../test/doubles/gateway/samples.ts'
import { deadline } from './stage.ts'

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
})
