// Judging beside the event loop: what takes too long, what ends, what cannot be sent.
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../../test/doubles/manual-clock.ts'
import { digestsOf } from './digests.ts'
import { judge } from './judge.ts'
import { createJudging, type JudgingOptions, type Question, type Said, sameThread, threadAt } from './judging.ts'

const tool = (description: string) => ({ name: 'tool', description, inputSchema: { type: 'object' } })
const entry = new URL('../../../../dist/assembly/contract-worker.js', import.meta.url)

/** Threads that do what the test says. */
function scripted() {
  const threads: { asked: Question[]; ended: boolean; said: (said: Said) => void; lost: (reason: string) => void }[] = []
  const start: JudgingOptions['start'] = (said, lost) => {
    const thread = { asked: [] as Question[], ended: false, said, lost }
    threads.push(thread)
    return {
      ask: (question) => void thread.asked.push(question),
      end: () => {
        thread.ended = true
      },
    }
  }
  return { threads, start }
}

describe('judging', () => {
  it('what takes too long is unknown, and the next question has a new thread', async () => {
    const clock = new ManualClock()
    const { threads, start } = scripted()
    const judging = createJudging({ clock, start, limitMs: 100 })
    const first = judging.judge(tool('a'), tool('b'))
    const second = judging.judge(tool('a'), tool('c'))
    threads[0]?.said({ ready: true })
    await clock.advance(100)
    expect(await first).toMatchObject({ verdict: 'unknown', spent: true, changes: [] })
    expect(threads[0]?.ended).toBe(true)
    // What the old one says now is heard by nobody.
    threads[0]?.said({ judgement: judge(tool('a'), tool('a')) })
    threads[1]?.said({ ready: true })
    expect(threads[1]?.asked).toHaveLength(1)
    threads[1]?.said({ judgement: judge(tool('a'), tool('c')) })
    expect(await second).toMatchObject({ verdict: 'behavioural', spent: false })
    expect(clock.pending).toBe(0)
  })

  it('a thread that ends, or does not start, is an error of the question that it had', async () => {
    const clock = new ManualClock()
    const { threads, start } = scripted()
    const judging = createJudging({ clock, start, limitMs: 100 })
    const first = judging.judge(tool('a'), tool('b'))
    threads[0]?.said({ ready: true })
    threads[0]?.lost('out of memory')
    expect(await first).toMatchObject({ verdict: 'unknown', error: 'out of memory', spent: false })
    const second = judging.judge(tool('a'), tool('b'))
    await clock.advance(200)
    expect(await second).toMatchObject({ verdict: 'unknown', error: 'the thread did not start' })
  })

  it('a failure of the judge is an answer', async () => {
    const { threads, start } = scripted()
    const judging = createJudging({ clock: new ManualClock(), start })
    const first = judging.judge(tool('a'), tool('b'), { reading: 'strict' })
    threads[0]?.said({ ready: true })
    threads[0]?.said({ failed: 'Maximum call stack size exceeded' })
    expect(await first).toMatchObject({ verdict: 'unknown', error: 'Maximum call stack size exceeded' })
    const throwing = createJudging({
      clock: new ManualClock(),
      start: sameThread(() => {
        throw new Error('a bug')
      }),
    })
    expect(await throwing.judge(tool('a'), tool('b'))).toMatchObject({ verdict: 'unknown', error: 'a bug' })
  })

  it('is closed once, and what waits is answered', async () => {
    const { threads, start } = scripted()
    const judging = createJudging({ clock: new ManualClock(), start, most: 1 })
    const asked = [judging.judge(tool('a'), tool('b')), judging.judge(tool('a'), tool('c')), judging.judge(tool('a'), tool('d'))]
    expect(await asked[2]).toMatchObject({ verdict: 'unknown', error: 'too many changes wait to be judged' })
    await judging.close()
    for (const one of asked.slice(0, 2)) expect(await one).toMatchObject({ verdict: 'unknown', error: 'the judge is closed' })
    expect(threads[0]?.ended).toBe(true)
    expect(await judging.judge(tool('a'), tool('b'))).toMatchObject({ error: 'the judge is closed' })
  })

  it('in the same thread it says the same', async () => {
    const judging = createJudging({ clock: new ManualClock(), start: sameThread(judge) })
    expect(await judging.judge(tool('a'), tool('b'))).toEqual(judge(tool('a'), tool('b')))
  })
})

describe('a real thread', () => {
  it('says what the judge says, and ends in the middle of what takes long', async () => {
    const clock = new ManualClock()
    const judging = createJudging({ clock, start: threadAt(entry) })
    const added = { ...tool('a'), inputSchema: { type: 'object', properties: { z: { type: 'boolean' } } } }
    expect(await judging.judge(tool('a'), added)).toEqual(judge(tool('a'), added))
    const late = judging.judge(tool('a'), added)
    // Nothing that the thread says arrives before the turn of the event loop is over.
    await clock.advance(2_000)
    expect(await late).toMatchObject({ verdict: 'unknown', spent: true })
    // The next one is another thread.
    expect((await judging.judge(tool('a'), added)).old).toEqual(digestsOf(tool('a')))
    await judging.close()
  })

  it('what is too deep to be sent is unknown', async () => {
    const judging = createJudging({ clock: new ManualClock(), start: threadAt(entry) })
    let deep: unknown = {}
    for (let level = 0; level < 200_000; level += 1) deep = { a: deep }
    const judged = await judging.judge(tool('a'), { ...tool('a'), inputSchema: deep })
    expect(judged.verdict).toBe('unknown')
    expect(judged.error).toBeDefined()
    expect((await judging.judge(tool('a'), tool('b'))).verdict).toBe('behavioural')
    await judging.close()
  })

  it('a thread that cannot be started is an error', async () => {
    const judging = createJudging({ clock: new ManualClock(), start: threadAt(new URL('nowhere.js', entry)) })
    expect(await judging.judge(tool('a'), tool('b'))).toMatchObject({ verdict: 'unknown', spent: false })
    await judging.close()
  })
})
