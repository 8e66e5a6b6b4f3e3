import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { Heartbeat } from './heartbeat.ts'

describe('the heartbeat of open answers', () => {
  it('beats who was quiet, once a period, and nobody who just wrote', async () => {
    const clock = new ManualClock()
    const heartbeat = new Heartbeat(clock, 1_000)
    let quiet = 0
    let busy = 0
    const still = {
      beat: () => {
        quiet += 1
      },
    }
    const writing = {
      beat: () => {
        busy += 1
      },
    }
    heartbeat.add(still)
    heartbeat.add(writing)
    for (let i = 0; i < 20; i += 1) {
      await clock.advance(250)
      heartbeat.wrote(writing)
    }
    expect([quiet, busy]).toEqual([5, 0])
  })

  it('holds no timer when nothing is open', async () => {
    const clock = new ManualClock()
    const heartbeat = new Heartbeat(clock, 1_000)
    const one = { beat: () => {} }
    heartbeat.add(one)
    heartbeat.remove(one)
    await clock.advance(5_000)
    expect([clock.pending, heartbeat.size]).toEqual([0, 0])
  })
})
