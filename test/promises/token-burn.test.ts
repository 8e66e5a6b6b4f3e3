// A run that burns ten times the tokens of a usual one is stopped by the budget; the usual one beside it, of the same program, is not.
import { afterEach, describe, expect } from 'vitest'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { modern } from '../peers/raw.ts'
import { plainTool, type Scripted, startScripted, textResult } from '../peers/scripted.ts'
import { promise } from './promise.ts'

let upstream: Scripted
let gateway: UnderTest
afterEach(async () => {
  await gateway.stop()
  await upstream.close()
})

const budget = 20_000
const text = (words: number): string => 'word '.repeat(words)

describe.each(['modern', 'legacy'] as const)('a budget of tokens of a run (server: %s)', (era) => {
  promise(['R91', 'R95'], 'stops what burns 50,000, and does not touch a run that uses 5,000', async () => {
    upstream = await startScripted({
      era,
      tools: [plainTool('fetch')],
      call: ({ params, answer }) => answer(textResult(text(params.arguments.words))),
    })
    gateway = await startUnderTest({ servers: { up: { url: upstream.url } }, budgets: { run: { tokens: budget } } })
    const call = async (run: string, words: number) => {
      const asking = { mount: '/up', headers: { 'signalbox-run': run } }
      const { result } = (await modern(gateway.base, 'tools/call', { name: 'fetch', arguments: { words } }, asking)).message
      return { told: result._meta?.['signalbox.dev/budget'], fault: result._meta?.['signalbox.dev/fault'] }
    }
    const faults = []
    for (let n = 0; n < 10; n += 1) {
      expect(await call('usual', 500)).toEqual({ told: undefined, fault: undefined })
      const { fault } = await call('burning', 5_000)
      if (fault !== undefined) faults.push(fault)
    }
    // Once as much is used, nothing of the run goes out.
    expect(faults.length).toBeGreaterThanOrEqual(5)
    for (const { kind, detail, tell_user } of faults) {
      expect(kind).toBe('budget_exhausted')
      expect(detail).toMatchObject({ scope: 'run', unit: 'tokens', limit: budget })
      expect(tell_user).toContain('20000')
    }
    expect(upstream.count('tools/call')).toBe(20 - faults.length)
    expect((await call('usual', 500)).fault).toBeUndefined()
  })
})
