// Agents that are busy as agents are meet no limit where nothing is configured but the production profile: four of them, each with bursts of
// reads, the same list after each step, jobs that are looked at until they are done, and searches that come back.
import { expect } from 'vitest'
import { startInside } from '../peers/inside.ts'
import { plainTool, startScripted, textResult } from '../peers/scripted.ts'
import { promise } from './promise.ts'

interface Asked {
  readonly tool: string
  readonly args: Record<string, unknown>
  /** Until the next one, in ms. */
  readonly thenMs: number
}

/** What one agent asks, one after the other, without end; the same for the same seed. */
function* agent(seed: number): Generator<Asked> {
  let state = seed
  const draw = (below: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return Math.floor((state / 2_147_483_648) * below)
  }
  for (let step = 0; ; step += 1) {
    yield { tool: 'list', args: {}, thenMs: 400 + draw(2_000) }
    for (let n = draw(12); n >= 0; n -= 1) yield { tool: 'read', args: { path: `src/${draw(60)}.ts` }, thenMs: draw(80) }
    for (let n = draw(3); n > 0; n -= 1) yield { tool: 'search', args: { query: `words ${draw(20)}` }, thenMs: 200 + draw(800) }
    // A job that takes up to a minute, looked at four times a second.
    if (step % 5 === 0) for (let n = draw(240); n > 0; n -= 1) yield { tool: 'job', args: { id: step }, thenMs: 250 }
    if (step % 3 === 0) yield { tool: 'write', args: { path: `src/${draw(60)}.ts`, text: `text ${step}` }, thenMs: 1_000 + draw(20_000) }
  }
}

promise(
  ['R93', 'R94'],
  '10,000 calls of agents at work are all let through at the defaults, and a loop is found all the same',
  async () => {
    const names = ['list', 'read', 'search', 'job', 'write']
    const up = await startScripted({ tools: names.map((name) => plainTool(name)), call: ({ answer }) => answer(textResult('done')) })
    const inside = await startInside({ profile: 'production', servers: { up: { url: up.url, era: 'legacy' } } })
    try {
      const agents = [1, 2, 3, 4].map((seed) => ({ sub: `agent ${seed}`, asks: agent(seed) }))
      const refused: unknown[] = []
      for (let n = 0; n < 10_000; n += 1) {
        const { sub, asks } = agents[n % agents.length] as (typeof agents)[number]
        const { tool, args, thenMs } = asks.next().value as Asked
        const { outcome } = await inside.call(sub, `up__${tool}`, args)
        if (outcome.kind !== 'complete') refused.push([n, tool, outcome])
        // They go on beside each other.
        inside.pass(thenMs / agents.length)
      }
      expect(refused).toEqual([])
      expect(up.count('tools/call')).toBe(10_000)
      const kinds: string[] = []
      for (let n = 0; n < 60; n += 1) kinds.push((await inside.call('agent 1', 'up__list', { stuck: true })).outcome.kind)
      expect(kinds).toEqual([...Array(50).fill('complete'), ...Array(10).fill('fault')])
    } finally {
      await inside.stop()
      await up.close()
    }
  },
  120_000,
)
