import { describe, expect, it } from 'vitest'
import { aCall, anExchange, anItem, aReport, done, hand } from '../../../test/doubles/gateway/samples.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import type { RoutedCall } from '../../core/call/call.ts'
import { type Gate, through } from '../../core/call/gates.ts'
import type { Outcome } from '../../core/call/outcome.ts'
import { unconfigured } from '../../core/call/tool-settings.ts'
import { toolConcurrency } from './concurrency.ts'

function setting(queue: number) {
  const clock = new ManualClock()
  const { report, counted } = aReport()
  const gate = through([toolConcurrency(queue, report) as unknown as Gate])
  const running: { readonly tool: string; readonly end: () => void }[] = []
  const start = (tool: string, concurrency: number | undefined, exchange = anExchange(clock).exchange): Promise<Outcome> => {
    const item = anItem({ name: tool, visible: tool, settings: { ...unconfigured, concurrency } })
    const call: RoutedCall = { ...aCall(), upstream: 'up', item }
    return gate(call, exchange, () => {
      const { promise, give } = hand<Outcome>()
      running.push({ tool, end: () => give(done()) })
      return promise
    })
  }
  return { clock, counted, start, running }
}

describe('calls of one tool at once', () => {
  it('are so many; others wait in order, and more than may wait are refused', async () => {
    const { start, running, counted, clock } = setting(2)
    const calls = [1, 2, 3, 4].map(() => start('book', 2))
    expect(await start('book', 2)).toMatchObject({
      fault: { kind: 'overloaded', sideEffect: 'none', retryAfterMs: 1_000, message: expect.stringContaining('2 wait for book') },
    })
    expect(counted.limit).toBe(1)
    expect(running).toHaveLength(2)
    void start('cancel', 2)
    void start('list', undefined)
    expect(running.map(({ tool }) => tool)).toEqual(['book', 'book', 'cancel', 'list'])
    running[0]?.end()
    await clock.advance(0)
    expect(running).toHaveLength(5)
    running[1]?.end()
    await clock.advance(0)
    for (const { end } of running) end()
    expect((await Promise.all(calls)).map(({ kind }) => kind)).toEqual(Array(4).fill('complete'))
    void start('book', 2)
    void start('book', 2)
    expect(running).toHaveLength(8)
  })

  it('that wait are let go by their deadline and their caller', async () => {
    const { start, clock } = setting(2)
    void start('book', 1, anExchange(clock, { idleMs: 900_000, totalMs: 900_000 }).exchange)
    const late = start('book', 1, anExchange(clock, { idleMs: 1_000, totalMs: 1_000 }).exchange)
    const { exchange } = anExchange(clock)
    const gone = start('book', 1, exchange)
    exchange.end('client_gone')
    expect(await gone).toMatchObject({ fault: { kind: 'cancelled' } })
    await clock.advance(1_000)
    expect(await late).toMatchObject({ fault: { kind: 'overloaded', sideEffect: 'none' } })
  })
})
