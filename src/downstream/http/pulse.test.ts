import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../platform/clock/manual-clock.ts'
import { Pulse } from './pulse.ts'

describe('the heartbeat of open answers', () => {
  it('beats who was quiet, once a period, and nobody who just wrote', async () => {
    const clock = new ManualClock()
    const pulse = new Pulse(clock, 1_000)
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
    pulse.add(still)
    pulse.add(writing)
    for (let i = 0; i < 20; i += 1) {
      await clock.advance(250)
      pulse.stir(writing)
    }
    expect([quiet, busy]).toEqual([5, 0])
  })

  it('holds no timer when nothing is open', async () => {
    const clock = new ManualClock()
    const pulse = new Pulse(clock, 1_000)
    const one = { beat: () => {} }
    pulse.add(one)
    pulse.remove(one)
    await clock.advance(5_000)
    expect([clock.pending, pulse.size]).toEqual([0, 0])
  })
})
