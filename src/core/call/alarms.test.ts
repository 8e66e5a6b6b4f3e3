import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../platform/clock/manual-clock.ts'
import { Alarms } from './alarms.ts'

function setting() {
  const clock = new ManualClock()
  const alarms = Alarms.of(clock)
  const rung: string[] = []
  const set = (name: string, dueAt: number) => {
    const alarm = {
      dueAt,
      ring: () => {
        rung.push(`${name} at ${clock.mono()}`)
        alarms.leave(place)
      },
    }
    const place = alarms.enter(alarm)
    return { alarm, leave: () => alarms.leave(place) }
  }
  return { clock, alarms, rung, set }
}

describe('many alarms', () => {
  it('ring when they are due, the earliest first, on one timer', async () => {
    const { clock, rung, set } = setting()
    set('later', 30)
    set('sooner', 10)
    set('also sooner', 9)
    expect(clock.pending).toBe(1)
    await clock.advance(29)
    expect(rung).toEqual(['also sooner at 9', 'sooner at 10'])
    await clock.advance(1)
    expect(rung).toHaveLength(3)
    expect(clock.pending).toBe(0)
  })

  it('that move out ring at their new time, those that move in as soon as that is told', async () => {
    const { clock, alarms, rung, set } = setting()
    const { alarm: out } = set('out', 10)
    const { alarm: into } = set('in', 100)
    out.dueAt = 50
    await clock.advance(20)
    expect(rung).toEqual([])
    into.dueAt = 30
    alarms.sooner(into)
    await clock.advance(30)
    expect(rung).toEqual(['in at 30', 'out at 50'])
  })

  it('ring also when one before them fails', async () => {
    const { clock, alarms, rung, set } = setting()
    const place = alarms.enter({
      dueAt: 5,
      ring: () => {
        alarms.leave(place)
        throw new Error('broken')
      },
    })
    set('next', 5)
    set('later', 30)
    await expect(clock.advance(10)).rejects.toThrow('broken')
    await clock.advance(30)
    expect(rung.map((one) => one.split(' ')[0])).toEqual(['next', 'later'])
  })

  it('that left do not ring, and leave no timer behind', async () => {
    const { clock, rung, set } = setting()
    set('left', 10).leave()
    expect(clock.pending).toBe(0)
    await clock.advance(20)
    expect(rung).toEqual([])
  })
})
