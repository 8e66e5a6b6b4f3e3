import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { Heartbeat } from '../http/heartbeat.ts'
import { RingBudget } from './ring-budget.ts'
import { EventStream } from './stream.ts'

function streams(mostBytes: number) {
  const budget = new RingBudget(mostBytes)
  const dropped: string[] = []
  const report = {
    log: () => {},
    counters: { add: (name: string, labels: object) => void dropped.push(`${name} ${Object.values(labels)}`) },
  }
  const heartbeat = new Heartbeat(new ManualClock(), 15_000)
  const stream = (id: string) => new EventStream({ id, primes: true, heartbeat, report, budget })
  return { budget, dropped, stream }
}

const event = Buffer.alloc(1_000, 0x20)

describe('the rings of all sessions together', () => {
  it('hold no more than their budget, however many there are; the ring that began first lets go first', () => {
    const { budget, dropped, stream } = streams(50_000)
    const made = Array.from({ length: 1_000 }, (_, n) => stream(`s${n}`))
    for (const one of made) {
      one.send(event, false)
      expect(budget.bytes).toBeLessThanOrEqual(50_000)
    }
    expect(made[0]?.bytes).toBe(0)
    expect(made.at(-1)?.bytes).toBe(1_000)
    expect(made.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(budget.bytes)
    expect(dropped.filter((one) => one === 'events_dropped legacy_ring')).toHaveLength(1_000 - budget.bytes / 1_000)
  })

  it('let go of what a client had already before anything that it had not', () => {
    const { dropped, stream } = streams(10_000)
    const waiting = stream('away')
    waiting.send(event, false)
    const read = stream('read')
    const res = {
      req: { headers: {} },
      writeHead() {},
      write() {},
      on() {},
      end() {},
      flushHeaders() {},
      writableLength: 0,
      destroyed: false,
    }
    read.attach(res as never)
    for (let n = 0; n < 12; n += 1) read.send(event, false)
    expect([waiting.bytes, read.bytes < 12_000]).toEqual([1_000, true])
    stream('late').send(Buffer.alloc(9_500), false)
    expect(waiting.bytes + read.bytes).toBe(0)
    expect(dropped).toEqual(['events_dropped legacy_ring'])
  })

  it('give back what a stream held that is forgotten, and a stream whose end is gone is not offered again', () => {
    const { budget, stream } = streams(5_000)
    const first = stream('first')
    first.send(event, false)
    first.finish()
    expect(first.hasAfter(0)).toBe(true)
    first.discard()
    expect(budget.bytes).toBe(0)
    expect(first.hasAfter(0)).toBe(false)
  })
})
