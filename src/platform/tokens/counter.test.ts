import { createRequire } from 'node:module'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { afterEach, describe, expect, it } from 'vitest'
import { aReport } from '../../../test/doubles/gateway/samples.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { eventually } from '../../../test/peers/processes.ts'
import { createTokenCounter, estimatingCounter } from './counter.ts'
import { countIn, type StartTokenThread, startTokenThread } from './thread.ts'

const json = JSON.stringify(Array.from({ length: 100 }, (_, i) => ({ id: i * 7919, name: `Item number ${i}`, tags: ['red', 'green'] })))
const prose = 'An agent that misreads its own notes can call one tool a hundred times in ten seconds. '.repeat(60)

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

function setting(start?: StartTokenThread) {
  const clock = new ManualClock()
  const { report, counted, logged } = aReport()
  const outcomes: Record<string, number> = {}
  report.counters.add = (name, labels, by = 1) => {
    counted[name] = (counted[name] ?? 0) + by
    const { outcome } = labels as { outcome: string }
    outcomes[outcome] = (outcomes[outcome] ?? 0) + by
  }
  const counter = createTokenCounter({ clock, report, ...(start === undefined ? {} : { start }) })
  closing.push(() => counter.close())
  const told: (number | undefined)[] = []
  const count = (text: string) => counter.count(Buffer.from(text), (tokens) => told.push(tokens))
  return { clock, counter, count, told, outcomes, logged }
}

/** A thread that answers when it is told to. */
function byHand() {
  const threads: { asked: number[]; answer: (counts: readonly number[]) => void; die: (reason: string) => void; ended: boolean }[] = []
  const start: StartTokenThread = (told, lost) => {
    const thread = { asked: [] as number[], answer: told, die: lost, ended: false }
    threads.push(thread)
    return {
      ask: (texts) => {
        thread.asked = texts.map(({ length }) => length)
      },
      end: () => {
        thread.ended = true
      },
    }
  }
  return { threads, start }
}

describe('the thread', () => {
  it('counts as the vocabulary does, but for cuts in large texts', async () => {
    const { clock, count, told, outcomes } = setting()
    const texts = [
      json.slice(0, 1_000),
      prose.slice(0, 900),
      json,
      prose,
      '网关在服务器端限制代理可以使用的数量。'.repeat(50),
      '<|endoftext|>',
      '',
    ]
    for (const text of texts) count(text)
    await clock.advance(5_000)
    expect(await eventually(() => told.length === texts.length)).toBe(true)
    for (const [n, text] of texts.entries()) {
      const exact = countTokens(text, { disallowedSpecial: new Set() })
      expect(Math.abs((told[n] ?? 0) - exact), text.slice(0, 20)).toBeLessThanOrEqual(Math.max(0, exact * 0.02))
    }
    expect(outcomes).toEqual({ counted: texts.length })
  })

  it('counts parts of what is large, in a time that does not grow with it', async () => {
    const { clock, count, told } = setting()
    const large = prose.repeat(200)
    count(large)
    count('a'.repeat(5_000_000))
    await clock.advance(5_000)
    expect(await eventually(() => told.length === 2)).toBe(true)
    const whole = countTokens(prose) * 200
    expect(Math.abs((told[0] ?? 0) - whole) / whole).toBeLessThan(0.05)
    expect(told[1]).toBeGreaterThan(100_000)
  })

  it('that dies is started anew, what was lost is counted, and nobody waits', async () => {
    const dying: StartTokenThread = (told, lost) => {
      const thread = startTokenThread(told, lost)
      starts += 1
      // The first one is ended as the system would end it.
      if (starts === 1) thread.end()
      return thread
    }
    let starts = 0
    const { clock, count, told, outcomes, logged } = setting(dying)
    count('hello world')
    await clock.advance(5_000)
    expect(await eventually(() => told.length === 1)).toBe(true)
    expect([told, outcomes, logged.length]).toEqual([[undefined], { lost: 1 }, 1])
    count('hello world')
    await clock.advance(10_000)
    expect(await eventually(() => told.length === 2)).toBe(true)
    expect([told[1], starts]).toEqual([2, 2])
  })

  it('refers to nothing outside of itself', () => {
    const { countTokens: alone } = createRequire(import.meta.url)('gpt-tokenizer/encoding/o200k_base')
    const made = new Function(`return ${countIn.toString()}`)()
    expect(made(alone, Buffer.from(prose))).toBe(countIn(alone, Buffer.from(prose)))
  })
})

describe('what is asked of it', () => {
  it('waits for the thread, which is started late, and goes out in one piece', async () => {
    const { threads, start } = byHand()
    const { clock, count, told } = setting(start)
    count('a')
    count('ab')
    await clock.advance(4_999)
    expect(threads).toHaveLength(0)
    await clock.advance(1)
    expect(threads[0]?.asked).toEqual([1, 2])
    count('abc')
    expect(threads[0]?.asked).toEqual([1, 2])
    threads[0]?.answer([1, 1])
    expect([told, threads[0]?.asked]).toEqual([[1, 1], [3]])
  })

  it('is dropped where too much waits', async () => {
    const { start } = byHand()
    const { count, told, outcomes } = setting(start)
    for (let n = 0; n < 300; n += 1) count('a')
    expect([told.length, outcomes.dropped]).toEqual([44, 44])
  })

  it('is lost where there is no answer, or no thread, which is then tried ever later', async () => {
    const { threads, start } = byHand()
    const { clock, count, told, outcomes } = setting(start)
    count('a')
    await clock.advance(5_000)
    await clock.advance(60_000)
    expect([told, outcomes, threads[0]?.ended]).toEqual([[undefined], { lost: 1 }, true])
    threads[0]?.answer([7])
    expect(told).toHaveLength(1)
    count('b')
    await clock.advance(9_999)
    expect(threads).toHaveLength(1)
    await clock.advance(1)
    threads[1]?.answer([1])
    expect(told).toEqual([undefined, 1])
    const none = setting(() => {
      throw new Error('no thread')
    })
    none.count('a')
    for (let n = 0; n < 20; n += 1) await none.clock.advance(300_000)
    expect(none.told).toEqual([])
    expect(none.logged.length).toBeGreaterThan(10)
    expect(none.logged.length).toBeLessThan(30)
  })

  it('is not counted any more after the end', async () => {
    const { threads, start } = byHand()
    const { clock, count, counter, told } = setting(start)
    count('a')
    counter.close()
    await clock.advance(60_000)
    count('a')
    expect([threads.length, told]).toEqual([0, [undefined]])
  })
})

it('without a thread what is counted is estimated, at once', () => {
  const told: (number | undefined)[] = []
  estimatingCounter.count(Buffer.from(json), (tokens) => told.push(tokens))
  expect(told).toEqual([estimatingCounter.estimate(Buffer.from(json))])
  expect(estimatingCounter.exact).toBe(false)
})
