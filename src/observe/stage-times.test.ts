import { expect, it } from 'vitest'
import { aCall, anExchange, done } from '../../test/doubles/gateway/samples.ts'
import { ManualClock } from '../../test/doubles/manual-clock.ts'
import { type Pass, Table } from '../core/call/stage.ts'
import { createStageTimes } from './stage-times.ts'

it('each stage has its own time, without what follows it, also where that is repeated or fails', async () => {
  const clock = new ManualClock()
  const { wrap, times } = createStageTimes(clock)
  const takes = (name: string, ms: number, runs = 1): Pass => ({
    name,
    run: async (call, exchange, next) => {
      await clock.advance(ms)
      for (let n = 1; n < runs; n += 1) await next(call, exchange)
      return next(call, exchange)
    },
  })
  let fails = false
  const end = async () => {
    await clock.advance(100)
    if (fails) throw new Error('a bug')
    return done()
  }
  const { invoke } = Table.begin()
    .pass(['invoke'], takes('outer', 1), '')
    .pass(['invoke'], takes('retry', 10, 2), '')
    .end(['invoke'], 'end', end, '')
    .chains(wrap)
  await invoke(aCall(), anExchange(clock).exchange)
  fails = true
  await expect(invoke(aCall(), anExchange(clock).exchange)).rejects.toThrow('a bug')
  expect(times().map(({ stage, passes, ownMs }) => [stage, passes, ownMs])).toEqual([
    ['end', 3, 300],
    ['retry', 2, 20],
    ['outer', 2, 2],
  ])
})
