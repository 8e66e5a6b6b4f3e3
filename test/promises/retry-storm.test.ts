// Two hundred agents of a server that is away, and the same two hundred where nothing is wrong.
import { afterEach, expect } from 'vitest'
import type { Result } from '../peers/clients.ts'
import { startUnderTest } from '../peers/gateway.ts'
import { metric, modern } from '../peers/raw.ts'
import { plainTool, startScripted } from '../peers/scripted.ts'
import { promise } from './promise.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const agents = 200

/** A server that refuses the first so many calls. */
async function world(refused: number) {
  let came = 0
  const up = await startScripted({
    era: 'modern',
    tools: [plainTool('read', { annotations: { readOnlyHint: true } })],
    refuse: (_headers, _params, method) => {
      if (method !== 'tools/call') return undefined
      came += 1
      return came <= refused ? { status: 503, challenge: '' } : undefined
    },
  })
  closers.push(up.close)
  const running = await startUnderTest({
    servers: { up: { url: up.url, era: 'modern', concurrency: agents } },
    // The circuit would hide the storm.
    limits: { breakerFailures: 10_000 },
  })
  closers.push(running.stop)
  const storm = (): Promise<Result[]> =>
    Promise.all(
      Array.from({ length: agents }, async (_, n) => {
        const params = { name: 'read', arguments: { n }, _meta: { 'signalbox.dev/run': `agent ${n}` } }
        return (await modern(running.base, 'tools/call', params, { mount: '/up' })).message.result
      }),
    )
  const repeats = async (): Promise<number> =>
    [...(await metric(running.admin, 'signalbox_retries_total')).values()].reduce((a, b) => a + b, 0)
  return { up, storm, repeats }
}

promise(
  ['R98', 'R96'],
  'a server that is away has at most a tenth more to do, and what is asked again once it is back is answered',
  async () => {
    const { up, storm, repeats } = await world(agents)
    const answers = await storm()
    const more = up.count('tools/call') - agents
    expect(more).toBeGreaterThan(0)
    expect(more).toBeLessThanOrEqual(agents / 10)
    expect(await repeats()).toBe(more)
    // What came after the first two hundred found it back.
    expect(answers.filter(({ isError }) => isError !== true)).toHaveLength(more)
    for (const answer of answers.filter(({ isError }) => isError === true)) {
      expect(answer._meta['signalbox.dev/fault']).toMatchObject({ kind: 'upstream_busy', retryable: true })
    }
    const before = up.count('tools/call')
    expect((await storm()).filter(({ isError }) => isError === true)).toEqual([])
    expect(up.count('tools/call') - before).toBe(agents)
  },
)

promise('R98', 'a server at which nothing is wrong has each call once', async () => {
  const { up, storm, repeats } = await world(0)
  expect((await storm()).filter(({ isError }) => isError === true)).toEqual([])
  expect([up.count('tools/call'), await repeats()]).toEqual([agents, 0])
})
