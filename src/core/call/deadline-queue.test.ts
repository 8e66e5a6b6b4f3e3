import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { DeadlineQueue } from './deadline-queue.ts'

function setting() {
  const clock = new ManualClock()
  const deadlineQueue = DeadlineQueue.of(clock)
  const told: string[] = []
  const set = (name: string, dueAt: number) => {
    const queued = {
      dueAt,
      due: () => {
        told.push(`${name} at ${clock.mono()}`)
        deadlineQueue.leave(place)
      },
    }
    const place = deadlineQueue.enter(queued)
    return { queued, leave: () => deadlineQueue.leave(place) }
  }
  return { clock, deadlineQueue, told, set }
}

describe('many deadlines', () => {
  it('are told when they are due, the earliest first, on one timer', async () => {
    const { clock, told, set } = setting()
    set('later', 30)
    set('sooner', 10)
    set('also sooner', 9)
    expect(clock.pending).toBe(1)
    await clock.advance(29)
    expect(told).toEqual(['also sooner at 9', 'sooner at 10'])
    await clock.advance(1)
    expect(told).toHaveLength(3)
    expect(clock.pending).toBe(0)
  })

  it('that move out are told at their new time, those that move in as soon as that is told', async () => {
    const { clock, deadlineQueue, told, set } = setting()
    const { queued: out } = set('out', 10)
    const { queued: into } = set('in', 100)
    out.dueAt = 50
    await clock.advance(20)
    expect(told).toEqual([])
    into.dueAt = 30
    deadlineQueue.sooner(into)
    await clock.advance(30)
    expect(told).toEqual(['in at 30', 'out at 50'])
  })

  it('are told also when one before them fails', async () => {
    const { clock, deadlineQueue, told, set } = setting()
    const place = deadlineQueue.enter({
      dueAt: 5,
      due: () => {
        deadlineQueue.leave(place)
        throw new Error('broken')
      },
    })
    set('next', 5)
    set('later', 30)
    await expect(clock.advance(10)).rejects.toThrow('broken')
    await clock.advance(30)
    expect(told.map((one) => one.split(' ')[0])).toEqual(['next', 'later'])
  })

  it('that left do not are told, and leave no timer behind', async () => {
    const { clock, told, set } = setting()
    set('left', 10).leave()
    expect(clock.pending).toBe(0)
    await clock.advance(20)
    expect(told).toEqual([])
  })
})
